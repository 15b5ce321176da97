//! What is kept for a while only goes when its time is over, in bounded sets, and nothing else goes with it.

use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::Role;

use crate::harness::{Setup, TestApp, hours, seconds, sms};
use crate::receiving::inbound;
use crate::visitor::{Visitor, sign_up};

const DAY: u64 = 24;

async fn count(app: &TestApp, table: &str) -> i64 {
    app.database().number(&format!("select count(*) from {table}")).await
}

/// Cleans until nothing more is found.
async fn clean(app: &TestApp) {
    while app.outbox.clean().await.unwrap() {}
}

/// One of everything that is kept for a while.
async fn leave_traces(app: &TestApp, name: &str) {
    let answer = app.post_with("/api/messages/sms", &[("idempotency-key", name)], sms(name).to_string()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(app.post("/api/webhooks/sms", inbound(name, "in")).await.status, 200);
    assert_eq!(app.post("/api/webhooks/sms", json!({ "from": name })).await.status, 202);
    app.run_outbox().await;
    app.index().await;
}

#[tokio::test]
async fn each_thing_goes_when_its_own_time_is_over() {
    let app = Setup::default().with("SWITCHBOARD_SENDER_LIMIT_PER_MINUTE", "5").start().await;
    leave_traces(&app, "first").await;
    let tables = ["events", "quarantine", "inbound_events", "idempotency_keys", "sender_usage"];
    let mut kept = Vec::new();
    for table in tables {
        kept.push(count(&app, table).await);
    }
    assert_eq!(kept, [5, 1, 1, 1, 1]);
    for (span, expected) in [
        (seconds(119), [5, 1, 1, 1, 1]),
        (seconds(1), [5, 1, 1, 1, 0]),
        (seconds(DAY * 3_600 - 121), [5, 1, 1, 1, 0]),
        (seconds(1), [5, 1, 1, 0, 0]),
        (seconds(29 * DAY * 3_600 - 1), [5, 1, 1, 0, 0]),
        (seconds(1), [0, 0, 1, 0, 0]),
        (seconds(370 * DAY * 3_600 - 1), [0, 0, 1, 0, 0]),
        (seconds(1), [0, 0, 0, 0, 0]),
    ] {
        app.advance(span);
        clean(&app).await;
        for (table, expected) in tables.into_iter().zip(expected) {
            assert_eq!(count(&app, table).await, expected, "{table} at {}", app.now());
        }
    }
    let messages = app.list("/api/conversations/1/messages").await;
    let (received, sent) = (&messages[0], &messages[1]);
    let kinds: Vec<Value> = app.timeline(sent).await.iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, ["accepted", "attempt", "status"], "what happened to a message stays");
    assert_eq!(app.list("/api/conversations?q=first").await.len(), 1, "and is found");
    let again = app.post("/api/webhooks/sms", inbound("first", "in")).await;
    assert_ne!(again["id"], received["id"], "a repeat after that is new");
}

#[tokio::test]
async fn what_nobody_did_is_kept_for_ninety_days_and_what_somebody_did_for_good() {
    let app = TestApp::start().await;
    app.person("bugs", Role::Admin).await;
    app.key(&[Scope::Admin]).await;
    for login in ["bugs", "nobody-here"] {
        let body = json!({ "login": login, "password": "not the right one" });
        assert_eq!(app.post("/api/auth/login", body).await.status, 401);
    }
    let both = (count(&app, "audit_log where actor = 'anonymous'").await, count(&app, "audit_log").await);
    assert_eq!(both, (2, 3));
    app.advance(seconds(90 * DAY * 3_600 - 1));
    clean(&app).await;
    assert_eq!(count(&app, "audit_log").await, 3);
    app.advance(seconds(1));
    clean(&app).await;
    assert_eq!(count(&app, "audit_log").await, 1);
}

