//! kill -9 of the server at random under load, again and again, with every kind of provider in play.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::judge::{Load, LoadPlan, Verdict, fired, is_settled, seed, status};
use crate::process::{Carrier, Kind, Plan, Server, Site, free_port, variable};

const IN_FLIGHT: usize = 20;
/// How long everything may take to settle after the last kill. The longest that the promises allow a message which
/// was in flight at four kills: a lease of 30 s that lapses, then the fourth wait, 2 min and a fifth; and a margin.
const SETTLING: Duration = Duration::from_secs(30 + 144 + 36);

/// What can become of a message whose reply was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certainty {
    /// Its service knows a repeated attempt by its key: it is sent once, and known.
    ByKey,
    /// Its service says whether it took it.
    ByAsking,
    /// Its service reports what it took; of the rest it says nothing.
    ByReport,
    /// None.
    Never,
}

/// The providers in play: name, kind, channels, and how it becomes known what they took.
const PLAYERS: [(&str, Kind, &[&str], Certainty); 6] = [
    ("bare", Kind::Http, &["sms"], Certainty::Never),
    ("asked", Kind::Http, &["mms"], Certainty::ByAsking),
    ("keyed", Kind::Http, &["email"], Certainty::ByKey),
    ("tw", Kind::Twilio, &["sms", "mms"], Certainty::ByReport),
    ("sg", Kind::SendGrid, &["email"], Certainty::ByReport),
    ("mail", Kind::Smtp, &["email"], Certainty::Never),
];
/// In which order the configuration names them, from start to start: a message goes to the first that carries its
/// channel, and the others go on with what they have.
const ORDERS: [[usize; 6]; 3] = [[0, 1, 2, 3, 4, 5], [3, 4, 0, 1, 2, 5], [5, 1, 3, 0, 2, 4]];

struct Carriers(Vec<Carrier>);

impl Carriers {
    async fn start(site: &Site, port: u16, seed: u64) -> Self {
        let mut carriers = Vec::new();
        for (n, (name, _, _, certainty)) in PLAYERS.iter().enumerate() {
            let carrier = match certainty {
                Certainty::ByAsking | Certainty::ByReport => Carrier::start_reporting(site, name, port).await,
                Certainty::ByKey | Certainty::Never => Carrier::start(site, name).await,
            };
            let chaos = json!({ "rate_429": 0.02, "rate_500": 0.03, "rate_hang": 0.01, "rate_reply_lost": 0.02,
                                "latency_ms": [5, 80], "seed": seed.wrapping_add(n as u64) });
            carrier.set_chaos(chaos).await;
            carriers.push(carrier);
        }
        Self(carriers)
    }

    /// A configuration that names them all, in an order.
    fn config(&self, order: [usize; 6], port: u16) -> String {
        let mut config = format!("public_url = \"http://127.0.0.1:{port}\"\n");
        for at in order {
            let (name, kind, channels, certainty) = PLAYERS[at];
            let mut more = format!("timeout_ms = 1500\nmax_per_second = 2000\nmax_in_flight = {IN_FLIGHT}\n");
            match certainty {
                Certainty::ByAsking => more += &self.0[at].lookup(),
                Certainty::ByKey => more += "idempotency_header = \"Idempotency-Key\"\n",
                Certainty::ByReport | Certainty::Never => {}
            }
            config += &self.0[at].service(kind, name, channels, &more);
        }
        config
    }

