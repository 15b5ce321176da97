//! Saved replies of a workspace.

use super::{Page, PageRequest, Position, Result, Tx, on};
use crate::domain::{SavedReply, SavedReplyId, Timestamp, WorkspaceId};

type ReplyRow = (SavedReplyId, String, String, Timestamp, Timestamp);

fn reply((id, name, body, created_at, updated_at): ReplyRow) -> SavedReply {
    SavedReply { id, name, body, created_at, updated_at }
}

impl Tx {
    /// Stores a reply; a name that is taken is a conflict.
    pub async fn insert_saved_reply(
        &mut self,
        workspace: WorkspaceId,
        (name, body): (&str, &str),
        now: Timestamp,
    ) -> Result<SavedReply> {
        const SQL: &str = "insert into saved_replies (workspace_id, name, body, created_at, updated_at)
            values ($1, $2, $3, $4, $4) returning id, name, body, created_at, updated_at";
        let row: ReplyRow = on!(self, |conn| {
            sqlx::query_as(SQL).bind(workspace).bind(name).bind(body).bind(now).fetch_one(conn).await
        })?;
        Ok(reply(row))
    }

    /// How many replies a workspace has.
    pub async fn count_saved_replies(&mut self, workspace: WorkspaceId) -> Result<i64> {
        const SQL: &str = "select count(*) from saved_replies where workspace_id = $1";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).fetch_one(conn).await)?)
    }

    /// One reply.
    pub async fn find_saved_reply(&mut self, workspace: WorkspaceId, id: SavedReplyId) -> Result<Option<SavedReply>> {
        const SQL: &str = "select id, name, body, created_at, updated_at from saved_replies
            where workspace_id = $1 and id = $2";
        let row: Option<ReplyRow> =
            on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(id).fetch_optional(conn).await)?;
        Ok(row.map(reply))
    }

    /// The replies of a workspace, oldest first.
    pub async fn list_saved_replies(&mut self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<SavedReply>> {
        const SQL: &str = "select id, name, body, created_at, updated_at from saved_replies
            where workspace_id = $1 and id > $2 order by id limit $3";
        let (after, limit) = (page.lower_bound().id, page.limit + 1);
        let rows: Vec<ReplyRow> =
            on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(after).bind(limit).fetch_all(conn).await)?;
        let rows = rows.into_iter().map(reply).collect();
        Ok(Page::cut(rows, page.limit, |row: &SavedReply| Position { at: row.created_at, id: row.id.0 }))
    }

    /// Changes what is given of a reply; nothing when there is none.
    pub async fn change_saved_reply(
        &mut self,
        workspace: WorkspaceId,
        id: SavedReplyId,
        (name, body): (Option<&str>, Option<&str>),
        now: Timestamp,
    ) -> Result<Option<SavedReply>> {
        const SQL: &str =
            "update saved_replies set name = coalesce($3, name), body = coalesce($4, body), updated_at = $5
            where workspace_id = $1 and id = $2 returning id, name, body, created_at, updated_at";
        let row: Option<ReplyRow> = on!(self, |conn| {
            sqlx::query_as(SQL).bind(workspace).bind(id).bind(name).bind(body).bind(now).fetch_optional(conn).await
        })?;
        Ok(row.map(reply))
    }

    /// Lets a reply go; false when there was none.
    pub async fn delete_saved_reply(&mut self, workspace: WorkspaceId, id: SavedReplyId) -> Result<bool> {
        const SQL: &str = "delete from saved_replies where workspace_id = $1 and id = $2";
        let done = on!(self, |conn| {
            sqlx::query(SQL).bind(workspace).bind(id).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done > 0)
    }
}
