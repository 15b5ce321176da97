//! The peers: small services as a competent person writes them, each with one of the contracts.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;

use crate::database::Place;
use crate::process::Process;

/// How long a peer may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// What kind of peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Express and better-sqlite3: contract B.
    ExpressSqlite,
    /// Express and pg: contract B.
    ExpressPostgres,
    /// `FastAPI`, asyncpg and two workers of uvicorn: contract E.
    FastApi,
    /// Flask, psycopg 3 and five workers of gunicorn: contract C.
    Flask,
}

impl Kind {
    /// What it is made of.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExpressSqlite => "Express + better-sqlite3",
            Self::ExpressPostgres => "Express + pg",
            Self::FastApi => "FastAPI + asyncpg, 2 workers",
            Self::Flask => "Flask + gunicorn + psycopg, 5 workers",
        }
    }

    /// What its database begins with, where it does not make that itself.
    fn schema(self) -> Option<&'static str> {
        match self {
            Self::ExpressSqlite | Self::ExpressPostgres => None,
            Self::FastApi => Some("fastapi.sql"),
            Self::Flask => Some("flask.sql"),
        }
    }
}

/// A running peer.
#[derive(Debug)]
pub struct Peer {
    /// Where it listens.
    pub address: SocketAddr,
    _process: Process,
}

/// Starts a peer on an empty database of its own; `folder` holds what was installed for it.
pub async fn start(kind: Kind, place: &Place, folder: &Path) -> Result<Peer> {
    let sources = folder.join("peers");
    if let Some(schema) = kind.schema() {
        let schema = fs::read_to_string(sources.join(schema)).context("bench/run.sh installs the peers")?;
        let mut conn = place.connect().await?;
        conn.run(&schema).await?;
        conn.close().await?;
    }
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = command(kind, place, (folder, address));
    command.current_dir(&sources).env("PORT", address.port().to_string()).env("NODE_ENV", "production");
    let log = place.folder.join("peer-log");
    let mut process = Process::start(&mut command, &log)?;
    let begun = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        process.check().with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
        if begun.elapsed() > PATIENCE {
            bail!("{} does not start; see {}", kind.name(), log.display());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // every worker, not only the first
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok(Peer { address, _process: process })
}

fn command(kind: Kind, place: &Place, (folder, address): (&Path, SocketAddr)) -> Command {
    let python = |program: &str| -> PathBuf { folder.join("python/bin").join(program) };
    let port = address.port().to_string();
    let mut command = match kind {
        Kind::ExpressSqlite | Kind::ExpressPostgres => Command::new("node"),
        Kind::FastApi => Command::new(python("uvicorn")),
        Kind::Flask => Command::new(python("gunicorn")),
    };
    command.env("DATABASE_URL", &place.url);
    match kind {
        Kind::ExpressSqlite => {
            command.arg("express_app.js").env("STORE", "sqlite").env("DATABASE_URL", place.folder.join("peer.db"))
        }
        Kind::ExpressPostgres => command.arg("express_app.js").env("STORE", "pg"),
        Kind::FastApi => command.args(["fastapi_app:app", "--workers", "2", "--no-access-log", "--port", &port]),
        Kind::Flask => command
            .args(["--workers", "5", "--worker-class", "gthread", "--threads", "4", "--keep-alive", "30"])
            .args(["--bind", &address.to_string(), "flask_app:app"]),
    };
    command
}
