//! Everything the server can be asked and told, once through: for tests that look at what that leaves behind.

use std::net::Ipv4Addr;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use switchboard::auth::{CodeAsked, Origin, Scope, allow_code, allow_login, allow_sign_up};
use switchboard::domain::{Address, Guards, Role, WorkspaceId};
use switchboard::messaging::sweep_files;
use switchboard::provider::Outcome;

use crate::chats;
use crate::endpoint;
use crate::harness::{Person, TestApp, hours, minutes, path_of, seconds};
use crate::hooks;
use crate::joining;
use crate::mails;
use crate::provider::{busy, doubtful, silence};
use crate::visitor::{PASSWORD, Visitor, last_code, last_token, shown, sign_up};

/// A password that occurs nowhere else.
const CANARY_PASSWORD: &str = "kanarienvogel singt im maschinenraum";

/// Addresses that occur nowhere else, in the form they are stored in.
pub const PHONES: [&str; 5] = ["+12025550187", "+12025550188", "+447700900189", "+12025550190", "+12025550196"];
pub const EMAILS: [&str; 4] =
    ["canary.one@feathers.example", "canary.two@feathers.example", "canary.cc@plumage.example", "answers@nest.example"];

/// Goes through every route with the canaries as addresses, in every role; gives the secrets that were handed out.
pub async fn run(app: &TestApp) -> Vec<String> {
    send(app).await;
    carry(app).await;
    receive(app).await;
    report(app).await;
    team(app).await;
    joining::traffic(app).await;
    attach(app).await;
    read(app).await;
    refuse(app).await;
    let mut secrets = decide(app).await;
    secrets.extend(sign_in(app).await);
    secrets.extend(endpoint::traffic(app).await);
    hooks::pictures(app, (PHONES[1], PHONES[0])).await;
    guard(app).await;
    chat(app).await;
    app.index().await;
    read(app).await;
    assert!(!app.outbox.clean().await.unwrap());
    people(app).await;
    secrets
}

/// What admins decide on people, keys and settings.
async fn decide(app: &TestApp) -> Vec<String> {
    let admin = app.person("canary-admin", Role::Admin).await;
    let joins = app.person("canary-joins", Role::Member).await;
    let act = async |method: Method, path: &str, body: Value| {
        let answer = app.as_person(&admin, method, path, Some(body)).await;
        assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
        answer.body
    };
    let key = act(Method::POST, "/api/keys", json!({ "name": "k", "scopes": ["messages:read"] })).await;
    act(Method::DELETE, &format!("/api/keys/{}", key["id"]), Value::Null).await;
    let invited = act(Method::POST, "/api/invitations", json!({ "email": EMAILS[0], "role": "agent" })).await;
    act(Method::DELETE, &format!("/api/invitations/{}", invited["id"]), Value::Null).await;
    act(Method::POST, "/api/invitations", json!({ "mobile": PHONES[1], "role": "agent" })).await;
    app.run_outbox().await;
    let token = invitation_in(&app.provider.attempts().last().unwrap().envelope.body);
    let accept = Some(json!({ "token": token }));
    let accepted = app.as_person(&joins, Method::POST, "/api/invitations/accept", accept.clone()).await;
    assert_eq!(accepted.status, 200);
    let joins = Person { authorization: format!("Bearer {}", accepted["token"].as_str().unwrap()), ..joins };
    let again = app.as_person(&joins, Method::POST, "/api/invitations/accept", accept).await;
    assert_eq!(again.status, 404);
    act(Method::PATCH, "/api/settings", json!({ "strangers": "ask" })).await;
    act(Method::PATCH, "/api/members/canary-joins", json!({ "role": "member" })).await;
    act(Method::POST, "/api/workspaces", json!({ "name": "other", "admin_email": EMAILS[1] })).await;
    for path in [
        "/api/keys",
        "/api/invitations",
        "/api/settings",
        "/api/members",
        "/api/workspaces",
        "/api/audit",
        "/api/audit?actor=user:1&action=key.created",
    ] {
        act(Method::GET, path, Value::Null).await;
    }
    act(Method::DELETE, "/api/members/canary-joins", Value::Null).await;
    app.run_outbox().await;
    let session = admin.authorization.replace("Bearer ", "");
    vec![key["key"].as_str().unwrap().to_owned(), session, token]
}

