//! Databases that the benchmark makes: files of SQLite below its folder, databases of its PostgreSQL.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use std::{fmt, fs};

use anyhow::{Context, Result};
use clap::ValueEnum;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};

/// What kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

impl Kind {
    /// What folders are called by it.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// The expression for a time that is given in microseconds.
    pub fn time(self, micros: &str) -> String {
        match self {
            Self::Sqlite => micros.to_owned(),
            Self::Postgres => format!("timestamptz 'epoch' + ({micros}) * interval '1 microsecond'"),
        }
    }
}

/// One database, and the folder of whoever uses it.
#[derive(Debug, Clone)]
pub struct Place {
    /// What kind.
    pub kind: Kind,
    /// The folder.
    pub folder: PathBuf,
    /// The database's URL.
    pub url: String,
    /// That of the PostgreSQL in which it is.
    server: Option<String>,
}

/// A connection to either.
pub enum Conn {
    /// To a file.
    Sqlite(SqliteConnection),
    /// To a server.
    Postgres(PgConnection),
}

impl Place {
    /// Names a database below that folder, or in that PostgreSQL.
    pub fn named(kind: Kind, name: &str, folder: &Path, postgres: Option<&str>) -> Result<Self> {
        let folder = folder.join(format!("{name}-{}", kind.folder()));
        if kind == Kind::Sqlite {
            let url = format!("sqlite://{}", folder.join("switchboard.db").display());
            return Ok(Self { kind, folder, url, server: None });
        }
        let server = postgres.context("a PostgreSQL is needed: --postgres URL")?;
        let (base, _) = server.rsplit_once('/').context("a URL ends with a database")?;
        let url = format!("{base}/bench_{}", name.replace('-', "_"));
        Ok(Self { kind, folder, url, server: Some(server.to_owned()) })
    }

    /// Makes it anew, empty.
    pub async fn make(&self) -> Result<()> {
        self.clear().await?;
        self.make_database("").await
    }

    /// Makes it anew as a copy of another one that nobody uses.
    pub async fn copy(&self, from: &Self) -> Result<()> {
        self.clear().await?;
        for name in ["switchboard.db", "switchboard.db-wal"] {
            let file = from.folder.join(name);
            if self.kind == Kind::Sqlite && file.exists() {
                fs::copy(file, self.folder.join(name))?;
            }
        }
        self.make_database(&format!(" template {}", from.name())).await
    }

    /// Removes it.
    pub async fn remove(&self) -> Result<()> {
        self.clear().await?;
        Ok(fs::remove_dir(&self.folder)?)
    }

    async fn clear(&self) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir_all(&self.folder)?;
        self.ask_server(&format!("drop database if exists {} with (force)", self.name())).await
    }

    async fn make_database(&self, from: &str) -> Result<()> {
        self.ask_server(&format!("create database {}{from}", self.name())).await
    }

    async fn ask_server(&self, sql: &str) -> Result<()> {
        let Some(server) = &self.server else { return Ok(()) };
        Conn::Postgres(PgConnection::connect(server).await?).run(sql).await
    }

    fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }

    /// Connects as the server does: on SQLite with its durability.
    pub async fn connect(&self) -> Result<Conn> {
        if self.kind == Kind::Postgres {
            let plans = [("enable_seqscan", "off"), ("random_page_cost", "1.1"), ("jit", "off")];
            let options = PgConnectOptions::from_str(&self.url)?.options(plans);
            return Ok(Conn::Postgres(options.connect().await?));
        }
        let options = SqliteConnectOptions::from_str(&self.url)?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("cache_size", "-16000")
            .pragma("temp_store", "memory");
        Ok(Conn::Sqlite(options.connect().await?))
    }
}

impl Conn {
    /// Runs statements without parameters.
    pub async fn run(&mut self, sql: &str) -> Result<()> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let done = match self {
            Self::Sqlite(conn) => query.execute(conn).await.map(drop),
            Self::Postgres(conn) => query.execute(conn).await.map(drop),
        };
        done.with_context(|| sql.to_owned())
    }

    /// Reads one whole number.
    pub async fn number(&mut self, sql: &'static str) -> Result<i64> {
        let number: Option<i64> = match self {
            Self::Sqlite(conn) => sqlx::query_scalar(sql).fetch_one(conn).await,
            Self::Postgres(conn) => sqlx::query_scalar(sql).fetch_one(conn).await,
        }?;
        Ok(number.unwrap_or_default())
    }

    /// Reads rows of three whole numbers.
    pub async fn triples(&mut self, sql: &'static str) -> Result<Vec<(i64, i64, i64)>> {
        Ok(match self {
            Self::Sqlite(conn) => sqlx::query_as(sql).fetch_all(conn).await,
            Self::Postgres(conn) => sqlx::query_as(sql).fetch_all(conn).await,
        }?)
    }

    /// Runs a statement with whole numbers for parameters, prepared once.
    pub async fn write(&mut self, sql: &str, numbers: &[i64]) -> Result<()> {
        macro_rules! bound {
            ($conn:expr) => {{
                let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
                numbers.iter().fold(query, |query, number| query.bind(*number)).execute($conn).await.map(drop)
            }};
        }
        match self {
            Self::Sqlite(conn) => bound!(conn),
            Self::Postgres(conn) => bound!(conn),
        }
        .with_context(|| sql.chars().take(200).collect::<String>())
    }

    /// Closes it.
    pub async fn close(self) -> Result<()> {
        Ok(match self {
            Self::Sqlite(conn) => conn.close().await,
            Self::Postgres(conn) => conn.close().await,
        }?)
    }
}
