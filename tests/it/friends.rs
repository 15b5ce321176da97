//! Friends, requests of strangers, and people one wants nothing of.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use switchboard::domain::{ConversationId, MemberRole, MessageId, Relation, WorkspaceId};
use switchboard::store::NewMember;

use crate::chats::{get, list, newest, only_conversation, people, post, refusal, said, say};
use crate::harness::{Answer, Person, TestApp, path_of, text};

async fn strangers(app: &TestApp, may: &str) {
    app.database().execute(&format!("update workspaces set strangers = '{may}' where id = 1")).await;
}

async fn ask(app: &TestApp, person: &Person, name: &str) -> Answer {
    post(app, person, "/api/friends", json!({ "user_name": name })).await
}

async fn send(app: &TestApp, sender: &Person, recipient: &Person) -> Answer {
    post(app, sender, "/api/messages", said(&sender.username, &recipient.username, "hello")).await
}

async fn call(app: &TestApp, person: &Person, method: Method, path: &str) -> u16 {
    app.as_person(person, method, path, None).await.status.as_u16()
}

async fn names(app: &TestApp, person: &Person, path: &str) -> Vec<String> {
    list(app, person, path).await.iter().map(|friend| text(&friend["user_name"]).to_owned()).collect()
}

#[tokio::test]
async fn two_are_friends_when_both_want_it() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck, porky] = [&people[1], &people[2], &people[3]];
    assert_eq!(ask(&app, bugs, "duck").await["state"], "asked");
    assert_eq!(ask(&app, bugs, "duck").await["state"], "asked");
    let requests = list(&app, duck, "/api/friend-requests").await;
    assert_eq!((text(&requests[0]["user_name"]), text(&requests[0]["direction"])), ("bugs", "in"));
    assert_eq!(list(&app, bugs, "/api/friend-requests").await[0]["direction"], "out");
    assert_eq!(names(&app, bugs, "/api/friends").await, Vec::<String>::new());
    assert_eq!(ask(&app, duck, "bugs").await["state"], "friends", "whoever was asked and asks back accepts");
    for (person, friend) in [(bugs, "duck"), (duck, "bugs")] {
        assert_eq!(names(&app, person, "/api/friends").await, [friend]);
        assert_eq!(names(&app, person, "/api/friend-requests").await, Vec::<String>::new());
    }
    assert_eq!(ask(&app, porky, "bugs").await["state"], "asked");
    assert_eq!(post(&app, bugs, "/api/friends/porky/accept", json!({})).await["state"], "friends");
    assert_eq!(refusal(&post(&app, bugs, "/api/friends/porky/accept", json!({})).await), (404, "no_such_request"));
    assert_eq!(call(&app, porky, Method::DELETE, "/api/friends/bugs").await, 204);
    assert_eq!(call(&app, porky, Method::DELETE, "/api/friends/bugs").await, 404);
    assert_eq!(names(&app, bugs, "/api/friends").await, ["duck"]);
    ask(&app, porky, "bugs").await;
    assert_eq!(post(&app, bugs, "/api/friends/porky/decline", json!({})).await.status, 204);
    assert_eq!(names(&app, porky, "/api/friend-requests").await, Vec::<String>::new());
    assert_eq!(ask(&app, bugs, "bugs").await.errors(), ["user_name invalid"]);
    assert_eq!(refusal(&ask(&app, bugs, "nobody").await), (404, "no_such_user"));
    assert_eq!(call(&app, bugs, Method::PUT, "/api/blocks/%00").await, 404);
    assert_eq!(app.get("/api/friends").await.status, 401, "the operator of dev is nobody's friend");
}

#[tokio::test]
async fn two_who_ask_each_other_at_once_are_friends() {
    let app = Arc::new(TestApp::start().await);
    let people = people(&app).await;
    let tasks = [(1, "duck"), (2, "bugs")].map(|(at, name)| {
        let (app, person) = (Arc::clone(&app), people[at].clone());
        tokio::spawn(async move { ask(&app, &person, name).await.status.as_u16() })
    });
    for task in tasks {
        assert_eq!(task.await.unwrap(), 200);
    }
    assert_eq!(names(&app, &people[1], "/api/friends").await, ["duck"]);
}

