//! Live connections: many that hear nothing, and some that hear everything.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use hdrhistogram::Histogram;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet, spawn_local};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::bench::Bench;
use crate::client::Connection;
use crate::database::Kind;
use crate::figure::{Figure, Row, Unit};
use crate::server::Server;
use crate::traffic::{Shape, draft};

/// Connections that one key may have.
const OF_ONE_KEY: usize = 40;
/// Connections that hear nothing, and those that hear everything.
const IDLE: usize = 5_000;
const BUSY: usize = 500;
/// Messages a second; each is told to all who are busy.
const PACE: f64 = 20.0;

type Socket = WebSocketStream<TcpStream>;
/// Messages and when they were told.
type Heard = Rc<RefCell<Vec<(i64, Instant)>>>;

/// Measures how soon an accepted message is told, and what a connection holds.
pub async fn live(bench: &Bench, kind: Kind) -> Result<()> {
    let place = bench.fresh(kind, "live").await?;
    let program = bench.idle_program();
    let server = program.start(&place).await?;
    let other = program.make_workspace(&place).and_then(|workspace| program.make_key(&place, workspace))?;
    server.pause().await?;
    sleep(Duration::from_secs(2)).await;
    let before = server.process.resident_mib()?;
    let idle = connect(&server, &other, IDLE).await?;
    sleep(Duration::from_secs(2)).await;
    #[expect(clippy::cast_precision_loss, reason = "connections are few")]
    let each = (server.process.resident_mib()? - before) * 1024.0 / IDLE as f64;
    let busy = connect(&server, &server.key, BUSY).await?;
    let idle: Vec<_> = idle.into_iter().map(|socket| spawn_local(keep(socket))).collect();

    let heard: Heard = Rc::default();
    let listeners: Vec<_> = busy.into_iter().map(|socket| spawn_local(listen(socket, heard.clone()))).collect();
    let (mut halves, mut slowest) = (Vec::new(), Vec::new());
    for _ in 0..bench.settings.runs {
        let sent = send(&server, bench.spans().measured * 2).await?;
        sleep(Duration::from_secs(1)).await;
        let told = told(&sent, &heard.take())?;
        ensure!(told.len() == (sent.len() * BUSY) as u64, "{} of {} were heard", told.len(), sent.len() * BUSY);
        halves.push(millis(&told, 0.5));
        slowest.push(millis(&told, 0.99));
    }
    ensure!(idle.iter().all(|task| !task.is_finished()), "an idle connection was closed");
    ensure!(listeners.iter().all(|task| !task.is_finished()), "a busy connection was closed");
    let ends = idle.iter().map(JoinHandle::abort_handle).chain(listeners.iter().map(JoinHandle::abort_handle));
    for end in ends {
        end.abort();
    }
    let p50 = Figure::of(halves, Unit::Millis)?;
    let what = format!("live: {BUSY} connections that hear everything beside {IDLE} idle ones, delivery p99");
    let row = Row::new(&what, &kind.to_string(), Figure::of(slowest, Unit::Millis)?);
    bench.add(row.noting(&format!("p50 {p50}, {PACE} messages/s")).wanted("under 100 ms"));
    let row = Row::new(
        "live: memory of an idle connection",
        &kind.to_string(),
        Figure::of(vec![each / 1024.0], Unit::Mebibytes)?,
    );
    bench.add(row.noting(&format!("{each:.0} KiB")));
    drop(server);
    place.remove().await
}

#[expect(clippy::cast_precision_loss, reason = "microseconds are far below 2^52")]
fn millis(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1_000.0
}

/// Opens that many, with as many keys as they need.
async fn connect(server: &Server, owner: &str, count: usize) -> Result<Vec<Socket>> {
    let mut sockets = Vec::with_capacity(count);
    let mut connection = Connection::to(server.address);
    let make = Shape::post("/api/keys").with_key(Some(owner)).once(r#"{"name":"listener","scopes":["messages:read"]}"#);
    while sockets.len() < count {
        let answer = connection.exchange(&make).await?.check()?.json()?;
        let key = answer["key"].as_str().context("no key in the answer")?.to_owned();
        let mut opening = JoinSet::new();
        for _ in 0..OF_ONE_KEY.min(count - sockets.len()) {
            opening.spawn_local(open(server.address.to_string(), key.clone()));
        }
        while let Some(socket) = opening.join_next().await {
            sockets.push(socket??);
        }
    }
    Ok(sockets)
}

async fn open(address: String, key: String) -> Result<Socket> {
    let mut request = format!("ws://{address}/api/live").into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {key}").parse()?);
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = timeout(Duration::from_secs(30), client_async(request, stream)).await??;
    socket.next().await.context("no hello")??;
    Ok(socket)
}

/// Answers pings until the end.
async fn keep(mut socket: Socket) {
    while let Some(Ok(_)) = socket.next().await {}
}

/// Notes when each message was told.
async fn listen(mut socket: Socket, heard: Heard) -> Result<()> {
    while let Some(frame) = socket.next().await {
        let now = Instant::now();
        let frame = frame?;
        if !frame.is_text() {
            continue;
        }
        let event: Value = serde_json::from_str(frame.to_text()?)?;
        if event["type"] == "message.accepted" {
            let id = event["data"]["message_id"].as_i64().context("an event of no message")?;
            heard.borrow_mut().push((id, now));
        }
    }
    Ok(())
}

/// Sends at an even pace, and tells when each message was begun to be sent.
async fn send(server: &Server, span: Duration) -> Result<HashMap<i64, Instant>> {
    let mut connection = Connection::to(server.address);
    let shape = Shape::post("/api/messages/sms").with_key(Some(&server.key));
    let begun = Instant::now();
    let mut sent = HashMap::new();
    for number in 0.. {
        let due = begun + Duration::from_secs_f64(1.0 / PACE) * number;
        if due >= begun + span {
            break;
        }
        sleep_until(due).await;
        let asked = Instant::now();
        let answer = connection.exchange(&shape.once(&draft(number.into()))).await?.check()?.json()?;
        sent.insert(answer["id"].as_i64().context("no id")?, asked);
    }
    Ok(sent)
}

/// From the beginning of each send to each time that it was told.
fn told(sent: &HashMap<i64, Instant>, heard: &[(i64, Instant)]) -> Result<Histogram<u64>> {
    let mut told = Histogram::new(3)?;
    for (id, at) in heard {
        let asked = sent.get(id).context("a message was told that was not sent")?;
        told.record(u64::try_from((*at - *asked).as_micros())?)?;
    }
    Ok(told)
}
