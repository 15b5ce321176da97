//! Backups of a live SQLite database, and what must be true of a database that comes back from one.

use std::path::{Path, PathBuf};

use serde_json::json;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::attempts::NewHistory;
use super::{Bearing, MasterKeys, OpenError, OpenOptions, Pools, Result, Store, Tx, on};
use crate::clock::Clock;
use crate::domain::{Status, Timestamp};
use crate::fault::is_sabotaged;

/// Why a backup or a restore did not happen.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A file is in the way.
    #[error("{0} exists; move it away first")]
    Exists(PathBuf),
    /// PostgreSQL has tools of its own.
    #[error("a PostgreSQL database is backed up by pg_dump, not by this command")]
    NotSqlite,
    /// A file could not be read or written.
    #[error("cannot copy {0}")]
    File(PathBuf, #[source] std::io::Error),
    /// The copy could not be made.
    #[error("the database could not be copied")]
    Copy(#[from] sqlx::Error),
    /// The restored database does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The restored database does not take the change.
    #[error(transparent)]
    Store(#[from] super::Error),
}

/// What became of work that was not finished, in a database from a backup.
const REASON: &str = "restored from a backup: it may have been sent since";

impl Store {
    /// Copies a SQLite database to a file while it is in use: one consistent state, synced before this returns.
    pub async fn backup(&self, file: &Path) -> Result<(), RestoreError> {
        let Pools::Sqlite { write, .. } = &self.shared.pools else { return Err(RestoreError::NotSqlite) };
        if file.exists() {
            return Err(RestoreError::Exists(file.to_owned()));
        }
        let source = write.connect_options().as_ref().clone();
        let partial = with_suffix(file, ".partial");
        let _ = std::fs::remove_file(&partial);
        let mut conn = source.connect().await?;
        super::open::private_file(&partial).map_err(|error| RestoreError::File(partial.clone(), error))?;
        sqlx::query("vacuum into $1").bind(partial.to_string_lossy().into_owned()).execute(&mut conn).await?;
        sync_into(&partial, file)
    }

    /// Makes a database that comes from a backup safe to serve: whatever it still calls queued or sending becomes
    /// unknown, because it may have been sent since, and new references get a new name. Another provider than the one that
    /// can be asked now may have it: whatever is sent again is marked.
    pub async fn settle_restored(&self, clock: &Clock) -> Result<usize, RestoreError> {
        let mut tx = self.begin().await?;
        let now = clock.now();
        tx.lapse_leases(now).await?;
        let moved = tx.forget_certainty(now).await?;
        let first = tx.next_message().await?;
        tx.begin_epoch(first, clock).await?;
        if !is_sabotaged("restore_trusted") {
            tx.commit().await?;
        }
        Ok(moved)
    }
}

impl Tx {
    async fn forget_certainty(&mut self, now: Timestamp) -> Result<usize> {
        const OPEN: &str = "select workspace_id, id from messages
            where status in ('queued', 'sending') or (status = 'scheduled' and scheduled_at <= $1)";
        const WORK: &str = "update outbox set phase = 'lookup', due_at = $1, unknown_since = $1, fence = fence + 1
            where phase <> 'lookup' and exists (select 1 from messages m where m.workspace_id = outbox.workspace_id
                and m.id = outbox.message_id and m.status = 'unknown')";
        const MARK: &str = "update outbox set may_duplicate = true where phase = 'lookup' and kind = 'message'";
        const ATTEMPTS: &str =
            "update attempts set ended_at = $1, outcome = 'unknown', reason = $2 where ended_at is null";
        let ids: Vec<(crate::domain::WorkspaceId, crate::domain::MessageId)> =
            on!(self, |conn| sqlx::query_as(OPEN).bind(now).fetch_all(conn).await)?;
        let mut bearings = self.lock_messages(&ids).await?;
        for bearing in &mut bearings {
            bearing.status = Status::Unknown;
            bearing.status_reason = Some(REASON.to_owned());
            bearing.is_final = false;
        }
        let entry = |bearing: &Bearing| NewHistory {
            workspace: bearing.workspace_id,
            message: bearing.id,
            kind: "status",
            at: now,
            data: json!({ "status": "unknown", "reason": REASON }),
        };
        self.add_history(&bearings.iter().map(entry).collect::<Vec<_>>()).await?;
        self.move_messages(&bearings, now).await?;
        on!(self, |conn| sqlx::query(WORK).bind(now).execute(conn).await.map(drop))?;
        on!(self, |conn| sqlx::query(MARK).execute(conn).await.map(drop))?;
        on!(self, |conn| sqlx::query(ATTEMPTS).bind(now).bind(REASON).execute(conn).await.map(drop))?;
        Ok(bearings.len())
    }

    async fn next_message(&mut self) -> Result<i64> {
        const SQL: &str = "select coalesce(max(id), 0) + 1 from messages";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).fetch_one(conn).await)?)
    }
}

/// Puts a backup in the place of a database that is not there yet.
///
/// The copy is settled beside its place, as [`Store::settle_restored`] does it, and moved there only then: a restore
/// that fails leaves nothing that could be served. Gives how many messages became unknown.
///
/// # Errors
///
/// When a database or a part of one is there already, the backup is no database, or the master key is not its own.
pub async fn restore_sqlite(
    backup: &Path,
    database: &Path,
    keys: &MasterKeys,
    clock: &Clock,
) -> Result<usize, RestoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let part = with_suffix(database, suffix);
        if part.exists() {
            return Err(RestoreError::Exists(part));
        }
    }
    if let Some(folder) = database.parent() {
        super::open::private_folder(folder).map_err(|error| RestoreError::File(folder.to_owned(), error))?;
    }
    let _lock = super::open::lock_file(database)?;
    let partial = with_suffix(database, ".partial");
    remove_database(&partial);
    super::open::private_file(&partial).map_err(|error| RestoreError::File(partial.clone(), error))?;
    let mut conn = SqliteConnectOptions::new().filename(backup).read_only(true).connect().await?;
    sqlx::query("select count(*) from messages").execute(&mut conn).await?;
    sqlx::query("vacuum into $1").bind(partial.to_string_lossy().into_owned()).execute(&mut conn).await?;
    let url = format!("sqlite://{}", partial.display());
    let store = Store::open(&OpenOptions { url, keys: keys.clone(), is_exclusive: false }, clock).await?;
    let unknown = store.settle_restored(clock).await?;
    store.close().await;
    sync_into(&partial, database)?;
    remove_database(&partial);
    Ok(unknown)
}

/// Removes what an earlier restore left half done.
fn remove_database(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(with_suffix(path, suffix));
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn sync_into(partial: &Path, file: &Path) -> Result<(), RestoreError> {
    let failed = |error| RestoreError::File(file.to_owned(), error);
    std::fs::File::open(partial).and_then(|made| made.sync_all()).map_err(failed)?;
    std::fs::rename(partial, file).map_err(failed)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}
