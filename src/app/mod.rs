//! Wires everything, starts, stops.

mod adapters;
mod commands;
mod log;
mod parts;
mod reload;

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;

use crate::arguments::{Arguments, Command, DevArguments, ServeArguments, UsersCommand};
use crate::auth::{self, seed_people};
use crate::clock::Clock;
use crate::config::{Config, Sources};
use crate::domain::Report;
use crate::egress::SystemNames;
use crate::fault::is_sabotaged;
use crate::http::{self, Mode};
use crate::messaging::{Messaging, StatusReport, record_statuses};
use crate::outbox::Outbox;
use crate::provider::simulator::Receipt;
use crate::provider::{Board, Simulator};
use crate::store::Store;

pub use parts::{Parts, egress, lines, rules, sender};
use reload::{Running, check_workspaces};

/// How long one attempt at the simulated carrier may take.
const SIMULATOR_TIMEOUT: Duration = Duration::from_secs(10);
/// How long search waits before it looks again, though nothing was told; what other processes store is told by the outbox.
const INDEX_IDLE: Duration = Duration::from_mins(1);
/// How long it waits for a database that is away.
const AWAY: Duration = Duration::from_secs(1);
/// How long commits are gathered for it.
const INDEX_GATHER: Duration = Duration::from_millis(50);
/// How much longer it rests than it works while it is behind and others write.
const INDEX_REST: u32 = 9;
/// How long it rests then at most.
const INDEX_LONGEST: Duration = Duration::from_secs(1);
/// How often servers on one database tell each other who asks how often.
const SHARE_EVERY: Duration = Duration::from_secs(1);
/// How long those who listen may take to hear that the server stops.
const LIVE_GRACE: Duration = Duration::from_secs(4);
/// Receipts of the simulated carrier that wait to be recorded.
const RECEIPTS: usize = 10_000;
/// Receipts of one commit.
const RECEIPTS_AT_ONCE: usize = 100;

/// Does what the command line says.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    start_logging();
    let clock = Clock::system();
    match arguments.command {
        Command::Dev(DevArguments { serve, published_on_loopback }) => {
            run_server(sources(&serve), Mode::Dev { published_on_loopback }, clock).await
        }
        Command::Serve(serve) => run_server(sources(&serve), Mode::Serve, clock).await,
        Command::Migrate(store) => commands::migrate(&commands::load_store(&store)?, &clock).await,
        Command::Seed(store) => commands::seed(commands::load_store(&store)?, clock).await,
        Command::Openapi(openapi) => commands::print_openapi(openapi.yaml),
        Command::Config(serve) => say(&load(&serve)?.masked_toml()),
        Command::Keys(keys) => commands::keys(keys.command, &clock).await,
        Command::Users(users) => match users.command {
            UsersCommand::CreateAdmin(admin) => commands::create_admin(admin, &clock).await,
        },
        Command::Workspaces(workspaces) => commands::workspaces(workspaces.command, &clock).await,
        Command::Rekey(store) => commands::rekey(&commands::load_store(&store)?, &clock).await,
        Command::Backup(backup) => commands::backup(&commands::load_store(&backup.store)?, &backup.file, &clock).await,
        Command::Restore(restore) => {
            commands::restore(&commands::load_store(&restore.store)?, restore.file.as_deref(), &clock).await
        }
        Command::Carrier(carrier) => commands::carrier(carrier, clock, stop_signal()?).await,
        Command::Health(health) => commands::health(health.listen).await,
    }
}

fn load(serve: &ServeArguments) -> anyhow::Result<Config> {
    Ok(Config::load(&sources(serve))?)
}

fn sources(serve: &ServeArguments) -> Sources {
    let store = &serve.store;
    Sources {
        file: store.config.clone(),
        environment: None,
        listen: serve.listen,
        data: store.data.clone(),
        database: store.database.clone(),
    }
}

/// Serves and carries until it is told to stop.
async fn run_server(sources: Sources, mode: Mode, clock: Clock) -> anyhow::Result<()> {
    let config = &Config::load(&sources)?;
    check_address(config, mode)?;
    let asked = signal(SignalKind::hangup())?;
    let stop = stop_signal()?;
    let metrics = parts::install_metrics()?;
    let store = commands::open(config, matches!(mode, Mode::Dev { .. }), true, &clock).await?;
    let (receipts, reported) = mpsc::channel(RECEIPTS);
    let simulator = match mode {
        Mode::Dev { .. } => Some(Arc::new(Simulator::new(clock.clone(), receipts, SIMULATOR_TIMEOUT))),
        Mode::Serve => None,
    };
    check_workspaces(config, &store).await?;
    let parts = Parts { config: Arc::new(config.clone()), store, clock, simulator, board: Board::default() };
    let messaging = parts.messaging()?;
    let egress = egress(config, mode, Arc::new(SystemNames));
    let sender = sender(config, egress, &parts.clock)?;
    let outbox = Outbox::new(messaging.clone(), lines(&parts)?, sender);
    outbox.recover().await.context("the outbox cannot be recovered")?;
    outbox.read_pauses().await.context("it cannot be read which providers are held back")?;
    outbox.reroute().await.context("the outbox cannot be given to other providers")?;
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;

    let tasks = TaskTracker::new();
    let carrying = CancellationToken::new();
    let carried = tasks.spawn(carry(outbox.clone(), carrying.clone(), stop.clone()));
    tasks.spawn(index(parts.store.clone(), carrying.clone()));
    tasks.spawn(record_receipts(messaging.clone(), reported, carrying.clone()));
    tasks.spawn(parts::keep_up(metrics.clone(), carrying.clone()));
    tasks.spawn(parts::measure_disk(parts.config.data.clone(), carrying.clone()));
    let state = parts.state(messaging, mode, metrics);
    tasks.spawn(share_budgets(state.clone(), carrying.clone()));
    tasks.spawn(state.live.clone().run(stop.clone()));
    let live = state.live.clone();
    if let Mode::Dev { .. } = mode {
        seed_people(&state.accounts).await.context("the people of dev cannot be made")?;
    }
    let store = parts.store.clone();
    let (router, current) = watch::channel(http::router(state.clone()));
    let running = Running { sources, parts, state, outbox, router };
    let reloading = tasks.spawn(running.reload_forever(asked, carrying.clone()));
    say(&format!("listening on http://{address}\n"))?;
    let serving = tasks.spawn(http::serve(listener, current, limits(config), stop.clone()));
    stop.cancelled().await;
    tracing::info!("stopping");
    if is_sabotaged("stop_at_once") {
        return Ok(());
    }
    carrying.cancel();
    serving.await?;
    live.drained(LIVE_GRACE).await;
    tasks.close();
    tasks.wait().await;
    store.close().await;
    reloading.await?;
    carried.await?
}