    /// The texts of what was taken by those of whom it becomes known.
    fn reported(&self) -> HashSet<String> {
        let knowing = PLAYERS.iter().zip(&self.0).filter(|((.., certainty), _)| *certainty != Certainty::Never);
        knowing.flat_map(|(_, carrier)| carrier.ledger()).map(|line| line.body).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_loses_nothing_and_sends_nothing_twice_in_silence() {
    let seed = seed("kill -9");
    let mut random = StdRng::seed_from_u64(seed);
    let cycles: u32 = variable("SWITCHBOARD_FAULT_CYCLES").map_or(10, |cycles| cycles.parse().unwrap());
    let site = Site::new().await;
    let port = free_port();
    let carriers = Carriers::start(&site, port, seed).await;
    let plan = Plan { port, ..Plan::dev(&site, &carriers.config(ORDERS[0], port)) };
    let mut server = plan.start().await;
    let load = Load::start(&LoadPlan {
        base: plan.base(),
        channels: &["sms", "mms", "email"],
        workers: 12,
        pause: Duration::from_millis(40),
        seed,
    });
    let mut ready = Vec::new();
    for cycle in 0..cycles {
        tokio::time::sleep(Duration::from_millis(random.random_range(200..1_000))).await;
        assert!(server.process.ended().is_none(), "it ended by itself:\n{}", server.process.log());
        server.process.kill();
        let order = ORDERS[(cycle as usize + 1) % ORDERS.len()];
        std::fs::write(&plan.config, carriers.config(order, port)).unwrap();
        server = plan.start().await;
        ready.push(server.ready_in);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let posts = load.stop().await;
    for carrier in &carriers.0 {
        carrier.calm().await;
    }
    let (messages, unknown) = settle(&server, &carriers).await;

    fired("kill -9", u64::from(cycles));
    let (mut ledger, mut chaos) = (Vec::new(), 0);
    for ((name, ..), carrier) in PLAYERS.iter().zip(&carriers.0) {
        let stats = carrier.stats().await;
        println!("{name}: asked {} times, {} of them with chaos", stats.requests, stats.fired());
        assert!(stats.taken > 0, "{name} was not in play");
        chaos += stats.fired();
        ledger.extend(carrier.ledger());
    }
    fired("chaos of the carriers", chaos);
    Verdict::of(&posts, &messages, &ledger).check();
    check_keyed(&carriers.0[2]);
    check_unknown(&carriers, &unknown, cycles).await;
    check_ready(&ready);
}

/// Waits until everything is settled, and everything that can become known is; gives all messages, and those that are
/// unknown for good by their provider.
async fn settle(server: &Server, carriers: &Carriers) -> (Vec<Value>, BTreeMap<String, Vec<Value>>) {
    server.wait_until(SETTLING, is_settled).await;
    let begun = Instant::now();
    loop {
        let reported = carriers.reported();
        let is_known =
            |message: &Value| status(message) != "unknown" || !reported.contains(message["body"].as_str().unwrap());
        let messages = server.wait_until(SETTLING, |message| is_settled(message) && is_known(message)).await;
        let mut unknown: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for message in messages.iter().filter(|message| status(message) == "unknown") {
            let last = server.attempts(message).await.pop().unwrap();
            unknown.entry(last["provider"].as_str().unwrap().to_owned()).or_default().push(message.clone());
        }
        let is_certain = |certainty| matches!(certainty, Certainty::ByKey | Certainty::ByAsking);
        let late: Vec<_> = PLAYERS.iter().filter(|(.., certainty)| is_certain(*certainty)).collect();
        if late.iter().all(|(name, ..)| !unknown.contains_key(*name)) {
            return (messages, unknown);
        }
        assert!(begun.elapsed() < SETTLING, "what became of these can be known: {unknown:#?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Where keys are honoured there is no duplicate at all.
fn check_keyed(keyed: &Carrier) {
    let mut texts = HashSet::new();
    let twice: Vec<_> = keyed.ledger().into_iter().filter(|line| !texts.insert(line.body.clone())).collect();
    assert!(twice.is_empty(), "sent twice though keys are honoured: {twice:?}");
}

/// What is unknown was in flight when the server was killed, or got no answer that can be read.
async fn check_unknown(carriers: &Carriers, unknown: &BTreeMap<String, Vec<Value>>, cycles: u32) {
    for ((name, ..), carrier) in PLAYERS.iter().zip(&carriers.0) {
        let unknown = unknown.get(*name).map(Vec::as_slice).unwrap_or_default();
        let of_kills = unknown.iter().filter(|message| message["status_reason"] == "the server stopped while sending");
        let of_kills = of_kills.count();
        let (of_silence, silent) = (unknown.len() - of_kills, carrier.stats().await.silent());
        println!(
            "unknown of {name}: {of_kills} of kills ({cycles} x {IN_FLIGHT} at most), {of_silence} of {silent} silences"
        );
        assert!(of_kills <= IN_FLIGHT * cycles as usize, "{name}: more unknown than were in flight");
        assert!(of_silence as u64 <= silent, "{name}: more unknown than got no answer");
    }
}

/// A start that takes ever longer is another fault than a machine that is busy.
fn check_ready(ready: &[Duration]) {
    let median = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort();
        times[times.len() / 2]
    };
    let (early, late) = ready.split_at(ready.len() / 2);
    println!("ready again, median of the first half {:?}, of the second {:?}", median(early), median(late));
    let (median, longest) = (median(ready), ready.iter().max().unwrap());
    println!("ready again: median {median:?}, longest {longest:?}");
    assert!(median < Duration::from_secs(1), "ready again only after {median:?}");
}
