//! How mails hang together: the names they bear, and those they refer to.

use std::collections::HashMap;

use super::{Dialect, Result, Tx, on, set};
use crate::domain::{ConversationId, MessageId, WorkspaceId};

/// What is known of a mail beside the message that it is.
#[derive(Debug, Clone, Default)]
pub struct NewMail {
    /// The `Message-ID` that it came in with.
    pub name: Option<String>,
    /// What an answer to it refers to, the oldest first.
    pub thread: Vec<String>,
}

#[derive(sqlx::FromRow)]
struct ThreadRow {
    message_id: MessageId,
    thread: String,
}

/// A mail that another one may belong to.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RelatedMail {
    /// The mail.
    pub id: MessageId,
    /// Where it stands.
    pub conversation_id: ConversationId,
    /// What it came in with; absent: we sent it.
    pub name: Option<String>,
}

impl Tx {
    /// Notes how a new message hangs together with others.
    pub async fn insert_mail(&mut self, workspace: WorkspaceId, message: MessageId, mail: &NewMail) -> Result<()> {
        const SQL: &str = "insert into mails (workspace_id, message_id, name, thread) values ($1, $2, $3, $4)";
        let thread = mail.thread.join(" ");
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(message).bind(&mail.name).bind(thread);
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// What answers to those of the messages refer to that are mails, the oldest first.
    pub async fn load_mail_threads(
        &mut self,
        workspace: WorkspaceId,
        ids: &[MessageId],
    ) -> Result<HashMap<MessageId, Vec<String>>> {
        const SQL: Dialect = Dialect {
            sqlite: "select message_id, thread from mails
                where workspace_id = $1 and message_id in (select value from jsonb_each($2))",
            postgres: "select message_id, thread from mails where workspace_id = $1
                and message_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        let rows: Vec<ThreadRow> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?;
        let names = |thread: String| thread.split_ascii_whitespace().map(str::to_owned).collect();
        Ok(rows.into_iter().map(|row| (row.message_id, names(row.thread))).collect())
    }

    /// Mails of ours by their ids, and mails that came in with one of these names, the newest of each name first.
    pub async fn find_related_mails(
        &mut self,
        workspace: WorkspaceId,
        (ours, names): (&[MessageId], &[String]),
    ) -> Result<Vec<RelatedMail>> {
        const SQL: Dialect = Dialect {
            sqlite: "select m.id, m.conversation_id, null as name from messages m
                    where m.workspace_id = $1 and m.id in (select value from jsonb_each($2))
                      and m.channel = 'email' and m.direction = 'outbound'
                union all
                select m.id, m.conversation_id, x.name from mails x
                    join messages m on m.workspace_id = x.workspace_id and m.id = x.message_id
                    where x.workspace_id = $1 and x.name in (select value from jsonb_each($3))
                order by 1 desc",
            postgres: "select m.id, m.conversation_id, null as name from messages m
                    where m.workspace_id = $1
                      and m.id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                      and m.channel = 'email' and m.direction = 'outbound'
                union all
                select m.id, m.conversation_id, x.name from mails x
                    join messages m on m.workspace_id = x.workspace_id and m.id = x.message_id
                    where x.workspace_id = $1 and x.name = any(array(select jsonb_array_elements_text($3::jsonb)))
                order by 1 desc",
        };
        let sql = SQL.pick(self);
        let (ours, names) = (set(&ours)?, set(&names)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ours).bind(names).fetch_all(conn).await)?)
    }
}
