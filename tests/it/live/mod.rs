//! Telling browsers now, over real sockets.

mod client;
mod endings;
mod log;
mod people;
mod processes;
mod rights;

pub use client::{Ear, Station};

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::Role;

use crate::harness::{Setup, sms};
use crate::logs;

/// The ids of frames.
pub fn ids(frames: &[Value]) -> Vec<i64> {
    frames.iter().map(|frame| frame["id"].as_i64().unwrap()).collect()
}

/// What one person says to another, as contract E has it.
pub fn said(from: &str, to: &str, body: &str) -> Value {
    json!({ "sender_user_name": from, "recipient_user_name": to, "body": body })
}

/// Everything that those who listen cause at the database.
pub async fn traffic() {
    let station = Station::open(Setup::serve()).await;
    let app = &station.app;
    let [anna, bert] = [app.person("anna", Role::Agent).await, app.person("bert", Role::Member).await];
    let key = app.key(&[Scope::MessagesRead, Scope::MessagesSend]).await;
    let mut by_key = station.listen(&key).await;
    let begin = by_key.hello().await;
    let mut ears = [station.listen(&anna.authorization).await, station.listen(&bert.authorization).await];
    for body in [said("anna", "bert", "hello"), said("anna", "bert", "again")] {
        assert_eq!(app.as_person(&anna, Method::POST, "/api/messages", Some(body)).await.status, 201);
    }
    assert_eq!(app.showing(&key, Method::POST, "/api/messages/sms", Some(sms("hello"))).await.status, 201);
    let log = station.log_after(begin).await;
    let [a, b] = &mut ears;
    let typing = json!({ "type": "typing", "conversation_id": 1, "is_typing": true }).to_string();
    a.say(&typing).await;
    b.hear_type("typing").await;
    b.say(&typing).await;
    a.hear_type("typing").await;
    by_key.hear_until(*log.last().unwrap()).await;
    station.resume(&anna.authorization, begin).await.hear_until(log[1]).await;
    assert_eq!(app.as_person(&bert, Method::GET, "/api/presence", None).await.status, 200);
    let is_guarded = async {
        while !logs::statements()
            .iter()
            .any(|sql| sql.contains("sessions s on s.id = x.value") || sql.contains("s.id = any("))
        {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(client::PATIENCE, is_guarded).await.unwrap();
    station.close().await;
}
