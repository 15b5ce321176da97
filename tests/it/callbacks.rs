//! What providers report: by any name, in any order, before or after their answer.

use axum::http::Method;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use switchboard::auth::Scope;

use crate::harness::{TestApp, email, hours, path_of, seconds, text};
use crate::provider::{busy, doubtful, silence};
use crate::visitor::{Visitor, sign_up};

/// The reference of the last attempt.
fn reference(app: &TestApp) -> String {
    app.provider.attempts().last().unwrap().envelope.reference.clone()
}

async fn status_of(app: &TestApp, message: &Value) -> String {
    text(&app.reload(message).await["status"]).to_owned()
}

#[tokio::test]
async fn a_report_is_matched_by_our_reference_or_by_the_providers_name() {
    let app = TestApp::start().await;
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    let by_reference = json!({ "reference": reference(&app), "status": "sent", "timestamp": "2026-03-02T12:00:01Z" });
    let answer = app.report(by_reference.clone()).await;
    assert_eq!((answer.status.as_u16(), text(&answer["result"])), (200, "applied"));
    assert_eq!(status_of(&app, &message).await, "sent");
    let by_name = json!({ "provider_id": "p-1", "status": "DELIVERED", "timestamp": 1_772_452_805 });
    assert_eq!(app.report(by_name).await["result"], "applied");
    let delivered = app.reload(&message).await;
    assert_eq!((text(&delivered["status"]), &delivered["final"]), ("delivered", &json!(true)));
    assert_eq!(app.report(by_reference).await["result"], "repeated");
    let callbacks: Vec<Value> =
        app.timeline(&message).await.into_iter().filter(|entry| entry["kind"] == "callback").collect();
    assert_eq!(callbacks.len(), 2);
    assert_eq!((text(&callbacks[1]["provider_id"]), text(&callbacks[1]["status"])), ("p-1", "delivered"));
}

#[tokio::test]
async fn a_report_that_overtakes_the_answer_is_applied_when_the_answer_comes() {
    let app = TestApp::start().await;
    for (report, status) in [
        (json!({ "provider_id": "p-1", "status": "delivered" }), "delivered"),
        (json!({ "provider_id": "p-2", "status": "Delivered", "timestamp": "1772452805" }), "delivered"),
        (json!({ "provider_id": "p-3", "reference": 7, "status": "sent", "timestamp": 1_772_452_805.5 }), "sent"),
        (json!({ "provider_id": "p-4", "status": "failed", "error": { "code": 30_003 } }), "failed"),
        (json!({ "provider_id": "p-5", "status": "sent", "recipient": "(804) 555-1234", "odd": [] }), "sent"),
    ] {
        let answer = app.report(report.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.errors()),
            (202, vec!["reference unmatched".to_owned()]),
            "{report}"
        );
        assert_eq!(app.list("/api/quarantine").await.len(), 1);
        let message = app.send_sms("hello").await;
        app.run_outbox().await;
        assert_eq!(status_of(&app, &message).await, status, "{report}");
        assert!(app.list("/api/quarantine").await.is_empty(), "{report}");
    }
}

#[tokio::test]
async fn a_report_by_reference_while_the_answer_is_still_out_is_not_undone_by_it() {
    let app = TestApp::start().await;
    let message = app.send_sms("hello").await;
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    app.provider.hold(gate.clone());
    let worker = app.second_worker();
    let sending = tokio::spawn(async move { worker.run_due().await });
    while app.provider.attempts().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(app.report(json!({ "reference": reference(&app), "status": "delivered" })).await.status, 200);
    assert_eq!(status_of(&app, &message).await, "delivered");
    gate.notify_one();
    sending.await.unwrap().unwrap();
    assert_eq!(status_of(&app, &message).await, "delivered");
    assert_eq!(app.attempts(&message).await[0]["outcome"], "accepted");
}

