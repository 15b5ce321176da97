//! Accepting on a disk whose every sync takes a millisecond longer.

use anyhow::{Context, Result, ensure};

use crate::bench::Bench;
use crate::database::{Kind, Place};
use crate::figure::{Figure, Row};
use crate::traffic::{PEOPLE, Shape, draft};

/// Measures it, and compares it with the disk as it is.
pub async fn slow_disk(bench: &Bench, kind: Kind, normal: &Figure) -> Result<()> {
    let mut program = bench.idle_program();
    let settings = &bench.settings;
    if kind == Kind::Sqlite {
        program.preload = Some(settings.slow_disk.clone().context("what delays a sync is needed: --slow-disk FILE")?);
    }
    let postgres = settings.slow_postgres.as_deref();
    let place = Place::named(kind, "slow", &settings.folder.canonicalize()?, postgres)?;
    place.make().await?;
    let server = program.start(&place).await?;
    server.pause().await?;
    server.fill(PEOPLE).await?;
    let shape = Shape::post("/api/messages/sms").with_key(Some(&server.key));
    // no message that is alone can be stored sooner than its sync takes
    let alone = bench.load(server.address, 1, shape.clone().each(draft)).closed().await?;
    ensure!(alone.latency.min() >= 1_000, "the delay did not come: {} us", alone.latency.min());
    let slow = bench.closed(server.address, 64, shape.each(draft)).await?;
    let row = Row::new("accept: 64 connections, each sync 1 ms longer", &kind.to_string(), slow.rate.clone());
    bench.add(row.of(normal, "the own normal").noting(&slow.note()).wanted("0.8 of the own normal"));
    drop(server);
    place.remove().await
}
