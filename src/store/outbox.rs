//! The outbox: what is due, who has it, until when. A claim is a lease; its fencing number shuts out whoever lost it.

use std::time::Duration;

use serde::Serialize;

use super::messages::{micros, micros_or_null};
use super::ways::Trail;
use super::{Dialect, Result, Tx, on, set};
use crate::domain::{ConversationId, MessageId, OutboxId, Timestamp, WorkspaceId};

/// The deadline of what has none: longer than its attempts last.
pub(super) const NO_DEADLINE: Duration = Duration::from_hours(24 * 365);

/// What a row waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Phase {
    /// To be sent when due.
    Send,
    /// Being sent; the lease ends when due.
    Sending,
    /// Unknown; to be asked for when due.
    Lookup,
}

/// A message to be carried.
#[derive(Debug, Clone, Serialize)]
pub struct NewWork {
    /// Which message.
    pub message: MessageId,
    /// Of which conversation.
    pub conversation: ConversationId,
    /// By which provider.
    pub provider: String,
    /// By which others, too, as [`Claimed::route`] has it.
    pub route: String,
    /// 0 codes, 1 single messages, 2 bulk.
    pub lane: i64,
    /// Not before then.
    #[serde(serialize_with = "micros")]
    pub due_at: Timestamp,
    /// Not after then.
    #[serde(serialize_with = "micros")]
    pub deadline: Timestamp,
    /// Whether it may have been taken before.
    pub may_duplicate: bool,
}

/// A row that somebody holds.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Claimed {
    /// The row.
    pub id: OutboxId,
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Which message.
    pub message_id: MessageId,
    /// What it waits for.
    pub phase: Phase,
    /// By which provider.
    pub provider: String,
    /// The providers that may carry it, with commas between them, in the order in which they are tried; empty when it
    /// is one alone.
    pub route: String,
    /// What each of them was asked so far; absent: nothing that it has to wait for.
    #[sqlx(json(nullable))]
    pub trail: Option<Trail>,
    /// 0 codes, 1 single messages, 2 bulk.
    pub lane: i64,
    /// Tries so far, this one included.
    pub tries: i64,
    /// Look-ups so far, this one included.
    pub lookups: i64,
    /// Whoever writes must still have it.
    pub fence: i64,
    /// When it is due.
    pub due_at: Timestamp,
    /// Not after then.
    pub deadline: Timestamp,
    /// Whether an earlier try may have been taken, so that the next one is declared.
    pub may_duplicate: bool,
    /// Whether an earlier try may have been taken, but is known to the provider by its key while that lives.
    pub doubt_under_key: bool,
    /// When the first try began.
    pub first_tried_at: Option<Timestamp>,
    /// Since when it is unknown.
    pub unknown_since: Option<Timestamp>,
}

/// Which due rows are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Of which provider.
    pub provider: &'a str,
    /// How many at most.
    pub limit: i64,
    /// Now.
    pub now: Timestamp,
    /// Until when the lease runs.
    pub until: Timestamp,
}

/// A row that goes on waiting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rescheduled {
    /// The row.
    pub id: OutboxId,
    /// For what.
    pub phase: Phase,
    /// Until when.
    #[serde(serialize_with = "micros")]
    pub due_at: Timestamp,
    /// Whether an earlier try may have been taken, so that the next one is declared.
    pub may_duplicate: bool,
    /// Whether an earlier try may have been taken, but is known to the provider by its key while that lives.
    pub doubt_under_key: bool,
    /// Look-ups so far.
    pub lookups: i64,
    /// Since when it is unknown.
    #[serde(serialize_with = "micros_or_null")]
    pub unknown_since: Option<Timestamp>,
    /// Whether the try that was counted was none.
    pub is_uncounted: bool,
    /// Not after then, from now on; absent: as before.
    #[serde(serialize_with = "micros_or_null")]
    pub deadline: Option<Timestamp>,
    /// By which provider, from now on; absent: as before.
    pub provider: Option<String>,
    /// What the providers were asked so far; absent: as before.
    pub trail: Option<Trail>,
}

/// A lease: the row and the number it was claimed under.
pub type Released = (OutboxId, i64);

/// How much waits in one phase.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Depth {
    /// The phase.
    pub phase: Phase,
    /// How many rows.
    pub rows: i64,
    /// How many of them are due.
    pub due: i64,
    /// The longest overdue.
    pub oldest: Timestamp,
}

