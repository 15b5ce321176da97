//! One WebSocket: what there is goes out, typing comes in, and silence ends it.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures_util::SinkExt;
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use crate::domain::ConversationId;
use crate::live::{End, Exit, Listening, Live};

/// How often the client is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(25);
/// How long a client may say nothing, not even that it is there.
const SILENCE: Duration = Duration::from_secs(70);
/// How long a client has to say goodbye.
const LAST_CHANCE: Duration = Duration::from_secs(3);
/// The most that one frame of a client may hold.
const MAX_FRAME_BYTES: usize = 4 * 1024;
/// Frames that are sent in one go.
const AT_ONCE: usize = 200;
/// Frames of a client in one span.
const MOST_FRAMES: u32 = 100;
const SPAN: Duration = Duration::from_secs(10);

/// What a client may say.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    /// That its person is typing, or no more.
    Typing { conversation_id: ConversationId, is_typing: bool },
}

/// How a connection is closed.
#[derive(Debug, Clone, Copy)]
struct Close {
    code: u16,
    reason: &'static str,
}

impl Close {
    /// What the client said is against the rules (1008).
    const fn against_rules(reason: &'static str) -> Self {
        Self { code: 1008, reason }
    }
}

impl From<End> for Close {
    fn from(end: End) -> Self {
        Self { code: end.code(), reason: end.reason() }
    }
}

/// What of a client is counted.
struct Client {
    heard_at: Instant,
    span_began: Instant,
    frames: u32,
}

/// Takes the connection over.
pub(super) fn begin(upgrade: WebSocketUpgrade, listening: Listening, live: Live) -> Response {
    let held = live.hold();
    upgrade
        .read_buffer_size(MAX_FRAME_BYTES)
        .write_buffer_size(MAX_FRAME_BYTES)
        .max_message_size(MAX_FRAME_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .on_upgrade(async move |mut socket| {
            let close = carry(&mut socket, listening, &live).await;
            if let Some(close) = close {
                say_goodbye(socket, close).await;
            }
            drop(held);
        })
}

/// Carries until there is a reason to close; none, when the client has gone.
async fn carry(socket: &mut WebSocket, mut listening: Listening, live: &Live) -> Option<Close> {
    let exit = listening.exit();
    let now = Instant::now();
    let mut client = Client { heard_at: now, span_began: now, frames: 0 };
    let mut pings = interval_at(now + PING_EVERY, PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            frame = listening.next() => match frame {
                Ok(frame) => Message::Text(text(frame.json)),
                Err(end) => return Some(end.into()),
            },
            heard = socket.recv() => {
                let Some(Ok(heard)) = heard else { return None };
                if let Some(close) = client.take(heard, &listening, live) {
                    return Some(close);
                }
                continue;
            }
            _ = pings.tick() => {
                if client.heard_at.elapsed() > SILENCE {
                    return None;
                }
                Message::Ping(Bytes::new())
            }
        };
        if !send(socket, (message, &mut listening), &exit).await {
            return None;
        }
    }
}

/// Sends a message, and in one go what waits behind it; false when that is not possible, or takes longer than the grace of
/// somebody who is let go.
async fn send(socket: &mut WebSocket, (message, listening): (Message, &mut Listening), exit: &Exit) -> bool {
    let sending = async {
        socket.feed(message).await?;
        for frame in std::iter::from_fn(|| listening.next_at_once()).take(AT_ONCE) {
            socket.feed(Message::Text(text(frame.json))).await?;
        }
        socket.flush().await
    };
    tokio::select! {
        sent = sending => sent.is_ok(),
        () = exit.over() => false,
    }
}

/// Closes, and waits a moment for the client to do the same, so that it learns why.
async fn say_goodbye(mut socket: WebSocket, close: Close) {
    let frame = CloseFrame { code: close.code, reason: Utf8Bytes::from_static(close.reason) };
    let goodbye = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = timeout(LAST_CHANCE, goodbye).await;
}

fn text(json: Bytes) -> Utf8Bytes {
    Utf8Bytes::try_from(json).unwrap_or_default()
}

impl Client {
    /// Takes what the client says; why it is closed, when that is against the rules.
    fn take(&mut self, heard: Message, listening: &Listening, live: &Live) -> Option<Close> {
        let now = Instant::now();
        self.heard_at = now;
        if now.duration_since(self.span_began) > SPAN {
            (self.span_began, self.frames) = (now, 0);
        }
        self.frames += 1;
        if self.frames > MOST_FRAMES {
            return Some(Close::against_rules("too_many_frames"));
        }
        match heard {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(Said::Typing { conversation_id, is_typing }) => {
                    let _is_told = live.say_typing(listening.caller(), conversation_id, is_typing);
                    None
                }
                Err(_) => Some(Close::against_rules("not_understood")),
            },
            Message::Binary(_) => Some(Close::against_rules("not_understood")),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => None,
        }
    }
}
