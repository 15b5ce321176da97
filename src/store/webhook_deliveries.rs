//! Events on their way to customers' endpoints, and every attempt at them. Who has one, until when, stands in the
//! outbox, as for messages: each endpoint is a provider of its own there, in a lane of its own.

use std::collections::HashMap;

use serde::Serialize;

use super::messages::micros;
use super::{Dialect, Page, PageRequest, Phase, Position, Released, Result, Tx, on, set};
use crate::domain::{
    ConsentId, ConversationId, DeliveryState, EventId, MessageId, OutboxId, Timestamp, WebhookDeliveryId,
    WebhookEndpointId, WebhookEvent, WorkspaceId,
};

/// An event that an endpoint is to be told.
#[derive(Debug, Clone, Serialize)]
pub struct NewWebhookDelivery {
    /// Whose.
    pub workspace: WorkspaceId,
    /// To which endpoint.
    pub endpoint: WebhookEndpointId,
    /// Its place in the log; absent: a ping.
    pub event: Option<EventId>,
    /// What the endpoint knows it by.
    pub name: String,
    /// What happened.
    pub kind: WebhookEvent,
    /// In which conversation.
    pub conversation: Option<ConversationId>,
    /// To which message.
    pub message: Option<MessageId>,
    /// Of which consent.
    pub consent: Option<ConsentId>,
    /// When.
    #[serde(serialize_with = "micros")]
    pub at: Timestamp,
}

/// A delivery as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct WebhookDeliveryRow {
    /// Its id.
    pub id: WebhookDeliveryId,
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// To which endpoint.
    pub endpoint_id: WebhookEndpointId,
    /// What the endpoint knows it by.
    pub name: String,
    /// What happened.
    pub kind: WebhookEvent,
    /// In which conversation.
    pub conversation_id: Option<ConversationId>,
    /// To which message.
    pub message_id: Option<MessageId>,
    /// Of which consent.
    pub consent_id: Option<ConsentId>,
    /// When it happened.
    pub at: Timestamp,
    /// How far it has come.
    pub state: DeliveryState,
    /// When it is tried next.
    pub due_at: Option<Timestamp>,
}

/// An attempt at a delivery as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct WebhookAttemptRow {
    /// At which delivery.
    pub delivery_id: WebhookDeliveryId,
    /// Its number, from 1.
    pub number: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; absent while under way.
    pub ended_at: Option<Timestamp>,
    /// `succeeded`, `failed`, `unknown`.
    pub outcome: Option<String>,
    /// What the endpoint answered with.
    pub status_code: Option<i64>,
    /// How its answer begins, or why there was none.
    pub answer: Option<String>,
}

/// How an attempt at a delivery ended.
#[derive(Debug, Clone, Serialize)]
pub struct EndedWebhookAttempt {
    /// Whose.
    pub workspace: WorkspaceId,
    /// At which delivery; it has one open attempt at most.
    pub delivery: WebhookDeliveryId,
    /// `succeeded`, `failed`, `unknown`.
    pub outcome: &'static str,
    /// What the endpoint answered with.
    pub status_code: Option<u16>,
    /// How its answer begins, or why there was none; without addresses.
    pub answer: Option<String>,
}

/// A delivery that somebody holds.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ClaimedDelivery {
    /// The row of the outbox.
    pub id: OutboxId,
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Which.
    pub delivery_id: WebhookDeliveryId,
    /// Tries so far, this one included.
    pub tries: i64,
    /// Whoever writes must still have it.
    pub fence: i64,
}

/// Which due deliveries are wanted.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryClaim {
    /// To which endpoint.
    pub endpoint: WebhookEndpointId,
    /// How many at most.
    pub limit: i64,
    /// Now.
    pub now: Timestamp,
    /// Until when the lease runs.
    pub until: Timestamp,
}

/// The lane of deliveries in the outbox: no line to a provider claims from it.
macro_rules! lane {
    () => {
        "3"
    };
}

macro_rules! columns {
    () => {
        "d.id, d.workspace_id, d.endpoint_id, d.name, d.kind, d.conversation_id, d.message_id, d.consent_id, d.at,
         d.state"
    };
}

