//! Groups: who is in them, what they see, and who may do what.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::domain::Role;

use crate::chats::{get, list, only_conversation, people, post, refusal};
use crate::harness::{Answer, Person, TestApp, minutes, text};

async fn begin(app: &TestApp, owner: &Person, members: &[&str]) -> String {
    let body = json!({ "kind": "group", "name": "Toons", "members": members });
    let made = post(app, owner, "/api/conversations", body).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    format!("/api/conversations/{}", made["id"])
}

async fn add(app: &TestApp, person: &Person, path: &str, name: &str) -> Answer {
    post(app, person, &format!("{path}/members"), json!({ "user_name": name })).await
}

async fn remove(app: &TestApp, person: &Person, path: &str, name: &str) -> Answer {
    app.as_person(person, Method::DELETE, &format!("{path}/members/{name}"), None).await
}

async fn tell(app: &TestApp, person: &Person, path: &str, body: &str) -> Value {
    let answer = post(app, person, &format!("{path}/messages"), json!({ "body": body })).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    answer.body
}

async fn roles(app: &TestApp, person: &Person, path: &str) -> Vec<String> {
    let show = |member: &Value| format!("{} {}", text(&member["user_name"]), text(&member["role"]));
    list(app, person, &format!("{path}/members")).await.iter().map(show).collect()
}

#[tokio::test]
async fn a_group_has_an_owner_who_names_it_and_puts_people_out() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [rdibari, bugs, duck, porky] = [&people[0], &people[1], &people[2], &people[3]];
    let path = begin(&app, rdibari, &["bugs", "BUGS", "rdibari"]).await;
    app.advance(minutes(1));
    let group = only_conversation(&app, bugs).await;
    assert_eq!((&group["kind"], &group["name"]), (&json!("group"), &json!("Toons")));
    assert_eq!(group["participants"], json!(["bugs", "rdibari"]));
    let named = app.as_person(rdibari, Method::PATCH, &path, Some(json!({ "name": " Carrots " }))).await;
    assert_eq!((named.status.as_u16(), text(&named["name"])), (200, "Carrots"));
    let not_theirs = app.as_person(bugs, Method::PATCH, &path, Some(json!({ "name": "x" }))).await;
    assert_eq!(refusal(&not_theirs), (403, "not_the_owner"));
    assert_eq!(add(&app, bugs, &path, "duck").await.status, 200);
    assert_eq!(add(&app, bugs, &path, "duck").await.status, 200, "once more changes nothing");
    assert_eq!(refusal(&add(&app, bugs, &path, "nobody").await), (404, "no_such_user"));
    assert_eq!(refusal(&remove(&app, bugs, &path, "duck").await), (403, "not_the_owner"));
    assert_eq!(refusal(&remove(&app, rdibari, &path, "porky").await), (404, "no_such_member"));
    assert_eq!(roles(&app, duck, &path).await, ["rdibari owner", "bugs member", "duck member"]);
    assert_eq!(remove(&app, rdibari, &path, "duck").await.status, 204);
    assert_eq!(app.as_person(duck, Method::GET, &path, None).await.status, 404);
    assert_eq!(list(&app, duck, "/api/conversations").await, Vec::<Value>::new());
    assert_eq!(refusal(&add(&app, porky, &path, "porky").await), (404, "no_such_conversation"));
    for (body, errors) in [
        (json!({}), "kind required"),
        (json!({ "kind": "group", "name": " ", "members": [] }), "name invalid"),
        (json!({ "kind": "group", "name": "x" }), "members required"),
        (json!({ "kind": "group", "name": "x".repeat(101), "members": [] }), "name invalid"),
        (json!({ "kind": "group", "name": "x", "members": vec!["bugs"; 501] }), "members too_many"),
        (json!({ "kind": "group", "name": "x", "members": ["bugs", "nobody"] }), "members[1] unknown"),
        (json!({ "kind": "direct" }), "user_name required"),
        (json!({ "kind": "direct", "user_name": "rdibari" }), "user_name invalid"),
        (json!({ "kind": "numbers" }), "kind invalid"),
    ] {
        assert_eq!(post(&app, rdibari, "/api/conversations", body.clone()).await.errors(), [errors], "{body}");
    }
}

#[tokio::test]
async fn an_owner_who_leaves_hands_over_and_a_group_of_none_stays_closed() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [rdibari, bugs, duck] = [&people[0], &people[1], &people[2]];
    let path = begin(&app, rdibari, &[]).await;
    for person in [duck, bugs] {
        app.advance(minutes(1));
        assert_eq!(add(&app, rdibari, &path, &person.username).await.status, 200);
    }
    assert_eq!(remove(&app, rdibari, &path, "rdibari").await.status, 204);
    assert_eq!(roles(&app, bugs, &path).await, ["duck owner", "bugs member"]);
    assert_eq!(remove(&app, duck, &path, "duck").await.status, 204);
    assert_eq!(roles(&app, bugs, &path).await, ["bugs owner"]);
    assert_eq!(remove(&app, bugs, &path, "bugs").await.status, 204);
    let closed = "select count(*) from conversations where kind = 'group' and state = 'closed'";
    assert_eq!(app.database().number(closed).await, 1);
    let agent = app.person("agent", Role::Agent).await;
    let closed = app.as_person(&agent, Method::GET, "/api/conversations?state=closed", None).await;
    assert_eq!(closed["data"], json!([]), "what people said is no agent's to see");
    for person in [rdibari, bugs, duck] {
        assert_eq!(post(&app, person, &format!("{path}/messages"), json!({ "body": "x" })).await.status, 404);
    }
}

