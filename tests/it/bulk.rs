//! Batches, and replies in a conversation.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{TestApp, email, path_of, sms, text};
use crate::receiving::inbound;

const BATCH: &str = "/api/messages/batch";

#[tokio::test]
async fn a_batch_takes_what_is_right_and_names_what_is_not() {
    let app = TestApp::start().await;
    let chat = json!({ "from": "a", "to": "b", "type": "chat", "body": "x" });
    let messages = json!([sms("one"), { "type": "sms" }, email("two"), 7, chat, sms(""), sms("three")]);
    let answer = app.post(BATCH, json!({ "messages": messages })).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(3), &json!(4)));
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results[0], json!({ "index": 0, "id": 1, "conversation_id": 1, "status": "queued" }));
    assert_eq!(results[2], json!({ "index": 2, "id": 2, "conversation_id": 2, "status": "queued" }));
    assert_eq!(results[6], json!({ "index": 6, "id": 3, "conversation_id": 1, "status": "queued" }));
    let fields = |at: usize| -> Vec<&str> {
        results[at]["errors"].as_array().unwrap().iter().map(|error| text(&error["field"])).collect()
    };
    assert_eq!(fields(1), ["messages[1].body", "messages[1].from", "messages[1].to"]);
    assert_eq!(fields(3), ["messages[3]"]);
    assert_eq!(fields(4), ["messages[4].type"]);
    assert_eq!(fields(5), ["messages[5].body"]);
    assert_eq!(app.count_messages().await, 3);
    app.run_outbox().await;
    assert_eq!(app.provider.taken(), ["one", "two", "three"]);
}

#[tokio::test]
async fn a_batch_holds_1_to_10_000_messages() {
    let app = TestApp::start().await;
    let drafts: Vec<Value> = (0..10_001)
        .map(|n| json!({ "from": "+12016661234", "to": format!("+1202{:07}", 5_550_000 + n % 500), "type": "sms", "body": "x" }))
        .collect();
    for (messages, why) in
        [(json!([]), "none"), (json!(drafts), "10,001"), (json!({}), "no list"), (Value::Null, "null")]
    {
        let answer = app.post(BATCH, json!({ "messages": messages })).await;
        assert_eq!(answer.status, 400, "{why}: {:.300}", answer.text());
        assert!(answer.errors()[0].starts_with("messages "), "{why}");
    }
    assert_eq!(app.post(BATCH, json!({})).await.errors(), ["messages required"]);
    assert_eq!(app.count_messages().await, 0);
    let answer = app.post(BATCH, json!({ "messages": drafts[..10_000] })).await;
    assert_eq!((answer.status.as_u16(), &answer["accepted"]), (200, &json!(10_000)));
    assert_eq!(app.count_messages().await, 10_000);
    assert_eq!(app.database().number("select count(*) from conversations").await, 500);
    assert_eq!(app.database().number("select count(*) * 20 from conversations where message_count = 20").await, 10_000);
    app.leave_work();
}

#[tokio::test]
async fn single_messages_go_before_a_batch() {
    let app = TestApp::start().await;
    let bulk: Vec<Value> = (0..3).map(|n| sms(&format!("bulk {n}"))).collect();
    app.post(BATCH, json!({ "messages": bulk })).await;
    app.send_sms("single").await;
    app.run_outbox().await;
    assert_eq!(app.provider.attempts()[0].envelope.body, "single");
    assert_eq!(app.provider.attempts().len(), 4);
}

#[tokio::test]
async fn a_reply_goes_to_whoever_wrote_last_or_was_written_to() {
    let app = TestApp::start().await;
    let received = app.post("/api/webhooks/sms", inbound("m-1", "question")).await.body;
    let path = format!("/api/conversations/{}/messages", received["conversation_id"]);
    let answer = app.post(&path, json!({ "body": "answer" })).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    assert_eq!(
        (text(&answer["from"]), text(&answer["to"]), text(&answer["type"])),
        ("+12016661234", "+18045551234", "sms")
    );
    let second =
        app.post(&path, json!({ "body": "one more", "type": "mms", "attachments": ["https://x.example/y"] })).await;
    assert_eq!(
        (text(&second["from"]), text(&second["to"]), text(&second["type"])),
        ("+12016661234", "+18045551234", "mms")
    );
    assert_eq!(second["conversation_id"], received["conversation_id"]);
    let third = app.post(&path, json!({ "body": "and more" })).await;
    assert_eq!(third["type"], "mms", "without a type it is the last message's");
    app.run_outbox().await;
    assert_eq!(app.provider.taken().len(), 3);
}

