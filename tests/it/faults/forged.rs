//! Ten thousand forged secrets: none opens anything, and the right one does.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::header::HeaderValue;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::judge::{draft, fired, path_of, seed};
use crate::process::{Plan, Server, Site, client, provider};

const FORGED: usize = 10_000;
const AT_ONCE: usize = 16;
const ONE: &str = "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH";
const OTHER: &str = "a secret of another provider";

/// One change to a secret, so that it is another.
fn forge(random: &mut StdRng, secret: &str) -> Vec<u8> {
    let mut bytes = secret.as_bytes().to_vec();
    let at = random.random_range(0..bytes.len());
    match random.random_range(0..9) {
        0 | 1 => bytes[at] ^= 1 << random.random_range(0..8),
        2 => bytes.truncate(at),
        3 => {
            bytes.remove(at);
        }
        4 => bytes.insert(at, b'a' + random.random_range(0..26)),
        5 => bytes.push(b'x'),
        6 => bytes = [b"x".as_slice(), &bytes].concat(),
        7 => {
            for byte in &mut bytes {
                *byte = if byte.is_ascii_lowercase() { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
            }
        }
        _ => bytes = [bytes.as_slice(), &bytes].concat(),
    }
    bytes
}

/// What is shown instead of a secret: a forged one, or a right one of something else. `None` cannot be sent at all,
/// or is the secret after all.
fn header(random: &mut StdRng, secret: &str, wrong: &[&str], right: &[&str]) -> Option<HeaderValue> {
    let shown = match random.random_range(0..20) {
        0 => wrong[random.random_range(0..wrong.len())].as_bytes().to_vec(),
        1 => Vec::new(),
        _ => forge(random, secret),
    };
    let text = String::from_utf8_lossy(&shown);
    if right.contains(&text.trim()) {
        return None;
    }
    let value = match random.random_range(0..4) {
        0 => format!("Basic {}", STANDARD.encode([b"user:".as_slice(), &shown].concat())).into_bytes(),
        1 => [b"bearer ".as_slice(), &shown].concat(),
        _ => [b"Bearer ".as_slice(), &shown].concat(),
    };
    HeaderValue::from_bytes(&value).ok()
}

/// Posts every header to a path; gives how many were answered 401.
async fn post_all(base: &str, path: &str, headers: Vec<HeaderValue>, body: &Value) -> usize {
    let url = format!("{base}{path}");
    let headers = Arc::new(headers);
    let workers = (0..AT_ONCE).map(|worker| {
        let (client, url, headers, body) = (client(), url.clone(), headers.clone(), body.clone());
        tokio::spawn(async move { post_some(&client, &url, headers.iter().skip(worker).step_by(AT_ONCE), &body).await })
    });
    let mut refused = 0;
    for worker in workers.collect::<Vec<_>>() {
        refused += worker.await.unwrap();
    }
    refused
}

async fn post_some(client: &Client, url: &str, headers: impl Iterator<Item = &HeaderValue>, body: &Value) -> usize {
    let mut refused = 0;
    for header in headers {
        let response = client.post(url).header("authorization", header).json(body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{url} with {header:?}");
        refused += 1;
    }
    refused
}

fn webhook(id: &str) -> Value {
    json!({ "from": "+12025550111", "to": "+12015550100", "type": "sms", "body": "forged", "messaging_provider_id": id,
        "timestamp": "2024-11-01T14:00:00Z" })
}

async fn serve(site: &Site) -> (Server, String) {
    let config = [
        provider("one", &["sms"], "http://127.0.0.1:1/messages", &format!("webhook_secret = \"{ONE}\"\n")),
        provider("other", &["email"], "http://127.0.0.1:1/messages", &format!("webhook_secret = \"{OTHER}\"\n")),
    ]
    .concat();
    let mut plan = Plan::dev(site, &config).with("SWITCHBOARD_MASTER_KEY", &"5a".repeat(32));
    plan = plan.with("SWITCHBOARD_REQUEST_LIMIT_PER_MINUTE", "0");
    plan.mode = "serve";
    let key = plan.run(&["keys", "create", "--name", "test", "--scope", "admin"]).await;
    (plan.start().await, key.trim().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_forged_secrets_open_nothing() {
    let mut random = StdRng::seed_from_u64(seed("forged"));
    let site = Site::new().await;
    let (mut server, key) = serve(&site).await;
    let mut draw = |count, secrets: &[&str], wrong: &[&str]| {
        let mut headers = Vec::with_capacity(count);
        while headers.len() < count {
            let secret = secrets[random.random_range(0..secrets.len())];
            headers.extend(header(&mut random, secret, wrong, secrets));
        }
        headers
    };
    let to_webhooks = draw(FORGED / 2, &[ONE, OTHER], &[&key, "user", "null", "0"]);
    let to_the_api = draw(FORGED / 2, &[&key], &[ONE, OTHER, "sb_live_", "null"]);
    let mut refused = post_all(&server.base, "/api/webhooks/sms", to_webhooks, &webhook("forged")).await;
    refused += post_all(&server.base, path_of("sms"), to_the_api, &draft("sms", "forged", 1)).await;
    assert_eq!(refused, FORGED);
    assert_eq!(server.post("/api/webhooks/sms", &webhook("bare")).await.unwrap().status, 401, "nor does nothing");
    assert_eq!(server.try_get("/api/conversations").await.unwrap().status, 401);

    server.key = Some(key);
    assert!(server.messages().await.is_empty(), "nothing is stored");
    assert_eq!(server.get("/api/quarantine").await["data"], json!([]), "nor kept");
    for (n, secret) in [ONE, OTHER].into_iter().enumerate() {
        let builder = server.build(Method::POST, "/api/webhooks/sms?x=1").json(&webhook(&format!("right {n}")));
        let request = builder.build().unwrap();
        let url = request.url().clone();
        let posted = client().post(url).bearer_auth(secret).json(&webhook(&format!("right {n}")));
        assert_eq!(posted.send().await.unwrap().status(), 200, "the right secret");
    }
    assert_eq!(server.post(path_of("sms"), &draft("sms", "right", 1)).await.unwrap().status, 201, "the right key");
    assert_eq!(server.messages().await.len(), 3);
    fired("forged secret", u64::try_from(refused).unwrap());
}
