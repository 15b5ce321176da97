//! Carrying: a backlog handed to a carrier process, accepting beside it, and how soon a single message is handed on.

use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, timeout};

use crate::bench::Bench;
use crate::client::Connection;
use crate::database::{Conn, Kind, Place};
use crate::figure::{Figure, Row, Unit};
use crate::process::Process;
use crate::server::Server;
use crate::traffic::{PEOPLE, Shape, draft};

/// How long a backlog may take; what is carried by then counts.
const PATIENCE: Duration = Duration::from_mins(2);
/// Messages of one run that are sent alone.
const ALONE: u64 = 60;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(20);
/// For how long an idle system is watched.
const WATCHED: Duration = Duration::from_secs(5);

/// Measures how messages are carried; `backlog` wait in each run.
pub async fn carry(bench: &Bench, kind: Kind, backlog: u64, accepted: Option<&Figure>) -> Result<()> {
    let place = bench.fresh(kind, "carry").await?;
    let carrier = Carrier::start(bench, &place)?;
    let server = bench.program(carrier.address).start(&place).await?;
    server.pause().await?;
    server.fill(PEOPLE).await?;
    server.resume().await?;
    carrier.wait_for(PEOPLE).await?;

    let rate = bench.repeat(Unit::PerSecond, async || drain(&server, &carrier, backlog).await).await?;
    let row = Row::new(&format!("carry: {backlog} queued to a carrier process"), &kind.to_string(), rate);
    bench.add(match accepted {
        Some(accepted) => row.of(accepted, "accepting").wanted("0.5 of accepting"),
        None => row,
    });
    let write = Shape::post("/api/messages/sms").with_key(Some(&server.key)).each(draft);
    let beside = bench.closed(server.address, 64, write).await?;
    let row = Row::new("accept: 64 connections, carried meanwhile", &kind.to_string(), beside.rate.clone());
    let row = row.noting(&beside.note());
    bench.add(match accepted {
        Some(accepted) => row.of(accepted, "accepting alone"),
        None => row,
    });
    drop((server, carrier));
    idle(bench, kind).await?;
    place.remove().await
}

/// How many messages a second leave a backlog.
#[expect(clippy::cast_precision_loss, reason = "messages are far below 2^52")]
async fn drain(server: &Server, carrier: &Carrier, backlog: u64) -> Result<f64> {
    server.pause().await?;
    sleep(Duration::from_secs(1)).await;
    let before = carrier.count()?;
    server.fill(backlog).await?;
    if carrier.count()? != before {
        bail!("messages were carried that ought to wait");
    }
    let begun = Instant::now();
    server.resume().await?;
    let taken = carrier.wait_for(before + backlog).await? - before;
    Ok(taken as f64 / begun.elapsed().as_secs_f64())
}

/// How soon a message is handed on when nothing else is under way, and how much an idle server asks.
async fn idle(bench: &Bench, kind: Kind) -> Result<()> {
    let place = bench.fresh(kind, "idle").await?;
    let (heard, mut hear) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let program = bench.program(listener.local_addr()?);
    let provider = spawn_local(serve(listener, heard));
    let server = program.start(&place).await?;
    hand_on(&server, &mut hear).await?; // a warm-up
    let mut runs = Vec::new();
    for _ in 0..bench.settings.runs {
        runs.push(hand_on(&server, &mut hear).await?);
    }
    let figure = |read: fn(&HandedOn) -> f64| Figure::of(runs.iter().map(read).collect(), Unit::Millis);
    let p50 = figure(|run| quantile(&run.since_answer, 50))?;
    let p99 = figure(|run| quantile(&run.since_answer, 99))?;
    let whole = figure(|run| quantile(&run.since_sending, 50))?;
    let row = Row::new("carry: answer to first byte at the provider, idle, p50", &kind.to_string(), p50);
    bench.add(row.noting(&format!("p99 {p99}, p50 from the beginning of the send {whole}")).wanted("under 5 ms"));
    if let Some(queries) = idle_queries(&place).await? {
        bench.add(Row::new("idle: transactions a second", &kind.to_string(), queries).wanted("at most 1"));
    }
    drop(server);
    provider.abort();
    place.remove().await
}

/// How long each message of a run took to be handed on, in milliseconds, ascending.
struct HandedOn {
    since_answer: Vec<f64>,
    since_sending: Vec<f64>,
}

