//! In `dev` everything that the pages call works without signing in, and what only people do says so.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use switchboard::domain::Role;

use crate::harness::{Setup, TestApp, text};
use crate::visitor::Visitor;

async fn does(app: &TestApp, method: &str, path: &str, body: Value) -> Value {
    let body = (!body.is_null()).then_some(body);
    let answer = app.call(Method::from_bytes(method.as_bytes()).unwrap(), path, body).await;
    assert!(answer.status.is_success(), "{method} {path}: {} {}", answer.status, answer.text());
    answer.body
}

#[tokio::test]
async fn the_local_operator_does_what_the_pages_offer_to_agents() {
    let app = TestApp::start().await;
    let message = app.send_sms("hello").await;
    let conversation = format!("/api/conversations/{}", message["conversation_id"]);
    let label = does(&app, "POST", "/api/labels", json!({ "name": "vip" })).await;
    let reply = does(&app, "POST", "/api/saved-replies", json!({ "name": "thanks", "body": "Thank you" })).await;
    let contact = does(&app, "POST", "/api/contacts", json!({ "name": "Ana", "addresses": ["+18045551234"] })).await;
    for (method, path, body) in [
        ("PUT", format!("{conversation}/labels/{}", label["id"]), Value::Null),
        ("POST", format!("{conversation}/notes"), json!({ "body": "seen" })),
        ("GET", format!("{conversation}/notes"), Value::Null),
        ("GET", format!("{conversation}/activity"), Value::Null),
        ("PATCH", conversation.clone(), json!({ "state": "closed" })),
        ("POST", format!("{conversation}/messages"), json!({ "body": "once more" })),
        (
            "POST",
            format!("/api/saved-replies/{}/render", reply["id"]),
            json!({ "conversation_id": message["conversation_id"] }),
        ),
        ("GET", format!("/api/contacts/{}", contact["id"]), Value::Null),
        ("PUT", "/api/consents".to_owned(), json!({ "address": "+12025550199", "state": "opted_out" })),
        ("GET", "/api/consents".to_owned(), Value::Null),
        ("GET", "/api/consents/export".to_owned(), Value::Null),
        ("GET", "/api/dead-letters".to_owned(), Value::Null),
        ("POST", "/send-message".to_owned(), json!({ "recipient_phone": "2025550144", "message_body": "hello" })),
        ("GET", "/messages".to_owned(), Value::Null),
        ("GET", "/api/users".to_owned(), Value::Null),
    ] {
        does(&app, method, &path, body).await;
    }
    let body = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n";
    let upload = Request::post("/api/attachments").header("content-type", "multipart/form-data; boundary=x");
    let file = app.raw(upload.body(Body::from(body)).unwrap()).await;
    assert_eq!(file.status, 201, "{}", file.text());
    assert_eq!(app.get(&format!("/api/attachments/{}", file["id"])).await.text(), "hello");
    app.leave_work();
}

#[tokio::test]
async fn the_local_operator_does_what_the_pages_offer_to_admins() {
    let app = TestApp::start().await;
    let key = does(&app, "POST", "/api/keys", json!({ "name": "shop", "scopes": ["messages:read"] })).await;
    let hook = json!({ "url": "http://127.0.0.1:9/", "events": ["message.delivered"] });
    let hook = does(&app, "POST", "/api/webhook-endpoints", hook).await;
    let hook = format!("/api/webhook-endpoints/{}", hook["id"]);
    let invitation =
        does(&app, "POST", "/api/invitations", json!({ "email": "ana@people.example", "role": "agent" })).await;
    for (method, path, body) in [
        ("GET", "/api/keys".to_owned(), Value::Null),
        ("DELETE", format!("/api/keys/{}", key["id"]), Value::Null),
        ("GET", "/api/webhook-endpoints".to_owned(), Value::Null),
        ("PATCH", hook.clone(), json!({ "events": ["message.received"] })),
        ("POST", format!("{hook}/test"), Value::Null),
        ("POST", format!("{hook}/rotate"), Value::Null),
        ("GET", format!("{hook}/deliveries"), Value::Null),
        ("GET", "/api/invitations".to_owned(), Value::Null),
        ("DELETE", format!("/api/invitations/{}", invitation["id"]), Value::Null),
        ("GET", "/api/members".to_owned(), Value::Null),
        ("GET", "/api/settings".to_owned(), Value::Null),
        ("PATCH", "/api/settings".to_owned(), json!({ "name": "The shop" })),
        ("GET", "/api/workspaces".to_owned(), Value::Null),
        ("GET", "/api/audit".to_owned(), Value::Null),
        ("GET", "/api/providers".to_owned(), Value::Null),
        ("POST", "/api/providers/test/pause".to_owned(), Value::Null),
        ("POST", "/api/providers/test/resume".to_owned(), Value::Null),
        ("GET", "/api/quarantine".to_owned(), Value::Null),
        ("GET", "/metrics".to_owned(), Value::Null),
        ("GET", "/api/simulator/chaos".to_owned(), Value::Null),
        ("GET", "/api/simulator/handsets".to_owned(), Value::Null),
    ] {
        does(&app, method, &path, body).await;
    }
    app.leave_work();
}