/// Somebody signs up, in and out, and forgets their password.
async fn sign_in(app: &TestApp) -> Vec<String> {
    let visitor = Visitor::default();
    let mut wish = sign_up("canary-user", "+12025550191");
    wish["password"] = json!(CANARY_PASSWORD);
    assert_eq!(visitor.post(app, "/api/users", wish).await.status, 201);
    let mut secrets = vec![CANARY_PASSWORD.to_owned(), last_code(app).await];
    assert_eq!(visitor.post(app, "/api/auth/verify-code", json!({ "code": "wrong" })).await.status, 401);
    visitor.enter_code(app).await;
    secrets.extend(visitor.cookies().split('=').nth(1).map(str::to_owned));
    let wrong = json!({ "login": "canary-user", "password": format!("{CANARY_PASSWORD}x") });
    assert_eq!(app.post("/api/auth/login", wrong).await.status, 401);
    assert_eq!(app.post("/api/auth/recover", json!({ "login": "canary-user" })).await.status, 202);
    secrets.push(last_code(app).await);
    secrets.push(last_token(app, "canary-user@people.example").await);
    secrets
}

/// The token of an invitation in the text that carries it.
pub fn invitation_in(body: &str) -> String {
    let token = &body[body.find("sb_invite_").unwrap()..];
    token.split([' ', '<']).next().unwrap().to_owned()
}

async fn guard(app: &TestApp) {
    let guards = Guards { codes_per_number: 1, ..app.messaging.rules.guards.clone() };
    let mobile = Address::phone(PHONES[0], &app.messaging.rules.phone).unwrap();
    let origin = Some(Origin::of(Ipv4Addr::LOCALHOST.into()));
    for is_allowed in [true, false] {
        let mut tx = app.store().begin().await.unwrap();
        let asked = CodeAsked { mobile: &mobile, origin, workspace: WorkspaceId::DEFAULT, is_sign_up: true };
        assert_eq!(allow_code(&mut tx, &guards, &asked, app.now()).await.is_ok(), is_allowed);
        tx.commit().await.unwrap();
    }
    allow_login(app.store(), &guards, (origin, EMAILS[0]), app.now()).await.unwrap();
    allow_sign_up(app.store(), &guards, origin, app.now()).await.unwrap();
}

/// Somebody signs up, in and out, changes everything, and forgets their password.
async fn people(app: &TestApp) {
    let visitor = Visitor::default();
    let body = json!({ "username": "birdwatcher", "email": EMAILS[0], "mobile": PHONES[1], "password": PASSWORD });
    assert_eq!(visitor.post(app, "/api/users", body.clone()).await.status, 201);
    visitor.enter_code(app).await;
    assert_eq!(visitor.post(app, "/api/users", body).await.status, 409);
    let confirm = json!({ "token": last_token(app, EMAILS[0]).await });
    assert_eq!(app.post("/api/auth/confirm-email", confirm).await.status, 200);
    let wish = json!({ "username": "bird.watcher", "email": EMAILS[1], "name": "Ana Duck" });
    assert_eq!(visitor.call(app, Method::PUT, "/api/users/update", wish).await.status, 200);
    let confirm = json!({ "token": last_token(app, EMAILS[1]).await });
    assert_eq!(app.post("/api/auth/confirm-email", confirm).await.status, 200);
    for login in [EMAILS[1], PHONES[1]] {
        let wrong = json!({ "login": login, "password": "not the right one" });
        assert_eq!(app.post("/api/auth/login", wrong).await.status, 401);
    }
    devices(app, &visitor).await;
    assert_eq!(visitor.get(app, "/api/auth/sessions").await.status, 200);
    assert_eq!(visitor.post(app, "/api/auth/switch-workspace", json!({ "workspace_id": 1 })).await.status, 200);
    assert_eq!(visitor.call(app, Method::DELETE, "/api/auth/sessions", Value::Null).await.status, 204);
    let code = visitor.code_for(app, "change_password").await;
    let change = json!({ "password": "other words nobody joins", "code": code });
    assert_eq!(visitor.call(app, Method::PATCH, "/api/users/update-password", change).await.status, 200);
    app.advance(seconds(31));
    let code = visitor.code_for(app, "change_password").await;
    let checked = json!({ "code": code, "purpose": "change_password" });
    assert_eq!(visitor.post(app, "/api/auth/verify-code", checked).await.status, 200);
    let change = json!({ "password": "third words nobody joins" });
    assert_eq!(visitor.call(app, Method::PATCH, "/api/users/update-password", change).await.status, 200);
    assert_eq!(visitor.post(app, "/api/auth/recover", json!({ "login": EMAILS[1] })).await.status, 202);
    let code = last_code(app).await;
    let proofs = json!({ "code": code, "mail_token": last_token(app, EMAILS[1]).await, "new_password": PASSWORD });
    assert_eq!(visitor.post(app, "/api/auth/recover/complete", proofs).await.status, 200);
    assert_eq!(visitor.post(app, "/api/auth/logout", Value::Null).await.status, 204);
    app.advance(hours(25));
    let mut tx = app.store().begin().await.unwrap();
    tx.forget_ended_accounts(app.now()).await.unwrap();
    tx.commit().await.unwrap();
    app.run_outbox().await;
}

