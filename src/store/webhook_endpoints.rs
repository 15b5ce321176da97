//! Where customers are told of events. Their URLs and secrets are sealed; each has read the log to a place of its own.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::{Dialect, Error, Result, Sealed, Tx, on, set};
use crate::domain::{EventId, Timestamp, WebhookEndpointId, WebhookEvent, WorkspaceId};

const TABLE: &str = "webhook_endpoints";

/// What is sealed of an endpoint.
///
/// Its `Debug` form shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookTarget {
    /// Where it is told.
    pub url: String,
    /// What it is signed with.
    pub secret: String,
    /// What it is signed with as well, until then.
    pub previous: Option<(String, Timestamp)>,
}

impl std::fmt::Debug for WebhookTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookTarget").finish_non_exhaustive()
    }
}

/// An endpoint as it is stored.
#[derive(Debug, Clone)]
pub struct WebhookEndpointRow {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Where it is told, and how it is signed.
    pub target: WebhookTarget,
    /// What it wants to be told.
    pub events: Vec<WebhookEvent>,
    /// Whether it is told.
    pub is_enabled: bool,
    /// Since when no attempt has succeeded.
    pub failing_since: Option<Timestamp>,
    /// Why the server disabled it by itself.
    pub disabled_reason: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What is to be changed of an endpoint; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookEndpointChange {
    /// Whether it is somewhere else from now on: what failed before is no failure of it.
    pub is_moved: bool,
    /// Where it is told, and how it is signed.
    pub target: Option<WebhookTarget>,
    /// What it wants to be told.
    pub events: Option<Vec<WebhookEvent>>,
    /// Whether it is told.
    pub is_enabled: Option<bool>,
}

/// An enabled endpoint that has not read the log to its end.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct WebhookReader {
    /// Which.
    pub id: WebhookEndpointId,
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// To where it has read.
    pub position: i64,
    /// What it wants to be told.
    pub events: Json<Vec<WebhookEvent>>,
}

/// How the attempts at an endpoint went.
#[derive(Debug, Clone, Serialize)]
pub struct WebhookHealth {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Which.
    pub id: WebhookEndpointId,
    /// Since when none has succeeded, in microseconds.
    #[serde(serialize_with = "super::messages::micros_or_null")]
    pub failing_since: Option<Timestamp>,
    /// Why it is disabled; absent: it is not.
    pub disabled_reason: Option<&'static str>,
}

#[derive(sqlx::FromRow)]
struct Stored {
    id: WebhookEndpointId,
    workspace_id: WorkspaceId,
    #[sqlx(flatten)]
    sealed: Sealed,
    events: Json<Vec<WebhookEvent>>,
    is_enabled: bool,
    failing_since: Option<Timestamp>,
    disabled_reason: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "id, workspace_id, key_id, sealed, events, is_enabled, failing_since, disabled_reason, created_at, updated_at"
    };
}

