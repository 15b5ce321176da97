//! Loads the server and the peers that it is compared with, and tells how they fared. `bench/run.sh` starts it.

mod bench;
mod chart;
mod client;
mod database;
mod figure;
mod grow;
mod limit;
mod load;
mod page;
mod peer;
mod process;
mod scenarios;
mod server;
mod traffic;

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::bench::{Bench, Settings};
use crate::database::Kind;
use crate::scenarios::{accept, carry, live, memory, own_cost, peers, reads, sends, slow_disk, soak};

/// What waits in a run of `run`, and in one of `long`.
const BACKLOGS: [u64; 2] = [20_000, 100_000];
/// Messages among which is read.
const SIZES: [i64; 3] = [10_000, 1_000_000, 10_000_000];

/// Loads the server and the peers that it is compared with, and tells how they fared.
#[derive(Debug, Parser)]
#[command(name = "switchboard-bench")]
struct Arguments {
    #[command(subcommand)]
    scenario: Scenario,
    #[command(flatten)]
    settings: Settings,
}

/// What is measured.
#[derive(Debug, Clone, Copy, Subcommand)]
enum Scenario {
    /// All that takes less than ten minutes, written to docs/benchmarks.md
    Run,
    /// The rest: ten million messages, 100,000 queued, a slow disk, live connections, ten minutes at half of the most
    Long,
    /// What the load itself costs
    OwnCost,
    /// Accepting, of the ceiling and of the database's limit
    Accept,
    /// Single sends on 64 connections alone, for a profile
    Sends,
    /// The server beside its peers
    Peers,
    /// Carrying
    Carry,
    /// Reading among ten thousand and a million messages
    Reads,
    /// Memory and the time of a start
    Memory,
    /// Accepting on a slow disk
    SlowDisk,
    /// 5,500 live connections
    Live,
    /// Ten minutes at half of the most
    Soak,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Arguments { scenario, settings } = Arguments::parse();
    let bench = Bench::new(settings);
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let local = LocalSet::new();
    // whichever ends first, what was started ends with it
    tokio::select! {
        done = local.run_until(run(&bench, scenario)) => done,
        _ = interrupt.recv() => bail!("interrupted"),
        _ = terminate.recv() => bail!("stopped"),
    }
}

async fn run(bench: &Bench, scenario: Scenario) -> Result<()> {
    match scenario {
        Scenario::Run => {
            short(bench).await;
            page::write(bench, "bench")?;
            bench.check()
        }
        Scenario::Long => {
            long(bench).await;
            page::write(bench, "bench-long")?;
            bench.check()
        }
        Scenario::OwnCost => own_cost(bench).await,
        Scenario::Peers => peers(bench).await,
        _ => each(bench, scenario).await,
    }
}

/// One scenario on each database.
async fn each(bench: &Bench, scenario: Scenario) -> Result<()> {
    for kind in bench.settings.databases.clone() {
        match scenario {
            Scenario::Sends => sends(bench, kind).await?,
            Scenario::Carry => carry(bench, kind, BACKLOGS[0], None).await?,
            Scenario::Reads => reads(bench, kind, &SIZES[..2]).await?,
            Scenario::Memory => memory(bench, kind, SIZES[1]).await?,
            Scenario::SlowDisk => slow_disk(bench, kind, &accept(bench, kind).await?).await?,
            Scenario::Live => live(bench, kind).await?,
            Scenario::Soak => soak(bench, kind, Duration::from_mins(10)).await?,
            _ => accept(bench, kind).await.map(drop)?,
        }
    }
    Ok(())
}

async fn short(bench: &Bench) {
    attempt(bench, "the load", own_cost(bench)).await;
    for kind in bench.settings.databases.clone() {
        let accepted = attempt(bench, "accepting", accept(bench, kind)).await;
        attempt(bench, "carrying", carry(bench, kind, BACKLOGS[0], accepted.as_ref())).await;
        attempt(bench, "reading", reads(bench, kind, &SIZES[..2])).await;
        attempt(bench, "memory", memory(bench, kind, SIZES[1])).await;
    }
    attempt(bench, "the peers", peers(bench)).await;
}

async fn long(bench: &Bench) {
    for kind in bench.settings.databases.clone() {
        let accepted = attempt(bench, "accepting", accept(bench, kind)).await;
        if let Some(accepted) = &accepted {
            attempt(bench, "a slow disk", slow_disk(bench, kind, accepted)).await;
        }
        attempt(bench, "carrying", carry(bench, kind, BACKLOGS[1], accepted.as_ref())).await;
        attempt(bench, "live", live(bench, kind)).await;
        if kind == Kind::Sqlite {
            attempt(bench, "reading", reads(bench, kind, &SIZES)).await;
            attempt(bench, "memory", memory(bench, kind, SIZES[2])).await;
        }
        attempt(bench, "a soak", soak(bench, kind, Duration::from_mins(10))).await;
    }
}

/// One part that may be refused while the others go on; the table says so.
async fn attempt<T>(bench: &Bench, what: &str, work: impl Future<Output = Result<T>>) -> Option<T> {
    work.await.map_err(|error| bench.refuse(format!("{what}: {error:#}"))).ok()
}

/// Prints a line at once.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap_or_default();
}
