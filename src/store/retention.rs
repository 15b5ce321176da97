//! What is kept for a while only: found by its age, and deleted in bounded sets, so that nothing waits for it long.

use std::time::Duration;

use super::idempotency::KEPT;
use super::{Dialect, Result, Tx, on};
use crate::domain::Timestamp;

/// How long rows are kept; nothing is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// The log of events, as far as search has taken it.
    pub events: Option<Duration>,
    /// Bodies that could not be understood.
    pub quarantine: Option<Duration>,
    /// The names by which a repeat from outside is known.
    pub inbound_events: Option<Duration>,
    /// What the server itself sent: codes, links and notices.
    pub own_messages: Option<Duration>,
    /// What customers' endpoints were told, with the attempts.
    pub webhooks: Option<Duration>,
}

/// How long it is known what somebody did who was nobody: failed sign-ins, recoveries begun.
const ANONYMOUS: Duration = Duration::from_hours(24 * 90);
/// Rows of one statement.
const SET: i64 = 1_000;

/// Deletes the oldest rows of a table by an index on their age. PostgreSQL passes over what another server deletes.
macro_rules! oldest {
    ($table:literal, $key:literal, $age:literal) => {
        Dialect {
            sqlite: concat!(
                "delete from ",
                $table,
                " where (",
                $key,
                ") in (select ",
                $key,
                " from ",
                $table,
                " where ",
                $age,
                " <= $1 order by ",
                $age,
                " limit $2)"
            ),
            postgres: concat!(
                "delete from ",
                $table,
                " where ctid = any(array(select ctid from ",
                $table,
                " where ",
                $age,
                " <= $1 order by ",
                $age,
                " limit $2 for update skip locked))"
            ),
        }
    };
}

/// Deletes what is old among the first rows of a table whose ids are drawn in the order of time.
macro_rules! first {
    ($table:literal, $age:literal, $which:literal) => {
        Dialect {
            sqlite: concat!(
                "delete from ",
                $table,
                " where id in (select id from (select id, ",
                $age,
                " as at from ",
                $table,
                " where ",
                $which,
                " order by id limit $2) x where x.at <= $1)"
            ),
            postgres: concat!(
                "delete from ",
                $table,
                " where id = any(array(select id from (select id, ",
                $age,
                " as at from ",
                $table,
                " where ",
                $which,
                " order by id limit $2 for update skip locked) x where x.at <= $1))"
            ),
        }
    };
}

impl Tx {
    /// Deletes one set of everything that is kept no longer; true when there may be more.
    pub async fn forget_old(&mut self, retention: &Retention, now: Timestamp) -> Result<bool> {
        const KEYS: Dialect = oldest!("idempotency_keys", "workspace_id, caller, key_hash", "created_at");
        const INBOUND: Dialect = oldest!("inbound_events", "workspace_id, endpoint, key_hash", "received_at");
        const QUARANTINE: Dialect = first!("quarantine", "received_at", "id > 0");
        const WEBHOOKS: Dialect = Dialect {
            sqlite: "delete from webhook_deliveries where id in (select id from webhook_deliveries
                where created_at <= $1 and state <> 'waiting' order by created_at limit $2)",
            postgres: "delete from webhook_deliveries where ctid = any(array(select ctid from webhook_deliveries
                where created_at <= $1 and state <> 'waiting' order by created_at limit $2 for update skip locked))",
        };
        const ANONYMOUS_ACTS: Dialect = Dialect {
            sqlite: "delete from audit_log where id in (select id from audit_log
                where actor = 'anonymous' and at <= $1 order by at limit $2)",
            postgres: "delete from audit_log where id = any(array(select id from audit_log
                where actor = 'anonymous' and at <= $1 order by at limit $2 for update skip locked))",
        };
        const SECRETS: Dialect = oldest!("message_secrets", "workspace_id, message_id", "ends_at");
        const BUDGETS: Dialect = oldest!("budgets", "name, key_hash, period", "ends_at");
        let mut has_more = self.forget_usage(now).await?;
        has_more |= self.delete_set(&SECRETS, now).await?;
        has_more |= self.delete_set(&BUDGETS, now).await?;
        has_more |= self.delete_set(&ANONYMOUS_ACTS, now - ANONYMOUS).await?;
        has_more |= self.delete_set(&KEYS, now - KEPT).await?;
        if let Some(kept) = retention.inbound_events {
            has_more |= self.delete_set(&INBOUND, now - kept).await?;
        }
        if let Some(kept) = retention.quarantine {
            has_more |= self.delete_set(&QUARANTINE, now - kept).await?;
        }
        if let Some(kept) = retention.webhooks {
            has_more |= self.delete_set(&WEBHOOKS, now - kept).await?;
        }
        if let Some(kept) = retention.events {
            has_more |= self.forget_events(now - kept).await?;
        }
        Ok(has_more)
    }

    async fn delete_set(&mut self, sql: &Dialect, oldest: Timestamp) -> Result<bool> {
        let sql = sql.pick(self);
        let deleted = on!(self, |conn| {
            sqlx::query(sql).bind(oldest).bind(SET).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(i64::try_from(deleted) == Ok(SET))
    }

    /// Usage counts nobody asks for any more.
    async fn forget_usage(&mut self, now: Timestamp) -> Result<bool> {
        const SQL: Dialect = oldest!("sender_usage", "workspace_id, address_id, minute", "minute");
        let sql = SQL.pick(self);
        let last = now.seconds() / 60 - 2;
        let deleted = on!(self, |conn| {
            sqlx::query(sql).bind(last).bind(SET).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(i64::try_from(deleted) == Ok(SET))
    }

    /// Whoever follows the log has taken what goes: search, and the endpoints of the workspace.
    async fn forget_events(&mut self, oldest: Timestamp) -> Result<bool> {
        const SQL: Dialect = first!(
            "events",
            "at",
            "id <= $3 and id <= coalesce((select min(w.position) from webhook_endpoints w
                where w.workspace_id = events.workspace_id and w.is_enabled = true), id)"
        );
        let mark = self.search_mark().await?;
        let sql = SQL.pick(self);
        let deleted = on!(self, |conn| {
            let query = sqlx::query(sql).bind(oldest).bind(SET).bind(mark);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(i64::try_from(deleted) == Ok(SET))
    }
}
