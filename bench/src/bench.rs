//! What every scenario works with: the settings, the repeated run, and the table that they fill.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::database::{Kind, Place};
use crate::figure::{Figure, Row, Unit, shown};
use crate::grow::grown;
use crate::load::{Load, Tally, Write};
use crate::server::Program;

/// Fewer connections, and fewer requests a second, are measured for twice as long.
const FEW: u64 = 8;
const SELDOM: f64 = 100.0;

/// How it is measured.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// The server's binary
    #[arg(long, value_name = "FILE", default_value = "target/release/switchboard", global = true)]
    pub server: PathBuf,
    /// Where the databases are kept
    #[arg(long, value_name = "DIR", default_value = "target/bench", global = true)]
    pub folder: PathBuf,
    /// A PostgreSQL for databases of ours: `postgres://USER@HOST:PORT/postgres`
    #[arg(long, value_name = "URL", global = true)]
    pub postgres: Option<String>,
    /// The same, with a slower disk
    #[arg(long, value_name = "URL", global = true)]
    pub slow_postgres: Option<String>,
    /// What makes the disk of a server slower when it is loaded into it
    #[arg(long, value_name = "FILE", global = true)]
    pub slow_disk: Option<PathBuf>,
    /// The databases to measure on
    #[arg(long = "database", value_name = "KIND", default_values = ["sqlite", "postgres"], global = true)]
    pub databases: Vec<Kind>,
    /// How long one run is measured, in seconds
    #[arg(long, value_name = "N", default_value_t = 1.2, global = true)]
    pub seconds: f64,
    /// How many runs make a figure
    #[arg(long, value_name = "N", default_value_t = 3, global = true)]
    pub runs: usize,
}

/// How long a run is.
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    /// Before anything is measured.
    pub warm_up: Duration,
    /// For how long it is.
    pub measured: Duration,
}

/// What is under way.
#[derive(Debug)]
pub struct Bench {
    /// How it is measured.
    pub settings: Settings,
    table: RefCell<Vec<Row>>,
    refused: RefCell<Vec<String>>,
}

/// What several runs of one load gave.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Answers a second.
    pub rate: Figure,
    /// Half of them took no longer.
    pub p50: Figure,
    /// 95 of a hundred took no longer.
    pub p95: Figure,
    /// 99 of a hundred took no longer.
    pub p99: Figure,
    /// How much of one processor the load itself took, in the middle run.
    pub own_share: Figure,
}

impl Measured {
    fn of(tallies: &[Tally]) -> Result<Self> {
        let all = |read: &dyn Fn(&Tally) -> f64, unit| Figure::of(tallies.iter().map(read).collect(), unit);
        Ok(Self {
            rate: all(&Tally::rate, Unit::PerSecond)?,
            p50: all(&|tally| tally.quantile_ms(0.5), Unit::Millis)?,
            p95: all(&|tally| tally.quantile_ms(0.95), Unit::Millis)?,
            p99: all(&|tally| tally.quantile_ms(0.99), Unit::Millis)?,
            own_share: all(&|tally| tally.own_share, Unit::Times)?,
        })
    }

    /// How long requests took, and what the load cost.
    pub fn note(&self) -> String {
        let [p50, p99, own] = [&self.p50, &self.p99, &self.own_share].map(|figure| shown(figure.median()));
        format!("p50 {p50} ms, p99 {p99} ms, load {own} CPU")
    }
}

impl Bench {
    /// Begins with an empty table.
    pub fn new(settings: Settings) -> Self {
        Self { settings, table: RefCell::default(), refused: RefCell::default() }
    }

    /// How long a run is.
    pub fn spans(&self) -> Spans {
        let measured = Duration::from_secs_f64(self.settings.seconds);
        Spans { warm_up: measured / 3, measured }
    }

    /// How many messages a second a repeated run takes.
    pub async fn repeat(&self, unit: Unit, mut run: impl AsyncFnMut() -> Result<f64>) -> Result<Figure> {
        let mut runs = Vec::new();
        for _ in 0..self.settings.runs {
            runs.push(run().await?);
        }
        Figure::of(runs, unit)
    }

    /// Loads as fast as the answers come.
    pub async fn closed(&self, address: SocketAddr, connections: u64, write: Write) -> Result<Measured> {
        let load = self.load(address, connections, write);
        let mut tallies = Vec::new();
        for _ in 0..self.settings.runs {
            tallies.push(load.closed().await?);
        }
        Measured::of(&tallies)
    }

    /// Loads with that many requests a second.
    pub async fn open(&self, address: SocketAddr, rate: f64, write: Write) -> Result<Measured> {
        let mut load = self.load(address, 256, write);
        if rate < SELDOM {
            load.measured *= 2;
        }
        let mut tallies = Vec::new();
        for _ in 0..self.settings.runs {
            tallies.push(load.open(rate).await?);
        }
        Measured::of(&tallies)
    }

    /// One run of that load.
    pub fn load(&self, address: SocketAddr, connections: u64, write: Write) -> Load {
        let Spans { warm_up, mut measured } = self.spans();
        if connections < FEW {
            measured *= 2;
        }
        Load { address, write, connections, warm_up, measured }
    }

    /// The server, with its messages going to that carrier.
    pub fn program(&self, carrier: SocketAddr) -> Program {
        Program { binary: self.settings.server.clone(), preload: None, carrier }
    }

    /// The server, with nobody to carry its messages.
    pub fn idle_program(&self) -> Program {
        self.program(SocketAddr::from(([127, 0, 0, 1], 9)))
    }

    /// An empty database.
    pub async fn fresh(&self, kind: Kind, name: &str) -> Result<Place> {
        let place = self.place(kind, name)?;
        place.make().await?;
        Ok(place)
    }

    /// A database of that many messages, which is kept: whoever changes it works on a copy.
    pub async fn grown(&self, kind: Kind, messages: i64) -> Result<Place> {
        let place = self.place(kind, &format!("kept-{messages}"))?;
        grown(&self.idle_program(), &place, messages).await?;
        Ok(place)
    }

    /// A copy of it.
    pub async fn copied(&self, kind: Kind, messages: i64) -> Result<Place> {
        let (from, place) = (self.grown(kind, messages).await?, self.place(kind, "copy")?);
        place.copy(&from).await?;
        Ok(place)
    }

    fn place(&self, kind: Kind, name: &str) -> Result<Place> {
        let folder = self.settings.folder.canonicalize().context("the folder for databases")?;
        Place::named(kind, name, &folder, self.settings.postgres.as_deref())
    }

    /// Adds a line to the table, and prints it.
    pub fn add(&self, row: Row) {
        crate::say(&row.to_string());
        self.table.borrow_mut().push(row);
    }

    /// Notes what could not be measured, and why.
    pub fn refuse(&self, what: String) {
        crate::say(&format!("refused: {what}"));
        self.refused.borrow_mut().push(what);
    }

    /// What could not be measured.
    pub fn refused(&self) -> Vec<String> {
        self.refused.borrow().clone()
    }

    /// Fails when something could not be measured.
    pub fn check(&self) -> Result<()> {
        ensure!(self.refused.borrow().is_empty(), "not all was measured");
        Ok(())
    }

    /// The table so far.
    pub fn table(&self) -> Vec<Row> {
        self.table.borrow().clone()
    }
}
