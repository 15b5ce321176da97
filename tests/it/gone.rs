//! What is deleted between a look and a change: the answer is that of somebody who comes a moment later.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};
use switchboard::domain::Role;

use crate::database::postgres;
use crate::harness::{Answer, Person, TestApp, sms, text};

/// Waits until that many wait for a row on PostgreSQL, for a few seconds.
pub async fn until_waiting(app: &TestApp, count: i64) {
    const WAITING: &str = "select count(*) from pg_stat_activity where datname = current_database()
        and wait_event_type = 'Lock'";
    for _ in 0..100 {
        if app.database().number(WAITING).await >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Deletes something, and commits when a request is waiting for it; gives the answer. On SQLite nothing comes between.
async fn delete_under(
    app: &TestApp,
    sql: &str,
    person: &Person,
    (method, path): (Method, &str),
    body: Option<Value>,
) -> Option<Answer> {
    if !app.database().is_postgres() {
        println!("looked at when the tests run on PostgreSQL");
        return None;
    }
    let mut conn = postgres(&app.database().url).await;
    let mut tx = conn.begin().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await.unwrap();
    let request = app.as_person(person, method, path, body);
    let commit = async {
        until_waiting(app, 1).await;
        tx.commit().await.unwrap();
    };
    Some(tokio::join!(request, commit).0)
}

fn refusal(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), text(&answer["code"]))
}

#[tokio::test]
async fn a_label_that_is_deleted_while_it_is_put_on_is_not_there() {
    let app = TestApp::start().await;
    let agent = app.person("agent", Role::Agent).await;
    app.send_sms("hello").await;
    app.run_outbox().await;
    let admin = app.person("admin-person", Role::Admin).await;
    let label = app.as_person(&admin, Method::POST, "/api/labels", Some(json!({ "name": "urgent" }))).await;
    assert_eq!(label.status, 201, "{:?}", label.body);
    let put = (Method::PUT, format!("/api/conversations/1/labels/{}", label["id"]));
    if let Some(answer) = delete_under(&app, "delete from labels", &agent, (put.0, &put.1), None).await {
        assert_eq!(refusal(&answer), (404, "no_such_label"));
    }
}

#[tokio::test]
async fn a_file_that_is_swept_while_a_message_takes_it_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let agent = app.person("agent", Role::Agent).await;
    let url = crate::attachments::upload_text(&app, &agent).await;
    let mut draft = sms("look");
    draft["attachments"] = json!([url]);
    let send = (Method::POST, "/api/messages/sms");
    if let Some(answer) = delete_under(&app, "delete from files", &agent, send, Some(draft)).await {
        assert_eq!(answer.status, 400, "{:?}", answer.body);
        assert_eq!(answer.errors(), ["attachments[0] no_such_attachment"]);
        assert_eq!(app.count_messages().await, 0);
    }
}

#[tokio::test]
async fn somebody_who_leaves_while_they_are_asked_to_be_a_friend_is_not_there() {
    let app = TestApp::start().await;
    let [one, other] = [app.person("oneperson", Role::Member).await, app.person("another", Role::Member).await];
    let sql = format!("delete from memberships where user_id = {}", other.id);
    let ask = (Method::POST, "/api/friends");
    if let Some(answer) = delete_under(&app, &sql, &one, ask, Some(json!({ "user_name": "another" }))).await {
        assert_eq!(refusal(&answer), (404, "no_such_user"), "{:?}", answer.body);
    }
}

#[tokio::test]
async fn nothing_is_given_to_somebody_who_leaves_meanwhile() {
    let app = TestApp::start().await;
    let [agent, leaving] = [app.person("agent", Role::Agent).await, app.person("leaving", Role::Agent).await];
    app.send_sms("hello").await;
    app.run_outbox().await;
    let sql = format!("delete from memberships where user_id = {}", leaving.id);
    let give = (Method::PATCH, "/api/conversations/1");
    let body = json!({ "assignee": "leaving" });
    if let Some(answer) = delete_under(&app, &sql, &agent, give, Some(body)).await {
        assert_eq!(answer.errors(), ["assignee invalid"], "{:?}", answer.body);
        assert_eq!(app.database().number("select count(*) from conversations where assignee_id is not null").await, 0);
    }
}
