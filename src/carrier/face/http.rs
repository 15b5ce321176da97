//! The contract of the `http` adapter, with keys and look-ups.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::line::Reset;
use super::{Answer, Desk, answer};
use crate::domain::{Channel, OneOrMany, Timestamp};
use crate::provider::simulator::{CarriedMessage, standing};

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
pub(super) struct LookUp {
    reference: String,
}

pub(super) async fn take(
    State(desk): State<Desk>,
    Extension(reset): Extension<Reset>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let message = match serde_json::from_slice::<Posted>(&body) {
        Ok(posted) if !posted.to.as_slice().is_empty() => posted.into_message(desk.clock.now()),
        Ok(_) => return refusal("to names nobody"),
        Err(error) => return refusal(&error.to_string()),
    };
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let key = key.map(|key| key.trim_matches('"').to_owned()).filter(|key| !key.is_empty());
    let reply = desk.take(desk.carrier.clone(), message, key).await;
    let taken = |id: &str| Answer { status: StatusCode::CREATED, named: None, body: json!({ "id": id }).to_string() };
    answer(reply, taken, error, &reset).await
}

fn error(_: StatusCode, reason: &str) -> Value {
    json!({ "error": reason })
}

pub(super) fn refusal(reason: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(error(StatusCode::BAD_REQUEST, reason))).into_response()
}

pub(super) async fn look_up(State(desk): State<Desk>, Query(LookUp { reference }): Query<LookUp>) -> Response {
    match desk.ledger.find(reference).await {
        Ok(Some(known)) => {
            let status = standing(known.channel, desk.clock.now().since(known.at));
            Json(json!({"id": known.provider_id, "status": status})).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, Json(json!({"error": "never taken"}))).into_response(),
        Err(_) => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            (status, Json(error(status, "the ledger is closed"))).into_response()
        }
    }
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