#[tokio::test]
async fn a_report_is_a_fact_and_moves_a_message_out_of_unknown_and_dead() {
    let app = TestApp::start().await;
    app.provider.script([silence()]);
    let unknown = app.send_sms("unknown").await;
    app.run_outbox().await;
    let unknown_reference = reference(&app);
    app.report(json!({ "reference": unknown_reference, "status": "accepted" })).await;
    assert_eq!(status_of(&app, &unknown).await, "accepted");

    app.provider.script([doubtful()]);
    app.provider.always(Some(busy(None)));
    let dead = app.send_sms("dead").await;
    app.run_for(hours(11)).await;
    assert_eq!(status_of(&app, &dead).await, "dead");
    app.report(json!({ "reference": reference(&app), "status": "delivered" })).await;
    assert_eq!(status_of(&app, &dead).await, "delivered");
    assert!(app.list("/api/dead-letters").await.is_empty());
}

#[tokio::test]
async fn a_message_that_was_reported_is_not_tried_again() {
    let app = TestApp::start().await;
    app.provider.script([doubtful()]);
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    app.report(json!({ "reference": reference(&app), "status": "sent" })).await;
    app.run_for(hours(12)).await;
    assert_eq!(app.provider.attempts().len(), 1);
    assert_eq!(status_of(&app, &message).await, "sent");
}

#[tokio::test]
async fn status_moves_forward_only() {
    let app = TestApp::start().await;
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    let reference = reference(&app);
    for (at, reported, shown) in [
        (1, "failed", "failed"),
        (2, "sent", "failed"),
        (3, "delivered", "delivered"),
        (4, "undelivered", "delivered"),
        (5, "read", "read"),
        (6, "delivered", "read"),
        (7, "accepted", "read"),
    ] {
        let report = json!({ "reference": reference, "status": reported, "timestamp": 1_772_452_800 + at });
        assert_eq!(app.report(report).await["result"], "applied");
        assert_eq!(status_of(&app, &message).await, shown, "after {reported}");
    }
    let kept = app.timeline(&message).await.iter().filter(|entry| entry["kind"] == "callback").count();
    assert_eq!(kept, 7, "every report is kept");
}

#[tokio::test]
async fn any_order_of_the_same_reports_with_repeats_ends_the_same() {
    const REPORTS: [(&str, i64, Option<&str>); 7] = [
        ("accepted", 1, None),
        ("sent", 2, None),
        ("sent", 3, Some("again")),
        ("failed", 4, Some("carrier down")),
        ("undelivered", 4, Some("no route")),
        ("bounced", 2, None),
        ("failed", 4, Some("another reason")),
    ];
    let app = TestApp::start().await;
    let seed = rand::random::<u64>();
    println!("shuffles by seed {seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let mut ends = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let message = app.send_sms("hello").await;
        app.run_outbox().await;
        let reference = reference(&app);
        let mut reports: Vec<_> = REPORTS.iter().chain(&REPORTS[..random.random_range(0..REPORTS.len())]).collect();
        reports.shuffle(&mut random);
        for (status, at, reason) in reports {
            let report =
                json!({ "reference": reference, "status": status, "timestamp": 1_772_452_800 + at, "error": reason });
            assert_eq!(app.report(report).await.status, 200);
        }
        let end = app.reload(&message).await;
        ends.insert(format!("{} {} {} {}", end["status"], end["status_reason"], end["final"], end["recipients"]));
    }
    assert_eq!(ends.len(), 1, "{ends:?}");
}

#[tokio::test]
async fn a_mail_to_several_shows_the_least_advanced_of_them() {
    let app = TestApp::start().await;
    let mut draft = email("hello");
    draft["to"] = json!(["a@example.com", "b@example.com"]);
    draft["cc"] = json!(["c@example.com"]);
    let message = app.send(draft).await;
    app.run_outbox().await;
    let reference = reference(&app);
    let report = |recipient: &str, status: &str, at: i64| json!({ "reference": reference, "status": status, "recipient": recipient, "timestamp": 1_772_452_800 + at });
    for (recipient, status, shown) in [
        ("a@example.com", "delivered", "accepted"),
        ("c@EXAMPLE.com", "bounced", "accepted"),
        ("b@example.com", "delivered", "bounced"),
        ("c@example.com", "delivered", "delivered"),
        ("a@example.com", "read", "delivered"),
    ] {
        assert_eq!(app.report(report(recipient, status, 1)).await["result"], "applied");
        assert_eq!(status_of(&app, &message).await, shown, "{recipient} {status}");
    }
    let recipients = app.reload(&message).await["recipients"].clone();
    assert_eq!(
        recipients,
        json!([
            { "address": "a@example.com", "kind": "to", "status": "read" },
            { "address": "b@example.com", "kind": "to", "status": "delivered" },
            { "address": "c@example.com", "kind": "cc", "status": "delivered" },
        ])
    );
    let timeline = app.timeline(&message).await;
    let named = timeline.iter().filter(|entry| entry["recipient"] == "b@example.com").count();
    assert_eq!(named, 1);
}

