//! Who hears what: nobody more than their list of conversations shows, and no page of another site anything.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::Role;
use switchboard::live::Limits;

use super::client::PATIENCE;
use super::{Ear, Station, ids, said};
use crate::harness::{Person, Setup, TestApp, seconds, sms};

/// Says something, and gives the id of its event.
async fn say(station: &Station, from: &Person, to: &str, body: &str) -> i64 {
    let before = station.log_after(0).await.last().copied().unwrap_or(0);
    let sent = station.app.as_person(from, Method::POST, "/api/messages", Some(said(&from.username, to, body))).await;
    assert_eq!(sent.status, 201, "{:?}", sent.body);
    *station.log_after(before).await.last().unwrap()
}

/// Sends a text of the numbers, and gives the id of its event.
async fn text(station: &Station, key: &str) -> i64 {
    let sent = station.app.showing(key, Method::POST, "/api/messages/sms", Some(sms("a secret"))).await;
    assert_eq!(sent.status, 201, "{:?}", sent.body);
    *station.log_after(0).await.last().unwrap()
}

async fn people(app: &TestApp) -> [Person; 5] {
    [
        app.person("anna", Role::Member).await,
        app.person("bert", Role::Member).await,
        app.person("cleo", Role::Member).await,
        app.person("dora", Role::Agent).await,
        app.person("ella", Role::Admin).await,
    ]
}

#[tokio::test]
async fn each_hears_of_their_own_conversations_and_of_no_other() {
    let station = Station::open(Setup::serve()).await;
    let [anna, bert, cleo, dora, ella] = people(&station.app).await;
    let key = station.app.key(&[Scope::MessagesRead, Scope::MessagesSend]).await;
    let other = station.app.workspace("other").await;
    let stranger = station.app.person_of(other, "zoe", Role::Admin).await;
    let mut ears = Vec::new();
    for who in [&anna, &bert, &cleo, &dora, &ella, &stranger] {
        let mut ear = station.listen(&who.authorization).await;
        ear.hello().await;
        ears.push(ear);
    }
    let mut by_key = station.listen(&key).await;
    let begin = by_key.hello().await;

    let between = say(&station, &anna, "bert", "between us").await;
    let numbers = text(&station, &key).await;
    // What everybody waits for: after it, what has not come will not come.
    let mut marks = Vec::new();
    for (from, to) in [(&anna, "bert"), (&cleo, "dora"), (&dora, "ella")] {
        marks.push(say(&station, from, to, "the end").await);
    }
    let last = text(&station, &key).await;

    let log = station.log_after(begin).await;
    let is_of =
        async |frames: &[Value], from: i64, to: i64| ids(frames).iter().filter(|id| (from..=to).contains(*id)).count();
    let [anna, bert, cleo, dora, ella, stranger] = &mut ears[..] else { panic!() };
    for ear in [anna, bert] {
        let heard = ear.hear_until(marks[0]).await;
        assert_eq!(ids(&heard).last(), Some(&marks[0]));
        assert!(ids(&heard).contains(&between) && !ids(&heard).contains(&numbers), "{heard:?}");
    }
    let heard = cleo.hear_until(marks[1]).await;
    assert_eq!(is_of(&heard, 0, marks[0]).await, 0, "{heard:?}");
    for (ear, own) in [(dora, &marks[1..]), (ella, &marks[2..])] {
        let heard = ear.hear_until(last).await;
        assert!(ids(&heard).contains(&numbers) && !ids(&heard).contains(&between), "{heard:?}");
        assert!(own.iter().all(|mark| ids(&heard).contains(mark)), "{heard:?}");
    }
    let heard = by_key.hear_until(last).await;
    assert_eq!(ids(&heard).last(), log.last());
    assert!(ids(&heard).contains(&numbers) && marks.iter().all(|mark| !ids(&heard).contains(mark)), "{heard:?}");
    let there = station.app.key_of(other, &[Scope::MessagesSend]).await;
    let theirs = text(&station, &there).await;
    let heard = stranger.hear_until(theirs).await;
    assert_eq!(is_of(&heard, 0, last).await, 0, "{heard:?}");
}

#[tokio::test]
async fn what_was_missed_is_judged_the_same_way() {
    let station = Station::open(Setup::serve()).await;
    let [anna, _, cleo, ..] = people(&station.app).await;
    let begin = station.listen(&cleo.authorization).await.hello().await;
    say(&station, &anna, "bert", "between us").await;
    let mark = say(&station, &anna, "cleo", "the end").await;
    let own = station.log_after(begin).await;
    let heard = station.resume(&cleo.authorization, begin).await.hear_until(mark).await;
    assert!(heard.len() < own.len() && ids(&heard).last() == Some(&mark), "{heard:?}");
    let conversations: std::collections::BTreeSet<i64> =
        heard.iter().map(|frame| frame["data"]["conversation_id"].as_i64().unwrap()).collect();
    assert_eq!(conversations.len(), 1, "{heard:?}");
}

#[tokio::test]
async fn whoever_begins_to_listen_in_the_middle_hears_of_their_own() {
    let station = Station::open(Setup::serve()).await;
    let [anna, bert, ..] = people(&station.app).await;
    let mut first = station.listen(&anna.authorization).await;
    first.hello().await;
    for n in 0..20 {
        let mut ear = station.listen(&bert.authorization).await;
        let begin = ear.hello().await;
        let event = say(&station, &anna, "bert", &format!("number {n}")).await;
        assert_eq!(ear.hear_until(event).await.last().unwrap()["id"], json!(event), "after {begin}");
    }
}

