//! People writing to each other, one to one: contract E, and what becomes of what was said.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::Role;

use crate::harness::{Answer, Person, Setup, TestApp, hours, minutes, path_of, text};

/// Contract E's people, as members of the default workspace.
pub async fn people(app: &TestApp) -> Vec<Person> {
    let mut people = Vec::new();
    for name in ["rdibari", "bugs", "duck", "porky"] {
        people.push(app.person(name, Role::Member).await);
    }
    people
}

pub fn said(sender: &str, recipient: &str, body: &str) -> Value {
    json!({ "sender_user_name": sender, "recipient_user_name": recipient, "body": body })
}

/// What somebody says to somebody; it must be taken.
pub async fn say(app: &TestApp, sender: &Person, recipient: &Person, body: &str) -> Value {
    let body = said(&sender.username, &recipient.username, body);
    let answer = app.as_person(sender, Method::POST, "/api/messages", Some(body)).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    answer.body
}

/// Gets something as somebody; it must be there.
pub async fn get(app: &TestApp, person: &Person, path: &str) -> Value {
    let answer = app.as_person(person, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
    answer.body
}

/// What a list holds for somebody.
pub async fn list(app: &TestApp, person: &Person, path: &str) -> Vec<Value> {
    get(app, person, path).await["data"].as_array().unwrap().clone()
}

pub async fn post(app: &TestApp, person: &Person, path: &str, body: Value) -> Answer {
    app.as_person(person, Method::POST, path, Some(body)).await
}

/// The status and the code of an answer.
pub fn refusal(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), text(&answer["code"]))
}

/// The only conversation that somebody sees.
pub async fn only_conversation(app: &TestApp, person: &Person) -> Value {
    let mut all = list(app, person, "/api/conversations").await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The newest message of somebody's only conversation.
pub async fn newest(app: &TestApp, person: &Person) -> Value {
    let conversation = only_conversation(app, person).await;
    let path = format!("/api/conversations/{}/messages?order=desc", conversation["id"]);
    list(app, person, &path).await.remove(0)
}

#[tokio::test]
async fn contract_e_is_kept_to_the_letter() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let users = app.get("/api/users").await;
    let names: Vec<&str> = users.body.as_array().unwrap().iter().map(|user| text(&user["user_name"])).collect();
    assert_eq!(names, ["rdibari", "bugs", "duck", "porky"]);
    let mut keys: Vec<&String> = users.body[0].as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["created_at", "email", "first_name", "id", "last_name", "mfa", "modified_at", "user_name"]);
    assert_eq!((&users.body[1]["email"], &users.body[1]["mfa"]), (&json!("bugs@people.example"), &json!(true)));
    let made = app.post("/api/messages", said("rdibari", "bugs", "What's up, doc?")).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let expected = json!({ "id": 1, "sender_id": people[0].id, "recipient_id": people[1].id,
        "body": "What's up, doc?", "created_at": "2026-03-02T12:00:00.000000Z",
        "timestamp_sent": "2026-03-02T12:00:00.000000Z", "timestamp_delivered": null, "timestamp_read": null });
    assert_eq!(made.body, expected);
    app.advance(minutes(1));
    assert_eq!(app.post("/api/messages", said("bugs", "rdibari", "Carrots")).await.status, 201);
    for name in ["rdibari", "bugs", "BUGS"] {
        let listed = app.get(&format!("/api/messages/{name}")).await;
        let bodies: Vec<&str> = listed.body.as_array().unwrap().iter().map(|said| text(&said["body"])).collect();
        assert_eq!(bodies, ["Carrots", "What's up, doc?"], "{name}: the newest first");
        assert_eq!(listed.body[1], expected);
    }
    for name in ["duck", "nobody", "no%20body", "%00", "%F0%9F%A6%86"] {
        let listed = app.get(&format!("/api/messages/{name}")).await;
        assert_eq!((listed.status.as_u16(), &listed.body), (200, &json!([])), "{name}");
    }
    let first = app.get("/api/messages/bugs?limit=1&days=3").await;
    let next = first.header("link").split(['<', '>']).nth(1).unwrap();
    assert_eq!(app.get(next).await.body, json!([expected]));
    assert_eq!(app.get("/api/users?limit=3").await.body.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_not_as_it_should_be_is_named() {
    let app = TestApp::start().await;
    people(&app).await;
    for (body, errors) in [
        (json!({}), vec!["sender_user_name required", "recipient_user_name required", "body required"]),
        (said("bugs", "duck", " "), vec!["body required"]),
        (said("bugs", "duck", &"é".repeat(10_001)), vec!["body too_long"]),
        (said("bugs", "bugs", "me"), vec!["recipient_user_name invalid"]),
        (said("bugs", "Bugs", "me"), vec!["recipient_user_name invalid"]),
        (
            json!({ "sender_user_name": 1, "recipient_user_name": "a\u{0}", "body": "x" }),
            vec!["sender_user_name invalid", "recipient_user_name invalid"],
        ),
        (
            json!({ "sender_user_name": "bugs", "recipient_user_name": "duck", "body": "", "attachments": "x" }),
            vec!["attachments invalid"],
        ),
    ] {
        let answer = app.post("/api/messages", body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.errors()),
            (400, errors.iter().map(ToString::to_string).collect()),
            "{body}"
        );
    }
    for (sender, recipient, field) in
        [("nobody", "bugs", "sender_user_name"), ("bugs", "nobody", "recipient_user_name")]
    {
        let answer = app.post("/api/messages", said(sender, recipient, "x")).await;
        assert_eq!(refusal(&answer), (404, "no_such_user"));
        assert_eq!(answer.errors(), [format!("{field} unknown")]);
    }
    for days in ["0", "3651", "x", "-1"] {
        assert_eq!(app.get(&format!("/api/messages/bugs?days={days}")).await.errors(), ["query:days invalid"]);
    }
    assert_eq!(app.count_messages().await, 0);
    let body = json!({ "sender_user_name": "bugs", "recipient_user_name": "duck", "attachments": ["https://x/a.gif"] });
    let made = app.post("/api/messages", body).await;
    assert_eq!((made.status.as_u16(), &made["attachments"]), (201, &json!(["https://x/a.gif"])));
}

