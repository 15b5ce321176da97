//! The carrier as the `http` adapter and a judge see it, over real sockets.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::routing::post;
use serde_json::{Value, json};

use super::*;
use crate::domain::{Address, AddressKind, Timestamp};
use crate::provider::{Envelope, Found, Http, HttpSettings, Outcome, Provider, Sought, Wire};

struct Running {
    folder: tempfile::TempDir,
    address: SocketAddr,
    end: CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

async fn start(chaos: Value, callback: Option<Url>) -> Running {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("chaos.json"), chaos.to_string()).unwrap();
    start_in(folder, callback).await
}

async fn start_in(folder: tempfile::TempDir, callback: Option<Url>) -> Running {
    let options = CarrierOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        ledger: folder.path().join("ledger.jsonl"),
        callback,
        callback_secret: Some("hush".into()),
        smtp: Some("127.0.0.1:0".parse().unwrap()),
        twilio_token: Some("token".into()),
        sendgrid_events: None,
        sendgrid_key: None,
        chaos: Some(folder.path().join("chaos.json")),
    };
    let bound = loop {
        match Bound::bind(options.clone(), Clock::system()).await {
            Ok(bound) => break bound,
            // The former carrier's thread may still hold the file for a moment.
            Err(CarrierError::Ledger(..)) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error}"),
        }
    };
    let (address, end) = (bound.address(), CancellationToken::new());
    let ending = end.clone();
    let served = tokio::spawn(async move { bound.serve(ending.cancelled_owned()).await });
    Running { folder, address, end, served }
}

impl Running {
    fn adapter(&self, has_key: bool) -> Http {
        let url: Url = format!("http://{}/messages", self.address).parse().unwrap();
        let settings = HttpSettings {
            lookup_url: Some(format!("{url}?reference={{reference}}")),
            url,
            idempotency: has_key.then(|| ("Idempotency-Key".parse().unwrap(), Duration::from_hours(24))),
            signing_key: None,
        };
        let (client, clock) = (crate::provider::client().unwrap(), Clock::system());
        Http::new(settings, Wire { client, clock, timeout: Duration::from_millis(700) }).unwrap()
    }

    fn ledger(&self) -> BTreeMap<String, usize> {
        let text = std::fs::read_to_string(self.folder.path().join("ledger.jsonl")).unwrap();
        let mut lines = BTreeMap::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            *lines.entry(line["reference"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        lines
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}{path}", self.address);
        crate::provider::client().unwrap().get(url).send().await.unwrap().json().await.unwrap()
    }

    async fn stop(self) -> tempfile::TempDir {
        self.end.cancel();
        self.served.await.unwrap();
        self.folder
    }
}

fn envelope(reference: &str) -> Envelope {
    let phone = |text: &str| Address::from_stored(AddressKind::Phone, text.to_owned());
    Envelope {
        reference: reference.to_owned(),
        channel: crate::domain::Channel::Sms,
        from: phone("+12015550100"),
        to: vec![phone("+12015550101")],
        cc: Vec::new(),
        reply_to: None,
        unsubscribe: None,
        is_automatic: false,
        references: Vec::new(),
        subject: None,
        body: "it's \"quoted\"\n".to_owned(),
        attachments: Vec::new(),
        timestamp: Timestamp::from_seconds(1_730_000_000).unwrap(),
        callback_token: String::new(),
    }
}

fn sought(reference: &str) -> Sought {
    let at = Timestamp::from_seconds(1_730_000_000).unwrap();
    Sought { envelope: envelope(reference), since: at, until: at }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Retry { is_away: true, .. } => "away",
        Outcome::Retry { is_away: false, .. } => "busy",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Doubtful { .. } => "doubtful",
        Outcome::Unknown { .. } => "unknown",
    }
}

#[tokio::test]
async fn every_fate_has_its_outcome_and_the_ledger_tells_what_was_taken() {
    let fates = [
        ("ok", "accepted", 1),
        ("429", "busy", 0),
        ("503", "away", 0),
        ("reject", "rejected", 0),
        ("500_taken", "doubtful", 1),
        ("500_not_taken", "doubtful", 0),
        ("502_taken", "doubtful", 1),
        ("502_not_taken", "doubtful", 0),
        ("504_taken", "doubtful", 1),
        ("504_not_taken", "doubtful", 0),
        ("hang_taken", "unknown", 1),
        ("hang_not_taken", "unknown", 0),
        ("reset_taken", "unknown", 1),
        ("reset_not_taken", "unknown", 0),
        ("half_body_taken", "unknown", 1),
        ("html_taken", "unknown", 1),
        ("endless_taken", "unknown", 1),
    ];
    let script: Vec<_> = fates.iter().map(|(fate, ..)| *fate).collect();
    let carrier = start(json!({"script": script}), None).await;
    let adapter = carrier.adapter(false);
    for (fate, wanted, taken) in fates {
        let outcome = adapter.send(&envelope(fate)).await;
        assert_eq!(name(&outcome), wanted, "{fate}: {outcome:?}");
        assert_eq!(carrier.ledger().get(fate).copied().unwrap_or(0), taken, "{fate}");
        match adapter.look_up(&sought(fate)).await {
            Found::Taken { status, .. } => assert!(taken == 1 && status.is_some(), "{fate}"),
            Found::NeverTaken => assert_eq!(taken, 0, "{fate}"),
            Found::Unclear { reason } => panic!("{fate}: {reason}"),
        }
    }
    let stats = carrier.get("/stats").await;
    assert_eq!((&stats["taken"], &stats["requests"]), (&json!(9), &json!(17)));
    for fate in &script[1..] {
        assert_eq!(stats["faults"][fate], 1, "{fate}");
    }
}

