//! Storing what was accepted: messages, to whom they go, where they stand and what carries them, in one statement.

use super::counts::touch;
use super::messages::messages;
use super::outbox::enqueue;
use super::{Dialect, NewMessage, NewRecipient, NewWork, Result, Thread, Tx, on, set};
use crate::domain::{Timestamp, WorkspaceId};

/// A set of messages of one workspace, and what belongs to them.
#[derive(Debug)]
pub struct Accepted<'a> {
    /// The messages.
    pub messages: &'a [NewMessage],
    /// To whom they go.
    pub recipients: &'a [NewRecipient],
    /// What they add to their conversations.
    pub threads: &'a [Thread],
    /// What is to be carried of them.
    pub work: &'a [NewWork],
}

/// Stores the recipients of the set `$4`.
macro_rules! recipients {
    (sqlite) => {
        "insert into recipients (workspace_id, message_id, position, kind, address_id)
                select $1, value ->> 'message', value ->> 'position', value ->> 'kind', value ->> 'address'
                from jsonb_each($4)"
    };
    (postgres) => {
        "insert into recipients (workspace_id, message_id, position, kind, address_id)
                select $1, message, position, kind, address
                from json_to_recordset($4::json) as x (message bigint, position bigint, kind text, address bigint)"
    };
}

impl Tx {
    /// Stores messages with everything that belongs to them.
    pub async fn store_accepted(
        &mut self,
        workspace: WorkspaceId,
        accepted: &Accepted<'_>,
        now: Timestamp,
    ) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: concat!(
                messages!(sqlite),
                ";",
                recipients!(sqlite),
                ";",
                touch!(sqlite, "$5", "", ""),
                ";",
                enqueue!(sqlite, "$6")
            ),
            postgres: concat!(
                "with m as (",
                messages!(postgres),
                "), r as (",
                recipients!(postgres),
                "), o as (",
                enqueue!(postgres, "$6"),
                ") ",
                touch!(postgres, "$5", "", "")
            ),
        };
        // what came in may open a conversation, and that is told
        let (told, counted): (&[Thread], &[Thread]) = if accepted.threads.iter().any(|thread| thread.unread > 0) {
            (accepted.threads, &[])
        } else {
            (&[], accepted.threads)
        };
        self.lock_threads(workspace, counted).await?;
        self.leave_work(accepted.work);
        let (messages, recipients) = (set(&accepted.messages)?, set(&accepted.recipients)?);
        let (threads, work) = (set(&counted)?, set(&accepted.work)?);
        let sql = SQL.pick(self);
        on!(self, |conn| {
            let query = sqlx::query(sql).bind(workspace).bind(messages).bind(now).bind(recipients);
            query.bind(threads).bind(work).execute(conn).await.map(drop)
        })?;
        if told.is_empty() { Ok(()) } else { self.touch_conversations(workspace, told, now).await }
    }
}