#[tokio::test]
async fn a_reply_to_a_mail_keeps_its_subject_and_everybody_it_went_to() {
    let app = TestApp::start().await;
    let mail = json!({ "from": "Ann@example.com", "to": ["support@example.org", "bob@example.com"], "cc": "cy@example.com",
                       "xillio_id": "x-1", "subject": "A question", "body": "<p>Hello</p>" });
    let received = app.post("/api/webhooks/email", mail).await.body;
    let path = format!("/api/conversations/{}/messages", received["conversation_id"]);
    let answer = app.post(&path, json!({ "body": "An answer" })).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    assert_eq!(text(&answer["from"]), "support@example.org");
    assert_eq!(answer["to"], json!(["Ann@example.com", "bob@example.com"]));
    assert_eq!((&answer["cc"], &answer["subject"]), (&json!(["cy@example.com"]), &json!("A question")));
    assert_eq!(answer["conversation_id"], received["conversation_id"]);
    let own = app.post(&path, json!({ "body": "And", "subject": "Another" })).await;
    assert_eq!((&own["subject"], &own["from"]), (&json!("Another"), &json!("support@example.org")));
    app.run_outbox().await;
}

#[tokio::test]
async fn a_reply_to_a_message_by_name_goes_where_that_came_from_whatever_came_since() {
    let app = TestApp::start().await;
    let mail = |id: &str, reply_to: &str| {
        json!({ "from": "ann@example.com", "to": "support@example.org", "reply_to": reply_to, "xillio_id": id,
                "subject": id, "body": "Hello" })
    };
    let first = app.post("/api/webhooks/email", mail("x-1", "ann@example.com")).await.body;
    let second = app.post("/api/webhooks/email", mail("x-2", "desk@example.com")).await.body;
    assert_eq!(first["conversation_id"], second["conversation_id"]);
    let path = format!("/api/conversations/{}/messages", first["conversation_id"]);
    let named = app.post(&path, json!({ "body": "An answer", "in_reply_to": first["id"] })).await;
    assert_eq!((&named["to"], &named["subject"]), (&json!("ann@example.com"), &json!("x-1")), "{:?}", named.body);
    let other = app.send_sms("elsewhere").await;
    for strange in [&other["id"], &json!(4_000_000)] {
        let refused = app.post(&path, json!({ "body": "An answer", "in_reply_to": strange })).await;
        assert_eq!((refused.status.as_u16(), text(&refused["code"])), (404, "no_such_message"));
    }
    let refused = app.post(&path, json!({ "body": "An answer", "in_reply_to": "x-1" })).await;
    assert_eq!((refused.status.as_u16(), refused.errors()), (400, vec!["in_reply_to invalid".to_owned()]));
    app.run_outbox().await;
}

#[tokio::test]
async fn a_group_is_answered_from_our_own_number_wherever_it_stands() {
    let app = TestApp::start().await;
    let mut group = inbound("g-2", "all of you");
    group["type"] = json!("mms");
    group["from"] = json!("+12025550002");
    group["to"] = json!(["+12025550001", "+12015550100"]);
    let received = app.post("/api/webhooks/sms", group).await.body;
    let path = format!("/api/conversations/{}/messages", received["conversation_id"]);
    let answer = app.post(&path, json!({ "body": "Which of us?" })).await;
    assert_eq!((answer.status.as_u16(), text(&answer["from"])), (201, "+12015550100"), "{:?}", answer.body);
    assert_eq!(answer["to"], json!(["+12025550002", "+12025550001"]));
    app.run_outbox().await;
}

