//! Conversations of one person: joined by their contact, shown as one, and split again as they were.

mod meanwhile;

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::domain::{Role, WorkspaceId};

use crate::harness::{Answer, Setup, TestApp, hours, seconds, text};
use crate::traffic::{EMAILS, PHONES};

pub const OWN: &str = "+12016661234";
pub const OTHER_OWN: &str = "+12016661235";
pub const MAILBOX: &str = "us@shop.example";
pub const ADA: &str = "+18045551234";
pub const ADA_TOO: &str = "+18045551299";
pub const ADA_MAIL: &str = "ada@engine.example";

/// Something comes in; gives the message.
pub async fn come(app: &TestApp, id: &str, from: &str, to: &str) -> Value {
    let (path, name) = if from.contains('@') {
        ("/api/webhooks/email", "xillio_id")
    } else {
        ("/api/webhooks/sms", "messaging_provider_id")
    };
    let mut body =
        json!({ "from": from, "to": to, "body": format!("this is {id}"), "timestamp": app.now().to_string() });
    body[name] = json!(id);
    if !from.contains('@') {
        body["type"] = json!("sms");
    }
    let answer = app.post(path, body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    app.advance(seconds(1));
    answer.body
}

/// Writes a contact down.
pub async fn contact(app: &TestApp, name: &str, addresses: &[&str]) -> Value {
    let answer = app.post("/api/contacts", json!({ "name": name, "addresses": addresses })).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    answer.body
}

async fn get(app: &TestApp, path: &str) -> Value {
    let answer = app.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
    answer.body
}

pub fn at(conversation: &Value) -> String {
    format!("/api/conversations/{conversation}")
}

fn ids(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

async fn patch(app: &TestApp, path: &str, body: Value) -> Answer {
    let answer = app.call(Method::PATCH, path, Some(body)).await;
    assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
    answer
}

async fn take(app: &TestApp, contact: &Value, address: &str) -> Answer {
    let answer = app.delete(&format!("/api/contacts/{}/addresses/{address}", contact["id"])).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer
}

/// A person whose conversations are joined, looked at, changed and split again: for tests that look at what that leaves.
pub async fn traffic(app: &TestApp) {
    let admin = app.person("an-admin-with-contacts", Role::Admin).await;
    let ask = async |method: Method, path: &str, body: Value| {
        let answer = app.as_person(&admin, method.clone(), path, Some(body)).await;
        assert!(answer.status.is_success(), "{method} {path}: {:?}", answer.body);
        answer
    };
    let (own, other, too) = ("+12025550301", "+12025550302", "+12025550303");
    let part = come(app, "contact-1", PHONES[4], own).await["conversation_id"].clone();
    come(app, "contact-2", too, own).await;
    let named = json!({ "name": "Canary Wharf", "addresses": [PHONES[4], too], "notes": "sings" });
    let contact = ask(Method::POST, "/api/contacts", named).await;
    let (path, joint) = (format!("/api/contacts/{}", contact["id"]), contact["conversation_id"].clone());
    assert_eq!(come(app, "contact-3", PHONES[4], other).await["conversation_id"], joint);
    ask(Method::PATCH, &path, json!({ "name": "Canary Bird" })).await;
    let joint = at(&joint);
    let label = ask(Method::POST, "/api/labels", json!({ "name": "joined" })).await["id"].clone();
    ask(Method::PUT, &format!("{joint}/labels/{label}"), Value::Null).await;
    ask(Method::POST, &format!("{joint}/notes"), json!({ "body": "a note" })).await;
    ask(Method::PATCH, &joint, json!({ "state": "closed", "assignee": admin.username })).await;
    let last = ask(Method::GET, &joint, Value::Null).await["last_message"]["id"].clone();
    ask(Method::POST, &format!("{joint}/read"), json!({ "last_message_id": last })).await;
    ask(Method::POST, &format!("{joint}/messages"), json!({ "body": "an answer", "type": "sms" })).await;
    for path in ["", "/messages", "/messages?order=desc", "/notes", "/activity", &format!("/messages/{last}")] {
        ask(Method::GET, &format!("{joint}{path}"), Value::Null).await;
        ask(Method::GET, &format!("{}{path}", at(&part)), Value::Null).await;
    }
    ask(Method::DELETE, &format!("{joint}/labels/{label}"), Value::Null).await;
    ask(Method::DELETE, &format!("/api/labels/{label}"), Value::Null).await;
    for path in ["?q=can", "?q=canary%20bi", &format!("?address=%2B{}", &PHONES[4][1..]), ""] {
        let found = ask(Method::GET, &format!("/api/contacts{path}"), Value::Null).await;
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{path}");
    }
    ask(Method::GET, &format!("/api/conversations?contact={}", contact["id"]), Value::Null).await;
    let second = ask(Method::POST, "/api/contacts", json!({ "name": "Other", "addresses": ["+12025550304"] })).await;
    ask(Method::POST, &format!("{path}/merge"), json!({ "contact_id": second["id"] })).await;
    ask(Method::POST, &format!("{path}/addresses"), json!({ "address": EMAILS[0] })).await;
    ask(Method::DELETE, &format!("{path}/addresses/{}", PHONES[4]), Value::Null).await;
    ask(Method::GET, &format!("{joint}/messages/{last}"), Value::Null).await;
    let gone = ask(Method::POST, "/api/contacts", json!({ "name": "Gone", "addresses": [PHONES[4]] })).await;
    ask(Method::DELETE, &format!("/api/contacts/{}", gone["id"]), Value::Null).await;
    app.run_outbox().await;
}

#[tokio::test]
async fn texts_and_mails_of_one_person_are_one_conversation_in_the_order_of_their_times() {
    let app = TestApp::start().await;
    let mut said = Vec::new();
    for (id, from, to) in
        [("1", ADA, OWN), ("2", ADA_MAIL, MAILBOX), ("3", ADA, OTHER_OWN), ("4", ADA_MAIL, MAILBOX), ("5", ADA, OWN)]
    {
        said.push(come(&app, id, from, to).await);
    }
    come(&app, "6", "+18045550000", OWN).await;
    let made = contact(&app, "Ada Byron", &[ADA, ADA_MAIL]).await;
    let (joint, listed) = (&made["conversation_id"], app.list("/api/conversations").await);
    assert_eq!(ids(&listed), [4, joint.as_i64().unwrap()]);
    let shown = get(&app, &at(joint)).await;
    assert_eq!(shown, listed[1]);
    assert_eq!(shown["contact"], json!({ "id": made["id"], "name": "Ada Byron" }));
    assert_eq!(shown["participants"], json!([OWN, OTHER_OWN, ADA, ADA_MAIL, MAILBOX]));
    assert_eq!(
        (&shown["message_count"], &shown["unread_count"], &shown["channels"]),
        (&json!(5), &json!(5), &json!(["sms", "email"]))
    );
    assert_eq!(shown["last_message"]["id"], said[4]["id"]);
    let messages = app.list(&format!("{}/messages", at(joint))).await;
    assert_eq!(ids(&messages), [1, 2, 3, 4, 5]);
    for (message, said) in messages.iter().zip(&said) {
        assert_eq!((&message["from"], &message["to"]), (&said["from"], &said["to"]));
        assert_eq!(message["conversation_id"], *joint);
    }
}

#[tokio::test]
async fn a_group_and_another_person_stay_out_of_it() {
    let app = TestApp::start().await;
    come(&app, "1", ADA, OWN).await;
    let group = json!({ "from": ADA, "to": [OWN, "+18045550000"], "type": "sms", "body": "all", "messaging_provider_id": "2",
                        "timestamp": null });
    let group = app.post("/api/webhooks/sms", group).await["conversation_id"].clone();
    come(&app, "3", ADA_MAIL, MAILBOX).await;
    let made = contact(&app, "Ada", &[ADA, ADA_MAIL]).await;
    assert_eq!(get(&app, &at(&made["conversation_id"])).await["message_count"], 2);
    let group = get(&app, &at(&group)).await;
    assert_eq!((&group["message_count"], &group["contact"]), (&json!(1), &Value::Null));
    let found = app.list(&format!("/api/conversations?contact={}", made["id"])).await;
    assert_eq!(ids(&found), [made["conversation_id"].as_i64().unwrap()]);
    assert!(app.list("/api/conversations?contact=99").await.is_empty());
}

/// What was told since.
const NEWS: &str = "select kind || ' ' || conversation_id from events where id > ";

/// Everything that is stored of messages and conversations, but for what tells where they are shown.
async fn rows(app: &TestApp) -> Vec<String> {
    const SQL: &str = "select 'message ' || id || ' ' || conversation_id || ' ' || body from messages
        union all select 'conversation ' || id || ' ' || participants_key || ' ' || channels || ' ' || message_count || ' '
            || unread_count || ' ' || coalesce(last_message_id, 0) || ' ' || state || ' ' || coalesce(assignee_id, 0) || ' '
            || coalesce(cast(snoozed_until as text), '') || ' ' || cast(activity_at as text)
            || coalesce(cast(joined_to as text), '') || ' ' || coalesce(cast(contact_id as text), '')
            from conversations where participants_key not like 'contact:%'
        union all select 'label ' || l.conversation_id || ' ' || l.label_id from conversation_labels l
        union all select 'participant ' || conversation_id || ' ' || address_id from participants
        union all select 'note ' || conversation_id || ' ' || body from notes order by 1";
    app.database().texts(SQL).await
}

#[tokio::test]
async fn split_again_everything_is_as_it_was() {
    let app = TestApp::start().await;
    let agent = app.person("ann", Role::Agent).await;
    for (id, from, to) in [("1", ADA, OWN), ("2", ADA_MAIL, MAILBOX), ("3", ADA_TOO, OWN), ("4", ADA, OWN)] {
        come(&app, id, from, to).await;
    }
    for name in ["one", "two"] {
        assert_eq!(app.post("/api/labels", json!({ "name": name })).await.status, 201);
    }
    for path in ["/api/conversations/1/labels/1", "/api/conversations/2/labels/1", "/api/conversations/2/labels/2"] {
        assert_eq!(app.put(path, Value::Null).await.status, 204);
    }
    assert_eq!(app.post("/api/conversations/2/notes", json!({ "body": "two" })).await.status, 201);
    assert_eq!(app.post("/api/conversations/1/read", json!({ "last_message_id": 4 })).await.status, 204);
    patch(&app, "/api/conversations/1", json!({ "state": "closed", "assignee": agent.username })).await;
    let until = (app.now() + hours(9)).to_string();
    patch(&app, "/api/conversations/3", json!({ "state": "snoozed", "snoozed_until": until })).await;
    let (before, listed) = (rows(&app).await, app.list("/api/conversations").await);

    let made = contact(&app, "Ada", &[ADA, ADA_MAIL, ADA_TOO]).await;
    let joint = get(&app, &at(&made["conversation_id"])).await;
    assert_eq!((&joint["unread_count"], text(&joint["state"]), text(&joint["assignee"])), (&json!(2), "open", "ann"));
    let labels: Vec<&str> = joint["labels"].as_array().unwrap().iter().map(|label| text(&label["name"])).collect();
    assert_eq!(labels, ["one", "two"]);
    let notes = app.list(&format!("{}/notes", at(&joint["id"]))).await;
    assert_eq!(notes[0]["body"], "two");
    assert_eq!(app.list("/api/conversations").await.len(), 1);
    take(&app, &made, ADA_MAIL).await;
    assert_eq!(app.list("/api/conversations").await.len(), 2);
    assert_eq!(app.delete(&format!("/api/contacts/{}", made["id"])).await.status, 204);
    assert_eq!(rows(&app).await, before);
    assert_eq!(app.list("/api/conversations").await, listed);
}

#[tokio::test]
async fn what_is_done_to_the_joined_one_is_done_to_each_of_its_parts() {
    let app = TestApp::start().await;
    let agent = app.person("ann", Role::Agent).await;
    come(&app, "1", ADA, OWN).await;
    come(&app, "2", ADA_MAIL, MAILBOX).await;
    app.post("/api/labels", json!({ "name": "one" })).await;
    let made = contact(&app, "Ada", &[ADA, ADA_MAIL]).await;
    let joint = at(&made["conversation_id"]);
    assert_eq!(app.put(&format!("{joint}/labels/1"), Value::Null).await.status, 204);
    assert_eq!(app.post(&format!("{joint}/notes"), json!({ "body": "about the mail" })).await.status, 201);
    assert_eq!(app.post(&format!("{joint}/read"), json!({ "last_message_id": 2 })).await.status, 204);
    patch(&app, &joint, json!({ "state": "closed", "assignee": agent.username })).await;
    come(&app, "3", ADA, OWN).await;
    let shown = get(&app, &joint).await;
    assert_eq!((text(&shown["state"]), &shown["unread_count"]), ("open", &json!(1)));
    let kinds: Vec<String> =
        app.list(&format!("{joint}/activity")).await.iter().map(|act| text(&act["kind"]).to_owned()).collect();
    assert_eq!(kinds, ["joined", "joined", "label_added", "note", "state", "assignee", "state"]);
    take(&app, &made, ADA).await;
    for (id, state, unread) in [(1, "open", 1), (2, "closed", 0)] {
        let part = get(&app, &at(&json!(id))).await;
        assert_eq!((&part["id"], text(&part["state"]), &part["unread_count"]), (&json!(id), state, &json!(unread)));
        assert_eq!((text(&part["assignee"]), text(&part["labels"][0]["name"])), ("ann", "one"));
    }
    assert!(app.list("/api/conversations/1/notes").await.is_empty());
    assert_eq!(app.list("/api/conversations/2/notes").await.len(), 1);
    let split = app.list("/api/conversations/1/activity").await.pop().unwrap();
    assert_eq!((text(&split["kind"]), &split["conversation_id"]), ("split", &made["conversation_id"]));
}

#[tokio::test]
async fn an_old_id_leads_to_what_is_shown_now_and_a_message_is_found_under_every_id_it_had() {
    let app = TestApp::start().await;
    come(&app, "1", ADA, OWN).await;
    come(&app, "2", ADA_MAIL, MAILBOX).await;
    let made = contact(&app, "Ada", &[ADA, ADA_MAIL]).await;
    let joint = &made["conversation_id"];
    for id in [json!(1), json!(2), joint.clone()] {
        assert_eq!(get(&app, &at(&id)).await["id"], *joint);
        assert_eq!(ids(&app.list(&format!("{}/messages", at(&id))).await), [1, 2]);
        for message in [1, 2] {
            let found = get(&app, &format!("{}/messages/{message}", at(&id))).await;
            assert_eq!(found["conversation_id"], *joint);
            assert_eq!(app.get(&format!("{}/messages/{message}/timeline", at(&id))).await.status, 200);
        }
    }
    let reply = app.post(&format!("{}/messages", at(joint)), json!({ "body": "an answer" })).await;
    assert_eq!((reply.status.as_u16(), &reply["conversation_id"]), (201, joint));
    assert_eq!(app.delete(&format!("/api/contacts/{}", made["id"])).await.status, 204);
    assert_eq!(get(&app, &at(joint)).await["id"], 1);
    for (message, home) in [(json!(1), 1), (json!(2), 2), (reply["id"].clone(), 2)] {
        for id in [json!(home), joint.clone()] {
            assert_eq!(get(&app, &format!("{}/messages/{message}", at(&id))).await["conversation_id"], home);
        }
        assert_eq!(app.get(&format!("{}/messages/{message}", at(&json!(3 - home)))).await.status, 404);
    }
    assert_eq!(app.post(&format!("{}/messages/{}/cancel", at(joint), reply["id"]), Value::Null).await.status, 200);
    let again = contact(&app, "Ada again", &[ADA, ADA_MAIL]).await;
    assert_eq!(get(&app, &at(joint)).await["id"], again["conversation_id"]);
}

#[tokio::test]
async fn an_answer_goes_by_the_channel_of_the_last_message_or_by_the_one_that_is_asked_for() {
    let app = TestApp::start().await;
    come(&app, "1", ADA, OWN).await;
    come(&app, "2", ADA_TOO, OTHER_OWN).await;
    let made = contact(&app, "Ada", &[ADA, ADA_TOO, ADA_MAIL]).await;
    let joint = format!("{}/messages", at(&made["conversation_id"]));
    let answer = app.post(&joint, json!({ "body": "by mail", "type": "email" })).await;
    assert_eq!((answer.status.as_u16(), answer.errors()), (400, vec!["type invalid".to_owned()]));
    let answer = app.post(&joint, json!({ "body": "a text" })).await;
    assert_eq!((text(&answer["from"]), text(&answer["to"])), (OTHER_OWN, ADA_TOO));
    come(&app, "3", ADA, OWN).await;
    come(&app, "4", ADA_MAIL, MAILBOX).await;
    let answer = app.post(&joint, json!({ "body": "a mail" })).await;
    assert_eq!((text(&answer["type"]), text(&answer["from"]), text(&answer["to"])), ("email", MAILBOX, ADA_MAIL));
    for (kind, attachments) in [("sms", json!([])), ("mms", json!(["https://x.example/a"]))] {
        let body = json!({ "body": "a text", "type": kind, "attachments": attachments });
        let answer = app.post(&joint, body).await;
        assert_eq!((text(&answer["type"]), text(&answer["from"]), text(&answer["to"])), (kind, OWN, ADA));
    }
    app.put("/api/consents", json!({ "address": ADA, "state": "opted_out" })).await;
    let stopped = app.post(&joint, json!({ "body": "unwanted", "type": "sms" })).await.body;
    app.run_outbox().await;
    assert_eq!(text(&app.reload(&stopped).await["status"]), "rejected");
    let mail = app.post(&joint, json!({ "body": "a mail", "type": "email" })).await.body;
    app.run_outbox().await;
    assert_ne!(text(&app.reload(&mail).await["status"]), "rejected");
}

#[tokio::test]
async fn search_and_filters_find_the_joined_one_once() {
    let app = TestApp::start().await;
    come(&app, "apple", ADA, OWN).await;
    come(&app, "apple-pear", ADA_MAIL, MAILBOX).await;
    let made = contact(&app, "Ada", &[ADA, ADA_MAIL]).await;
    app.index().await;
    let joint = made["conversation_id"].as_i64().unwrap();
    for query in
        ["q=apple", "q=pear", "participant=%2B18045551234", "channel=email", "channel=sms", "unread=true", "state=open"]
    {
        assert_eq!(ids(&app.list(&format!("/api/conversations?{query}")).await), [joint], "{query}");
    }
    assert!(app.list(&format!("/api/conversations?contact={}&channel=mms", made["id"])).await.is_empty());
}

#[tokio::test]
async fn events_tell_of_the_joined_one_and_of_what_it_hides() {
    let app = TestApp::start().await;
    come(&app, "1", ADA, OWN).await;
    come(&app, "2", ADA_MAIL, MAILBOX).await;
    let mark = app.database().number("select max(id) from events").await;
    let made = contact(&app, "Ada", &[ADA, ADA_MAIL]).await;
    let joint = made["conversation_id"].as_i64().unwrap();
    let told = app.database().texts(&format!("{NEWS} {mark} order by id")).await;
    let wanted = [
        "conversation.updated 1".to_owned(),
        "conversation.updated 2".to_owned(),
        format!("conversation.created {joint}"),
    ];
    assert_eq!(told, wanted);
    let mark = app.database().number("select max(id) from events").await;
    come(&app, "3", ADA, OWN).await;
    come(&app, "4", ADA, OTHER_OWN).await;
    let told = app.database().texts(&format!("{NEWS} {mark} and kind <> 'conversation.updated' order by id")).await;
    assert_eq!(told, [format!("message.received {joint}"), format!("message.received {joint}")]);
    let mut tx = app.store().read().await.unwrap();
    let ids = [1, joint].map(switchboard::domain::ConversationId);
    let shown = switchboard::messaging::load_shown_conversations(&mut tx, WorkspaceId::DEFAULT, &ids).await.unwrap();
    assert_eq!((shown[&ids[0]].joined_to, shown[&ids[1]].joined_to), (Some(ids[1]), None));
}

#[tokio::test]
async fn a_snooze_of_the_joined_one_ends_once_and_who_leaves_answers_nothing() {
    let app = TestApp::start().await;
    let agent = app.person("ann", Role::Agent).await;
    come(&app, "1", ADA, OWN).await;
    come(&app, "2", ADA_MAIL, MAILBOX).await;
    let made = contact(&app, "Ada", &[ADA, ADA_MAIL]).await;
    let joint = at(&made["conversation_id"]);
    let until = (app.now() + hours(1)).to_string();
    patch(&app, &joint, json!({ "state": "snoozed", "snoozed_until": until, "assignee": agent.username })).await;
    app.advance(hours(1));
    assert_eq!(switchboard::messaging::end_snoozes(&app.messaging).await.unwrap(), 3);
    assert_eq!(app.delete("/api/members/ann").await.status, 204);
    let kinds: Vec<String> =
        app.list(&format!("{joint}/activity")).await.iter().map(|act| text(&act["kind"]).to_owned()).collect();
    assert_eq!(kinds, ["joined", "joined", "state", "assignee", "state", "assignee"]);
    for id in [made["conversation_id"].clone(), json!(1), json!(2)] {
        let state =
            format!("select count(*) from conversations where id = {id} and state = 'open' and assignee_id is null");
        assert_eq!(app.database().number(&state).await, 1, "{id}");
    }
}

#[tokio::test]
async fn a_page_of_a_joined_thread_goes_on_where_the_last_one_ended() {
    let app = TestApp::start().await;
    for n in 0..30 {
        let (from, to) = [(ADA, OWN), (ADA_MAIL, MAILBOX), (ADA_TOO, OTHER_OWN)][n % 3];
        come(&app, &n.to_string(), from, to).await;
    }
    let before = get(&app, "/api/conversations/1/messages?limit=3").await;
    contact(&app, "Ada", &[ADA, ADA_MAIL, ADA_TOO]).await;
    for (order, wanted) in [("asc", (1..=30).collect::<Vec<i64>>()), ("desc", (1..=30).rev().collect())] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = get(&app, &format!("/api/conversations/1/messages?limit=7&order={order}{cursor}")).await;
            seen.extend(ids(page["data"].as_array().unwrap()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, wanted, "{order}");
    }
    let next = text(&before["next_cursor"]);
    let after = get(&app, &format!("/api/conversations/1/messages?limit=3&cursor={next}")).await;
    assert_eq!(ids(after["data"].as_array().unwrap()), [8, 9, 10], "a cursor from before the join");
}

#[tokio::test]
async fn another_workspace_is_not_touched() {
    let app = Setup::serve().start().await;
    let other = app.workspace("other").await;
    let send = async |workspace, to: &str| {
        let key = app.key_of(workspace, &[switchboard::auth::Scope::Admin]).await;
        let body = json!({ "from": OWN, "to": to, "type": "sms", "body": "x" });
        let answer = app.showing(&key, Method::POST, "/api/messages/sms", Some(body)).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        key
    };
    for to in [ADA, ADA_TOO] {
        send(other, to).await;
        send(WorkspaceId::DEFAULT, to).await;
    }
    let theirs = format!(
        "select count(*) from conversations where workspace_id = {other} and (contact_id is not null or joined_to is not null)"
    );
    let key = send(WorkspaceId::DEFAULT, ADA).await;
    let body = json!({ "name": "Ada", "addresses": [ADA, ADA_TOO] });
    assert_eq!(app.showing(&key, Method::POST, "/api/contacts", Some(body.clone())).await.status, 201);
    assert_eq!(app.database().number(&theirs).await, 0);
    let key = send(other, ADA).await;
    let listed = app.showing(&key, Method::GET, "/api/conversations", None).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        app.showing(&key, Method::POST, "/api/contacts", Some(body)).await.status,
        201,
        "their own of the same person"
    );
    app.leave_work();
}

#[tokio::test]
async fn what_two_contacts_say_to_each_other_is_neithers_until_one_of_them_goes() {
    let app = TestApp::start().await;
    come(&app, "1", ADA, OWN).await;
    contact(&app, "Ada", &[ADA]).await;
    contact(&app, "Bob", &[ADA_TOO]).await;
    come(&app, "2", ADA, ADA_TOO).await;
    assert_eq!(get(&app, &at(&json!(2))).await["contact"], Value::Null);
    assert_eq!(app.list("/api/conversations").await.len(), 2);
    assert_eq!(app.delete("/api/contacts/2").await.status, 204);
    let shown = get(&app, &at(&json!(2))).await;
    assert_eq!((&shown["contact"]["id"], &shown["message_count"]), (&json!(1), &json!(2)));
    assert_eq!(app.list("/api/conversations").await.len(), 1);
}
