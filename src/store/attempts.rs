//! Attempts and what else a message's timeline is made of.

use serde::Serialize;

use super::messages::micros;
use super::{Dialect, Result, Tx, on, set};
use crate::domain::{MessageId, Timestamp, WorkspaceId};

/// An attempt that is about to be made.
#[derive(Debug, Clone, Serialize)]
pub struct NewAttempt {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Of which message.
    pub message: MessageId,
    /// At which provider.
    pub provider: String,
    /// Whether an earlier one may have been taken.
    pub may_duplicate: bool,
}

/// How an attempt ended.
#[derive(Debug, Clone, Serialize)]
pub struct EndedAttempt {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Of which message; it has one open attempt at most.
    pub message: MessageId,
    /// `accepted`, `retry`, `rejected`, `doubtful`, `unknown`.
    pub outcome: &'static str,
    /// Why, without addresses.
    pub reason: Option<String>,
}

/// The name that a provider gave to what an attempt brought it.
#[derive(Debug, Clone, Serialize)]
pub struct NamedAttempt {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Of which message.
    pub message: MessageId,
    /// Which provider.
    pub provider: String,
    /// The name.
    pub name: String,
}

impl NamedAttempt {
    /// The name of what was just tried.
    pub fn of(row: &super::Claimed, name: &str) -> Self {
        Self {
            workspace: row.workspace_id,
            message: row.message_id,
            provider: row.provider.clone(),
            name: name.to_owned(),
        }
    }
}

/// An attempt as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AttemptRow {
    /// Its number, from 1.
    pub number: i64,
    /// At which provider.
    pub provider: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; absent while under way.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<String>,
    /// The provider's name for the message.
    pub reference: Option<String>,
    /// Why, without addresses.
    pub reason: Option<String>,
    /// Whether an earlier one may have been taken.
    pub possible_duplicate: bool,
}

/// Something to stand on a message's timeline.
#[derive(Debug, Clone, Serialize)]
pub struct NewHistory {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Of which message.
    pub message: MessageId,
    /// `status`, `callback`, `lookup`, `webhook`, `note`.
    pub kind: &'static str,
    /// When.
    #[serde(serialize_with = "micros")]
    pub at: Timestamp,
    /// What, without addresses.
    pub data: serde_json::Value,
}

/// An entry of a message's timeline as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct HistoryRow {
    /// `status`, `callback`, `lookup`, `webhook`, `note`.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub data: sqlx::types::Json<serde_json::Value>,
}

/// One sending of a message: by hand it may be sent anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Sending {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Which message.
    pub message: MessageId,
    /// The how manieth sending.
    pub generation: i64,
}

