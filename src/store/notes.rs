//! Internal notes. They stand in a table of their own, which nothing that sends reads.

use super::{Dialect, Page, PageRequest, Position, Result, Tx, View, on, set};
use crate::domain::{ConversationId, NoteId, Timestamp, WorkspaceId};

/// A note as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct NoteRow {
    /// Its id.
    pub id: NoteId,
    /// Who wrote it, as [`crate::domain::Who`] is written.
    pub author: String,
    /// What it says.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
}

impl Tx {
    /// Stores a note.
    pub async fn insert_note(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        (author, body): (&str, &str),
        now: Timestamp,
    ) -> Result<NoteId> {
        const SQL: &str = "insert into notes (workspace_id, conversation_id, author, body, created_at)
            values ($1, $2, $3, $4, $5) returning id";
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(conversation).bind(author).bind(body);
            query.bind(now).fetch_one(conn).await
        })?)
    }

    /// The notes of a conversation and of all of what it is joined, oldest first.
    pub async fn list_notes(
        &mut self,
        workspace: WorkspaceId,
        view: &View,
        page: PageRequest,
    ) -> Result<Page<NoteRow>> {
        const SQL: &str = "select id, author, body, created_at from notes
            where workspace_id = $1 and conversation_id = $2 and id > $3 order by id limit $4";
        const JOINED: &str = "select id, author, body, created_at from notes
            where workspace_id = $1 and id > $3 and conversation_id in
                (select id from conversations where workspace_id = $1 and joined_to = $2)
            order by id limit $4";
        let sql = if view.parts.is_empty() { SQL } else { JOINED };
        let (after, limit) = (page.lower_bound().id, page.limit + 1);
        let rows: Vec<NoteRow> = on!(self, |conn| {
            sqlx::query_as(sql).bind(workspace).bind(view.id).bind(after).bind(limit).fetch_all(conn).await
        })?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.created_at, id: row.id.0 }))
    }

    /// Notes by their ids.
    pub async fn load_notes(&mut self, workspace: WorkspaceId, ids: &[NoteId]) -> Result<Vec<NoteRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, author, body, created_at from notes
                where workspace_id = $1 and id in (select value from jsonb_each($2))",
            postgres: "select id, author, body, created_at from notes where workspace_id = $1
                and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }
}
