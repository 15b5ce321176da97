//! Silence is unknown and asked once; a failure that may have been a success is declared.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::judge::{draft, fired, is_settled, path_of, seed, status};
use crate::process::{Carrier, Plan, Server, Site};

const SILENT: [&str; 6] =
    ["reset_taken", "half_body_taken", "html_taken", "endless_taken", "hang_taken", "hang_not_taken"];
const DOUBTFUL: [&str; 6] = ["500_taken", "500_not_taken", "502_taken", "502_not_taken", "504_taken", "504_not_taken"];
const TIMEOUT: Duration = Duration::from_millis(1_500);
/// The most that answers without an end may cost.
const MAX_GROWTH_KIB: u64 = 32 * 1_024;

fn repeated(fates: &[&str], times: usize) -> Value {
    json!({ "script": fates.repeat(times) })
}

async fn send(server: &Server, channel: &str, policy: &str, count: usize) {
    for n in 0..count {
        let mut draft = draft(channel, &format!("{channel} {n}"), u64::try_from(n % 5).unwrap());
        draft["policy"] = json!(policy);
        let answer = server.post(path_of(channel), &draft).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
}

fn of_type<'a>(messages: &'a [Value], channel: &str) -> Vec<&'a Value> {
    messages.iter().filter(|message| message["type"] == channel).collect()
}

async fn attempts(server: &Server, message: &Value) -> Vec<Value> {
    server.timeline(message).await.into_iter().filter(|entry| entry["kind"] == "attempt").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_unknown_and_asked_once_and_doubt_is_declared() {
    seed("ambiguity");
    let site = Site::new().await;
    let silent = Carrier::start(&site, "silent").await;
    let doubtful = Carrier::start(&site, "doubtful").await;
    let strict = Carrier::start(&site, "strict").await;
    silent.set_chaos(repeated(&SILENT, 3)).await;
    doubtful.set_chaos(repeated(&DOUBTFUL, 2)).await;
    strict.set_chaos(repeated(&DOUBTFUL, 2)).await;
    let timeout = format!("timeout_ms = {}\n", TIMEOUT.as_millis());
    let config = [
        silent.provider("silent", &["sms"], &timeout),
        doubtful.provider("doubtful", &["mms"], &timeout),
        strict.provider("strict", &["email"], &timeout),
    ]
    .concat();
    let server = Plan::dev(&site, &config).start().await;
    server.messages().await;
    let memory = server.process.resident_kib();
    let begun = Instant::now();
    send(&server, "sms", "balanced", 18).await;
    send(&server, "mms", "balanced", 12).await;
    send(&server, "email", "no_duplicates", 12).await;
    let messages = server.wait_until(Duration::from_secs(15), is_settled).await;
    println!("settled after {:?}", begun.elapsed());
    // Long enough for the second and the third attempt of whatever is tried again.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let later = server.messages().await;
    let growth = server.process.resident_kib().saturating_sub(memory);
    println!("resident memory grew by {growth} KiB");
    assert!(growth < MAX_GROWTH_KIB, "{growth} KiB");

    for (channel, carrier, taken) in [("sms", &silent, 15), ("email", &strict, 6)] {
        let stats = carrier.stats().await;
        let count = of_type(&messages, channel).len();
        assert_eq!(stats.requests, u64::try_from(count).unwrap(), "{channel}: each is asked once");
        assert_eq!(carrier.ledger().len(), taken, "{channel}");
        for message in of_type(&later, channel) {
            assert_eq!(status(message), "unknown", "{message}");
            assert_eq!(message["possible_duplicate"], false, "{message}");
            assert_eq!(attempts(&server, message).await.len(), 1, "{message}");
        }
    }
    check_declared(&server, &doubtful, &of_type(&later, "mms")).await;
    let mut faults = 0;
    for carrier in [&silent, &doubtful, &strict] {
        faults += carrier.stats().await.fired();
    }
    fired("answers that say nothing", faults);
    assert_eq!(faults, 42);
}

/// Each is tried again, and both the message and its second attempt say that it may be a duplicate.
async fn check_declared(server: &Server, carrier: &Carrier, messages: &[&Value]) {
    let ledger = carrier.ledger();
    assert_eq!(messages.len(), 12);
    let twice = messages.iter().filter(|m| ledger.iter().filter(|line| line.body == m["body"]).count() == 2).count();
    assert_eq!((twice, ledger.len()), (6, 18), "half were taken twice");
    for message in messages {
        assert_eq!(status(message), "accepted", "{message}");
        assert_eq!(message["possible_duplicate"], true, "{message}");
        let attempts = attempts(server, message).await;
        let marks: Vec<_> = attempts.iter().map(|attempt| attempt["possible_duplicate"] == true).collect();
        assert_eq!(marks, [false, true], "{attempts:#?}");
        assert_eq!(attempts[0]["outcome"], "doubtful");
    }
}