#[tokio::test]
async fn nought_days_are_for_ever() {
    let never = ["SWITCHBOARD_EVENTS_DAYS", "SWITCHBOARD_QUARANTINE_DAYS", "SWITCHBOARD_INBOUND_EVENTS_DAYS"];
    let setup = never.into_iter().fold(Setup::default(), |setup, key| setup.with(key, "0"));
    let app = setup.start().await;
    leave_traces(&app, "first").await;
    app.advance(hours(3_650 * DAY));
    clean(&app).await;
    for (table, expected) in [("events", 5), ("quarantine", 1), ("inbound_events", 1), ("idempotency_keys", 0)] {
        assert_eq!(count(&app, table).await, expected, "{table}");
    }
}

#[tokio::test]
async fn an_event_that_search_has_not_taken_stays_however_old_it_is() {
    let app = TestApp::start().await;
    app.send_sms("taken").await;
    app.index().await;
    app.send_sms("overlooked").await;
    app.advance(hours(31 * DAY));
    clean(&app).await;
    let left = app.store().read().await.unwrap().list_events(switchboard::domain::EventId(0), 10).await.unwrap();
    assert_eq!(left.iter().map(|event| event.message_id.map(|id| id.0)).collect::<Vec<_>>(), [Some(2)]);
    app.index().await;
    clean(&app).await;
    assert_eq!(count(&app, "events").await, 0);
    app.send_sms("newest").await;
    app.index().await;
    for word in ["taken", "overlooked", "newest"] {
        assert_eq!(app.list(&format!("/api/conversations?q={word}")).await.len(), 1, "{word}");
    }
    app.leave_work();
}

#[tokio::test]
async fn many_old_rows_go_in_bounded_sets() {
    let app = TestApp::start().await;
    let drafts: Vec<_> = (0..2_500).map(|n| sms(&n.to_string())).collect();
    assert_eq!(app.post("/api/messages/batch", json!({ "messages": drafts })).await.status, 200);
    app.index().await;
    app.advance(hours(31 * DAY));
    let before = count(&app, "events").await;
    assert_eq!(before, 2_501);
    let mut tx = app.store().begin().await.unwrap();
    assert!(tx.forget_old(&app.messaging.rules.retention, app.now()).await.unwrap(), "there is more");
    tx.commit().await.unwrap();
    assert_eq!(count(&app, "events").await, before - 1_000);
    assert!(!app.outbox.clean().await.unwrap());
    assert_eq!(count(&app, "events").await, 0);
    app.leave_work();
}

#[tokio::test]
async fn what_the_server_itself_sent_goes_after_thirty_days_with_the_addresses_of_who_never_came() {
    let app = TestApp::start().await;
    Visitor::new(&app, "alice", "2025550101").await;
    let lost = Visitor::default();
    assert_eq!(lost.post(&app, "/api/users", sign_up("mallory", "2025550102")).await.status, 201);
    app.send_sms("a message of the workspace").await;
    app.run_outbox().await;
    let own = ["messages", "recipients", "attempts", "message_events", "conversations", "participants"];
    for table in own {
        assert_ne!(count(&app, &format!("{table} where workspace_id = 0")).await, 0, "{table}");
    }
    app.advance(hours(DAY) + seconds(1));
    clean(&app).await;
    assert_eq!(count(&app, "users").await, 1);
    let addresses = count(&app, "addresses where workspace_id = 0").await;
    app.advance(seconds(29 * DAY * 3_600 - 2));
    clean(&app).await;
    assert_eq!(count(&app, "addresses where workspace_id = 0").await, addresses);
    app.advance(seconds(1));
    clean(&app).await;
    for table in own {
        assert_eq!(count(&app, &format!("{table} where workspace_id = 0")).await, 0, "{table}");
    }
    assert_eq!(count(&app, "addresses where workspace_id = 0").await, 2, "the email and the mobile of alice");
    assert_eq!(app.list("/api/conversations").await.len(), 1, "and what the workspace sent stays");
    let again = Visitor::default();
    assert_eq!(again.login(&app, "alice").await.status, 200);
    again.enter_code(&app).await;
    assert!(again.is_signed_in(&app).await);
    app.run_outbox().await;
}
