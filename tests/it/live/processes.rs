//! Several server processes on one PostgreSQL tell the same, at once, and also when they cannot hear each other.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::{Ear, ids};
use crate::harness::{sms, text};
use crate::process::{Plan, Server, Site, free_port, request};

async fn listen(server: &Server, path: &str, token: Option<&str>) -> Ear {
    let address: SocketAddr = server.base.strip_prefix("http://").unwrap().parse().unwrap();
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    Ear::knock(address, path, &headers).await.unwrap()
}

/// Two servers on one PostgreSQL.
struct Pair {
    site: Site,
    plan: Plan,
    one: Server,
    other: Server,
}

/// The other one with a variable of its own; nothing where a database has one server.
async fn pair((name, value): (&'static str, &str)) -> Option<Pair> {
    let site = Site::new().await;
    if !site.is_postgres() {
        return None;
    }
    let plan = Plan::dev(&site, "");
    let one = plan.start().await;
    let other = Plan { port: free_port(), ..plan.with(name, value) }.start().await;
    Some(Pair { site, plan, one, other })
}

/// What it hears, it was told: it does not look by itself.
const NEVER_LOOKS: (&str, &str) = ("SWITCHBOARD_FAULT_POLL_MS", "3600000");
/// It hears nothing of the others.
const DEAF: (&str, &str) = ("SWITCHBOARD_SABOTAGE", "live_deaf");

/// Sends a text by one server, and waits until the other's ear has heard of it.
async fn is_heard(server: &Server, ear: &mut Ear) {
    let sent = server.post("/api/messages/sms", &sms("hello")).await.unwrap();
    assert_eq!(sent.status, 201, "{}", sent.body);
    while ear.hear().await["data"]["message_id"] != sent.body["id"] {}
}

/// Signs one of the people of `dev` in, with the code that came to their handset.
async fn sign_in(server: &Server, name: &str, mobile: &str) -> String {
    let login = json!({ "login": name, "password": "switchboard-dev", "client": "bearer" });
    let begun = server.post("/api/auth/login", &login).await.unwrap();
    assert_eq!(begun.status, 200, "{}", begun.body);
    let handset = format!("/api/simulator/handsets/{}", mobile.replace('+', "%2B"));
    let code = loop {
        let texts = server.try_get(&handset).await.unwrap().body;
        let mut texts = texts["data"].as_array().into_iter().flatten().rev();
        let code = texts.find_map(|text| text["body"].as_str()?.get(..6));
        if let Some(code) = code {
            break code.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let verify = server.build(Method::POST, "/api/auth/verify-code").bearer_auth(text(&begun.body["token"]));
    let done = request(&crate::process::client(), verify.json(&json!({ "code": code }))).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.body);
    text(&done.body["token"]).to_owned()
}

async fn does(server: &Server, token: &str, method: Method, path: &str, body: Value) -> Value {
    let built = server.build(method, path).bearer_auth(token).json(&body);
    let answer = request(&crate::process::client(), built).await.unwrap();
    assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
    answer.body
}

#[tokio::test]
async fn what_one_process_commits_is_heard_at_the_other_at_once() {
    let Some(Pair { site: _site, one, other, .. }) = pair(NEVER_LOOKS).await else { return };
    let mut ear = listen(&other, "/api/live", None).await;
    let begin = ear.hello().await;
    for _ in 0..5 {
        is_heard(&one, &mut ear).await;
    }

    let both = async |server: &Server, from: usize| {
        for n in 0..40 {
            let mut draft = sms("hello");
            draft["to"] = json!(format!("+1202555{:04}", from + n));
            assert_eq!(server.post("/api/messages/sms", &draft).await.unwrap().status, 201);
        }
    };
    tokio::join!(both(&one, 1_000), both(&other, 2_000));
    let mut here = listen(&one, &format!("/api/live?after={begin}"), None).await;
    let mut there = listen(&other, &format!("/api/live?after={begin}"), None).await;
    let newest = listen(&one, "/api/live", None).await.hello().await;
    let (here, there) = (ids(&here.hear_until(newest).await), ids(&there.hear_until(newest).await));
    assert!(here.len() >= 5 + 160 && here.is_sorted_by(|a, b| a < b), "{here:?}");
    assert_eq!(here[..here.len().min(there.len())], there[..here.len().min(there.len())]);
}

#[tokio::test]
async fn a_process_that_hears_nothing_finds_the_log() {
    let Some(Pair { site: _site, one, other, .. }) = pair(DEAF).await else { return };
    let mut ear = listen(&other, "/api/live", None).await;
    ear.hello().await;
    for _ in 0..3 {
        is_heard(&one, &mut ear).await;
    }
}

#[tokio::test]
async fn a_process_that_was_cut_off_hears_again() {
    let Some(Pair { site, plan, one, other }) = pair(NEVER_LOOKS).await else { return };
    let mut ear = listen(&other, "/api/live", None).await;
    ear.hello().await;
    let name = plan.database.as_deref().and_then(|url| url.rsplit('/').next()).unwrap();
    let deaf = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%' and datname = '{name}'"
    );
    for _ in 0..3 {
        site.administer(deaf.clone()).await;
        is_heard(&one, &mut ear).await;
    }
}

#[tokio::test]
async fn a_block_crosses_processes() {
    let Some(Pair { site: _site, one, other, .. }) = pair(NEVER_LOOKS).await else { return };
    let bugs = sign_in(&one, "bugs", "+12025550102").await;
    let duck = sign_in(&one, "duck", "+12025550103").await;
    for (token, friend) in [(&bugs, "duck"), (&duck, "bugs")] {
        does(&one, token, Method::POST, "/api/friends", json!({ "user_name": friend })).await;
    }
    let mut by_duck = listen(&other, "/api/live", Some(&duck)).await;
    let _by_bugs = listen(&one, "/api/live", Some(&bugs)).await;
    let (came, _) = by_duck.hear_type("presence").await;
    assert_eq!((text(&came["data"]["user_name"]), &came["data"]["is_online"]), ("bugs", &json!(true)));
    does(&one, &bugs, Method::PUT, "/api/blocks/duck", json!({})).await;
    let (went, _) = by_duck.hear_type("presence").await;
    assert_eq!((text(&went["data"]["user_name"]), &went["data"]["is_online"]), ("bugs", &json!(false)));
}

#[tokio::test]
async fn who_types_and_who_is_there_crosses_processes() {
    let site = Site::new().await;
    if !site.is_postgres() {
        return;
    }
    let plan = Plan::dev(&site, "");
    let one = plan.start().await;
    let bugs = sign_in(&one, "bugs", "+12025550102").await;
    let duck = sign_in(&one, "duck", "+12025550103").await;
    let said = json!({ "sender_user_name": "bugs", "recipient_user_name": "duck", "body": "hello" });
    does(&one, &bugs, Method::POST, "/api/messages", said).await;
    let conversations = does(&one, &bugs, Method::GET, "/api/conversations", json!({})).await;
    let conversation = conversations["data"][0]["id"].as_i64().unwrap();
    let mut by_bugs = listen(&one, "/api/live", Some(&bugs)).await;
    by_bugs.hello().await;

    let mut other = Plan { port: free_port(), ..plan.clone() }.start().await;
    let mut by_duck = listen(&other, "/api/live", Some(&duck)).await;
    by_duck.hello().await;
    let (came, _) = by_bugs.hear_type("presence").await;
    assert_eq!((text(&came["data"]["user_name"]), &came["data"]["is_online"]), ("duck", &json!(true)));
    for (server, token, name) in [(&one, &bugs, "duck"), (&other, &duck, "bugs")] {
        let begun = Instant::now();
        loop {
            let present = does(server, token, Method::GET, "/api/presence", json!({})).await;
            if present["data"][0]["user_name"] == name {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(15), "{name}: {present}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let typing = json!({ "type": "typing", "conversation_id": conversation, "is_typing": true }).to_string();
    by_duck.say(&typing).await;
    let (heard, _) = by_bugs.hear_type("typing").await;
    assert_eq!((text(&heard["data"]["user_name"]), &heard["data"]["conversation_id"]), ("duck", &json!(conversation)));

    other.process.signal("TERM");
    assert_eq!(by_duck.end().await, Some((1012, "restarting".to_owned())));
    assert!(other.process.wait(Duration::from_secs(10)).await.success());
    let (went, _) = by_bugs.hear_type("presence").await;
    assert_eq!((text(&went["data"]["user_name"]), &went["data"]["is_online"]), ("duck", &json!(false)));
}
