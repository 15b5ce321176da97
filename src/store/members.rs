//! Who takes part in a conversation of people. Whoever changes its members, or says something to them, holds the lock
//! of [`Tx::lock_chat`]: so what is said is said to everybody who is there, in the order of its ids.

use std::collections::BTreeSet;

use serde::Serialize;

use super::conversations::LOCK;
use super::{Dialect, Error, NewEvent, Result, Tx, on, set};
use crate::domain::{
    ConversationId, ConversationKind, EventKind, GroupHistory, MemberRole, MessageId, Strangers, Timestamp, UserId,
    WorkspaceId,
};

/// A conversation of people, locked.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ChatRow {
    /// Its id.
    pub id: ConversationId,
    /// `direct` or `group`.
    pub kind: ConversationKind,
    /// The people of a direct one: `u3,u7`.
    pub participants_key: String,
    /// What was said last.
    pub last_message_id: Option<MessageId>,
    /// How much was said.
    pub message_count: i64,
}

impl ChatRow {
    /// The two people of a direct one.
    pub fn pair(&self) -> Vec<UserId> {
        if self.kind == ConversationKind::Direct { read_pair_key(&self.participants_key) } else { Vec::new() }
    }
}

/// Somebody in a conversation.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct MemberRow {
    /// Who.
    pub user_id: UserId,
    /// As what.
    pub role: MemberRole,
    /// Since when.
    pub joined_at: Timestamp,
    /// Since when it is no request.
    pub accepted_at: Option<Timestamp>,
}

/// Somebody who joins.
#[derive(Debug, Clone, Serialize)]
pub struct NewMember {
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: MemberRole,
    /// Whether they have to take it on first.
    pub is_request: bool,
    /// The first message they see.
    pub first: MessageId,
    /// How many messages they do not see.
    pub hidden: i64,
}

/// What a workspace lets people do.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Customs {
    /// What people who are no friends may do.
    pub strangers: Strangers,
    /// What somebody who joins a group sees.
    pub group_history: GroupHistory,
}

/// Names the conversation of two people.
fn pair_key(pair: [UserId; 2]) -> String {
    let [low, high] = if pair[0] < pair[1] { pair } else { [pair[1], pair[0]] };
    format!("u{low},u{high}")
}

fn read_pair_key(key: &str) -> Vec<UserId> {
    let ids = key.split(',').filter_map(|part| part.strip_prefix('u')?.parse().ok());
    ids.map(UserId).collect()
}

impl Tx {
    /// The one conversation of two people, and whether it begins now. It has no members yet then.
    pub async fn ensure_direct(
        &mut self,
        workspace: WorkspaceId,
        pair: [UserId; 2],
        now: Timestamp,
    ) -> Result<(ConversationId, bool)> {
        let key = pair_key(pair);
        if let Some(id) = self.find_direct(workspace, pair).await? {
            return Ok((id, false));
        }
        if self.is_postgres() {
            let names = set(&[&key])?;
            on!(self, |conn| sqlx::query(LOCK).bind(names).execute(conn).await.map(drop))?;
            if let Some(id) = self.find_direct(workspace, pair).await? {
                return Ok((id, false));
            }
        }
        Ok((self.insert_chat(workspace, (ConversationKind::Direct, None, &key), now).await?, true))
    }

    /// The conversation of two people, if there is one.
    pub async fn find_direct(&mut self, workspace: WorkspaceId, pair: [UserId; 2]) -> Result<Option<ConversationId>> {
        let found = self.find_conversations(workspace, BTreeSet::from([pair_key(pair)])).await?;
        Ok(found.into_values().next().map(|place| place.id))
    }