impl Tx {
    /// Writes attempts down before they are made; each gets the next number of its message.
    pub async fn begin_attempts(&mut self, attempts: &[NewAttempt], now: Timestamp) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into attempts (workspace_id, message_id, number, generation, provider, started_at,
                    possible_duplicate)
                select m.workspace_id, m.id, 1 + coalesce((select max(a.number) from attempts a
                        where a.workspace_id = m.workspace_id and a.message_id = m.id), 0),
                    m.generation, x.value ->> 'provider', $2, x.value ->> 'may_duplicate'
                from jsonb_each($1) x
                join messages m on m.workspace_id = x.value ->> 'workspace' and m.id = x.value ->> 'message'",
            postgres: "insert into attempts (workspace_id, message_id, number, generation, provider, started_at,
                    possible_duplicate)
                select m.workspace_id, m.id, 1 + coalesce((select max(a.number) from attempts a
                        where a.workspace_id = m.workspace_id and a.message_id = m.id), 0),
                    m.generation, x.provider, $2, x.may_duplicate
                from jsonb_to_recordset($1::jsonb)
                    as x (workspace bigint, message bigint, provider text, may_duplicate boolean)
                join messages m on m.workspace_id = x.workspace and m.id = x.message",
        };
        let rows = set(&attempts)?;
        let sql = SQL.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(rows).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Writes down how open attempts ended.
    pub async fn end_attempts(&mut self, attempts: &[EndedAttempt], now: Timestamp) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update attempts set ended_at = $2, outcome = x.value ->> 'outcome',
                    reason = x.value ->> 'reason'
                from (select value from jsonb_each($1) limit -1) x
                where attempts.workspace_id = x.value ->> 'workspace' and attempts.message_id = x.value ->> 'message'
                  and attempts.ended_at is null
                  and attempts.number = (select max(a.number) from attempts a
                    where a.workspace_id = x.value ->> 'workspace' and a.message_id = x.value ->> 'message')",
            postgres: "update attempts a set ended_at = $2, outcome = x.outcome, reason = x.reason
                from jsonb_to_recordset($1::jsonb)
                    as x (workspace bigint, message bigint, outcome text, reason text)
                where a.workspace_id = x.workspace and a.message_id = x.message and a.ended_at is null
                  and a.number = (select max(b.number) from attempts b
                    where b.workspace_id = x.workspace and b.message_id = x.message)",
        };
        let rows = set(&attempts)?;
        let sql = SQL.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(rows).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The last sending that a provider named so, of whichever workspace: providers carry for all of them.
    pub async fn find_by_provider_reference(
        &mut self,
        provider: Option<&str>,
        reference: &str,
    ) -> Result<Option<Sending>> {
        const SQL: Dialect = Dialect {
            sqlite: "select a.workspace_id as workspace, a.message_id as message, a.generation
                from workspaces w cross join attempts a
                where a.workspace_id = w.id and a.reference = $1 and ($2 is null or a.provider = $2)
                order by a.message_id desc, a.number desc limit 1",
            postgres: "select a.workspace_id as workspace, a.message_id as message, a.generation
                from workspaces w join attempts a on a.workspace_id = w.id and a.reference = $1
                where $2::text is null or a.provider = $2
                order by a.message_id desc, a.number desc limit 1",
        };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(reference).bind(provider).fetch_optional(conn).await)?)
    }

    /// Of which workspace a message is: for what knows it by a name of ours alone.
    pub async fn find_message_workspace(&mut self, message: MessageId) -> Result<Option<WorkspaceId>> {
        const SQL: Dialect = Dialect {
            sqlite: "select workspace_id from messages where id = $1",
            postgres: "select m.workspace_id from workspaces w join messages m on m.workspace_id = w.id and m.id = $1",
        };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_scalar(sql).bind(message).fetch_optional(conn).await)?)
    }

    /// Which messages a provider has named so already.
    pub async fn list_named(
        &mut self,
        provider: &str,
        names: &[(WorkspaceId, &str)],
    ) -> Result<Vec<(WorkspaceId, String, MessageId)>> {
        const SQL: Dialect = Dialect {
            sqlite: "select distinct a.workspace_id, a.reference, a.message_id from jsonb_each($2) x
                join attempts a on a.workspace_id = x.value ->> 0 and a.reference = x.value ->> 1
                where a.provider = $1",
            postgres: "select distinct a.workspace_id, a.reference, a.message_id from jsonb_array_elements($2::jsonb) x
                join attempts a on a.workspace_id = (x.value ->> 0)::bigint and a.reference = x.value ->> 1
                where a.provider = $1",
        };
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let sql = SQL.pick(self);
        let rows = set(&names)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(provider).bind(rows).fetch_all(conn).await)?)
    }

    /// Gives the last attempts of messages the names that their provider gave.
    pub async fn name_attempts(&mut self, names: &[NamedAttempt]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update attempts set reference = x.value ->> 'name'
                from (select value from jsonb_each($1) limit -1) x
                where attempts.workspace_id = x.value ->> 'workspace' and attempts.message_id = x.value ->> 'message'
                  and attempts.number = (select max(a.number) from attempts a
                    where a.workspace_id = x.value ->> 'workspace' and a.message_id = x.value ->> 'message')",
            postgres: "update attempts set reference = x.value ->> 'name'
                from jsonb_array_elements($1::jsonb) x
                where attempts.workspace_id = (x.value ->> 'workspace')::bigint and attempts.message_id = (x.value ->> 'message')::bigint
                  and attempts.number = (select max(a.number) from attempts a
                    where a.workspace_id = (x.value ->> 'workspace')::bigint and a.message_id = (x.value ->> 'message')::bigint)",
        };
        if names.is_empty() {
            return Ok(());
        }
        let rows = set(&names)?;
        let sql = SQL.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Closes an attempt that nobody will end any more.
    pub async fn abandon_attempts(&mut self, workspace: WorkspaceId, message: MessageId, now: Timestamp) -> Result<()> {
        const SQL: &str = "update attempts set ended_at = $3, outcome = 'unknown', reason = 'sent once more meanwhile'
            where workspace_id = $1 and message_id = $2 and ended_at is null";
        on!(self, |conn| sqlx::query(SQL).bind(workspace).bind(message).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Whether a provider may have taken a message, or brought it to one of its recipients.
    pub async fn may_have_been_taken(&mut self, workspace: WorkspaceId, message: MessageId) -> Result<bool> {
        const SQL: &str = "select count(*) from (
            select 1 as found from attempts where workspace_id = $1 and message_id = $2
                and (outcome is null or outcome in ('doubtful', 'unknown'))
            union all
            select 1 from recipients where workspace_id = $1 and message_id = $2
                and status in ('accepted', 'sent', 'delivered', 'read')) x";
        let found: i64 = on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(message).fetch_one(conn).await)?;
        Ok(found > 0)
    }

    /// The attempts of a message, in order.
    pub async fn list_attempts(&mut self, workspace: WorkspaceId, message: MessageId) -> Result<Vec<AttemptRow>> {
        const SQL: &str =
            "select number, provider, started_at, ended_at, outcome, reference, reason, possible_duplicate
            from attempts where workspace_id = $1 and message_id = $2 order by number";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(message).fetch_all(conn).await)?)
    }

    /// Puts entries on timelines.
    pub async fn add_history(&mut self, entries: &[NewHistory]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into message_events (workspace_id, message_id, kind, at, data)
                select value ->> 'workspace', value ->> 'message', value ->> 'kind', value ->> 'at', value -> 'data'
                from jsonb_each($1) order by key",
            postgres: "insert into message_events (workspace_id, message_id, kind, at, data)
                select (value ->> 'workspace')::bigint, (value ->> 'message')::bigint, value ->> 'kind',
                    timestamptz 'epoch' + (value ->> 'at')::bigint * interval '1 microsecond', value -> 'data'
                from jsonb_array_elements($1::jsonb) with ordinality order by ordinality",
        };
        if entries.is_empty() {
            return Ok(());
        }
        let rows = set(&entries)?;
        let sql = SQL.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The entries of a message's timeline, in the order they were written.
    pub async fn list_history(&mut self, workspace: WorkspaceId, message: MessageId) -> Result<Vec<HistoryRow>> {
        const SQL: &str = "select kind, at, data from message_events
            where workspace_id = $1 and message_id = $2 order by id";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(message).fetch_all(conn).await)?)
    }
}
