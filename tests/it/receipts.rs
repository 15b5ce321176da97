//! What has reached whom, and what they have read of it.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::Connection;
use switchboard::domain::Role;

use crate::chats::{get, list, newest, only_conversation, people, post, refusal, say};
use crate::database::postgres;
use crate::gone::until_waiting;
use crate::harness::{Person, TestApp, minutes, path_of, text};
use crate::logs;

async fn group(app: &TestApp, owner: &Person, members: &[&str]) -> String {
    let body = json!({ "kind": "group", "name": "Toons", "members": members });
    let made = post(app, owner, "/api/conversations", body).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    format!("/api/conversations/{}", made["id"])
}

fn statuses(message: &Value) -> Vec<String> {
    let show = |recipient: &Value| format!("{} {}", text(&recipient["address"]), text(&recipient["status"]));
    message["recipients"].as_array().unwrap().iter().map(show).collect()
}

#[tokio::test]
async fn a_message_is_delivered_when_fetched_and_read_when_marked_person_by_person() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [rdibari, bugs, duck] = [&people[0], &people[1], &people[2]];
    let path = group(&app, rdibari, &["bugs", "duck"]).await;
    let said = post(&app, rdibari, &format!("{path}/messages"), json!({ "body": "hello, all" })).await;
    assert_eq!((said.status.as_u16(), &said["to"]), (201, &json!(["bugs", "duck"])));
    let message = path_of(&said.body);
    assert_eq!(statuses(&get(&app, rdibari, &message).await), ["bugs accepted", "duck accepted"]);
    list(&app, bugs, "/api/conversations").await;
    assert_eq!(
        statuses(&get(&app, rdibari, &message).await)[0],
        "bugs accepted",
        "a list of conversations is no fetching"
    );
    list(&app, bugs, &format!("{path}/messages")).await;
    let seen = get(&app, rdibari, &message).await;
    assert_eq!(
        (statuses(&seen), text(&seen["status"])),
        (vec!["bugs delivered".to_owned(), "duck accepted".to_owned()], "accepted")
    );
    get(&app, duck, &message).await;
    let mark = json!({ "last_message_id": said["id"] });
    assert_eq!(post(&app, bugs, &format!("{path}/read"), mark.clone()).await.status, 204);
    let seen = get(&app, rdibari, &message).await;
    assert_eq!(
        (statuses(&seen), text(&seen["status"])),
        (vec!["bugs read".to_owned(), "duck delivered".to_owned()], "delivered")
    );
    assert_eq!(only_conversation(&app, rdibari).await["last_message"]["status"], "delivered");
    assert_eq!(post(&app, duck, &format!("{path}/read"), mark).await.status, 204);
    assert_eq!(get(&app, rdibari, &message).await["status"], "read");
    let outsider = post(&app, &people[3], &format!("{path}/read"), json!({ "last_message_id": 1 })).await;
    assert_eq!(refusal(&outsider), (404, "no_such_conversation"));
}

#[tokio::test]
async fn marking_read_counts_down_to_what_came_after() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck] = [&people[1], &people[2]];
    let mut ids = Vec::new();
    for at in 0..5 {
        ids.push(say(&app, bugs, duck, &format!("number {at}")).await["id"].clone());
    }
    let unread = async |person: &Person| only_conversation(&app, person).await["unread_count"].clone();
    assert_eq!((unread(duck).await, unread(bugs).await), (json!(5), json!(0)));
    let mark = async |last: &Value| {
        let answer = post(&app, duck, "/api/conversations/1/read", json!({ "last_message_id": last })).await;
        assert_eq!(answer.status, 204, "{:?}", answer.body);
    };
    mark(&ids[2]).await;
    assert_eq!(unread(duck).await, 2);
    mark(&ids[1]).await;
    assert_eq!(unread(duck).await, 2, "nothing is unread again");
    mark(&json!(9_000_000_000_000_i64)).await;
    assert_eq!(unread(duck).await, 0);
    say(&app, bugs, duck, "one more").await;
    assert_eq!(unread(duck).await, 1, "nobody reads ahead");
    let events = "select count(*) from events where kind = 'message.read'";
    assert_eq!(app.database().number(events).await, 2, "an event for each set, none for nothing");
    for body in [json!({}), json!({ "last_message_id": "x" })] {
        assert_eq!(post(&app, duck, "/api/conversations/1/read", body).await.status, 400);
    }
}

