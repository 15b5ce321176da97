//! Contract A's conversations: who belongs together, in which order, and how lists are narrowed and paged.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, email, seconds, sms, text};

const AT: &str = "2024-11-01T14:00:00Z";

/// The six requests of the contract's script, in order.
fn script() -> Vec<(&'static str, Value)> {
    let (a, b) = ("+12016661234", "+18045551234");
    let (x, y) = ("[user@usehatchapp.com](mailto:user@usehatchapp.com)", "contact@gmail.com");
    let html = "Hello! This is a test email message with <b>HTML</b> formatting.";
    let pdf = json!(["https://example.com/document.pdf"]);
    let image = json!(["https://example.com/image.jpg"]);
    let received = json!(["https://example.com/received-image.jpg"]);
    vec![
        (
            "/api/messages/sms",
            json!({ "from": a, "to": b, "type": "sms", "body": "sms out", "attachments": null, "timestamp": AT }),
        ),
        (
            "/api/messages/sms",
            json!({ "from": a, "to": b, "type": "mms", "body": "mms out", "attachments": image, "timestamp": AT }),
        ),
        ("/api/messages/email", json!({ "from": x, "to": y, "body": html, "attachments": pdf, "timestamp": AT })),
        (
            "/api/webhooks/sms",
            json!({ "from": b, "to": a, "type": "sms", "messaging_provider_id": "message-1", "body": "sms in",
                    "attachments": null, "timestamp": AT }),
        ),
        (
            "/api/webhooks/sms",
            json!({ "from": b, "to": a, "type": "mms", "messaging_provider_id": "message-2", "body": "mms in",
                    "attachments": received, "timestamp": AT }),
        ),
        (
            "/api/webhooks/email",
            json!({ "from": y, "to": x, "xillio_id": "message-2", "body": "<html><body>mail in</body></html>",
                    "attachments": ["https://example.com/received-document.pdf"], "timestamp": AT }),
        ),
    ]
}

async fn run_script(app: &TestApp) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (path, body) in script() {
        answers.push(app.post(path, body).await);
    }
    answers
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status.as_u16()).collect()
}

#[tokio::test]
async fn after_the_script_there_are_exactly_two_conversations() {
    let app = TestApp::start().await;
    let answers = run_script(&app).await;
    assert_eq!(statuses(&answers), [201, 201, 201, 200, 200, 200]);
    let answer = app.get("/api/conversations").await;
    assert_eq!(answer["next_cursor"], Value::Null);
    let conversations = answer["data"].as_array().unwrap();
    assert_eq!(conversations.len(), 2);
    let [mail, texts] = [&conversations[0], &conversations[1]];
    assert_eq!(
        (&mail["id"], &mail["participants"], &mail["channels"], &mail["message_count"], &mail["unread_count"]),
        (&json!(2), &json!(["contact@gmail.com", "user@usehatchapp.com"]), &json!(["email"]), &json!(2), &json!(1))
    );
    assert_eq!(
        (&texts["id"], &texts["participants"], &texts["channels"], &texts["message_count"], &texts["unread_count"]),
        (&json!(1), &json!(["+12016661234", "+18045551234"]), &json!(["sms", "mms"]), &json!(4), &json!(2))
    );
    assert_eq!(texts["last_message"]["body"], "mms in");
    assert_eq!(mail["last_message"]["from"], "contact@gmail.com");
    app.run_outbox().await;
}

#[tokio::test]
async fn every_message_of_the_script_stands_in_its_conversation() {
    let app = TestApp::start().await;
    run_script(&app).await;
    let texts = app.list("/api/conversations/1/messages").await;
    let shown: Vec<_> = texts.iter().map(|m| (text(&m["body"]), text(&m["direction"]), text(&m["type"]))).collect();
    assert_eq!(
        shown,
        [
            ("sms out", "outbound", "sms"),
            ("mms out", "outbound", "mms"),
            ("sms in", "inbound", "sms"),
            ("mms in", "inbound", "mms")
        ]
    );
    assert_eq!(texts[3]["attachments"], json!(["https://example.com/received-image.jpg"]));
    assert!(texts.iter().all(|message| message["timestamp"] == "2024-11-01T14:00:00.000000Z"));
    assert_eq!(texts[2]["status"], "received");
    let mails = app.list("/api/conversations/2/messages?order=desc").await;
    assert_eq!((mails.len(), &mails[0]["text"]), (2, &json!("mail in")));
    app.run_outbox().await;
}

