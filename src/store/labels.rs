//! Labels of a workspace, and on which conversations they are.

use super::{Dialect, Page, PageRequest, Position, Result, Tx, on, set};
use crate::domain::{ConversationId, Label, LabelId, Timestamp, WorkspaceId};

/// A label on a conversation.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LabelledRow {
    /// Which conversation.
    pub conversation_id: ConversationId,
    /// Which label.
    pub label_id: LabelId,
    /// What it is called.
    pub name: String,
}

type LabelRow = (LabelId, String, Timestamp);

fn label((id, name, created_at): LabelRow) -> Label {
    Label { id, name, created_at }
}

impl Tx {
    /// Stores a label; a name that is taken is a conflict.
    pub async fn insert_label(&mut self, workspace: WorkspaceId, name: &str, now: Timestamp) -> Result<Label> {
        const SQL: &str = "insert into labels (workspace_id, name, created_at) values ($1, $2, $3)
            returning id, name, created_at";
        let row: LabelRow =
            on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(name).bind(now).fetch_one(conn).await)?;
        Ok(label(row))
    }

    /// How many labels a workspace has.
    pub async fn count_labels(&mut self, workspace: WorkspaceId) -> Result<i64> {
        const SQL: &str = "select count(*) from labels where workspace_id = $1";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).fetch_one(conn).await)?)
    }

    /// How many labels are on a conversation.
    pub async fn count_labels_of(&mut self, workspace: WorkspaceId, conversation: ConversationId) -> Result<i64> {
        const SQL: &str = "select count(*) from conversation_labels where workspace_id = $1 and conversation_id = $2";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(conversation).fetch_one(conn).await)?)
    }

    /// One label.
    pub async fn find_label(&mut self, workspace: WorkspaceId, id: LabelId) -> Result<Option<Label>> {
        const SQL: &str = "select id, name, created_at from labels where workspace_id = $1 and id = $2";
        let row: Option<LabelRow> =
            on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(id).fetch_optional(conn).await)?;
        Ok(row.map(label))
    }

    /// The labels of a workspace, oldest first.
    pub async fn list_labels(&mut self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<Label>> {
        const SQL: &str = "select id, name, created_at from labels where workspace_id = $1 and id > $2
            order by id limit $3";
        let (after, limit) = (page.lower_bound().id, page.limit + 1);
        let rows: Vec<LabelRow> =
            on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(after).bind(limit).fetch_all(conn).await)?;
        let rows = rows.into_iter().map(label).collect();
        Ok(Page::cut(rows, page.limit, |row: &Label| Position { at: row.created_at, id: row.id.0 }))
    }

    /// Calls a label something else; nothing when there is none.
    pub async fn rename_label(&mut self, workspace: WorkspaceId, id: LabelId, name: &str) -> Result<Option<Label>> {
        const SQL: &str = "update labels set name = $3 where workspace_id = $1 and id = $2
            returning id, name, created_at";
        let row: Option<LabelRow> =
            on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(id).bind(name).fetch_optional(conn).await)?;
        Ok(row.map(label))
    }

    /// Takes a label from every conversation and lets it go; false when there was none.
    pub async fn delete_label(&mut self, workspace: WorkspaceId, id: LabelId) -> Result<bool> {
        const SQL: &str = "delete from labels where workspace_id = $1 and id = $2";
        let done = on!(self, |conn| {
            sqlx::query(SQL).bind(workspace).bind(id).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done > 0)
    }

    /// Puts a label on a conversation, and with it on all of what it is joined; false when it was there.
    pub async fn put_label(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        label: LabelId,
    ) -> Result<bool> {
        const SQL: &str =
            "insert into conversation_labels (workspace_id, conversation_id, label_id) values ($1, $2, $3)
            on conflict do nothing";
        const PARTS: &str = "insert into conversation_labels (workspace_id, conversation_id, label_id)
            select workspace_id, id, $3 from conversations
            where workspace_id = $1 and joined_to = $2 and participants_key not like 'contact:%'
            on conflict do nothing";
        let done = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(conversation).bind(label);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        if done > 0 {
            on!(self, |conn| {
                sqlx::query(PARTS).bind(workspace).bind(conversation).bind(label).execute(conn).await.map(drop)
            })?;
        }
        Ok(done > 0)
    }

    /// Takes a label from a conversation, and with it from all of what it is joined; false when it was not there.
    pub async fn take_label(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
        label: LabelId,
    ) -> Result<bool> {
        const SQL: &str = "delete from conversation_labels where workspace_id = $1 and label_id = $3
            and conversation_id in (select $2 union all
                select id from conversations where workspace_id = $1 and joined_to = $2)";
        let done = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(conversation).bind(label);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done > 0)
    }

    /// The labels of each of those conversations, by name.
    pub async fn load_labels(
        &mut self,
        workspace: WorkspaceId,
        conversations: &[ConversationId],
    ) -> Result<Vec<LabelledRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select x.conversation_id, x.label_id, l.name from conversation_labels x
                join labels l on l.workspace_id = x.workspace_id and l.id = x.label_id
                where x.workspace_id = $1 and x.conversation_id in (select value from jsonb_each($2)) order by l.name",
            postgres: "select x.conversation_id, x.label_id, l.name from conversation_labels x
                join labels l on l.workspace_id = x.workspace_id and l.id = x.label_id
                where x.workspace_id = $1
                  and x.conversation_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                order by l.name",
        };
        let sql = SQL.pick(self);
        let ids = set(&conversations)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }
}
