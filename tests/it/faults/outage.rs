//! The carrier is away under load: the breaker opens, nothing dies, and the backlog drains at the configured pace.

use std::time::{Duration, Instant};

use switchboard::domain::Timestamp;

use super::judge::{Load, LoadPlan, Verdict, fired, is_settled, seed, status};
use crate::process::{Carrier, Plan, Server, Site, Taken, free_port};

const PER_SECOND: usize = 60;
const IN_FLIGHT: usize = 20;
const AWAY: Duration = Duration::from_secs(15);
const OPEN: &str = "switchboard_breaker_open{provider=\"p\"}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_ends_in_a_paced_drain_and_nothing_is_dead() {
    let seed = seed("outage");
    let site = Site::new().await;
    let port = free_port();
    let mut carrier = Carrier::start_at(&site, "carrier", port, None).await;
    let more = format!("timeout_ms = 2000\nmax_per_second = {PER_SECOND}\nmax_in_flight = {IN_FLIGHT}\n");
    let plan = Plan::dev(&site, &carrier.provider("p", &["sms"], &more));
    let server = plan.start().await;
    let pause = Duration::from_millis(100);
    let load = Load::start(&LoadPlan { base: plan.base(), channels: &["sms"], workers: 5, pause, seed });
    tokio::time::sleep(Duration::from_secs(2)).await;
    carrier.process.kill();
    let gone = Instant::now();
    wait_for_breaker(&server, 1.0, Duration::from_secs(10)).await;
    println!("the breaker opened {:?} after the carrier was gone", gone.elapsed());
    tokio::time::sleep(AWAY.saturating_sub(gone.elapsed())).await;
    let posts = load.stop().await;
    assert!(server.metric(OPEN).await > 0.5, "it stays open while the carrier is away");
    let carrier = Carrier::start_at(&site, "carrier", port, None).await;
    let back = Instant::now();
    wait_for_breaker(&server, 0.0, Duration::from_secs(30)).await;
    println!("and closed {:?} after it was back", back.elapsed());
    let messages = server.wait_until(Duration::from_mins(1), is_settled).await;

    let ledger = carrier.ledger();
    let verdict = Verdict::of(&posts, &messages, &ledger);
    verdict.check();
    assert!(messages.iter().all(|message| matches!(status(message), "accepted" | "unknown")), "none is dead");
    assert!(verdict.unknown.len() <= IN_FLIGHT, "more unknown than were in flight when the carrier was killed");
    let backlog = usize::try_from(carrier.stats().await.taken).unwrap();
    assert!(backlog > 2 * PER_SECOND, "a backlog worth pacing, not {backlog}");
    check_pace(&ledger);
    fired("message that waited for the carrier", u64::try_from(backlog).unwrap());
}

async fn wait_for_breaker(server: &Server, wanted: f64, at_most: Duration) {
    let begun = Instant::now();
    while (server.metric(OPEN).await - wanted).abs() > 0.5 {
        assert!(begun.elapsed() < at_most, "the breaker is not at {wanted} after {at_most:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A second takes at most its rate and the second's worth that the bucket holds; three seconds, four times the rate.
fn check_pace(ledger: &[Taken]) {
    let mut times: Vec<Timestamp> = ledger.iter().map(|line| line.at.parse().unwrap()).collect();
    times.sort();
    for (seconds, most) in [(1, 2 * PER_SECOND), (3, 4 * PER_SECOND)] {
        let span = Duration::from_secs(seconds);
        let within = |from: &Timestamp| times.iter().filter(|at| *at >= from && at.since(*from) < span).count();
        let busiest = times.iter().map(within).max().unwrap();
        println!("busiest {seconds} s: {busiest} messages, {most} allowed");
        // What was begun in time may be taken a moment late: a tenth for that.
        assert!(busiest <= most + most / 10, "{busiest} in {seconds} s");
    }
}
