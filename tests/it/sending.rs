//! Contract A's sends: what is accepted, what is refused, and what a refusal leaves behind.

use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, email, minutes, sms};

const SMS: &str = "/api/messages/sms";
const EMAIL: &str = "/api/messages/email";

/// A draft with one field changed; `Null` keeps the field, as `null`.
fn sms_with(field: &str, value: Value) -> Value {
    let mut draft = sms("hello");
    draft[field] = value;
    draft
}

fn email_with(field: &str, value: Value) -> Value {
    let mut draft = email("hello");
    draft[field] = value;
    draft
}

async fn assert_nothing_is_stored(app: &TestApp) {
    for table in ["messages", "conversations", "addresses", "outbox", "events", "idempotency_keys"] {
        let rows = app.database().number(&format!("select count(*) from {table}")).await;
        assert_eq!(rows, 0, "{table}");
    }
}

fn assert_refused(answer: &Answer, errors: &[&str], about: &str) {
    assert_eq!(answer.status, 400, "{about}: {:?}", answer.body);
    assert_eq!(answer.header("content-type"), "application/problem+json", "{about}");
    assert_eq!(answer.errors(), errors, "{about}");
    assert_eq!(answer["request_id"], answer.header("x-request-id"), "{about}");
}

#[tokio::test]
async fn an_accepted_text_is_answered_whole() {
    let app = TestApp::start().await;
    let answer = app.post(SMS, sms("Hello! This is a test SMS message.")).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.body,
        json!({
            "id": 1, "conversation_id": 1, "direction": "outbound", "type": "sms",
            "from": "+12016661234", "to": "+18045551234", "body": "Hello! This is a test SMS message.",
            "attachments": [], "segments": { "count": 1, "encoding": "GSM-7" },
            "status": "queued", "final": false, "possible_duplicate": false, "policy": "balanced",
            "recipients": [{ "address": "+18045551234", "kind": "to", "status": "queued" }],
            "timestamp": "2026-03-02T12:00:00.000000Z", "deliver_by": "2026-03-02T22:00:00.000000Z",
            "next_attempt_at": "2026-03-02T12:00:00.000000Z",
            "created_at": "2026-03-02T12:00:00.000000Z", "updated_at": "2026-03-02T12:00:00.000000Z",
        })
    );
    assert_eq!(app.reload(&answer.body).await, answer.body);
    app.run_outbox().await;
    assert_eq!(app.provider.taken(), ["Hello! This is a test SMS message."]);
}

#[tokio::test]
async fn an_email_is_kept_as_given_and_shown_sanitised() {
    let app = TestApp::start().await;
    let body = "<html><body><p onclick=\"x()\">Hello <b>you</b></p><script>alert(1)</script></body></html>";
    let mut draft = email(body);
    draft["subject"] = json!("A subject");
    draft["cc"] = json!(["Copy@Example.ORG"]);
    draft["reply_to"] = json!("[label](mailto:answers@example.org)");
    draft["attachments"] = json!(["https://example.com/document.pdf"]);
    let message = app.send(draft).await;
    assert_eq!(message["body"], body);
    assert_eq!(message["html"], "<p>Hello <b>you</b></p>");
    assert!(message["text"].as_str().unwrap().contains("Hello"), "{}", message["text"]);
    assert_eq!(message["cc"], json!(["Copy@example.org"]));
    assert_eq!(message["reply_to"], "answers@example.org");
    assert_eq!(message["attachments"], json!(["https://example.com/document.pdf"]));
    assert_eq!(message["deliver_by"], "2026-03-04T12:00:00.000000Z");
    assert!(message.get("segments").is_none());
    app.run_outbox().await;
    let sent = &app.provider.attempts()[0].envelope;
    assert_eq!((sent.body.as_str(), sent.subject.as_deref()), (body, Some("A subject")));
    assert_eq!((sent.cc.len(), sent.reply_to.is_some(), sent.attachments.len()), (1, true, 1));
    assert!(!sent.is_automatic);
}

#[tokio::test]
async fn what_is_kindly_read_is_accepted() {
    let app = TestApp::start().await;
    for draft in [
        sms_with("attachments", Value::Null),
        sms_with("attachments", json!([])),
        sms_with("attachments", json!(["attachment-url"])),
        sms_with("type", json!("mms")),
        sms_with("timestamp", json!("2024-11-01T14:00:00+02:00")),
        sms_with("timestamp", Value::Null),
        sms_with("from", json!("ACME")),
        sms_with("from", json!("40404")),
        sms_with("to", json!("1234567890")),
        sms_with("to", json!(["(804) 555-1234"])),
        sms_with("body", json!("x".repeat(1_530))),
        sms_with("policy", json!("no_duplicates")),
    ] {
        let answer = app.post(SMS, draft.clone()).await;
        assert_eq!(answer.status, 201, "{draft}: {:?}", answer.body);
    }
    for draft in [
        email_with("type", Value::Null),
        email_with("from", json!("[user@usehatchapp.com](mailto:user@usehatchapp.com)")),
        email_with("to", json!(["a@example.com", "b@example.com"])),
    ] {
        let answer = app.post(EMAIL, draft.clone()).await;
        assert_eq!(answer.status, 201, "{draft}: {:?}", answer.body);
    }
    app.run_outbox().await;
}

