//! A server on a socket, and somebody who listens to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::http::Request;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use switchboard::http;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tokio_util::sync::CancellationToken;

use crate::harness::{Setup, TestApp, text};

/// How long anything may take that is to come.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Little enough that a connection is full soon.
const SMALL: u32 = 4 * 1024;

/// A server in the process that listens on a socket, and tells what happens.
pub struct Station {
    pub app: TestApp,
    pub address: SocketAddr,
    pub stop: CancellationToken,
    serving: JoinHandle<()>,
    telling: JoinHandle<()>,
}

impl Station {
    pub async fn open(setup: Setup) -> Self {
        let app = setup.start().await;
        app.leave_work();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(SMALL).unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let listener: TcpListener = socket.listen(64).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let (_, router) = watch::channel(app.router());
        let serving = tokio::spawn(http::serve(listener, router, http::Limits::default(), stop.clone()));
        let telling = tokio::spawn(app.live.clone().run(stop.clone()));
        Self { app, address, stop, serving, telling }
    }

    /// Begins to listen as whoever shows that.
    pub async fn listen(&self, authorization: &str) -> Ear {
        self.knock("/api/live", &[("authorization", authorization)]).await.unwrap()
    }

    /// Comes back with the last event that they have.
    pub async fn resume(&self, authorization: &str, after: i64) -> Ear {
        self.knock(&format!("/api/live?after={after}"), &[("authorization", authorization)]).await.unwrap()
    }

    /// Tries to listen; gives the status of a refusal.
    pub async fn knock(&self, path: &str, headers: &[(&str, &str)]) -> Result<Ear, (u16, String)> {
        Ear::knock(self.address, path, headers).await
    }

    /// Opens a stream of events.
    pub async fn stream(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        Stream::open(self.address, path, headers).await
    }

    /// The ids of the log after one.
    pub async fn log_after(&self, id: i64) -> Vec<i64> {
        let sql = format!("select cast(e.id as text) from events e where e.id > {id} order by e.id");
        let ids = self.app.database().texts(&sql).await;
        ids.iter().map(|id| id.parse().unwrap()).collect()
    }

    /// Stops the server as a signal does.
    pub async fn close(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
        self.telling.await.unwrap();
        self.app.live.drained(PATIENCE).await;
    }
}

/// Somebody's WebSocket.
pub struct Ear {
    socket: WebSocketStream<TcpStream>,
}

impl Ear {
    /// Tries to listen; gives the status of a refusal, and its code.
    pub async fn knock(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Result<Self, (u16, String)> {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(SMALL).unwrap();
        let stream = socket.connect(address).await.unwrap();
        let mut request = Request::get(format!("ws://{address}{path}"))
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", generate_key());
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", address.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match client_async(request.body(()).unwrap(), stream).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let problem: Value = serde_json::from_slice(body).unwrap_or_default();
                Err((response.status().as_u16(), text(&problem["code"]).to_owned()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// The next frame.
    pub async fn hear(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Every event up to one.
    pub async fn hear_until(&mut self, id: i64) -> Vec<Value> {
        let mut heard = Vec::new();
        loop {
            let frame = self.hear().await;
            if frame["id"].is_null() {
                continue;
            }
            let is_last = frame["id"].as_i64().unwrap() >= id;
            heard.push(frame);
            if is_last {
                return heard;
            }
        }
    }

    /// The next frame of a type, and those before it.
    pub async fn hear_type(&mut self, kind: &str) -> (Value, Vec<Value>) {
        let mut before = Vec::new();
        loop {
            let frame = self.hear().await;
            if frame["type"] == kind {
                return (frame, before);
            }
            before.push(frame);
        }
    }

    /// Where it begins.
    pub async fn hello(&mut self) -> i64 {
        let hello = self.hear().await;
        assert_eq!(hello["type"], "hello", "{hello}");
        hello["id"].as_i64().unwrap()
    }

    /// How it is closed, whatever is heard before; nothing when it breaks off.
    pub async fn end(&mut self) -> Option<(u16, String)> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.unwrap();
            match next {
                Some(Ok(Message::Close(Some(frame)))) => return Some((frame.code.into(), frame.reason.to_string())),
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return None,
            }
        }
    }

    /// The next frame, or how it is closed.
    pub async fn next_or_end(&mut self) -> Result<Value, Option<(u16, String)>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err(Some((frame.code.into(), frame.reason.to_string())));
                }
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return Err(None),
            }
        }
    }

    pub async fn say(&mut self, what: &str) {
        self.socket.send(Message::text(what)).await.unwrap();
    }

    async fn next(&mut self) -> Message {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.unwrap();
            match next.unwrap().unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }
}

/// Somebody's stream of events.
pub struct Stream {
    response: reqwest::Response,
    rest: String,
}

/// One event of a stream.
#[derive(Debug, Default, PartialEq)]
pub struct Sent {
    pub id: Option<String>,
    pub event: Option<String>,
    pub data: Value,
}

impl Stream {
    pub async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = crate::process::client().get(format!("http://{address}{path}"));
        request = request.header("accept", "text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{response:?}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, rest: String::new() }
    }

    /// The next event; nothing at the end.
    pub async fn hear(&mut self) -> Option<Sent> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.rest = rest;
                if block.starts_with(':') {
                    continue;
                }
                return Some(read(&block));
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.unwrap();
            self.rest.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }
}

fn read(block: &str) -> Sent {
    let mut sent = Sent::default();
    for line in block.lines() {
        let (name, value) = line.split_once(':').unwrap();
        let value = value.trim_start();
        match name {
            "id" => sent.id = Some(value.to_owned()),
            "event" => sent.event = Some(value.to_owned()),
            "data" => sent.data = serde_json::from_str(value).unwrap(),
            _ => {}
        }
    }
    sent
}