/// A device and recovery codes, each set and used, with a wrong one before it.
async fn devices(app: &TestApp, visitor: &Visitor) {
    let begun = visitor.post(app, "/api/auth/totp", Value::Null).await;
    let secret = begun["secret"].as_str().unwrap();
    let code = json!({ "code": shown(secret, app.now()) });
    assert_eq!(visitor.post(app, "/api/auth/totp/confirm", code).await.status, 200);
    let codes = visitor.post(app, "/api/auth/recovery-codes", Value::Null).await;
    app.advance(minutes(11));
    for code in [shown(secret, app.now()), codes["codes"][0].as_str().unwrap().to_owned()] {
        let login = json!({ "login": EMAILS[1], "password": PASSWORD });
        assert_eq!(visitor.post(app, "/api/auth/login", login).await.status, 200);
        let wrong = visitor.post(app, "/api/auth/verify-code", json!({ "code": "no" })).await;
        assert_eq!(wrong.status, 401);
        assert_eq!(visitor.post(app, "/api/auth/verify-code", json!({ "code": code })).await.status, 200);
    }
    assert_eq!(visitor.call(app, Method::DELETE, "/api/auth/totp", Value::Null).await.status, 204);
}

fn text(body: &str) -> Value {
    json!({ "from": PHONES[0], "to": PHONES[1], "type": "sms", "body": body })
}

fn mail() -> Value {
    json!({ "from": EMAILS[0], "to": [EMAILS[1]], "cc": [EMAILS[2]], "reply_to": EMAILS[3], "subject": "A subject",
            "body": "<p>A mail of <b>some</b> words</p>", "attachments": ["https://example.com/a.pdf"] })
}

async fn send(app: &TestApp) {
    let key = [("idempotency-key", "a-key-of-the-traffic")];
    for _ in 0..2 {
        assert_eq!(app.post_with("/api/messages/sms", &key, text("kept").to_string()).await.status, 201);
    }
    assert_eq!(app.post("/api/messages/email", mail()).await.status, 201);
    let mut group = text("to a group");
    group["type"] = json!("mms");
    group["to"] = json!([PHONES[1], PHONES[2]]);
    assert_eq!(app.post("/api/messages/sms", group.clone()).await.status, 201);
    let mut later = text("later");
    later["scheduled_at"] = json!((app.now() + hours(2)).to_string());
    let later = app.send(later).await;
    let batch = json!({ "messages": [text("one"), { "from": PHONES[0], "to": EMAILS[0], "type": "sms" }, group] });
    let batched = app.post_with("/api/messages/batch", &[("idempotency-key", "another")], batch.to_string()).await;
    assert_eq!(batched.status, 200);
    assert_eq!(app.post("/api/conversations/1/messages", json!({ "body": "a reply" })).await.status, 201);
    let canceled = app.post(&format!("{}/cancel", path_of(&later)), Value::Null).await;
    assert_eq!(canceled.status, 200);
    let form = json!({ "recipient_phone": PHONES[1], "message_body": "by the form" });
    assert_eq!(app.post("/send-message", form).await.status, 201);
    for path in ["/api/send-sms", "/api/receive-sms"] {
        let body = json!({ "senderPhone": PHONES[3], "receiverPhone": PHONES[0], "messageText": "by uuid",
                           "timestamp": 1_700_000_000, "uuid": "u-1" });
        assert_eq!(app.post(path, body).await.status, 200);
    }
}