macro_rules! columns {
    () => {
        "id, workspace_id, message_id, phase, provider, route, trail, lane, tries, lookups, fence, due_at, deadline,
         may_duplicate, doubt_under_key, first_tried_at, unknown_since"
    };
}
pub(super) use columns;

/// On PostgreSQL the rows are chosen once, before the update: a subquery in its place may run again and take more.
macro_rules! claim {
    ($set:literal, $which:literal) => {
        Dialect {
            sqlite: concat!(
                "update outbox set ",
                $set,
                " where id in (select id from outbox where ",
                $which,
                ") returning ",
                columns!()
            ),
            postgres: concat!(
                "update outbox set ",
                $set,
                " where id = any(array(select id from outbox where ",
                $which,
                " for update skip locked)) returning ",
                columns!()
            ),
        }
    };
}

/// Leaves the work of a set to be carried, for the workspace `$1`.
macro_rules! enqueue {
    (sqlite, $set:literal) => {
        concat!(
            "insert into outbox (workspace_id, kind, phase, provider, route, conversation_id, lane, message_id,
                    due_at, deadline, tries, lookups, fence, may_duplicate, doubt_under_key)
                select $1, 'message', 'send', value ->> 'provider', value ->> 'route', value ->> 'conversation',
                    value ->> 'lane', value ->> 'message', value ->> 'due_at', value ->> 'deadline', 0, 0, 0,
                    value ->> 'may_duplicate', 0
                from jsonb_each(",
            $set,
            ") where true order by key
                on conflict (workspace_id, message_id) do update set phase = 'send', provider = excluded.provider,
                    route = excluded.route, trail = null,
                    due_at = excluded.due_at, deadline = excluded.deadline, tries = 0, lookups = 0,
                    fence = outbox.fence + 1, may_duplicate = excluded.may_duplicate,
                    doubt_under_key = excluded.doubt_under_key, first_tried_at = null,
                    unknown_since = null"
        )
    };
    (postgres, $set:literal) => {
        concat!(
            "insert into outbox (workspace_id, kind, phase, provider, route, conversation_id, lane, message_id,
                    due_at, deadline, tries, lookups, fence, may_duplicate, doubt_under_key)
                select $1, 'message', 'send', provider, route, conversation, lane, message,
                    timestamptz 'epoch' + due_at * interval '1 microsecond',
                    timestamptz 'epoch' + deadline * interval '1 microsecond', 0, 0, 0, may_duplicate, false
                from jsonb_to_recordset(",
            $set,
            "::jsonb) as x (message bigint, conversation bigint, provider text, route text,
                    lane bigint, due_at bigint, deadline bigint, may_duplicate boolean)
                order by message
                on conflict (workspace_id, message_id) do update set phase = 'send', provider = excluded.provider,
                    route = excluded.route, trail = null,
                    due_at = excluded.due_at, deadline = excluded.deadline, tries = 0, lookups = 0,
                    fence = outbox.fence + 1, may_duplicate = excluded.may_duplicate,
                    doubt_under_key = excluded.doubt_under_key, first_tried_at = null,
                    unknown_since = null"
        )
    };
}
pub(super) use enqueue;

/// What is due of the provider `$1` in a lane at the time `$2`, `$3` at most.
macro_rules! lane {
    ($lane:literal, $lock:literal) => {
        concat!(
            "select id from outbox where phase = 'send' and provider = $1 and lane = ",
            $lane,
            " and due_at <= $2 and deadline > $2 order by due_at, id limit $3",
            $lock
        )
    };
}

impl Tx {
    /// Leaves messages to be carried; a message that is there already is carried anew.
    pub async fn enqueue(&mut self, workspace: WorkspaceId, work: &[NewWork]) -> Result<()> {
        const SQL: Dialect = Dialect { sqlite: enqueue!(sqlite, "$2"), postgres: enqueue!(postgres, "$2") };
        if work.is_empty() {
            return Ok(());
        }
        self.leave_work(work);
        let rows = set(&work)?;
        let sql = SQL.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Whoever carries them is woken by the commit.
    pub(super) fn leave_work(&mut self, work: &[NewWork]) {
        for work in work {
            if !self.work.contains(&work.provider) {
                self.work.insert(work.provider.clone());
            }
        }
    }

    /// Whether anything of a provider is due to be sent.
    pub async fn has_due(&mut self, provider: &str, now: Timestamp) -> Result<bool> {
        const SQL: &str = "select exists (select 1 from outbox
                where phase = 'send' and provider = $1 and lane = 0 and due_at <= $2 and deadline > $2)
            or exists (select 1 from outbox
                where phase = 'send' and provider = $1 and lane = 1 and due_at <= $2 and deadline > $2)
            or exists (select 1 from outbox
                where phase = 'send' and provider = $1 and lane = 2 and due_at <= $2 and deadline > $2)";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(provider).bind(now).fetch_one(conn).await)?)
    }

