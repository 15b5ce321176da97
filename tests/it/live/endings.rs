//! What ends a connection: its session, its key, its rights, nonsense, and the server's stop.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;
use switchboard::auth::{Scope, list_keys, revoke_key};
use switchboard::domain::{Caller, Role, WorkspaceId};
use switchboard::live::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use super::client::PATIENCE;
use super::{Ear, Station, said};
use crate::harness::{Setup, hours, sms};
use crate::visitor::Visitor;

/// It ends by itself: nothing else happens, and nothing is heard but the greeting.
async fn ends(mut ear: Ear, why: &str) {
    loop {
        match tokio::time::timeout(PATIENCE, ear.next_or_end()).await.unwrap() {
            Ok(frame) => assert_eq!(frame["type"], "hello", "{why}: {frame}"),
            Err(end) => return assert_eq!(end, Some((4401, "session_ended".to_owned())), "{why}"),
        }
    }
}

/// Asks for events by a connection that takes little, and never reads.
async fn stall(station: &Station, authorization: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut stream = socket.connect(station.address).await.unwrap();
    let request = format!(
        "GET /api/live HTTP/1.1\r\nhost: {}\r\nauthorization: {authorization}\r\naccept: text/event-stream\r\n\r\n",
        station.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.readable().await.unwrap();
    stream
}

/// Waits until somebody else finds room.
async fn finds_room(station: &Station, authorization: &str) {
    let begun = Instant::now();
    while station.knock("/api/live", &[("authorization", authorization)]).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "the room is not given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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
    assert_eq!(own.end().await, Some((4401, "session_ended".to_owned())));
}

#[tokio::test]
async fn signing_out_ends_a_stream_of_events() {
    let station = Station::open(Setup::default()).await;
    let visitor = Visitor::new(&station.app, "anabel", "+12125550101").await;
    let mut stream = station.stream("/api/live", &[("cookie", &visitor.cookies())]).await;
    assert_eq!(stream.hear().await.unwrap().data["type"], "hello");
    assert_eq!(visitor.post(&station.app, "/api/auth/logout", json!({})).await.status, 204);
    let end = stream.hear().await.unwrap();
    let wanted = json!({ "code": 4401, "reason": "session_ended" });
    assert_eq!((end.event.as_deref(), end.data), (Some("end"), wanted));
    assert_eq!(stream.hear().await, None);
}

#[tokio::test]
async fn a_stream_that_nobody_reads_is_cut_when_its_reader_may_hear_no_more() {
    let limits = Limits { in_all: 1, ..Limits::default() };
    let station = Station::open(Setup { live: limits, ..Setup::serve() }).await;
    let app = &station.app;
    let [anna, bert] = [app.person("anna", Role::Agent).await, app.person("bert", Role::Member).await];
    let key = app.key(&[Scope::MessagesSend, Scope::Admin]).await;
    let _stalled = stall(&station, &anna.authorization).await;
    for batch in 0..5 {
        let draft = |n: usize| {
            let mut draft = sms("x");
            draft["to"] = json!(format!("+1202{batch:03}{n:04}"));
            draft
        };
        let drafts: Vec<_> = (0..200).map(draft).collect();
        let sent = app.showing(&key, Method::POST, "/api/messages/batch", Some(json!({ "messages": drafts }))).await;
        assert_eq!(sent["accepted"], 200, "{:?}", sent.body);
    }
    assert_eq!(station.knock("/api/live", &[("authorization", &bert.authorization)]).await.err().unwrap().0, 503);
    assert_eq!(app.showing(&key, Method::DELETE, "/api/members/anna", None).await.status, 204);
    finds_room(&station, &bert.authorization).await;
}

#[tokio::test]
async fn who_cannot_be_checked_is_let_go_in_the_end() {
    let limits = Limits { unchecked: Duration::from_secs(1), ..Limits::default() };
    let station = Station::open(Setup { live: limits, ..Setup::serve() }).await;
    let anna = station.app.person("anna", Role::Member).await;
    let mut ear = station.listen(&anna.authorization).await;
    let begin = ear.hello().await;
    station.app.database().execute("alter table sessions rename to sessions_away").await;
    assert_eq!(ear.end().await, Some((1013, "try_again".to_owned())));
    station.app.database().execute("alter table sessions_away rename to sessions").await;
    drop(station.resume(&anna.authorization, begin).await);
}

#[tokio::test]
async fn a_database_that_is_away_for_a_moment_ends_nothing() {
    let limits = Limits { unchecked: hours(1), ..Limits::default() };
    let station = Station::open(Setup { live: limits, ..Setup::serve() }).await;
    let app = &station.app;
    let [anna, bert] = [app.person("anna", Role::Member).await, app.person("bert", Role::Member).await];
    let mut ear = station.listen(&anna.authorization).await;
    ear.hello().await;
    app.database().execute("alter table sessions rename to sessions_away").await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    app.database().execute("alter table sessions_away rename to sessions").await;
    let sent = app.as_person(&bert, Method::POST, "/api/messages", Some(said("bert", "anna", "hello"))).await;
    assert_eq!(sent.status, 201, "{:?}", sent.body);
    assert_eq!(ear.hear().await["type"], "conversation.created");
}

#[tokio::test]
async fn whoever_waits_to_read_what_they_missed_is_ended_as_well() {
    let limits = Limits { catching_up: 0, ..Limits::default() };
    let station = Station::open(Setup { live: limits, ..Setup::default() }).await;
    let visitor = Visitor::new(&station.app, "anabel", "+12125550101").await;
    for n in 0..3 {
        station.app.send_sms(&format!("message {n}")).await;
    }
    let cookies = visitor.cookies();
    let log = station.log_after(0).await;
    let mut ear = station.knock(&format!("/api/live?after={}", log[0]), &[("cookie", &cookies)]).await.unwrap();
    assert_eq!(visitor.post(&station.app, "/api/auth/logout", json!({})).await.status, 204);
    let end = tokio::time::timeout(PATIENCE, ear.next_or_end()).await.unwrap();
    assert_eq!(end, Err(Some((4401, "session_ended".to_owned()))), "and nothing is read before it is their turn");
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
    let sent = app.showing(&other, Method::POST, "/api/messages/sms", Some(sms("x"))).await;
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
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody was cut off");
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
    assert_eq!(ear.end().await, None, "it breaks off");
}