async fn carry(app: &TestApp) {
    let reason = format!("nobody at {} or {} (202) 555-0187", PHONES[0], EMAILS[0]);
    app.provider.script([
        Outcome::Rejected { code: "404".to_owned(), reason: reason.clone() },
        Outcome::Retry { after: Some(seconds(2)), is_away: false, reason: reason.clone() },
        Outcome::Doubtful { reason: reason.clone() },
        Outcome::Unknown { reason },
        doubtful(),
        busy(None),
    ]);
    app.run_for(minutes(5)).await;
    app.provider.always(Some(silence()));
    let unknown = app.send(text("unknown")).await;
    app.run_outbox().await;
    app.provider.always(None);
    assert_eq!(app.post(&format!("{}/replay", path_of(&unknown)), Value::Null).await.status, 202);
    app.provider.always(Some(busy(None)));
    app.send(text("dead")).await;
    app.run_for(hours(11)).await;
    app.provider.always(None);
    assert!(!app.list("/api/dead-letters").await.is_empty());
}

async fn receive(app: &TestApp) {
    for (id, to) in [("in-1", json!(PHONES[0])), ("in-1", json!(PHONES[2])), ("in-2", json!([PHONES[0], PHONES[2]]))] {
        let body = json!({ "from": PHONES[1], "to": to, "type": "mms", "messaging_provider_id": id, "body": "in",
                           "attachments": ["https://example.com/i.jpg"] });
        assert_eq!(app.post("/api/webhooks/sms", body).await.status, 200);
    }
    let mut body = mail();
    body["xillio_id"] = json!("in-1");
    assert_eq!(app.post("/api/webhooks/email", body).await.status, 200);
    mails::traffic(app).await;
    let unreadable = json!({ "from": PHONES[1], "to": EMAILS[1], "type": "sms", "messaging_provider_id": PHONES[3] });
    let parked = app.post("/api/webhooks/sms", unreadable).await;
    assert_eq!(parked.status, 202);
    let again = app.post(&format!("/api/quarantine/{}/replay", parked["quarantined"]), Value::Null).await;
    assert_eq!(again.status, 409);
    let handset = format!("/api/simulator/handsets/{}/messages", PHONES[2]);
    assert_eq!(app.post(&handset, json!({ "to": PHONES[0], "body": "from a handset" })).await.status, 201);
}

/// A team at work on the first conversation.
async fn team(app: &TestApp) {
    let agent = app.person("an-agent-of-the-team", Role::Agent).await;
    let admin = app.person("an-admin-of-the-traffic", Role::Admin).await;
    let ask = async |person, method: Method, path: &str, body: Value| {
        let answer = app.as_person(person, method.clone(), path, Some(body)).await;
        assert!(answer.status.is_success(), "{method} {path}: {:?}", answer.body);
    };
    ask(&admin, Method::POST, "/api/labels", json!({ "name": "one" })).await;
    ask(&admin, Method::PATCH, "/api/labels/1", json!({ "name": "two" })).await;
    ask(&agent, Method::PUT, "/api/conversations/1/labels/1", Value::Null).await;
    let reply = json!({ "name": "greeting", "body": "Hello {{contact}}, {{agent}} of {{workspace}}" });
    ask(&agent, Method::POST, "/api/saved-replies", reply).await;
    ask(&agent, Method::PATCH, "/api/saved-replies/1", json!({ "body": "Hi {{contact}}" })).await;
    ask(&agent, Method::POST, "/api/saved-replies/1/render", json!({ "conversation_id": 1 })).await;
    ask(&agent, Method::POST, "/api/conversations/1/notes", json!({ "body": "a note" })).await;
    ask(&agent, Method::PATCH, "/api/conversations/1", json!({ "assignee": agent.username })).await;
    let until = (app.now() + minutes(5)).to_string();
    ask(&agent, Method::PATCH, "/api/conversations/1", json!({ "state": "snoozed", "snoozed_until": until })).await;
    app.advance(minutes(5));
    app.run_outbox().await;
    for state in ["closed", "open", "closed"] {
        ask(&agent, Method::PATCH, "/api/conversations/1", json!({ "state": state })).await;
    }
    for path in [
        "/api/labels",
        "/api/saved-replies",
        "/api/conversations/1",
        "/api/conversations/1/notes",
        "/api/conversations/1/activity",
        "/api/conversations?state=closed",
        "/api/conversations?state=open&unread=true",
        "/api/conversations?assignee=me&state=closed&label=1",
        "/api/conversations?assignee=me",
        "/api/conversations?assignee=none&unread=true",
        "/api/conversations?label=1",
        "/api/conversations?unread=true",
        "/api/conversations?assignee=an-admin-of-the-traffic",
    ] {
        ask(&agent, Method::GET, path, Value::Null).await;
    }
    ask(&agent, Method::DELETE, "/api/conversations/1/labels/1", Value::Null).await;
    ask(&agent, Method::DELETE, "/api/saved-replies/1", Value::Null).await;
    ask(&admin, Method::DELETE, "/api/labels/1", Value::Null).await;
    let again = json!({ "from": PHONES[1], "to": PHONES[0], "type": "sms", "messaging_provider_id": "in-again", "body": "again" });
    assert_eq!(app.post("/api/webhooks/sms", again).await.status, 200);
}

