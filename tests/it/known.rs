//! What is known is known to have changed: keys and sessions, what was read by whoever read it, and what is due.

use std::time::Duration;

use serde_json::json;
use switchboard::auth::{Scope, authenticate_key, revoke_key};
use switchboard::domain::{Caller, WorkspaceId};
use switchboard::store::{OpenOptions, Store};

use crate::database::keys;
use crate::harness::{Setup, TestApp, sms};

/// Another process on the same database.
async fn beside(app: &TestApp) -> Store {
    let options = OpenOptions { url: app.database().url.clone(), keys: keys(), is_exclusive: false };
    Store::open(&options, &app.clock).await.unwrap()
}

async fn key_id(app: &TestApp, key: &str) -> switchboard::domain::ApiKeyId {
    let token = key.strip_prefix("Bearer ").unwrap();
    authenticate_key(app.store(), &app.clock, token).await.unwrap().unwrap().id
}

#[tokio::test]
async fn a_key_that_is_revoked_here_is_refused_at_once() {
    let app = Setup::serve().start().await;
    let key = app.key(&[Scope::MessagesRead]).await;
    let headers = [("authorization", key.as_str())];
    assert_eq!(app.get_with("/api/conversations", &headers).await.status, 200);
    let id = key_id(&app, &key).await;
    assert!(revoke_key(app.store(), &app.clock, Caller::operator(WorkspaceId::DEFAULT), id).await.unwrap());
    assert_eq!(app.get_with("/api/conversations", &headers).await.status, 401);
}

#[tokio::test]
async fn a_key_that_another_process_revoked_is_refused_within_a_second() {
    let app = Setup::serve().start().await;
    let key = app.key(&[Scope::MessagesRead]).await;
    let headers = [("authorization", key.as_str())];
    let id = key_id(&app, &key).await;
    let other = beside(&app).await;
    assert_eq!(app.get_with("/api/conversations", &headers).await.status, 200);
    assert!(revoke_key(&other, &app.clock, Caller::operator(WorkspaceId::DEFAULT), id).await.unwrap());
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(app.get_with("/api/conversations", &headers).await.status, 401);
    other.close().await;
}

#[tokio::test]
async fn what_says_the_same_is_not_sent_again() {
    let app = TestApp::start().await;
    app.send_sms("one").await;
    let path = "/api/conversations/1/messages";
    let first = app.get(path).await;
    let tag = first.header("etag").to_owned();
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let again = app.get_with(path, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status.as_u16(), again.text()), (304, ""));
    assert_eq!(again.header("etag"), tag);
    app.send_sms("two").await;
    let other = app.get_with(path, &[("if-none-match", &tag)]).await;
    assert_eq!(other.status, 200);
    assert_ne!(other.header("etag"), tag);
    for path in ["/api/keys", "/api/settings", "/api/conversations/77"] {
        assert_eq!(app.get(path).await.header("cache-control"), "no-store", "{path}");
    }
    app.leave_work();
}

#[tokio::test]
async fn one_look_tells_what_is_due() {
    let app = TestApp::start().await;
    let look = async || app.store().read().await.unwrap().pulse(&["test", "second"], app.clock.now()).await.unwrap();
    let idle = look().await;
    assert!(idle.sends.is_empty() && idle.lookups.is_empty() && idle.paused.is_empty());
    assert!(!(idle.has_lapsed || idle.has_expired || idle.has_deliveries || idle.has_media || idle.has_snoozes));
    app.post("/api/providers/test/pause", json!({})).await;
    let mut later = sms("later");
    later["scheduled_at"] = json!((app.clock.now() + Duration::from_mins(1)).to_string());
    app.send(later).await;
    let paused = look().await;
    assert_eq!((paused.paused.len(), paused.sends.len()), (1, 0), "what is scheduled is not due");
    assert!(paused.last_event > idle.last_event);
    app.send_sms("now").await;
    assert_eq!(look().await.sends.into_iter().collect::<Vec<_>>(), ["test"]);
    app.clock.advance(Duration::from_hours(100));
    assert!(look().await.has_expired);
    app.leave_work();
}
