//! kill -9 of the server at random under load, again and again.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::judge::{Load, LoadPlan, Verdict, fired, is_known, is_settled, seed};
use crate::process::{Carrier, Plan, Site, Taken, variable};

const IN_FLIGHT: usize = 20;
/// How long everything may take to settle after the last kill. The longest that the promises allow a message which
/// was in flight at four kills: a lease of 30 s that lapses, then the fourth wait, 2 min and a fifth; and a margin.
const SETTLING: Duration = Duration::from_secs(30 + 144 + 36);

/// Three carriers behind one server: one that can be asked nothing, one that can be asked and reports, one that
/// honours keys.
struct Carriers {
    bare: Carrier,
    asked: Carrier,
    keyed: Carrier,
}

impl Carriers {
    async fn start(site: &Site, port: u16, seed: u64) -> Self {
        let callback = format!("http://127.0.0.1:{port}/api/webhooks/status");
        let carriers = Self {
            bare: Carrier::start(site, "bare").await,
            asked: Carrier::start_at(site, "asked", crate::process::free_port(), Some(&callback)).await,
            keyed: Carrier::start(site, "keyed").await,
        };
        let chaos = |n: u64| {
            json!({ "rate_429": 0.02, "rate_500": 0.03, "rate_hang": 0.01, "rate_reply_lost": 0.02,
                    "latency_ms": [5, 80], "seed": seed.wrapping_add(n) })
        };
        carriers.bare.set_chaos(chaos(1)).await;
        carriers.asked.set_chaos(chaos(2)).await;
        carriers.keyed.set_chaos(chaos(3)).await;
        carriers
    }

    fn config(&self) -> String {
        let common = format!("timeout_ms = 1500\nmax_per_second = 2000\nmax_in_flight = {IN_FLIGHT}\n");
        let asked = format!("{common}{}", self.asked.lookup());
        let keyed = format!("{common}idempotency_header = \"Idempotency-Key\"\n");
        [
            self.bare.provider("bare", &["sms"], &common),
            self.asked.provider("asked", &["mms"], &asked),
            self.keyed.provider("keyed", &["email"], &keyed),
        ]
        .concat()
    }

    async fn calm(&self) {
        for carrier in [&self.bare, &self.asked, &self.keyed] {
            carrier.calm().await;
        }
    }

    fn ledger(&self) -> Vec<Taken> {
        [&self.bare, &self.asked, &self.keyed].iter().flat_map(|carrier| carrier.ledger()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_loses_nothing_and_sends_nothing_twice_in_silence() {
    let seed = seed("kill -9");
    let mut random = StdRng::seed_from_u64(seed);
    let cycles: u32 = variable("SWITCHBOARD_FAULT_CYCLES").map_or(10, |cycles| cycles.parse().unwrap());
    let site = Site::new().await;
    let mut plan = Plan::dev(&site, "");
    let carriers = Carriers::start(&site, plan.port, seed).await;
    plan = Plan { port: plan.port, ..Plan::dev(&site, &carriers.config()) };
    let mut server = plan.start().await;
    let load = Load::start(&LoadPlan {
        base: plan.base(),
        channels: &["sms", "mms", "email"],
        workers: 12,
        pause: Duration::from_millis(40),
        seed,
    });
    let mut ready = Vec::new();
    for _ in 0..cycles {
        tokio::time::sleep(Duration::from_millis(random.random_range(200..1_000))).await;
        assert!(server.process.ended().is_none(), "it ended by itself:\n{}", server.process.log());
        server.process.kill();
        server = plan.start().await;
        ready.push(server.ready_in);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let posts = load.stop().await;
    carriers.calm().await;
    let messages = server
        .wait_until(SETTLING, |message| if message["type"] == "sms" { is_settled(message) } else { is_known(message) })
        .await;

    let silent = carriers.bare.stats().await.silent();
    let faults = [&carriers.bare, &carriers.asked, &carriers.keyed];
    let mut chaos = 0;
    for carrier in faults {
        chaos += carrier.stats().await.fired();
    }
    fired("kill -9", u64::from(cycles));
    fired("chaos of the carriers", chaos);
    let verdict = Verdict::of(&posts, &messages, &carriers.ledger());
    verdict.check();
    check_keyed(&messages, &carriers.keyed.ledger());
    check_unknown(&messages, silent, cycles);
    let median = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort();
        times[times.len() / 2]
    };
    // A start that takes ever longer is another fault than a machine that is busy.
    let (early, late) = ready.split_at(ready.len() / 2);
    println!("ready again, median of the first half {:?}, of the second {:?}", median(early), median(late));
    ready.sort();
    let median = median(&ready);
    println!("ready again: median {median:?}, longest {:?}", ready[ready.len() - 1]);
    assert!(median < Duration::from_secs(1), "ready again only after {median:?}");
}

/// Where keys are honoured there is no doubt and no duplicate at all.
fn check_keyed(messages: &[Value], ledger: &[Taken]) {
    let mails = messages.iter().filter(|message| message["type"] == "email").count();
    assert_eq!(ledger.len(), mails, "each mail once, by its key");
}

/// What is unknown was in flight when the server was killed, or got no answer that can be read.
fn check_unknown(messages: &[Value], silent: u64, cycles: u32) {
    let unknown: Vec<_> = messages.iter().filter(|message| message["status"] == "unknown").collect();
    let of_kills = unknown.iter().filter(|message| message["status_reason"] == "the server stopped while sending");
    let of_kills = of_kills.count();
    let of_silence = u64::try_from(unknown.len() - of_kills).unwrap();
    println!("unknown: {of_kills} of kills ({cycles} x {IN_FLIGHT} at most), {of_silence} of {silent} silences");
    assert!(of_kills <= IN_FLIGHT * usize::try_from(cycles).unwrap(), "more unknown than were in flight");
    assert!(of_silence <= silent, "more unknown than got no answer");
}