/// An upload that is sent, and one that is not.
async fn attach(app: &TestApp) {
    let upload = async |text: &str| {
        let form =
            format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{text}\r\n--b--\r\n");
        let request = Request::post("/api/attachments").header("content-type", "multipart/form-data; boundary=b");
        let answer = app.raw(request.body(Body::from(form)).unwrap()).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer["url"].clone()
    };
    let (sent, _unsent) = (upload("sent").await, upload("not sent").await);
    let mut draft = text("with a file");
    draft["attachments"] = json!([sent]);
    app.send(draft).await;
    app.run_outbox().await;
    assert_eq!(app.get(sent.as_str().unwrap()).await.status, 200);
    let attempts = app.provider.attempts();
    let link = attempts.last().unwrap().envelope.attachments[0].url.replace("http://127.0.0.1:8080", "");
    assert_eq!(app.get(&link).await.status, 200);
    app.advance(hours(26));
    assert_eq!(sweep_files(&app.messaging).await.unwrap(), 1);
}

async fn report(app: &TestApp) {
    let reference = app.provider.attempts().last().unwrap().envelope.reference.clone();
    let error = format!("refused by {} and {}", PHONES[1], EMAILS[1]);
    for report in [
        json!({ "reference": reference, "status": "sent", "recipient": PHONES[1] }),
        json!({ "reference": reference, "status": "failed", "recipient": PHONES[1], "error": error }),
        json!({ "provider_id": "p-2", "status": "delivered", "recipient": EMAILS[1] }),
        json!({ "provider_id": "nobody-knows", "status": "delivered", "recipient": PHONES[1], "error": error }),
        json!({ "provider_id": "nobody-knows", "status": "odd", "recipient": PHONES[1], "error": error }),
    ] {
        assert!(app.report(report).await.status.is_success());
    }
}

async fn read(app: &TestApp) {
    let key = json!({ "name": "a key of the traffic", "scopes": ["messages:read"] });
    assert_eq!(app.post("/api/keys", key).await.status, 201);
    let reader = app.key(&[Scope::MessagesRead]).await;
    let mut paths = vec![
        "/api/conversations".to_owned(),
        "/api/conversations?q=words&channel=email".to_owned(),
        format!("/api/conversations?q={}", EMAILS[0]),
        format!("/api/conversations?q=in&participant={}", PHONES[0]),
        "/api/conversations/1/messages?order=asc&limit=2".to_owned(),
        "/api/conversations/1/messages?order=desc&limit=2".to_owned(),
        "/api/dead-letters".to_owned(),
        "/api/quarantine".to_owned(),
        "/messages?limit=2".to_owned(),
        "/api/simulator/handsets".to_owned(),
        "/metrics".to_owned(),
        "/api/ready".to_owned(),
    ];
    for phone in PHONES {
        paths.push(format!("/api/conversations?participant={phone}"));
        paths.push(format!("/api/get-conversation/{phone}?limit=2"));
    }
    for path in paths {
        assert_eq!(app.get(&path).await.status, 200, "{path}");
    }
    for message in app.list("/api/conversations/1/messages").await {
        app.timeline(&message).await;
    }
    assert_eq!(app.get_with("/api/conversations/1", &[("authorization", &reader)]).await.status, 200);
}

/// The path of the group that people were told something in.
pub async fn group(app: &TestApp) -> String {
    let chats = app.list("/api/conversations?channel=chat").await;
    let group = chats.into_iter().find(|conversation| conversation["kind"] == "group").unwrap();
    format!("/api/conversations/{}", group["id"])
}