#[tokio::test]
async fn messages_older_than_the_setting_are_left_out_unless_asked_for() {
    let app = Setup::default().with("SWITCHBOARD_CHAT_HISTORY_DAYS", "7").start().await;
    people(&app).await;
    for body in ["first", "second"] {
        assert_eq!(app.post("/api/messages", said("bugs", "duck", body)).await.status, 201);
        app.advance(hours(5 * 24));
    }
    let count = async |query: &str| app.get(&format!("/api/messages/duck{query}")).await.body.as_array().unwrap().len();
    assert_eq!((count("").await, count("?days=11").await, count("?days=1").await), (1, 2, 0));
}

#[tokio::test]
async fn in_serve_one_writes_and_reads_as_oneself_alone() {
    let app = Setup::serve().start().await;
    let people = people(&app).await;
    let [rdibari, bugs, duck] = [&people[0], &people[1], &people[2]];
    say(&app, rdibari, bugs, "hello").await;
    let forged = post(&app, duck, "/api/messages", said("rdibari", "bugs", "forged")).await;
    assert_eq!(refusal(&forged), (403, "not_the_sender"));
    assert_eq!(refusal(&post(&app, duck, "/api/messages", said("nobody", "bugs", "x")).await), (403, "not_the_sender"));
    let others = app.as_person(duck, Method::GET, "/api/messages/bugs", None).await;
    assert_eq!(refusal(&others), (403, "not_yours"));
    assert_eq!(get(&app, duck, "/api/messages/nobody").await, json!([]));
    assert_eq!(get(&app, bugs, "/api/messages/bugs").await.as_array().unwrap().len(), 1);
    let users = get(&app, duck, "/api/users").await;
    let emails: Vec<&Value> = users.as_array().unwrap().iter().map(|user| &user["email"]).collect();
    assert_eq!(emails, [&Value::Null, &Value::Null, &json!("duck@people.example"), &Value::Null]);
    let key = app.key(&[Scope::MessagesRead, Scope::MessagesSend]).await;
    let key = [("authorization", key.as_str())];
    assert_eq!(app.get_with("/api/messages/bugs", &key).await.status, 403);
    assert_eq!(app.post_with("/api/messages", &key, said("bugs", "duck", "x").to_string()).await.status, 403);
    assert_eq!(app.get_with("/api/conversations", &key).await["data"], json!([]), "a key sees no chat");
    assert_eq!(app.get("/api/users").await.status, 401);
}