#[tokio::test]
async fn reading_ones_own_list_delivers_and_nobody_elses_does() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck] = [&people[1], &people[2]];
    say(&app, bugs, duck, "hello").await;
    app.advance(minutes(1));
    app.get("/api/messages/duck").await;
    get(&app, bugs, "/api/messages/bugs").await;
    assert_eq!(get(&app, bugs, "/api/messages/bugs").await[0]["timestamp_delivered"], Value::Null);
    get(&app, duck, "/api/messages/duck").await;
    let delivered = app.now().to_string();
    app.advance(minutes(1));
    get(&app, duck, "/api/messages/duck").await;
    let said = get(&app, bugs, "/api/messages/bugs").await;
    assert_eq!((text(&said[0]["timestamp_delivered"]), &said[0]["timestamp_read"]), (delivered.as_str(), &Value::Null));
    let events = "select count(*) from events where kind = 'message.delivered'";
    assert_eq!(app.database().number(events).await, 1);
    post(&app, duck, "/api/conversations/1/read", json!({ "last_message_id": 1 })).await;
    assert_eq!(text(&get(&app, bugs, "/api/messages/bugs").await[0]["timestamp_read"]), app.now().to_string());
}

#[tokio::test]
async fn a_conversation_of_numbers_is_read_for_everybody_who_answers_there() {
    let app = TestApp::start().await;
    let agent = app.person("agent-smith", Role::Agent).await;
    let member = app.person("a-member", Role::Member).await;
    let received = app.post("/api/webhooks/sms", crate::receiving::inbound("m-1", "hello")).await;
    let path = format!("/api/conversations/{}", received["conversation_id"]);
    let mark = json!({ "last_message_id": received["id"] });
    assert_eq!(post(&app, &member, &format!("{path}/read"), mark.clone()).await.status, 404);
    assert_eq!(get(&app, &agent, &path).await["unread_count"], 1);
    assert_eq!(post(&app, &agent, &format!("{path}/read"), mark).await.status, 204);
    assert_eq!(app.get(&path).await["unread_count"], 0);
    let reaction = format!("{}/reactions/%F0%9F%91%8D", path_of(&received.body));
    assert_eq!(refusal(&app.as_person(&agent, Method::PUT, &reaction, None).await), (409, "not_a_chat"));
    assert_eq!(
        refusal(&app.as_person(&agent, Method::PATCH, &path, Some(json!({ "name": "x" }))).await),
        (409, "not_a_group")
    );
}

#[tokio::test]
async fn an_answer_is_not_spoilt_by_a_receipt_that_cannot_be_written() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    say(&app, &people[1], &people[2], "hello").await;
    newest(&app, &people[1]).await;
    let trigger = if app.database().is_postgres() {
        "create rule no_receipts as on update to receipts do instead select 1 / 0"
    } else {
        "create trigger no_receipts before update on receipts begin select raise(abort, 'no'); end"
    };
    app.database().execute(trigger).await;
    assert_eq!(newest(&app, &people[2]).await["body"], "hello");
}

#[tokio::test]
async fn fetching_and_reading_the_same_messages_at_once_is_never_refused() {
    const FORGET: &str = "update receipts set delivered_at = null, read_at = null";
    const UNREAD: &str = "update members set last_read_id = 0, unread_count = 40";
    logs::keep();
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck] = [&people[1], &people[2]];
    let mut last = Value::Null;
    for at in 0..40 {
        last = say(&app, bugs, duck, &format!("number {at}")).await["id"].clone();
    }
    let (path, mark) = ("/api/conversations/1/messages", json!({ "last_message_id": last }));
    for round in 0..10 {
        app.database().execute(FORGET).await;
        app.database().execute(UNREAD).await;
        let (read, fetched, backwards, again, ()) = tokio::join!(
            post(&app, duck, "/api/conversations/1/read", mark.clone()),
            app.as_person(duck, Method::GET, path, None),
            app.as_person(duck, Method::GET, "/api/conversations/1/messages?order=desc", None),
            post(&app, duck, "/api/conversations/1/read", mark.clone()),
            hold_the_middle(&app),
        );
        let statuses = [&read, &fetched, &backwards, &again].map(|answer| answer.status.as_u16());
        assert_eq!(statuses, [204, 200, 200, 204], "round {round}");
        let missing = "select count(*) from receipts where delivered_at is null or read_at is null";
        assert_eq!(app.database().number(missing).await, 0, "round {round}");
    }
    let failed = logs::kept().into_iter().filter(|line| line.contains("is not noted")).collect::<Vec<_>>();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Holds one receipt among the others on PostgreSQL until everybody waits: whoever takes rows in another order has some