#[tokio::test]
async fn whoever_joins_sees_what_is_said_from_then_on() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [rdibari, bugs] = [&people[0], &people[1]];
    let path = begin(&app, rdibari, &["duck"]).await;
    let before = tell(&app, rdibari, &path, "before, with carrots").await;
    tell(&app, rdibari, &path, "also before").await;
    let joined = add(&app, rdibari, &path, "bugs").await;
    assert_eq!(joined.status, 200);
    let group = only_conversation(&app, bugs).await;
    assert_eq!((&group["message_count"], &group["unread_count"]), (&json!(0), &json!(0)), "counts tell nothing either");
    assert_eq!(group["last_message"], Value::Null);
    tell(&app, rdibari, &path, "after").await;
    app.index().await;
    for order in ["asc", "desc"] {
        let seen = list(&app, bugs, &format!("{path}/messages?order={order}")).await;
        assert_eq!(seen.iter().map(|message| text(&message["body"])).collect::<Vec<_>>(), ["after"]);
    }
    let hidden = format!("{path}/messages/{}", before["id"]);
    for path in [hidden.clone(), format!("{hidden}/timeline"), format!("{hidden}/history")] {
        assert_eq!(app.as_person(bugs, Method::GET, &path, None).await.status, 404, "{path}");
    }
    let reaction = format!("{hidden}/reactions/%F0%9F%91%8D");
    assert_eq!(app.as_person(bugs, Method::PUT, &reaction, None).await.status, 404);
    assert_eq!(list(&app, bugs, "/api/conversations?q=carrots").await, Vec::<Value>::new());
    assert_eq!(list(&app, bugs, "/api/conversations?q=after").await.len(), 1);
    assert_eq!(list(&app, rdibari, "/api/conversations?q=carrots").await.len(), 1);
    assert_eq!(only_conversation(&app, bugs).await["message_count"], 1);
    assert_eq!(remove(&app, bugs, &path, "bugs").await.status, 204);
    tell(&app, rdibari, &path, "while away").await;
    assert_eq!(add(&app, rdibari, &path, "bugs").await.status, 200);
    assert_eq!(list(&app, bugs, &format!("{path}/messages")).await, Vec::<Value>::new(), "who comes back begins anew");
}

#[tokio::test]
async fn a_workspace_may_show_everything_to_whoever_joins() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    app.database().execute("update workspaces set group_history = 'all' where id = 1").await;
    let path = begin(&app, &people[0], &["duck"]).await;
    tell(&app, &people[0], &path, "before").await;
    assert_eq!(add(&app, &people[0], &path, "bugs").await.status, 200);
    assert_eq!(list(&app, &people[1], &format!("{path}/messages")).await.len(), 1);
    assert_eq!(get(&app, &people[1], &path).await["message_count"], 1);
}

#[tokio::test]
async fn there_is_one_conversation_with_each_other_person() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let body = json!({ "kind": "direct", "user_name": "bugs" });
    let made = post(&app, &people[0], "/api/conversations", body.clone()).await;
    assert_eq!((made.status.as_u16(), &made["participants"]), (201, &json!(["bugs", "rdibari"])));
    let again = post(&app, &people[0], "/api/conversations", body).await;
    assert_eq!((again.status.as_u16(), &again["id"]), (200, &made["id"]));
    let back = post(&app, &people[1], "/api/conversations", json!({ "kind": "direct", "user_name": "rdibari" })).await;
    assert_eq!((back.status.as_u16(), &back["id"]), (200, &made["id"]));
    let path = format!("/api/conversations/{}", made["id"]);
    assert_eq!(refusal(&add(&app, &people[0], &path, "duck").await), (409, "not_a_group"));
    assert_eq!(refusal(&remove(&app, &people[0], &path, "bugs").await), (409, "not_a_group"));
}

#[tokio::test]
async fn a_group_has_at_most_five_hundred_members() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let path = begin(&app, &people[0], &["bugs"]).await;
    let at = if app.database().is_postgres() { "now()" } else { "1" };
    for sql in [
        format!(
            "with recursive n (n) as (select 1000 union all select n + 1 from n where n < 1497)
             insert into users (id, username, handle, first_name, last_name, email_id, mobile_id, password_hash,
                created_at, modified_at, failures)
             select n, 'u' || n, 'u' || n, '', '', n, n, 'none', {at}, {at}, 0 from n"
        ),
        format!("insert into memberships select 1, id, 'member', {at} from users where id >= 1000"),
        format!(
            "insert into members select 1, 1, id, 'member', {at}, {at}, null, 0, 0, 0, 0 from users where id >= 1000"
        ),
    ] {
        app.database().execute(&sql).await;
    }
    assert_eq!(list(&app, &people[0], &format!("{path}/members")).await.len(), 500);
    assert_eq!(refusal(&add(&app, &people[0], &path, "duck").await), (409, "too_many_members"));
    let said = tell(&app, &people[0], &path, "hello, all").await;
    assert_eq!(said["to"].as_array().unwrap().len(), 499);
}
