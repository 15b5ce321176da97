//! A provider fails, is held back, or goes from the configuration under load: another one carries, nothing is lost, and
//! nothing is sent twice in silence. The judges are the ledgers of all carriers together.

use std::collections::HashSet;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::judge::{Load, LoadPlan, Verdict, draft, fired, is_settled, path_of, seed, status};
use crate::process::{Carrier, Plan, Server, Site, Taken, free_port};

const MORE: &str = "timeout_ms = 1500\nmax_per_second = 500\nmax_in_flight = 20\n";

fn route(providers: &[&str], weights: &[u32]) -> String {
    let weights = if weights.is_empty() { String::new() } else { format!("weights = {weights:?}\n") };
    format!("[[routes]]\nchannels = [\"sms\"]\nproviders = {providers:?}\n{weights}\n")
}

fn load(plan: &Plan, seed: u64) -> Load {
    let pause = Duration::from_millis(60);
    Load::start(&LoadPlan { base: plan.base(), channels: &["sms"], workers: 4, pause, seed })
}

fn ledgers(carriers: &[&Carrier]) -> Vec<Taken> {
    carriers.iter().flat_map(|carrier| carrier.ledger()).collect()
}

fn bodies(ledger: &[Taken]) -> HashSet<&str> {
    ledger.iter().map(|line| line.body.as_str()).collect()
}

