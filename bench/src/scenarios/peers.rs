//! The server beside its peers, by the contracts that they share, each on the same kind of database.

use anyhow::Result;

use super::reads::conversations;
use crate::bench::{Bench, Measured};
use crate::database;
use crate::figure::Row;
use crate::load::Write;
use crate::peer::{self, Kind};
use crate::server::Server;
use crate::traffic::{ACCOUNTS, PEOPLE, Shape, account, form, said, scattered, text, unique};

/// One contract that a peer has.
struct Match {
    peer: Kind,
    on: database::Kind,
    contract: &'static str,
    wanted: &'static str,
}

const MATCHES: [Match; 4] = [
    Match { peer: Kind::ExpressSqlite, on: database::Kind::Sqlite, contract: "B", wanted: "8 times" },
    Match { peer: Kind::ExpressPostgres, on: database::Kind::Postgres, contract: "B", wanted: "6 times" },
    Match { peer: Kind::FastApi, on: database::Kind::Postgres, contract: "E", wanted: "25 times" },
    Match { peer: Kind::Flask, on: database::Kind::Postgres, contract: "C", wanted: "12 times" },
];

/// Measures the peers and, by the same requests, the server; then a page of ours beside their lists.
pub async fn peers(bench: &Bench) -> Result<()> {
    let mut lists = Vec::new();
    for matched in MATCHES.iter().filter(|matched| bench.settings.databases.contains(&matched.on)) {
        let theirs = theirs(bench, matched, &mut lists).await?;
        ours(bench, matched, &theirs).await?;
    }
    for kind in &bench.settings.databases {
        pages(bench, *kind, &lists).await?;
    }
    Ok(())
}

async fn theirs(bench: &Bench, matched: &Match, lists: &mut Vec<(&str, Measured)>) -> Result<Measured> {
    let place = bench.fresh(matched.on, "peer").await?;
    let peer = peer::start(matched.peer, &place, &bench.settings.folder.canonicalize()?).await?;
    let name = matched.peer.name();
    if let Some(list) = list(matched.peer) {
        let measured = bench.closed(peer.address, 64, list).await?;
        let row = Row::new("peer: an indexed list of 50, 64 connections", name, measured.rate.clone());
        bench.add(row.noting(&measured.note()));
        lists.push((name, measured));
    }
    let measured = bench.closed(peer.address, 64, sends(matched.peer, None)).await?;
    let row = Row::new(&format!("peer: contract {}, 64 connections", matched.contract), name, measured.rate.clone());
    bench.add(row.noting(&measured.note()));
    drop(peer);
    place.remove().await?;
    Ok(measured)
}

async fn ours(bench: &Bench, matched: &Match, theirs: &Measured) -> Result<()> {
    let place = bench.fresh(matched.on, "beside").await?;
    let server = bench.idle_program().start(&place).await?;
    server.pause().await?;
    if matched.peer == Kind::FastApi {
        sign_up(&server).await?;
    } else {
        server.fill(PEOPLE).await?;
    }
    // a key is nobody who could write to somebody
    let key = Some(server.key.as_str()).filter(|_| matched.peer != Kind::FastApi);
    let measured = bench.closed(server.address, 64, sends(matched.peer, key)).await?;
    let what = format!("accept: contract {}, 64 connections", matched.contract);
    let row = Row::new(&what, &matched.on.to_string(), measured.rate.clone());
    bench.add(row.beside(&theirs.rate, matched.peer.name()).noting(&measured.note()).wanted(matched.wanted));
    drop(server);
    place.remove().await
}

/// A page of a thread beside the lists of the peers, among as many messages.
async fn pages(bench: &Bench, kind: database::Kind, lists: &[(&str, Measured)]) -> Result<()> {
    let place = bench.grown(kind, 10_000).await?;
    let conversations = conversations(&place).await?;
    let server = bench.idle_program().start(&place).await?;
    let shape = Shape::get("/api/conversations/").with_key(Some(&server.key));
    let thread = shape.reading(move |number| {
        let at = scattered(number, conversations.len() as u64);
        let id = usize::try_from(at).ok().and_then(|at| conversations.get(at)).copied().unwrap_or(1);
        format!("{id}/messages?limit=50&order=desc")
    });
    let measured = bench.closed(server.address, 64, thread).await?;
    let mut row =
        Row::new("read: thread page of 50 beside peers, 64 connections", &kind.to_string(), measured.rate.clone());
    for (name, list) in lists {
        row = row.beside(&list.rate, name);
    }
    bench.add(row.noting(&measured.note()).wanted(match kind {
        database::Kind::Sqlite => "8 times",
        database::Kind::Postgres => "10 times",
    }));
    Ok(())
}

fn sends(peer: Kind, key: Option<&str>) -> Write {
    let run = unique();
    match peer {
        Kind::ExpressSqlite | Kind::ExpressPostgres => Shape::post("/send-message").with_key(key).each(form),
        Kind::FastApi => Shape::post("/api/messages").with_key(key).each(said),
        Kind::Flask => Shape::post("/api/send-sms").with_key(key).each(move |number| text(run, number)),
    }
}

/// The list of a peer that a page of ours is compared with.
fn list(peer: Kind) -> Option<Write> {
    let of = |path: &str| Shape::get(path);
    match peer {
        Kind::ExpressSqlite | Kind::ExpressPostgres => None,
        Kind::FastApi => {
            Some(of("/api/messages/").reading(|number| format!("{}?limit=50", account(scattered(number, ACCOUNTS)))))
        }
        Kind::Flask => {
            let phone = |number| format!("312{:07}?limit=50", scattered(number, 100));
            Some(of("/api/get-conversation/").reading(phone))
        }
    }
}

async fn sign_up(server: &Server) -> Result<()> {
    for number in 0..ACCOUNTS {
        let name = account(number);
        let body = format!(
            r#"{{"username":"{name}","email":"{name}@example.com","mobile":"+1202555{number:04}","password":"turnip-lantern-orbit-93","name":"Person {number}"}}"#
        );
        server.post("/api/users", &body).await?;
    }
    Ok(())
}
