//! The same reports of a message, in any order and with repeats, end in the same row.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::StreamExt;
use futures_util::stream;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use serde_json::{Value, json};

use super::judge::{draft, fired, seed, status};
use crate::process::{Carrier, Plan, Server, Site};

const SHUFFLES: usize = 500;
const AT_ONCE: usize = 8;

/// Three stories that a provider tells; each has one end.
fn stories() -> [(Vec<Value>, &'static str); 3] {
    let report = |status: &str, second: u32, error: Option<&str>| json!({ "status": status, "timestamp": format!("2024-11-01T14:00:{second:02}Z"), "error": error });
    [
        (
            vec![report("sent", 9, None), report("undelivered", 2, Some("off")), report("delivered", 1, None)],
            "delivered",
        ),
        (
            vec![
                report("sent", 1, None),
                report("failed", 5, Some("first")),
                report("undelivered", 7, Some("second")),
                report("bounced", 6, Some("third")),
            ],
            "undelivered",
        ),
        (
            vec![
                report("delivered", 4, None),
                report("read", 3, None),
                report("sent", 8, None),
                report("read", 5, None),
            ],
            "read",
        ),
    ]
}

/// What must be the same of every message that was told the same story.
fn row(message: &Value) -> Value {
    let mut row = message.clone();
    for its_own in ["id", "body", "timestamp", "created_at", "updated_at", "deliver_by", "text"] {
        row.as_object_mut().unwrap().remove(its_own);
    }
    row
}

async fn tell(server: &Server, reference: &str, reports: Vec<Value>) -> usize {
    let mut repeats = 0;
    for mut report in reports {
        report["reference"] = json!(reference);
        let answer = server.post("/api/webhooks/status", &report).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        repeats += usize::from(answer.body["result"] == "repeated");
    }
    repeats
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_shuffles_of_reports_end_the_same() {
    let mut random = StdRng::seed_from_u64(seed("order"));
    let site = Site::new().await;
    let carrier = Carrier::start(&site, "carrier").await;
    let more = "max_per_second = 5000\nmax_in_flight = 100\n";
    let server = Plan::dev(&site, &carrier.provider("p", &["sms"], more)).start().await;
    let drafts: Vec<_> = (0..SHUFFLES).map(|n| draft("sms", &format!("order {n}"), 1)).collect();
    let answer = server.post("/api/messages/batch", &json!({ "messages": drafts })).await.unwrap();
    assert_eq!(answer.body["accepted"], SHUFFLES, "{}", answer.body);
    server.wait_until(std::time::Duration::from_mins(1), |message| status(message) == "accepted").await;

    let references: BTreeMap<String, String> =
        carrier.ledger().into_iter().map(|line| (line.body, line.reference)).collect();
    assert_eq!(references.len(), SHUFFLES);
    let stories = stories();
    let mut orders = BTreeSet::new();
    let mut told = HashMap::new();
    let mut telling = Vec::new();
    for (n, (body, reference)) in references.iter().enumerate() {
        let story = n % stories.len();
        let mut reports = stories[story].0.clone();
        let again: Vec<_> = reports.sample(&mut random, 2).cloned().collect();
        reports.extend(again);
        reports.shuffle(&mut random);
        orders.insert(format!("{reports:?}"));
        told.insert(body.clone(), story);
        telling.push(tell(&server, reference, reports));
    }
    let repeats: Vec<usize> = stream::iter(telling).buffer_unordered(AT_ONCE).collect().await;
    let repeats: usize = repeats.into_iter().sum();
    assert_eq!(repeats, 2 * SHUFFLES, "every repeat is known as one");

    let mut ends: [Option<Value>; 3] = [None, None, None];
    for message in server.messages().await {
        let story = told[message["body"].as_str().unwrap()];
        assert_eq!(status(&message), stories[story].1, "{message}");
        let end = ends[story].get_or_insert_with(|| row(&message));
        assert_eq!(*end, row(&message));
    }
    println!("{} different orders of {} stories", orders.len(), stories.len());
    fired("shuffle that differs from the others", u64::try_from(orders.len()).unwrap());
}