    /// Leases what is due to be sent, lane by lane and in the order of acceptance; the try is counted before it is made.
    pub async fn claim_due(&mut self, claim: Claim<'_>) -> Result<Vec<Claimed>> {
        const SQL: Dialect = Dialect {
            sqlite: concat!(
                "update outbox set phase = 'sending', due_at = $4, tries = tries + 1, fence = fence + 1,
                    first_tried_at = coalesce(first_tried_at, $2)
                 where id in (select * from (",
                lane!("0", ""),
                ") union all select * from (",
                lane!("1", ""),
                ") union all select * from (",
                lane!("2", ""),
                ") limit $3) returning ",
                columns!()
            ),
            postgres: concat!(
                "update outbox set phase = 'sending', due_at = $4, tries = tries + 1, fence = fence + 1,
                    first_tried_at = coalesce(first_tried_at, $2)
                 where id = any(array(select * from (",
                lane!("0", " for update skip locked"),
                ") a union all select * from (",
                lane!("1", " for update skip locked"),
                ") b union all select * from (",
                lane!("2", " for update skip locked"),
                ") c limit $3)) returning ",
                columns!()
            ),
        };
        let sql = SQL.pick(self);
        let mut rows: Vec<Claimed> = on!(self, |conn| {
            let query = sqlx::query_as(sql).bind(claim.provider).bind(claim.now).bind(claim.limit);
            query.bind(claim.until).fetch_all(conn).await
        })?;
        rows.sort_unstable_by_key(|row| (row.lane, row.id));
        Ok(rows)
    }

    /// Leases what is due to be asked for in one lane; the look-up is counted before it is made.
    pub async fn claim_lookups(&mut self, lane: i64, claim: Claim<'_>) -> Result<Vec<Claimed>> {
        const SQL: Dialect = claim!(
            "due_at = $5, lookups = lookups + 1, fence = fence + 1",
            "phase = 'lookup' and provider = $1 and lane = $2 and due_at <= $3 and deadline > $3
                 order by due_at, id limit $4"
        );
        let sql = SQL.pick(self);
        let mut rows: Vec<Claimed> = on!(self, |conn| {
            let query = sqlx::query_as(sql).bind(claim.provider).bind(lane).bind(claim.now).bind(claim.limit);
            query.bind(claim.until).fetch_all(conn).await
        })?;
        rows.sort_unstable_by_key(|row| row.id);
        Ok(rows)
    }

    /// Takes over what its holder has let lapse.
    pub async fn claim_lapsed(&mut self, now: Timestamp, limit: i64) -> Result<Vec<Claimed>> {
        const SQL: Dialect = claim!(
            "fence = fence + 1",
            "phase = 'sending' and kind = 'message' and due_at <= $1 order by due_at limit $2"
        );
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(now).bind(limit).fetch_all(conn).await)?)
    }

    /// Takes what waits beyond its deadline.
    pub async fn claim_expired(&mut self, now: Timestamp, limit: i64) -> Result<Vec<Claimed>> {
        const SQL: Dialect = claim!(
            "fence = fence + 1",
            "phase <> 'sending' and kind = 'message' and deadline <= $1 order by deadline limit $2"
        );
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(now).bind(limit).fetch_all(conn).await)?)
    }

    /// Ends every lease at once: only where no other process can hold one.
    pub async fn lapse_leases(&mut self, now: Timestamp) -> Result<u64> {
        const SQL: &str = "update outbox set due_at = $1 where phase = 'sending' and due_at > $1";
        Ok(on!(self, |conn| sqlx::query(SQL).bind(now).execute(conn).await.map(|done| done.rows_affected()))?)
    }

    /// Locks those leases that are still held under their number, in the order of their ids.
    pub async fn lock_leases(&mut self, leases: &[Released], phase: Phase) -> Result<Vec<OutboxId>> {
        const SQL: Dialect = Dialect {
            sqlite:
                "select o.id from jsonb_each($1) x join outbox o on o.id = x.value ->> 0 and o.fence = x.value ->> 1
                where o.phase = $2 order by o.id",
            postgres: "select o.id from jsonb_array_elements($1::jsonb) x
                join outbox o on o.id = (x.value ->> 0)::bigint and o.fence = (x.value ->> 1)::bigint
                where o.phase = $2 order by o.id for update of o",
        };
        let sql = SQL.pick(self);
        let rows = set(&leases)?;
        Ok(on!(self, |conn| sqlx::query_scalar(sql).bind(rows).bind(phase).fetch_all(conn).await)?)
    }

    /// Locks the row of one message, if it still has one.
    pub async fn lock_work(&mut self, workspace: WorkspaceId, message: MessageId) -> Result<Option<Claimed>> {
        const SQL: Dialect = Dialect {
            sqlite: concat!("select ", columns!(), " from outbox where workspace_id = $1 and message_id = $2"),
            postgres: concat!(
                "select ",
                columns!(),
                " from outbox where workspace_id = $1 and message_id = $2 for update"
            ),
        };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(message).fetch_optional(conn).await)?)
    }

    /// Holds leases longer.
    pub async fn extend_leases(&mut self, leases: &[Released], until: Timestamp) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update outbox set due_at = $2 from (select value from jsonb_each($1) limit -1) x
                where outbox.id = x.value ->> 0 and outbox.fence = x.value ->> 1 and outbox.phase = 'sending'",
            postgres: "update outbox o set due_at = $2 from jsonb_array_elements($1::jsonb) x
                where o.id = (x.value ->> 0)::bigint and o.fence = (x.value ->> 1)::bigint and o.phase = 'sending'",
        };
        let sql = SQL.pick(self);
        let rows = set(&leases)?;
        on!(self, |conn| sqlx::query(sql).bind(rows).bind(until).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Ends the work on rows that are locked.
    pub async fn finish_work(&mut self, rows: &[OutboxId]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "delete from outbox where id in (select value from jsonb_each($1))",
            postgres: "delete from outbox where id = any(array(select value::bigint from jsonb_array_elements_text($1::jsonb)))",
        };
        if rows.is_empty() {
            return Ok(());
        }
        let sql = SQL.pick(self);
        let rows = set(&rows)?;
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Lets rows that are locked wait for something else; whoever held them holds them no more.
    pub async fn reschedule(&mut self, rows: &[Rescheduled]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update outbox set phase = x.value ->> 'phase', due_at = x.value ->> 'due_at',
                    fence = fence + 1, lookups = x.value ->> 'lookups', may_duplicate = x.value ->> 'may_duplicate',
                    doubt_under_key = x.value ->> 'doubt_under_key', unknown_since = x.value ->> 'unknown_since',
                    tries = tries - (x.value ->> 'is_uncounted'),
                    first_tried_at = case when tries > (x.value ->> 'is_uncounted') then first_tried_at end,
                    deadline = coalesce(x.value ->> 'deadline', deadline),
                    provider = coalesce(x.value ->> 'provider', provider),
                    trail = coalesce(x.value ->> 'trail', trail)
                from (select value from jsonb_each($1) limit -1) x where outbox.id = x.value ->> 'id'",
            postgres: "update outbox o set phase = x.phase, due_at = timestamptz 'epoch' + x.due_at * interval '1 microsecond',
                    fence = o.fence + 1, lookups = x.lookups, may_duplicate = x.may_duplicate,
                    doubt_under_key = x.doubt_under_key,
                    unknown_since = timestamptz 'epoch' + x.unknown_since * interval '1 microsecond',
                    tries = o.tries - x.is_uncounted::int,
                    first_tried_at = case when o.tries > x.is_uncounted::int then o.first_tried_at end,
                    deadline = coalesce(timestamptz 'epoch' + x.deadline * interval '1 microsecond', o.deadline),
                    provider = coalesce(x.provider, o.provider), trail = coalesce(x.trail, o.trail)
                from jsonb_to_recordset($1::jsonb)
                    as x (id bigint, phase text, due_at bigint, lookups bigint, may_duplicate boolean,
                        doubt_under_key boolean, unknown_since bigint, is_uncounted boolean, deadline bigint,
                        provider text, trail jsonb)
                where o.id = x.id",
        };
        if rows.is_empty() {
            return Ok(());
        }
        self.work.extend(rows.iter().filter_map(|row| row.provider.clone()));
        let sql = SQL.pick(self);
        let rows = set(&rows)?;
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// How much waits, phase by phase.
    pub async fn outbox_depths(&mut self, now: Timestamp) -> Result<Vec<Depth>> {
        const SQL: &str = "select phase, count(*) as rows, count(case when due_at <= $1 then 1 end) as due,
                min(due_at) as oldest
            from outbox where lane < 3 group by phase";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(now).fetch_all(conn).await)?)
    }
}
