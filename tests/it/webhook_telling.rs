//! Customers' endpoints are told of what happens: signed, once each, in spite of failures, and nothing but their own.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::Role;

use crate::chats;
use crate::endpoint::{ALL, Endpoint, PATH, at, deliveries};
use crate::harness::{Setup, TestApp, hours, minutes, seconds, sms, text};
use crate::receiving::inbound;

/// Reports what became of the message that the provider got last.
async fn report(app: &TestApp, status: &str) {
    let reference = app.provider.attempts().last().unwrap().envelope.reference.clone();
    assert_eq!(app.report(json!({ "reference": reference, "status": status })).await.status, 200);
}

async fn eventually(is_so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it never was so");
}

#[tokio::test]
async fn an_endpoint_is_told_signed_of_what_it_wants_and_of_nothing_else() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    let made = endpoint.subscribe(&app, &["message.accepted", "message.delivered"]).await;
    let secret = text(&made["secret"]);
    assert!(secret.starts_with("whsec_"));
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    report(&app, "sent").await;
    report(&app, "delivered").await;
    app.run_outbox().await;
    assert_eq!(endpoint.types(), ["message.accepted", "message.delivered"]);
    let told = &endpoint.told()[1];
    let body = told.json();
    assert_eq!(body["data"], app.reload(&message).await, "the message as the API shows it");
    assert_eq!(body["timestamp"], json!(app.now()));
    assert_eq!((told.path.as_str(), told.header("content-type")), ("/hook", "application/json"));
    assert_eq!(told.header("webhook-timestamp"), app.now().seconds().to_string());
    assert!(told.is_signed_with(secret), "{told:?}");
    assert!(!told.is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    assert_eq!(app.run_outbox().await, 0, "nothing is told twice");
}

#[tokio::test]
async fn a_change_of_consent_is_told_with_its_address() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.subscribe(&app, &["consent.changed"]).await;
    let change = json!({ "address": "+18045551234", "state": "opted_out", "note": "by telephone" });
    for _ in 0..2 {
        assert_eq!(app.put("/api/consents", change.clone()).await.status, 200);
    }
    app.run_outbox().await;
    assert_eq!(endpoint.types(), ["consent.changed"], "said once more it changes nothing");
    let data = endpoint.told()[0].json()["data"].clone();
    assert_eq!(data, app.list("/api/consents").await[0]);
    assert_eq!((text(&data["address"]), text(&data["state"])), ("+18045551234", "opted_out"));
}

#[tokio::test]
async fn each_event_has_its_type_and_shows_the_message_or_the_conversation() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.subscribe(&app, ALL).await;
    app.send_sms("one").await;
    app.run_outbox().await;
    report(&app, "sent").await;
    report(&app, "undelivered").await;
    assert_eq!(app.post("/api/webhooks/sms", inbound("in-1", "hello")).await.status, 200);
    let label = app.post("/api/labels", json!({ "name": "urgent" })).await;
    assert_eq!(app.put(&format!("/api/conversations/1/labels/{}", label["id"]), json!({})).await.status, 204);
    app.provider.script([crate::provider::silence()]);
    app.send_sms("two").await;
    app.run_outbox().await;
    let mut types = endpoint.types();
    types.sort();
    let expected = [
        "conversation.created",
        "conversation.updated",
        "message.accepted",
        "message.accepted",
        "message.failed",
        "message.received",
        "message.sent",
        "message.unknown",
    ];
    assert_eq!(types, expected);
    let updated = endpoint.told().into_iter().find(|told| told.json()["type"] == "conversation.updated").unwrap();
    assert_eq!(updated.json()["data"]["labels"][0]["name"], "urgent");
    assert_eq!(updated.json()["data"]["id"], 1);
    app.leave_work();
}

#[tokio::test]
async fn what_people_say_to_each_other_is_told_to_no_endpoint() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.subscribe(&app, ALL).await;
    let people = chats::people(&app).await;
    chats::say(&app, &people[0], &people[1], "between us").await;
    app.run_outbox().await;
    assert_eq!(endpoint.connections(), 0);
    assert!(app.database().number("select max(position) from webhook_endpoints").await > 0, "the log was read");
}

