//! Contracts B and C: the web form and the SMS service, word for word.

use axum::http::Request;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Setup, TestApp, email, seconds, sms, text};
use crate::receiving::inbound;

const SEND: &str = "/api/send-sms";
const RECEIVE: &str = "/api/receive-sms";

fn text_of(uuid: &str) -> Value {
    json!({ "senderPhone": "1234567890", "receiverPhone": "0987654321", "messageText": "Hello",
            "timestamp": 1_700_000_000, "uuid": uuid })
}

async fn form(app: &TestApp, path: &str, body: &str) -> Answer {
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    app.raw(request.body(body.to_owned().into()).unwrap()).await
}

async fn history(app: &TestApp, phone: &str) -> Value {
    let answer = app.get(&format!("/api/get-conversation/{phone}")).await;
    assert_eq!(answer.status, 200, "{phone}");
    answer.body
}

/// The path that the `Link` header names, if any.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link").strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
    Some(link.to_owned())
}

#[tokio::test]
async fn a_form_message_is_sent_from_the_default_sender_under_either_pair_of_names() {
    let app = TestApp::start().await;
    let answer = app.post("/send-message", json!({ "recipient_phone": "2015550109", "message_body": "Hi" })).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.body,
        json!({ "message_id": 1, "recipient_phone": "2015550109", "message_body": "Hi",
                "timestamp": "2026-03-02T12:00:00.000000Z" })
    );
    app.advance(seconds(1));
    let other = app.post("/send-message", json!({ "phoneNumber": "+447911123456", "message": "Hello" })).await;
    assert_eq!((other.status.as_u16(), text(&other["recipient_phone"])), (201, "+447911123456"));
    app.run_outbox().await;
    let sent = &app.provider.attempts()[0].envelope;
    assert_eq!((sent.from.as_str(), sent.to[0].as_str()), ("+12015550100", "+12015550109"));
    assert_eq!(app.get("/messages").await.body, json!([other.body, answer.body]), "newest first");
}

#[tokio::test]
async fn a_form_message_with_a_wrong_phone_or_no_text_is_refused_by_the_name_that_was_used() {
    let app = TestApp::start().await;
    for (body, errors) in [
        (json!({}), vec!["recipient_phone required", "message_body required"]),
        (json!({ "phoneNumber": "2015550109" }), vec!["message required"]),
        (json!({ "recipient_phone": "123", "message_body": "x" }), vec!["recipient_phone invalid"]),
        (json!({ "phoneNumber": "201-555-0109", "message": "x" }), vec!["phoneNumber invalid"]),
        (json!({ "phoneNumber": 2_015_550_109_i64, "message": "x" }), vec!["phoneNumber invalid"]),
        (json!({ "phoneNumber": "12015550109", "message": "x" }), vec!["phoneNumber invalid"]),
        (json!({ "phoneNumber": "2015550109", "message": "" }), vec!["message required"]),
        (json!({ "phoneNumber": "2015550109", "message": "x".repeat(2_000) }), vec!["message too_long"]),
    ] {
        let answer = app.post("/send-message", body.clone()).await;
        assert_eq!(answer.status, 400, "{body:.100}");
        assert_eq!(answer.errors(), errors, "{body:.100}");
    }
    assert_eq!(app.count_messages().await, 0);
    assert_eq!(app.get("/messages").await.body, json!([]));
}

#[tokio::test]
async fn the_form_lists_every_outbound_text_and_nothing_else() {
    let app = TestApp::start().await;
    app.send_sms("an sms").await;
    let mut mms = sms("an mms");
    mms["type"] = json!("mms");
    mms["timestamp"] = json!("2030-01-01T00:00:00Z");
    app.send(mms).await;
    app.send(email("a mail")).await;
    app.post("/api/webhooks/sms", inbound("m-1", "inbound")).await;
    let listed = app.get("/messages").await;
    let bodies: Vec<&str> = listed.body.as_array().unwrap().iter().map(|row| text(&row["message_body"])).collect();
    assert_eq!(bodies, ["an mms", "an sms"]);
    assert_eq!(listed.body[1]["recipient_phone"], "8045551234");
    app.run_outbox().await;
}

#[tokio::test]
async fn the_forms_list_pages_by_its_link_header() {
    let app = TestApp::start().await;
    let drafts: Vec<Value> = (0..1_005).map(|n| sms(&n.to_string())).collect();
    app.post("/api/messages/batch", json!({ "messages": drafts })).await;
    let first = app.get("/messages").await;
    assert_eq!(first.body.as_array().unwrap().len(), 1_000);
    let rest = app.get(&next(&first).unwrap()).await;
    assert_eq!(rest.body.as_array().unwrap().len(), 5);
    assert!(next(&rest).is_none());
    assert_eq!(rest.body[4]["message_body"], "0");
    for limit in ["0", "1001", "x"] {
        assert_eq!(app.get(&format!("/messages?limit={limit}")).await.status, 400);
    }
    app.leave_work();
}

