//! Who may do what: the local operator of `dev`, keys and their scopes, and the secrets of providers.

mod routes;

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::Digest;
use switchboard::auth::{Scope, create_key, list_keys, revoke_key};
use switchboard::domain::{ApiKeyId, Caller, Channel, WorkspaceId};

use self::routes::{ANYBODY, LINKS, OPEN, PEOPLE, ROUTES, SIGNED, WEBHOOKS};
use crate::harness::{Answer, Setup, TestApp, WEBHOOK_SECRET, email, hours, minutes, seconds, sms, text};
use crate::receiving::inbound;

async fn call(app: &TestApp, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.raw(request.body(Body::from("{}")).unwrap()).await
}

#[tokio::test]
async fn in_serve_every_route_needs_a_key_but_the_open_ones() {
    let app = Setup::serve().start().await;
    for (method, path, _) in ROUTES {
        let answer = call(&app, method, path, &[]).await;
        assert_eq!((answer.status.as_u16(), text(&answer["code"])), (401, "unauthorized"), "{method} {path}");
        assert!(answer.header("www-authenticate").starts_with("Bearer realm="), "{method} {path}");
    }
    for path in WEBHOOKS {
        let answer = call(&app, "POST", path, &[]).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.header("www-authenticate").contains("Basic realm="), "{path}");
    }
    for path in SIGNED {
        let answer = call(&app, "POST", path, &[]).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.header("www-authenticate").starts_with("Signature realm="), "{path}");
    }
    for path in OPEN {
        assert_eq!(app.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn what_people_call_needs_a_session_in_dev_and_serve_and_no_key_has_one() {
    for setup in [Setup::default(), Setup::serve()] {
        let app = setup.start().await;
        let key = app.key(&[Scope::Admin]).await;
        for (method, path) in PEOPLE {
            let answer = call(&app, method, path, &[]).await;
            assert_eq!((answer.status.as_u16(), text(&answer["code"])), (401, "unauthorized"), "{method} {path}");
            let answer = call(&app, method, path, &[("authorization", &key)]).await;
            assert_eq!((answer.status.as_u16(), text(&answer["code"])), (403, "session_required"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_table_of_this_test_holds_every_route() {
    let described = serde_json::to_value(switchboard::http::openapi()).unwrap();
    for (path, item) in described["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let filled = path
                .replace("{id}", "1")
                .replace("{mid}", "1")
                .replace("{did}", "1")
                .replace("{label_id}", "1")
                .replace("{phone_number}", "1234567890")
                .replace("{address}", "40404")
                .replace("{emoji}", "%F0%9F%91%8D")
                .replace("{user_name}", "bugs")
                .replace("{provider}", "test")
                .replace("{name}", "test");
            let method = method.to_uppercase();
            let scope =
                operation["security"].as_array().into_iter().flatten().find_map(|way| way["api_key"][0].as_str());
            let pair = (method.as_str(), filled.as_str());
            let is_listed = match scope {
                Some(scope) => ROUTES.contains(&(pair.0, pair.1, scope)),
                None if operation["security"]
                    .as_array()
                    .is_some_and(|ways| ways.len() == 1 && ways[0]["session"].is_array()) =>
                {
                    PEOPLE.contains(&pair)
                }
                None if ANYBODY.contains(&pair) || SIGNED.contains(&pair.1) => true,
                None => WEBHOOKS.contains(&pair.1) || OPEN.contains(&path.as_str()) || LINKS.contains(&path.as_str()),
            };
            assert!(is_listed, "{method} {path} {scope:?}");
        }
    }
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_name_and_nothing_else() {
    let app = Setup::serve().start().await;
    for held in Scope::ALL {
        let token = app.key(&[held]).await;
        for (method, path, wanted) in ROUTES {
            let answer = call(&app, method, path, &[("authorization", &token)]).await;
            let may = held == Scope::Admin || held.as_str() == *wanted;
            let about = format!("{} at {method} {path}: {}", held.as_str(), answer.status);
            assert_eq!(answer.status != 403, may, "{about}");
            assert_ne!(answer.status, 401, "{about}");
            if !may {
                assert_eq!(answer["code"], "insufficient_scope", "{about}");
                let challenge = format!("error=\"insufficient_scope\", scope=\"{wanted}\"");
                assert!(answer.header("www-authenticate").ends_with(&challenge), "{about}");
            }
        }
    }
    let both = app.key(&[Scope::MessagesSend, Scope::MessagesRead]).await;
    assert_eq!(app.get_with("/api/conversations", &[("authorization", &both)]).await.status, 200);
}

#[tokio::test]
async fn a_key_that_is_expired_revoked_or_made_up_opens_nothing() {
    let app = Setup::serve().start().await;
    let scopes: &[Scope] = &[Scope::MessagesRead];
    let soon = Some(app.now() + hours(1));
    let made =
        create_key(app.store(), &app.clock, Caller::operator(WorkspaceId::DEFAULT), ("brief", scopes, soon)).await;
    let (id, token) = made.unwrap();
    assert_eq!((token.len(), &token[..8]), (8 + 43, "sb_live_"));
    let read = async |authorization: String| {
        app.get_with("/api/conversations", &[("authorization", &authorization)]).await.status.as_u16()
    };
    assert_eq!(read(format!("Bearer {token}")).await, 200);
    let used = list_keys(app.store(), WorkspaceId::DEFAULT).await.unwrap();
    assert_eq!(used[0].last_used_at, Some(app.now()));
    app.advance(minutes(59));
    assert_eq!(read(format!("bearer {token}")).await, 200);
    app.advance(minutes(1));
    assert_eq!(read(format!("Bearer {token}")).await, 401, "expired");
    let other = app.key(scopes).await;
    assert_eq!(read(other.clone()).await, 200);
    assert!(
        revoke_key(app.store(), &app.clock, Caller::operator(WorkspaceId::DEFAULT), ApiKeyId(id.0 + 1)).await.unwrap()
    );
    assert_eq!(read(other).await, 401, "revoked");
    for authorization in [
        format!("Bearer {}x", &token[..token.len() - 1]),
        "Bearer sb_live_".to_owned(),
        "Bearer ".to_owned(),
        "Basic dXNlcjpwYXNz".to_owned(),
        token,
    ] {
        assert_eq!(read(authorization.clone()).await, 401, "{authorization}");
    }
}

#[tokio::test]
async fn a_key_made_over_the_api_opens_what_was_asked_for() {
    let app = Setup::serve().start().await;
    let admin = app.key(&[Scope::Admin]).await;
    let admin = [("authorization", admin.as_str())];
    let body = json!({ "name": "the shop", "scopes": ["messages:read"], "expires_at": "2026-03-02T13:00:00Z" });
    let made = app.post_with("/api/keys", &admin, body.to_string()).await;
    assert_eq!((made.status.as_u16(), &made["id"], text(&made["name"])), (201, &json!(2), "the shop"));
    assert_eq!(made.header("cache-control"), "no-store");
    let token = format!("Bearer {}", text(&made["key"]));
    let made = [("authorization", token.as_str())];
    assert_eq!(app.get_with("/api/conversations", &made).await.status, 200);
    assert_eq!(app.post_with("/api/keys", &made, body.to_string()).await.status, 403);
    for (body, errors) in [
        (json!({}), vec!["name required", "scopes required"]),
        (json!({ "name": "", "scopes": [] }), vec!["name invalid", "scopes invalid"]),
        (json!({ "name": "x", "scopes": ["messages:read", "everything"] }), vec!["scopes invalid"]),
        (json!({ "name": "x", "scopes": "admin" }), vec!["scopes invalid"]),
        (json!({ "name": "x", "scopes": ["admin"], "expires_at": "2026-03-02T12:00:00Z" }), vec!["expires_at invalid"]),
    ] {
        assert_eq!(app.post_with("/api/keys", &admin, body.to_string()).await.errors(), errors, "{body}");
    }
    app.advance(hours(1));
    assert_eq!(app.get_with("/api/conversations", &made).await.status, 401);
}

#[tokio::test]
async fn a_key_is_stored_as_its_hash_alone() {
    let app = Setup::serve().start().await;
    let token = app.key(&[Scope::Admin]).await.replace("Bearer ", "");
    let hashes = if app.database().is_postgres() { "encode(hash, 'hex')" } else { "lower(hex(hash))" };
    let stored = app.database().texts(&format!("select {hashes} from api_keys")).await;
    assert_eq!(stored, [hex::encode(sha2::Sha256::digest(token.as_bytes()))]);
}

#[tokio::test]
async fn a_webhook_shows_its_providers_secret_as_bearer_or_as_password() {
    let app = Setup::serve().start().await;
    let basic = |user: &str, password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    for (at, authorization) in
        [format!("Bearer {WEBHOOK_SECRET}"), basic("anybody", WEBHOOK_SECRET), basic("", WEBHOOK_SECRET)]
            .iter()
            .enumerate()
    {
        let body = inbound(&format!("m-{at}"), "hello").to_string();
        let answer = app.post_with("/api/webhooks/sms", &[("authorization", authorization)], body).await;
        assert_eq!(answer.status, 200, "{authorization}");
    }
    let admin = app.key(&[Scope::Admin]).await;
    for authorization in [
        "Bearer the provider's secre".to_owned(),
        "Bearer ".to_owned(),
        basic(WEBHOOK_SECRET, ""),
        basic("user", "wrong"),
        "Basic !!".to_owned(),
        admin,
    ] {
        for path in WEBHOOKS {
            let answer =
                app.post_with(path, &[("authorization", &authorization)], inbound("m-x", "x").to_string()).await;
            assert_eq!(answer.status, 401, "{path} {authorization}");
        }
    }
    assert_eq!(app.count_messages().await, 3);
    assert_eq!(app.database().number("select count(*) from quarantine").await, 0);
}

#[tokio::test]
async fn ten_thousand_mutated_secrets_open_nothing() {
    let app = Setup::serve().with("SWITCHBOARD_REQUEST_LIMIT_PER_MINUTE", "0").start().await;
    let seed = rand::random::<u64>();
    println!("mutations by seed {seed}");
    let mut random = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(seed);
    let body = inbound("m-1", "forged").to_string();
    let mut tried = 0;
    for _ in 0..10_000 {
        let mut secret = WEBHOOK_SECRET.as_bytes().to_vec();
        for _ in 0..rand::RngExt::random_range(&mut random, 1..4) {
            let at = rand::RngExt::random_range(&mut random, 0..secret.len());
            secret[at] = rand::RngExt::random_range(&mut random, b'!'..=b'~');
        }
        if secret != WEBHOOK_SECRET.as_bytes() {
            let value = format!("Bearer {}", String::from_utf8(secret).unwrap());
            let answer = app.post_with("/api/webhooks/sms", &[("authorization", &value)], body.clone()).await;
            assert_eq!(answer.status, 401, "{value}");
            tried += 1;
        }
    }
    assert!(tried > 9_000, "{tried}");
    assert_eq!(app.count_messages().await, 0);
}

#[tokio::test]
async fn credentials_that_are_sent_always_count_in_dev_too() {
    let app = TestApp::start().await;
    let wrong = [("authorization", "Bearer sb_live_wrong")];
    assert_eq!(app.get_with("/api/conversations", &wrong).await.status, 401);
    assert_eq!(app.post_with("/api/webhooks/sms", &wrong, inbound("m-1", "x").to_string()).await.status, 401);
    let reader = app.key(&[Scope::MessagesRead]).await;
    let answer = app.post_with("/api/messages/sms", &[("authorization", &reader)], sms("x").to_string()).await;
    assert_eq!(answer.status, 403);
    assert_eq!(app.count_messages().await, 0);
}

#[tokio::test]
async fn a_dev_server_answers_no_foreign_host_or_origin() {
    let app = Setup::default()
        .with("SWITCHBOARD_PUBLIC_URL", "https://sms.example.com")
        .with("SWITCHBOARD_ALLOWED_ORIGINS", "https://app.example.com")
        .start()
        .await;
    for (host, origin, status) in [
        ("localhost:8080", None, 200),
        ("127.0.0.1:9", None, 200),
        ("[::1]", None, 200),
        ("localhost", Some("http://localhost:5173"), 200),
        ("localhost", Some("https://app.example.com"), 200),
        ("evil.example", None, 403),
        ("localhost.evil.example", None, 403),
        ("localhost", Some("https://evil.example"), 403),
        ("localhost", Some("null"), 403),
        ("sms.example.com", None, 401),
        ("localhost", Some("https://sms.example.com"), 401),
    ] {
        let mut headers = vec![("host", host)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let answer = app.get_with("/api/conversations", &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{host} {origin:?}");
        let hook = app.post_with("/api/webhooks/sms", &headers, inbound(host, "x").to_string()).await;
        assert_eq!(hook.status.as_u16(), status, "{host} {origin:?}");
    }
    let key = app.key(&[Scope::MessagesRead]).await;
    let headers = [("host", "sms.example.com"), ("authorization", key.as_str())];
    assert_eq!(app.get_with("/api/conversations", &headers).await.status, 200);
    let preflight = Request::options("/api/conversations")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "GET");
    let answer = app.raw(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://app.example.com");
}

#[tokio::test]
async fn a_peer_from_afar_is_no_local_operator() {
    let app = TestApp::start().await;
    for (peer, forwarded, status) in [
        ("192.0.2.7:5000", None, 401),
        ("192.0.2.7:5000", Some("127.0.0.1"), 401),
        ("127.0.0.1:5000", None, 200),
        ("[::1]:5000", None, 200),
    ] {
        let mut request = Request::get("/api/conversations");
        if let Some(forwarded) = forwarded {
            request = request.header("x-forwarded-for", forwarded);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        assert_eq!(app.raw(request).await.status, status, "{peer} {forwarded:?}");
    }
}

#[tokio::test]
async fn in_serve_there_is_no_simulator_and_no_provider_that_was_not_configured() {
    let app = Setup { channels: vec![Channel::Sms], ..Setup::serve() }.start().await;
    let admin = app.key(&[Scope::Admin]).await;
    let admin = [("authorization", admin.as_str())];
    for (method, path, _) in ROUTES.iter().filter(|(_, path, _)| path.starts_with("/api/simulator")) {
        let answer = call(&app, method, path, &admin).await;
        assert_eq!((answer.status.as_u16(), text(&answer["code"])), (404, "no_simulator"), "{method} {path}");
    }
    let answer = app.post_with("/api/messages/email", &admin, email("x").to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.errors()), (400, vec!["type no_provider".to_owned()]));
    let batch = json!({ "messages": [email("x"), sms("y")] }).to_string();
    let answer = app.post_with("/api/messages/batch", &admin, batch).await;
    assert_eq!((&answer["accepted"], &answer["results"][0]["errors"][0]["code"]), (&json!(1), &json!("no_provider")));
    app.run_outbox().await;
}

#[tokio::test]
async fn in_dev_the_simulator_carries_what_nothing_else_does() {
    let app = Setup { channels: Vec::new(), ..Setup::default() }.start().await;
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    assert_eq!(app.reload(&message).await["status"], "accepted");
    let handsets = app.list("/api/simulator/handsets").await;
    assert_eq!((handsets.len(), text(&handsets[0]["address"])), (1, "+18045551234"));
    let seen = app.list("/api/simulator/handsets/8045551234").await;
    assert_eq!((text(&seen[0]["body"]), text(&seen[0]["from"])), ("hello", "+12016661234"));
    let body = json!({ "to": "+12016661234", "body": "back" });
    let written = app.post("/api/simulator/handsets/+18045551234/messages", body).await;
    assert_eq!((written.status.as_u16(), text(&written["direction"])), (201, "inbound"));
    assert_eq!(written["conversation_id"], message["conversation_id"]);
    assert_eq!(app.get("/api/simulator/handsets/5555555555").await.status, 404);
    let chaos = app.put("/api/simulator/chaos", json!({ "rate_500": 1.0, "receipts": "off" })).await;
    assert_eq!((chaos.status.as_u16(), &chaos["rate_500"]), (200, &json!(1.0)));
    let doubtful = app.send_sms("again").await;
    app.run_outbox().await;
    assert_eq!(app.attempts(&doubtful).await[0]["outcome"], "doubtful");
    app.put("/api/simulator/chaos", json!({})).await;
    app.run_for(seconds(5)).await;
    assert_eq!(app.reload(&doubtful).await["status"], "accepted");
    let refused = app.put("/api/simulator/chaos", json!({ "rate_429": 2 })).await;
    assert_eq!((refused.status.as_u16(), refused.errors()), (400, vec!["rate_429 invalid".to_owned()]));
    assert_eq!(app.put("/api/simulator/chaos", Value::Null).await.status, 400);
}

#[tokio::test]
async fn a_rehearsed_text_is_answered_like_a_sent_one_and_leaves_no_trace() {
    let app = TestApp::start().await;
    let sent = app.send_sms("hello").await;
    let stored = app.count_messages().await;
    let mut rehearsed = app.post("/api/simulator/ceiling", sms("hello")).await;
    assert_eq!(
        (rehearsed.status.as_u16(), &rehearsed["id"], &rehearsed["conversation_id"]),
        (201, &json!(0), &json!(0))
    );
    for name in ["id", "conversation_id"] {
        rehearsed.body[name] = sent[name].clone();
    }
    assert_eq!(rehearsed.body, sent);
    let refused = app.post("/api/simulator/ceiling", json!({ "type": "sms", "body": "x".repeat(2_000) })).await;
    let expected = app.post("/api/messages/sms", json!({ "type": "sms", "body": "x".repeat(2_000) })).await;
    assert_eq!((refused.status.as_u16(), refused.errors()), (400, expected.errors()));
    assert_eq!(app.count_messages().await, stored);
    app.leave_work();
}