/// by then that the others want.
async fn hold_the_middle(app: &TestApp) {
    if app.database().is_postgres() {
        let mut conn = postgres(&app.database().url).await;
        let mut tx = conn.begin().await.unwrap();
        sqlx::query("select 1 from receipts where message_id = 20 for update").execute(&mut *tx).await.unwrap();
        until_waiting(app, 4).await;
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_list_names_the_people_of_a_small_group_and_counts_those_of_a_large_one() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [rdibari, bugs] = [&people[0], &people[1]];
    let mut names = Vec::new();
    for at in 0..21 {
        names.push(app.person(&format!("toon-{at}"), Role::Member).await.username);
    }
    let mut members: Vec<&str> = names.iter().map(String::as_str).collect();
    members.push("bugs");
    let large = group(&app, rdibari, &members).await;
    let small = group(&app, rdibari, &["bugs", "duck"]).await;
    for path in [&large, &small] {
        assert_eq!(post(&app, rdibari, &format!("{path}/messages"), json!({ "body": "hello" })).await.status, 201);
    }
    list(&app, bugs, &format!("{large}/messages")).await;
    let listed = list(&app, rdibari, &format!("{large}/messages")).await.remove(0);
    assert_eq!((&listed["recipients"], &listed["to"]), (&json!([]), &json!([])));
    assert_eq!(listed["receipts"], json!({ "sent": 22, "delivered": 1, "read": 0 }));
    assert_eq!(text(&listed["status"]), "accepted");
    let whole = get(&app, rdibari, &path_of(&listed)).await;
    assert_eq!((statuses(&whole).len(), &whole["receipts"]), (22, &listed["receipts"]));
    assert!(statuses(&whole).contains(&"bugs delivered".to_owned()));
    let listed = list(&app, rdibari, &format!("{small}/messages")).await.remove(0);
    assert_eq!(statuses(&listed), ["bugs accepted", "duck accepted"]);
    assert!(listed["receipts"].is_null(), "{listed}");
}

#[tokio::test]
async fn what_was_taken_back_is_unread_by_nobody() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck, porky] = [&people[1], &people[2], &people[3]];
    for body in ["one", "two", "three"] {
        say(&app, bugs, duck, body).await;
    }
    let unread = async |person: &Person| only_conversation(&app, person).await["unread_count"].clone();
    let take_back = async |path: &str| app.as_person(bugs, Method::DELETE, path, None).await.status.as_u16();
    for _ in 0..2 {
        assert_eq!(take_back("/api/conversations/1/messages/2").await, 204);
        assert_eq!(unread(duck).await, 2);
    }
    post(&app, duck, "/api/conversations/1/read", json!({ "last_message_id": 2 })).await;
    assert_eq!(unread(duck).await, 1, "the third is still unread");
    assert_eq!(take_back("/api/conversations/1/messages/1").await, 204);
    assert_eq!(unread(duck).await, 1, "the first was read");
    app.database().execute("update workspaces set strangers = 'ask' where id = 1").await;
    let first = say(&app, bugs, porky, "may I?").await;
    say(&app, bugs, porky, "please").await;
    assert_eq!(take_back(&format!("/api/conversations/2/messages/{}", first["id"])).await, 204);
    assert_eq!(post(&app, porky, "/api/conversations/2/accept", json!({})).await["unread_count"], 1);
}
