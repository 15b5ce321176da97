//! Opening a database: pools, pragmas, version, schema, master keys, and the lock of a single SQLite server.

use std::fs::{File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{Notify, watch};

use super::{Pools, Shared, Store, Tx, Vault, known, migrate, on, vault};
use crate::clock::Clock;
use crate::domain::WorkspaceId;
use crate::fault::is_sabotaged;

/// The first SQLite without the WAL-reset bug that could lose commits (3.7.0 to 3.51.2).
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];
/// Pages of the write-ahead log, 4 KiB each, after which a commit carries them over into the database: what changes often
/// is written there once for many changes.
const CHECKPOINT_PAGES: &str = "4000";
/// The oldest PostgreSQL whose SQL is spoken here.
const OLDEST_POSTGRES: i32 = 150_000;

/// The keys that open this database.
#[derive(Clone)]
pub struct MasterKeys {
    /// Seals everything new.
    pub current: [u8; 32],
    /// Still opens what it sealed, until `rekey` has been through.
    pub previous: Option<[u8; 32]>,
}

impl std::fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKeys(***)")
    }
}

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// `sqlite://PATH` or `postgres://..`.
    pub url: String,
    /// The keys.
    pub keys: MasterKeys,
    /// Whether this process is the database's only one; a command beside a running SQLite server is not.
    pub is_exclusive: bool,
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names neither kind of database.
    #[error("a database URL begins with sqlite:// or postgres://")]
    UnknownKind,
    /// Another process has it.
    #[error("another server has {0} open; a SQLite database has one server, several share a PostgreSQL one")]
    InUse(PathBuf),
    /// The library or server is too old to be trusted.
    #[error("{0} is too old: {1} or newer is needed")]
    TooOld(String, &'static str),
    /// The master key is not the one that sealed this database.
    #[error(
        "the master key is not the one that sealed this database; give the right one, or while rotating the old one too \
         as SWITCHBOARD_PREVIOUS_MASTER_KEY"
    )]
    WrongKey,
    /// The schema could not be brought up to date.
    #[error("the schema cannot be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A file could not be made.
    #[error("cannot make {0}")]
    File(PathBuf, #[source] std::io::Error),
    /// The database did not answer as it should.
    #[error("cannot open the database")]
    Database(#[from] sqlx::Error),
    /// The database did not take what every database holds.
    #[error("cannot prepare the database")]
    Prepare(#[from] super::Error),
}

impl Store {
    /// Opens a database and brings its schema up to date.
    pub async fn open(options: &OpenOptions, clock: &Clock) -> Result<Self, OpenError> {
        let addresses: Arc<known::Addresses> = Arc::default();
        let (pools, lock) = connect(options, &addresses).await?;
        migrate::run(&pools).await?;
        let bare = Shared {
            pools,
            vault: Vault::new(&[], clock.clone()),
            epochs: super::messages::Epochs::default(),
            callers: known::Callers::default(),
            addresses,
            work: super::Work::default(),
            news: Notify::new(),
            told: watch::Sender::default(),
            _lock: lock,
        };
        let store = Self { shared: Arc::new(bare) };
        let mut tx = store.begin().await?;
        tx.lock_for_start().await?;
        let keys = tx.register_keys(&options.keys, clock).await?;
        tx.ensure_workspace(clock).await?;
        let epochs = tx.ensure_epoch(clock).await?;
        let vault = Vault::new(&keys, clock.clone());
        let secret = tx.ensure_secret(&vault, clock).await?;
        tx.commit().await?;
        let bare = Arc::into_inner(store.shared).ok_or(OpenError::WrongKey)?;
        let shared = Shared { vault: vault.with_secret(secret), epochs, ..bare };
        Ok(Self { shared: Arc::new(shared) })
    }
}

async fn connect(options: &OpenOptions, addresses: &Arc<known::Addresses>) -> Result<(Pools, Option<File>), OpenError> {
    if let Some(path) = sqlite_path(&options.url) {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private_folder(folder).map_err(|error| OpenError::File(folder.to_owned(), error))?;
        }
        let lock = if options.is_exclusive && !is_sabotaged("lock_off") { Some(lock_file(&path)?) } else { None };
        return Ok((sqlite(&path).await?, lock));
    }
    if options.url.starts_with("postgres://") || options.url.starts_with("postgresql://") {
        return Ok((postgres(&options.url, Arc::clone(addresses)).await?, None));
    }
    Err(OpenError::UnknownKind)
}

/// The file that a `sqlite://` URL names; nothing for another kind of database.
pub fn sqlite_path(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?;
    Some(PathBuf::from(path.split('?').next().unwrap_or(path)))
}

/// Makes an empty file that only its owner may read, where none is; SQLite takes it for a new database.
pub(super) fn private_file(path: &Path) -> std::io::Result<()> {
    File::options().create(true).append(true).mode(0o600).open(path).map(drop)
}

pub(super) fn lock_file(database: &Path) -> Result<File, OpenError> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| OpenError::File(path.clone(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(database.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::File(path, error)),
    }
}

/// Makes a folder that only its owner may look into; one that is there stays as it is.
pub(super) fn private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

async fn sqlite(path: &Path) -> Result<Pools, OpenError> {
    private_file(path).map_err(|error| OpenError::File(path.to_owned(), error))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "memory")
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .statement_cache_capacity(200);
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .before_acquire(is_clean)
        .connect_with(options.clone())
        .await?;
    let version: String = sqlx::query_scalar("select sqlite_version()").fetch_one(&write).await?;
    if parse_version(&version) < Some(OLDEST_SQLITE) {
        return Err(OpenError::TooOld(format!("SQLite {version}"), "3.51.3"));
    }
    let read = SqlitePoolOptions::new()
        .max_connections(4)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .before_acquire(is_clean)
        .connect_lazy_with(options.pragma("query_only", "on"));
    Ok(Pools::Sqlite { write, read })
}

