//! Accepting on a disk whose every sync takes a millisecond longer.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::bench::Bench;
use crate::database::{Kind, Place};
use crate::figure::{Figure, Row};
use crate::traffic::{PEOPLE, Shape, draft};

/// Syncs of a run that was delayed at all; group commit needs few.
const FEWEST: u64 = 20;

/// Measures it, and compares it with the disk as it is.
pub async fn slow_disk(bench: &Bench, kind: Kind, normal: &Figure) -> Result<()> {
    let mut program = bench.idle_program();
    let settings = &bench.settings;
    let slow_disk = settings.slow_disk.clone().context("what delays a sync is needed: --slow-disk FILE")?;
    let syncs = || Ok::<_, anyhow::Error>(fs::metadata(slow_disk.with_extension("count"))?.len());
    if kind == Kind::Sqlite {
        program.preload = Some(slow_disk.clone());
    }
    let postgres = settings.slow_postgres.as_deref();
    let place = Place::named(kind, "slow", &settings.folder.canonicalize()?, postgres)?;
    place.make().await?;
    let server = program.start(&place).await?;
    server.pause().await?;
    server.fill(PEOPLE).await?;
    let shape = Shape::post("/api/messages/sms").with_key(Some(&server.key));
    let before = syncs()?;
    let slow = bench.closed(server.address, 64, shape.each(draft)).await?;
    let delayed = syncs()? - before;
    ensure!(delayed >= FEWEST, "only {delayed} syncs were delayed");
    let row = Row::new("accept: 64 connections, each sync 1 ms longer", &kind.to_string(), slow.rate.clone());
    bench.add(
        row.of(normal, "the own normal")
            .noting(&format!("{delayed} syncs delayed"))
            .noting(&slow.note())
            .wanted("0.8 of the own normal"),
    );
    drop(server);
    place.remove().await
}
