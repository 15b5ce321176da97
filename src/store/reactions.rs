//! What becomes of a chat's message after it was said: reactions, changes, and being taken back.

use super::{Dialect, Result, Tx, on, set};
use crate::domain::{ConversationId, MessageId, Timestamp, UserId, WorkspaceId};

/// One person's emoji on a message.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ReactionRow {
    /// On which message.
    pub message_id: MessageId,
    /// The emoji.
    pub emoji: String,
    /// Whose.
    pub user_id: UserId,
}

/// What a message said before it was changed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct EditRow {
    /// The text.
    pub body: String,
    /// Until when it said so.
    pub replaced_at: Timestamp,
}

impl Tx {
    /// Adds somebody's emoji to a message; false when it was there already.
    pub async fn add_reaction(
        &mut self,
        workspace: WorkspaceId,
        message: MessageId,
        (user, emoji): (UserId, &str),
        now: Timestamp,
    ) -> Result<bool> {
        const SQL: &str = "insert into reactions (workspace_id, message_id, user_id, emoji, at)
            values ($1, $2, $3, $4, $5) on conflict do nothing";
        let added = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(message).bind(user).bind(emoji).bind(now);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(added == 1)
    }

    /// Takes somebody's emoji from a message; false when it was not there.
    pub async fn remove_reaction(
        &mut self,
        workspace: WorkspaceId,
        message: MessageId,
        (user, emoji): (UserId, &str),
    ) -> Result<bool> {
        const SQL: &str =
            "delete from reactions where workspace_id = $1 and message_id = $2 and user_id = $3 and emoji = $4";
        let removed = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(message).bind(user).bind(emoji);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(removed == 1)
    }

    /// The reactions on messages, the oldest first.
    pub async fn load_reactions(&mut self, workspace: WorkspaceId, ids: &[MessageId]) -> Result<Vec<ReactionRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select message_id, emoji, user_id from reactions
                where workspace_id = $1 and message_id in (select value from jsonb_each($2))
                order by message_id, at, user_id, emoji",
            postgres: "select message_id, emoji, user_id from reactions where workspace_id = $1
                  and message_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                order by message_id, at, user_id, emoji collate \"C\"",
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// Lets a locked message say something else, and keeps what it said.
    pub async fn edit_message(
        &mut self,
        workspace: WorkspaceId,
        message: MessageId,
        body: &str,
        now: Timestamp,
    ) -> Result<()> {
        const KEEP: &str = "insert into message_edits (workspace_id, message_id, number, body, replaced_at)
            select m.workspace_id, m.id, (select count(*) + 1 from message_edits e
                where e.workspace_id = $1 and e.message_id = $2), m.body, $3
            from messages m where m.workspace_id = $1 and m.id = $2";
        const EDIT: &str = "update messages set body = $4, edited_at = $3, updated_at = $3
            where workspace_id = $1 and id = $2";
        on!(self, |conn| sqlx::query(KEEP).bind(workspace).bind(message).bind(now).execute(conn).await.map(drop))?;
        on!(self, |conn| {
            let query = sqlx::query(EDIT).bind(workspace).bind(message).bind(now).bind(body);
            query.execute(conn).await.map(drop)
        })?;
        self.forget_entries(workspace, &[message]).await
    }

    /// How many times a message was changed.
    pub async fn count_edits(&mut self, workspace: WorkspaceId, message: MessageId) -> Result<i64> {
        const SQL: &str = "select count(*) from message_edits where workspace_id = $1 and message_id = $2";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(message).fetch_one(conn).await)?)
    }

    /// What a message said before, the oldest first: all of it, which [`Tx::count_edits`] keeps small.
    pub async fn list_edits(&mut self, workspace: WorkspaceId, message: MessageId) -> Result<Vec<EditRow>> {
        const SQL: &str = "select body, replaced_at from message_edits
            where workspace_id = $1 and message_id = $2 order by number";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(message).fetch_all(conn).await)?)
    }

    /// Counts a message that is taken back for nobody any more who has not read it.
    ///
    /// The rows of the members are locked before what they have read is looked at: a mark that is being set is waited
    /// for.
    pub async fn uncount_unread(
        &mut self,
        workspace: WorkspaceId,
        (conversation, message): (ConversationId, MessageId),
    ) -> Result<()> {
        const LOCK: &str = "select user_id from members where workspace_id = $1 and conversation_id = $2
            order by user_id for no key update";
        const SQL: &str = "update members set unread_count = unread_count - 1
            where workspace_id = $1 and conversation_id = $2 and left_at is null and accepted_at is not null
              and unread_count > 0 and first_message_id <= $3
              and user_id in (select r.user_id from receipts r
                where r.workspace_id = $1 and r.message_id = $3 and r.read_at is null)";
        if self.is_postgres() {
            on!(self, |conn| sqlx::query(LOCK).bind(workspace).bind(conversation).execute(conn).await.map(drop))?;
        }
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(conversation).bind(message);
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Takes back everything that a locked message says and ever said; that it was there stays.
    pub async fn empty_message(&mut self, workspace: WorkspaceId, message: MessageId, now: Timestamp) -> Result<()> {
        const EMPTY: &str = "update messages set body = '', subject = null, edited_at = null, deleted_at = $3,
                updated_at = $3
            where workspace_id = $1 and id = $2";
        const CONTENT: [&str; 3] = [
            "delete from attachments where workspace_id = $1 and message_id = $2",
            "delete from message_edits where workspace_id = $1 and message_id = $2",
            "delete from reactions where workspace_id = $1 and message_id = $2",
        ];
        on!(self, |conn| sqlx::query(EMPTY).bind(workspace).bind(message).bind(now).execute(conn).await.map(drop))?;
        self.release_files(workspace, message, now).await?;
        for sql in CONTENT {
            on!(self, |conn| sqlx::query(sql).bind(workspace).bind(message).execute(conn).await.map(drop))?;
        }
        self.forget_entries(workspace, &[message]).await
    }
}
