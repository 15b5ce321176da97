//! API keys: their hashes, what they may do, when they were used.

use super::{Dialect, Result, Tx, on, set};
use crate::domain::{ApiKeyId, Timestamp, WorkspaceId};
use crate::fault::is_sabotaged;

/// A key to be stored.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What people call it.
    pub name: String,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// Its scopes, separated by spaces.
    pub scopes: String,
    /// Not after then.
    pub expires_at: Option<Timestamp>,
}

/// A key as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ApiKeyRow {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// Its scopes, separated by spaces.
    pub scopes: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Not after then.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Tx {
    /// Stores a key.
    pub async fn insert_api_key(
        &mut self,
        workspace: WorkspaceId,
        key: &NewApiKey,
        now: Timestamp,
    ) -> Result<ApiKeyId> {
        const SQL: &str = "insert into api_keys (workspace_id, name, hash, scopes, created_at, expires_at)
            values ($1, $2, $3, $4, $5, $6) returning id";
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(&key.name).bind(&key.hash[..]).bind(&key.scopes);
            query.bind(now).bind(key.expires_at).fetch_one(conn).await
        })?)
    }

    /// Those of the keys that are there, whatever workspace they are of: whoever shows them is known already.
    pub async fn load_api_keys(&mut self, ids: &[ApiKeyId]) -> Result<Vec<ApiKeyRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select k.id, k.workspace_id, k.name, k.scopes, k.created_at, k.expires_at, k.last_used_at,
                    k.revoked_at from jsonb_each($1) x cross join api_keys k on k.id = x.value",
            postgres: "select id, workspace_id, name, scopes, created_at, expires_at, last_used_at, revoked_at
                from api_keys where id = any(array(select value::bigint from jsonb_array_elements_text($1::jsonb)))",
        };
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, ids) = (SQL.pick(self), set(&ids)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(ids).fetch_all(conn).await)?)
    }

    /// Every key of a workspace.
    pub async fn list_api_keys(&mut self, workspace: WorkspaceId) -> Result<Vec<ApiKeyRow>> {
        const SQL: &str = "select id, workspace_id, name, scopes, created_at, expires_at, last_used_at, revoked_at
            from api_keys where workspace_id = $1 order by id";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(workspace).fetch_all(conn).await)?)
    }

    /// Ends a key; false when there is none, or it has ended already.
    pub async fn revoke_api_key(&mut self, workspace: WorkspaceId, id: ApiKeyId, now: Timestamp) -> Result<bool> {
        const SQL: &str =
            "update api_keys set revoked_at = $3 where workspace_id = $1 and id = $2 and revoked_at is null";
        self.has_rights = true;
        let done = on!(self, |conn| {
            sqlx::query(SQL).bind(workspace).bind(id).bind(now).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }

    /// The key with that hash: the one finder without a workspace, because the key is what names it.
    pub async fn find_api_key(&mut self, hash: &[u8; 32]) -> Result<Option<ApiKeyRow>> {
        const SQL: &str = "select id, workspace_id, name, scopes, created_at, expires_at, last_used_at, revoked_at
            from api_keys where hash = $1";
        if is_sabotaged("any_key") {
            return Ok(self.list_api_keys(WorkspaceId::DEFAULT).await?.pop());
        }
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(&hash[..]).fetch_optional(conn).await)?)
    }

    /// Notes that a key was used.
    pub async fn touch_api_key(&mut self, workspace: WorkspaceId, id: ApiKeyId, now: Timestamp) -> Result<()> {
        const SQL: &str = "update api_keys set last_used_at = $3 where workspace_id = $1 and id = $2";
        on!(self, |conn| sqlx::query(SQL).bind(workspace).bind(id).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }
}
