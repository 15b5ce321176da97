//! What was done is on the audit log, for those whom it concerns.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::Role;

use crate::harness::{Setup, TestApp, text};

fn column(answer: &Value, name: &str) -> Vec<String> {
    answer["data"].as_array().unwrap().iter().map(|entry| text(&entry[name]).to_owned()).collect()
}

#[tokio::test]
async fn every_act_is_there_with_its_actor_and_nobodys_address() {
    let app = Setup::serve().with_senders().start().await;
    let admin = app.person("bugs", Role::Admin).await;
    app.person("duck", Role::Member).await;
    let act = async |method: Method, path: &str, body: Value| {
        let answer = app.as_person(&admin, method, path, Some(body)).await;
        assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
        answer
    };
    let key = act(Method::POST, "/api/keys", json!({ "name": "k", "scopes": ["messages:read"] })).await;
    act(Method::DELETE, &format!("/api/keys/{}", key["id"]), Value::Null).await;
    let invited = json!({ "mobile": "+12025550143", "role": "agent" });
    let invited = act(Method::POST, "/api/invitations", invited).await;
    act(Method::DELETE, &format!("/api/invitations/{}", invited["id"]), Value::Null).await;
    act(Method::PATCH, "/api/settings", json!({ "strangers": "no" })).await;
    act(Method::PATCH, "/api/members/duck", json!({ "role": "agent" })).await;
    act(Method::DELETE, "/api/members/duck", Value::Null).await;
    let log = app.as_person(&admin, Method::GET, "/api/audit", None).await;
    let actions = [
        "member.removed",
        "member.role_changed",
        "settings.changed",
        "invitation.revoked",
        "invitation.created",
        "key.revoked",
        "key.created",
    ];
    assert_eq!(column(&log.body, "action"), actions);
    assert!(log["data"].as_array().unwrap().iter().all(|entry| entry["actor_name"] == "bugs"));
    let role = json!({ "from": "member", "to": "agent" });
    assert_eq!((text(&log["data"][1]["target_name"]), &log["data"][1]["data"]), ("duck", &role));
    for clear in ["2025550143", "people.example", "sb_"] {
        assert!(!log.text().contains(clear), "{clear}");
    }
    app.run_outbox().await;
}

#[tokio::test]
async fn the_log_is_filtered_paged_and_its_workspaces_own() {
    let app = TestApp::start().await;
    for at in 0..3 {
        let body = json!({ "name": format!("key {at}"), "scopes": ["messages:read"] });
        assert_eq!(app.post("/api/keys", body).await.status, 201);
    }
    app.delete("/api/keys/2").await;
    let shop = app.workspace("shop").await;
    let theirs = app.key_of(shop, &[Scope::Admin]).await;
    let made = app.get("/api/audit?action=key.created&actor=operator&limit=2").await;
    assert_eq!(column(&made.body, "target"), ["key:3", "key:2"]);
    let cursor = text(&made["next_cursor"]);
    let rest = app.get(&format!("/api/audit?action=key.created&actor=operator&cursor={cursor}")).await;
    assert_eq!((column(&rest.body, "target"), &rest["next_cursor"]), (vec!["key:1".to_owned()], &Value::Null));
    assert_eq!(app.get(&format!("/api/audit?cursor={cursor}")).await.status, 400, "another list's cursor");
    assert!(app.list("/api/audit?actor=user:1").await.is_empty());
    let log = app.showing(&theirs, Method::GET, "/api/audit", None).await;
    assert_eq!(column(&log.body, "target"), ["key:4"]);
}

#[tokio::test]
async fn what_goes_out_of_quarantine_is_on_the_log() {
    let app = TestApp::start().await;
    let odd = app.post("/api/webhooks/sms", json!({ "odd": true })).await;
    assert_eq!(app.delete(&format!("/api/quarantine/{}", odd["quarantined"])).await.status, 204);
    assert_eq!(app.delete(&format!("/api/quarantine/{}", odd["quarantined"])).await.status, 404);
    let log = app.get("/api/audit").await;
    assert_eq!(column(&log.body, "action"), ["quarantined.deleted"]);
    assert_eq!(column(&log.body, "target"), [format!("quarantined:{}", odd["quarantined"])]);
}
