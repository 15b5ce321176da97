//! What ends a connection: its session, its key, its rights, nonsense, and the server's stop.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;
use switchboard::auth::{Scope, list_keys, revoke_key};
use switchboard::domain::{Caller, Role, WorkspaceId};

use super::{Ear, Station};
use crate::harness::{Setup, hours};
use crate::visitor::Visitor;

/// How long somebody may go on hearing who may not any more.
const AT_MOST: Duration = Duration::from_secs(1);

async fn ends(mut ear: Ear, why: &str) {
    let begun = Instant::now();
    assert_eq!(ear.end().await, Some((4401, "session_ended".to_owned())), "{why}");
    assert!(begun.elapsed() < AT_MOST, "{why}: {:?}", begun.elapsed());
}

#[tokio::test]
async fn signing_out_and_another_password_end_what_they_end() {
    let station = Station::open(Setup::default()).await;
    let app = &station.app;
    let here = Visitor::new(app, "anabel", "+12125550101").await;
    let there = Visitor::default();
    there.login(app, "anabel").await;
    there.enter_code(app).await;
    let listen = async |visitor: &Visitor| {
        let mut ear = station.knock("/api/live", &[("cookie", &visitor.cookies())]).await.unwrap();
        ear.hello().await;
        ear
    };
    let elsewhere = listen(&there).await;
    let mut own = listen(&here).await;
    let code = here.code_for(app, "change_password").await;
    let changed = json!({ "desired_password": "other words nobody joins", "code": code });
    let changed = here.call(app, Method::PATCH, "/api/users/update-password", changed).await;
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    ends(elsewhere, "another password").await;
    app.send_sms("still there").await;
    let sent = here.post(app, "/api/messages", json!({})).await;
    assert_eq!(sent.status, 400);
    let out = here.post(app, "/api/auth/logout", json!({})).await;
    assert_eq!(out.status, 204);
    let begun = Instant::now();
    assert_eq!(own.end().await, Some((4401, "session_ended".to_owned())));
    assert!(begun.elapsed() < AT_MOST);
}

#[tokio::test]
async fn a_session_that_is_over_and_a_seat_that_is_another_one_end_it() {
    let station = Station::open(Setup::serve()).await;
    let app = &station.app;
    let admin = app.key(&[Scope::Admin]).await;
    let promoted = app.person("anna", Role::Member).await;
    let ear = station.listen(&promoted.authorization).await;
    let change = Some(json!({ "role": "agent" }));
    assert_eq!(app.showing(&admin, Method::PATCH, "/api/members/anna", change).await.status, 200);
    ends(ear, "another role").await;

    let removed = app.person("bert", Role::Member).await;
    let ear = station.listen(&removed.authorization).await;
    assert_eq!(app.showing(&admin, Method::DELETE, "/api/members/bert", None).await.status, 204);
    ends(ear, "no seat").await;

    let late = app.person("cleo", Role::Member).await;
    let ear = station.listen(&late.authorization).await;
    app.advance(hours(24 * 15));
    ends(ear, "too long idle").await;
}

#[tokio::test]
async fn a_key_that_is_revoked_or_expired_hears_no_more_and_another_one_does() {
    let station = Station::open(Setup::serve()).await;
    let app = &station.app;
    let operator = Caller::operator(WorkspaceId::DEFAULT);
    let key = app.key(&[Scope::MessagesRead]).await;
    let other = app.key(&[Scope::MessagesRead, Scope::MessagesSend]).await;
    let ear = station.listen(&key).await;
    let mut stays = station.listen(&other).await;
    stays.hello().await;
    let id = list_keys(app.store(), WorkspaceId::DEFAULT).await.unwrap()[0].id;
    assert!(revoke_key(app.store(), &app.clock, operator, id).await.unwrap());
    ends(ear, "revoked").await;
    assert_eq!(station.knock("/api/live", &[("authorization", &key)]).await.err().unwrap().0, 401);
    let sent = app.showing(&other, Method::POST, "/api/messages/sms", Some(crate::harness::sms("x"))).await;
    assert_eq!(sent.status, 201);
    assert_eq!(stays.hear().await["type"], "conversation.created");
}

#[tokio::test]
async fn a_stop_sends_everybody_away_to_come_back() {
    let station = Station::open(Setup::default()).await;
    let mut ear = station.knock("/api/live", &[]).await.unwrap();
    ear.hello().await;
    let leaving = tokio::spawn(async move { ear.end().await });
    let begun = Instant::now();
    station.close().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(leaving.await.unwrap(), Some((1012, "restarting".to_owned())));
}

#[tokio::test]
async fn nonsense_ends_it() {
    let station = Station::open(Setup::default()).await;
    for nonsense in ["", "hello", "[]", "{\"type\":\"shout\"}", "{\"type\":\"typing\",\"conversation_id\":\"1\"}"] {
        let mut ear = station.knock("/api/live", &[]).await.unwrap();
        ear.say(nonsense).await;
        assert_eq!(ear.end().await, Some((1008, "not_understood".to_owned())), "{nonsense}");
    }
    let mut ear = station.knock("/api/live", &[]).await.unwrap();
    for _ in 0..200 {
        ear.say("{\"type\":\"typing\",\"conversation_id\":1,\"is_typing\":true}").await;
    }
    assert_eq!(ear.end().await, Some((1008, "too_many_frames".to_owned())));
    let mut ear = station.knock("/api/live", &[]).await.unwrap();
    ear.say(&"x".repeat(5_000)).await;
    assert_ne!(ear.end().await, Some((1012, "restarting".to_owned())));
}
