//! Which provider waiting messages wait for: found by their routes, and moved from one to another in sets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::messages::micros;
use super::outbox::columns;
use super::{Claimed, Dialect, Phase, Result, Tx, on, set};
use crate::domain::{OutboxId, Timestamp};

/// What the providers of a route were asked so far, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail(pub BTreeMap<String, Tried>);

/// What one provider was asked of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// How often it was tried.
    pub tries: i64,
    /// Until when it is left alone.
    pub not_before: Timestamp,
}

/// Which waiting rows of a route are wanted.
#[derive(Debug, Clone, Copy)]
pub struct RouteClaim<'a> {
    /// For which provider they wait.
    pub provider: &'a str,
    /// Which others may carry them, as [`Claimed::route`] has it.
    pub route: &'a str,
    /// 0 codes, 1 single messages, 2 bulk.
    pub lane: i64,
    /// How many at most.
    pub limit: i64,
    /// Now.
    pub now: Timestamp,
}

/// A row that waits for another provider from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The row.
    pub id: OutboxId,
    /// For which provider.
    pub provider: String,
    /// By which others it may be carried, too, as [`Claimed::route`] has it.
    pub route: String,
    /// Until when.
    #[serde(serialize_with = "micros")]
    pub due_at: Timestamp,
    /// Whether an earlier try may have been taken, so that the next one is declared.
    pub may_duplicate: bool,
}

/// How much waits for a provider in one lane.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Queue {
    /// The provider.
    pub provider: String,
    /// 0 codes, 1 single messages, 2 bulk.
    pub lane: i64,
    /// For what.
    pub phase: Phase,
    /// How many rows.
    pub rows: i64,
    /// How many of them are due.
    pub due: i64,
    /// When the first of them is, or was.
    pub oldest: Timestamp,
}

macro_rules! waiting {
    ($which:literal, $lock:literal) => {
        concat!("select ", columns!(), " from outbox where ", $which, $lock)
    };
}