fn check_address(config: &Config, mode: Mode) -> anyhow::Result<()> {
    if let Mode::Dev { published_on_loopback: false } = mode {
        anyhow::ensure!(
            config.listen.ip().is_loopback(),
            "dev listens on loopback only, because it asks nobody for credentials; use serve, or \
             --published-on-loopback where a container's port is published on the host's loopback"
        );
    }
    Ok(())
}

fn limits(config: &Config) -> http::Limits {
    http::Limits {
        header_timeout: Duration::from_millis(config.header_timeout_ms),
        write_timeout: Duration::from_millis(config.write_timeout_ms),
        ..http::Limits::default()
    }
}

/// Carries; when that ends by itself, so does the server.
async fn carry(outbox: Outbox, carrying: CancellationToken, stop: CancellationToken) -> anyhow::Result<()> {
    let carried = outbox.run(carrying).await;
    stop.cancel();
    Ok(carried?)
}

/// Keeps search right behind the commits. What is behind is taken in for a tenth of the time, so that search takes no more
/// than that from whoever writes.
async fn index(store: Store, stop: CancellationToken) {
    let mut told = store.told();
    while !stop.is_cancelled() {
        told.mark_unchanged();
        let begun = Instant::now();
        let rest = match store.index_step().await {
            // nobody else writes: nobody waits for it
            Ok(true) if !told.has_changed().unwrap_or(true) => INDEX_GATHER,
            Ok(true) => (begun.elapsed() * INDEX_REST).clamp(INDEX_GATHER, INDEX_LONGEST),
            Ok(false) => {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(INDEX_IDLE) => {}
                    _ = told.changed() => {}
                }
                INDEX_GATHER
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "search falls behind");
                AWAY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// Tells the other servers on this database who asks how often. Where there can be no other, it need not be told.
async fn share_budgets(state: http::State, stop: CancellationToken) {
    for limit in auth::BUDGETS.into_iter().chain(["code_country", "requests"]) {
        metrics::counter!("switchboard_limited_total", "limit" => limit).increment(0);
    }
    let store = &state.messaging.store;
    while store.is_shared() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SHARE_EVERY) => {}
        }
        if let Err(error) = state.limiter.share(store, state.messaging.clock.now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "request budgets are this server's own for now");
        }
    }
}

/// Records what the simulated carrier reports, as webhooks of it would.
async fn record_receipts(m: Messaging, mut receipts: mpsc::Receiver<Receipt>, stop: CancellationToken) {
    let mut set = Vec::with_capacity(RECEIPTS_AT_ONCE);
    loop {
        let received = tokio::select! {
            () = stop.cancelled() => return,
            received = receipts.recv_many(&mut set, RECEIPTS_AT_ONCE) => received,
        };
        if received == 0 {
            return;
        }
        let reports: Vec<StatusReport> = set.drain(..).map(report).collect();
        while let Err(error) = record_statuses(&m, &reports).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "receipts wait for the database");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(AWAY) => {}
            }
        }
    }
}

fn report(receipt: Receipt) -> StatusReport {
    StatusReport {
        provider: None,
        reference: receipt.reference,
        provider_id: Some(receipt.provider_id),
        report: Report { status: receipt.status, at: receipt.at, reason: None },
        is_dated: true,
        opt_out: None,
        event_id: None,
        recipient: receipt.recipient,
    }
}

/// Cancelled by the first SIGTERM or SIGINT; the second ends the process at once.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = stop.clone();
    tokio::spawn(async move {
        for is_first in [true, false] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if !is_first {
                std::process::exit(1);
            }
            token.cancel();
        }
    });
    Ok(stop)
}

/// Logs go to standard error: text on a terminal, JSON otherwise.
fn start_logging() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,hyper=warn,html5ever=error,reqwest=warn"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.init();
    } else {
        logs.event_format(log::Json).init();
    }
}

/// Writes to standard output, where only answers go.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