#[tokio::test]
async fn no_page_of_another_site_listens() {
    let station = Station::open(
        Setup::serve()
            .with("SWITCHBOARD_PUBLIC_URL", "https://sms.example.com")
            .with("SWITCHBOARD_ALLOWED_ORIGINS", "https://app.example.com"),
    )
    .await;
    let person = station.app.person("anna", Role::Member).await;
    let cookie = format!("__Host-sb_session={}", person.authorization.strip_prefix("Bearer ").unwrap());
    let own = format!("http://{}", station.address);
    for (origin, is_let_in) in [
        (None, true),
        (Some(own.as_str()), true),
        (Some("https://sms.example.com"), true),
        (Some("https://app.example.com"), true),
        (Some("https://evil.example"), false),
        (Some("http://localhost:5173"), false),
        (Some("https://sms.example.com.evil.example"), false),
        (Some("null"), false),
        (Some(""), false),
    ] {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(origin.map(|origin| ("origin", origin)));
        match station.knock("/api/live", &headers).await {
            Ok(mut ear) => {
                assert!(is_let_in, "{origin:?}");
                ear.hello().await;
            }
            Err(refused) => {
                assert!(!is_let_in, "{origin:?} {refused:?}");
                assert_eq!(refused, (403, "foreign_origin".to_owned()), "{origin:?}");
            }
        }
    }
    let anybody = station.knock("/api/live", &[]).await.err().unwrap();
    assert_eq!(anybody, (401, "unauthorized".to_owned()));
    let token = person.authorization.strip_prefix("Bearer ").unwrap();
    let in_url = station.knock(&format!("/api/live?access_token={token}&token={token}"), &[]).await.err().unwrap();
    assert_eq!(in_url.0, 401);
}

#[tokio::test]
async fn in_dev_only_pages_of_this_machine_listen() {
    let station = Station::open(Setup::default()).await;
    for (origin, status) in [("http://localhost:5173", None), ("https://evil.example", Some(403)), ("null", Some(403))]
    {
        let refused = station.knock("/api/live", &[("origin", origin)]).await.err().map(|(status, _)| status);
        assert_eq!(refused, status, "{origin}");
    }
    let rebound = station.knock("/api/live", &[("host", "evil.example")]).await.err().unwrap();
    assert_eq!(rebound.0, 403);
    let plain = station.app.get("/api/live").await;
    assert_eq!((plain.status.as_u16(), plain.header("upgrade")), (426, "websocket"));
}

#[tokio::test]
async fn nobody_takes_all_the_room() {
    let limits = Limits { per_holder: 2, in_all: 3, ..Limits::default() };
    let station = Station::open(Setup { live: limits, ..Setup::serve() }).await;
    let [anna, bert, ..] = people(&station.app).await;
    let again = async |who: &Person| station.knock("/api/live", &[("authorization", &who.authorization)]).await;
    let mut held: Vec<Ear> = vec![again(&anna).await.ok().unwrap(), again(&anna).await.ok().unwrap()];
    assert_eq!(again(&anna).await.err().unwrap(), (429, "too_many_connections".to_owned()));
    held.push(again(&bert).await.ok().unwrap());
    assert_eq!(again(&bert).await.err().unwrap(), (503, "no_room".to_owned()));
    held.clear();
    let is_free = async {
        while again(&anna).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, is_free).await.expect("there is room again");
}

#[tokio::test]
async fn whoever_was_in_a_group_for_a_while_is_told_of_that_when_they_come_back() {
    let station = Station::open(Setup::serve()).await;
    let app = &station.app;
    let [anna, _, cleo, dora, _] = people(app).await;
    let does = async |method: Method, path: &str, body: Option<Value>| {
        let before = station.log_after(0).await.last().copied().unwrap_or(0);
        let answer = app.as_person(&anna, method, path, body).await;
        assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
        (answer.body, station.log_after(before).await)
    };
    let made = json!({ "kind": "group", "name": "us", "members": ["bert"] });
    let (group, _) = does(Method::POST, "/api/conversations", Some(made)).await;
    let path = format!("/api/conversations/{}", group["id"]);
    let begin = station.listen(&cleo.authorization).await.hello().await;
    let talk =
        async |body: &str| does(Method::POST, &format!("{path}/messages"), Some(json!({ "body": body }))).await.1;
    let before = talk("before").await;
    let member = |name: &str| Some(json!({ "user_name": name }));
    let (_, cleo_came) = does(Method::POST, &format!("{path}/members"), member("cleo")).await;
    app.advance(seconds(1));
    let (_, dora_came) = does(Method::POST, &format!("{path}/members"), member("dora")).await;
    let between = talk("between").await;
    let (_, cleo_left) = does(Method::DELETE, &format!("{path}/members/cleo"), None).await;
    let after = talk("after").await;
    let mark = say(&station, &anna, "cleo", "the end").await;
    let heard = ids(&station.resume(&cleo.authorization, begin).await.hear_until(mark).await);
    let theirs: Vec<i64> = heard.iter().copied().filter(|id| *id <= *after.last().unwrap()).collect();
    assert_eq!(theirs, cleo_left, "that they left, and no more of it");
    let heard = ids(&station.resume(&dora.authorization, begin).await.hear_until(*after.last().unwrap()).await);
    assert!(before.iter().chain(&cleo_came).all(|id| !heard.contains(id)), "{heard:?}");
    assert_eq!(heard, [dora_came, between, cleo_left, after].concat());
}