#[tokio::test]
async fn two_people_who_write_first_at_once_share_one_conversation() {
    let app = Arc::new(TestApp::start().await);
    let people = people(&app).await;
    let mut tasks = Vec::new();
    for at in 0..20 {
        let app = Arc::clone(&app);
        let pair = if at % 2 == 0 { ("bugs", "duck") } else { ("duck", "bugs") };
        tasks.push(tokio::spawn(async move {
            app.post("/api/messages", said(pair.0, pair.1, &format!("number {at}"))).await.status.as_u16()
        }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap(), 201);
    }
    let conversation = only_conversation(&app, &people[1]).await;
    assert_eq!((&conversation["id"], &conversation["message_count"]), (&json!(1), &json!(20)));
    assert_eq!((&conversation["kind"], &conversation["participants"]), (&json!("direct"), &json!(["bugs", "duck"])));
    assert_eq!((&conversation["unread_count"], &conversation["channels"]), (&json!(10), &json!(["chat"])));
    assert_eq!(only_conversation(&app, &people[2]).await["unread_count"], 10);
}

#[tokio::test]
async fn one_key_says_it_once() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let headers = [("idempotency-key", "k-1"), ("authorization", people[1].authorization.as_str())];
    let body = said("bugs", "duck", "once").to_string();
    let first = app.post_with("/api/messages", &headers, body.clone()).await;
    let again = app.post_with("/api/messages", &headers, body).await;
    assert_eq!((first.status.as_u16(), &first.body), (201, &again.body));
    let other = app.post_with("/api/messages", &headers, said("bugs", "duck", "twice").to_string()).await;
    assert_eq!(refusal(&other), (422, "idempotency_key_reused"));
    let headers = [("idempotency-key", "k-2"), ("authorization", people[2].authorization.as_str())];
    let path = "/api/conversations/1/messages";
    let replies = [
        app.post_with(path, &headers, json!({ "body": "yes" }).to_string()).await,
        app.post_with(path, &headers, json!({ "body": "yes" }).to_string()).await,
    ];
    assert_eq!((replies[0].status.as_u16(), &replies[0].body), (201, &replies[1].body));
    assert_eq!(app.count_messages().await, 2);
}

#[tokio::test]
async fn a_chat_has_the_shape_that_every_message_has() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck] = [&people[1], &people[2]];
    say(&app, bugs, duck, "Duck season!").await;
    let sent = newest(&app, bugs).await;
    let expected = json!({ "id": 1, "conversation_id": 1, "direction": "outbound", "type": "chat", "from": "bugs",
        "to": "duck", "body": "Duck season!", "attachments": [], "status": "accepted", "final": true,
        "possible_duplicate": false, "author": "bugs", "recipients": [{ "address": "duck", "kind": "to", "status": "accepted" }],
        "timestamp": sent["timestamp"], "created_at": sent["created_at"], "updated_at": sent["updated_at"] });
    assert_eq!(sent, expected);
    assert_eq!(newest(&app, duck).await["direction"], "inbound");
    let reply = post(&app, duck, "/api/conversations/1/messages", json!({ "body": "Rabbit season!" })).await;
    assert_eq!((reply.status.as_u16(), &reply["from"], &reply["to"]), (201, &json!("duck"), &json!("bugs")));
    let conversation = only_conversation(&app, bugs).await;
    let last = &conversation["last_message"];
    assert_eq!((&last["from"], &last["direction"], &last["type"]), (&json!("duck"), &json!("inbound"), &json!("chat")));
    let nameless = app.post("/api/conversations/1/messages", json!({ "body": "who?" })).await;
    assert_eq!((nameless.status.as_u16(), nameless.errors()), (400, vec!["sender_user_name required".to_owned()]));
    let named = json!({ "body": "me", "sender_user_name": "bugs" });
    assert_eq!(app.post("/api/conversations/1/messages", named.clone()).await.status, 201);
    assert_eq!(refusal(&post(&app, duck, "/api/conversations/1/messages", named).await), (403, "not_the_sender"));
    let text = json!({ "body": "x", "type": "sms", "scheduled_at": "2027-01-01T00:00:00Z" });
    let answer = post(&app, duck, "/api/conversations/1/messages", text).await;
    assert_eq!(answer.errors(), ["type invalid", "scheduled_at invalid"]);
    let canceled = app.post("/api/conversations/1/messages/1/cancel", Value::Null).await;
    assert_eq!(canceled.status, 409);
    assert_eq!(app.run_outbox().await, 0, "nothing of a chat goes out");
}