#[tokio::test]
async fn another_workspaces_events_are_not_told() {
    let app = Setup::serve()
        .with("SWITCHBOARD_WEBHOOKS__ALLOW_PRIVATE", "127.0.0.0/8")
        .with("SWITCHBOARD_WEBHOOKS__ALLOW_HTTP", "true")
        .start()
        .await;
    let other = app.workspace("other").await;
    let (own, theirs) = (app.key(&[Scope::Admin]).await, app.key_of(other, &[Scope::Admin]).await);
    let endpoint = Endpoint::start().await;
    let wish = json!({ "url": endpoint.url(), "events": ALL });
    let made = app.showing(&theirs, Method::POST, PATH, Some(wish)).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!(app.showing(&own, Method::GET, &at(&made.body), None).await.status, 404);
    assert_eq!(app.showing(&own, Method::POST, "/api/messages/sms", Some(sms("ours"))).await.status, 201);
    app.run_outbox().await;
    assert_eq!(endpoint.connections(), 0);
    assert_eq!(app.showing(&theirs, Method::POST, "/api/messages/sms", Some(sms("theirs"))).await.status, 201);
    app.run_outbox().await;
    assert_eq!(endpoint.types(), ["conversation.created", "message.accepted"]);
    assert_eq!(endpoint.told()[1].json()["data"]["body"], "theirs");
}

#[tokio::test]
async fn an_endpoint_that_fails_is_tried_ten_times_by_the_schedule_under_one_id() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.always("500 Oops\r\ncontent-length: 12\r\n\r\nout of order");
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    let begun = app.now();
    assert_eq!(app.post("/api/webhooks/sms", inbound("in-1", "hello")).await.status, 200);
    app.run_for(hours(24 * 4)).await;
    let delivery = deliveries(&app, &made).await.remove(0);
    assert_eq!((text(&delivery["state"]), delivery.get("next_attempt_at")), ("failed", None));
    let attempts = delivery["attempts"].as_array().unwrap();
    let mut before = begun;
    for (attempt, wait) in attempts.iter().zip([0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]) {
        let started = text(&attempt["at"]).parse().unwrap();
        let waited = begun.max(started).since(before);
        assert!(waited >= seconds(wait) && waited <= seconds(wait).mul_f64(1.2), "{waited:?} for {wait} s");
        assert_eq!((text(&attempt["outcome"]), &attempt["status_code"]), ("failed", &json!(500)));
        assert_eq!(attempt["answer"], "out of order");
        before = started;
    }
    let told = endpoint.told();
    assert_eq!((attempts.len(), told.len()), (10, 10));
    let id = text(&delivery["webhook_id"]);
    assert!(told.iter().all(|told| told.header("webhook-id") == id && told.is_signed_with(text(&made["secret"]))));
    assert_eq!(app.get(&at(&made)).await["enabled"], true, "four days are not five");
}

#[tokio::test]
async fn five_days_of_failure_disable_an_endpoint_and_tell_the_admins() {
    let app = TestApp::start().await;
    let (admin, _) = (app.person("boss", Role::Admin).await, app.person("clerk", Role::Agent).await);
    let endpoint = Endpoint::start().await;
    endpoint.always("503 Away\r\n\r\n");
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    app.post("/api/webhooks/sms", inbound("in-1", "hello")).await;
    app.run_for(hours(24 * 3)).await;
    app.post("/api/webhooks/sms", inbound("in-2", "hello")).await;
    app.run_for(hours(24)).await;
    assert_eq!(app.get(&at(&made)).await["enabled"], true);
    app.run_for(hours(48)).await;
    let shown = app.get(&at(&made)).await;
    assert_eq!((&shown["enabled"], text(&shown["disabled_reason"])), (&json!(false), "failing"));
    let letters: Vec<_> = app.provider.attempts().into_iter().map(|attempt| attempt.envelope).collect();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].to[0].as_str(), format!("{}@people.example", admin.username));
    assert!(letters[0].body.contains("five days"), "{}", letters[0].body);
    let states: Vec<Value> = deliveries(&app, &made).await.iter().map(|row| row["state"].clone()).collect();
    assert_eq!(states, ["failed", "failed"], "nothing waits for an endpoint that is disabled");
    let told = endpoint.told().len();
    app.post("/api/webhooks/sms", inbound("in-3", "hello")).await;
    app.run_for(hours(24)).await;
    assert_eq!(endpoint.told().len(), told);
    let audit = app.list("/api/audit?action=webhook.disabled").await;
    assert_eq!(
        (text(&audit[0]["actor"]), text(&audit[0]["target"])),
        ("system", format!("webhook:{}", made["id"]).as_str())
    );
}

