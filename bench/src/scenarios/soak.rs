//! Half of the own maximum for minutes: what it holds must not grow, and what it takes must not get slower.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::memory::most;
use crate::bench::Bench;
use crate::database::Kind;
use crate::figure::{Figure, Row, Unit};
use crate::traffic::{Shape, draft};

/// Measures each minute of that span on a million messages.
pub async fn soak(bench: &Bench, kind: Kind, span: Duration) -> Result<()> {
    const MESSAGES: i64 = 1_000_000;
    let on = kind.to_string();
    let place = bench.copied(kind, MESSAGES).await?;
    let server = bench.idle_program().start(&place).await?;
    server.pause().await?;
    let shape = Shape::post("/api/messages/sms").with_key(Some(&server.key));
    let rate = bench.closed(server.address, 64, shape.clone().each(draft)).await?.rate.median() / 2.0;
    let (mut held, mut slowest) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while begun.elapsed() < span {
        let mut load = bench.load(server.address, 256, shape.clone().each(draft));
        load.measured = Duration::from_mins(1).min(span);
        let (tally, most) = most(load.open(rate), &server.process).await?;
        held.push(most);
        slowest.push(tally?.quantile_ms(0.99));
    }
    let growth = held.last().copied().unwrap_or_default() / held.first().copied().unwrap_or(1.0);
    let held = Figure::of(held, Unit::Mebibytes)?;
    let row = Row::new(&format!("soak: {} min at half of the most, memory", span.as_secs() / 60), &on, held);
    bench.add(row.noting(&format!("the last minute {growth:.2} of the first")).wanted("flat, under 200 MiB"));
    bench.add(Row::new("soak: p99 of each minute", &on, Figure::of(slowest, Unit::Millis)?));
    drop(server);
    place.remove().await
}