#[tokio::test]
async fn a_wrong_text_is_refused_by_field_and_leaves_no_trace() {
    let app = TestApp::start().await;
    let cases: Vec<(Value, &[&str])> = vec![
        (json!({}), &["type required", "body required", "from required", "to required"]),
        (sms_with("type", json!("fax")), &["type invalid"]),
        (sms_with("type", json!("email")), &["type invalid"]),
        (sms_with("type", Value::Null), &["type required"]),
        (sms_with("body", Value::Null), &["body required"]),
        (sms_with("body", json!("")), &["body required"]),
        (sms_with("body", json!(" \n\t")), &["body required"]),
        (sms_with("body", json!(7)), &["body invalid"]),
        (sms_with("body", json!("a\u{0}b")), &["body invalid"]),
        (sms_with("body", json!("x".repeat(1_531))), &["body too_long"]),
        (sms_with("attachments", json!("one")), &["attachments invalid"]),
        (sms_with("attachments", json!({})), &["attachments invalid"]),
        (sms_with("attachments", json!([1])), &["attachments[0] invalid"]),
        (sms_with("attachments", json!([""])), &["attachments[0] invalid"]),
        (sms_with("attachments", json!(["x".repeat(2_049)])), &["attachments[0] invalid"]),
        (sms_with("timestamp", json!("yesterday")), &["timestamp invalid"]),
        (sms_with("timestamp", json!("2024-11-01T14:00:00")), &["timestamp invalid"]),
        (sms_with("timestamp", json!(1_700_000_000)), &["timestamp invalid"]),
        (sms_with("to", json!("contact@gmail.com")), &["to invalid"]),
        (sms_with("to", json!("٠١٢٣٤٥٦٧٨٩")), &["to invalid"]),
        (sms_with("to", json!("１２３４５６７８９０")), &["to invalid"]),
        (sms_with("to", json!("+1201666123456789")), &["to invalid"]),
        (sms_with("to", json!("ACME")), &["to invalid"]),
        (sms_with("to", json!([])), &["to required"]),
        (sms_with("to", json!(["+12016661234", "nobody"])), &["to[1] invalid"]),
        (sms_with("to", json!(["+12016661234", "+12016661235"])), &["to too_many"]),
        (sms_with("from", json!("user@usehatchapp.com")), &["from invalid"]),
        (sms_with("from", json!("")), &["from invalid"]),
        (sms_with("subject", json!("x")), &["subject unknown"]),
        (sms_with("Body", json!("x")), &["Body unknown"]),
        (sms_with("messaging_provider_id", json!("m-1")), &["messaging_provider_id unknown"]),
        (sms_with("policy", json!("maybe")), &["policy invalid"]),
    ];
    for (draft, errors) in cases {
        assert_refused(&app.post(SMS, draft.clone()).await, errors, &draft.to_string());
    }
    assert_nothing_is_stored(&app).await;
}

