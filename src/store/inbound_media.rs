//! Attachments that came in and are still at the service. A row is there until the bytes are kept, or given up; whoever
//! takes one has it until it is due again, and its fencing number shuts out whoever lost it.

use super::{Dialect, NewEvent, Result, Tx, on};
use crate::domain::{ConversationId, EventKind, FileId, InboundMediaId, MessageId, Status, Timestamp, WorkspaceId};

/// An attachment that somebody fetches.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ClaimedMedia {
    /// The row.
    pub id: InboundMediaId,
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Of which message.
    pub message_id: MessageId,
    /// Its place among the attachments.
    pub position: i64,
    /// Whose credentials open it.
    pub provider: String,
    /// Where it is.
    pub url: String,
    /// Tries so far, this one included; one that lapsed is the same as the one after it.
    pub tries: i64,
    /// Whoever writes must still have it.
    pub fence: i64,
}

/// On PostgreSQL the rows are chosen once, before the update: a subquery in its place may run again and take more.
macro_rules! claim {
    ($which:literal) => {
        concat!(
            "update inbound_media set due_at = $2, is_held = true, tries = tries + case when is_held then 0 else 1 end, fence = fence + 1 where id ",
            $which,
            " returning id, workspace_id, message_id, position, provider, tries, fence,
                (select a.url from attachments a where a.workspace_id = inbound_media.workspace_id
                    and a.message_id = inbound_media.message_id and a.position = inbound_media.position) as url"
        )
    };
}

impl Tx {
    /// Leaves the attachments of a new message to be fetched.
    pub async fn insert_inbound_media(
        &mut self,
        (workspace, message): (WorkspaceId, MessageId),
        provider: &str,
        now: Timestamp,
    ) -> Result<()> {
        const SQL: &str = "insert into inbound_media
                (workspace_id, message_id, position, provider, due_at, is_held, tries, fence)
            select workspace_id, message_id, position, $3, $4, false, 0, 0 from attachments
            where workspace_id = $1 and message_id = $2 and file_id is null
              and (lower(url) like 'https://%' or lower(url) like 'http://%')
            order by position";
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(message).bind(provider).bind(now);
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Whether anything is due to be fetched.
    pub async fn has_due_inbound_media(&mut self, now: Timestamp) -> Result<bool> {
        const SQL: &str = "select id from inbound_media where due_at <= $1 order by due_at, id limit 1";
        let found: Option<InboundMediaId> =
            on!(self, |conn| sqlx::query_scalar(SQL).bind(now).fetch_optional(conn).await)?;
        Ok(found.is_some())
    }

    /// Takes what is due to be fetched. The try is counted before it is made, but not again after a lease that lapsed: that
    /// says nothing of the service.
    pub async fn claim_inbound_media(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        limit: i64,
    ) -> Result<Vec<ClaimedMedia>> {
        const SQL: Dialect = Dialect {
            sqlite: claim!("in (select id from inbound_media where due_at <= $1 order by due_at, id limit $3)"),
            postgres: claim!(
                "= any(array(select id from inbound_media where due_at <= $1 order by due_at, id limit $3
                    for update skip locked))"
            ),
        };
        let sql = SQL.pick(self);
        let mut rows: Vec<ClaimedMedia> =
            on!(self, |conn| sqlx::query_as(sql).bind(now).bind(until).bind(limit).fetch_all(conn).await)?;
        rows.sort_unstable_by_key(|row| row.id);
        Ok(rows)
    }

    /// Ends every lease at once: only where no other process can hold one.
    pub async fn lapse_inbound_media(&mut self, now: Timestamp) -> Result<u64> {
        const SQL: &str = "update inbound_media set due_at = $1 where is_held = true and due_at > $1";
        Ok(on!(self, |conn| sqlx::query(SQL).bind(now).execute(conn).await.map(|done| done.rows_affected()))?)
    }

    /// Locks one that is still held under its number; false when it is not.
    pub async fn lock_inbound_media(&mut self, held: &ClaimedMedia) -> Result<bool> {
        const SQL: Dialect = Dialect {
            sqlite: "select id from inbound_media where id = $1 and fence = $2",
            postgres: "select id from inbound_media where id = $1 and fence = $2 for update",
        };
        let sql = SQL.pick(self);
        let found: Option<InboundMediaId> =
            on!(self, |conn| sqlx::query_scalar(sql).bind(held.id).bind(held.fence).fetch_optional(conn).await)?;
        Ok(found.is_some())
    }

    /// Lets one that is locked wait; whoever held it holds it no more.
    pub async fn postpone_inbound_media(&mut self, id: InboundMediaId, due_at: Timestamp) -> Result<()> {
        const SQL: &str = "update inbound_media set due_at = $2, is_held = false, fence = fence + 1 where id = $1";
        on!(self, |conn| sqlx::query(SQL).bind(id).bind(due_at).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Ends the work on one that is locked.
    pub async fn finish_inbound_media(&mut self, id: InboundMediaId) -> Result<()> {
        const SQL: &str = "delete from inbound_media where id = $1";
        on!(self, |conn| sqlx::query(SQL).bind(id).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Puts a file in the place of what an attachment named, and records that its message has changed.
    pub async fn attach_file(
        &mut self,
        media: &ClaimedMedia,
        (file, url): (FileId, &str),
        now: Timestamp,
    ) -> Result<()> {
        const ATTACH: &str = "update attachments set url = $4, file_id = $5
            where workspace_id = $1 and message_id = $2 and position = $3";
        const TOUCH: &str = "update messages set updated_at = $3 where workspace_id = $1 and id = $2
            returning (select coalesce(c.joined_to, c.id) from conversations c
                where c.workspace_id = messages.workspace_id and c.id = messages.conversation_id)";
        let (workspace, message) = (media.workspace_id, media.message_id);
        on!(self, |conn| {
            let query = sqlx::query(ATTACH).bind(workspace).bind(message).bind(media.position).bind(url).bind(file);
            query.execute(conn).await.map(drop)
        })?;
        let conversation: Option<ConversationId> = on!(self, |conn| {
            sqlx::query_scalar(TOUCH).bind(workspace).bind(message).bind(now).fetch_optional(conn).await
        })?;
        if let Some(conversation) = conversation {
            let event = NewEvent::of_conversation(workspace, EventKind::MessageStatus, conversation, now);
            self.record(event.of_message(message, Status::Received));
        }
        Ok(())
    }
}
