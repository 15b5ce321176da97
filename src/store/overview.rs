//! What an overview shows, from the log of events: its cost is that of the span, and of no more than so many events.

use super::{Dialect, Result, Tx, on};
use crate::domain::{EventId, Status, Timestamp, WorkspaceId};

/// How many messages of a minute came to be accepted, or to a status.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MinuteRow {
    /// Minutes since 1970.
    pub minute: i64,
    /// Absent for those that were accepted.
    pub status: Option<Status>,
    /// How many.
    pub messages: i64,
}

/// How long a message took from being accepted to being delivered.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DeliveryRow {
    /// In which minute since 1970 it was delivered.
    pub minute: i64,
    /// Microseconds.
    pub took: i64,
}

impl Tx {
    /// The last event before a time, or none: found by halving the ids, since no index is on the time.
    pub async fn last_event_before(&mut self, at: Timestamp) -> Result<EventId> {
        const FIRST_AFTER: &str = "select at from events where id > $1 order by id limit 1";
        let (mut low, mut high) = (self.first_event().await?.map_or(0, |first| first.0 - 1), self.horizon().await?.0);
        while low < high {
            let middle = low + (high - low) / 2;
            let found: Option<Timestamp> =
                on!(self, |conn| sqlx::query_scalar(FIRST_AFTER).bind(middle).fetch_optional(conn).await)?;
            if found.is_some_and(|found| found < at) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(EventId(low))
    }

    /// The oldest of the newest `most` events of a workspace after one; nothing when there are no more than these.
    pub async fn nth_event_back(
        &mut self,
        workspace: WorkspaceId,
        after: EventId,
        most: i64,
    ) -> Result<Option<EventId>> {
        const SQL: &str =
            "select id from events where workspace_id = $1 and id > $2 order by id desc limit 1 offset $3";
        Ok(on!(self, |conn| {
            sqlx::query_scalar(SQL).bind(workspace).bind(after).bind(most).fetch_optional(conn).await
        })?)
    }

    /// How many messages of the numbers came to be accepted, and to each status, minute by minute.
    pub async fn count_by_minute(
        &mut self,
        workspace: WorkspaceId,
        (after, since): (EventId, Timestamp),
    ) -> Result<Vec<MinuteRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select minute, status, count(*) as messages from (select at / 60000000 as minute,
                    case when kind = 'message.status' then data ->> 'status' end as status
                from events where workspace_id = $1 and id > $2 and at >= $3
                  and (kind = 'message.status'
                    or kind = 'message.accepted' and data ->> 'status' in ('queued', 'scheduled'))) x
                group by minute, status order by minute",
            postgres: "select minute, status, count(*) as messages
                from (select floor(extract(epoch from at) / 60)::bigint as minute,
                    case when kind = 'message.status' then data ->> 'status' end as status
                from events where workspace_id = $1 and id > $2 and at >= $3
                  and (kind = 'message.status'
                    or kind = 'message.accepted' and data ->> 'status' in ('queued', 'scheduled'))) x
                group by minute, status order by minute",
        };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(after).bind(since).fetch_all(conn).await)?)
    }

    /// How long the newest deliveries took, of messages that were to go at once.
    pub async fn list_deliveries_after(
        &mut self,
        workspace: WorkspaceId,
        (after, since): (EventId, Timestamp),
        most: i64,
    ) -> Result<Vec<DeliveryRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select e.at / 60000000 as minute, e.at - m.created_at as took
                from (select id, message_id, at from events where workspace_id = $1 and id > $2 and at >= $3
                    and kind = 'message.status' and data ->> 'status' = 'delivered' order by id desc limit $4) e
                cross join messages m on m.workspace_id = $1 and m.id = e.message_id and m.scheduled_at is null",
            postgres: "select floor(extract(epoch from e.at) / 60)::bigint as minute,
                    (extract(epoch from e.at - m.created_at) * 1000000)::bigint as took
                from (select id, message_id, at from events where workspace_id = $1 and id > $2 and at >= $3
                    and kind = 'message.status' and data ->> 'status' = 'delivered' order by id desc limit $4) e
                join messages m on m.workspace_id = $1 and m.id = e.message_id and m.scheduled_at is null",
        };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| {
            let query = sqlx::query_as(sql).bind(workspace).bind(after).bind(since);
            query.bind(most).fetch_all(conn).await
        })?)
    }

    /// How many dead letters there are; no more than `most` are counted.
    pub async fn count_dead(&mut self, workspace: WorkspaceId, most: i64) -> Result<i64> {
        const SQL: &str = "select count(*) from (select id from messages where workspace_id = $1 and status = 'dead'
            order by updated_at desc, id desc limit $2) x";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(most).fetch_one(conn).await)?)
    }

    /// How many bodies are in quarantine; no more than `most` are counted.
    pub async fn count_quarantined(&mut self, workspace: WorkspaceId, most: i64) -> Result<i64> {
        const SQL: &str = "select count(*) from (select id from quarantine where workspace_id = $1
            order by received_at desc, id desc limit $2) x";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(most).fetch_one(conn).await)?)
    }
}