#[tokio::test]
async fn a_wrong_email_is_refused_by_field_and_leaves_no_trace() {
    let app = TestApp::start().await;
    let cases: Vec<(Value, &[&str])> = vec![
        (json!({}), &["body required", "from required", "to required"]),
        (email_with("type", json!("sms")), &["type invalid"]),
        (email_with("to", json!("+18045551234")), &["to invalid"]),
        (email_with("to", json!("a@b@c")), &["to invalid"]),
        (email_with("to", json!("a b@example.com")), &["to invalid"]),
        (email_with("to", json!("a@example.com\r\nBcc: b@example.com")), &["to invalid"]),
        (email_with("cc", json!(["x"])), &["cc[0] invalid"]),
        (email_with("reply_to", json!("x")), &["reply_to invalid"]),
        (email_with("subject", json!("a\r\nBcc: b@example.com")), &["subject invalid"]),
        (email_with("subject", json!("a\nb")), &["subject invalid"]),
        (email_with("subject", json!("x".repeat(999))), &["subject too_long"]),
        (email_with("subject", json!("a\u{0}")), &["subject invalid"]),
        (email_with("to", json!((0..101).map(|n| format!("n{n}@example.com")).collect::<Vec<_>>())), &["to too_many"]),
    ];
    for (draft, errors) in cases {
        assert_refused(&app.post(EMAIL, draft.clone()).await, errors, &draft.to_string());
    }
    assert_nothing_is_stored(&app).await;
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let app = TestApp::start().await;
    let draft = json!({ "from": "x@y.z", "to": 7, "type": "sms", "body": "x".repeat(2_000), "odd": 1, "policy": "?" });
    let answer = app.post(SMS, draft).await;
    assert_refused(
        &answer,
        &["odd unknown", "from invalid", "to invalid", "policy invalid", "body too_long"],
        "all together",
    );
    assert_eq!(answer["code"], "invalid_request");
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let app = TestApp::start().await;
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_object = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    for body in ["", "{", "[]", "null", "\"text\"", "{\"from\":}", "from=1", deep.as_str()] {
        let answer = app.post_with(SMS, &[], body.to_owned()).await;
        assert_eq!(answer.status, 400, "{body:.40}");
        assert_eq!(answer["code"], "malformed_json", "{body:.40}");
    }
    let answer = app.post_with(SMS, &[], deep_object).await;
    assert!(answer.errors().contains(&"a unknown".to_owned()), "{:?}", answer.body);
    assert_eq!(answer.status, 400);
    let deep_body = format!(r#"{{"from":"+12016661234","to":"+18045551234","type":"sms","body":{deep}}}"#);
    assert_refused(&app.post_with(SMS, &[], deep_body).await, &["body invalid"], "a deep body");
    let lone = r#"{"from":"+12016661234","to":"+18045551234","type":"sms","body":"\ud800"}"#;
    assert_refused(&app.post_with(SMS, &[], lone).await, &["body invalid"], "half a surrogate pair");
    let latin = b"{\"from\":\"+12016661234\",\"to\":\"+18045551234\",\"type\":\"sms\",\"body\":\"caf\xe9\"}".to_vec();
    assert_eq!(app.post_with(SMS, &[], latin).await.status, 400);
    assert_nothing_is_stored(&app).await;
}

#[tokio::test]
async fn another_media_type_is_refused_whatever_it_holds() {
    let app = TestApp::start().await;
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"] {
        let request = axum::http::Request::post(SMS).header("content-type", media);
        let answer = app.raw(request.body(sms("x").to_string().into()).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer["code"].as_str()), (415, Some("unsupported_media_type")), "{media}");
    }
    assert_nothing_is_stored(&app).await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_at_it_is_read() {
    let app = TestApp::start().await;
    let padded = |length: usize| {
        let draft = email("hello").to_string();
        format!("{draft}{}", " ".repeat(length - draft.len()))
    };
    let answer = app.post_with(EMAIL, &[], padded(1_048_577)).await;
    assert_eq!((answer.status.as_u16(), answer["code"].as_str()), (413, Some("body_too_large")));
    assert_nothing_is_stored(&app).await;
    assert_eq!(app.post_with(EMAIL, &[], padded(1_048_576)).await.status, 201);
    let answer = app.post_with("/api/webhooks/email", &[], "x".repeat(16 * 1_048_576 + 1)).await;
    assert_eq!(answer.status, 413);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_large_mail_is_carried_whole() {
    let app = TestApp::start().await;
    let body = "ä".repeat(400_000);
    let message = app.send(email(&body)).await;
    app.run_outbox().await;
    assert_eq!(app.provider.attempts()[0].envelope.body, body);
    assert_eq!(app.reload(&message).await["body"], body);
}

#[tokio::test]
async fn a_sender_over_its_limit_waits_for_the_next_minute() {
    let app = crate::harness::Setup::default().with("SWITCHBOARD_SENDER_LIMIT_PER_MINUTE", "2").start().await;
    app.advance(crate::harness::seconds(20));
    app.send_sms("one").await;
    app.send_sms("two").await;
    let answer = app.post(SMS, sms("three")).await;
    assert_eq!((answer.status.as_u16(), answer["code"].as_str()), (429, Some("rate_limited")));
    assert_eq!(answer.header("retry-after"), "40");
    assert_eq!(app.count_messages().await, 2);
    let other = app.post(SMS, sms_with("from", json!("+12016660000"))).await;
    assert_eq!(other.status, 201, "another sender has a limit of its own");
    let batch = json!({ "messages": [sms("a"), sms_with("from", json!("+12016660001")), sms("b")] });
    let answer = app.post("/api/messages/batch", batch).await;
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(1), &json!(2)), "{:?}", answer.body);
    assert_eq!(answer["results"][0]["errors"][0]["code"], "rate_limited");
    app.advance(minutes(1));
    assert_eq!(app.post(SMS, sms("three")).await.status, 201);
    app.run_outbox().await;
}