#[tokio::test]
async fn the_script_run_again_adds_no_inbound_row() {
    let app = TestApp::start().await;
    let first = run_script(&app).await;
    let again = run_script(&app).await;
    assert_eq!(statuses(&again), [201, 201, 201, 200, 200, 200]);
    for at in 3..6 {
        assert_eq!(first[at].body, again[at].body);
    }
    assert_eq!(app.count_messages().await, 9);
    assert_eq!(app.list("/api/conversations").await.len(), 2);
    assert_ne!(again[4]["id"], again[5]["id"], "message-2 is an MMS and a mail");
    app.run_outbox().await;
}

#[tokio::test]
async fn a_repeat_with_another_content_is_noted_and_changes_nothing() {
    let app = TestApp::start().await;
    let (path, body) = script().remove(3);
    let first = app.post(path, body.clone()).await;
    app.advance(seconds(5));
    let mut other = body.clone();
    other["body"] = json!("something else");
    let again = app.post(path, other).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
    let notes: Vec<Value> =
        app.timeline(&first.body).await.into_iter().filter(|entry| entry["kind"] == "note").collect();
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0]["at"], "2026-03-02T12:00:05.000000Z");
    app.post(path, body).await;
    assert_eq!(app.timeline(&first.body).await.len(), 2, "a true repeat is not noted");
}

#[tokio::test]
async fn messages_stand_in_the_order_of_their_timestamp_and_id() {
    let app = TestApp::start().await;
    for (body, at) in [("c", "2024-01-02T00:00:00Z"), ("a", "2023-01-01T00:00:00Z"), ("d", "2024-01-02T00:00:00Z")] {
        let mut draft = sms(body);
        draft["timestamp"] = json!(at);
        app.send(draft).await;
    }
    let bodies = |page: &[Value]| page.iter().map(|m| text(&m["body"]).to_owned()).collect::<Vec<_>>();
    assert_eq!(bodies(&app.list("/api/conversations/1/messages").await), ["a", "c", "d"]);
    assert_eq!(bodies(&app.list("/api/conversations/1/messages?order=desc").await), ["d", "c", "a"]);
    app.run_outbox().await;
}

