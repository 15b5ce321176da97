//! The carrier's faces: the contracts in which it is asked, faults and all, and the switches for tests.
//!
//! Whatever the face, a message is in the ledger before it is answered.

mod http;
mod sendgrid;
mod smtp;
mod twilio;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

pub(super) use self::smtp::serve as serve_smtp;
pub(super) use self::twilio::is_sid;
use super::callback::{Callbacks, Report};
use super::ledger::Ledger;
use super::line::Reset;
use crate::clock::Clock;
use crate::provider::simulator::{CarriedMessage, Carrier, Chaos, Fate, Receipt, Reply, Stats};

/// The largest request that is read.
const MAX_BODY: usize = 32 * 1024 * 1024;
/// The longest that a fault goes on when nobody hangs up.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long half an answer stands before it breaks off, so that it is on its way.
const HALF_WAY: Duration = Duration::from_millis(20);
/// Reports of one message that wait to be queued with all the others.
const WAITING: usize = 8;

/// What the handlers work with.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) carrier: Carrier,
    pub(super) ledger: Ledger,
    pub(super) clock: Clock,
    pub(super) callbacks: Arc<Callbacks>,
    pub(super) reports: mpsc::Sender<Report>,
}

#[derive(Serialize)]
struct Counts {
    taken: u64,
    #[serde(flatten)]
    stats: Stats,
}

/// The answer to a message that was taken, as it is when nothing goes wrong with it.
struct Answer {
    status: StatusCode,
    /// The header that names the message, where a header does.
    named: Option<(HeaderName, String)>,
    body: String,
}

/// The routes of the carrier.
pub(super) fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/messages", post(http::take).get(http::look_up))
        .route("/2010-04-01/Accounts/{account}/Messages.json", post(twilio::take).get(twilio::list))
        .route("/v3/mail/send", post(sendgrid::take))
        .route("/chaos", get(chaos).put(set_chaos))
        .route("/stats", get(stats))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(desk)
}

impl Desk {
    /// Takes a message on a task of its own: it is taken, and reported on, though its sender has hung up. Nothing, when
    /// that failed.
    async fn take(&self, carrier: Carrier, message: CarriedMessage, key: Option<String>) -> Option<Reply> {
        tokio::spawn(async move { carrier.take(message, key).await }).await.ok()
    }

    /// A listener for the reports of one message, which go out as they are wrapped.
    fn listener(&self, wrap: impl Fn(Receipt) -> Report + Send + 'static) -> mpsc::Sender<Receipt> {
        let (listener, mut receipts) = mpsc::channel(WAITING);
        let reports = self.reports.clone();
        tokio::spawn(async move {
            while let Some(receipt) = receipts.recv().await {
                if reports.send(wrap(receipt)).await.is_err() {
                    return;
                }
            }
        });
        listener
    }
}

/// A listener for what nobody wants to hear.
fn nobody() -> mpsc::Sender<Receipt> {
    mpsc::channel(1).0
}

/// Answers as was drawn: what `taken` says, or a failure in the words of `error`.
async fn answer(
    reply: Option<Reply>,
    taken: impl FnOnce(&str) -> Answer,
    error: fn(StatusCode, &str) -> Value,
    reset: &Reset,
) -> Response {
    let failed = |status: StatusCode| (status, Json(error(status, "simulated: failed"))).into_response();
    let (fate, provider_id) = match reply {
        Some(Reply::Taken { provider_id }) => return taken(&provider_id).into_response(),
        Some(Reply::Fault { fate, provider_id }) => (fate, provider_id.unwrap_or_default()),
        None => return failed(StatusCode::SERVICE_UNAVAILABLE),
    };
    match fate {
        Fate::Throttled => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let error = Json(error(status, "simulated: too many requests"));
            (status, [(header::RETRY_AFTER, "1")], error).into_response()
        }
        Fate::Ok | Fate::Away => failed(StatusCode::SERVICE_UNAVAILABLE),
        Fate::Reject => {
            (StatusCode::BAD_REQUEST, Json(error(StatusCode::BAD_REQUEST, "simulated: refused"))).into_response()
        }
        Fate::Error500Taken | Fate::Error500 => failed(StatusCode::INTERNAL_SERVER_ERROR),
        Fate::Error502Taken | Fate::Error502 => failed(StatusCode::BAD_GATEWAY),
        Fate::Error504Taken | Fate::Error504 => failed(StatusCode::GATEWAY_TIMEOUT),
        Fate::HangTaken | Fate::HangNotTaken => {
            tokio::time::sleep(PATIENCE).await;
            reset.pull().await
        }
        Fate::ResetTaken | Fate::ResetNotTaken => reset.pull().await,
        Fate::HalfBodyTaken => taken(&provider_id).half(),
        Fate::HtmlTaken => Html("<!doctype html><title>Welcome</title><p>It works!").into_response(),
        Fate::EndlessTaken => taken(&provider_id).endless(),
    }
}

impl Answer {
    /// The name of the message is in the half that gets lost.
    fn half(self) -> Response {
        let start = Bytes::copy_from_slice(&self.body.as_bytes()[..self.body.len() / 2]);
        let broken = async {
            tokio::time::sleep(HALF_WAY).await;
            Err(std::io::Error::other("half of it"))
        };
        let body = Body::from_stream(stream::iter([Ok(start)]).chain(stream::once(broken)));
        let length = self.body.len().max(2).to_string();
        let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_LENGTH, length)];
        (self.status, headers, body).into_response()
    }

    /// Its body goes on and on; no header names the message.
    fn endless(self) -> Response {
        let start = Bytes::from(format!("{},\"more\":\"", self.body.trim_end_matches('}')));
        let more = Bytes::from_static(&[b'x'; 8_192]);
        let body = stream::iter([start]).chain(stream::repeat(more)).map(Ok::<_, Infallible>);
        let body = Body::from_stream(body.take_until(tokio::time::sleep(PATIENCE)));
        (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, "application/json".to_owned())].into_iter().chain(self.named);
        let mut response = (self.status, self.body).into_response();
        for (name, value) in headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

async fn chaos(State(desk): State<Desk>) -> Json<Chaos> {
    Json(desk.carrier.weather().chaos())
}

async fn set_chaos(State(desk): State<Desk>, body: Bytes) -> Response {
    let chaos: Chaos = match serde_json::from_slice(&body) {
        Ok(chaos) => chaos,
        Err(error) => return http::refusal(&error.to_string()),
    };
    if let Err(errors) = chaos.check() {
        return (StatusCode::BAD_REQUEST, Json(json!({"errors": errors}))).into_response();
    }
    desk.carrier.weather().set(chaos.clone());
    Json(chaos).into_response()
}

async fn stats(State(desk): State<Desk>) -> Json<Counts> {
    Json(Counts { taken: desk.ledger.taken(), stats: desk.carrier.weather().stats() })
}