#[tokio::test]
async fn a_group_keeps_its_one_conversation() {
    let app = TestApp::start().await;
    let mut group = sms("all of you");
    group["type"] = json!("mms");
    group["to"] = json!(["+12025550001", "+12025550002"]);
    let first = app.send(group).await;
    let mut from_one = inbound("g-1", "me too");
    from_one["from"] = json!("+12025550002");
    from_one["to"] = json!(["+12025550001", "+12016661234"]);
    let second = app.post("/api/webhooks/sms", from_one).await.body;
    assert_eq!(first["conversation_id"], second["conversation_id"]);
    let conversation = app.get("/api/conversations/1").await;
    assert_eq!(conversation["participants"], json!(["+12016661234", "+12025550001", "+12025550002"]));
    let pair = app.send_sms("another conversation").await;
    assert_ne!(pair["conversation_id"], first["conversation_id"]);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_reply_that_cannot_be_is_refused_by_field() {
    let app = TestApp::start().await;
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    let path = "/api/conversations/1/messages";
    for (body, error) in [
        (json!({}), "body required"),
        (json!({ "body": "" }), "body required"),
        (json!({ "body": "x", "type": "email" }), "type invalid"),
        (json!({ "body": "x", "type": "chat" }), "type invalid"),
        (json!({ "body": "x", "scheduled_at": "2020-01-01T00:00:00Z" }), "scheduled_at invalid"),
        (json!({ "body": "x", "deliver_by": "soon" }), "deliver_by invalid"),
    ] {
        let answer = app.post(path, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.errors()), (400, vec![error.to_owned()]), "{body}");
    }
    let answer = app.post("/api/conversations/99/messages", json!({ "body": "x" })).await;
    assert_eq!((answer.status.as_u16(), text(&answer["code"])), (404, "no_such_conversation"));
    assert_eq!(app.count_messages().await, 1);
    let elsewhere = app.post(path, json!({ "body": "y", "to": "+12025550001" })).await;
    assert_eq!((elsewhere.status.as_u16(), &elsewhere["to"]), (201, &message["to"]));
    app.run_outbox().await;
    assert_eq!(app.reload(&message).await["status"], "accepted", "{}", path_of(&message));
}

#[tokio::test]
async fn a_field_nobody_knows_is_passed_over_but_on_contract_as_sends() {
    let app = TestApp::start().await;
    app.send_sms("hello").await;
    let text = json!({ "senderPhone": "1234567890", "receiverPhone": "0987654321", "messageText": "x", "timestamp": 1,
                       "uuid": "u-1", "odd": true });
    for (path, body, status) in [
        ("/api/conversations/1/messages", json!({ "body": "x", "to": "+12025550001", "odd": 1 }), 201),
        ("/send-message", json!({ "recipient_phone": "2015550109", "message_body": "x", "odd": null }), 201),
        ("/api/send-sms", text.clone(), 200),
        ("/api/receive-sms", text, 200),
    ] {
        assert_eq!(app.post(path, body).await.status, status, "{path}");
    }
    let reply = &app.list("/api/conversations/1/messages").await[1];
    assert_eq!(reply["to"], "+18045551234", "the conversation says to whom");
    app.run_outbox().await;
}

#[tokio::test]
async fn ten_sends_at_once_to_somebody_new_make_one_conversation() {
    let app = TestApp::start().await;
    let answers = join_all((0..10).map(|n| app.post("/api/messages/sms", sms(&n.to_string())))).await;
    assert!(answers.iter().all(|answer| answer.status == 201 && answer["conversation_id"] == 1), "{answers:?}");
    let conversations = app.list("/api/conversations").await;
    assert_eq!((conversations.len(), &conversations[0]["message_count"]), (1, &json!(10)));
    app.run_outbox().await;
}

#[tokio::test]
async fn ten_sends_at_once_between_two_who_are_known_apart_make_one_conversation() {
    let app = TestApp::start().await;
    let between = |from: &str, to: &str| {
        let mut draft = sms("hello");
        (draft["from"], draft["to"]) = (json!(from), json!(to));
        draft
    };
    for round in 0..5 {
        let (a, b) = (format!("+1202555010{round}"), format!("+1303555010{round}"));
        app.send(between(&a, "+12016660000")).await;
        app.send(between(&b, "+12016660000")).await;
        let answers = join_all((0..10).map(|_| app.post("/api/messages/sms", between(&a, &b)))).await;
        let expected = json!(3 * round + 3);
        assert!(answers.iter().all(|answer| answer["conversation_id"] == expected), "{expected}: {answers:?}");
    }
    app.run_outbox().await;
}

#[tokio::test]
async fn a_message_in_a_known_conversation_burns_no_number() {
    let app = TestApp::start().await;
    join_all((0..10).map(|n| app.post("/api/messages/sms", sms(&n.to_string())))).await;
    app.post("/api/webhooks/sms", inbound("m-1", "back")).await;
    for n in 0..3 {
        app.send_sms(&n.to_string()).await;
    }
    let next = app.send(email("somebody else")).await;
    assert_eq!(next["conversation_id"], 2);
    app.run_outbox().await;
}