macro_rules! claim {
    ($set:literal, $which:expr) => {
        Dialect {
            sqlite: concat!(
                "update outbox set ",
                $set,
                " where id in (select id from outbox where ",
                $which,
                ") returning id, workspace_id, delivery_id, tries, fence"
            ),
            postgres: concat!(
                "update outbox set ",
                $set,
                " where id = any(array(select id from outbox where ",
                $which,
                " for update skip locked)) returning id, workspace_id, delivery_id, tries, fence"
            ),
        }
    };
}

impl Tx {
    /// Stores deliveries and leaves them to be carried at once. Of conversations between people none is stored.
    pub async fn insert_webhook_deliveries(
        &mut self,
        deliveries: &[NewWebhookDelivery],
        now: Timestamp,
    ) -> Result<Vec<(WorkspaceId, WebhookDeliveryId)>> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into webhook_deliveries (workspace_id, endpoint_id, event_id, name, kind, conversation_id,
                    message_id, consent_id, at, state, created_at)
                select x.value ->> 'workspace', x.value ->> 'endpoint', x.value ->> 'event', x.value ->> 'name',
                    x.value ->> 'kind', x.value ->> 'conversation', x.value ->> 'message', x.value ->> 'consent',
                    x.value ->> 'at', 'waiting', $2
                from jsonb_each($1) x left join conversations c on c.workspace_id = x.value ->> 'workspace'
                    and c.id = x.value ->> 'conversation'
                where c.kind = 'numbers' or x.value ->> 'conversation' is null order by x.key
                on conflict (workspace_id, endpoint_id, event_id) do nothing returning workspace_id, id",
            postgres:
                "insert into webhook_deliveries (workspace_id, endpoint_id, event_id, name, kind, conversation_id,
                    message_id, consent_id, at, state, created_at)
                select x.workspace, x.endpoint, x.event, x.name, x.kind, x.conversation, x.message, x.consent,
                    timestamptz 'epoch' + x.at * interval '1 microsecond', 'waiting', $2
                from jsonb_to_recordset($1::jsonb) as x (workspace bigint, endpoint bigint, event bigint, name text,
                    kind text, conversation bigint, message bigint, consent bigint, at bigint)
                left join conversations c on c.workspace_id = x.workspace and c.id = x.conversation
                where c.kind = 'numbers' or x.conversation is null order by x.event
                on conflict (workspace_id, endpoint_id, event_id) do nothing returning workspace_id, id",
        };
        if deliveries.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, rows) = (SQL.pick(self), set(&deliveries)?);
        let stored: Vec<(WorkspaceId, WebhookDeliveryId)> =
            on!(self, |conn| sqlx::query_as(sql).bind(rows).bind(now).fetch_all(conn).await)?;
        self.enqueue_deliveries(&stored, now).await?;
        Ok(stored)
    }

    /// Leaves deliveries to be carried; gives how many were not waiting already.
    pub async fn enqueue_deliveries(
        &mut self,
        deliveries: &[(WorkspaceId, WebhookDeliveryId)],
        now: Timestamp,
    ) -> Result<u64> {
        const SQL: Dialect = Dialect {
            sqlite: concat!(
                "insert into outbox (workspace_id, kind, phase, provider, lane, delivery_id, due_at, deadline, tries,
                    lookups, fence, may_duplicate, doubt_under_key)
                select d.workspace_id, 'webhook', 'send', 'webhook:' || d.endpoint_id, ",
                lane!(),
                ", d.id, $2, $3, 0, 0, 0, false, false
                from jsonb_each($1) x join webhook_deliveries d on d.workspace_id = x.value ->> 0 and d.id = x.value ->> 1
                where true order by d.id on conflict (workspace_id, delivery_id) do nothing"
            ),
            postgres: concat!(
                "insert into outbox (workspace_id, kind, phase, provider, lane, delivery_id, due_at, deadline, tries,
                    lookups, fence, may_duplicate, doubt_under_key)
                select d.workspace_id, 'webhook', 'send', 'webhook:' || d.endpoint_id, ",
                lane!(),
                ", d.id, $2, $3, 0, 0, 0, false, false
                from jsonb_array_elements($1::jsonb) x join webhook_deliveries d
                    on d.workspace_id = (x.value ->> 0)::bigint and d.id = (x.value ->> 1)::bigint
                order by d.id on conflict (workspace_id, delivery_id) do nothing"
            ),
        };
        if deliveries.is_empty() {
            return Ok(0);
        }
        self.has_news = true;
        let (sql, rows) = (SQL.pick(self), set(&deliveries)?);
        let deadline = now + super::outbox::NO_DEADLINE;
        let queued = on!(self, |conn| {
            let query = sqlx::query(sql).bind(rows).bind(now).bind(deadline);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(queued)
    }

    /// The endpoints for which something is due, each with its workspace.
    pub async fn list_due_endpoints(
        &mut self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<(WorkspaceId, WebhookEndpointId, Option<Timestamp>)>> {
        const SQL: &str = concat!(
            "select w.workspace_id, w.id, w.failing_since from webhook_endpoints w where w.is_enabled = true
              and exists (select 1 from outbox o where o.phase = 'send' and o.provider = 'webhook:' || w.id
                and o.lane = ",
            lane!(),
            " and o.due_at <= $1) order by random() limit $2"
        );
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(now).bind(limit).fetch_all(conn).await)?)
    }

    /// Leases due deliveries of one endpoint; the try is counted before it is made.
    pub async fn claim_deliveries(&mut self, claim: DeliveryClaim) -> Result<Vec<ClaimedDelivery>> {
        const SQL: Dialect = claim!(
            "phase = 'sending', due_at = $4, tries = tries + 1, fence = fence + 1, first_tried_at = coalesce(first_tried_at, $2)",
            concat!(
                "phase = 'send' and provider = $1 and lane = ",
                lane!(),
                " and due_at <= $2 order by due_at, id limit $3"
            )
        );
        let sql = SQL.pick(self);
        let provider = format!("webhook:{}", claim.endpoint);
        let mut rows: Vec<ClaimedDelivery> = on!(self, |conn| {
            let query = sqlx::query_as(sql).bind(provider).bind(claim.now).bind(claim.limit).bind(claim.until);
            query.fetch_all(conn).await
        })?;
        rows.sort_unstable_by_key(|row| row.id);
        Ok(rows)
    }

    /// Takes over the deliveries whose holder has let them lapse.
    pub async fn claim_lapsed_deliveries(&mut self, now: Timestamp, limit: i64) -> Result<Vec<ClaimedDelivery>> {
        const SQL: Dialect = claim!(
            "fence = fence + 1",
            "phase = 'sending' and kind = 'webhook' and due_at <= $1 order by due_at limit $2"
        );
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(now).bind(limit).fetch_all(conn).await)?)
    }

    /// Takes what goes to one endpoint off the queue, in the order of the rows: what waits, and what is in `besides`.
    pub async fn drop_deliveries(
        &mut self,
        (workspace, endpoint): (WorkspaceId, WebhookEndpointId),
        besides: Phase,
        limit: i64,
    ) -> Result<bool> {
        const LOCK: Dialect = Dialect {
            sqlite: concat!(
                "select id, delivery_id from outbox where phase in ('send', $2) and provider = $1 and lane = ",
                lane!(),
                " order by id limit $3"
            ),
            postgres: concat!(
                "select id, delivery_id from outbox where phase in ('send', $2) and provider = $1 and lane = ",
                lane!(),
                " order by id limit $3 for update"
            ),
        };
        let lock = LOCK.pick(self);
        let provider = format!("webhook:{endpoint}");
        let rows: Vec<(OutboxId, WebhookDeliveryId)> =
            on!(self, |conn| sqlx::query_as(lock).bind(provider).bind(besides).bind(limit).fetch_all(conn).await)?;
        let has_more = i64::try_from(rows.len()) == Ok(limit);
        self.finish_work(&rows.iter().map(|(row, _)| *row).collect::<Vec<_>>()).await?;
        let failed: Vec<_> = rows.into_iter().map(|(_, id)| (workspace, id, DeliveryState::Failed)).collect();
        self.move_deliveries(&failed).await?;
        Ok(has_more)
    }

    /// The endpoints that are disabled while something still waits for them.
    pub async fn list_idle_endpoints(&mut self, limit: i64) -> Result<Vec<(WorkspaceId, WebhookEndpointId)>> {
        const SQL: &str = concat!(
            "select w.workspace_id, w.id from webhook_endpoints w where w.is_enabled = false
              and exists (select 1 from outbox o where o.phase = 'send' and o.provider = 'webhook:' || w.id
                and o.lane = ",
            lane!(),
            ") limit $1"
        );
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(limit).fetch_all(conn).await)?)
    }

    /// Writes attempts down before they are made; each gets the next number of its delivery.
    pub async fn begin_webhook_attempts(
        &mut self,
        deliveries: &[(WorkspaceId, WebhookDeliveryId)],
        now: Timestamp,
    ) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into webhook_attempts (workspace_id, delivery_id, number, started_at)
                select x.value ->> 0, x.value ->> 1, 1 + coalesce((select max(a.number) from webhook_attempts a
                    where a.workspace_id = x.value ->> 0 and a.delivery_id = x.value ->> 1), 0), $2
                from jsonb_each($1) x",
            postgres: "insert into webhook_attempts (workspace_id, delivery_id, number, started_at)
                select (x.value ->> 0)::bigint, (x.value ->> 1)::bigint,
                    1 + coalesce((select max(a.number) from webhook_attempts a
                        where a.workspace_id = (x.value ->> 0)::bigint and a.delivery_id = (x.value ->> 1)::bigint), 0), $2
                from jsonb_array_elements($1::jsonb) x",
        };
        let (sql, rows) = (SQL.pick(self), set(&deliveries)?);
        on!(self, |conn| sqlx::query(sql).bind(rows).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Writes down how open attempts ended.
    pub async fn end_webhook_attempts(&mut self, attempts: &[EndedWebhookAttempt], now: Timestamp) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update webhook_attempts set ended_at = $2, outcome = x.value ->> 'outcome',
                    status_code = x.value ->> 'status_code', answer = x.value ->> 'answer'
                from (select value from jsonb_each($1) limit -1) x
                where webhook_attempts.workspace_id = x.value ->> 'workspace'
                  and webhook_attempts.delivery_id = x.value ->> 'delivery' and webhook_attempts.ended_at is null",
            postgres: "update webhook_attempts a set ended_at = $2, outcome = x.outcome, status_code = x.status_code,
                    answer = x.answer
                from jsonb_to_recordset($1::jsonb)
                    as x (workspace bigint, delivery bigint, outcome text, status_code bigint, answer text)
                where a.workspace_id = x.workspace and a.delivery_id = x.delivery and a.ended_at is null",
        };
        let (sql, rows) = (SQL.pick(self), set(&attempts)?);
        on!(self, |conn| sqlx::query(sql).bind(rows).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Writes how far deliveries have come.
    pub async fn move_deliveries(
        &mut self,
        deliveries: &[(WorkspaceId, WebhookDeliveryId, DeliveryState)],
    ) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite:
                "update webhook_deliveries set state = x.value ->> 2 from (select value from jsonb_each($1) limit -1) x
                where webhook_deliveries.workspace_id = x.value ->> 0 and webhook_deliveries.id = x.value ->> 1",
            postgres: "update webhook_deliveries d set state = x.value ->> 2 from jsonb_array_elements($1::jsonb) x
                where d.workspace_id = (x.value ->> 0)::bigint and d.id = (x.value ->> 1)::bigint",
        };
        if deliveries.is_empty() {
            return Ok(());
        }
        let (sql, rows) = (SQL.pick(self), set(&deliveries)?);
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The deliveries behind rows of the outbox that somebody holds.
    pub async fn load_deliveries(
        &mut self,
        ids: &[(WorkspaceId, WebhookDeliveryId)],
    ) -> Result<HashMap<WebhookDeliveryId, WebhookDeliveryRow>> {
        const SQL: Dialect = Dialect {
            sqlite: concat!(
                "select ",
                columns!(),
                ", null as due_at from jsonb_each($1) x join webhook_deliveries d
                    on d.workspace_id = x.value ->> 0 and d.id = x.value ->> 1"
            ),
            postgres: concat!(
                "select ",
                columns!(),
                ", null::timestamptz as due_at from jsonb_array_elements($1::jsonb) x join webhook_deliveries d
                    on d.workspace_id = (x.value ->> 0)::bigint and d.id = (x.value ->> 1)::bigint"
            ),
        };
        let (sql, rows) = (SQL.pick(self), set(&ids)?);
        let rows: Vec<WebhookDeliveryRow> = on!(self, |conn| sqlx::query_as(sql).bind(rows).fetch_all(conn).await)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    /// The deliveries of an endpoint, newest first.
    pub async fn list_webhook_deliveries(
        &mut self,
        workspace: WorkspaceId,
        endpoint: WebhookEndpointId,
        page: PageRequest,
    ) -> Result<Page<WebhookDeliveryRow>> {
        const SQL: &str = concat!(
            "select ",
            columns!(),
            ", case when o.phase = 'send' then o.due_at end as due_at from webhook_deliveries d
            left join outbox o on o.workspace_id = d.workspace_id and o.delivery_id = d.id
            where d.workspace_id = $1 and d.endpoint_id = $2 and d.id < $3 order by d.id desc limit $4"
        );
        let before = page.upper_bound().id;
        let rows: Vec<WebhookDeliveryRow> = on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(workspace).bind(endpoint).bind(before).bind(page.limit + 1);
            query.fetch_all(conn).await
        })?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.at, id: row.id.0 }))
    }

    /// The attempts at deliveries, in order.
    pub async fn list_webhook_attempts(
        &mut self,
        workspace: WorkspaceId,
        deliveries: &[WebhookDeliveryId],
    ) -> Result<Vec<WebhookAttemptRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select delivery_id, number, started_at, ended_at, outcome, status_code, answer from webhook_attempts
                where workspace_id = $1 and delivery_id in (select value from jsonb_each($2)) order by delivery_id, number",
            postgres: "select delivery_id, number, started_at, ended_at, outcome, status_code, answer
                from webhook_attempts where workspace_id = $1
                  and delivery_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                order by delivery_id, number",
        };
        let (sql, ids) = (SQL.pick(self), set(&deliveries)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// The deliveries of an endpoint whose events happened in a span, the end excluded, and that nobody tries any more.
    pub async fn list_replayable(
        &mut self,
        (workspace, endpoint): (WorkspaceId, WebhookEndpointId),
        (from, to): (Timestamp, Timestamp),
        limit: i64,
    ) -> Result<Vec<(WorkspaceId, WebhookDeliveryId)>> {
        const SQL: &str = "select workspace_id, id from webhook_deliveries
            where workspace_id = $1 and endpoint_id = $2 and at >= $3 and at < $4 and state <> 'waiting'
            order by at, id limit $5";
        Ok(on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(workspace).bind(endpoint).bind(from).bind(to).bind(limit);
            query.fetch_all(conn).await
        })?)
    }

    /// One delivery of an endpoint: how far it has come.
    pub async fn find_delivery_state(
        &mut self,
        (workspace, endpoint): (WorkspaceId, WebhookEndpointId),
        id: WebhookDeliveryId,
    ) -> Result<Option<DeliveryState>> {
        const SQL: &str =
            "select state from webhook_deliveries where workspace_id = $1 and endpoint_id = $2 and id = $3";
        Ok(on!(self, |conn| {
            sqlx::query_scalar(SQL).bind(workspace).bind(endpoint).bind(id).fetch_optional(conn).await
        })?)
    }

    /// Locks the leases on deliveries that are still held under their number, in the order of their ids.
    pub async fn lock_deliveries(&mut self, held: &[ClaimedDelivery]) -> Result<Vec<OutboxId>> {
        let leases: Vec<Released> = held.iter().map(|row| (row.id, row.fence)).collect();
        self.lock_leases(&leases, Phase::Sending).await
    }
}
