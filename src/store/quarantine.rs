//! What came in and could not be understood: kept, sealed, until somebody looks or it matches after all.

use super::vault::digest;
use super::{Dialect, Page, PageRequest, Position, Result, Sealed, Tx, on, set};
use crate::domain::{QuarantineId, Timestamp, WorkspaceId};

/// A body in quarantine, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedRow {
    /// Its id.
    pub id: QuarantineId,
    /// When it came.
    pub received_at: Timestamp,
    /// Where it came to.
    pub path: String,
    /// Why it was not understood.
    pub reason: String,
    /// Its bytes.
    pub raw: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: QuarantineId,
    received_at: Timestamp,
    path: String,
    reason: String,
    key_id: i64,
    sealed: Vec<u8>,
}

impl Tx {
    /// Keeps a body; with a provider's name for a message, it is found again when that message has the name.
    pub async fn insert_quarantined(
        &mut self,
        workspace: WorkspaceId,
        (path, reason, raw): (&str, &str, &[u8]),
        waits_for: Option<&str>,
        now: Timestamp,
    ) -> Result<QuarantineId> {
        const SQL: &str = "insert into quarantine (workspace_id, received_at, path, reason, key_id, sealed, match_hash)
            values ($1, $2, $3, $4, $5, $6, $7) returning id";
        let sealed = self.vault().seal("quarantine", workspace, path.as_bytes(), raw)?;
        let hash = waits_for.map(|name| digest(&[name.as_bytes()]).to_vec());
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(now).bind(path).bind(reason);
            query.bind(sealed.key_id).bind(&sealed.sealed).bind(&hash).fetch_one(conn).await
        })?)
    }

    /// What is in quarantine, newest first.
    pub async fn list_quarantined(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<QuarantinedRow>> {
        const SQL: &str = "select id, received_at, path, reason, key_id, sealed from quarantine
            where workspace_id = $1 and (received_at, id) < ($2, $3) order by received_at desc, id desc limit $4";
        let before = page.upper_bound();
        let limit = page.limit + 1;
        let rows: Vec<Row> = on!(self, |conn| {
            sqlx::query_as(SQL).bind(workspace).bind(before.at).bind(before.id).bind(limit).fetch_all(conn).await
        })?;
        let rows = self.open_rows(workspace, rows)?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.received_at, id: row.id.0 }))
    }

    /// One body in quarantine.
    pub async fn find_quarantined(
        &mut self,
        workspace: WorkspaceId,
        id: QuarantineId,
    ) -> Result<Option<QuarantinedRow>> {
        const SQL: &str = "select id, received_at, path, reason, key_id, sealed from quarantine
            where workspace_id = $1 and id = $2";
        let rows: Vec<Row> = on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(id).fetch_all(conn).await)?;
        Ok(self.open_rows(workspace, rows)?.pop())
    }

    /// Those bodies that wait for one of these names of messages.
    pub async fn list_waiting(&mut self, workspace: WorkspaceId, names: &[&str]) -> Result<Vec<QuarantinedRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, received_at, path, reason, key_id, sealed from quarantine
                where workspace_id = $1 and match_hash in (select unhex(value) from json_each($2)) order by id",
            postgres: "select id, received_at, path, reason, key_id, sealed from quarantine where workspace_id = $1
                and match_hash = any(array(select decode(value, 'hex') from jsonb_array_elements_text($2::jsonb)))
                order by id",
        };
        let hashes = set(&names.iter().map(|name| hex::encode(digest(&[name.as_bytes()]))).collect::<Vec<_>>())?;
        let sql = SQL.pick(self);
        let rows: Vec<Row> = on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(hashes).fetch_all(conn).await)?;
        self.open_rows(workspace, rows)
    }

    /// Lets one go; false when it was gone already.
    pub async fn delete_quarantined(&mut self, workspace: WorkspaceId, id: QuarantineId) -> Result<bool> {
        const SQL: &str = "delete from quarantine where workspace_id = $1 and id = $2";
        let gone = on!(self, |conn| {
            sqlx::query(SQL).bind(workspace).bind(id).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(gone == 1)
    }

    fn open_rows(&self, workspace: WorkspaceId, rows: Vec<Row>) -> Result<Vec<QuarantinedRow>> {
        let open = |row: Row| {
            let sealed = Sealed { key_id: row.key_id, sealed: row.sealed };
            let raw = self.vault().open("quarantine", workspace, row.path.as_bytes(), &sealed)?;
            Ok(QuarantinedRow { id: row.id, received_at: row.received_at, path: row.path, reason: row.reason, raw })
        };
        rows.into_iter().map(open).collect()
    }
}