#[tokio::test]
async fn in_serve_a_form_without_a_sender_says_so() {
    let app = Setup { channels: vec![switchboard::domain::Channel::Sms], ..Setup::serve() }.start().await;
    let token = app.key(&[switchboard::auth::Scope::MessagesSend]).await;
    let headers = [("authorization", token.as_str())];
    let body = json!({ "recipient_phone": "2015550109", "message_body": "Hi" }).to_string();
    let answer = app.post_with("/send-message", &headers, body.clone()).await;
    assert_eq!((answer.status.as_u16(), text(&answer["code"])), (400, "no_default_sender"));
    let app = Setup::serve().with("SWITCHBOARD_DEFAULT_SENDER", "40404").start().await;
    let token = app.key(&[switchboard::auth::Scope::MessagesSend]).await;
    let answer = app.post_with("/send-message", &[("authorization", token.as_str())], body).await;
    assert_eq!(answer.status, 201);
    app.run_outbox().await;
    assert_eq!(app.provider.attempts()[0].envelope.from.as_str(), "40404");
}

#[tokio::test]
async fn a_text_is_sent_and_received_with_the_contracts_own_words() {
    let app = TestApp::start().await;
    let sent = app.post(SEND, text_of("u-1")).await;
    assert_eq!((sent.status.as_u16(), &sent.body), (200, &json!({ "message": "SMS sent successfully" })));
    let received = app.post(RECEIVE, text_of("u-2")).await;
    assert_eq!((received.status.as_u16(), &received.body), (200, &json!({ "message": "SMS received successfully" })));
    let body = "senderPhone=1234567890&receiverPhone=0987654321&messageText=a+b%26c&timestamp=1700000001&uuid=u-3";
    assert_eq!(form(&app, SEND, body).await.body, json!({ "message": "SMS sent successfully" }));
    assert_eq!(
        history(&app, "1234567890").await,
        json!({ "messages": [
            { "phone_number": "0987654321", "message_text": "Hello", "timestamp": 1_700_000_000, "direction": "sent" },
            { "phone_number": "0987654321", "message_text": "Hello", "timestamp": 1_700_000_000, "direction": "sent" },
            { "phone_number": "0987654321", "message_text": "a b&c", "timestamp": 1_700_000_001, "direction": "sent" },
        ] })
    );
    let other = history(&app, "0987654321").await;
    assert_eq!(other["messages"][2]["direction"], "received");
    assert_eq!(other["messages"][2]["phone_number"], "1234567890");
    app.run_outbox().await;
}

#[tokio::test]
async fn every_field_of_a_text_is_wanted() {
    let app = TestApp::start().await;
    for field in ["senderPhone", "receiverPhone", "messageText", "timestamp", "uuid"] {
        for path in [SEND, RECEIVE] {
            let mut body = text_of("u-1");
            body.as_object_mut().unwrap().remove(field);
            let answer = app.post(path, body).await;
            assert_eq!((answer.status.as_u16(), answer.errors()), (400, vec![format!("{field} required")]));
        }
    }
    for (field, value) in [
        ("senderPhone", json!("phone number")),
        ("receiverPhone", json!("a@example.com")),
        ("messageText", json!(7)),
        ("timestamp", json!("soon")),
        ("timestamp", json!(-1e300)),
        ("uuid", json!("")),
        ("uuid", json!("x".repeat(256))),
    ] {
        let mut body = text_of("u-1");
        body[field] = value;
        assert_eq!(app.post(SEND, body.clone()).await.errors(), [format!("{field} invalid")], "{body}");
    }
    assert_eq!(app.post(SEND, json!({})).await.errors().len(), 5);
    assert_eq!(app.count_messages().await, 0);
}

