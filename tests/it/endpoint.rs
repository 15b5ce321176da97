//! A customer's endpoint: a real listener on loopback that answers as it is told, and remembers what it was told.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::domain::Timestamp;
use switchboard::signature::{Claim, SigningKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{TestApp, seconds, text};

/// Where endpoints are made.
pub const PATH: &str = "/api/webhook-endpoints";
/// Everything that can be told.
pub const ALL: &[&str] = &[
    "message.accepted",
    "message.sent",
    "message.delivered",
    "message.failed",
    "message.unknown",
    "message.received",
    "conversation.created",
    "conversation.updated",
    "consent.changed",
];

/// The path of an endpoint.
pub fn at(made: &Value) -> String {
    format!("{PATH}/{}", made["id"])
}

/// What an endpoint was told, newest first.
pub async fn deliveries(app: &TestApp, made: &Value) -> Vec<Value> {
    app.list(&format!("{}/deliveries", at(made))).await
}

/// One request as the endpoint got it.
#[derive(Debug, Clone)]
pub struct Told {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Told {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether the request is signed with a secret.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| self.header(name));
        let at = Timestamp::from_seconds(headers[1].parse().unwrap()).unwrap();
        let claim = Claim::read(headers.into(), at).unwrap();
        claim.is_proven(&[SigningKey::read(secret).unwrap()], &self.body)
    }
}

/// What an endpoint answers with: everything from the status code on, as on the wire; nothing: it hangs.
type Reply = Option<String>;

#[derive(Debug, Default)]
struct State {
    script: Mutex<VecDeque<Reply>>,
    always: Mutex<Reply>,
    told: Mutex<Vec<Told>>,
    connections: AtomicUsize,
}

/// The endpoint; its listener goes with it.
#[derive(Debug)]
pub struct Endpoint {
    pub port: u16,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

impl Endpoint {
    /// One that answers 204 to everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state =
            Arc::new(State { always: Mutex::new(Some("204 No Content\r\n\r\n".to_owned())), ..State::default() });
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { port, state, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Answers so to the next request that has no answer yet.
    pub fn then(&self, reply: &str) -> &Self {
        self.state.script.lock().unwrap().push_back(Some(reply.to_owned()));
        self
    }

    /// Answers so to everything that has no answer of its own.
    pub fn always(&self, reply: &str) {
        *self.state.always.lock().unwrap() = Some(reply.to_owned());
    }

    /// Answers nothing any more.
    pub fn hang(&self) {
        *self.state.always.lock().unwrap() = None;
    }

    pub fn told(&self) -> Vec<Told> {
        self.state.told.lock().unwrap().clone()
    }

    /// The types of what it was told, in order.
    pub fn types(&self) -> Vec<String> {
        self.told().iter().map(|told| told.json()["type"].as_str().unwrap().to_owned()).collect()
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Makes it an endpoint of the default workspace; gives what the server answered, with the secret.
    pub async fn subscribe(&self, app: &TestApp, events: &[&str]) -> Value {
        let made = app.post("/api/webhook-endpoints", json!({ "url": self.url(), "events": events })).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        made.body
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let Some(told) = read(&mut stream).await else { return };
    state.told.lock().unwrap().push(told);
    let scripted = state.script.lock().unwrap().pop_front();
    let reply = scripted.unwrap_or_else(|| state.always.lock().unwrap().clone());
    let Some(reply) = reply else { return std::future::pending().await };
    let _ = stream.write_all(format!("HTTP/1.1 {reply}").as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn read(stream: &mut TcpStream) -> Option<Told> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 8_192]);
    loop {
        let length = stream.read(&mut chunk).await.ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&chunk[..length]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let path = lines.next()?.split(' ').nth(1)?.to_owned();
        let headers: HashMap<String, String> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
            .collect();
        let wanted: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if bytes.len() >= end + 4 + wanted {
            return Some(Told { path, headers, body: bytes[end + 4..].to_vec() });
        }
    }
}

/// Everything that can be done with an endpoint; gives its secrets.
pub async fn traffic(app: &TestApp) -> Vec<String> {
    let endpoint = Endpoint::start().await;
    endpoint.then("500 Oops\r\n\r\n").then("410 Gone\r\n\r\n");
    let url = format!("{}?token=canaryhook0123456789", endpoint.url());
    let events = ["message.accepted", "message.received", "conversation.updated"];
    let act = async |method: Method, path: &str, body: Value| {
        let path = format!("/api/webhook-endpoints{path}");
        let answer = app.call(method.clone(), &path, Some(body)).await;
        assert!(answer.status.is_success(), "{method} {path}: {:?}", answer.body);
        answer.body
    };
    let made = act(Method::POST, "", json!({ "url": url, "events": events })).await;
    let rotated = act(Method::POST, "/1/rotate", json!({})).await;
    app.send_sms("something to tell of").await;
    app.run_outbox().await;
    app.run_for(seconds(10)).await;
    act(Method::PATCH, "/1", json!({ "enabled": true })).await;
    app.send_sms("something more").await;
    let label = app.post("/api/labels", json!({ "name": "to be told of" })).await;
    let labels = format!("/api/conversations/1/labels/{}", label["id"]);
    assert_eq!(app.put(&labels, json!({})).await.status, 204);
    app.run_outbox().await;
    act(Method::POST, "/1/test", json!({})).await;
    app.run_outbox().await;
    act(Method::POST, "/1/deliveries/1/replay", json!({})).await;
    act(Method::POST, "/1/replay", json!({ "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z" })).await;
    app.run_outbox().await;
    for path in ["", "/1", "/1/deliveries", "/1/deliveries?limit=1"] {
        act(Method::GET, path, Value::Null).await;
    }
    let short = act(Method::POST, "", json!({ "url": url, "events": events })).await;
    act(Method::DELETE, &format!("/{}", short["id"]), Value::Null).await;
    [&made, &rotated, &short]
        .map(|made| text(&made["secret"]).to_owned())
        .into_iter()
        .chain(["canaryhook0123456789".to_owned()])
        .collect()
}