async fn wait_for(what: &str, at_most: Duration, is_there: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_there().await {
        assert!(begun.elapsed() < at_most, "{what}: not within {at_most:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_provider_carries_what_one_cannot_and_what_both_may_have_is_marked() {
    let seed = seed("failover");
    let site = Site::new().await;
    let (mut one, two) = (Carrier::start(&site, "one").await, Carrier::start(&site, "two").await);
    let chaos = json!({ "rate_500": 0.3, "rate_429": 0.1, "rate_reply_lost": 0.05, "seed": seed % 1_000 });
    one.set_chaos(chaos).await;
    let config =
        [one.provider("one", &["sms"], MORE), two.provider("two", &["sms"], MORE), route(&["one", "two"], &[])]
            .concat();
    let plan = Plan::dev(&site, &config);
    let server = plan.start().await;
    let load = load(&plan, seed);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let faults = one.stats().await.fired();
    one.process.kill();
    let killed = one.process.wait(Duration::from_secs(5)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let posts = load.stop().await;
    let messages = server.wait_until(Duration::from_secs(15), is_settled).await;

    let ledger = ledgers(&[&one, &two]);
    let verdict = Verdict::of(&posts, &messages, &ledger);
    verdict.check();
    assert!(messages.iter().all(|message| matches!(status(message), "accepted" | "unknown")), "none is dead");
    assert!(verdict.declared > 0, "some were taken by both, and all of them are marked");
    let (by_one, by_two) = (one.ledger(), two.ledger());
    let both = bodies(&by_one).intersection(&bodies(&by_two)).count();
    println!("taken: {} by the one, {} by the other, {both} by both", by_one.len(), by_two.len());
    assert!(both > 0 && by_two.len() > posts.len() / 4);
    check_marks(&server, &messages).await;
    fired("answer of the one that was none", faults);
    fired("kill -9 of a provider", u64::from(killed.signal() == Some(9)));
}

/// An attempt is marked when one before it may have been taken, and only then; so is its message.
async fn check_marks(server: &Server, messages: &[Value]) {
    let mut marked = 0;
    for message in messages {
        let (mut may_have_it, mut is_marked) = (false, false);
        for attempt in server.attempts(message).await {
            assert_eq!(attempt["possible_duplicate"], may_have_it, "{message}: {attempt}");
            is_marked |= may_have_it;
            may_have_it |= matches!(attempt["outcome"].as_str(), Some("doubtful" | "unknown"));
        }
        assert_eq!(message["possible_duplicate"], is_marked, "{message}");
        marked += u64::from(is_marked);
    }
    fired("attempt after one that may have been taken", marked);
}

/// What a metric says, as a count.
async fn count(server: &Server, line: &str) -> u64 {
    format!("{:.0}", server.metric(line).await).parse().unwrap()
}

async fn providers(server: &Server) -> Vec<String> {
    let list = server.get("/api/providers").await;
    list["data"].as_array().unwrap().iter().map(|provider| provider["name"].as_str().unwrap().to_owned()).collect()
}

fn log(site: &Site) -> String {
    std::fs::read_to_string(site.path("config.log")).unwrap()
}

/// Sends SIGHUP with another file; waits for what the log says then.
async fn reload(site: &Site, server: &Server, config: &str, word: &str) {
    let said = log(site).matches(word).count();
    std::fs::write(site.path("config.toml"), config).unwrap();
    server.process.signal("HUP");
    wait_for(word, Duration::from_secs(10), async || log(site).matches(word).count() > said).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_configuration_is_taken_under_load_and_a_bad_one_is_refused_whole() {
    let seed = seed("reload");
    let site = Site::new().await;
    let one = Carrier::start(&site, "one").await;
    let (two, three) = (Carrier::start(&site, "two").await, Carrier::start(&site, "three").await);
    one.set_chaos(json!({ "latency_ms": [300, 900], "rate_429": 0.2 })).await;
    let first = [one.provider("one", &["sms"], MORE), route(&["one"], &[])].concat();
    let plan = Plan::dev(&site, &first);
    let server = plan.start().await;
    let load = load(&plan, seed);
    tokio::time::sleep(Duration::from_secs(2)).await;

    let bad = [two.provider("two", &["sms"], "max_in_flight = 0\n"), route(&["two", "nobody"], &[])].concat();
    reload(&site, &server, &bad, "was refused").await;
    let refusal = log(&site);
    for key in ["providers[0].max_in_flight", "routes[0].providers[1]"] {
        assert!(refusal.contains(key), "{key} is not named");
    }
    reload(&site, &server, "this is no TOML", "was refused").await;
    let nowhere = format!("{first}[[senders]]\naddress = \"+12015550100\"\nworkspace = 77\n");
    reload(&site, &server, &nowhere, "there is no workspace 77").await;
    let elsewhere = [two.provider("one", &["sms"], MORE), route(&["one"], &[])].concat();
    reload(&site, &server, &elsewhere, "points to another service").await;
    assert_eq!(providers(&server).await, ["one", "simulator"], "the old one stays");
    assert!(two.ledger().is_empty());

    let good = [
        two.provider("two", &["sms"], MORE),
        three.provider("three", &["sms"], MORE),
        route(&["two", "three"], &[1, 1]),
        "[[senders]]\naddress = \"+12015550100\"\n".to_owned(),
    ];
    let good = format!("header_timeout_ms = 9000\nmax_segments = 1\n{}", good.concat());
    reload(&site, &server, &good, "count only after a restart").await;
    assert!(log(&site).contains("was taken") && log(&site).contains("\"header_timeout_ms\""));
    assert_eq!(providers(&server).await, ["two", "three", "simulator"]);
    let long = server.post(path_of("sms"), &draft("sms", &"x".repeat(200), 1)).await.unwrap();
    assert_eq!(long.status, 400, "max_segments counts at once: {}", long.body);
    let stranger = json!({ "from": "+12015550199", "to": "+12025550100", "type": "sms", "body": "x" });
    assert_eq!(server.post(path_of("sms"), &stranger).await.unwrap().body["errors"][0]["code"], "not_your_sender");

    tokio::time::sleep(Duration::from_secs(2)).await;
    let by_one = one.ledger().len();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let posts = load.stop().await;
    let messages = server.wait_until(Duration::from_secs(20), is_settled).await;
    assert_eq!(one.ledger().len(), by_one, "what is gone gets nothing more");
    let ledger = ledgers(&[&one, &two, &three]);
    let verdict = Verdict::of(&posts, &messages, &ledger);
    verdict.check();
    assert_eq!((verdict.declared, verdict.unknown.len()), (0, 0), "what was in flight has finished");
    let refused = posts.iter().filter(|post| post.seen != super::judge::Seen::Accepted).count();
    assert_eq!(refused, 0, "no request fell between two configurations");
    for carrier in [&one, &two, &three] {
        assert!(carrier.ledger().len() > 10, "each has carried: {}", carrier.ledger().len());
    }
    let reloads =
        async |result: &str| count(&server, &format!("switchboard_reloads_total{{result=\"{result}\"}}")).await;
    assert_eq!((reloads("taken").await, reloads("refused").await), (1, 4));
    fired("SIGHUP", reloads("taken").await + reloads("refused").await);
}

async fn send(server: &Server, texts: impl Iterator<Item = String>) {
    for text in texts {
        let answer = server.post(path_of("sms"), &draft("sms", &text, 1)).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
}

/// Two servers on PostgreSQL, one on SQLite: whichever is told, all hold the provider back within about a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_counts_on_every_server() {
    seed("pause");
    let site = Site::new().await;
    let (one, two) = (Carrier::start(&site, "one").await, Carrier::start(&site, "two").await);
    let config =
        [one.provider("one", &["sms"], MORE), two.provider("two", &["sms"], MORE), route(&["one", "two"], &[])]
            .concat();
    let plan = Plan::dev(&site, &config);
    let mut servers = vec![plan.start().await];
    if site.is_postgres() {
        servers.push(Plan { port: free_port(), ..plan.clone() }.start().await);
    }
    send(&servers[0], (0..10).map(|n| format!("before {n}"))).await;
    servers[0].wait_until(Duration::from_secs(10), is_settled).await;
    assert_eq!((one.ledger().len(), two.ledger().len()), (10, 0));

    let paused = servers[0].post("/api/providers/one/pause", &Value::Null).await.unwrap();
    assert_eq!((paused.status, paused.body["state"].as_str()), (200, Some("paused")), "{}", paused.body);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    for server in &servers {
        send(server, (0..20).map(|n| format!("{} {n}", server.base))).await;
    }
    servers[0].wait_until(Duration::from_secs(10), is_settled).await;
    assert_eq!((one.ledger().len(), two.ledger().len()), (10, 20 * servers.len()));

    let last = servers.last().unwrap();
    let resumed = last.post("/api/providers/one/resume", &Value::Null).await.unwrap();
    assert_eq!((resumed.status, resumed.body["state"].as_str()), (200, Some("ready")), "{}", resumed.body);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    send(&servers[0], (0..10).map(|n| format!("after {n}"))).await;
    let messages = servers[0].wait_until(Duration::from_secs(10), is_settled).await;
    assert_eq!(one.ledger().len(), 20);
    assert!(messages.iter().all(|message| status(message) == "accepted" && message["possible_duplicate"] == false));
    let mut passed_on = 0;
    for server in &servers {
        passed_on += count(server, "switchboard_passed_on_total{provider=\"one\"}").await;
    }
    assert_eq!(passed_on, 20 * u64::try_from(servers.len()).unwrap(), "what waited for the one went on, each once");
    fired("message that went past a pause", passed_on);
}