#[tokio::test]
async fn a_success_ends_the_counting_of_failures() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.then("500 Oops\r\n\r\n");
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    app.post("/api/webhooks/sms", inbound("in-1", "hello")).await;
    app.run_outbox().await;
    assert_eq!(app.get(&at(&made)).await["failing_since"], json!(app.now()));
    app.run_for(minutes(1)).await;
    assert_eq!(app.get(&at(&made)).await.body.get("failing_since"), None);
    assert_eq!(deliveries(&app, &made).await[0]["state"], "succeeded");
}

#[tokio::test]
async fn a_410_disables_the_endpoint_at_once() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.always("410 Gone\r\n\r\n");
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    app.post("/api/webhooks/sms", inbound("in-1", "hello")).await;
    app.post("/api/webhooks/sms", inbound("in-2", "hello")).await;
    app.run_for(hours(24)).await;
    let shown = app.get(&at(&made)).await;
    assert_eq!((&shown["enabled"], text(&shown["disabled_reason"])), (&json!(false), "gone"));
    assert!(endpoint.told().len() <= 2);
    assert_eq!(app.call(Method::PATCH, &at(&made), Some(json!({ "enabled": true }))).await["enabled"], true);
    endpoint.always("200 OK\r\n\r\n");
    app.post("/api/webhooks/sms", inbound("in-3", "hello")).await;
    app.run_outbox().await;
    assert_eq!(endpoint.told().last().unwrap().json()["data"]["body"], "hello");
    assert_eq!(app.get(&at(&made)).await.body.get("disabled_reason"), None);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let app = TestApp::start().await;
    let (endpoint, other) = (Endpoint::start().await, Endpoint::start().await);
    for status in [301, 302, 303, 307, 308] {
        endpoint.then(&format!("{status} There\r\nlocation: {}\r\n\r\n", other.url()));
    }
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    app.post("/api/webhooks/sms", inbound("in-1", "hello")).await;
    app.run_for(hours(5)).await;
    let attempts = deliveries(&app, &made).await[0]["attempts"].clone();
    let codes: Vec<&Value> = attempts.as_array().unwrap().iter().map(|attempt| &attempt["status_code"]).collect();
    assert_eq!(codes, [&json!(301), &json!(302), &json!(303), &json!(307), &json!(308)]);
    assert_eq!(other.connections(), 0);
    app.run_for(hours(24)).await;
    assert_eq!(deliveries(&app, &made).await[0]["state"], "succeeded");
}

#[tokio::test]
async fn an_endpoint_that_asks_for_time_gets_it() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.then("429 Slow\r\nretry-after: 3600\r\n\r\n");
    endpoint.subscribe(&app, &["message.received"]).await;
    app.post("/api/webhooks/sms", inbound("in-1", "hello")).await;
    app.run_for(seconds(3_599)).await;
    assert_eq!(endpoint.told().len(), 1);
    app.run_for(seconds(1)).await;
    assert_eq!(endpoint.told().len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_hangs_holds_up_neither_messages_nor_other_endpoints() {
    let app = std::sync::Arc::new(Setup::default().with("SWITCHBOARD_WEBHOOKS__TIMEOUT_MS", "60000").start().await);
    let (hanging, good) = (Endpoint::start().await, Endpoint::start().await);
    hanging.hang();
    hanging.subscribe(&app, &["message.accepted"]).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn({
        let (app, stop) = (app.clone(), stop.clone());
        async move { app.outbox.run(stop).await }
    });
    for n in 0..50 {
        app.send_sms(&format!("number {n}")).await;
    }
    eventually(|| hanging.connections() > 0).await;
    good.subscribe(&app, &["message.accepted"]).await;
    let begun = std::time::Instant::now();
    app.send_sms("the last").await;
    eventually(|| good.told().len() == 1 && app.provider.attempts().len() == 51).await;
    assert!(begun.elapsed() < seconds(10), "{:?}", begun.elapsed());
    assert!(hanging.connections() <= 16, "{}", hanging.connections());
    app.leave_work();
    stop.cancel();
    running.abort();
}

#[tokio::test]
async fn an_answer_that_never_ends_is_bounded_and_counts_by_its_status() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.then(&format!("200 OK\r\ncontent-length: 90000000\r\n\r\n{}", "x".repeat(3_000_000)));
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    app.post("/api/webhooks/sms", inbound("in-1", "hello")).await;
    app.run_outbox().await;
    let delivery = deliveries(&app, &made).await.remove(0);
    assert_eq!((text(&delivery["state"]), text(&delivery["attempts"][0]["answer"]).len()), ("succeeded", 200));
}