#[tokio::test]
async fn newest_activity_comes_first_whatever_time_is_claimed() {
    let app = TestApp::start().await;
    for (to, at) in [("+12025550001", "2030-01-01T00:00:00Z"), ("+12025550002", "1999-01-01T00:00:00Z")] {
        let mut draft = sms("x");
        draft["to"] = json!(to);
        draft["timestamp"] = json!(at);
        app.send(draft).await;
        app.advance(seconds(1));
    }
    let ids = |page: &[Value]| page.iter().map(|c| c["id"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!(ids(&app.list("/api/conversations").await), [2, 1]);
    let mut draft = sms("again");
    draft["to"] = json!("+12025550001");
    app.send(draft).await;
    assert_eq!(ids(&app.list("/api/conversations").await), [1, 2]);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_filter_finds_a_whole_address_and_nothing_less() {
    let app = TestApp::start().await;
    run_script(&app).await;
    for (query, ids) in [
        ("participant=%2B18045551234", vec![1]),
        ("participant=+18045551234", vec![1]),
        ("participant=8045551234", vec![1]),
        ("participant=contact@GMAIL.com", vec![2]),
        ("participant=%2B1804555123", vec![]),
        ("participant=nobody@example.com", vec![]),
        ("channel=sms", vec![1]),
        ("channel=mms", vec![1]),
        ("channel=email", vec![2]),
        ("channel=chat", vec![]),
        ("channel=email&participant=8045551234", vec![]),
    ] {
        let found = app.list(&format!("/api/conversations?{query}")).await;
        let found: Vec<i64> = found.iter().map(|c| c["id"].as_i64().unwrap()).collect();
        assert_eq!(found, ids, "{query}");
    }
    for (query, error) in [
        ("participant=x%00", "query:participant invalid"),
        ("participant=", "query:participant invalid"),
        ("channel=fax", "query:channel invalid"),
        ("q=%00", "query:q invalid"),
    ] {
        let answer = app.get(&format!("/api/conversations?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.errors()), (400, vec![error.to_owned()]), "{query}");
    }
    app.run_outbox().await;
}

#[tokio::test]
async fn a_search_finds_every_word_of_one_message_or_a_whole_address() {
    let app = TestApp::start().await;
    run_script(&app).await;
    let mut subject = email("no words here");
    subject["subject"] = json!("Quarterly Ärger: it's 24/7");
    subject["to"] = json!("other@example.com");
    app.send(subject).await;
    app.index().await;
    for (q, ids) in [
        ("mms", vec![1]),
        ("MMS%20out", vec![1]),
        ("mms+html", vec![]),
        ("html+formatting", vec![2]),
        ("b", vec![]),
        ("quarterly", vec![3]),
        ("%C3%84RGER", vec![3]),
        ("words+here+quarterly", vec![3]),
        ("quart", vec![]),
        ("contact@gmail.com", vec![2]),
        ("8045551234", vec![1]),
        ("gmail.com", vec![]),
        ("%22OR%22", vec![]),
        ("*", vec![]),
        ("NEAR(", vec![]),
    ] {
        let found = app.list(&format!("/api/conversations?q={q}")).await;
        let found: Vec<i64> = found.iter().map(|c| c["id"].as_i64().unwrap()).collect();
        assert_eq!(found, ids, "{q}");
    }
    let both = app.list("/api/conversations?q=mms&participant=contact@gmail.com").await;
    assert!(both.is_empty());
    assert_eq!(app.list("/api/conversations?q=%20").await.len(), 3, "no words are no filter");
    app.run_outbox().await;
}

#[tokio::test]
async fn pages_hold_every_conversation_once_while_others_arrive() {
    let app = TestApp::start().await;
    for n in 0..25 {
        let mut draft = sms("x");
        draft["to"] = json!(format!("+1202555{n:04}"));
        app.send(draft).await;
        if n % 3 == 0 {
            app.advance(seconds(1));
        }
    }
    let mut seen = Vec::new();
    let mut path = "/api/conversations?limit=7".to_owned();
    loop {
        let page = app.get(&path).await;
        seen.extend(page["data"].as_array().unwrap().iter().map(|c| c["id"].as_i64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/conversations?limit=7&cursor={cursor}");
        let mut late = sms("late");
        late["to"] = json!(format!("+1303555{:04}", seen.len()));
        app.send(late).await;
    }
    let expected: Vec<i64> = (1..=25).rev().collect();
    assert_eq!(seen, expected);
    app.run_outbox().await;
}

#[tokio::test]
async fn pages_of_messages_hold_every_message_once_in_both_orders() {
    let app = TestApp::start().await;
    let drafts: Vec<Value> = (0..23)
        .map(|n| {
            let mut draft = sms(&n.to_string());
            draft["timestamp"] = json!(format!("2024-01-01T00:00:{:02}Z", n % 4));
            draft
        })
        .collect();
    app.post("/api/messages/batch", json!({ "messages": drafts })).await;
    let mut orders = Vec::new();
    for order in ["asc", "desc"] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app.get(&format!("/api/conversations/1/messages?order={order}&limit=5{cursor}")).await;
            seen.extend(page["data"].as_array().unwrap().iter().map(|m| m["id"].as_i64().unwrap()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 23);
        orders.push(seen);
    }
    orders[1].reverse();
    assert_eq!(orders[0], orders[1]);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_cursor_of_another_list_or_a_broken_one_is_refused() {
    let app = TestApp::start().await;
    for to in ["+12025550001", "+12025550002"] {
        let mut draft = sms("x");
        draft["to"] = json!(to);
        app.send(draft.clone()).await;
        app.send(draft).await;
    }
    let cursor = app.get("/api/conversations/1/messages?limit=1").await["next_cursor"].as_str().unwrap().to_owned();
    let good = app.get(&format!("/api/conversations/1/messages?limit=1&cursor={cursor}")).await;
    assert_eq!(good.status, 200);
    for path in [
        format!("/api/conversations/2/messages?cursor={cursor}"),
        format!("/api/conversations/1/messages?order=desc&cursor={cursor}"),
        format!("/api/conversations?cursor={cursor}"),
        format!("/api/dead-letters?cursor={cursor}"),
        format!("/messages?cursor={cursor}"),
        format!("/api/conversations/1/messages?cursor={}", &cursor[..cursor.len() - 4]),
        "/api/conversations?cursor=nonsense".to_owned(),
        "/api/conversations?cursor=".to_owned(),
        "/api/conversations?cursor=W10".to_owned(),
    ] {
        let answer = app.get(&path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.errors()),
            (400, vec!["query:cursor invalid_cursor".to_owned()]),
            "{path}"
        );
    }
    app.run_outbox().await;
}

#[tokio::test]
async fn a_limit_outside_1_to_200_is_refused() {
    let app = TestApp::start().await;
    app.send_sms("x").await;
    for list in ["/api/conversations", "/api/conversations/1/messages", "/api/dead-letters", "/api/quarantine"] {
        for limit in ["0", "201", "-1", "ten", "1.5", "", "9999999999999999999999"] {
            let answer = app.get(&format!("{list}?limit={limit}")).await;
            assert_eq!(answer.errors(), ["query:limit invalid"], "{list} {limit}");
            assert_eq!(answer.status, 400);
        }
        for limit in ["1", "200"] {
            assert_eq!(app.get(&format!("{list}?limit={limit}")).await.status, 200, "{list} {limit}");
        }
    }
    app.run_outbox().await;
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_is_no_id_is_400() {
    let app = TestApp::start().await;
    app.send_sms("x").await;
    let mut other = sms("y");
    other["to"] = json!("+12025550009");
    app.send(other).await;
    for (path, status, code) in [
        ("/api/conversations/99999", 404, "no_such_conversation"),
        ("/api/conversations/99999/messages", 404, "no_such_conversation"),
        ("/api/conversations/0/messages", 404, "no_such_conversation"),
        ("/api/conversations/-1/messages", 404, "no_such_conversation"),
        ("/api/conversations/99999999999999999999999/messages", 404, "no_such_conversation"),
        ("/api/conversations/abc/messages", 400, "invalid_request"),
        ("/api/conversations/1.5/messages", 400, "invalid_request"),
        ("/api/conversations/%31x/messages", 400, "invalid_request"),
        ("/api/conversations/1/messages/99", 404, "no_such_message"),
        ("/api/conversations/1/messages/2", 404, "no_such_message"),
        ("/api/conversations/1/messages/2/timeline", 404, "no_such_message"),
        ("/api/conversations/1/messages/x", 400, "invalid_request"),
        ("/api/nothing", 404, "not_found"),
    ] {
        let answer = app.get(path).await;
        assert_eq!((answer.status.as_u16(), text(&answer["code"])), (status, code), "{path}");
    }
    for path in ["cancel", "replay"] {
        let answer = app.post(&format!("/api/conversations/1/messages/2/{path}"), Value::Null).await;
        assert_eq!((answer.status.as_u16(), text(&answer["code"])), (404, "no_such_message"), "{path}");
    }
    let answer = app.delete("/api/conversations").await;
    assert_eq!((answer.status.as_u16(), text(&answer["code"])), (405, "method_not_allowed"));
    app.run_outbox().await;
}
