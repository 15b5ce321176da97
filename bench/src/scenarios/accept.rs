//! Accepting, of the ceiling and of the database's limit.

use std::rc::Rc;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{Bench, Measured};
use crate::database::{Kind, Place};
use crate::figure::{Figure, Row, Unit};
use crate::limit::limit;
use crate::load::Write;
use crate::server::Server;
use crate::traffic::{BATCH, PEOPLE, Shape, batch, draft};

/// Connections of the batches.
const BATCHES: u64 = 4;

/// Measures how messages are accepted; gives how many single ones a second on 64 connections.
pub async fn accept(bench: &Bench, kind: Kind) -> Result<Figure> {
    let place = bench.fresh(kind, "accept").await?;
    let server = bench.idle_program().start(&place).await?;
    server.pause().await?;
    server.fill(PEOPLE).await?;
    let rows = single(bench, &server, kind).await?;
    let batch = bench.closed(server.address, BATCHES, batches(&server)).await?;
    drop(server);

    let limits = limits(bench, &place).await?;
    for row in rows.lines {
        bench.add(row);
    }
    #[expect(clippy::cast_precision_loss, reason = "a thousand")]
    let batched = batch.rate.times(BATCH as f64);
    bench.add(Row::new("limit: bare loop, sets of 1", &kind.to_string(), limits[0].clone()));
    bench.add(Row::new("limit: bare loop, sets of 1,000", &kind.to_string(), limits[1].clone()));
    let row = Row::new("accept: batches of 1,000, 4 connections", &kind.to_string(), batched);
    bench.add(row.of(&limits[1], "the limit").noting(&batch.note()).wanted("0.7 of the limit"));
    place.remove().await?;
    Ok(rows.single)
}

/// Measures single sends and nothing else.
pub async fn sends(bench: &Bench, kind: Kind) -> Result<()> {
    let place = bench.fresh(kind, "sends").await?;
    let server = bench.idle_program().start(&place).await?;
    server.pause().await?;
    server.fill(PEOPLE).await?;
    let shape = Shape::post("/api/messages/sms").with_key(Some(&server.key));
    let sends = bench.closed(server.address, 64, shape.each(draft)).await?;
    bench.add(
        Row::new("accept: 64 connections, key checked", &kind.to_string(), sends.rate.clone()).noting(&sends.note()),
    );
    drop(server);
    place.remove().await
}

struct Singles {
    single: Figure,
    lines: Vec<Row>,
}

async fn single(bench: &Bench, server: &Server, kind: Kind) -> Result<Singles> {
    let (address, on) = (server.address, kind.to_string());
    let ceiling = bench.closed(address, 64, Shape::post("/api/simulator/ceiling").each(draft)).await?;
    let keyed = Shape::post("/api/simulator/ceiling").with_key(Some(&server.key)).each(draft);
    let keyed = bench.closed(address, 64, keyed).await?;
    let shape = Shape::post("/api/messages/sms").with_key(Some(&server.key));
    let own = bench.closed(address, 64, shape.clone().each(draft)).await?;
    let once = bench.closed(address, 64, shape.clone().each_once(draft)).await?;
    let wide = bench.closed(address, 256, shape.clone().each(draft)).await?;
    let half = bench.open(address, own.rate.median() / 2.0, shape.each(draft)).await?;

    let (of_ceiling, bound) = match kind {
        Kind::Sqlite => ("0.35 of the ceiling", "under 10 ms"),
        Kind::Postgres => ("0.25 of the ceiling", "under 15 ms"),
    };
    let against = |what: &str, measured: &Measured| {
        let row = Row::new(what, &on, measured.rate.clone()).of(&ceiling.rate, "the ceiling");
        row.noting(&measured.note())
    };
    let lines = vec![
        Row::new("ceiling: nothing stored, no key", &on, ceiling.rate.clone()).noting(&ceiling.note()),
        against("ceiling: nothing stored, key checked", &keyed),
        against("accept: 64 connections, key checked", &own).wanted(of_ceiling),
        against("accept: the same, with Idempotency-Key", &once),
        against("accept: 256 connections", &wide),
        Row::new("accept: p99 at half of that rate", &on, half.p99.clone()).noting(&half.note()).wanted(bound),
    ];
    Ok(Singles { single: own.rate, lines })
}

/// The limits for sets of one, and of a batch's size.
async fn limits(bench: &Bench, place: &Place) -> Result<[Figure; 2]> {
    let (ones, sets) = match place.kind {
        Kind::Sqlite => (1, 1),
        Kind::Postgres => (64, 4),
    };
    let set = usize::try_from(BATCH)?;
    let run = async |size, loops| {
        bench.repeat(Unit::PerSecond, async || limit(place, (size, loops), bench.spans()).await).await
    };
    Ok([run(1, ones).await?, run(set, sets).await?])
}

/// Batches that were written before the run, so that writing them costs nothing in it.
pub(super) fn batches(server: &Server) -> Write {
    let shape = Shape::post("/api/messages/batch").with_key(Some(&server.key));
    let requests: Vec<Vec<u8>> = (0..PEOPLE / BATCH).map(|number| shape.once(&batch(number))).collect();
    Rc::new(move |number, request| {
        let at = usize::try_from(number).unwrap_or_default() % requests.len();
        request.extend_from_slice(&requests[at]);
    })
}

/// What the load itself can do: one thread of it against a server that only answers, on a thread of its own.
pub async fn own_cost(bench: &Bench) -> Result<()> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || trivial(listener));
    let write = Shape::post("/").with_key(Some("sb_live_0123456789abcdef0123456789abcdef")).each(draft);
    let measured = bench.closed(address, 64, write).await?;
    let full = measured.rate.times(1.0 / measured.own_share.median());
    let row = Row::new("load: its own most, for one CPU of it", "a server that only answers", full);
    bench.add(row.noting(&format!("{} seen, {}", measured.rate, measured.note())));
    Ok(())
}

fn trivial(listener: std::net::TcpListener) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    listener.set_nonblocking(true)?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(answer(stream));
        }
    })
}

async fn answer(mut stream: TcpStream) -> Result<()> {
    let answer = format!("HTTP/1.1 201 Created\r\ncontent-length: 600\r\n\r\n{}", "x".repeat(600));
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await? > 0 {
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}
