//! `Idempotency-Key`: one key is one request, for a day, for one caller.

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use switchboard::auth::{Scope, create_key};
use switchboard::domain::{Caller, WorkspaceId};

use crate::harness::{Answer, Setup, TestApp, email, hours, seconds, sms};

const SMS: &str = "/api/messages/sms";
const BATCH: &str = "/api/messages/batch";
const TEXT: &str = "/api/send-sms";

fn text(uuid: &str, body: &str) -> Value {
    json!({ "senderPhone": "1234567890", "receiverPhone": "0987654321", "messageText": body,
            "timestamp": 1_700_000_000, "uuid": uuid })
}

async fn post(app: &TestApp, path: &str, key: &str, body: &Value) -> Answer {
    app.post_with(path, &[("idempotency-key", key)], body.to_string()).await
}

#[tokio::test]
async fn a_repeat_gets_the_same_answer_byte_for_byte_whatever_has_happened_since() {
    let app = TestApp::start().await;
    app.send_sms("before").await;
    for (path, body, status) in [
        (SMS, sms("one"), 201),
        ("/api/messages/email", email("two"), 201),
        ("/api/messages/batch", json!({ "messages": [sms("three"), {}, sms("four")] }), 200),
        ("/api/conversations/1/messages", json!({ "body": "five" }), 201),
        ("/send-message", json!({ "recipient_phone": "2015550109", "message_body": "six" }), 201),
        (TEXT, text("u-1", "seven"), 200),
    ] {
        let first = post(&app, path, "key-of-mine", &body).await;
        assert_eq!(first.status, status, "{path}: {:?}", first.body);
        app.advance(seconds(3_600));
        app.run_outbox().await;
        let count = app.count_messages().await;
        let again = post(&app, path, "key-of-mine", &body).await;
        assert_eq!((again.status, &again.bytes), (first.status, &first.bytes), "{path}");
        assert_eq!(app.count_messages().await, count, "{path}");
        app.advance(hours(24));
    }
}

#[tokio::test]
async fn another_body_or_path_under_the_same_key_is_422() {
    let app = TestApp::start().await;
    post(&app, SMS, "k", &sms("one")).await;
    let other = post(&app, SMS, "k", &sms("two")).await;
    assert_eq!((other.status.as_u16(), other["code"].as_str()), (422, Some("idempotency_key_reused")));
    assert_eq!(other.errors(), ["header:Idempotency-Key reused"]);
    assert_eq!(post(&app, "/api/conversations/1/messages", "k", &json!({ "body": "one" })).await.status, 422);
    assert_eq!(app.count_messages().await, 1);
    app.run_outbox().await;
}

#[tokio::test]
async fn quoted_and_bare_are_the_same_key() {
    let app = TestApp::start().await;
    let first = post(&app, SMS, "abc-1", &sms("one")).await;
    let again = post(&app, SMS, "\"abc-1\"", &sms("one")).await;
    assert_eq!((first.bytes, app.count_messages().await), (again.bytes, 1));
    app.run_outbox().await;
}