#[tokio::test]
async fn the_local_operator_reads_and_writes_what_people_say_and_is_nobody_themselves() {
    let app = TestApp::start().await;
    app.person("anabel", Role::Member).await;
    app.person("bertram", Role::Member).await;
    let said = json!({ "sender_user_name": "anabel", "recipient_user_name": "bertram", "body": "hello" });
    does(&app, "POST", "/api/messages", said).await;
    let conversations = app.list("/api/conversations").await;
    let conversation = format!("/api/conversations/{}", conversations[0]["id"]);
    for path in ["/members", "/messages"] {
        does(&app, "GET", &format!("{conversation}{path}"), Value::Null).await;
    }
    for path in ["/api/friends", "/api/friend-requests", "/api/blocks", "/api/auth/sessions"] {
        let answer = app.get(path).await;
        assert_eq!((answer.status.as_u16(), text(&answer["code"])), (401, "unauthorized"), "{path}");
    }
}

#[tokio::test]
async fn a_client_is_told_whom_it_acts_as_before_it_shows_anything() {
    let app = TestApp::start().await;
    let local = app.get("/api/app").await;
    assert_eq!(
        local.body,
        json!({ "version": env!("CARGO_PKG_VERSION"), "mode": "dev", "is_operator": true, "user_id": null, "workspace_id": 1,
                "role": "admin", "sign_up": "open", "senders": ["+12015550100", "switchboard@localhost"],
                "default_sender": "+12015550100", "default_country": "+1", "max_segments": 10 })
    );
    let person = Visitor::new(&app, "anabel", "+12125550101").await;
    let signed_in = person.get(&app, "/api/app").await;
    assert_eq!((&signed_in["is_operator"], &signed_in["default_sender"]), (&json!(false), &Value::Null), "a member");
    assert_eq!((&signed_in["role"], &signed_in["senders"]), (&json!("member"), &json!([])));
    let account = person.get(&app, "/api/auth/authenticated").await;
    assert_eq!((signed_in["user_id"].is_i64(), &signed_in["user_id"]), (true, &account["user"]["id"]));
    let far = app.get_with("/api/app", &[("authorization", "Bearer sb_live_wrong")]).await;
    assert_eq!((far.status.as_u16(), &far["is_operator"]), (200, &json!(false)));
    assert_eq!((&far["role"], &far["workspace_id"]), (&Value::Null, &Value::Null), "nobody");
    assert!(far["user_id"].is_null(), "nobody");
    let ended = app.get_with("/api/app", &[("cookie", "sb_session=sb_sess_gone")]).await;
    assert_eq!((ended.status.as_u16(), &ended["is_operator"]), (200, &json!(false)));
    assert!(ended.header("set-cookie").starts_with("sb_session=;"), "{}", ended.header("set-cookie"));
    app.leave_work();
}

#[tokio::test]
async fn in_serve_a_stranger_is_told_no_sender() {
    let app = Setup::serve().with_senders().start().await;
    let stranger = app.get("/api/app").await;
    assert_eq!((text(&stranger["mode"]), text(&stranger["sign_up"])), ("serve", "invited"));
    assert_eq!((&stranger["is_operator"], &stranger["default_sender"]), (&json!(false), &Value::Null));
    let agent = app.person("agnes", Role::Agent).await;
    let agent = app.as_person(&agent, Method::GET, "/api/app", None).await;
    assert_eq!((&agent["is_operator"], text(&agent["default_sender"])), (&json!(false), "+12015550100"));
    assert_eq!((&agent["role"], &agent["senders"][0]), (&json!("agent"), &json!("+12015550100")));
}
