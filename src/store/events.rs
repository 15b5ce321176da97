//! The append-only log. Units of work record into it; the commit writes it.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Dialect, Result, Tx, on, set};
use crate::domain::{ConversationId, Event, EventId, EventKind, MessageId, Status, Timestamp, WorkspaceId};
use crate::fault::is_sabotaged;

/// An event that its unit of work will write when it commits.
#[derive(Debug, Clone, Serialize)]
pub struct NewEvent {
    /// Whose.
    pub workspace: WorkspaceId,
    /// What happened.
    pub kind: EventKind,
    /// In which conversation.
    pub conversation: Option<ConversationId>,
    /// To which message.
    pub message: Option<MessageId>,
    /// Anything more, without addresses.
    pub data: Value,
    /// When, in microseconds.
    pub at: i64,
}

impl NewEvent {
    /// Something that happened to a conversation.
    pub fn of_conversation(
        workspace: WorkspaceId,
        kind: EventKind,
        conversation: ConversationId,
        now: Timestamp,
    ) -> Self {
        Self { conversation: Some(conversation), ..Self::of_workspace(workspace, kind, now) }
    }

    /// Something that happened in a workspace, and in no conversation.
    pub fn of_workspace(workspace: WorkspaceId, kind: EventKind, now: Timestamp) -> Self {
        Self { workspace, kind, conversation: None, message: None, data: json!({}), at: now.micros() }
    }

    /// Something that happened to a message, which stands there now.
    #[must_use]
    pub fn of_message(self, message: MessageId, status: Status) -> Self {
        self.about(message).with(json!({ "status": status }))
    }

    /// The same, about a message.
    #[must_use]
    pub fn about(mut self, message: MessageId) -> Self {
        self.message = Some(message);
        self
    }

    /// The same, saying more: ids alone, never what a message says.
    #[must_use]
    pub fn with(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
}

#[derive(sqlx::FromRow)]
struct EventRow {
    id: EventId,
    workspace_id: WorkspaceId,
    kind: EventKind,
    conversation_id: Option<ConversationId>,
    message_id: Option<MessageId>,
    data: sqlx::types::Json<Value>,
    at: Timestamp,
}

impl Tx {
    /// Records an event, to be written at the commit. The server's own workspace has no readers, so it has no events.
    pub fn record(&mut self, event: NewEvent) {
        if event.workspace != WorkspaceId::ACCOUNTS {
            self.events.push(event);
        }
    }

    pub(super) async fn write_events(&mut self) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into events (workspace_id, kind, conversation_id, message_id, data, at)
                select value ->> 'workspace', value ->> 'kind', value ->> 'conversation', value ->> 'message',
                    value ->> 'data', value ->> 'at'
                from jsonb_each($1) order by key",
            postgres: "with place as materialized (select pg_advisory_xact_lock_shared(7300,
                    (case when is_called then last_value & 2147483647 else 0 end)::int) from events_id_seq)
                insert into events (workspace_id, kind, conversation_id, message_id, data, at)
                select (value ->> 'workspace')::bigint, value ->> 'kind', (value ->> 'conversation')::bigint,
                    (value ->> 'message')::bigint,
                    value -> 'data', timestamptz 'epoch' + (value ->> 'at')::bigint * interval '1 microsecond'
                from place, jsonb_array_elements($1::jsonb) with ordinality order by ordinality",
        };
        if self.events.is_empty() {
            return Ok(());
        }
        let rows = set(&self.events)?;
        let sql = SQL.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Up to where the log is whole: whatever may still come into sight has a higher id.
    ///
    /// On PostgreSQL each writer, before it draws its first id, takes a shared lock that names the last id drawn by then,
    /// and holds it until its transaction is over. The three statements need their order and a snapshot each: what was
    /// drawn by the first is either still locked at the second, or seen by what reads after it. A lock ahead of the first
    /// brings nothing below it. It may step back for a moment, when a writer was slow to lock, but never behind what comes.
    pub async fn horizon(&mut self) -> Result<EventId> {
        const DRAWN: Dialect = Dialect {
            sqlite: "select coalesce(max(id), 0) from events",
            postgres: "select case when is_called then last_value else 0 end from events_id_seq",
        };
        const OPEN: &str = "select $1 - coalesce(max(($1 - objid::bigint) & 2147483647), 0) from pg_locks
            where locktype = 'advisory' and classid = 7300 and objsubid = 2
              and (($1 - objid::bigint) & 2147483647) < 1073741824
              and database = (select oid from pg_database where datname = current_database())";
        let sql = DRAWN.pick(self);
        let drawn: EventId = on!(self, |conn| sqlx::query_scalar(sql).fetch_one(conn).await)?;
        if !self.is_postgres() || is_sabotaged("events_at_once") {
            return Ok(drawn);
        }
        Ok(on!(self, |conn| sqlx::query_scalar(OPEN).bind(drawn).fetch_one(conn).await)?)
    }

    /// Events after `after`, oldest first, of every workspace: for what follows the whole log.
    pub async fn list_events(&mut self, after: EventId, limit: i64) -> Result<Vec<Event>> {
        const SQL: &str = "select id, workspace_id, kind, conversation_id, message_id, data, at from events
            where id > $1 and id <= $3 order by id limit $2";
        let to = self.horizon().await?;
        let rows: Vec<EventRow> =
            on!(self, |conn| sqlx::query_as(SQL).bind(after).bind(limit).bind(to).fetch_all(conn).await)?;
        Ok(rows.into_iter().map(Event::from).collect())
    }

    /// Events of one workspace after `after` and up to `to`, which is no further than [the horizon](Self::horizon).
    pub async fn list_events_of(
        &mut self,
        workspace: WorkspaceId,
        (after, to): (EventId, EventId),
        limit: i64,
    ) -> Result<Vec<Event>> {
        const SQL: &str = "select id, workspace_id, kind, conversation_id, message_id, data, at from events
            where workspace_id = $1 and id > $2 and id <= $3 order by id limit $4";
        let rows: Vec<EventRow> = on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(workspace).bind(after);
            query.bind(to).bind(limit).fetch_all(conn).await
        })?;
        Ok(rows.into_iter().map(Event::from).collect())
    }
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        Self {
            id: row.id,
            workspace_id: row.workspace_id,
            kind: row.kind,
            conversation_id: row.conversation_id,
            message_id: row.message_id,
            data: row.data.0,
            at: row.at,
        }
    }
}
