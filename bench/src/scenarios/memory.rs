//! Memory, and how soon a server is ready.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use crate::bench::Bench;
use crate::database::Kind;
use crate::figure::{Figure, Row, Unit};
use crate::process::Process;
use crate::traffic::{Shape, draft};

/// Before it is looked how much an idle server holds.
const SETTLED: Duration = Duration::from_secs(2);

/// Measures an idle server, one under full load on that many messages, and how soon one is ready on them.
pub async fn memory(bench: &Bench, kind: Kind, messages: i64) -> Result<()> {
    let on = kind.to_string();
    let place = bench.fresh(kind, "empty").await?;
    let server = bench.idle_program().start(&place).await?;
    sleep(SETTLED).await;
    let idle = Figure::of(vec![server.process.resident_mib()?], Unit::Mebibytes)?;
    bench.add(Row::new("memory: idle, empty", &on, idle).wanted("under 50 MiB"));
    drop(server);
    place.remove().await?;

    let place = bench.copied(kind, messages).await?;
    let mut starts = Vec::new();
    for _ in 0..bench.settings.runs {
        starts.push(bench.idle_program().start(&place).await?.took.as_secs_f64() * 1_000.0);
    }
    let what = format!("start: ready on {messages} messages");
    bench.add(Row::new(&what, &on, Figure::of(starts, Unit::Millis)?).wanted("under 300 ms"));

    let server = bench.idle_program().start(&place).await?;
    server.pause().await?;
    sleep(SETTLED).await;
    let idle = Figure::of(vec![server.process.resident_mib()?], Unit::Mebibytes)?;
    bench.add(Row::new(&format!("memory: idle, {messages} messages"), &on, idle).wanted("under 50 MiB"));
    let write = Shape::post("/api/messages/sms").with_key(Some(&server.key)).each(draft);
    let load = bench.closed(server.address, 64, write);
    let (measured, full) = most(load, &server.process).await?;
    let full = Figure::of(vec![full], Unit::Mebibytes)?;
    let row = Row::new(&format!("memory: the most at full load, {messages} messages"), &on, full);
    bench.add(row.noting(&format!("accepting {}", measured?.rate)).wanted("under 200 MiB"));
    drop(server);
    place.remove().await
}

/// What a process holds at most while something is under way.
pub(super) async fn most<T>(work: impl Future<Output = T>, process: &Process) -> Result<(T, f64)> {
    let mut work = std::pin::pin!(work);
    let mut most = 0.0_f64;
    loop {
        tokio::select! {
            done = &mut work => return Ok((done, most.max(process.resident_mib()?))),
            () = sleep(Duration::from_millis(50)) => most = most.max(process.resident_mib()?),
        }
    }
}