#[tokio::test]
async fn what_is_between_others_is_seen_by_nobody_else_on_any_route() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck, porky] = [&people[1], &people[2], &people[3]];
    let admin = app.person("the-boss", Role::Admin).await;
    app.send_sms("to a number, with carrots").await;
    app.run_outbox().await;
    say(&app, bugs, duck, "secret carrots").await;
    app.index().await;
    let path = path_of(&newest(&app, bugs).await);
    let conversation = path.split("/messages").next().unwrap().to_owned();
    for outsider in [porky, &admin] {
        for path in [
            conversation.clone(),
            format!("{conversation}/messages"),
            format!("{conversation}/members"),
            path.clone(),
            format!("{path}/timeline"),
            format!("{path}/history"),
        ] {
            assert_eq!(app.as_person(outsider, Method::GET, &path, None).await.status, 404, "{path}");
        }
        for (method, path, body) in [
            (Method::POST, format!("{conversation}/messages"), json!({ "body": "me too" })),
            (Method::POST, format!("{conversation}/read"), json!({ "last_message_id": 9 })),
            (Method::POST, format!("{conversation}/members"), json!({ "user_name": "porky" })),
            (Method::POST, format!("{conversation}/accept"), json!({})),
            (Method::POST, format!("{conversation}/decline"), json!({})),
            (Method::PATCH, conversation.clone(), json!({ "name": "x" })),
            (Method::PATCH, path.clone(), json!({ "body": "x" })),
            (Method::DELETE, path.clone(), Value::Null),
            (Method::PUT, format!("{path}/reactions/%F0%9F%91%8D"), Value::Null),
            (Method::DELETE, format!("{path}/reactions/%F0%9F%91%8D"), Value::Null),
            (Method::DELETE, format!("{conversation}/members/duck"), Value::Null),
        ] {
            let answer = app.as_person(outsider, method.clone(), &path, Some(body)).await;
            assert_eq!(answer.status, 404, "{method} {path}: {:?}", answer.body);
        }
    }
    for query in ["", "?q=carrots", "?q=bugs", "?participant=bugs", "?channel=chat", "?participant=duck&q=secret"] {
        let path = format!("/api/conversations{query}");
        assert_eq!(list(&app, porky, &path).await, Vec::<Value>::new(), "{query}");
        let seen = list(&app, &admin, &path).await;
        assert!(seen.iter().all(|conversation| conversation["kind"] == "numbers"), "{query}: {seen:?}");
    }
    for query in ["", "?q=carrots", "?q=bugs", "?q=duck", "?participant=duck", "?channel=chat"] {
        assert_eq!(list(&app, duck, &format!("/api/conversations{query}")).await.len(), 1, "{query}");
    }
    assert_eq!(list(&app, &admin, "/api/conversations?q=carrots").await.len(), 1);
    assert_eq!(app.list("/api/conversations?q=carrots").await.len(), 2, "the operator sees everything");
}

