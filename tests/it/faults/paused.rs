//! One of two servers on one database is paused beyond its lease while it sends; the other takes over, and what the
//! first finds when it wakes changes nothing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::judge::{Load, LoadPlan, Verdict, draft, fired, is_settled, path_of, seed, status};
use crate::process::{Carrier, Plan, Server, Site, free_port};

const LEASE_MS: &str = "3000";
const IN_FLIGHT: u32 = 10;
/// What both send at once.
const BOTH: usize = 2 * IN_FLIGHT as usize;
const ACCEPTED: &str = "switchboard_attempts_total{provider=\"p\",outcome=\"accepted\"}";
const REASON: &str = "the server stopped while sending";
/// Everything that carrying writes.
const TABLES: [&str; 6] = ["messages", "recipients", "outbox", "attempts", "message_events", "events"];

/// Every row of every table that carrying writes, as text.
async fn rows(site: &Site) -> HashMap<&'static str, Vec<String>> {
    let mut conn = PgConnection::connect(&site.postgres().unwrap()).await.unwrap();
    let mut all = HashMap::new();
    for table in TABLES {
        let sql = format!("select t::text from {table} t order by 1");
        all.insert(table, sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap());
    }
    conn.close().await.unwrap();
    all
}

/// Two servers that share a queue, and their carrier.
async fn pair(site: &Site) -> (Carrier, [Plan; 2], [Server; 2]) {
    let carrier = Carrier::start(site, "carrier").await;
    let more = format!("timeout_ms = 20000\nmax_per_second = 2000\nmax_in_flight = {IN_FLIGHT}\n");
    let one = Plan::dev(site, &carrier.provider("p", &["sms"], &more)).with("SWITCHBOARD_FAULT_LEASE_MS", LEASE_MS);
    let two = Plan { port: free_port(), ..one.clone() };
    let servers = [one.start().await, two.start().await];
    (carrier, [one, two], servers)
}

async fn wait_for(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "not after {:?}: {what}", begun.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Both send; the first is paused until its lease is over and all it was sending is taken over; then it wakes and finds
/// that the carrier took everything.
async fn it_writes_nothing_when_it_wakes() -> u64 {
    let site = Site::new().await;
    let (carrier, _, [first, second]) = pair(&site).await;
    carrier.set_chaos(json!({ "latency_ms": [6_000, 6_000] })).await;
    for n in 0..BOTH {
        let answer = first.post(path_of("sms"), &draft("sms", &format!("paused {n}"), n as u64)).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    wait_for("everything is on its way", async || carrier.stats().await.requests == BOTH as u64).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    first.process.signal("STOP");
    let messages = second.wait_until(Duration::from_secs(30), is_settled).await;
    let taken_over: Vec<&Value> = messages.iter().filter(|message| status(message) == "unknown").collect();
    assert_eq!(taken_over.len(), BOTH / 2, "all that the first was sending is unknown");
    assert!(taken_over.iter().all(|message| message["status_reason"] == REASON));
    wait_for("the carrier has all", async || carrier.stats().await.taken == BOTH as u64).await;
    tokio::time::sleep(Duration::from_secs(2)).await;

    let before = rows(&site).await;
    first.process.signal("CONT");
    wait_for("it wakes and hears of all", async || first.metric(ACCEPTED).await > f64::from(IN_FLIGHT) - 0.5).await;
    // Long enough for whatever follows from that, twice over.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let after = rows(&site).await;
    for table in TABLES {
        assert_eq!(before[table], after[table], "{table}: it wrote what was no longer its own");
    }
    assert_eq!(carrier.ledger().len(), BOTH, "nothing is sent twice");
    u64::from(IN_FLIGHT)
}

/// The same under load, again and again.
async fn nothing_is_sent_twice_under_load(seed: u64) -> u64 {
    let site = Site::new().await;
    let (carrier, [one, two], [first, second]) = pair(&site).await;
    carrier.set_chaos(json!({ "latency_ms": [5, 200] })).await;
    let pause = Duration::from_millis(20);
    let load =
        |plan: &Plan, seed| Load::start(&LoadPlan { base: plan.base(), channels: &["sms"], workers: 4, pause, seed });
    // A request to a server that is paused waits until it wakes.
    let loads = [load(&one, seed), load(&two, seed + 1)];
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        first.process.signal("STOP");
        tokio::time::sleep(Duration::from_secs(5)).await;
        first.process.signal("CONT");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let [at_first, at_second] = loads;
    let mut posts = at_first.stop().await;
    posts.extend(at_second.stop().await);
    let messages = second.wait_until(Duration::from_mins(1), is_settled).await;
    let verdict = Verdict::of(&posts, &messages, &carrier.ledger());
    verdict.check();
    assert_eq!(verdict.declared, 0, "nothing is sent twice at all");
    assert!(verdict.unknown.len() <= BOTH, "more unknown than it was sending when it was paused");
    assert!(first.metric(ACCEPTED).await > 0.0 && second.metric(ACCEPTED).await > 0.0, "both carry");
    2
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_paused_beyond_its_lease_writes_nothing_of_what_it_finds() {
    let seed = seed("paused");
    if !Site::new().await.is_postgres() {
        println!(
            "two servers share a queue on PostgreSQL only; on SQLite the second does not start (faults::database)"
        );
        return;
    }
    let (quiet, loaded) = tokio::join!(it_writes_nothing_when_it_wakes(), nothing_is_sent_twice_under_load(seed));
    fired("message taken over from a paused server", quiet);
    fired("pause under load", loaded);
}
