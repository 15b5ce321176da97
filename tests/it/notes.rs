//! Internal notes: seen by the team, in the conversation's history, and by nothing that sends.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::Role;

use crate::harness::{TestApp, hours, path_of, seconds, text};
use crate::receiving::inbound;

const NOTE: &str = "a note that nobody outside may ever read";

#[tokio::test]
async fn a_note_is_read_by_the_team_and_stands_in_the_activity() {
    let app = TestApp::start().await;
    app.post("/api/webhooks/sms", inbound("m-1", "hello")).await;
    let [agent, admin] = [app.person("agent", Role::Agent).await, app.person("admin", Role::Admin).await];
    let path = "/api/conversations/1/notes";
    let made = app.as_person(&agent, Method::POST, path, Some(json!({ "body": NOTE }))).await;
    assert_eq!((made.status.as_u16(), text(&made["body"])), (201, NOTE));
    assert_eq!(made["author"], json!({ "type": "user", "id": agent.id, "username": "agent" }));
    app.advance(seconds(1));
    let key = app.key(&[Scope::MessagesSend]).await;
    let by_key = [("authorization", key.as_str())];
    assert_eq!(app.post_with(path, &by_key, json!({ "body": "by a key" }).to_string()).await.status, 201);
    let read = app.as_person(&admin, Method::GET, path, None).await;
    let bodies: Vec<&str> = read["data"].as_array().unwrap().iter().map(|note| text(&note["body"])).collect();
    assert_eq!(bodies, [NOTE, "by a key"]);
    assert_eq!(read["data"][1]["author"]["type"], "key");
    app.as_person(&admin, Method::PATCH, "/api/conversations/1", Some(json!({ "state": "closed" }))).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("/api/conversations/1/activity?limit=1{cursor}")).await;
        assert_eq!(page.status, 200, "{:?}", page.body);
        seen.push(page["data"][0].clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let kinds: Vec<_> = seen.iter().map(|act| (text(&act["kind"]), text(&act["note"]["body"]))).collect();
    assert_eq!(kinds, [("note", NOTE), ("note", "by a key"), ("state", "")]);
    for bad in [json!({}), json!({ "body": "" }), json!({ "body": "x".repeat(10_001) }), json!({ "body": "a\0" })] {
        assert_eq!(app.as_person(&agent, Method::POST, path, Some(bad)).await.status, 400);
    }
    let nowhere = app.as_person(&agent, Method::POST, "/api/conversations/9/notes", Some(json!({ "body": "x" }))).await;
    assert_eq!(nowhere.status, 404);
}

#[tokio::test]
async fn no_path_that_sends_reaches_a_note() {
    let app = TestApp::start().await;
    let received = app.post("/api/webhooks/sms", inbound("m-1", "hello")).await;
    let agent = app.person("agent", Role::Agent).await;
    let note = async || {
        let path = "/api/conversations/1/notes";
        assert_eq!(app.as_person(&agent, Method::POST, path, Some(json!({ "body": NOTE }))).await.status, 201);
    };
    note().await;
    assert_eq!(app.run_outbox().await, 0, "a note is no work");
    let count = app.count_messages().await;
    let reply = app
        .as_person(&agent, Method::POST, "/api/conversations/1/messages", Some(json!({ "body": "an answer" })))
        .await;
    assert_eq!((reply.status.as_u16(), text(&reply["author"])), (201, "agent"));
    note().await;
    app.run_for(hours(1)).await;
    app.post(&format!("{}/replay", path_of(&reply.body)), Value::Null).await;
    app.run_for(hours(12)).await;
    assert_eq!(app.count_messages().await, count + 1);
    let carried = app.provider.attempts();
    assert!(!carried.is_empty());
    for attempt in carried {
        assert!(!format!("{:?}", attempt.envelope).contains(NOTE));
    }
    app.index().await;
    for path in [
        "/api/conversations".to_owned(),
        "/api/conversations/1".to_owned(),
        "/api/conversations/1/messages".to_owned(),
        "/messages".to_owned(),
        "/api/dead-letters".to_owned(),
        format!("{}/timeline", path_of(&received.body)),
        format!("{}/timeline", path_of(&reply.body)),
    ] {
        let answer = app.get(&path).await;
        assert!(answer.status == 200 && !answer.text().contains(NOTE), "{path}");
    }
    assert!(app.list("/api/conversations?q=nobody+outside").await.is_empty(), "search knows no notes");
    for (table, columns) in [
        ("messages", "coalesce(subject, '') || body || coalesce(status_reason, '')"),
        ("attempts", "coalesce(reason, '') || coalesce(reference, '')"),
        ("outbox", "provider"),
        ("events", "data"),
        ("message_events", "data"),
        ("conversation_acts", "data"),
    ] {
        let cast = if app.database().is_postgres() { format!("({columns})::text") } else { columns.to_owned() };
        let rows = app.database().texts(&format!("select {cast} from {table}")).await;
        assert!(rows.iter().all(|row| !row.contains(NOTE)), "{table}");
    }
    assert_eq!(app.database().number("select count(*) from notes").await, 2);
}
