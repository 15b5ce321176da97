//! Twilio's Messages resource: a message is posted as a form, and listed by its recipient.
//!
//! <https://www.twilio.com/docs/messaging/api/message-resource>

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded;

use super::super::callback::{Report, TwilioMessage, twilio_name};
use super::super::ledger::Listed;
use super::super::line::Reset;
use super::{Answer, Desk, answer, nobody};
use crate::domain::{Channel, OneOrMany, Status, Timestamp};
use crate::provider::simulator::{CarriedMessage, Manner, standing};

/// The most messages of one list.
const MAX_PAGE: usize = 1_000;
/// Messages of a list when nobody says how many.
const PAGE: usize = 50;

#[derive(Default)]
struct Form {
    to: String,
    from: String,
    body: String,
    media: Vec<String>,
    callback: Option<Url>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Filter {
    to: String,
    from: Option<String>,
    page_size: Option<usize>,
}

/// Whether the carrier gave a name at this face.
pub(in super::super) fn is_sid(name: &str) -> bool {
    name.starts_with("SM") || name.starts_with("MM")
}

pub(super) async fn take(
    State(desk): State<Desk>,
    Extension(reset): Extension<Reset>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_authenticated(&headers) {
        return unauthenticated();
    }
    let form = match Form::read(&body) {
        Ok(form) => form,
        Err((code, reason)) => return refusal(code, reason),
    };
    let (prefix, channel) = if form.media.is_empty() { ("SM", Channel::Sms) } else { ("MM", Channel::Mms) };
    let listener = match (&form.callback, desk.callbacks.twilio.is_some()) {
        (Some(url), true) => {
            let (url, from, to) = (url.clone(), form.from.clone(), form.to.clone());
            let told = Arc::new(TwilioMessage { url, account: account.clone(), from, to });
            desk.listener(move |receipt| Report::Twilio(receipt, Arc::clone(&told)))
        }
        _ => nobody(),
    };
    let carrier = desk.carrier.asked(Manner { prefix, digits: 32, ..Manner::default() }, listener);
    let now = desk.clock.now();
    let message = form.into_message(channel, now);
    let (from, to, text) = (message.from.clone(), message.to.clone(), message.body.clone());
    let reply = desk.take(carrier, message, None).await;
    let taken = |sid: &str| {
        let to = to.as_slice().first().cloned().unwrap_or_default();
        let listed = Listed { id: sid.to_owned(), at: now, from, to, body: text };
        Answer {
            status: StatusCode::CREATED,
            named: None,
            body: shown(&listed, &account, Status::Accepted).to_string(),
        }
    };
    answer(reply, taken, error, &reset).await
}

pub(super) async fn list(
    State(desk): State<Desk>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Query(filter): Query<Filter>,
) -> Response {
    if !is_authenticated(&headers) {
        return unauthenticated();
    }
    let most = filter.page_size.unwrap_or(PAGE).clamp(1, MAX_PAGE);
    let Ok(found) = desk.ledger.list(filter.to, filter.from, most).await else {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return (status, Json(error(status, "the ledger is closed"))).into_response();
    };
    let now = desk.clock.now();
    let messages = found.iter().map(|listed| {
        let channel = if listed.id.starts_with("MM") { Channel::Mms } else { Channel::Sms };
        shown(listed, &account, standing(channel, now.since(listed.at)))
    });
    let messages: Vec<Value> = messages.collect();
    Json(json!({ "messages": messages, "page": 0, "page_size": most, "next_page_uri": null })).into_response()
}

/// A message as Twilio shows it.
fn shown(listed: &Listed, account: &str, status: Status) -> Value {
    json!({
        "sid": listed.id,
        "account_sid": account,
        "api_version": "2010-04-01",
        "direction": "outbound-api",
        "from": listed.from,
        "to": listed.to,
        "body": listed.body,
        "status": twilio_name(status),
        "num_segments": "1",
        "date_created": dated(listed.at),
        "date_sent": if status == Status::Accepted { Value::Null } else { dated(listed.at) },
        "error_code": null,
        "error_message": null,
    })
}

fn dated(at: Timestamp) -> Value {
    let zoned = jiff::Timestamp::from_microsecond(at.micros()).map(|at| at.to_zoned(TimeZone::UTC));
    zoned.ok().and_then(|zoned| jiff::fmt::rfc2822::to_string(&zoned).ok()).into()
}

/// An error in Twilio's form. Its codes end in the status where there is no better one.
fn error(status: StatusCode, reason: &str) -> Value {
    let code = if status == StatusCode::BAD_REQUEST { 21211 } else { 20_000 + u32::from(status.as_u16()) };
    problem(status, code, reason)
}

fn problem(status: StatusCode, code: u32, reason: &str) -> Value {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    json!({ "code": code, "message": reason, "more_info": more, "status": status.as_u16() })
}

fn refusal(code: u32, reason: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(problem(StatusCode::BAD_REQUEST, code, reason))).into_response()
}

fn unauthenticated() -> Response {
    (StatusCode::UNAUTHORIZED, Json(problem(StatusCode::UNAUTHORIZED, 20003, "Authenticate"))).into_response()
}

fn is_authenticated(headers: &HeaderMap) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"Basic "))
}

impl Form {
    fn read(body: &[u8]) -> Result<Self, (u32, &'static str)> {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "To" => form.to = value.into_owned(),
                "From" | "MessagingServiceSid" => form.from = value.into_owned(),
                "Body" => form.body = value.into_owned(),
                "MediaUrl" => form.media.push(value.into_owned()),
                "StatusCallback" => {
                    let url = Url::parse(&value).map_err(|_| (21609, "StatusCallback is no URL"))?;
                    form.callback = Some(url);
                }
                _ => {}
            }
        }
        if form.to.is_empty() {
            Err((21604, "A 'To' phone number is required."))
        } else if form.from.is_empty() {
            Err((21603, "A 'From' phone number is required."))
        } else if form.body.is_empty() && form.media.is_empty() {
            Err((21602, "Message body is required."))
        } else {
            Ok(form)
        }
    }

    /// Our reference stands in the URL that is called back.
    fn reference(&self) -> Option<String> {
        let mut pairs = self.callback.as_ref()?.query_pairs();
        pairs.find(|(name, _)| name == "reference").map(|(_, value)| value.into_owned())
    }

    fn into_message(self, channel: Channel, now: Timestamp) -> CarriedMessage {
        CarriedMessage {
            id: String::new(),
            reference: self.reference(),
            channel,
            from: self.from,
            to: OneOrMany::One(self.to),
            cc: Vec::new(),
            reply_to: None,
            subject: None,
            body: self.body,
            attachments: self.media,
            timestamp: now,
            at: now,
        }
    }
}