#[tokio::test]
async fn what_is_told_of_a_message_stands_on_its_timeline() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.then("500 Oops\r\n\r\n");
    let made = endpoint.subscribe(&app, &["message.accepted"]).await;
    let message = app.send_sms("hello").await;
    app.run_for(minutes(1)).await;
    let mut told = app.timeline(&message).await;
    told.retain(|entry| entry["kind"] == "webhook");
    let shown: Vec<_> =
        told.iter().map(|entry| (&entry["endpoint_id"], text(&entry["outcome"]), &entry["status_code"])).collect();
    assert_eq!(shown, [(&made["id"], "failed", &json!(500)), (&made["id"], "succeeded", &json!(204))]);
    app.leave_work();
}

#[tokio::test]
async fn two_servers_make_one_delivery_of_an_event() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.subscribe(&app, &["message.accepted"]).await;
    let other = app.second_worker();
    for round in 0..20 {
        app.send_sms(&format!("number {round}")).await;
        let (one, two) = tokio::join!(app.outbox.run_due(), other.run_due());
        one.unwrap();
        two.unwrap();
    }
    app.run_outbox().await;
    let mut ids: Vec<String> = endpoint.told().iter().map(|told| told.header("webhook-id").to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), endpoint.told().len()), (20, 20));
}

#[tokio::test]
async fn a_delivery_whose_server_is_gone_is_tried_again_under_its_id() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    app.post("/api/webhooks/sms", inbound("in-1", "hello")).await;
    endpoint.hang();
    let worker = app.second_worker();
    let lost = tokio::spawn(async move { worker.run_due().await });
    eventually(|| endpoint.told().len() == 1).await;
    lost.abort();
    endpoint.always("200 OK\r\n\r\n");
    app.run_outbox().await;
    assert_eq!(endpoint.told().len(), 1, "the lease still holds");
    app.advance(seconds(31));
    app.run_for(seconds(10)).await;
    let told = endpoint.told();
    assert_eq!((told.len(), told[0].header("webhook-id")), (2, told[1].header("webhook-id")));
    let outcomes = deliveries(&app, &made).await[0]["attempts"].clone();
    assert_eq!((text(&outcomes[0]["outcome"]), text(&outcomes[1]["outcome"])), ("unknown", "succeeded"));
}

#[tokio::test]
async fn an_event_is_kept_in_the_log_until_every_endpoint_has_read_it() {
    let app = TestApp::start().await;
    let endpoint = Endpoint::start().await;
    endpoint.subscribe(&app, &["message.received"]).await;
    app.post("/api/webhooks/sms", inbound("in-1", "hello")).await;
    app.index().await;
    app.advance(hours(24 * 31));
    while app.outbox.clean().await.unwrap() {}
    app.run_outbox().await;
    assert_eq!(endpoint.types(), ["message.received"]);
    while app.outbox.clean().await.unwrap() {}
    assert_eq!(app.database().number("select count(*) from events").await, 0);
    assert_eq!(app.database().number("select count(*) from webhook_deliveries").await, 1);
    app.advance(hours(24 * 30));
    while app.outbox.clean().await.unwrap() {}
    assert_eq!(app.database().number("select count(*) from webhook_deliveries").await, 0);
    assert_eq!(app.database().number("select count(*) from webhook_attempts").await, 0);
}