/// Lets a connection go that still counts a transaction: SQLite has rolled it back by itself, as it does on a full disk,
/// and no other could begin on it.
fn is_clean(conn: &mut SqliteConnection, _: PoolConnectionMetadata) -> BoxFuture<'_, Result<bool, sqlx::Error>> {
    Box::pin(async { Ok(!conn.is_in_transaction() || is_sabotaged("stuck_rollback")) })
}

fn parse_version(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

/// What every session on PostgreSQL is set to. Statements go to their rows by an index, whatever the statistics say: a plan
/// that was made while a table was small is kept when it is large.
const SESSION: [(&str, &str); 8] = [
    ("lock_timeout", "5s"),
    ("statement_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("default_transaction_isolation", "read committed"),
    ("timezone", "UTC"),
    ("enable_seqscan", "off"),
    ("random_page_cost", "1.1"),
    ("jit", "off"),
];

async fn postgres(url: &str, addresses: Arc<known::Addresses>) -> Result<Pools, OpenError> {
    let options =
        PgConnectOptions::from_str(url)?.application_name("switchboard").statement_cache_capacity(200).options(SESSION);
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .after_connect(move |_, _| {
            // a new connection may lead to another server, which has not seen all that this process knows
            addresses.forget();
            Box::pin(async { Ok(()) })
        })
        .connect_with(options)
        .await?;
    let version: String = sqlx::query_scalar("show server_version_num").fetch_one(&pool).await?;
    if version.parse::<i32>().unwrap_or(0) < OLDEST_POSTGRES {
        return Err(OpenError::TooOld(format!("PostgreSQL {version}"), "15"));
    }
    Ok(Pools::Postgres(pool))
}

#[derive(sqlx::FromRow)]
struct KnownKey {
    id: i64,
    check_value: Vec<u8>,
}

impl Tx {
    /// Two servers that start at once on one database prepare it one after the other.
    async fn lock_for_start(&mut self) -> super::Result<()> {
        if self.is_postgres() {
            on!(self, |conn| sqlx::query("select pg_advisory_xact_lock(7302, 0)").execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    async fn register_keys(&mut self, keys: &MasterKeys, clock: &Clock) -> Result<Vec<(i64, [u8; 32])>, OpenError> {
        const LIST: &str = "select id, check_value from master_keys order by id desc";
        let known: Vec<KnownKey> = on!(self, |conn| sqlx::query_as(LIST).fetch_all(conn).await)?;
        let given: Vec<[u8; 32]> = std::iter::once(keys.current).chain(keys.previous).collect();
        let find = |master: &[u8; 32]| {
            let value = vault::check_value(master);
            known.iter().find(|key| key.check_value == value).map(|key| key.id)
        };
        let found: Vec<(i64, [u8; 32])> = given.iter().filter_map(|master| Some((find(master)?, *master))).collect();
        if known.iter().any(|key| !found.iter().any(|(id, _)| *id == key.id)) {
            return Err(OpenError::WrongKey);
        }
        if find(&keys.current).is_some() {
            Ok(found)
        } else {
            let id = self.insert_key(&keys.current, clock).await?;
            Ok(std::iter::once((id, keys.current)).chain(found).collect())
        }
    }

    async fn insert_key(&mut self, master: &[u8; 32], clock: &Clock) -> Result<i64, OpenError> {
        const SQL: &str = "insert into master_keys (check_value, created_at) values ($1, $2) returning id";
        let value = vault::check_value(master).to_vec();
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(value).bind(clock.now()).fetch_one(conn).await)?)
    }

    async fn ensure_workspace(&mut self, clock: &Clock) -> Result<(), OpenError> {
        const COUNT: &str = "select count(*) from workspaces where id > 0";
        const SQL: &str = "insert into workspaces (name, strangers, group_history, created_at)
            values ('default', 'write', 'joined', $1) returning id";
        let count: i64 = on!(self, |conn| sqlx::query_scalar(COUNT).fetch_one(conn).await)?;
        if count == 0 {
            let id: i64 = on!(self, |conn| sqlx::query_scalar(SQL).bind(clock.now()).fetch_one(conn).await)?;
            debug_assert_eq!(id, WorkspaceId::DEFAULT.0);
        }
        Ok(())
    }
}