#[tokio::test]
async fn a_strangers_message_is_a_request_where_the_workspace_says_so() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck, porky] = [&people[1], &people[2], &people[3]];
    strangers(&app, "ask").await;
    say(&app, bugs, duck, "may I?").await;
    let request = only_conversation(&app, duck).await;
    assert_eq!((&request["is_request"], &request["unread_count"]), (&json!(true), &json!(0)));
    assert_eq!(only_conversation(&app, bugs).await["is_request"], Value::Null);
    let accepted = post(&app, duck, "/api/conversations/1/accept", json!({})).await;
    assert_eq!((accepted.status.as_u16(), &accepted["is_request"]), (200, &Value::Null));
    assert_eq!(accepted["unread_count"], 1, "what came with it is unread now");
    assert_eq!(refusal(&post(&app, duck, "/api/conversations/1/accept", json!({})).await), (409, "not_a_request"));
    say(&app, bugs, duck, "thanks").await;
    assert_eq!(only_conversation(&app, duck).await["unread_count"], 2);
    say(&app, porky, bugs, "may I too?").await;
    say(&app, bugs, porky, "you may").await;
    let taken_on = list(&app, bugs, "/api/conversations?participant=porky").await;
    assert_eq!(taken_on[0]["is_request"], Value::Null, "an answer takes it on");
    ask(&app, duck, "porky").await;
    say(&app, duck, porky, "friends?").await;
    assert_eq!(list(&app, porky, "/api/conversations?participant=duck").await[0]["is_request"], true);
    post(&app, porky, "/api/friends/duck/accept", json!({})).await;
    assert_eq!(list(&app, porky, "/api/conversations?participant=duck").await[0]["is_request"], Value::Null);
}

#[tokio::test]
async fn declining_a_request_blocks_without_saying_so() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck] = [&people[1], &people[2]];
    strangers(&app, "ask").await;
    say(&app, bugs, duck, "may I?").await;
    assert_eq!(refusal(&post(&app, bugs, "/api/conversations/1/decline", json!({})).await), (409, "not_a_request"));
    assert_eq!(post(&app, duck, "/api/conversations/1/decline", json!({})).await.status, 204);
    assert_eq!(list(&app, duck, "/api/conversations").await, Vec::<Value>::new());
    assert_eq!(names(&app, duck, "/api/blocks").await, ["bugs"]);
    assert_eq!(refusal(&send(&app, bugs, duck).await), (403, "strangers_may_not_write"));
    assert_eq!(call(&app, duck, Method::DELETE, "/api/blocks/bugs").await, 204);
    assert_eq!(send(&app, bugs, duck).await.status, 201);
    assert_eq!(only_conversation(&app, duck).await["is_request"], true);
}

#[tokio::test]
async fn whoever_is_blocked_gets_the_answer_that_a_stranger_gets() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck, porky] = [&people[1], &people[2], &people[3]];
    say(&app, bugs, duck, "before").await;
    assert_eq!(call(&app, duck, Method::PUT, "/api/blocks/bugs").await, 204);
    let body = |answer: Answer| {
        let mut body = answer.body;
        body["request_id"] = Value::Null;
        (answer.status.as_u16(), body)
    };
    let blocked = body(send(&app, bugs, duck).await);
    let blocking = body(send(&app, duck, bugs).await);
    let in_thread = body(post(&app, bugs, "/api/conversations/1/messages", json!({ "body": "x" })).await);
    let asked = body(ask(&app, bugs, "duck").await);
    let grouped = json!({ "kind": "group", "name": "x", "members": ["duck"] });
    let grouped = body(post(&app, bugs, "/api/conversations", grouped).await);
    strangers(&app, "no").await;
    let strange = body(send(&app, porky, duck).await);
    assert_eq!((strange.0, text(&strange.1["code"])), (403, "strangers_may_not_write"));
    for (name, answer) in
        [("blocked", blocked), ("blocking", blocking), ("thread", in_thread), ("asked", asked), ("grouped", grouped)]
    {
        assert_eq!(answer, strange, "{name}");
    }
    assert_eq!(newest(&app, duck).await["body"], "before");
}

#[tokio::test]
async fn where_strangers_may_not_write_friends_may() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck] = [&people[1], &people[2]];
    strangers(&app, "no").await;
    assert_eq!(send(&app, bugs, duck).await.status, 403);
    assert_eq!(app.count_messages().await, 0);
    assert_eq!(list(&app, bugs, "/api/conversations").await, Vec::<Value>::new(), "nothing is left of it");
    ask(&app, bugs, "duck").await;
    ask(&app, duck, "bugs").await;
    assert_eq!(send(&app, bugs, duck).await.status, 201);
    assert_eq!(get(&app, duck, "/api/conversations/1").await["is_request"], Value::Null);
    assert_eq!(call(&app, duck, Method::DELETE, "/api/friends/bugs").await, 204);
    assert_eq!(send(&app, bugs, duck).await.status, 403);
}

