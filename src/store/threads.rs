//! Reading messages: threads, lists, and the recipients and attachments of what was listed.

use super::types::{Listed, PAGE_BYTES};
use super::{
    AttachmentRow, Dialect, MessageContent, MessageRow, Order, Page, PageRequest, Position, RecipientRow, Result, Tx,
    View, on, set,
};
use crate::domain::{AddressId, ConversationId, FileId, MessageId, RecipientKind, Status, Timestamp, WorkspaceId};

macro_rules! columns {
    () => {
        "m.id, m.conversation_id as own_conversation_id, coalesce(t.joined_to, m.conversation_id) as conversation_id, m.direction, m.channel, m.from_id, m.author_id, m.reply_to_id, m.subject, m.body,
         m.segment_count, m.segment_encoding, m.status, m.status_reason, m.is_final, m.possible_duplicate, m.policy,
         m.generation, m.occurred_at, m.scheduled_at, m.deliver_by, m.edited_at, m.deleted_at, m.created_at, m.updated_at,
         case when o.phase = 'send' then o.due_at end as next_attempt_at"
    };
}

macro_rules! messages {
    ($rest:literal) => {
        concat!(
            "select ",
            columns!(),
            " from messages m
            join conversations t on t.workspace_id = m.workspace_id and t.id = m.conversation_id
            left join outbox o on o.workspace_id = m.workspace_id and o.message_id = m.id ",
            $rest
        )
    };
}