#[tokio::test]
async fn an_agent_sees_the_numbers_and_their_own_chats_in_one_list() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let agent = app.person("agent-smith", Role::Agent).await;
    say(&app, &people[1], &people[2], "not theirs").await;
    let mut expected = Vec::new();
    for at in 0..5 {
        app.advance(minutes(1));
        if at % 2 == 0 {
            let draft = json!({ "from": "+12016661234", "to": format!("+1804555123{at}"), "type": "sms", "body": "x" });
            expected.push(app.send(draft).await["conversation_id"].clone());
        } else {
            say(&app, &agent, &people[at % 4], "hello").await;
            expected.push(app.list("/api/conversations?limit=1").await[0]["id"].clone());
        }
    }
    app.run_outbox().await;
    expected.reverse();
    let mut seen = Vec::new();
    let mut path = "/api/conversations?limit=2".to_owned();
    loop {
        let page = get(&app, &agent, &path).await;
        seen.extend(page["data"].as_array().unwrap().iter().map(|conversation| conversation["id"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/conversations?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_author_may_change_what_they_said_for_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck] = [&people[1], &people[2]];
    say(&app, bugs, duck, "Duck saeson").await;
    app.index().await;
    let path = path_of(&newest(&app, bugs).await);
    let edit = async |person: &Person, body: &str| {
        app.as_person(person, Method::PATCH, &path, Some(json!({ "body": body }))).await
    };
    app.advance(minutes(15));
    assert_eq!(refusal(&edit(duck, "Rabbit season").await), (403, "not_the_author"));
    assert_eq!(edit(bugs, " ").await.errors(), ["body required"]);
    let edited = edit(bugs, "Duck season").await;
    assert_eq!(
        (edited.status.as_u16(), &edited["body"], &edited["edited_at"]),
        (200, &json!("Duck season"), &json!(app.now().to_string()))
    );
    assert_eq!(edit(bugs, "Duck season").await.status, 200);
    let history = list(&app, duck, &format!("{path}/history")).await;
    assert_eq!(history, [json!({ "body": "Duck saeson", "replaced_at": app.now().to_string() })]);
    let found = async |word: &str| list(&app, duck, &format!("/api/conversations?q={word}")).await.len();
    assert_eq!((found("saeson").await, found("season").await), (0, 0), "what was said is found no more, at once");
    app.index().await;
    assert_eq!((found("saeson").await, found("season").await), (0, 1));
    app.advance(minutes(1));
    assert_eq!(refusal(&edit(bugs, "too late").await), (409, "too_late"));
}

#[tokio::test]
async fn what_is_taken_back_is_gone_but_for_its_place() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck] = [&people[1], &people[2]];
    let body = json!({ "sender_user_name": "bugs", "recipient_user_name": "duck", "body": "regretted",
                       "attachments": ["https://x/a.gif"] });
    assert_eq!(post(&app, bugs, "/api/messages", body).await.status, 201);
    let path = path_of(&newest(&app, bugs).await);
    let edit = json!({ "body": "regretted twice" });
    assert_eq!(app.as_person(bugs, Method::PATCH, &path, Some(edit)).await.status, 200);
    assert_eq!(app.as_person(duck, Method::PUT, &format!("{path}/reactions/%F0%9F%98%A1"), None).await.status, 200);
    app.index().await;
    assert_eq!(list(&app, duck, "/api/conversations?q=regretted").await.len(), 1);
    assert_eq!(refusal(&app.as_person(duck, Method::DELETE, &path, None).await), (403, "not_the_author"));
    app.advance(hours(1));
    for _ in 0..2 {
        assert_eq!(app.as_person(bugs, Method::DELETE, &path, None).await.status, 204);
    }
    let left = get(&app, duck, &path).await;
    assert_eq!((&left["body"], &left["attachments"]), (&json!(""), &json!([])));
    assert_eq!(left["deleted_at"], app.now().to_string());
    assert!(left["reactions"].is_null() && left["edited_at"].is_null(), "{left}");
    assert_eq!(list(&app, duck, &format!("{path}/history")).await, Vec::<Value>::new());
    assert_eq!(list(&app, duck, "/api/conversations?q=regretted").await, Vec::<Value>::new());
    app.index().await;
    assert_eq!(list(&app, duck, "/api/conversations?q=regretted").await, Vec::<Value>::new());
    assert_eq!(app.get("/api/messages/duck").await.body, json!([]));
    let edit = json!({ "body": "again" });
    let answer = app.as_person(bugs, Method::PATCH, &path, Some(edit)).await;
    assert_eq!(refusal(&answer), (409, "message_deleted"));
    for table in ["message_edits", "reactions", "attachments"] {
        assert_eq!(app.database().number(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
    assert_eq!(app.database().number("select count(*) from messages where body like '%regretted%'").await, 0);
}

#[tokio::test]
async fn one_reacts_with_single_emojis_and_not_without_end() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let [bugs, duck] = [&people[1], &people[2]];
    say(&app, bugs, duck, "funny").await;
    let path = path_of(&newest(&app, bugs).await);
    let react = async |person: &Person, method: Method, emoji: &str| {
        let encoded = emoji.bytes().fold(String::new(), |path, byte| format!("{path}%{byte:02X}"));
        app.as_person(person, method, &format!("{path}/reactions/{encoded}"), None).await
    };
    for emoji in ["a", "👍👍", "1", " ", "👍a"] {
        assert_eq!(react(duck, Method::PUT, emoji).await.errors(), ["path:emoji invalid"], "{emoji}");
    }
    for person in [duck, bugs, duck] {
        assert_eq!(react(person, Method::PUT, "❤").await.status, 200);
    }
    let shown = react(duck, Method::PUT, "👍🏽").await;
    let expected = json!([{ "emoji": "❤️", "user_names": ["bugs", "duck"], "count": 2 },
                          { "emoji": "👍🏽", "user_names": ["duck"], "count": 1 }]);
    assert_eq!(shown["reactions"], expected);
    let left = react(duck, Method::DELETE, "❤️").await;
    assert_eq!(left["reactions"][0]["user_names"], json!(["bugs"]));
    let more = "😀 😃 😄 😁 😆 😅 😂 🙂 🙃 😉 😊 😇 🥰 😍 🤩 😘 😗 😚";
    for emoji in more.split(' ') {
        assert_eq!(react(duck, Method::PUT, emoji).await.status, 200, "{emoji}");
    }
    assert_eq!(refusal(&react(bugs, Method::PUT, "🥕").await), (409, "too_many_reactions"));
    assert_eq!(react(bugs, Method::PUT, "😀").await.status, 200, "one that is there is no further one");
}

#[tokio::test]
async fn seeding_adds_once_and_only_where_the_people_of_dev_are() {
    let app = Setup { channels: Vec::new(), ..Setup::default() }.start().await;
    assert!(switchboard::messaging::chat::seed(&app.messaging).await.is_err());
    people(&app).await;
    let added = switchboard::messaging::chat::seed(&app.messaging).await.unwrap();
    assert_eq!(added, 10);
    assert_eq!(switchboard::messaging::chat::seed(&app.messaging).await.unwrap(), 0);
    assert_eq!(app.count_messages().await, 10);
    assert_eq!(app.list("/api/conversations").await.len(), 5);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_message_is_changed_fifty_times_and_no_more() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    let path = path_of(&{
        say(&app, &people[1], &people[2], "first").await;
        newest(&app, &people[1]).await
    });
    let edit =
        async |body: String| app.as_person(&people[1], Method::PATCH, &path, Some(json!({ "body": body }))).await;
    for at in 0..50 {
        assert_eq!(edit(format!("change {at}")).await.status, 200);
    }
    assert_eq!(refusal(&edit("one more".to_owned()).await), (409, "too_many_edits"));
    assert_eq!(edit("change 49".to_owned()).await.status, 200, "it says so already");
    assert_eq!(get(&app, &people[1], &path).await["body"], "change 49");
    assert_eq!(list(&app, &people[1], &format!("{path}/history")).await.len(), 50);
}

#[tokio::test]
async fn what_people_said_is_cut_by_its_bytes_and_goes_on() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    for _ in 0..110 {
        say(&app, &people[1], &people[2], &"😀".repeat(10_000)).await;
    }
    let first = app.get("/api/messages/bugs?limit=200").await;
    let count = first.body.as_array().unwrap().len();
    assert_eq!(count, 4 * 1024 * 1024 / 40_000);
    let next = first.header("link").split(['<', '>']).nth(1).unwrap();
    let rest = app.get(next).await;
    assert_eq!((rest.body.as_array().unwrap().len(), rest.header("link")), (110 - count, ""));
}