impl Tx {
    /// The names for which anything waits in a phase, those of customers' endpoints included.
    pub async fn list_waiting_names(&mut self, phase: Phase) -> Result<Vec<String>> {
        const SQL: &str = "with recursive found (name) as (
                select min(provider) from outbox where phase = $1
                union all
                select (select min(o.provider) from outbox o where o.phase = $1 and o.provider > found.name)
                from found where found.name is not null)
            select name from found where name is not null";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(phase).fetch_all(conn).await)?)
    }

    /// Those of them for which a message has been due since then.
    pub async fn list_overdue_names(&mut self, phase: Phase, since: Timestamp) -> Result<Vec<String>> {
        const SQL: &str = "with recursive found (name) as (
                select min(provider) from outbox where phase = $1
                union all
                select (select min(o.provider) from outbox o where o.phase = $1 and o.provider > found.name)
                from found where found.name is not null)
            select name from found where name is not null and exists (select 1 from outbox o
                where o.phase = $1 and o.provider = found.name and o.lane in (0, 1, 2) and o.due_at <= $2)";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(phase).bind(since).fetch_all(conn).await)?)
    }

    /// The routes of what waits for a provider and may go to another, each once.
    pub async fn list_waiting_routes(&mut self, provider: &str) -> Result<Vec<String>> {
        const SQL: &str = "with recursive found (route) as (
                select min(route) from outbox where phase = 'send' and route <> '' and provider = $1
                union all
                select (select min(o.route) from outbox o
                    where o.phase = 'send' and o.route <> '' and o.provider = $1 and o.route > found.route)
                from found where found.route is not null)
            select route from found where route is not null";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(provider).fetch_all(conn).await)?)
    }

    /// Locks what is due on a route and was certainly not sent, or is declared if it was; in the order of acceptance.
    pub async fn lock_waiting(&mut self, claim: RouteClaim<'_>) -> Result<Vec<Claimed>> {
        const SQL: Dialect = Dialect {
            sqlite: waiting!(
                "phase = 'send' and route <> '' and provider = $1 and route = $2 and lane = $3 and due_at <= $4
                 and deadline > $4 and not doubt_under_key order by due_at, id limit $5",
                ""
            ),
            postgres: waiting!(
                "phase = 'send' and route <> '' and provider = $1 and route = $2 and lane = $3 and due_at <= $4
                 and deadline > $4 and not doubt_under_key order by due_at, id limit $5",
                " for update skip locked"
            ),
        };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| {
            let query = sqlx::query_as(sql).bind(claim.provider).bind(claim.route).bind(claim.lane);
            query.bind(claim.now).bind(claim.limit).fetch_all(conn).await
        })?)
    }

    /// Locks messages of a lane that wait to be sent by a provider, whenever they are due; the next ones after a row.
    pub async fn lock_all_waiting(
        &mut self,
        (provider, lane): (&str, i64),
        (due_at, after): (Timestamp, OutboxId),
        limit: i64,
    ) -> Result<Vec<Claimed>> {
        const SQL: Dialect = Dialect {
            sqlite: waiting!(
                "phase = 'send' and provider = $1 and lane = $2 and (due_at, id) > ($3, $4)
                 order by due_at, id limit $5",
                ""
            ),
            postgres: waiting!(
                "phase = 'send' and provider = $1 and lane = $2 and (due_at, id) > ($3, $4)
                 order by due_at, id limit $5",
                " for update"
            ),
        };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| {
            sqlx::query_as(sql).bind(provider).bind(lane).bind(due_at).bind(after).bind(limit).fetch_all(conn).await
        })?)
    }

    /// Lets rows that are locked wait for other providers. None of them may be in doubt under a key.
    pub async fn move_work(&mut self, moves: &[Moved]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update outbox set provider = x.value ->> 'provider', route = x.value ->> 'route',
                    due_at = x.value ->> 'due_at', may_duplicate = x.value ->> 'may_duplicate', doubt_under_key = 0,
                    fence = fence + 1
                from (select value from jsonb_each($1) limit -1) x
                where outbox.id = x.value ->> 'id' and outbox.phase = 'send'",
            postgres: "update outbox o set provider = x.provider, route = x.route,
                    due_at = timestamptz 'epoch' + x.due_at * interval '1 microsecond',
                    may_duplicate = x.may_duplicate, doubt_under_key = false, fence = o.fence + 1
                from jsonb_to_recordset($1::jsonb)
                    as x (id bigint, provider text, route text, due_at bigint, may_duplicate boolean)
                where o.id = x.id and o.phase = 'send'",
        };
        if moves.is_empty() {
            return Ok(());
        }
        self.work.extend(moves.iter().map(|moved| moved.provider.clone()));
        let sql = SQL.pick(self);
        let rows = set(&moves)?;
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Which of these rows would overtake one of their conversation that waits elsewhere for its first try, and where.
    pub async fn list_overtaking(&mut self, rows: &[OutboxId], now: Timestamp) -> Result<Vec<(OutboxId, String)>> {
        const SQL: Dialect = Dialect {
            sqlite: "select c.id, (select e.provider from outbox e
                    where e.workspace_id = c.workspace_id and e.conversation_id = c.conversation_id and e.id < c.id
                      and e.phase = 'send' and e.route <> '' and e.tries = 0 and e.due_at <= $2
                    order by e.id desc limit 1) as provider
                from jsonb_each($1) x join outbox c on c.id = x.value",
            postgres: "select c.id, (select e.provider from outbox e
                    where e.workspace_id = c.workspace_id and e.conversation_id = c.conversation_id and e.id < c.id
                      and e.phase = 'send' and e.route <> '' and e.tries = 0 and e.due_at <= $2
                    order by e.id desc limit 1) as provider
                from jsonb_array_elements_text($1::jsonb) x join outbox c on c.id = x.value::bigint",
        };
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let sql = SQL.pick(self);
        let rows = set(&rows)?;
        let found: Vec<(OutboxId, Option<String>)> =
            on!(self, |conn| sqlx::query_as(sql).bind(rows).bind(now).fetch_all(conn).await)?;
        Ok(found.into_iter().filter_map(|(row, provider)| Some((row, provider?))).collect())
    }

    /// How much waits for each provider, lane by lane.
    pub async fn list_queues(&mut self, now: Timestamp) -> Result<Vec<Queue>> {
        const SQL: &str = "select provider, lane, phase, count(*) as rows,
                count(case when due_at <= $1 then 1 end) as due, min(due_at) as oldest
            from outbox where phase in ('send', 'sending', 'lookup') and lane < 3 group by provider, lane, phase";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(now).fetch_all(conn).await)?)
    }
}