#[tokio::test]
async fn a_key_is_one_message_also_after_a_restart() {
    let carrier = start(json!({"script": ["reset_taken"]}), None).await;
    let adapter = carrier.adapter(true);
    assert_eq!(name(&adapter.send(&envelope("r")).await), "unknown");
    let accepted = adapter.send(&envelope("r")).await;
    assert_eq!(name(&accepted), "accepted");
    let carrier = start_in(carrier.stop().await, None).await;
    std::fs::write(carrier.folder.path().join("chaos.json"), "{}").unwrap();
    let adapter = carrier.adapter(true);
    let _ = adapter.send(&envelope("r")).await;
    assert_eq!(adapter.send(&envelope("r")).await, accepted);
    assert_eq!(carrier.ledger(), BTreeMap::from([("r".to_owned(), 1)]));
    let Outcome::Accepted { reference } = accepted else { panic!() };
    assert!(matches!(adapter.look_up(&sought("r")).await, Found::Taken { reference: found, .. } if found == reference));
}

#[tokio::test]
async fn chaos_is_put_and_read_again_from_its_file() {
    let carrier = start(json!({"rate_429": 1.0}), None).await;
    assert_eq!(name(&carrier.adapter(false).send(&envelope("r")).await), "busy");
    let client = crate::provider::client().unwrap();
    let url = format!("http://{}/chaos", carrier.address);
    let put = |chaos: Value| client.put(&url).json(&chaos).send();
    assert_eq!(put(json!({"rate_500": 2})).await.unwrap().status(), 400);
    assert_eq!(put(json!({"script": ["no such"]})).await.unwrap().status(), 400);
    assert_eq!(put(json!({"script": ["reject"]})).await.unwrap().status(), 200);
    assert_eq!(carrier.get("/chaos").await["script"], json!(["reject"]));
    assert_eq!(name(&carrier.adapter(false).send(&envelope("r")).await), "rejected");
    std::fs::write(carrier.folder.path().join("chaos.json"), r#"{"seed":9}"#).unwrap();
    let waiting = async {
        while carrier.get("/chaos").await["seed"] != 9 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap();
}

#[tokio::test]
async fn reports_are_posted_in_order_also_when_the_server_comes_late() {
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let callback_addr = reserved.local_addr().unwrap();
    drop(reserved);
    let url: Url = format!("http://{callback_addr}/api/webhooks/status").parse().unwrap();
    let carrier = start(json!({}), Some(url)).await;
    let Outcome::Accepted { reference } = carrier.adapter(false).send(&envelope("r")).await else { panic!() };
    tokio::time::sleep(Duration::from_millis(300)).await;

    let posted = Arc::<Mutex<Vec<(String, Value)>>>::default();
    let seen = Arc::clone(&posted);
    let handler = move |headers: axum::http::HeaderMap, body: axum::Json<Value>| async move {
        seen.lock().unwrap().push((headers["authorization"].to_str().unwrap().to_owned(), body.0));
    };
    let listener = TcpListener::bind(callback_addr).await.unwrap();
    let router = Router::new().route("/api/webhooks/status", post(handler));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let waiting = async {
        while posted.lock().unwrap().len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap();
    let posted = posted.lock().unwrap().clone();
    for ((bearer, body), status) in posted.iter().zip(["sent", "delivered"]) {
        assert_eq!(bearer, "Bearer hush");
        assert_eq!((&body["reference"], &body["provider_id"]), (&json!("r"), &json!(reference)));
        assert_eq!((&body["status"], body.get("recipient")), (&json!(status), None));
        assert!(body["timestamp"].as_str().unwrap().parse::<Timestamp>().is_ok());
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused_and_not_taken() {
    let carrier = start(json!({}), None).await;
    let url = format!("http://{}/messages", carrier.address);
    for body in ["", "[]", "{}", r#"{"from":"a","to":[],"body":"x"}"#, r#"{"from":"a","to":7}"#] {
        let client = crate::provider::client().unwrap();
        assert_eq!(client.post(&url).body(body).send().await.unwrap().status(), 400, "{body}");
    }
    assert_eq!(carrier.ledger(), BTreeMap::new());
    assert_eq!(carrier.get("/stats").await["requests"], 0);
}

#[tokio::test]
async fn many_at_once_are_all_taken_and_named_apart() {
    let carrier = start(json!({"receipts": "off"}), None).await;
    let adapter = Arc::new(carrier.adapter(false));
    let sends = (0..200).map(|number| {
        let adapter = Arc::clone(&adapter);
        async move { adapter.send(&envelope(&number.to_string())).await }
    });
    let outcomes = futures_util::future::join_all(sends).await;
    let ids: std::collections::BTreeSet<_> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Outcome::Accepted { reference } => reference,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((ids.len(), carrier.ledger().len()), (200, 200));
}
