//! A database of a test's own: a file in a folder of its own, or a copy of a template that is migrated once.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection};
use switchboard::clock::Clock;
use switchboard::domain::Timestamp;
use switchboard::store::{MasterKeys, OpenOptions, Store};
use tempfile::TempDir;

/// The master key of every test that does not bring its own.
pub const MASTER_KEY: [u8; 32] = [7; 32];

const SCHEMAS: [&str; 6] = [
    include_str!("../../migrations/postgres/0001_init.sql"),
    include_str!("../../migrations/postgres/0002_people.sql"),
    include_str!("../../migrations/postgres/0003_retention.sql"),
    include_str!("../../migrations/postgres/0004_statistics.sql"),
    include_str!("../../migrations/postgres/0005_consent.sql"),
    include_str!("../../migrations/postgres/0008_inbound_media.sql"),
];

/// Held while the template is made, so that processes that start at once make one.
const TEMPLATE_LOCK: &str = "select pg_advisory_lock(7399, 0)";

/// A database that goes with its test.
#[derive(Debug)]
pub struct Database {
    pub url: String,
    folder: TempDir,
    drop_by: Option<DropBy>,
}

#[derive(Debug)]
struct DropBy {
    admin: String,
    name: String,
}

impl Database {
    /// Makes an empty, migrated database.
    pub async fn create() -> Self {
        match admin_url() {
            None => Self::in_a_file(),
            Some(admin) => {
                let template = ensure_template(&admin).await;
                let name = format!("switchboard_test_{}", hex::encode(rand::random::<[u8; 8]>()));
                let mut conn = PgConnection::connect(&admin).await.unwrap();
                run(&mut conn, &format!("create database {name} template {template}")).await;
                conn.close().await.unwrap();
                let folder = tempfile::tempdir().unwrap();
                Self { url: with_name(&admin, &name), folder, drop_by: Some(DropBy { admin, name }) }
            }
        }
    }

    /// A SQLite file, whatever this run is on; it is made when it is opened.
    pub fn in_a_file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { url: format!("sqlite://{}/switchboard.db", folder.path().display()), folder, drop_by: None }
    }

    /// A copy of a PostgreSQL database that nobody has open.
    pub async fn copy(&self) -> Self {
        let DropBy { admin, name } = self.drop_by.as_ref().unwrap();
        let copy = format!("switchboard_test_{}", hex::encode(rand::random::<[u8; 8]>()));
        let mut conn = PgConnection::connect(admin).await.unwrap();
        run(&mut conn, &format!("create database {copy} template {name}")).await;
        conn.close().await.unwrap();
        let (url, admin) = (with_name(admin, &copy), admin.clone());
        Self { url, folder: tempfile::tempdir().unwrap(), drop_by: Some(DropBy { admin, name: copy }) }
    }

    /// A folder that goes with the database.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file of a SQLite database.
    pub fn file(&self) -> Option<PathBuf> {
        self.url.strip_prefix("sqlite://").map(PathBuf::from)
    }

    pub fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// One number, beside the server.
    pub async fn number(&self, sql: &str) -> i64 {
        number(&self.url, sql, None).await
    }

    /// The rows of a statement that selects one text, beside the server.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        if self.is_postgres() {
            sqlx::query_scalar(sql).fetch_all(&mut postgres(&self.url).await).await.unwrap()
        } else {
            sqlx::query_scalar(sql).fetch_all(&mut sqlite(&self.url).await).await.unwrap()
        }
    }

    /// Changes something behind the server's back.
    pub async fn execute(&self, sql: &str) {
        self.try_execute(sql).await.unwrap();
    }

    /// Tries to change something; gives what the database says against it.
    pub async fn try_execute(&self, sql: &str) -> Result<(), String> {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        let done = if self.is_postgres() {
            sqlx::raw_sql(sql).execute(&mut postgres(&self.url).await).await.map(drop)
        } else {
            sqlx::raw_sql(sql).execute(&mut sqlite(&self.url).await).await.map(drop)
        };
        done.map_err(|error| error.to_string())
    }

    /// When the next row of the outbox is due, or out of time, after that time.
    pub async fn next_work(&self, now: Timestamp) -> Option<Timestamp> {
        const SQL: &str = "select min(x.at) from (select due_at as at from outbox where due_at > $1
            union all select deadline from outbox where deadline > $1
            union all select due_at from inbound_media where due_at > $1) x";
        if self.is_postgres() {
            sqlx::query_scalar(SQL).bind(now).fetch_one(&mut postgres(&self.url).await).await.unwrap()
        } else {
            sqlx::query_scalar(SQL).bind(now).fetch_one(&mut sqlite(&self.url).await).await.unwrap()
        }
    }

    /// How many rows of the outbox could be worked on at that time, from a place where nothing can be awaited.
    pub fn due_work(&self, now: Timestamp) -> i64 {
        const SQL: &str = "select (select count(*) from outbox where phase = 'sending' or due_at <= $1)
            + (select count(*) from inbound_media where due_at <= $1)";
        let url = self.url.clone();
        block_on(async move { number(&url, SQL, Some(now)).await })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(DropBy { admin, name }) = self.drop_by.take() else { return };
        block_on(async move {
            let mut conn = PgConnection::connect(&admin).await.unwrap();
            run(&mut conn, &format!("drop database if exists {name} with (force)")).await;
        });
    }
}

