//! One stream of server-sent events (the HTML standard, section 9.2).

use std::convert::Infallible;
use std::time::Duration;

use axum::http::header::CONNECTION;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::json;

use super::super::serve::Line;
use crate::live::{End, Exit, Frame, Listening};

/// How often a stream that says nothing shows that it is there.
const COMMENT_EVERY: Duration = Duration::from_secs(20);

/// Answers with the stream, which is the last on its line.
pub(super) fn begin(listening: Listening, line: Option<Line>) -> Response {
    if let Some(line) = line {
        tokio::spawn(cut(line, listening.exit()));
    }
    let stream = Sse::new(events(listening)).keep_alive(KeepAlive::new().interval(COMMENT_EVERY));
    let mut response = stream.into_response();
    // What stands between is asked to hold nothing back.
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Cuts the line of somebody who was let go and does not read: nobody asks the stream for its end then.
async fn cut(line: Line, exit: Exit) {
    tokio::select! {
        () = line.ended() => {}
        () = exit.over() => line.cut(),
    }
}

/// What there is, and last of all why there is no more.
fn events(listening: Listening) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(Some(listening), async |listening| {
        let mut listening = listening?;
        Some(match listening.next().await {
            Ok(frame) => (Ok(event(&frame)), Some(listening)),
            Err(end) => (Ok(last(end)), None),
        })
    })
}

fn event(frame: &Frame) -> Event {
    let event = Event::default().data(String::from_utf8_lossy(&frame.json));
    match frame.id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}

fn last(end: End) -> Event {
    Event::default().event("end").data(json!({ "code": end.code(), "reason": end.reason() }).to_string())
}
