//! The server ends at a named point of telling an endpoint: afterwards the endpoint knows of every event, and of each
//! under one id.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use serde_json::json;

use super::judge::{draft, fired, seed};
use crate::endpoint::Endpoint;
use crate::harness::text;
use crate::process::{Plan, Site};

const MESSAGES: usize = 40;

#[tokio::test]
async fn an_event_is_told_though_the_server_ends_at_any_point_of_telling_it() {
    seed("webhooks");
    let points = [
        "before_deliveries",
        "after_deliveries",
        "before_webhook_attempt_row",
        "after_webhook_attempt_row",
        "after_webhook_reply",
    ];
    let mut crashes = 0;
    for point in points {
        let site = Site::new().await;
        let endpoint = Endpoint::start().await;
        let plan = Plan::dev(&site, "");
        let wish = json!({ "url": endpoint.url(), "events": ["message.accepted"] });
        let mut server = plan.with("SWITCHBOARD_FAULT", point).start().await;
        assert_eq!(server.post("/api/webhook-endpoints", &wish).await.unwrap().status, 201);
        let drafts: Vec<_> = (0..MESSAGES).map(|n| draft("sms", &n.to_string(), n as u64)).collect();
        let answer = server.post("/api/messages/batch", &json!({ "messages": drafts })).await.unwrap();
        assert_eq!(answer.body["accepted"], MESSAGES, "{}", answer.body);
        let ended = server.process.wait(Duration::from_secs(20)).await;
        assert_eq!(ended.signal(), Some(6), "it aborts at {point}, but ended with {ended}");
        crashes += 1;

        let _server = plan.start().await;
        let ids = || {
            let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for told in endpoint.told() {
                let body = text(&told.json()["data"]["body"]).to_owned();
                ids.entry(body).or_default().insert(told.header("webhook-id").to_owned());
            }
            ids
        };
        for _ in 0..600 {
            if ids().len() == MESSAGES {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(ids().len(), MESSAGES, "{point}: an event was never told");
        assert!(ids().values().all(|ids| ids.len() == 1), "{point}: {:#?}", ids());
        if !point.ends_with("reply") {
            assert_eq!(endpoint.told().len(), MESSAGES, "{point}: what no attempt was made of is told once");
        }
    }
    fired("crashes", crashes);
}
