//! SendGrid's `v3/mail/send`: a mail is posted as JSON, and a header of the empty answer names it.
//!
//! <https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send>

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::callback::Report;
use super::super::line::Reset;
use super::{Answer, Desk, answer, nobody};
use crate::domain::{Channel, OneOrMany, Timestamp};
use crate::provider::simulator::{CarriedMessage, Manner};

const MESSAGE_ID: HeaderName = HeaderName::from_static("x-message-id");

#[derive(Deserialize)]
struct Posted {
    personalizations: Vec<Personalization>,
    from: Mailbox,
    subject: String,
    content: Vec<Content>,
    reply_to: Option<Mailbox>,
    #[serde(default)]
    custom_args: Arguments,
    #[serde(default)]
    attachments: Vec<Attached>,
}

#[derive(Deserialize)]
struct Personalization {
    to: Vec<Mailbox>,
    #[serde(default)]
    cc: Vec<Mailbox>,
}

#[derive(Deserialize)]
struct Mailbox {
    email: String,
}

#[derive(Deserialize)]
struct Content {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

#[derive(Default, Deserialize)]
struct Arguments {
    reference: Option<String>,
}

#[derive(Deserialize)]
struct Attached {
    filename: String,
}

pub(super) async fn take(
    State(desk): State<Desk>,
    Extension(reset): Extension<Reset>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let shown = headers.get(header::AUTHORIZATION);
    if !shown.is_some_and(|value| value.as_bytes().starts_with(b"Bearer ")) {
        return refusal(StatusCode::UNAUTHORIZED, "the provided authorization grant is invalid");
    }
    let message = match serde_json::from_slice::<Posted>(&body).map(|posted| posted.into_message(desk.clock.now())) {
        Ok(Some(message)) => message,
        Ok(None) => return refusal(StatusCode::BAD_REQUEST, "a mail needs a recipient and text"),
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let listener = if desk.callbacks.sendgrid.is_some() {
        let to: Arc<str> = message.to.as_slice().first().map(String::as_str).unwrap_or_default().into();
        desk.listener(move |receipt| Report::SendGrid(receipt, Arc::clone(&to)))
    } else {
        nobody()
    };
    let carrier = desk.carrier.asked(Manner { prefix: "sg", digits: 20, ..Manner::default() }, listener);
    let reply = desk.take(carrier, message, None).await;
    let taken = |id: &str| {
        let named = Some((MESSAGE_ID, id.to_owned()));
        Answer { status: StatusCode::ACCEPTED, named, body: String::new() }
    };
    answer(reply, taken, error, &reset).await
}

fn error(_: StatusCode, reason: &str) -> Value {
    json!({ "errors": [{ "message": reason, "field": null, "help": null }] })
}

fn refusal(status: StatusCode, reason: &str) -> Response {
    (status, Json(error(status, reason))).into_response()
}

impl Posted {
    /// The text of a mail is what the ledger keeps of it, as of a mail by SMTP.
    fn into_message(self, now: Timestamp) -> Option<CarriedMessage> {
        let people = self.personalizations.into_iter().next()?;
        let addresses = |mailboxes: Vec<Mailbox>| mailboxes.into_iter().map(|mailbox| mailbox.email).collect();
        let text = self.content.into_iter().find(|content| content.kind == "text/plain")?.value;
        let to: Vec<String> = addresses(people.to);
        (!to.is_empty()).then(|| CarriedMessage {
            id: String::new(),
            reference: self.custom_args.reference,
            channel: Channel::Email,
            from: self.from.email,
            to: OneOrMany::of(to),
            cc: addresses(people.cc),
            reply_to: self.reply_to.map(|mailbox| mailbox.email),
            subject: Some(self.subject),
            body: text,
            attachments: self.attachments.into_iter().map(|attached| attached.filename).collect(),
            timestamp: now,
            at: now,
        })
    }
}