#[tokio::test]
async fn a_uuid_stands_for_one_text_over_sending_and_receiving() {
    let app = TestApp::start().await;
    let answers = join_all((0..20).map(|_| app.post(SEND, text_of("u-1")))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(app.count_messages().await, 1);
    let mut later = text_of("u-1");
    later["timestamp"] = json!("1700000500");
    assert_eq!(app.post(SEND, later).await.status, 200, "a repeat may bear another time");
    for (field, value) in [("senderPhone", "1234567891"), ("receiverPhone", "0987654322"), ("messageText", "Bye")] {
        for path in [SEND, RECEIVE] {
            let mut other = text_of("u-1");
            other[field] = json!(value);
            let answer = app.post(path, other).await;
            assert_eq!((answer.status.as_u16(), text(&answer["code"])), (409, "uuid_reused"), "{path} {field}");
        }
    }
    assert_eq!(app.count_messages().await, 1);
    app.run_outbox().await;
}

#[tokio::test]
async fn receiving_what_was_sent_is_its_arrival() {
    let app = TestApp::start().await;
    app.post(SEND, text_of("u-1")).await;
    app.run_outbox().await;
    let mut arrival = text_of("u-1");
    arrival["timestamp"] = json!(1_700_000_060);
    for _ in 0..2 {
        assert_eq!(app.post(RECEIVE, arrival.clone()).await.status, 200);
    }
    let messages = app.list("/api/conversations/1/messages").await;
    assert_eq!((messages.len(), text(&messages[0]["status"])), (1, "delivered"));
    assert_eq!(app.provider.attempts().len(), 1);
}

#[tokio::test]
async fn a_text_that_arrives_before_it_left_is_not_sent_any_more() {
    let app = TestApp::start().await;
    app.post(SEND, text_of("u-1")).await;
    assert_eq!(app.post(RECEIVE, text_of("u-1")).await.status, 200);
    app.run_outbox().await;
    assert!(app.provider.attempts().is_empty());
    assert_eq!(app.list("/api/conversations/1/messages").await[0]["status"], "delivered");
}

#[tokio::test]
async fn an_unknown_phone_is_404_with_exactly_the_contracts_body() {
    let app = TestApp::start().await;
    app.post(SEND, text_of("u-1")).await;
    app.send(email("mail is no text")).await;
    for phone in ["5555555555", "+15555555555", "nobody%20at%20all", "user@usehatchapp.com", "1", "%00"] {
        let answer = app.get(&format!("/api/get-conversation/{phone}")).await;
        assert_eq!(answer.status, 404, "{phone}");
        assert_eq!(answer.text(), r#"{"message":"User not found"}"#, "{phone}");
        assert_eq!(answer.header("content-type"), "application/json", "{phone}");
    }
    for phone in ["1234567890", "+11234567890", "%2B11234567890", "11234567890"] {
        assert_eq!(history(&app, phone).await["messages"].as_array().unwrap().len(), 1, "{phone}");
    }
    app.run_outbox().await;
}

#[tokio::test]
async fn a_history_runs_over_all_counterparts_in_the_order_of_time() {
    let app = TestApp::start().await;
    for (uuid, receiver, at) in [("a", "2025550001", 300), ("b", "2025550002", 100), ("c", "2025550001", 200)] {
        let mut body = text_of(uuid);
        body["receiverPhone"] = json!(receiver);
        body["timestamp"] = json!(at);
        app.post(SEND, body).await;
    }
    let mut oneself = text_of("self");
    oneself["receiverPhone"] = json!("1234567890");
    oneself["timestamp"] = json!(400);
    app.post(SEND, oneself).await;
    let history = history(&app, "1234567890").await;
    let shown: Vec<(&str, i64, &str)> = history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| (text(&m["phone_number"]), m["timestamp"].as_i64().unwrap(), text(&m["direction"])))
        .collect();
    assert_eq!(
        shown,
        [
            ("2025550002", 100, "sent"),
            ("2025550001", 200, "sent"),
            ("2025550001", 300, "sent"),
            ("1234567890", 400, "sent")
        ]
    );
    let first = app.get("/api/get-conversation/1234567890?limit=3").await;
    let times = |answer: &Answer| -> Vec<i64> {
        answer["messages"].as_array().unwrap().iter().map(|m| m["timestamp"].as_i64().unwrap()).collect()
    };
    assert_eq!(times(&first), [200, 300, 400], "the newest, in ascending order");
    let second = app.get(&next(&first).unwrap()).await;
    assert_eq!((times(&second), next(&second)), (vec![100], None));
    app.run_outbox().await;
}

#[tokio::test]
async fn a_long_text_of_the_service_is_fine_and_a_media_type_it_does_not_know_is_not() {
    let app = TestApp::start().await;
    let mut long = text_of("u-1");
    long["messageText"] = json!("x".repeat(1_000));
    assert_eq!(app.post(SEND, long).await.status, 200);
    let request = Request::post(SEND).header("content-type", "text/plain").body(text_of("u-2").to_string().into());
    assert_eq!(app.raw(request.unwrap()).await.status, 415);
    app.run_outbox().await;
}
