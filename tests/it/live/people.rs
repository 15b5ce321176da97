//! Who is typing and who is there: told to those who may know, and to nobody else.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::{Caller, ConversationId, Role, Who, WorkspaceId};
use switchboard::live::Limits;

use super::client::PATIENCE;
use super::{Ear, Station, said};
use crate::harness::{Person, Setup, sms, text};

const LINGER: Duration = Duration::from_millis(300);

async fn open() -> Station {
    Station::open(Setup { live: Limits { linger: LINGER, ..Limits::default() }, ..Setup::serve() }).await
}

/// People who answer no numbers.
async fn members<const N: usize>(station: &Station, names: [&str; N]) -> [Person; N] {
    let mut people = Vec::new();
    for name in names {
        people.push(station.app.person(name, Role::Member).await);
    }
    people.try_into().unwrap()
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

/// The same as an event stream's client says it: what several people say so is told in that order.
async fn post_typing(station: &Station, who: &Person, conversation: i64, is_typing: bool) {
    let body = json!({ "conversation_id": conversation, "is_typing": is_typing });
    does(station, who, Method::POST, "/api/live/typing", Some(body)).await;
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
    let [anna, bert, cleo] = members(&station, ["anna", "bert", "cleo"]).await;
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
    post_typing(&station, &bert, ours, true).await;
    assert_eq!(typist(&mut a).await, ("bert".to_owned(), ours, true), "an event stream's client says it so");
    let wrong = app.as_person(&bert, Method::POST, "/api/live/typing", Some(json!({ "conversation_id": "x" }))).await;
    assert_eq!(wrong.errors(), ["conversation_id invalid", "is_typing required"]);
    let once_more = json!({ "conversation_id": ours, "is_typing": true });
    let bert_says = Caller { workspace: WorkspaceId::DEFAULT, who: Who::User(bert.id, Role::Member) };
    let refused = async {
        loop {
            while app.live.say_typing(&bert_says, ConversationId(ours), true) {}
            let said = app.as_person(&bert, Method::POST, "/api/live/typing", Some(once_more.clone())).await;
            if said.status != 204 {
                return said;
            }
        }
    };
    let refused = tokio::time::timeout(PATIENCE, refused).await.expect("somebody is told to wait");
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"));
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
    post_typing(&station, &anna, numbers, true).await;
    post_typing(&station, &dora, ours, true).await;
    assert_eq!(typist(&mut a).await, ("dora".to_owned(), ours, true), "and not that dora answers a number");
    post_typing(&station, &ella, numbers, true).await;
    assert_eq!(typist(&mut d).await, ("ella".to_owned(), numbers, true), "and not that a member would");
}

#[tokio::test]
async fn a_request_and_a_block_hide_who_types_and_who_is_there() {
    let station = open().await;
    let app = &station.app;
    let [anna, bert, cleo] = members(&station, ["anna", "bert", "cleo"]).await;
    app.database().execute("update workspaces set strangers = 'ask' where id = 1").await;
    befriend(&station, &bert, &cleo).await;
    let request = say(&station, &anna, &bert).await;
    let friends = say(&station, &bert, &cleo).await;
    let mut b = listen(&station, &bert).await;
    let mut a = listen(&station, &anna).await;
    let _c = listen(&station, &cleo).await;
    assert_eq!(presence(&mut b).await, ("cleo".to_owned(), true), "and not anna, who came before");
    assert_eq!((present(&station, &bert).await, present(&station, &anna).await), (vec!["cleo".to_owned()], Vec::new()));
    post_typing(&station, &anna, request, true).await;
    post_typing(&station, &bert, request, true).await;
    post_typing(&station, &cleo, friends, true).await;
    assert_eq!(typist(&mut b).await, ("cleo".to_owned(), friends, true), "and not anna, who only asks");

    does(&station, &bert, Method::POST, &format!("/api/conversations/{request}/accept"), None).await;
    post_typing(&station, &bert, request, true).await;
    assert_eq!(typist(&mut a).await, ("bert".to_owned(), request, true), "for the first time: it is taken on");
    assert_eq!(present(&station, &anna).await, ["bert"]);

    does(&station, &bert, Method::PUT, "/api/blocks/anna", None).await;
    post_typing(&station, &anna, request, true).await;
    post_typing(&station, &bert, request, true).await;
    post_typing(&station, &cleo, friends, false).await;
    assert_eq!(typist(&mut b).await, ("cleo".to_owned(), friends, false), "and not anna, who is blocked");
    assert_eq!((present(&station, &bert).await, present(&station, &anna).await), (vec!["cleo".to_owned()], Vec::new()));
}

#[tokio::test]
async fn coming_and_going_is_told_to_those_who_know_each_other() {
    let station = open().await;
    let app = &station.app;
    let [anna, bert, cleo] = members(&station, ["anna", "bert", "cleo"]).await;
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

#[tokio::test]
async fn whoever_is_blocked_sees_the_other_go_and_never_come_again() {
    let station = open().await;
    let [anna, bert, cleo, dora] = members(&station, ["anna", "bert", "cleo", "dora"]).await;
    for (one, other) in [(&anna, &bert), (&bert, &cleo), (&anna, &dora)] {
        befriend(&station, one, other).await;
    }
    let mut a = listen(&station, &anna).await;
    let mut b = listen(&station, &bert).await;
    assert_eq!(presence(&mut a).await, ("bert".to_owned(), true));
    let mut c = listen(&station, &cleo).await;
    does(&station, &bert, Method::PUT, "/api/blocks/anna", None).await;
    assert_eq!(presence(&mut a).await, ("bert".to_owned(), false));
    while presence(&mut b).await != ("anna".to_owned(), false) {}
    drop(b);
    while presence(&mut c).await != ("bert".to_owned(), false) {}
    let mut b = listen(&station, &bert).await;
    assert_eq!(presence(&mut c).await, ("bert".to_owned(), true));
    // To somebody who did not know bert, that they are blocked shows nothing.
    does(&station, &bert, Method::PUT, "/api/blocks/dora", None).await;
    let mut d = listen(&station, &dora).await;
    assert_eq!(presence(&mut a).await, ("dora".to_owned(), true), "and not that bert went and came");
    drop(a);
    loop {
        let heard = presence(&mut d).await;
        assert_eq!(heard.0, "anna");
        if !heard.1 {
            break;
        }
    }
    drop(c);
    assert_eq!(presence(&mut b).await, ("cleo".to_owned(), false), "and nothing of anna");
}

#[tokio::test]
async fn whoever_went_while_the_database_failed_is_not_shown_for_ever() {
    let station = open().await;
    let [anna, bert] = members(&station, ["anna", "bert"]).await;
    befriend(&station, &anna, &bert).await;
    let mut a = listen(&station, &anna).await;
    let b = listen(&station, &bert).await;
    assert_eq!(presence(&mut a).await, ("bert".to_owned(), true));
    station.app.database().execute("alter table friendships rename to friendships_away").await;
    drop(b);
    tokio::time::sleep(LINGER * 5).await;
    station.app.database().execute("alter table friendships_away rename to friendships").await;
    assert_eq!(presence(&mut a).await, ("bert".to_owned(), false));
}
