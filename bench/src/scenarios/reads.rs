//! Reading: a page of a thread, the list of conversations, and search, among few messages and among many.

use std::rc::Rc;

use anyhow::Result;

use crate::bench::{Bench, Measured};
use crate::database::{Kind, Place};
use crate::figure::Row;
use crate::grow::RARE;
use crate::load::Write;
use crate::server::Server;
use crate::traffic::{Shape, scattered};

/// What is read, how many at once, and what is wanted.
struct Reading {
    what: &'static str,
    write: Write,
    connections: u64,
}

/// Measures reading at each of those sizes, the smallest first.
pub async fn reads(bench: &Bench, kind: Kind, sizes: &[i64]) -> Result<()> {
    let mut smallest: Vec<Measured> = Vec::new();
    for size in sizes {
        let place = bench.grown(kind, *size).await?;
        let conversations = conversations(&place).await?;
        let server = bench.idle_program().start(&place).await?;
        for (at, reading) in readings(&server, conversations).into_iter().enumerate() {
            let measured = bench.closed(server.address, reading.connections, reading.write.clone()).await?;
            let what = format!("{}, {} messages", reading.what, millions(*size));
            let row = Row::new(&what, &kind.to_string(), measured.rate.clone());
            let Some(smallest) = smallest.get(at) else {
                bench.add(row.noting(&measured.note()));
                smallest.push(measured);
                continue;
            };
            let half = bench.open(server.address, measured.rate.median() / 2.0, reading.write).await?;
            let row = row.of(&smallest.rate, &format!("that at {}", millions(sizes[0])));
            let note = format!("at half of it p95 {}, p99 {}", half.p95, half.p99);
            bench.add(row.noting(&note).wanted(wanted(reading.connections)));
        }
    }
    Ok(())
}

/// Searches are few at once.
fn wanted(connections: u64) -> &'static str {
    if connections < 64 { "p95 under 50 ms" } else { "p99 under 5 ms, 0.77 of that at few" }
}

fn readings(server: &Server, conversations: Rc<[i64]>) -> [Reading; 3] {
    let shape = |path: &str| Shape::get(path).with_key(Some(&server.key));
    let thread = shape("/api/conversations/").reading(move |number| {
        let at = scattered(number, conversations.len() as u64);
        let id = usize::try_from(at).ok().and_then(|at| conversations.get(at)).copied().unwrap_or(1);
        format!("{id}/messages?limit=50&order=desc")
    });
    let list = shape("/api/conversations?limit=50").reading(|_| String::new());
    let search = shape("/api/conversations?limit=50&q=").reading(|_| RARE.to_owned());
    [
        Reading { what: "read: thread page of 50, 64 connections", write: thread, connections: 64 },
        Reading { what: "read: conversation list of 50, 64 connections", write: list, connections: 64 },
        Reading { what: "read: search for a word in 1 %, 4 connections", write: search, connections: 4 },
    ]
}

/// The conversations of a database that nobody uses.
pub(super) async fn conversations(place: &Place) -> Result<Rc<[i64]>> {
    let mut conn = place.connect().await?;
    let rows = conn.triples("select id, id, id from conversations where kind = 'numbers' order by id").await?;
    conn.close().await?;
    Ok(rows.into_iter().map(|(id, ..)| id).collect())
}

fn millions(messages: i64) -> String {
    if messages < 1_000_000 { format!("{},000", messages / 1_000) } else { format!("{},000,000", messages / 1_000_000) }
}