async fn hand_on(server: &Server, hear: &mut mpsc::UnboundedReceiver<Instant>) -> Result<HandedOn> {
    let mut connection = Connection::to(server.address);
    let shape = Shape::post("/api/messages/sms").with_key(Some(&server.key));
    let mut run = HandedOn { since_answer: Vec::new(), since_sending: Vec::new() };
    for number in 0..ALONE {
        let asked = Instant::now();
        connection.exchange(&shape.once(&draft(number))).await?.check()?;
        let answered = Instant::now();
        let at = timeout(PATIENCE, hear.recv()).await?.context("the provider ended")?;
        // handed on before the answer was read: at once
        run.since_answer.push(at.saturating_duration_since(answered).as_secs_f64() * 1_000.0);
        run.since_sending.push((at - asked).as_secs_f64() * 1_000.0);
        sleep(PAUSE).await;
    }
    run.since_answer.sort_by(f64::total_cmp);
    run.since_sending.sort_by(f64::total_cmp);
    Ok(run)
}

fn quantile(ascending: &[f64], percent: usize) -> f64 {
    ascending[(ascending.len() - 1) * percent / 100]
}

/// What PostgreSQL counted of an idle server's transactions. SQLite counts none.
#[expect(clippy::cast_precision_loss, reason = "transactions are far below 2^52")]
async fn idle_queries(place: &Place) -> Result<Option<Figure>> {
    const COUNT: &str =
        "select (xact_commit + xact_rollback)::bigint from pg_stat_database where datname = current_database()";
    let mut conn = place.connect().await?;
    if matches!(conn, Conn::Sqlite(_)) {
        return Ok(None);
    }
    // a connection tells what it did when it has been idle for ten seconds
    sleep(Duration::from_secs(12)).await;
    let before = conn.number(COUNT).await?;
    sleep(WATCHED).await;
    let after = conn.number(COUNT).await?;
    conn.close().await?;
    // ours is one of them
    Figure::of(vec![(after - before - 1).max(0) as f64 / WATCHED.as_secs_f64()], Unit::PerSecond).map(Some)
}

/// A provider that takes everything at once, and tells when the first byte of each message came.
async fn serve(listener: TcpListener, heard: mpsc::UnboundedSender<Instant>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        spawn_local(take(stream, heard.clone()));
    }
}

async fn take(mut stream: TcpStream, heard: mpsc::UnboundedSender<Instant>) -> Result<()> {
    let mut buffer = Vec::new();
    for number in 0.. {
        if stream.read_buf(&mut buffer).await? == 0 {
            break;
        }
        heard.send(Instant::now())?;
        while !is_whole(&buffer) {
            stream.read_buf(&mut buffer).await?;
        }
        buffer.clear();
        let body = format!(r#"{{"id":"{number}"}}"#);
        let answer = format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// Whether a request is all there.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.and_then(|length| length.trim().parse().ok()).is_some_and(|length: usize| body.len() >= length)
}

/// `switchboard carrier`, whose ledger tells what it has.
struct Carrier {
    _process: Process,
    address: SocketAddr,
    ledger: std::path::PathBuf,
}

impl Carrier {
    fn start(bench: &Bench, place: &Place) -> Result<Self> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let ledger = place.folder.join("ledger");
        let mut command = Command::new(&bench.settings.server);
        command.env_clear().args(["carrier", "--listen", &address.to_string(), "--ledger"]).arg(&ledger);
        let process = Process::start(&mut command, &place.folder.join("carrier-log"))?;
        Ok(Self { _process: process, address, ledger })
    }

    fn count(&self) -> Result<u64> {
        if self.ledger.exists() { count_lines(&self.ledger) } else { Ok(0) }
    }

    /// Waits until it has so many, and tells how many it has after the last of them, or in the end.
    async fn wait_for(&self, messages: u64) -> Result<u64> {
        let begun = Instant::now();
        loop {
            let count = self.count()?;
            if count >= messages || begun.elapsed() > PATIENCE {
                return Ok(count);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

fn count_lines(path: &Path) -> Result<u64> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut buffer = vec![0; 1 << 20];
    let mut lines = 0;
    loop {
        let bytes = file.read(&mut buffer)?;
        if bytes == 0 {
            return Ok(lines);
        }
        lines += buffer[..bytes].split(|byte| *byte == b'\n').count() as u64 - 1;
    }
}
