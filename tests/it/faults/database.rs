//! The database may leave, be full, or be wanted by two servers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::judge::{Load, LoadPlan, Post, Seen, Verdict, draft, fired, is_settled, path_of, seed, status};
use crate::process::{Carrier, Plan, Server, Site, free_port};

/// A private PostgreSQL of this test's own: the only one that may be killed.
struct Cluster {
    folder: PathBuf,
}

impl Cluster {
    async fn start() -> (Self, String) {
        let folder = std::env::temp_dir().join(format!("switchboard-cluster-{:016x}", rand::rng().random::<u64>()));
        let cluster = Self { folder };
        let url = cluster.order("start").await;
        (cluster, url)
    }

    async fn order(&self, what: &'static str) -> String {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || postgres(what, &folder)).await.unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.folder.exists() {
            postgres("stop", &self.folder);
        }
    }
}

fn postgres(what: &str, folder: &Path) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bin/postgres.sh");
    let output = Command::new(script).arg(what).arg(folder).output().unwrap();
    assert!(output.status.success(), "postgres.sh {what}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn load_plan(plan: &Plan, seed: u64) -> LoadPlan {
    let pause = Duration::from_millis(20);
    LoadPlan { base: plan.base(), channels: &["sms"], workers: 8, pause, seed }
}

fn config(carrier: &Carrier) -> String {
    carrier.provider("p", &["sms"], "timeout_ms = 2000\nmax_per_second = 2000\nmax_in_flight = 20\n")
}

/// Every refusal was a 503 that says when to come again; and there were some.
fn check_refusals(posts: &[Post]) {
    let mut refusals = 0;
    for post in posts {
        match &post.seen {
            Seen::Accepted => {}
            Seen::Refused(503, Some(seconds)) => {
                assert!(seconds.parse::<u64>().is_ok_and(|seconds| seconds > 0), "Retry-After: {seconds}");
                refusals += 1;
            }
            other => panic!("{other:?} instead of 201 or 503 with Retry-After"),
        }
    }
    fired("503 with Retry-After", refusals);
}

