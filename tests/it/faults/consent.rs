//! Somebody says STOP while a thousand messages wait for them: after the 200 not one of these leaves.

use std::time::Duration;

use serde_json::{Value, json};
use switchboard::clock::Clock;
use switchboard::domain::Timestamp;

use super::judge::{fired, is_settled, seed, status};
use crate::process::{Carrier, Plan, Site, client};

const QUEUED: usize = 1_000;
const US: &str = "+12016661234";
const THEM: &str = "+18045551234";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaves_after_the_answer_to_a_stop() {
    seed("consent");
    let site = Site::new().await;
    let carrier = Carrier::start(&site, "carrier").await;
    carrier.set_chaos(json!({ "latency_ms": [5, 40] })).await;
    let more = "max_per_second = 200\nmax_in_flight = 20\n";
    let plan = Plan::dev(&site, &carrier.provider("p", &["sms"], more));
    let server = plan.start().await;
    let draft = |number: usize| json!({ "from": US, "to": THEM, "type": "sms", "body": format!("number {number}") });
    let batch = json!({ "messages": (0..QUEUED).map(draft).collect::<Vec<_>>() });
    let post = async |path: &str, body: &Value| {
        let answer = client().post(format!("{}{path}", plan.base())).json(body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    };
    post("/api/messages/batch", &batch).await;
    while carrier.stats().await.taken < 50 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let stop = json!({ "from": THEM, "to": US, "type": "sms", "body": "STOP", "messaging_provider_id": "stop" });
    post("/api/webhooks/sms", &stop).await;
    let answered = Clock::system().now();
    let messages = server.wait_until(Duration::from_mins(1), is_settled).await;

    let late: Vec<Timestamp> =
        carrier.ledger().iter().map(|line| line.at.parse().unwrap()).filter(|at| *at > answered).collect();
    assert!(late.is_empty(), "{} messages were taken after the answer", late.len());
    let stopped = messages.iter().filter(|message| message["status_reason"] == "opted_out").count();
    assert!(messages.iter().all(|message| matches!(status(message), "accepted" | "rejected" | "received")));
    assert_eq!(stopped + carrier.ledger().len(), QUEUED, "each was either taken or stopped");
    fired("message that was stopped", u64::try_from(stopped).unwrap());
}