#[tokio::test]
async fn what_is_first_said_waits_until_two_know_what_they_are_to_each_other() {
    let app = Arc::new(TestApp::start().await);
    let people = people(&app).await;
    let [bugs, duck] = [people[1].id, people[2].id];
    strangers(&app, "ask").await;
    let mut tx = app.store().begin().await.unwrap();
    tx.lock_pair(WorkspaceId(1), [bugs, duck]).await.unwrap();
    let sending = {
        let (app, people) = (Arc::clone(&app), people.clone());
        tokio::spawn(async move { send(&app, &people[1], &people[2]).await.status.as_u16() })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    for pair in [[bugs, duck], [duck, bugs]] {
        tx.put_relation(WorkspaceId(1), pair, Relation::Friends, app.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(sending.await.unwrap(), 201);
    assert_eq!(only_conversation(&app, &people[2]).await["is_request"], Value::Null);
}

#[tokio::test]
async fn befriending_takes_on_a_request_that_is_being_written() {
    let app = Arc::new(TestApp::start().await);
    let people = people(&app).await;
    let [bugs, duck] = [people[1].id, people[2].id];
    ask(&app, &people[1], "duck").await;
    let made = post(&app, &people[1], "/api/conversations", json!({ "kind": "direct", "user_name": "duck" })).await;
    assert_eq!(made["id"], 1);
    strangers(&app, "ask").await;
    app.database().execute("delete from members").await;
    let mut tx = app.store().begin().await.unwrap();
    tx.lock_chat(WorkspaceId(1), ConversationId(1)).await.unwrap();
    let joins =
        |user, is_request| NewMember { user, role: MemberRole::Member, is_request, first: MessageId(0), hidden: 0 };
    tx.put_members(WorkspaceId(1), ConversationId(1), &[joins(bugs, false), joins(duck, true)], app.now())
        .await
        .unwrap();
    let accepting = {
        let (app, duck) = (Arc::clone(&app), people[2].clone());
        tokio::spawn(async move { post(&app, &duck, "/api/friends/bugs/accept", json!({})).await.status.as_u16() })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    tx.commit().await.unwrap();
    assert_eq!(accepting.await.unwrap(), 200);
    assert_eq!(only_conversation(&app, &people[2]).await["is_request"], Value::Null);
}

#[tokio::test]
async fn a_request_that_was_declined_is_gone_from_every_list_of_its_reader() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck] = [&people[1], &people[2]];
    strangers(&app, "ask").await;
    ask(&app, bugs, "duck").await;
    say(&app, bugs, duck, "may I?").await;
    assert_eq!(get(&app, duck, "/api/messages/duck").await.as_array().unwrap().len(), 1);
    assert_eq!(post(&app, duck, "/api/conversations/1/decline", json!({})).await.status, 204);
    assert_eq!(get(&app, duck, "/api/messages/duck").await, json!([]));
    assert_eq!(get(&app, bugs, "/api/messages/bugs").await.as_array().unwrap().len(), 1, "its author said it");
    for person in [bugs, duck] {
        assert_eq!(list(&app, person, "/api/friend-requests").await, Vec::<Value>::new());
    }
    assert_eq!(call(&app, duck, Method::DELETE, "/api/blocks/bugs").await, 204);
    say(&app, bugs, duck, "and now?").await;
    let seen = list(&app, duck, "/api/conversations/1/messages").await.len();
    assert_eq!(get(&app, duck, "/api/messages/duck").await.as_array().unwrap().len(), seen);
}

#[tokio::test]
async fn whoever_may_not_write_to_another_neither_edits_nor_reacts_there() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck] = [&people[1], &people[2]];
    say(&app, bugs, duck, "before").await;
    let group = json!({ "kind": "group", "name": "Toons", "members": ["duck"] });
    let group = post(&app, bugs, "/api/conversations", group).await;
    let in_group = format!("/api/conversations/{}/messages", group["id"]);
    let in_group = path_of(&post(&app, bugs, &in_group, json!({ "body": "x" })).await.body);
    let alone = "/api/conversations/1/messages/1";
    let edit = async |path: &str| app.as_person(bugs, Method::PATCH, path, Some(json!({ "body": "y" }))).await;
    let react = async |person: &Person, path: &str| {
        app.as_person(person, Method::PUT, &format!("{path}/reactions/%F0%9F%98%A1"), None).await
    };
    assert_eq!(react(duck, alone).await.status, 200);
    for (blocking, blocked) in [(duck, "bugs"), (bugs, "duck")] {
        assert_eq!(call(&app, blocking, Method::PUT, &format!("/api/blocks/{blocked}")).await, 204);
        assert_eq!(refusal(&edit(alone).await), (403, "strangers_may_not_write"), "{blocked} is blocked");
        for person in [bugs, duck] {
            assert_eq!(refusal(&react(person, alone).await), (403, "strangers_may_not_write"), "{blocked} is blocked");
        }
        assert_eq!((edit(&in_group).await.status, react(duck, &in_group).await.status.as_u16()), (StatusCode::OK, 200));
        assert_eq!(call(&app, blocking, Method::DELETE, &format!("/api/blocks/{blocked}")).await, 204);
    }
    assert_eq!(call(&app, duck, Method::PUT, "/api/blocks/bugs").await, 204);
    assert_eq!(call(&app, duck, Method::DELETE, &format!("{alone}/reactions/%F0%9F%98%A1")).await, 200);
    assert_eq!(call(&app, bugs, Method::DELETE, alone).await, 204, "one's own may always be taken back");
}
