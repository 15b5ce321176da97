//! Who did what to a conversation, and where it stands with the team.

use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;

use super::messages::micros;
use super::{Dialect, NewEvent, Page, PageRequest, Position, Result, Tx, on, set};
use crate::domain::{
    ActKind, Actor, Caller, ConversationId, ConversationState, EventKind, Timestamp, UserId, WorkspaceId,
};

/// Something that was done, to be stored.
#[derive(Debug, Clone, Serialize)]
pub struct NewAct {
    /// Whose conversation.
    pub workspace: WorkspaceId,
    /// Which conversation.
    pub conversation: ConversationId,
    /// Who did it, as [`crate::domain::Who`] is written, or [`Actor::SYSTEM`].
    pub actor: String,
    /// What was done.
    pub kind: ActKind,
    /// More of it, by ids.
    pub data: Value,
    /// When.
    #[serde(serialize_with = "micros")]
    pub at: Timestamp,
}

impl NewAct {
    /// What the caller did.
    pub fn by(caller: &Caller, conversation: ConversationId, kind: ActKind, data: Value, at: Timestamp) -> Self {
        Self { workspace: caller.workspace, conversation, actor: caller.who.to_string(), kind, data, at }
    }

    /// A conversation that nobody answers any more.
    pub fn unassigned((workspace, conversation): (WorkspaceId, ConversationId), actor: &str, at: Timestamp) -> Self {
        let data = serde_json::json!({ "user": null });
        Self { workspace, conversation, actor: actor.to_owned(), kind: ActKind::Assignee, data, at }
    }

    /// A conversation that the server opened by itself.
    pub fn opened(workspace: WorkspaceId, conversation: ConversationId, at: Timestamp) -> Self {
        let data = serde_json::json!({ "state": ConversationState::Open });
        Self { workspace, conversation, actor: Actor::SYSTEM.to_owned(), kind: ActKind::State, data, at }
    }
}

/// Something that was done.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ActRow {
    /// Its place.
    pub id: i64,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub kind: ActKind,
    /// More of it, by ids.
    pub data: Json<Value>,
    /// When.
    pub at: Timestamp,
}

/// Where a conversation stands with the team.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Bench {
    /// Open, snoozed or closed.
    pub state: ConversationState,
    /// Until when it is snoozed.
    pub snoozed_until: Option<Timestamp>,
    /// Who answers.
    pub assignee_id: Option<UserId>,
}

