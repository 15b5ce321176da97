//! The carrier's HTTP face: the `http` contract, faults and all, and the switches for tests.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ledger::Ledger;
use super::line::Reset;
use crate::clock::Clock;
use crate::domain::{Channel, OneOrMany, Timestamp};
use crate::provider::simulator::{CarriedMessage, Carrier, Chaos, Fate, Reply, Stats, standing};

/// The largest request that is read.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// The longest that a fault goes on when nobody hangs up.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long half an answer stands before it breaks off, so that it is on its way.
const HALF_WAY: Duration = Duration::from_millis(20);

/// What the handlers work with.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub(super) carrier: Carrier,
    pub(super) ledger: Ledger,
    pub(super) clock: Clock,
}

#[derive(Deserialize)]
struct Posted {
    from: String,
    to: OneOrMany,
    #[serde(rename = "type")]
    channel: Option<Channel>,
    #[serde(default)]
    body: String,
    attachments: Option<Vec<String>>,
    timestamp: Option<Timestamp>,
    subject: Option<String>,
    cc: Option<Vec<String>>,
    reply_to: Option<String>,
    reference: Option<String>,
}

#[derive(Deserialize)]
struct LookUp {
    reference: String,
}

#[derive(Serialize)]
struct Counts {
    taken: u64,
    #[serde(flatten)]
    stats: Stats,
}

/// The routes of the carrier.
pub(super) fn routes(desk: Desk) -> Router {
    Router::new()
        .route("/messages", post(take).get(look_up))
        .route("/chaos", get(chaos).put(set_chaos))
        .route("/stats", get(stats))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(desk)
}

async fn take(State(desk): State<Desk>, reset: Extension<Reset>, headers: HeaderMap, body: Bytes) -> Response {
    let message = match serde_json::from_slice::<Posted>(&body) {
        Ok(posted) if !posted.to.as_slice().is_empty() => posted.into_message(desk.clock.now()),
        Ok(_) => return refusal("to names nobody"),
        Err(error) => return refusal(&error.to_string()),
    };
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let key = key.map(|key| key.trim_matches('"').to_owned()).filter(|key| !key.is_empty());
    // On a task of its own: a message is taken, and reported on, though its sender has hung up.
    let taking = tokio::spawn(async move { desk.carrier.take(message, key).await });
    match taking.await {
        Ok(Reply::Taken { provider_id }) => (StatusCode::CREATED, Json(json!({"id": provider_id}))).into_response(),
        Ok(Reply::Fault { fate, provider_id }) => fail(fate, provider_id.as_deref().unwrap_or_default(), &reset).await,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn fail(fate: Fate, provider_id: &str, reset: &Reset) -> Response {
    match fate {
        Fate::Ok => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fate::Throttled => {
            let error = Json(json!({"error": "simulated: too many requests"}));
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], error).into_response()
        }
        Fate::Away => error(StatusCode::SERVICE_UNAVAILABLE),
        Fate::Reject => refusal("simulated: refused"),
        Fate::Error500Taken | Fate::Error500 => error(StatusCode::INTERNAL_SERVER_ERROR),
        Fate::Error502Taken | Fate::Error502 => error(StatusCode::BAD_GATEWAY),
        Fate::Error504Taken | Fate::Error504 => error(StatusCode::GATEWAY_TIMEOUT),
        Fate::HangTaken | Fate::HangNotTaken => {
            tokio::time::sleep(PATIENCE).await;
            reset.pull().await
        }
        Fate::ResetTaken | Fate::ResetNotTaken => reset.pull().await,
        Fate::HalfBodyTaken => half(provider_id),
        Fate::HtmlTaken => Html("<!doctype html><title>Welcome</title><p>It works!").into_response(),
        Fate::EndlessTaken => endless(provider_id),
    }
}

fn error(status: StatusCode) -> Response {
    (status, Json(json!({"error": "simulated: failed"}))).into_response()
}

fn refusal(reason: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": reason}))).into_response()
}

fn half(provider_id: &str) -> Response {
    let whole = json!({"id": provider_id}).to_string();
    let start = Bytes::copy_from_slice(&whole.as_bytes()[..whole.len() / 2]);
    let broken = async {
        tokio::time::sleep(HALF_WAY).await;
        Err(std::io::Error::other("half of it"))
    };
    let body = Body::from_stream(stream::iter([Ok(start)]).chain(stream::once(broken)));
    let headers =
        [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_LENGTH, whole.len().to_string())];
    (headers, body).into_response()
}

fn endless(provider_id: &str) -> Response {
    let start = Bytes::from(format!("{{\"id\":\"{provider_id}\",\"more\":\""));
    let more = Bytes::from_static(&[b'x'; 8_192]);
    let body = stream::iter([start]).chain(stream::repeat(more)).map(Ok::<_, Infallible>);
    let body = Body::from_stream(body.take_until(tokio::time::sleep(PATIENCE)));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn look_up(State(desk): State<Desk>, Query(LookUp { reference }): Query<LookUp>) -> Response {
    match desk.ledger.find(reference).await {
        Ok(Some(known)) => {
            let status = standing(known.channel, desk.clock.now().since(known.at));
            Json(json!({"id": known.provider_id, "status": status})).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, Json(json!({"error": "never taken"}))).into_response(),
        Err(_) => error(StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn chaos(State(desk): State<Desk>) -> Json<Chaos> {
    Json(desk.carrier.weather().chaos())
}

async fn set_chaos(State(desk): State<Desk>, body: Bytes) -> Response {
    let chaos: Chaos = match serde_json::from_slice(&body) {
        Ok(chaos) => chaos,
        Err(error) => return refusal(&error.to_string()),
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

impl Posted {
    fn into_message(self, now: Timestamp) -> CarriedMessage {
        let attachments = self.attachments.unwrap_or_default();
        let is_mail = self.to.as_slice().iter().any(|to| to.contains('@'));
        let channel = self.channel.unwrap_or(match (is_mail, attachments.is_empty()) {
            (true, _) => Channel::Email,
            (false, true) => Channel::Sms,
            (false, false) => Channel::Mms,
        });
        CarriedMessage {
            id: String::new(),
            reference: self.reference,
            channel,
            from: self.from,
            to: self.to,
            cc: self.cc.unwrap_or_default(),
            reply_to: self.reply_to,
            subject: self.subject,
            body: self.body,
            attachments,
            timestamp: self.timestamp.unwrap_or(now),
            at: now,
        }
    }
}