async fn chat(app: &TestApp) {
    let people = chats::people(app).await;
    let [rdibari, bugs, duck, porky] = [&people[0], &people[1], &people[2], &people[3]];
    let ok = async |person, method: Method, path: &str, body: Value| {
        let answer = app.as_person(person, method.clone(), path, Some(body)).await;
        assert!(answer.status.is_success(), "{method} {path}: {:?}", answer.body);
        answer.body
    };
    ok(rdibari, Method::POST, "/api/friends", json!({ "user_name": "porky" })).await;
    ok(porky, Method::POST, "/api/friends/rdibari/accept", json!({})).await;
    ok(duck, Method::POST, "/api/friends", json!({ "user_name": "porky" })).await;
    ok(porky, Method::PUT, "/api/blocks/bugs", json!({})).await;
    app.database().execute("update workspaces set strangers = 'ask' where id = 1").await;
    let asked = chats::say(app, rdibari, bugs, "words of a stranger").await;
    let begun = json!({ "kind": "direct", "user_name": "rdibari" });
    let direct = ok(bugs, Method::POST, "/api/conversations", begun).await["id"].clone();
    ok(bugs, Method::POST, &format!("/api/conversations/{direct}/accept"), json!({})).await;
    let mark = json!({ "last_message_id": asked["id"] });
    ok(bugs, Method::POST, &format!("/api/conversations/{direct}/read"), mark).await;
    let group = json!({ "kind": "group", "name": "Toons", "members": ["bugs", "duck"] });
    let group = ok(rdibari, Method::POST, "/api/conversations", group).await["id"].clone();
    let group = format!("/api/conversations/{group}");
    ok(duck, Method::POST, &format!("{group}/decline"), json!({})).await;
    ok(rdibari, Method::PATCH, &group, json!({ "name": "More toons" })).await;
    ok(rdibari, Method::POST, &format!("{group}/members"), json!({ "user_name": "porky" })).await;
    let body = json!({ "body": "words to a group", "attachments": ["https://example.com/a.gif"] });
    let said = ok(rdibari, Method::POST, &format!("{group}/messages"), body).await;
    let message = path_of(&said);
    ok(porky, Method::PUT, &format!("{message}/reactions/%F0%9F%91%8D"), json!({})).await;
    ok(porky, Method::PUT, &format!("{message}/reactions/%F0%9F%A5%95"), json!({})).await;
    ok(porky, Method::DELETE, &format!("{message}/reactions/%F0%9F%91%8D"), json!({})).await;
    ok(rdibari, Method::PATCH, &message, json!({ "body": "other words" })).await;
    let regretted = ok(rdibari, Method::POST, &format!("{group}/messages"), json!({ "body": "regretted" })).await;
    ok(rdibari, Method::DELETE, &path_of(&regretted), json!({})).await;
    for path in [
        "/api/conversations",
        "/api/conversations?q=words",
        "/api/conversations?participant=porky",
        "/api/users?limit=2",
        "/api/messages/rdibari?limit=2",
        "/api/friends",
        "/api/friend-requests",
        "/api/blocks",
        &group,
        &format!("{group}/members"),
        &format!("{group}/messages"),
        &message,
        &format!("{message}/history"),
    ] {
        chats::get(app, rdibari, path).await;
    }
    chats::get(app, porky, &format!("{group}/messages")).await;
    let agent = app.person("an-agent-of-the-traffic", Role::Agent).await;
    chats::get(app, &agent, "/api/conversations?q=words").await;
}

/// What is refused is not remembered, nor is it logged.
async fn refuse(app: &TestApp) {
    for phone in PHONES {
        for path in [
            format!("/api/conversations/{phone}"),
            format!("/api/conversations/{phone}/messages"),
            format!("/nowhere/{phone}"),
            format!("/api/conversations?cursor={phone}"),
            format!("/api/conversations?channel={phone}"),
            format!("/api/conversations?participant={phone}x"),
            format!("/api/simulator/handsets/{phone}@"),
        ] {
            assert!(app.get(&path).await.status.is_client_error(), "{path}");
        }
    }
    for draft in [
        json!({ "from": EMAILS[0], "to": PHONES[1], "type": PHONES[2], "body": PHONES[3], PHONES[0]: 1 }),
        json!({ "from": PHONES[0], "to": EMAILS[0], "type": "sms", "body": "x", "timestamp": PHONES[1] }),
    ] {
        assert_eq!(app.post("/api/messages/sms", draft).await.status, 400);
    }
    let headers = [("x-request-id", PHONES[0]), ("idempotency-key", PHONES[1]), ("user-agent", EMAILS[0])];
    assert_eq!(app.post_with("/api/messages/sms", &headers, "{}").await.status, 400);
    let wrong = Request::get("/api/conversations").header("authorization", format!("Bearer {}", PHONES[0]));
    assert_eq!(app.raw(wrong.body(Body::empty()).unwrap()).await.status, 401);
    let foreign = Request::get("/").header("origin", format!("https://{}", EMAILS[0]));
    assert_eq!(app.raw(foreign.body(Body::empty()).unwrap()).await.status, 403);
}
