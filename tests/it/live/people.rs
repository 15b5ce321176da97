//! Who is typing and who is there: told to those who may know, and to nobody else.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::Role;
use switchboard::live::Limits;

use super::{Ear, Station, said};
use crate::harness::{Person, Setup, sms, text};

const LINGER: Duration = Duration::from_millis(300);

async fn open() -> Station {
    Station::open(Setup { live: Limits { linger: LINGER, ..Limits::default() }, ..Setup::serve() }).await
}

async fn does(station: &Station, who: &Person, method: Method, path: &str, body: Option<Value>) -> Value {
    let answer = station.app.as_person(who, method, path, body).await;
    assert!(answer.status.is_success(), "{path}: {} {:?}", answer.status, answer.body);
    answer.body
}

/// Says something to somebody; gives the conversation.
async fn say(station: &Station, from: &Person, to: &Person) -> i64 {
    does(station, from, Method::POST, "/api/messages", Some(said(&from.username, &to.username, "hello"))).await;
    station.app.database().number("select max(conversation_id) from messages").await
}

async fn listen(station: &Station, who: &Person) -> Ear {
    let mut ear = station.listen(&who.authorization).await;
    ear.hello().await;
    ear
}

async fn befriend(station: &Station, one: &Person, other: &Person) {
    for (who, whom) in [(one, other), (other, one)] {
        does(station, who, Method::POST, "/api/friends", Some(json!({ "user_name": whom.username }))).await;
    }
}

async fn typing(ear: &mut Ear, conversation: i64, is_typing: bool) {
    ear.say(&json!({ "type": "typing", "conversation_id": conversation, "is_typing": is_typing }).to_string()).await;
}

/// Who is heard typing next, and where.
async fn typist(ear: &mut Ear) -> (String, i64, bool) {
    let (frame, _) = ear.hear_type("typing").await;
    assert!(frame["id"].is_null(), "{frame}");
    let data = &frame["data"];
    let place = data["conversation_id"].as_i64().unwrap();
    (text(&data["user_name"]).to_owned(), place, data["is_typing"].as_bool().unwrap())
}

/// Whose coming or going is heard next.
async fn presence(ear: &mut Ear) -> (String, bool) {
    let (frame, _) = ear.hear_type("presence").await;
    assert!(frame["id"].is_null(), "{frame}");
    (text(&frame["data"]["user_name"]).to_owned(), frame["data"]["is_online"].as_bool().unwrap())
}

async fn present(station: &Station, who: &Person) -> Vec<String> {
    let list = does(station, who, Method::GET, "/api/presence", None).await;
    list["data"].as_array().unwrap().iter().map(|person| text(&person["user_name"]).to_owned()).collect()
}

#[tokio::test]
async fn whoever_types_is_heard_by_the_others_of_the_conversation_alone() {
    let station = open().await;
    let app = &station.app;
    let [anna, bert, cleo] = [
        app.person("anna", Role::Member).await,
        app.person("bert", Role::Member).await,
        app.person("cleo", Role::Member).await,
    ];
    let (ours, theirs) = (say(&station, &anna, &bert).await, say(&station, &anna, &cleo).await);
    let (mut a, mut b, mut c) =
        (listen(&station, &anna).await, listen(&station, &bert).await, listen(&station, &cleo).await);
    typing(&mut a, ours, true).await;
    assert_eq!(typist(&mut b).await, ("anna".to_owned(), ours, true));
    typing(&mut a, ours, false).await;
    assert_eq!(typist(&mut b).await, ("anna".to_owned(), ours, false));
    // One who sees the conversation not at all says so in vain, and hears of their own only.
    typing(&mut c, ours, true).await;
    typing(&mut c, theirs, true).await;
    assert_eq!(typist(&mut a).await, ("cleo".to_owned(), theirs, true));
    typing(&mut a, theirs, true).await;
    assert_eq!(typist(&mut c).await, ("anna".to_owned(), theirs, true));
    does(
        &station,
        &bert,
        Method::POST,
        "/api/live/typing",
        Some(json!({ "conversation_id": ours, "is_typing": true })),
    )
    .await;
    assert_eq!(typist(&mut a).await, ("bert".to_owned(), ours, true), "an event stream's client says it so");
    let wrong = app.as_person(&bert, Method::POST, "/api/live/typing", Some(json!({ "conversation_id": "x" }))).await;
    assert_eq!(wrong.errors(), ["conversation_id invalid", "is_typing required"]);
    let once_more = json!({ "conversation_id": ours, "is_typing": true });
    for _ in 0..20 {
        let said = app.as_person(&bert, Method::POST, "/api/live/typing", Some(once_more.clone())).await;
        if said.status == 429 {
            assert_eq!(said.header("retry-after"), "1");
            return;
        }
    }
    panic!("nobody is told to wait");
}