#[tokio::test]
async fn a_key_is_its_callers_own() {
    let app = Setup::serve().start().await;
    let mut tokens = Vec::new();
    for name in ["a", "b"] {
        let scopes: &[Scope] = &[Scope::MessagesSend];
        let made =
            create_key(app.store(), &app.clock, Caller::operator(WorkspaceId::DEFAULT), (name, scopes, None)).await;
        tokens.push(format!("Bearer {}", made.unwrap().1));
    }
    let mut ids = Vec::new();
    for token in [&tokens[0], &tokens[1], &tokens[0]] {
        let headers = [("idempotency-key", "shared"), ("authorization", token.as_str())];
        let answer = app.post_with(SMS, &headers, sms("one").to_string()).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        ids.push(answer["id"].as_i64().unwrap());
    }
    assert_eq!(ids, [1, 2, 1]);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_key_is_free_again_after_24_hours_and_not_before() {
    let app = TestApp::start().await;
    post(&app, SMS, "k", &sms("one")).await;
    app.advance(seconds(24 * 3_600 - 1));
    assert_eq!(post(&app, SMS, "k", &sms("two")).await.status, 422);
    app.advance(seconds(1));
    assert_eq!(post(&app, SMS, "k", &sms("two")).await.status, 201);
    assert_eq!(app.count_messages().await, 2);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_refused_request_frees_its_key() {
    let app = Setup::default().with("SWITCHBOARD_SENDER_LIMIT_PER_MINUTE", "1").start().await;
    assert_eq!(post(&app, SMS, "k", &sms("")).await.status, 400);
    let draft = json!({ "from": "1", "to": "2", "type": "sms", "body": "x" });
    assert_eq!(post(&app, SMS, "k", &draft).await.status, 400);
    let mut late = sms("late");
    late["deliver_by"] = json!("2020-01-01T00:00:00Z");
    assert_eq!(post(&app, SMS, "k", &late).await.status, 400);
    assert_eq!(post(&app, SMS, "other", &sms("one")).await.status, 201);
    assert_eq!(post(&app, SMS, "k", &sms("two")).await.status, 429);
    app.advance(seconds(60));
    assert_eq!(post(&app, SMS, "k", &sms("three")).await.status, 201);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_batch_keeps_its_answer_however_few_drafts_it_holds_and_whatever_became_of_them() {
    let app = Setup::default().with("SWITCHBOARD_SENDER_LIMIT_PER_MINUTE", "1").start().await;
    for (key, draft) in [("refused", json!({})), ("accepted", sms("one")), ("limited", sms("two"))] {
        let batch = json!({ "messages": [draft] });
        let first = post(&app, BATCH, key, &batch).await;
        assert_eq!((first.status.as_u16(), &first["accepted"]), (200, &json!(i32::from(key == "accepted"))), "{key}");
        app.advance(seconds(60));
        assert_eq!(post(&app, BATCH, key, &batch).await.bytes, first.bytes, "{key}");
        let other = post(&app, BATCH, key, &json!({ "messages": [sms("another")] })).await;
        assert_eq!(other.status, 422, "{key}");
        if key == "accepted" {
            post(&app, SMS, "between", &sms("one more of this minute")).await;
        }
    }
    assert_eq!(app.count_messages().await, 2);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_key_and_a_uuid_stand_for_a_text_side_by_side() {
    let app = TestApp::start().await;
    assert_eq!(post(&app, TEXT, "k", &text("u-1", "one")).await.status, 200);
    let other = post(&app, TEXT, "k", &text("u-2", "two")).await;
    assert_eq!((other.status.as_u16(), other["code"].as_str()), (422, Some("idempotency_key_reused")));
    let reused = post(&app, TEXT, "l", &text("u-1", "two")).await;
    assert_eq!((reused.status.as_u16(), reused["code"].as_str()), (409, Some("uuid_reused")));
    assert_eq!(post(&app, TEXT, "l", &text("u-1", "one")).await.status, 200, "a refusal has freed the key");
    assert_eq!(post(&app, TEXT, "l", &text("u-2", "two")).await.status, 422, "a repeat by uuid keeps its key");
    assert_eq!(app.count_messages().await, 1);
    let answers = join_all((0..40).map(|n| {
        let (app, key) = (&app, format!("m-{}", n % 4));
        async move { post(app, TEXT, &key, &text("u-3", "three")).await.status.as_u16() }
    }));
    let answers = answers.await;
    assert!(answers.iter().all(|status| matches!(status, 200 | 409)) && answers.contains(&200), "{answers:?}");
    assert_eq!(app.count_messages().await, 2);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_hundred_at_once_under_one_key_make_one_message() {
    let app = TestApp::start().await;
    let draft = sms("one");
    let answers = join_all((0..100).map(|_| post(&app, SMS, "k", &draft))).await;
    let mut busy = 0;
    for answer in &answers {
        match answer.status.as_u16() {
            201 => assert_eq!(answer.bytes, answers[0].bytes),
            409 => {
                assert_eq!(
                    (answer["code"].as_str(), answer.header("retry-after")),
                    (Some("idempotency_key_in_use"), "1")
                );
                busy += 1;
            }
            other => panic!("{other}: {:?}", answer.body),
        }
    }
    println!("{busy} were told to wait");
    assert_eq!(app.count_messages().await, 1);
    assert_eq!(post(&app, SMS, "k", &sms("one")).await.bytes, answers[0].bytes);
    app.run_outbox().await;
}

#[tokio::test]
async fn what_is_no_key_is_refused_and_names_the_header() {
    let app = TestApp::start().await;
    let long = "x".repeat(256);
    for key in ["", " ", "a b", "\"open", "\"\"", "\"a\" \"b\"", "caf\u{e9}", long.as_str()] {
        let answer = post(&app, SMS, key, &sms("x")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.errors()),
            (400, vec!["header:Idempotency-Key invalid".to_owned()]),
            "{key}"
        );
    }
    assert_eq!(app.count_messages().await, 0);
}

/// Any key of visible ASCII characters, and what is sent under it.
fn requests() -> impl Strategy<Value = Vec<(String, bool, u8)>> {
    let key = prop_oneof![Just("k".to_owned()), Just("K".to_owned()), "[!#-~][!-~]{0,30}"];
    proptest::collection::vec((key, any::<bool>(), 0..2u8), 1..8)
}

#[test]
fn whatever_keys_come_each_stands_for_its_first_request() {
    let mut runner = TestRunner::new(Config { cases: 8, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&requests(), |requests| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let app = TestApp::start().await;
            let mut known: std::collections::HashMap<String, (u8, Answer)> = std::collections::HashMap::new();
            for (key, is_quoted, body) in requests {
                let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
                let sent = if is_quoted { &quoted } else { &key };
                let answer = post(&app, SMS, sent, &sms(&body.to_string())).await;
                match known.get(&key) {
                    None => {
                        prop_assert_eq!(answer.status.as_u16(), 201, "{}", sent);
                        known.insert(key, (body, answer));
                    }
                    Some((first, kept)) if *first == body => prop_assert_eq!(&answer.bytes, &kept.bytes),
                    Some(_) => prop_assert_eq!(answer.status.as_u16(), 422),
                }
            }
            prop_assert_eq!(app.count_messages().await, i64::try_from(known.len()).unwrap());
            app.run_outbox().await;
            Ok(())
        })
    });
    assert!(outcome.is_ok(), "{outcome:?}");
}