impl Tx {
    /// Stores what was done, with an event for each conversation.
    pub async fn add_acts(&mut self, acts: &[NewAct]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into conversation_acts (workspace_id, conversation_id, actor, kind, data, at)
                select value ->> 'workspace', value ->> 'conversation', value ->> 'actor', value ->> 'kind',
                    value ->> 'data', value ->> 'at' from json_each($1) order by key",
            postgres: "insert into conversation_acts (workspace_id, conversation_id, actor, kind, data, at)
                select workspace, conversation, actor, kind, data, timestamptz 'epoch' + at * interval '1 microsecond'
                from jsonb_to_recordset($1::jsonb) as x (workspace bigint, conversation bigint, actor text, kind text,
                    data jsonb, at bigint)",
        };
        if acts.is_empty() {
            return Ok(());
        }
        let sql = SQL.pick(self);
        let rows = set(&acts)?;
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        let mut told: Option<ConversationId> = None;
        for act in acts {
            if told != Some(act.conversation) {
                let kind = EventKind::ConversationUpdated;
                self.record(NewEvent::of_conversation(act.workspace, kind, act.conversation, act.at));
            }
            told = Some(act.conversation);
        }
        Ok(())
    }

    /// What was done to a conversation, oldest first.
    pub async fn list_acts(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        page: PageRequest,
    ) -> Result<Page<ActRow>> {
        const SQL: &str = "select id, actor, kind, data, at from conversation_acts
            where workspace_id = $1 and conversation_id = $2 and id > $3 order by id limit $4";
        let (after, limit) = (page.lower_bound().id, page.limit + 1);
        let rows: Vec<ActRow> = on!(self, |conn| {
            sqlx::query_as(SQL).bind(workspace).bind(conversation).bind(after).bind(limit).fetch_all(conn).await
        })?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.at, id: row.id }))
    }

    /// Locks a conversation of the numbers for a change, and tells how it stands.
    pub async fn lock_bench(&mut self, workspace: WorkspaceId, id: ConversationId) -> Result<Option<Bench>> {
        const SQL: Dialect = Dialect {
            sqlite: "select state, snoozed_until, assignee_id from conversations
                where workspace_id = $1 and id = $2 and kind = 'numbers'",
            postgres: "select state, snoozed_until, assignee_id from conversations
                where workspace_id = $1 and id = $2 and kind = 'numbers' for no key update",
        };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(id).fetch_optional(conn).await)?)
    }

    /// Writes where a locked conversation stands now.
    pub async fn put_bench(&mut self, workspace: WorkspaceId, id: ConversationId, bench: &Bench) -> Result<()> {
        const SQL: &str = "update conversations set state = $3, snoozed_until = $4, assignee_id = $5
            where workspace_id = $1 and id = $2";
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(id).bind(bench.state).bind(bench.snoozed_until);
            query.bind(bench.assignee_id).execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Takes from somebody what they answer; each conversation with its act.
    pub async fn free_conversations(
        &mut self,
        workspace: WorkspaceId,
        (user, actor): (UserId, &str),
        now: Timestamp,
    ) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update conversations set assignee_id = null where workspace_id = $1 and assignee_id = $2
                returning id",
            postgres: "update conversations set assignee_id = null
                where workspace_id = $1 and id in (select id from conversations
                    where workspace_id = $1 and assignee_id = $2 order by id for no key update)
                returning id",
        };
        let sql = SQL.pick(self);
        let mut freed: Vec<ConversationId> =
            on!(self, |conn| sqlx::query_scalar(sql).bind(workspace).bind(user).fetch_all(conn).await)?;
        freed.sort_unstable();
        let act = |conversation: ConversationId| NewAct::unassigned((workspace, conversation), actor, now);
        let acts: Vec<NewAct> = freed.into_iter().map(act).collect();
        self.add_acts(&acts).await
    }

    /// Whether a snooze has ended.
    pub async fn has_ended_snooze(&mut self, now: Timestamp) -> Result<bool> {
        const SQL: &str = "select exists (select 1 from conversations where state = 'snoozed' and snoozed_until <= $1)";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(now).fetch_one(conn).await)?)
    }

    /// Opens conversations whose snooze has ended, at most so many; each with its act.
    pub async fn end_snoozes(&mut self, now: Timestamp, limit: i64) -> Result<usize> {
        const SQL: Dialect = Dialect {
            sqlite: "update conversations set state = 'open', snoozed_until = null
                where id in (select id from conversations where state = 'snoozed' and snoozed_until <= $1
                    order by snoozed_until limit $2)
                returning workspace_id, id",
            postgres: "update conversations set state = 'open', snoozed_until = null
                where (workspace_id, id) in (select workspace_id, id from conversations
                    where state = 'snoozed' and snoozed_until <= $1 order by snoozed_until limit $2
                    for update skip locked)
                returning workspace_id, id",
        };
        let sql = SQL.pick(self);
        let mut opened: Vec<(WorkspaceId, ConversationId)> =
            on!(self, |conn| sqlx::query_as(sql).bind(now).bind(limit).fetch_all(conn).await)?;
        opened.sort_unstable();
        let acts: Vec<NewAct> = opened.iter().map(|(workspace, id)| NewAct::opened(*workspace, *id, now)).collect();
        self.add_acts(&acts).await?;
        Ok(opened.len())
    }
}
