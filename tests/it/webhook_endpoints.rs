//! What admins do with endpoints: make, change, try and delete them, rotate secrets, and have them told again.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;

use crate::canary::found_in_database;
use crate::endpoint::{Endpoint, PATH, at, deliveries};
use crate::harness::{Setup, TestApp, hours, text};
use crate::logs;
use crate::receiving::inbound;

#[tokio::test]
async fn both_secrets_are_good_for_a_day_after_a_rotation() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    let rotated = app.post(&format!("{}/rotate", at(&made)), json!({})).await;
    let (old, new) = (text(&made["secret"]), text(&rotated["secret"]));
    assert_ne!(old, new);
    app.post("/api/webhooks/sms", inbound("in-1", "hello")).await;
    app.run_outbox().await;
    app.advance(hours(24));
    app.post("/api/webhooks/sms", inbound("in-2", "hello")).await;
    app.run_outbox().await;
    let told = endpoint.told();
    assert_eq!((told[0].is_signed_with(old), told[0].is_signed_with(new)), (true, true));
    assert_eq!((told[1].is_signed_with(old), told[1].is_signed_with(new)), (false, true));
}

#[tokio::test]
async fn a_secret_and_a_url_stand_in_the_database_only_sealed_and_are_shown_once() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    let secret = text(&made["secret"]);
    let rotated = app.post(&format!("{}/rotate", at(&made)), json!({})).await;
    for path in [PATH.to_owned(), at(&made), "/api/audit".to_owned()] {
        let shown = app.get(&path).await;
        assert!(!shown.text().contains("whsec_"), "{path}: {}", shown.text());
    }
    let hidden = [secret, text(&rotated["secret"])].map(|secret| secret.replace("whsec_", "").to_lowercase());
    let needles: Vec<String> = hidden.into_iter().chain([format!("127.0.0.1:{}", endpoint.port)]).collect();
    assert_eq!(found_in_database(&app, &needles).await, Vec::<String>::new());
    assert!(!found_in_database(&app, &["message.received".to_owned()]).await.is_empty());
}

#[tokio::test]
async fn a_replay_tells_of_the_same_event_once_more() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    app.post("/api/webhooks/sms", inbound("in-1", "first")).await;
    app.run_outbox().await;
    app.advance(hours(1));
    let middle = app.now();
    app.post("/api/webhooks/sms", inbound("in-2", "second")).await;
    app.run_outbox().await;
    let second = deliveries(&app, &made).await.remove(0);
    let replay = format!("{}/deliveries/{}/replay", at(&made), second["id"]);
    assert_eq!(app.post(&replay, json!({})).await.status, 202);
    let again = app.post(&replay, json!({})).await;
    assert_eq!((again.status.as_u16(), text(&again["code"])), (409, "still_waiting"));
    app.run_outbox().await;
    let span = json!({ "from": "2026-03-02T00:00:00Z", "to": middle });
    let replayed = app.post(&format!("{}/replay", at(&made)), span).await;
    assert_eq!((replayed.status.as_u16(), &replayed["replayed"]), (202, &json!(1)));
    app.run_outbox().await;
    let told: Vec<(String, String)> = endpoint
        .told()
        .iter()
        .map(|told| (text(&told.json()["data"]["body"]).to_owned(), told.header("webhook-id").to_owned()))
        .collect();
    let bodies: Vec<&str> = told.iter().map(|(body, _)| body.as_str()).collect();
    assert_eq!(bodies, ["first", "second", "second", "first"]);
    assert_eq!((&told[1].1, &told[0].1), (&told[2].1, &told[3].1));
    assert_eq!(deliveries(&app, &made).await[0]["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(app.post(&format!("{}/deliveries/99/replay", at(&made)), json!({})).await["code"], "no_such_delivery");
    let backwards = app.post(&format!("{}/replay", at(&made)), json!({ "from": middle, "to": middle })).await;
    assert_eq!(backwards.errors(), ["to invalid"]);
}

#[tokio::test]
async fn a_ping_is_told_also_to_an_endpoint_that_wants_something_else() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    let made = endpoint.subscribe(&app, &["consent.changed"]).await;
    assert_eq!(app.post(&format!("{}/test", at(&made)), json!({})).await.status, 202);
    app.run_outbox().await;
    assert_eq!(endpoint.types(), ["ping"]);
    assert_eq!(endpoint.told()[0].json()["data"], json!({ "endpoint_id": made["id"] }));
    app.call(Method::PATCH, &at(&made), Some(json!({ "enabled": false }))).await;
    let refused = app.post(&format!("{}/test", at(&made)), json!({})).await;
    assert_eq!((refused.status.as_u16(), text(&refused["code"])), (409, "endpoint_disabled"));
}