/// The PostgreSQL server of this run, if it is one on PostgreSQL.
#[expect(clippy::disallowed_methods, reason = "the run is told its database by the environment")]
pub fn admin_url() -> Option<String> {
    let url = std::env::var("SWITCHBOARD_TEST_DATABASE").ok()?;
    (url != "sqlite" && !url.is_empty()).then_some(url)
}

/// Opens a database as a server does.
pub async fn open(url: &str, keys: MasterKeys, clock: &Clock) -> Store {
    Store::open(&OpenOptions { url: url.to_owned(), keys, is_exclusive: true }, clock).await.unwrap()
}

/// The keys of every test that does not bring its own.
pub fn keys() -> MasterKeys {
    MasterKeys { current: MASTER_KEY, previous: None }
}

async fn ensure_template(admin: &str) -> String {
    let hash = Sha256::digest(SCHEMAS.concat().as_bytes());
    let name = format!("switchboard_template_{}", hex::encode(&hash[..8]));
    let find = format!("select 1 from pg_database where datname = '{name}' and datistemplate");
    let mut conn = PgConnection::connect(admin).await.unwrap();
    if exists(&mut conn, &find).await {
        return name;
    }
    run(&mut conn, TEMPLATE_LOCK).await;
    if !exists(&mut conn, &find).await {
        run(&mut conn, &format!("drop database if exists {name} with (force)")).await;
        run(&mut conn, &format!("create database {name}")).await;
        let clock = Clock::manual(Timestamp::from_micros(0), 0);
        open(&with_name(admin, &name), keys(), &clock).await.close().await;
        run(&mut conn, &format!("alter database {name} with is_template true allow_connections false")).await;
    }
    conn.close().await.unwrap();
    name
}

async fn exists(conn: &mut PgConnection, sql: &str) -> bool {
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).fetch_optional(conn).await.unwrap().is_some()
}

async fn run(conn: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(conn).await.unwrap();
}

async fn number(url: &str, sql: &str, bound: Option<Timestamp>) -> i64 {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite") {
        let query = sqlx::query_scalar(sql);
        let query = if let Some(at) = bound { query.bind(at) } else { query };
        query.fetch_one(&mut sqlite(url).await).await.unwrap()
    } else {
        let query = sqlx::query_scalar(sql);
        let query = if let Some(at) = bound { query.bind(at) } else { query };
        query.fetch_one(&mut postgres(url).await).await.unwrap()
    }
}

/// A connection of the test's own.
pub async fn sqlite(url: &str) -> SqliteConnection {
    SqliteConnectOptions::from_str(url).unwrap().foreign_keys(true).connect().await.unwrap()
}

/// A connection of the test's own.
pub async fn postgres(url: &str) -> PgConnection {
    PgConnectOptions::from_str(url).unwrap().connect().await.unwrap()
}

/// The URL of another database on the same server.
fn with_name(admin: &str, name: &str) -> String {
    let mut url = url::Url::parse(admin).unwrap();
    url.set_path(name);
    url.into()
}

/// Waits for a future on a runtime of its own: the test's cannot be waited on where it is dropped.
fn block_on<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let on_its_own =
        move || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
    std::thread::spawn(on_its_own).join().unwrap()
}
