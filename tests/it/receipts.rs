//! What has reached whom, and what they have read of it.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::domain::Role;

use crate::chats::{get, list, newest, only_conversation, people, post, refusal, say};
use crate::harness::{Person, TestApp, minutes, path_of, text};

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