impl Tx {
    /// Stores an endpoint, which is told of what happens from now on, and of what was committed while another unit of work
    /// was about to.
    pub async fn insert_webhook_endpoint(
        &mut self,
        workspace: WorkspaceId,
        (target, events, is_enabled): (&WebhookTarget, &[WebhookEvent], bool),
        now: Timestamp,
    ) -> Result<WebhookEndpointRow> {
        const SQL: &str = "insert into webhook_endpoints (workspace_id, key_id, sealed, events, is_enabled, position,
                created_at, updated_at)
            values ($1, $2, $3, $4, $5, $7, $6, $6) returning id";
        let position = self.horizon().await?;
        let sealed = self.seal_target(workspace, WebhookEndpointId(0), target)?;
        let id: WebhookEndpointId = on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(sealed.key_id).bind(&sealed.sealed);
            query.bind(Json(events)).bind(is_enabled).bind(now).bind(position).fetch_one(conn).await
        })?;
        let change = WebhookEndpointChange { target: Some(target.clone()), ..WebhookEndpointChange::default() };
        let stored = self.change_webhook_endpoint(workspace, id, &change, now).await?;
        stored.ok_or(Error::Corrupt("no row for a new endpoint"))
    }

    /// How many endpoints a workspace has.
    pub async fn count_webhook_endpoints(&mut self, workspace: WorkspaceId) -> Result<i64> {
        const SQL: &str = "select count(*) from webhook_endpoints where workspace_id = $1";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).fetch_one(conn).await)?)
    }

    /// The endpoints of a workspace, the oldest first.
    pub async fn list_webhook_endpoints(&mut self, workspace: WorkspaceId) -> Result<Vec<WebhookEndpointRow>> {
        const SQL: &str = concat!("select ", columns!(), " from webhook_endpoints where workspace_id = $1 order by id");
        let rows: Vec<Stored> = on!(self, |conn| sqlx::query_as(SQL).bind(workspace).fetch_all(conn).await)?;
        rows.into_iter().map(|row| self.open_endpoint(row)).collect()
    }

    /// One endpoint.
    pub async fn find_webhook_endpoint(
        &mut self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
    ) -> Result<Option<WebhookEndpointRow>> {
        const SQL: &str = concat!("select ", columns!(), " from webhook_endpoints where workspace_id = $1 and id = $2");
        let row: Option<Stored> =
            on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(id).fetch_optional(conn).await)?;
        row.map(|row| self.open_endpoint(row)).transpose()
    }

    /// Locks endpoints of any workspace, in the order of their ids, and tells how they stand.
    pub async fn lock_webhook_endpoints(
        &mut self,
        ids: &[(WorkspaceId, WebhookEndpointId)],
    ) -> Result<Vec<WebhookEndpointRow>> {
        const SQL: Dialect = Dialect {
            sqlite: concat!(
                "select ",
                columns!(),
                " from webhook_endpoints where (workspace_id, id) in (select value ->> 0, value ->> 1 from jsonb_each($1))
                order by id"
            ),
            postgres: concat!(
                "select ",
                columns!(),
                " from webhook_endpoints where (workspace_id, id) in (select (value ->> 0)::bigint, (value ->> 1)::bigint
                    from jsonb_array_elements($1::jsonb)) order by id for update"
            ),
        };
        let (sql, ids) = (SQL.pick(self), set(&ids)?);
        let rows: Vec<Stored> = on!(self, |conn| sqlx::query_as(sql).bind(ids).fetch_all(conn).await)?;
        rows.into_iter().map(|row| self.open_endpoint(row)).collect()
    }

    /// Changes an endpoint; one that is enabled is told of what happens from then on. Nothing when there is none.
    pub async fn change_webhook_endpoint(
        &mut self,
        workspace: WorkspaceId,
        id: WebhookEndpointId,
        change: &WebhookEndpointChange,
        now: Timestamp,
    ) -> Result<Option<WebhookEndpointRow>> {
        const SQL: &str = concat!(
            "update webhook_endpoints set key_id = coalesce($3, key_id), sealed = coalesce($4, sealed),
                events = coalesce($5, events), is_enabled = coalesce($6, is_enabled), updated_at = $7,
                position = case when $6 and not is_enabled and $9 > position then $9 else position end,
                failing_since = case when $8 or ($6 and not is_enabled) then null else failing_since end,
                disabled_reason = case when $6 then null else disabled_reason end
            where workspace_id = $1 and id = $2 returning ",
            columns!()
        );
        let sealed = change.target.as_ref().map(|target| self.seal_target(workspace, id, target)).transpose()?;
        let (key, sealed) = sealed.map(|sealed| (sealed.key_id, sealed.sealed)).unzip();
        let position = if change.is_enabled == Some(true) { Some(self.horizon().await?) } else { None };
        let row: Option<Stored> = on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(workspace).bind(id).bind(key).bind(sealed);
            let query = query.bind(change.events.as_ref().map(Json)).bind(change.is_enabled).bind(now);
            let query = query.bind(change.is_moved).bind(position);
            query.fetch_optional(conn).await
        })?;
        row.map(|row| self.open_endpoint(row)).transpose()
    }

    /// Lets an endpoint go, with its deliveries; false when there was none.
    pub async fn delete_webhook_endpoint(&mut self, workspace: WorkspaceId, id: WebhookEndpointId) -> Result<bool> {
        const SQL: &str = "delete from webhook_endpoints where workspace_id = $1 and id = $2";
        let gone = on!(self, |conn| {
            sqlx::query(SQL).bind(workspace).bind(id).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(gone == 1)
    }

    /// Deletes a set of what an endpoint was told; true when there may be more.
    pub async fn delete_deliveries(
        &mut self,
        (workspace, endpoint): (WorkspaceId, WebhookEndpointId),
        limit: i64,
    ) -> Result<bool> {
        const SQL: &str = "delete from webhook_deliveries where workspace_id = $1 and id in (select d.id
            from webhook_deliveries d where d.workspace_id = $1 and d.endpoint_id = $2 order by d.id limit $3)";
        let deleted = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(endpoint).bind(limit);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(i64::try_from(deleted) == Ok(limit))
    }

    /// How many deliveries wait, and since when the oldest is due.
    pub async fn webhook_depth(&mut self) -> Result<(i64, Option<Timestamp>)> {
        const SQL: &str = "select count(*), min(o.due_at) from webhook_endpoints w join outbox o on o.phase = 'send'
                and o.provider = 'webhook:' || w.id and o.lane = 3";
        Ok(on!(self, |conn| sqlx::query_as(SQL).fetch_one(conn).await)?)
    }

    /// Enabled endpoints of every workspace that the log up to `to` goes on for, those furthest behind first.
    pub async fn list_webhook_readers(&mut self, to: EventId, limit: i64) -> Result<Vec<WebhookReader>> {
        const SQL: &str = "select w.id, w.workspace_id, w.position, w.events from webhook_endpoints w
            where w.is_enabled = true
              and w.position < (select max(e.id) from events e where e.workspace_id = w.workspace_id
                and e.id <= $2)
            order by w.position limit $1";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(limit).bind(to).fetch_all(conn).await)?)
    }

    /// Moves endpoints on in the log, each from where it is said to stand; gives those that stood there.
    pub async fn move_webhook_readers(&mut self, readers: &[WebhookReader], to: i64) -> Result<Vec<WebhookEndpointId>> {
        const LOCK: &str = "select id from webhook_endpoints
            where (workspace_id, id) in (select (value ->> 0)::bigint, (value ->> 1)::bigint
                from jsonb_array_elements($1::jsonb)) order by id for update";
        const SQL: Dialect = Dialect {
            sqlite: "update webhook_endpoints set position = $2 from (select value from jsonb_each($1) limit -1) x
                where webhook_endpoints.workspace_id = x.value ->> 0 and webhook_endpoints.id = x.value ->> 1
                  and webhook_endpoints.position = x.value ->> 2 and webhook_endpoints.is_enabled = true
                returning id",
            postgres: "update webhook_endpoints w set position = $2 from jsonb_array_elements($1::jsonb) x
                where w.workspace_id = (x.value ->> 0)::bigint and w.id = (x.value ->> 1)::bigint
                  and w.position = (x.value ->> 2)::bigint and w.is_enabled returning w.id",
        };
        let rows: Vec<_> = readers.iter().map(|reader| (reader.workspace_id, reader.id, reader.position)).collect();
        let (sql, rows) = (SQL.pick(self), set(&rows)?);
        if self.is_postgres() {
            on!(self, |conn| sqlx::query(LOCK).bind(&rows).execute(conn).await.map(drop))?;
        }
        Ok(on!(self, |conn| sqlx::query_scalar(sql).bind(rows).bind(to).fetch_all(conn).await)?)
    }

    /// Writes how the attempts at locked endpoints went.
    pub async fn note_webhook_health(&mut self, healths: &[WebhookHealth]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update webhook_endpoints set failing_since = x.value ->> 'failing_since',
                    is_enabled = case when x.value ->> 'disabled_reason' is null then is_enabled else 0 end,
                    disabled_reason = coalesce(x.value ->> 'disabled_reason', disabled_reason)
                from (select value from jsonb_each($1) limit -1) x
                where webhook_endpoints.workspace_id = x.value ->> 'workspace'
                  and webhook_endpoints.id = x.value ->> 'id'",
            postgres: "update webhook_endpoints w set
                    failing_since = timestamptz 'epoch' + x.failing_since * interval '1 microsecond',
                    is_enabled = case when x.disabled_reason is null then w.is_enabled else false end,
                    disabled_reason = coalesce(x.disabled_reason, w.disabled_reason)
                from jsonb_to_recordset($1::jsonb)
                    as x (workspace bigint, id bigint, failing_since bigint, disabled_reason text)
                where w.workspace_id = x.workspace and w.id = x.id",
        };
        if healths.is_empty() {
            return Ok(());
        }
        let (sql, rows) = (SQL.pick(self), set(&healths)?);
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Re-seals endpoints that another master key sealed; gives how many.
    pub(super) async fn rekey_webhook_endpoints(&mut self, limit: i64) -> Result<u64> {
        const LIST: Dialect = Dialect {
            sqlite: "select id, workspace_id, key_id, sealed from webhook_endpoints where key_id <> $1 limit $2",
            postgres: "select id, workspace_id, key_id, sealed from webhook_endpoints where key_id <> $1 limit $2 for update",
        };
        const SQL: &str = "update webhook_endpoints set key_id = $3, sealed = $4 where workspace_id = $1 and id = $2";
        let (current, list) = (self.vault().current_key(), LIST.pick(self));
        let rows: Vec<(WebhookEndpointId, WorkspaceId, i64, Vec<u8>)> =
            on!(self, |conn| sqlx::query_as(list).bind(current).bind(limit).fetch_all(conn).await)?;
        let moved = rows.len() as u64;
        for (id, workspace, key_id, sealed) in rows {
            let target = self.open_target(workspace, id, &Sealed { key_id, sealed })?;
            let new = self.seal_target(workspace, id, &target)?;
            on!(self, |conn| {
                let query = sqlx::query(SQL).bind(workspace).bind(id).bind(new.key_id).bind(&new.sealed);
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(moved)
    }

    fn seal_target(&self, workspace: WorkspaceId, id: WebhookEndpointId, target: &WebhookTarget) -> Result<Sealed> {
        let plain = serde_json::to_vec(target).map_err(|_| Error::Corrupt("a target that cannot be written"))?;
        self.vault().seal(TABLE, workspace, &id.0.to_be_bytes(), &plain)
    }

    fn open_target(&self, workspace: WorkspaceId, id: WebhookEndpointId, sealed: &Sealed) -> Result<WebhookTarget> {
        let plain = self.vault().open(TABLE, workspace, &id.0.to_be_bytes(), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Corrupt("a target that cannot be read"))
    }

    fn open_endpoint(&self, row: Stored) -> Result<WebhookEndpointRow> {
        Ok(WebhookEndpointRow {
            target: self.open_target(row.workspace_id, row.id, &row.sealed)?,
            id: row.id,
            workspace_id: row.workspace_id,
            events: row.events.0,
            is_enabled: row.is_enabled,
            failing_since: row.failing_since,
            disabled_reason: row.disabled_reason,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