async fn wait_for_acceptance(server: &Server) -> Duration {
    let begun = Instant::now();
    loop {
        let answer = server.post(path_of("sms"), &draft("sms", "is it back?", 1)).await;
        if answer.is_ok_and(|answer| answer.status == 201) {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not heal:\n{}", server.process.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// PostgreSQL is killed under load and comes back; the server heals without a restart.
async fn postgres_is_killed_and_comes_back(seed: u64) {
    let site = Site::new().await;
    let (cluster, url) = Cluster::start().await;
    let carrier = Carrier::start(&site, "carrier").await;
    let plan = Plan { database: Some(url), ..Plan::dev(&site, &config(&carrier)) };
    let server = plan.start().await;
    let load = Load::start(&load_plan(&plan, seed));
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.order("kill").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let read = server.try_get("/api/conversations").await.unwrap();
    assert_eq!((read.status, read.retry_after.is_some()), (503, true), "{}", read.body);
    assert_eq!(server.try_get("/api/health").await.unwrap().status, 200, "the process itself is well");
    assert_eq!(server.try_get("/api/ready").await.unwrap().status, 503, "but it is not ready");
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.order("again").await;
    println!("accepts again {:?} after its database", wait_for_acceptance(&server).await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let posts = load.stop().await;
    check_refusals(&posts);
    let messages = server.wait_until(Duration::from_mins(1), is_settled).await;
    let verdict = Verdict::of(&posts, &messages, &carrier.ledger());
    verdict.check();
    assert!(verdict.unknown.len() <= 20, "more unknown than were in flight");
}

/// The disk is full: writes are refused, reads go on; with room again the same server goes on, and nothing is lost.
async fn the_disk_is_full_and_then_it_is_not(seed: u64) {
    let site = Site::new().await;
    let carrier = Carrier::start(&site, "carrier").await;
    let plan = Plan::dev(&site, &config(&carrier));
    let small = Plan { file_blocks: Some(6_000), ..plan.clone() };
    let server = small.start().await;
    let load = Load::start(&load_plan(&plan, seed));
    let begun = Instant::now();
    while server.post(path_of("sms"), &draft("sms", "is there room?", 1)).await.unwrap().status == 201 {
        assert!(begun.elapsed() < Duration::from_mins(1), "the disk is never full");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let posts = load.stop().await;
    check_refusals(&posts);
    let held = server.messages().await;
    let before = Verdict::of(&posts, &held, &carrier.ledger());
    assert!(before.accepted > 0 && before.lost.is_empty(), "readable while the disk is full: {:?}", before.lost);

    server.process.make_room();
    println!("accepts again {:?} after there is room", wait_for_acceptance(&server).await);
    let mut messages = server.wait_until(Duration::from_secs(30), is_settled).await;
    messages.retain(|message| !message["body"].as_str().unwrap().starts_with("is "));
    let mut ledger = carrier.ledger();
    ledger.retain(|line| !line.body.starts_with("is "));
    let verdict = Verdict::of(&posts, &messages, &ledger);
    verdict.check();
    assert!(verdict.unknown.len() <= 20, "more unknown than were in flight");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_leaves_and_comes_back_and_nothing_accepted_is_lost() {
    let seed = seed("the database leaves");
    if Site::new().await.is_postgres() {
        postgres_is_killed_and_comes_back(seed).await;
    } else {
        the_disk_is_full_and_then_it_is_not(seed).await;
    }
}

/// A second server on the same SQLite file does not start, and says why.
async fn the_second_server_refuses_to_start() {
    let site = Site::new().await;
    let plan = Plan::dev(&site, "");
    let first = plan.start().await;
    let mut second = Plan { port: free_port(), ..plan.clone() }.launch();
    let ended = second.wait(Duration::from_secs(10)).await;
    assert!(!ended.success());
    assert!(second.log().contains("another server has"), "{}", second.log());
    assert_eq!(first.try_get("/api/ready").await.unwrap().status, 200, "the first one does not mind");
    fired("second server on one file", 1);
}

/// Two servers on one PostgreSQL carry one queue; one of them is killed, and the other takes over.
async fn two_servers_carry_one_queue(seed: u64) {
    let site = Site::new().await;
    let carrier = Carrier::start(&site, "carrier").await;
    carrier.set_chaos(serde_json::json!({ "latency_ms": [5, 50] })).await;
    let one = Plan::dev(&site, &config(&carrier));
    let two = Plan { port: free_port(), ..one.clone() };
    let (first, mut second) = (one.start().await, two.start().await);
    let loads = [Load::start(&load_plan(&one, seed)), Load::start(&load_plan(&two, seed + 1))];
    tokio::time::sleep(Duration::from_secs(3)).await;
    let accepted = "switchboard_attempts_total{provider=\"p\",outcome=\"accepted\"}";
    let (by_first, by_second) = (first.metric(accepted).await, second.metric(accepted).await);
    println!("carried: {by_first} by the one, {by_second} by the other");
    assert!(by_first > 0.0 && by_second > 0.0, "both carry");
    second.process.kill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let [at_first, at_second] = loads;
    let mut posts = at_first.stop().await;
    posts.extend(at_second.stop().await);
    let mut names = std::collections::HashSet::new();
    let again = carrier.ledger().into_iter().filter(|line| !names.insert(line.reference.clone())).count();
    assert_eq!(again, 0, "messages that were sent by more than one claim");
    let messages = first.wait_until(Duration::from_mins(1), is_settled).await;
    let ledger = carrier.ledger();
    let verdict = Verdict::of(&posts, &messages, &ledger);
    verdict.check();
    assert_eq!(verdict.declared, 0, "nothing is sent twice at all");
    assert!(verdict.unknown.len() <= 20, "more unknown than the one that was killed had in flight");
    let known = messages.iter().filter(|message| status(message) == "accepted").count();
    assert!(known <= ledger.len());
    fired("kill -9 of one of two servers", 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_database_never_send_the_same_message() {
    let seed = seed("two servers");
    if Site::new().await.is_postgres() {
        two_servers_carry_one_queue(seed).await;
    } else {
        the_second_server_refuses_to_start().await;
    }
}