    /// The two people of a direct conversation; nobody when it is none.
    pub async fn find_pair(&mut self, workspace: WorkspaceId, id: ConversationId) -> Result<Vec<UserId>> {
        const SQL: &str = "select participants_key from conversations
            where workspace_id = $1 and id = $2 and kind = 'direct'";
        let key: Option<String> =
            on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(id).fetch_optional(conn).await)?;
        Ok(key.map_or_else(Vec::new, |key| read_pair_key(&key)))
    }

    /// Begins a conversation of people under a key that no other has.
    pub async fn insert_chat(
        &mut self,
        workspace: WorkspaceId,
        (kind, name, key): (ConversationKind, Option<&str>, &str),
        now: Timestamp,
    ) -> Result<ConversationId> {
        const SQL: &str = "insert into conversations (workspace_id, kind, name, participants_key, channels,
                message_count, unread_count, state, created_at, activity_at)
            values ($1, $2, $3, $4, 0, 0, 0, 'open', $5, $5) returning id";
        let id = on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(kind).bind(name).bind(key);
            query.bind(now).fetch_one(conn).await
        })?;
        self.record(NewEvent::of_conversation(workspace, EventKind::ConversationCreated, id, now));
        Ok(id)
    }

    /// Locks a conversation of people; nothing when it is none.
    pub async fn lock_chat(&mut self, workspace: WorkspaceId, id: ConversationId) -> Result<Option<ChatRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, kind, participants_key, last_message_id, message_count from conversations
                where workspace_id = $1 and id = $2 and kind <> 'numbers'",
            postgres: "select id, kind, participants_key, last_message_id, message_count from conversations
                where workspace_id = $1 and id = $2 and kind <> 'numbers' for no key update",
        };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(id).fetch_optional(conn).await)?)
    }

    /// Who is in a conversation, the longest there first.
    pub async fn list_members(&mut self, workspace: WorkspaceId, id: ConversationId) -> Result<Vec<MemberRow>> {
        const SQL: &str = "select user_id, role, joined_at, accepted_at from members
            where workspace_id = $1 and conversation_id = $2 and left_at is null order by joined_at, user_id";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(id).fetch_all(conn).await)?)
    }

    /// Who is in each of those conversations.
    pub async fn load_members(
        &mut self,
        workspace: WorkspaceId,
        ids: &[ConversationId],
    ) -> Result<Vec<(ConversationId, UserId)>> {
        const SQL: Dialect = Dialect {
            sqlite: "select conversation_id, user_id from members where workspace_id = $1 and left_at is null
                and conversation_id in (select value from jsonb_each($2))",
            postgres: "select conversation_id, user_id from members where workspace_id = $1 and left_at is null
                and conversation_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// Puts people into a locked conversation, also those who were there before.
    pub async fn put_members(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        members: &[NewMember],
        now: Timestamp,
    ) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into members (workspace_id, conversation_id, user_id, role, joined_at, accepted_at,
                    first_message_id, hidden_count, last_read_id, unread_count)
                select $1, $2, value ->> 'user', value ->> 'role', $4,
                    case when value ->> 'is_request' then null else $4 end, value ->> 'first', value ->> 'hidden', 0, 0
                from jsonb_each($3) where true
                on conflict (workspace_id, conversation_id, user_id) do update set role = excluded.role,
                    joined_at = excluded.joined_at, accepted_at = excluded.accepted_at, left_at = null,
                    first_message_id = excluded.first_message_id, hidden_count = excluded.hidden_count,
                    unread_count = case when excluded.accepted_at is null then 0 else (select count(*) from receipts r
                        join messages m on m.workspace_id = r.workspace_id and m.id = r.message_id
                            and m.deleted_at is null
                        where r.workspace_id = members.workspace_id and r.user_id = members.user_id
                          and r.conversation_id = members.conversation_id and r.read_at is null
                          and r.message_id >= excluded.first_message_id) end",
            postgres: "insert into members (workspace_id, conversation_id, user_id, role, joined_at, accepted_at,
                    first_message_id, hidden_count, last_read_id, unread_count)
                select $1, $2, x.user, x.role, $4, case when x.is_request then null else $4::timestamptz end, x.first,
                    x.hidden, 0, 0
                from jsonb_to_recordset($3::jsonb) as x (\"user\" bigint, role text, is_request boolean, first bigint,
                    hidden bigint) order by x.user
                on conflict (workspace_id, conversation_id, user_id) do update set role = excluded.role,
                    joined_at = excluded.joined_at, accepted_at = excluded.accepted_at, left_at = null,
                    first_message_id = excluded.first_message_id, hidden_count = excluded.hidden_count,
                    unread_count = case when excluded.accepted_at is null then 0 else (select count(*) from receipts r
                        join messages m on m.workspace_id = r.workspace_id and m.id = r.message_id
                            and m.deleted_at is null
                        where r.workspace_id = members.workspace_id and r.user_id = members.user_id
                          and r.conversation_id = members.conversation_id and r.read_at is null
                          and r.message_id >= excluded.first_message_id) end",
        };
        let sql = SQL.pick(self);
        let rows = set(&members)?;
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(id).bind(rows).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Takes somebody out of a locked conversation; the role goes with them.
    pub async fn remove_member(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        user: UserId,
        now: Timestamp,
    ) -> Result<bool> {
        const SQL: &str = "update members set left_at = $4, role = 'member', unread_count = 0
            where workspace_id = $1 and conversation_id = $2 and user_id = $3 and left_at is null";
        let left = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(id).bind(user).bind(now);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(left == 1)
    }

    /// Makes somebody the owner of a locked group.
    pub async fn make_owner(&mut self, workspace: WorkspaceId, id: ConversationId, user: UserId) -> Result<()> {
        const SQL: &str = "update members set role = 'owner'
            where workspace_id = $1 and conversation_id = $2 and user_id = $3";
        on!(self, |conn| sqlx::query(SQL).bind(workspace).bind(id).bind(user).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Gives a locked group another name.
    pub async fn rename_chat(&mut self, workspace: WorkspaceId, id: ConversationId, name: &str) -> Result<()> {
        const SQL: &str = "update conversations set name = $3 where workspace_id = $1 and id = $2";
        on!(self, |conn| sqlx::query(SQL).bind(workspace).bind(id).bind(name).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Closes a locked group that nobody is in any more.
    pub async fn close_chat(&mut self, workspace: WorkspaceId, id: ConversationId) -> Result<()> {
        const SQL: &str = "update conversations set state = 'closed' where workspace_id = $1 and id = $2";
        on!(self, |conn| sqlx::query(SQL).bind(workspace).bind(id).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Counts one more unread message for everybody in a locked conversation but its author; a request counts nothing.
    pub async fn count_unread(&mut self, workspace: WorkspaceId, id: ConversationId, author: UserId) -> Result<()> {
        const SQL: &str = "update members set unread_count = unread_count + 1
            where workspace_id = $1 and conversation_id = $2 and user_id <> $3 and left_at is null
              and accepted_at is not null";
        on!(self, |conn| sqlx::query(SQL).bind(workspace).bind(id).bind(author).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Takes a request on; what came with it is unread now. False when it was none.
    pub async fn accept_member(
        &mut self,
        workspace: WorkspaceId,
        id: ConversationId,
        user: UserId,
        now: Timestamp,
    ) -> Result<bool> {
        const SQL: &str = "update members set accepted_at = $4, unread_count = (select count(*) from receipts r
                join messages m on m.workspace_id = r.workspace_id and m.id = r.message_id and m.deleted_at is null
                where r.workspace_id = $1 and r.user_id = $3 and r.conversation_id = $2 and r.read_at is null
                  and r.message_id >= members.first_message_id)
            where workspace_id = $1 and conversation_id = $2 and user_id = $3 and left_at is null
              and accepted_at is null";
        let accepted = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(id).bind(user).bind(now);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(accepted == 1)
    }

    /// What a workspace lets people do.
    pub async fn find_customs(&mut self, workspace: WorkspaceId) -> Result<Customs> {
        const SQL: &str = "select strangers, group_history from workspaces where id = $1";
        let found = on!(self, |conn| sqlx::query_as(SQL).bind(workspace).fetch_optional(conn).await)?;
        found.ok_or(Error::Corrupt("no row for a workspace"))
    }
}
