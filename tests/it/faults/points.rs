//! The server ends at a named point of carrying: what it then calls each message is exactly what can be known.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use serde_json::{Value, json};
use switchboard::clock::Clock;

use super::judge::{draft, fired, is_settled, seed, status};
use crate::process::{Carrier, Kind, Plan, Site, Stats, Taken, free_port};

const MESSAGES: usize = 5;
/// Crashes that are played at once.
const AT_ONCE: usize = 6;
/// How long a lease holds here, so that servers that share a database need not wait for half a minute.
const LEASE_MS: &str = "4000";
const REASON: &str = "the server stopped while sending";

/// What is seen after a crash at a point and a restart.
struct Aftermath {
    kind: Kind,
    messages: Vec<Value>,
    ledger: Vec<Taken>,
    before: Stats,
    after: Stats,
}

/// Lets a server crash at a point with five messages on their way, and starts it again.
async fn crash_at(kind: Kind, point: &'static str, script: &[&str]) -> Aftermath {
    let site = Site::new().await;
    let carrier = Carrier::start(&site, point).await;
    if !script.is_empty() {
        carrier.set_chaos(json!({ "script": script })).await;
    }
    let channel = if matches!(kind, Kind::SendGrid | Kind::Smtp) { "email" } else { "sms" };
    let config = carrier.service(kind, "p", &[channel], "timeout_ms = 2000\n");
    let plan = Plan::public(&site, free_port(), &config).with("SWITCHBOARD_FAULT_LEASE_MS", LEASE_MS);
    let mut server = plan.with("SWITCHBOARD_FAULT", point).start().await;
    let later = Clock::system().now() + Duration::from_millis(2_500);
    let drafts: Vec<_> = (0..MESSAGES)
        .map(|n| {
            let mut draft = draft(channel, &format!("{point} {n}"), u64::try_from(n).unwrap());
            draft["scheduled_at"] = json!(later.to_string());
            draft
        })
        .collect();
    let answer = server.post("/api/messages/batch", &json!({ "messages": drafts })).await.unwrap();
    assert_eq!(answer.body["accepted"], MESSAGES, "{}", answer.body);
    let ended = server.process.wait(Duration::from_secs(20)).await;
    assert_eq!(ended.signal(), Some(6), "it aborts at {point}, but ended with {ended}:\n{}", server.process.log());
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = carrier.stats().await;

    let server = plan.start().await;
    let messages = server.wait_until(Duration::from_mins(1), is_settled).await;
    assert_eq!(messages.len(), MESSAGES);
    // Long enough for a second and a third attempt, had there been any.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let messages_later = server.messages().await;
    let settled =
        |messages: &[Value]| messages.iter().map(|m| (m["id"].clone(), m["status"].clone())).collect::<Vec<_>>();
    // What Twilio took is found in its list, after a while.
    if kind != Kind::Twilio {
        assert_eq!(settled(&messages), settled(&messages_later), "{point}: what was settled moved");
    }
    Aftermath { kind, messages: messages_later, ledger: carrier.ledger(), before, after: carrier.stats().await }
}

impl Aftermath {
    fn count(&self, wanted: &str) -> usize {
        self.messages.iter().filter(|message| status(message) == wanted).count()
    }

    fn is_taken(&self, message: &Value) -> bool {
        self.ledger.iter().any(|line| line.body == message["body"])
    }

    /// Nothing was asked for again, and nothing stands in the ledger twice.
    fn check_asked_once(&self) {
        assert_eq!(self.before.requests, self.after.requests, "something was sent again");
        for message in &self.messages {
            let times = self.ledger.iter().filter(|line| line.body == message["body"]).count();
            assert!(times <= 1, "sent {times} times: {message}");
        }
    }

    fn check_all_unknown(&self) {
        self.check_asked_once();
        for message in &self.messages {
            if self.kind == Kind::Twilio && self.is_taken(message) && status(message) != "unknown" {
                continue;
            }
            let seen = (status(message), &message["status_reason"], &message["final"]);
            assert_eq!(seen, ("unknown", &json!(REASON), &json!(false)), "{:?}: {message}", self.kind);
        }
    }
}

async fn before_attempt_row() {
    let seen = crash_at(Kind::Http, "before_attempt_row", &[]).await;
    assert_eq!(seen.before.requests, 0, "nothing was sent before the crash");
    assert_eq!(seen.count("accepted"), MESSAGES, "{:#?}", seen.messages);
    assert_eq!(seen.ledger.len(), MESSAGES);
    assert!(seen.messages.iter().all(|message| message["possible_duplicate"] == false));
}

async fn after_attempt_row() {
    let seen = crash_at(Kind::Http, "after_attempt_row", &[]).await;
    assert_eq!(seen.after.taken, 0, "nothing was sent at all");
    seen.check_all_unknown();
}

async fn after_bytes(kind: Kind) {
    let script = ["hang_taken", "hang_not_taken", "hang_taken", "hang_not_taken", "hang_taken"];
    let seen = crash_at(kind, "after_bytes", &script).await;
    assert_eq!((seen.before.requests, seen.before.taken), (5, 3));
    seen.check_all_unknown();
}

async fn after_reply(kind: Kind) {
    let seen = crash_at(kind, "after_reply", &[]).await;
    assert!(seen.before.taken >= 1, "{:?}", seen.before);
    seen.check_all_unknown();
}

async fn after_commit() {
    let seen = crash_at(Kind::Http, "after_commit", &[]).await;
    seen.check_asked_once();
    assert!(seen.count("accepted") >= 1, "what was committed stands: {:#?}", seen.messages);
    for message in &seen.messages {
        match status(message) {
            "accepted" => assert!(seen.is_taken(message), "{message}"),
            "unknown" => assert_eq!(message["status_reason"], REASON),
            other => panic!("neither accepted nor unknown but {other}: {message}"),
        }
    }
}

/// What is written down before the first byte is the same for all; what follows is told by each kind in its own way.
fn crashes() -> Vec<BoxFuture<'static, ()>> {
    let mut all: Vec<BoxFuture<'static, ()>> =
        vec![Box::pin(before_attempt_row()), Box::pin(after_attempt_row()), Box::pin(after_commit())];
    for kind in [Kind::Http, Kind::Twilio, Kind::SendGrid, Kind::Smtp] {
        all.push(Box::pin(after_bytes(kind)));
        all.push(Box::pin(after_reply(kind)));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_at_any_point_each_message_is_called_what_can_be_known_of_it() {
    seed("points");
    let all = crashes().into_iter().map(tokio::spawn);
    let ended: Vec<_> = stream::iter(all).buffer_unordered(AT_ONCE).collect().await;
    let crashes = ended.len() as u64;
    for one in ended {
        one.unwrap();
    }
    fired("crash at a named point", crashes);
}
