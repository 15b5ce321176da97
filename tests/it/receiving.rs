//! Webhooks that bring messages: nothing is refused for a cosmetic reason, and nothing is lost.

use axum::http::Request;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, seconds, text};

const SMS: &str = "/api/webhooks/sms";
const EMAIL: &str = "/api/webhooks/email";

pub fn inbound(id: &str, body: &str) -> Value {
    json!({ "from": "+18045551234", "to": "+12016661234", "type": "sms", "body": body, "messaging_provider_id": id,
            "attachments": null, "timestamp": "2024-11-01T14:00:00Z" })
}

fn with(field: &str, value: Value) -> Value {
    let mut body = inbound("m-1", "hello");
    body[field] = value;
    body
}

fn without(field: &str) -> Value {
    let mut body = inbound("m-1", "hello");
    body.as_object_mut().unwrap().remove(field);
    body
}

async fn quarantine(app: &TestApp) -> Vec<Value> {
    app.list("/api/quarantine").await
}

#[tokio::test]
async fn fifty_identical_webhooks_at_once_make_one_message() {
    let app = TestApp::start().await;
    let answers = join_all((0..50).map(|_| app.post(SMS, inbound("m-1", "hello")))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    assert_eq!(app.count_messages().await, 1);
    assert_eq!(app.list("/api/conversations").await.len(), 1);
    assert_eq!(app.list("/api/conversations").await[0]["unread_count"], 1);
}

#[tokio::test]
async fn what_looks_odd_is_received_all_the_same() {
    let app = TestApp::start().await;
    let long = "x".repeat(20_000);
    for (at, body) in [
        with("body", json!("")),
        with("body", json!(long)),
        with("from", json!("40404")),
        with("from", json!("ACME")),
        with("timestamp", Value::Null),
        with("timestamp", json!("2024-11-01T14:00:00.123456789-05:00")),
        with("surprise", json!({ "a": [1, 2, 3] })),
        with("policy", json!("maybe")),
        with("attachments", json!(["attachment-url"])),
        without("attachments"),
        with("to", json!(["+12016661234", "+12016661235", "+12016661236"])),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = body;
        body["messaging_provider_id"] = json!(format!("odd-{at}"));
        let answer = app.post(SMS, body.clone()).await;
        assert_eq!(answer.status, 200, "{body:.200}: {:?}", answer.body);
    }
    let mail = json!({ "from": "a@b.c", "to": "d@e.f", "xillio_id": 12, "body": "x", "subject": "two\r\nlines" });
    let answer = app.post(EMAIL, mail).await;
    assert_eq!((answer.status.as_u16(), text(&answer["subject"])), (200, "two\r\nlines"));
    assert!(quarantine(&app).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_understood_is_kept_and_answered_with_its_fields() {
    let app = TestApp::start().await;
    let cases: Vec<(Value, &[&str])> = vec![
        (
            json!({}),
            &["type required", "body required", "from required", "to required", "messaging_provider_id required"],
        ),
        (without("messaging_provider_id"), &["messaging_provider_id required"]),
        (with("messaging_provider_id", json!("")), &["messaging_provider_id invalid"]),
        (with("messaging_provider_id", json!("x".repeat(256))), &["messaging_provider_id invalid"]),
        (with("messaging_provider_id", json!({})), &["messaging_provider_id invalid"]),
        (with("type", json!("fax")), &["type invalid"]),
        (with("from", json!("nobody in particular")), &["from invalid"]),
        (with("to", json!("a@example.com")), &["to invalid"]),
        (with("to", json!("٠١٢٣٤٥٦٧٨٩")), &["to invalid"]),
        (with("to", json!([])), &["to required"]),
        (with("body", json!("a\u{0}b")), &["body invalid"]),
        (with("body", json!(7)), &["body invalid"]),
        (without("body"), &["body required"]),
        (with("timestamp", json!("soon")), &["timestamp invalid"]),
        (with("attachments", json!("one")), &["attachments invalid"]),
    ];
    for (at, (body, errors)) in cases.iter().enumerate() {
        let answer = app.post(SMS, body.clone()).await;
        assert_eq!(answer.status, 202, "{body}: {:?}", answer.body);
        assert_eq!(answer.errors(), *errors, "{body}");
        assert_eq!(answer["quarantined"], json!(at + 1), "{body}");
    }
    let kept = app.list("/api/quarantine?limit=200").await;
    assert_eq!(kept.len(), cases.len());
    let newest = &kept[0];
    assert_eq!((text(&newest["path"]), text(&newest["reason"])), (SMS, "attachments: invalid"));
    assert_eq!(text(&newest["raw"]), cases.last().unwrap().0.to_string());
    assert_eq!(app.count_messages().await, 0);
}

#[tokio::test]
async fn hostile_bytes_to_a_webhook_are_kept_or_refused_and_never_break_it() {
    let app = TestApp::start().await;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let cases: Vec<(Vec<u8>, u16)> = vec![
        (b"".to_vec(), 400),
        (b"[]".to_vec(), 400),
        (b"null".to_vec(), 400),
        (b"{".to_vec(), 400),
        (deep.clone().into_bytes(), 400),
        (vec![0; 1_000], 400),
        (b"\xff\xfe{}".to_vec(), 400),
        (format!("{{\"type\":\"sms\",\"body\":{deep}}}").into_bytes(), 202),
        (br#"{"type":"sms","body":"\ud800"}"#.to_vec(), 202),
        (br#"{"\udfff":1}"#.to_vec(), 202),
        (b"{\"type\":\"sms\",\"body\":\"caf\xe9\"}".to_vec(), 202),
        (format!("{{\"type\":\"sms\",\"body\":\"{}\"}}", "x".repeat(100_000)).into_bytes(), 202),
    ];
    for path in [SMS, EMAIL, "/api/webhooks/status"] {
        for (body, status) in &cases {
            let answer = app.post_with(path, &[], body.clone()).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            assert_eq!(answer.status.as_u16(), *status, "{path} {shown}");
        }
        let request = Request::post(path).header("content-type", "text/plain").body("{}".into()).unwrap();
        assert_eq!(app.raw(request).await.status, 415, "{path}");
    }
    let kept = cases.iter().filter(|(_, status)| *status == 202).count() * 3;
    assert_eq!(app.list("/api/quarantine?limit=200").await.len(), kept);
    assert_eq!(app.count_messages().await, 0);
}

#[tokio::test]
async fn quarantine_pages_and_lets_go_of_what_is_deleted() {
    let app = TestApp::start().await;
    for n in 0..5 {
        app.post(SMS, json!({ "n": n })).await;
        app.advance(seconds(1));
    }
    let first = app.get("/api/quarantine?limit=3").await;
    let cursor = text(&first["next_cursor"]).to_owned();
    let second = app.get(&format!("/api/quarantine?limit=3&cursor={cursor}")).await;
    let ids = |answer: &Answer| -> Vec<i64> {
        answer["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    assert_eq!((ids(&first), ids(&second)), (vec![5, 4, 3], vec![2, 1]));
    assert_eq!(app.delete("/api/quarantine/3").await.status, 204);
    let again = app.delete("/api/quarantine/3").await;
    assert_eq!((again.status.as_u16(), text(&again["code"])), (404, "no_such_quarantined_body"));
    assert_eq!(app.delete("/api/quarantine/x").await.status, 400);
    assert_eq!(quarantine(&app).await.len(), 4);
}

#[tokio::test]
async fn a_quarantined_body_is_taken_in_once_it_can_be_understood() {
    let app = TestApp::start().await;
    let parked = app.post(SMS, with("to", json!("a@example.com"))).await;
    let path = format!("/api/quarantine/{}/replay", parked["quarantined"]);
    let answer = app.post(&path, Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.errors()), (409, vec!["to invalid".to_owned()]));
    assert_eq!(quarantine(&app).await.len(), 1);

    let report = json!({ "reference": "not-ours-1-0", "provider_id": "p-1", "status": "delivered" });
    let parked = app.report(report).await;
    assert_eq!((parked.status.as_u16(), parked.errors()), (202, vec!["reference unmatched".to_owned()]));
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    assert_eq!(app.reload(&message).await["status"], "delivered", "it was taken in by itself");
    assert_eq!(quarantine(&app).await.len(), 1);
    assert_eq!(app.post("/api/quarantine/99/replay", Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_message_is_readable_by_the_very_next_request() {
    let app = TestApp::start().await;
    for n in 0..10 {
        let received = app.post(SMS, inbound(&format!("m-{n}"), &n.to_string())).await.body;
        assert_eq!(app.reload(&received).await, received);
        let page = app.list("/api/conversations/1/messages?order=desc&limit=1").await;
        assert_eq!(page[0], received);
        assert_eq!(app.list("/api/conversations").await[0]["message_count"], n + 1);
    }
}