/// One page of messages: the rows are chosen by an index, then cut by the sizes of what they hold, and only those that
/// are left are read. `$1` is the workspace, `$2` and `$3` where the page begins, `$4` its limit and one more, `$5` the
/// bytes it may have, `$6` what else the list asks for.
macro_rules! pages {
    ($chosen:expr, $direction:literal) => {
        concat!(
            "select ",
            columns!(),
            ", p.listed
            from (select s.id, s.at, s.size, count(*) over () as listed,
                    sum(s.size) over (order by s.at ",
            $direction,
            ", s.id ",
            $direction,
            " rows unbounded preceding) - s.size as above
                from (select x.id, x.at, (select octet_length(b.body) + (select coalesce(sum(octet_length(a.url)), 0)
                            from attachments a where a.workspace_id = b.workspace_id and a.message_id = b.id)
                        from messages b where b.workspace_id = $1 and b.id = x.id) as size
                    from (",
            $chosen,
            ") x) s) p
            cross join messages m
            join conversations t on t.workspace_id = m.workspace_id and t.id = m.conversation_id
            left join outbox o on o.workspace_id = m.workspace_id and o.message_id = m.id
            where m.workspace_id = $1 and m.id = p.id and (p.above = 0 or p.above + p.size <= $5)
            order by p.at ",
            $direction,
            ", p.id ",
            $direction
        )
    };
}

/// One page of the messages of one list.
macro_rules! page {
    ($which:literal, by $at:literal $direction:literal) => {
        pages!(
            concat!(
                "select m.id, m.",
                $at,
                " as at from messages m where m.workspace_id = $1 and ",
                $which,
                " order by m.",
                $at,
                " ",
                $direction,
                ", m.id ",
                $direction,
                " limit $4"
            ),
            $direction
        )
    };
}

/// The same of several conversations, whose ids are the set `$6`: at most a page of each is looked at.
macro_rules! joined {
    ($compare:literal, $direction:literal) => {
        Dialect {
            sqlite: pages!(
                concat!(
                    "select m.id, m.occurred_at as at from jsonb_each($6) c cross join messages m
                     where m.id in (select y.id from messages y where y.workspace_id = $1
                        and y.conversation_id = c.value and (y.occurred_at, y.id) ",
                    $compare,
                    " ($2, $3) order by y.occurred_at ",
                    $direction,
                    ", y.id ",
                    $direction,
                    " limit $4) order by m.occurred_at ",
                    $direction,
                    ", m.id ",
                    $direction,
                    " limit $4"
                ),
                $direction
            ),
            postgres: pages!(
                concat!(
                    "select y.id, y.at from jsonb_array_elements_text($6::jsonb) c cross join lateral
                     (select m.id, m.occurred_at as at from messages m where m.workspace_id = $1
                        and m.conversation_id = c.value::bigint and (m.occurred_at, m.id) ",
                    $compare,
                    " ($2, $3) order by m.occurred_at ",
                    $direction,
                    ", m.id ",
                    $direction,
                    " limit $4) y order by y.at ",
                    $direction,
                    ", y.id ",
                    $direction,
                    " limit $4"
                ),
                $direction
            ),
        }
    };
}

/// The recipients and attachments of the messages of a set, each kind by message and position.
macro_rules! content {
    ($which:literal) => {
        concat!(
            "select message_id, position, kind, address_id, status, status_at, status_reason,
                null as url, null as file_id, null as content_id
             from recipients where workspace_id = $1 and message_id ",
            $which,
            " union all select message_id, position, null, null, null, null, null, url, file_id, content_id
             from attachments where workspace_id = $1 and message_id ",
            $which,
            " order by message_id, position"
        )
    };
}

/// A recipient, or an attachment.
#[derive(sqlx::FromRow)]
struct ContentRow {
    message_id: MessageId,
    position: i64,
    kind: Option<RecipientKind>,
    address_id: Option<AddressId>,
    status: Option<Status>,
    status_at: Option<Timestamp>,
    status_reason: Option<String>,
    url: Option<String>,
    file_id: Option<FileId>,
    content_id: Option<String>,
}

impl ContentRow {
    fn put_into(self, content: &mut MessageContent) {
        let Self { message_id, position, status, status_at, status_reason, file_id, content_id, .. } = self;
        if let Some((kind, address_id)) = self.kind.zip(self.address_id) {
            let row = RecipientRow { message_id, position, kind, address_id, status, status_at, status_reason };
            content.recipients.push(row);
        } else if let Some(url) = self.url {
            content.attachments.push(AttachmentRow { message_id, url, file_id, content_id });
        }
    }
}

fn by_occurrence(row: &MessageRow) -> Position {
    Position { at: row.occurred_at, id: row.id.0 }
}

impl Tx {
    /// Messages of those ids, by id.
    pub async fn load_messages(&mut self, workspace: WorkspaceId, ids: &[MessageId]) -> Result<Vec<MessageRow>> {
        const SQL: Dialect = Dialect {
            sqlite: messages!("where m.workspace_id = $1 and m.id in (select value from jsonb_each($2)) order by m.id"),
            postgres: messages!(
                "where m.workspace_id = $1
                   and m.id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb))) order by m.id"
            ),
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// One message of a conversation, or of what was ever shown in it, when it does not stand before the first that is to
    /// be seen.
    pub async fn find_message(
        &mut self,
        workspace: WorkspaceId,
        view: &View,
        message: MessageId,
    ) -> Result<Option<MessageRow>> {
        let Some(row) = self.load_messages(workspace, &[message]).await?.pop() else { return Ok(None) };
        let is_there = row.id >= view.since && self.holds(workspace, view, row.place()).await?;
        Ok(is_there.then_some(row))
    }

    /// A conversation's messages from the first that is to be seen, ordered by their timestamp and id.
    pub async fn list_thread(
        &mut self,
        workspace: WorkspaceId,
        view: &View,
        order: Order,
        page: PageRequest,
    ) -> Result<Page<MessageRow>> {
        const UP: &str = page!(
            "(m.occurred_at, m.id) > ($2, $3) and m.conversation_id = $6 and m.id >= $7", by "occurred_at" "asc"
        );
        const DOWN: &str = page!(
            "(m.occurred_at, m.id) < ($2, $3) and m.conversation_id = $6 and m.id >= $7", by "occurred_at" "desc"
        );
        const JOINED_UP: Dialect = joined!(">", "asc");
        const JOINED_DOWN: Dialect = joined!("<", "desc");
        let (sql, joined, begin) = match order {
            Order::Ascending => (UP, JOINED_UP, page.lower_bound()),
            Order::Descending => (DOWN, JOINED_DOWN, page.upper_bound()),
        };
        if !view.parts.is_empty() {
            let (sql, parts) = (joined.pick(self), set(&view.parts)?);
            let rows: Vec<Listed<MessageRow>> = on!(self, |conn| {
                let query = sqlx::query_as(sql).bind(workspace).bind(begin.at).bind(begin.id);
                query.bind(page.limit + 1).bind(PAGE_BYTES).bind(parts).fetch_all(conn).await
            })?;
            return Ok(Page::of(rows, page.limit, by_occurrence));
        }
        let of = Some((view.id.0, Some(view.since)));
        let rows = self.list_message_page(sql, workspace, (begin, page.limit), of).await?;
        Ok(Page::of(rows, page.limit, by_occurrence))
    }

    async fn list_message_page(
        &mut self,
        sql: &'static str,
        workspace: WorkspaceId,
        (begin, limit): (Position, i64),
        of: Option<(i64, Option<MessageId>)>,
    ) -> Result<Vec<Listed<MessageRow>>> {
        let (of, since) = of.unzip();
        Ok(on!(self, |conn| {
            let query = sqlx::query_as(sql).bind(workspace).bind(begin.at).bind(begin.id);
            let query = query.bind(limit + 1).bind(PAGE_BYTES);
            let query = if let Some(of) = of { query.bind(of) } else { query };
            let query = if let Some(since) = since.flatten() { query.bind(since) } else { query };
            query.fetch_all(conn).await
        })?)
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

    /// The message accepted last on any of those channels, given as bits, in what a conversation is joined of.
    pub async fn find_last_joined(
        &mut self,
        workspace: WorkspaceId,
        joint: ConversationId,
        channels: i64,
    ) -> Result<Option<MessageRow>> {
        const SQL: &str = messages!(
            "join (select c.last_message_id as id from conversations c
                where c.workspace_id = $1 and c.joined_to = $2 and (c.channels & $3) <> 0
                order by c.last_message_id desc limit 1) n on n.id = m.id
             where m.workspace_id = $1"
        );
        Ok(on!(self, |conn| {
            sqlx::query_as(SQL).bind(workspace).bind(joint).bind(channels).fetch_optional(conn).await
        })?)
    }

    /// Every outbound text, newest first by timestamp.
    pub async fn list_sent_texts(&mut self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<MessageRow>> {
        const SQL: &str = page!(
            "(m.occurred_at, m.id) < ($2, $3) and m.direction = 'outbound' and m.channel in ('sms', 'mms')",
            by "occurred_at" "desc"
        );
        let rows = self.list_message_page(SQL, workspace, (page.upper_bound(), page.limit), None).await?;
        Ok(Page::of(rows, page.limit, by_occurrence))
    }

    /// Every text of the conversations that an address takes part in, newest first by timestamp.
    pub async fn list_texts_of(
        &mut self,
        workspace: WorkspaceId,
        address: AddressId,
        page: PageRequest,
    ) -> Result<Page<MessageRow>> {
        const SQL: &str = page!(
            "(m.occurred_at, m.id) < ($2, $3) and m.channel in ('sms', 'mms') and m.conversation_id in
                (select p.conversation_id from participants p where p.workspace_id = $1 and p.address_id = $6)",
            by "occurred_at" "desc"
        );
        let rows =
            self.list_message_page(SQL, workspace, (page.upper_bound(), page.limit), Some((address.0, None))).await?;
        Ok(Page::of(rows, page.limit, by_occurrence))
    }

    /// Messages whose time ran out, newest first.
    pub async fn list_dead(&mut self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<MessageRow>> {
        const SQL: &str = page!("(m.updated_at, m.id) < ($2, $3) and m.status = 'dead'", by "updated_at" "desc");
        let rows = self.list_message_page(SQL, workspace, (page.upper_bound(), page.limit), None).await?;
        Ok(Page::of(rows, page.limit, |row| Position { at: row.updated_at, id: row.id.0 }))
    }

    /// The recipients and attachments of messages.
    pub async fn load_content(&mut self, workspace: WorkspaceId, ids: &[MessageId]) -> Result<MessageContent> {
        const SQL: Dialect = Dialect {
            sqlite: content!("in (select value from jsonb_each($2))"),
            postgres: content!("= any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))"),
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        let rows: Vec<ContentRow> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?;
        let mut content = MessageContent::default();
        for row in rows {
            row.put_into(&mut content);
        }
        Ok(content)
    }

    /// The recipients of messages.
    pub async fn load_recipients(&mut self, workspace: WorkspaceId, ids: &[MessageId]) -> Result<Vec<RecipientRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select message_id, position, kind, address_id, status, status_at, status_reason from recipients
                where workspace_id = $1 and message_id in (select value from jsonb_each($2)) order by message_id, position",
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
