//! Reading messages: threads, lists, and the recipients and attachments of what was listed.

use super::{
    Dialect, MessageContent, MessageRow, Order, Page, PageRequest, Position, RecipientRow, Result, Tx, on, set,
};
use crate::domain::{AddressId, ConversationId, MessageId, WorkspaceId};

macro_rules! messages {
    ($rest:literal) => {
        concat!(
            "select m.id, m.conversation_id, m.direction, m.channel, m.from_id, m.author_id, m.reply_to_id, m.subject, m.body,
                m.segment_count, m.segment_encoding, m.status, m.status_reason, m.is_final, m.possible_duplicate,
                m.policy, m.generation, m.occurred_at, m.scheduled_at, m.deliver_by, m.edited_at,
                m.deleted_at, m.created_at, m.updated_at,
                case when o.phase = 'send' then o.due_at end as next_attempt_at
            from messages m
            left join outbox o on o.workspace_id = m.workspace_id and o.message_id = m.id ",
            $rest
        )
    };
}

fn by_occurrence(row: &MessageRow) -> Position {
    Position { at: row.occurred_at, id: row.id.0 }
}

impl Tx {
    /// Messages of those ids, by id.
    pub async fn load_messages(&mut self, workspace: WorkspaceId, ids: &[MessageId]) -> Result<Vec<MessageRow>> {
        const SQL: Dialect = Dialect {
            sqlite: messages!("where m.workspace_id = $1 and m.id in (select value from json_each($2)) order by m.id"),
            postgres: messages!(
                "where m.workspace_id = $1
                   and m.id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb))) order by m.id"
            ),
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// One message of one conversation, when it does not stand before the first that is to be seen.
    pub async fn find_message(
        &mut self,
        workspace: WorkspaceId,
        (conversation, since): (ConversationId, MessageId),
        message: MessageId,
    ) -> Result<Option<MessageRow>> {
        let rows = self.load_messages(workspace, &[message]).await?;
        Ok(rows.into_iter().find(|row| row.conversation_id == conversation && row.id >= since))
    }

    /// A conversation's messages from the first that is to be seen, ordered by their timestamp and id.
    pub async fn list_thread(
        &mut self,
        workspace: WorkspaceId,
        (conversation, since): (ConversationId, MessageId),
        order: Order,
        page: PageRequest,
    ) -> Result<Page<MessageRow>> {
        const UP: &str = messages!(
            "where m.workspace_id = $1 and m.conversation_id = $2 and (m.occurred_at, m.id) > ($3, $4)
               and m.id >= $6
             order by m.occurred_at, m.id limit $5"
        );
        const DOWN: &str = messages!(
            "where m.workspace_id = $1 and m.conversation_id = $2 and (m.occurred_at, m.id) < ($3, $4)
               and m.id >= $6
             order by m.occurred_at desc, m.id desc limit $5"
        );
        let (sql, bound) = match order {
            Order::Ascending => (UP, page.lower_bound()),
            Order::Descending => (DOWN, page.upper_bound()),
        };
        let limit = page.limit + 1;
        let rows: Vec<MessageRow> = on!(self, |conn| {
            let query = sqlx::query_as(sql).bind(workspace).bind(conversation).bind(bound.at).bind(bound.id);
            query.bind(limit).bind(since).fetch_all(conn).await
        })?;
        Ok(Page::cut(rows, page.limit, by_occurrence))
    }

    /// The message accepted last in a conversation.
    pub async fn find_last_message(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
    ) -> Result<Option<MessageRow>> {
        const SQL: &str = messages!(
            "join conversations c on c.workspace_id = m.workspace_id and c.last_message_id = m.id
             where m.workspace_id = $1 and c.id = $2"
        );
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(conversation).fetch_optional(conn).await)?)
    }

    /// Every outbound text, newest first by timestamp.
    pub async fn list_sent_texts(&mut self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<MessageRow>> {
        const SQL: &str = messages!(
            "where m.workspace_id = $1 and m.direction = 'outbound' and m.channel in ('sms', 'mms')
               and (m.occurred_at, m.id) < ($2, $3)
             order by m.occurred_at desc, m.id desc limit $4"
        );
        let before = page.upper_bound();
        let limit = page.limit + 1;
        let rows: Vec<MessageRow> = on!(self, |conn| {
            sqlx::query_as(SQL).bind(workspace).bind(before.at).bind(before.id).bind(limit).fetch_all(conn).await
        })?;
        Ok(Page::cut(rows, page.limit, by_occurrence))
    }

    /// Every text of the conversations that an address takes part in, newest first by timestamp.
    pub async fn list_texts_of(
        &mut self,
        workspace: WorkspaceId,
        address: AddressId,
        page: PageRequest,
    ) -> Result<Page<MessageRow>> {
        const SQL: &str = messages!(
            "where m.workspace_id = $1 and m.channel in ('sms', 'mms') and (m.occurred_at, m.id) < ($3, $4)
               and m.conversation_id in
                 (select p.conversation_id from participants p where p.workspace_id = $1 and p.address_id = $2)
             order by m.occurred_at desc, m.id desc limit $5"
        );
        let before = page.upper_bound();
        let limit = page.limit + 1;
        let rows: Vec<MessageRow> = on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(workspace).bind(address).bind(before.at).bind(before.id);
            query.bind(limit).fetch_all(conn).await
        })?;
        Ok(Page::cut(rows, page.limit, by_occurrence))
    }

    /// Messages whose time ran out, newest first.
    pub async fn list_dead(&mut self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<MessageRow>> {
        const SQL: &str = messages!(
            "where m.workspace_id = $1 and m.status = 'dead' and (m.updated_at, m.id) < ($2, $3)
             order by m.updated_at desc, m.id desc limit $4"
        );
        let before = page.upper_bound();
        let limit = page.limit + 1;
        let rows: Vec<MessageRow> = on!(self, |conn| {
            sqlx::query_as(SQL).bind(workspace).bind(before.at).bind(before.id).bind(limit).fetch_all(conn).await
        })?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.updated_at, id: row.id.0 }))
    }

    /// The recipients and attachments of messages.
    pub async fn load_content(&mut self, workspace: WorkspaceId, ids: &[MessageId]) -> Result<MessageContent> {
        const ATTACHMENTS: Dialect = Dialect {
            sqlite: "select message_id, url from attachments
                where workspace_id = $1 and message_id in (select value from json_each($2)) order by message_id, position",
            postgres: "select message_id, url from attachments where workspace_id = $1
                and message_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                order by message_id, position",
        };
        let recipients = self.load_recipients(workspace, ids).await?;
        let sql = ATTACHMENTS.pick(self);
        let ids = set(&ids)?;
        let attachments = on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?;
        Ok(MessageContent { recipients, attachments })
    }

    /// The recipients of messages.
    pub async fn load_recipients(&mut self, workspace: WorkspaceId, ids: &[MessageId]) -> Result<Vec<RecipientRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select message_id, position, kind, address_id, status, status_at, status_reason from recipients
                where workspace_id = $1 and message_id in (select value from json_each($2)) order by message_id, position",
            postgres: "select message_id, position, kind, address_id, status, status_at, status_reason from recipients
                where workspace_id = $1
                  and message_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                order by message_id, position",
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }
}