#[tokio::test]
async fn agents_hear_who_of_them_answers_and_members_do_not() {
    let station = open().await;
    let app = &station.app;
    let [dora, ella, anna] = [
        app.person("dora", Role::Agent).await,
        app.person("ella", Role::Admin).await,
        app.person("anna", Role::Member).await,
    ];
    let key = app.key(&[Scope::MessagesSend]).await;
    let sent = app.showing(&key, Method::POST, "/api/messages/sms", Some(sms("hello"))).await;
    let numbers = sent["conversation_id"].as_i64().unwrap();
    let ours = say(&station, &dora, &anna).await;
    let (mut d, mut e, mut a) =
        (listen(&station, &dora).await, listen(&station, &ella).await, listen(&station, &anna).await);
    typing(&mut d, numbers, true).await;
    assert_eq!(typist(&mut e).await, ("dora".to_owned(), numbers, true));
    typing(&mut a, numbers, true).await;
    typing(&mut d, ours, true).await;
    assert_eq!(typist(&mut a).await, ("dora".to_owned(), ours, true), "and not that dora answers a number");
    typing(&mut e, numbers, true).await;
    assert_eq!(typist(&mut d).await, ("ella".to_owned(), numbers, true), "and not that a member would");
}

#[tokio::test]
async fn a_request_and_a_block_hide_who_types_and_who_is_there() {
    let station = open().await;
    let app = &station.app;
    let [anna, bert, cleo] = [
        app.person("anna", Role::Member).await,
        app.person("bert", Role::Member).await,
        app.person("cleo", Role::Member).await,
    ];
    app.database().execute("update workspaces set strangers = 'ask' where id = 1").await;
    befriend(&station, &bert, &cleo).await;
    let request = say(&station, &anna, &bert).await;
    let friends = say(&station, &bert, &cleo).await;
    let mut b = listen(&station, &bert).await;
    let mut a = listen(&station, &anna).await;
    let mut c = listen(&station, &cleo).await;
    assert_eq!(presence(&mut b).await, ("cleo".to_owned(), true), "and not anna, who came before");
    assert_eq!((present(&station, &bert).await, present(&station, &anna).await), (vec!["cleo".to_owned()], Vec::new()));
    typing(&mut a, request, true).await;
    typing(&mut b, request, true).await;
    typing(&mut c, friends, true).await;
    assert_eq!(typist(&mut b).await, ("cleo".to_owned(), friends, true), "and not anna, who only asks");

    does(&station, &bert, Method::POST, &format!("/api/conversations/{request}/accept"), None).await;
    typing(&mut b, request, true).await;
    assert_eq!(typist(&mut a).await, ("bert".to_owned(), request, true), "for the first time: it is taken on");
    assert_eq!(present(&station, &anna).await, ["bert"]);

    does(&station, &bert, Method::PUT, "/api/blocks/anna", None).await;
    typing(&mut a, request, true).await;
    typing(&mut b, request, true).await;
    typing(&mut c, friends, false).await;
    assert_eq!(typist(&mut b).await, ("cleo".to_owned(), friends, false), "and not anna, who is blocked");
    assert_eq!((present(&station, &bert).await, present(&station, &anna).await), (vec!["cleo".to_owned()], Vec::new()));
}

#[tokio::test]
async fn coming_and_going_is_told_to_those_who_know_each_other() {
    let station = open().await;
    let app = &station.app;
    let [anna, bert, cleo] = [
        app.person("anna", Role::Member).await,
        app.person("bert", Role::Member).await,
        app.person("cleo", Role::Member).await,
    ];
    say(&station, &anna, &bert).await;
    befriend(&station, &anna, &cleo).await;
    let mut a = listen(&station, &anna).await;
    let b = listen(&station, &bert).await;
    assert_eq!(presence(&mut a).await, ("bert".to_owned(), true));
    let second = listen(&station, &bert).await;
    drop(b);
    tokio::time::sleep(LINGER * 3).await;
    let mut c = listen(&station, &cleo).await;
    assert_eq!(presence(&mut a).await, ("cleo".to_owned(), true), "bert is there still, by another connection");
    assert_eq!(present(&station, &anna).await, ["bert", "cleo"]);
    assert_eq!(present(&station, &cleo).await, ["anna"], "cleo does not know bert");
    drop(second);
    assert_eq!(presence(&mut a).await, ("bert".to_owned(), false));
    drop(a);
    assert_eq!(presence(&mut c).await, ("anna".to_owned(), false), "and nothing of bert");
    assert_eq!(present(&station, &cleo).await, Vec::<String>::new());
    let other = app.workspace("other").await;
    let stranger = app.person_of(other, "zoe", Role::Admin).await;
    assert_eq!(present(&station, &stranger).await, Vec::<String>::new());
}
