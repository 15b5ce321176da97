//! What reached whom in the conversations of people, and what they have read of it.

use super::{Dialect, Result, Tx, on, set};
use crate::domain::{ConversationId, MessageId, Timestamp, UserId, WorkspaceId};

/// How far a message came with one of its recipients.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ReceiptRow {
    /// Which message.
    pub message_id: MessageId,
    /// Whose receipt.
    pub user_id: UserId,
    /// When their client fetched it.
    pub delivered_at: Option<Timestamp>,
    /// When they read it.
    pub read_at: Option<Timestamp>,
}

/// How far a message came with all of its recipients.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ReceiptCounts {
    /// Which message.
    pub message_id: MessageId,
    /// How many it goes to.
    pub sent: i64,
    /// How many have fetched it.
    pub delivered: i64,
    /// How many have read it.
    pub read: i64,
}

impl Tx {
    /// Notes to whom a new message goes.
    pub async fn insert_receipts(
        &mut self,
        workspace: WorkspaceId,
        (conversation, message): (ConversationId, MessageId),
        users: &[UserId],
    ) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into receipts (workspace_id, message_id, conversation_id, user_id)
                select $1, $2, $3, value from jsonb_each($4)",
            postgres: "insert into receipts (workspace_id, message_id, conversation_id, user_id)
                select $1, $2, $3, value::bigint from jsonb_array_elements_text($4::jsonb)",
        };
        let sql = SQL.pick(self);
        let users = set(&users)?;
        on!(self, |conn| {
            let query = sqlx::query(sql).bind(workspace).bind(message).bind(conversation).bind(users);
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// The receipts of messages.
    pub async fn load_receipts(&mut self, workspace: WorkspaceId, ids: &[MessageId]) -> Result<Vec<ReceiptRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select message_id, user_id, delivered_at, read_at from receipts
                where workspace_id = $1 and message_id in (select value from jsonb_each($2)) order by message_id, user_id",
            postgres: "select message_id, user_id, delivered_at, read_at from receipts where workspace_id = $1
                  and message_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                order by message_id, user_id",
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// How far messages came, in numbers.
    pub async fn count_receipts(&mut self, workspace: WorkspaceId, ids: &[MessageId]) -> Result<Vec<ReceiptCounts>> {
        const SQL: Dialect = Dialect {
            sqlite: "select message_id, count(*) as sent, count(delivered_at) as delivered, count(read_at) as read
                from receipts where workspace_id = $1 and message_id in (select value from jsonb_each($2))
                group by message_id",
            postgres: "select message_id, count(*) as sent, count(delivered_at) as delivered, count(read_at) as read
                from receipts where workspace_id = $1
                  and message_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                group by message_id",
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// Those of the messages that were not delivered to somebody before.
    pub async fn list_waiting_receipts(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        ids: &[MessageId],
    ) -> Result<Vec<MessageId>> {
        const SQL: Dialect = Dialect {
            sqlite: "select message_id from receipts where workspace_id = $1 and user_id = $2 and delivered_at is null
                and message_id in (select value from jsonb_each($3))",
            postgres:
                "select message_id from receipts where workspace_id = $1 and user_id = $2 and delivered_at is null
                and message_id = any(array(select value::bigint from jsonb_array_elements_text($3::jsonb)))",
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_scalar(sql).bind(workspace).bind(user).bind(ids).fetch_all(conn).await)?)
    }

    /// Notes that somebody's client has fetched messages; gives those that were not fetched before.
    ///
    /// Here and in [`Tx::read_up_to`] the rows are locked in the order of the messages: two marks of one person wait for
    /// each other, and never both.
    pub async fn deliver(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        ids: &[MessageId],
        now: Timestamp,
    ) -> Result<Vec<(ConversationId, MessageId)>> {
        const SQL: Dialect = Dialect {
            sqlite: "update receipts set delivered_at = $4
                where workspace_id = $1 and user_id = $2 and delivered_at is null
                  and message_id in (select value from jsonb_each($3))
                returning conversation_id, message_id",
            postgres: "with held as materialized (select message_id from receipts
                where workspace_id = $1 and user_id = $2 and delivered_at is null
                  and message_id = any(array(select value::bigint from jsonb_array_elements_text($3::jsonb)))
                order by message_id for update)
                update receipts set delivered_at = $4 from held h
                where receipts.workspace_id = $1 and receipts.user_id = $2 and receipts.message_id = h.message_id
                returning receipts.conversation_id, receipts.message_id",
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| {
            sqlx::query_as(sql).bind(workspace).bind(user).bind(ids).bind(now).fetch_all(conn).await
        })?)
    }

    /// Notes how far somebody has read a conversation of people; gives what they had not read before. What was taken back
    /// was not counted any more.
    ///
    /// Their own row among the members is changed first, and so locked: marks of the same person go one by one.
    pub async fn read_up_to(
        &mut self,
        workspace: WorkspaceId,
        (conversation, user): (ConversationId, UserId),
        last: MessageId,
        now: Timestamp,
    ) -> Result<Vec<MessageId>> {
        const MARK: &str = "update members set last_read_id = $4
            where workspace_id = $1 and conversation_id = $2 and user_id = $3 and left_at is null and last_read_id < $4";
        const READ: Dialect = Dialect {
            sqlite: "update receipts set read_at = $5, delivered_at = coalesce(delivered_at, $5)
                where workspace_id = $1 and user_id = $3 and conversation_id = $2 and read_at is null
                  and message_id <= $4
                  and message_id >= (select x.first_message_id from members x
                    where x.workspace_id = $1 and x.conversation_id = $2 and x.user_id = $3)
                returning message_id, (select m.deleted_at is null from messages m
                    where m.workspace_id = $1 and m.id = receipts.message_id)",
            postgres: "with held as materialized (select message_id from receipts
                where workspace_id = $1 and user_id = $3 and conversation_id = $2 and read_at is null
                  and message_id <= $4
                  and message_id >= (select x.first_message_id from members x
                    where x.workspace_id = $1 and x.conversation_id = $2 and x.user_id = $3)
                order by message_id for update)
                update receipts set read_at = $5, delivered_at = coalesce(delivered_at, $5) from held h
                where receipts.workspace_id = $1 and receipts.user_id = $3 and receipts.message_id = h.message_id
                returning receipts.message_id, (select m.deleted_at is null from messages m
                    where m.workspace_id = $1 and m.id = receipts.message_id)",
        };
        const COUNT: &str =
            "update members set unread_count = case when unread_count > $4 then unread_count - $4 else 0 end
            where workspace_id = $1 and conversation_id = $2 and user_id = $3 and left_at is null";
        on!(self, |conn| {
            let query = sqlx::query(MARK).bind(workspace).bind(conversation).bind(user).bind(last);
            query.execute(conn).await.map(drop)
        })?;
        let sql = READ.pick(self);
        let read: Vec<(MessageId, bool)> = on!(self, |conn| {
            let query = sqlx::query_as(sql).bind(workspace).bind(conversation).bind(user).bind(last);
            query.bind(now).fetch_all(conn).await
        })?;
        let counted = read.iter().filter(|(_, is_counted)| *is_counted).count();
        let count = i64::try_from(counted).unwrap_or(i64::MAX);
        on!(self, |conn| {
            let query = sqlx::query(COUNT).bind(workspace).bind(conversation).bind(user).bind(count);
            query.execute(conn).await.map(drop)
        })?;
        Ok(read.into_iter().map(|(id, _)| id).collect())
    }

    /// Notes that a conversation of numbers has been read up to a message, and with it all of what it is joined. False
    /// when that changes nothing: what came in since then stays unread.
    pub async fn read_numbers(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        last: MessageId,
    ) -> Result<bool> {
        const SQL: &str = "update conversations set unread_count = 0
            where workspace_id = $1 and id = $2 and kind = 'numbers' and unread_count > 0 and last_message_id <= $3";
        const PARTS: &str = "update conversations set unread_count = 0
            where workspace_id = $1 and joined_to = $2 and unread_count > 0";
        let read = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(conversation).bind(last);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        if read == 1 {
            on!(self, |conn| sqlx::query(PARTS).bind(workspace).bind(conversation).execute(conn).await.map(drop))?;
        }
        Ok(read == 1)
    }
}