#[tokio::test]
async fn what_an_endpoint_may_not_be_is_named() {
    let app = Setup::serve().start().await;
    let admin = app.key(&[Scope::Admin]).await;
    let post = async |body: Value| app.showing(&admin, Method::POST, PATH, Some(body)).await;
    assert_eq!(post(json!({})).await.errors(), ["url required", "events required"]);
    let good = "https://hooks.example.com/";
    for (body, error) in [
        (json!({ "url": good, "events": [] }), "events invalid"),
        (json!({ "url": good, "events": ["message.accepted", "nothing"] }), "events invalid"),
        (json!({ "url": good, "events": ["ping"] }), "events invalid"),
        (json!({ "url": good, "events": "message.accepted" }), "events invalid"),
        (json!({ "url": good, "events": ["message.accepted"], "enabled": "yes" }), "enabled invalid"),
        (json!({ "url": "http://hooks.example.com/", "events": ["message.accepted"] }), "url invalid"),
        (json!({ "url": "https://u:p@hooks.example.com/", "events": ["message.accepted"] }), "url invalid"),
        (json!({ "url": "https://127.0.0.1/", "events": ["message.accepted"] }), "url private_address"),
        (json!({ "url": format!("{good}{}", "x".repeat(2_048)), "events": ["message.accepted"] }), "url invalid"),
    ] {
        let answer = post(body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.errors()), (400, vec![error.to_owned()]), "{body}");
    }
    let made = post(json!({ "url": good, "events": ["message.accepted", "message.accepted"] })).await;
    assert_eq!((made.status.as_u16(), &made["events"]), (201, &json!(["message.accepted"])));
    let change = app.showing(&admin, Method::PATCH, &at(&made.body), Some(json!({ "url": "https://10.0.0.1/" }))).await;
    assert_eq!(change.errors(), ["url private_address"]);
    for _ in 1..50 {
        assert_eq!(post(json!({ "url": good, "events": ["message.accepted"] })).await.status, 201);
    }
    let answer = post(json!({ "url": good, "events": ["message.accepted"] })).await;
    assert_eq!((answer.status.as_u16(), text(&answer["code"])), (409, "too_many_endpoints"));
}

#[tokio::test]
async fn an_endpoint_that_was_deleted_is_told_nothing_more_and_leaves_nothing() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    endpoint.then("500 Oops\r\n\r\n");
    app.post("/api/webhooks/sms", inbound("in-1", "hello")).await;
    app.run_outbox().await;
    assert_eq!(app.delete(&at(&made)).await.status, 204);
    assert_eq!(app.delete(&at(&made)).await.status, 404);
    app.post("/api/webhooks/sms", inbound("in-2", "hello")).await;
    app.run_for(hours(24)).await;
    assert_eq!(endpoint.told().len(), 1);
    for table in ["outbox", "webhook_deliveries", "webhook_attempts", "webhook_endpoints"] {
        assert_eq!(app.database().number(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
    let acts: Vec<Value> = app.list("/api/audit").await.iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(acts, ["webhook.deleted", "webhook.created"]);
}

#[tokio::test]
async fn it_is_asked_once_how_far_the_log_is_when_an_endpoint_is_made() {
    logs::keep();
    let app = TestApp::start().await;
    let asked = || {
        let is_asked = |sql: &&String| {
            sql.contains("coalesce(max(id), 0) from events") || sql.starts_with("select case when is_called")
        };
        logs::statements().iter().filter(is_asked).count()
    };
    let before = asked();
    let endpoint = Endpoint::start().await;
    endpoint.subscribe(&app, &["message.received"]).await;
    assert_eq!(asked() - before, 1);
}