#[tokio::test]
async fn a_report_of_an_older_sending_does_not_undo_the_new_one() {
    let app = TestApp::start().await;
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    let first = reference(&app);
    app.report(json!({ "reference": first, "status": "failed" })).await;
    app.post(&format!("{}/replay", path_of(&message)), Value::Null).await;
    app.run_outbox().await;
    app.advance(seconds(5));
    app.report(json!({ "reference": first, "status": "undelivered" })).await;
    assert_eq!(status_of(&app, &message).await, "accepted");
    app.report(json!({ "reference": first, "status": "delivered" })).await;
    assert_eq!(status_of(&app, &message).await, "delivered", "it has arrived all the same");
}

#[tokio::test]
async fn a_report_that_says_too_little_is_kept_with_its_fields() {
    let app = TestApp::start().await;
    for (report, errors) in [
        (json!({}), vec!["reference required", "status required"]),
        (json!({ "reference": "x" }), vec!["status required"]),
        (json!({ "reference": "x", "status": "queued" }), vec!["status invalid"]),
        (json!({ "reference": "x", "status": "received" }), vec!["status invalid"]),
        (json!({ "provider_id": "", "status": "sent" }), vec!["provider_id invalid"]),
        (json!({ "reference": "x", "status": "sent", "timestamp": "soon" }), vec!["timestamp invalid"]),
        (json!({ "reference": "x", "status": "sent", "recipient": "?" }), vec!["recipient invalid"]),
    ] {
        let answer = app.report(report.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.errors()),
            (202, errors.into_iter().map(str::to_owned).collect()),
            "{report}"
        );
    }
    assert_eq!(app.list("/api/quarantine").await.len(), 7);
}

#[tokio::test]
async fn another_servers_reference_is_none_of_ours() {
    let app = TestApp::start().await;
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    let ours = reference(&app);
    let (_, rest) = ours.split_once('-').unwrap();
    for other in
        [format!("0000000000-{rest}"), format!("{ours}x"), format!("{ours}-0"), rest.to_owned(), "-1-0".to_owned()]
    {
        let answer = app.report(json!({ "reference": other, "status": "delivered" })).await;
        assert_eq!(answer.status, 202, "{other}");
    }
    assert_eq!(status_of(&app, &message).await, "accepted");
}

#[tokio::test]
async fn a_report_reaches_the_message_of_whichever_workspace() {
    let app = TestApp::start().await;
    let elsewhere = app.workspace("elsewhere").await;
    let key = app.key_of(elsewhere, &[Scope::MessagesSend, Scope::MessagesRead]).await;
    for by_name in [false, true] {
        let draft = Some(json!({ "from": "+12015550100", "to": "+12025550111", "type": "sms", "body": "hello" }));
        let message = app.showing(&key, Method::POST, "/api/messages/sms", draft).await.body;
        app.run_outbox().await;
        let count = app.provider.attempts().len();
        let report = if by_name {
            json!({ "provider_id": format!("p-{count}"), "status": "delivered" })
        } else {
            json!({ "reference": reference(&app), "status": "delivered" })
        };
        assert_eq!(app.report(report).await["result"], "applied", "by name: {by_name}");
        let shown = app.showing(&key, Method::GET, &path_of(&message), None).await;
        assert_eq!(shown["status"], "delivered");
    }
    let visitor = Visitor::default();
    assert_eq!(visitor.post(&app, "/api/users", sign_up("alice", "2025550101")).await.status, 201);
    app.run_outbox().await;
    assert_eq!(app.report(json!({ "reference": reference(&app), "status": "delivered" })).await["result"], "applied");
    assert!(app.list("/api/quarantine").await.is_empty());
}
