//! The `sendgrid` adapter: mails by `v3/mail/send`.
//!
//! Our reference goes along as a custom argument, which its events bring back. It cannot be asked afterwards.
//! <https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send>

mod events;
mod signature;

use std::collections::HashSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use url::Url;

pub use self::events::{Event, list, read};
pub use self::signature::{Claim, SIGNATURE, TIMESTAMP, VerifyingKey};
use super::mail::{Content, Files, Loaded, message_id, program_headers, thread_headers};
use super::wire::{Answer, Hidden, Wire};
use super::{Abilities, Envelope, Found, Outcome, Provider, Sought};
use crate::domain::Address;

/// Where SendGrid is, unless a test says otherwise.
pub const BASE_URL: &str = "https://api.sendgrid.com";
/// The header in which it names what it took.
const MESSAGE_ID: &str = "x-message-id";
/// What it wants in place of nothing.
const NO_SUBJECT: &str = "(no subject)";

/// How one account is asked.
#[derive(Clone)]
pub struct SendGridSettings {
    /// Where the service is.
    pub base_url: Url,
    /// Its key, `SG..`.
    pub api_key: String,
    /// The host of our own `Message-ID`.
    pub host: String,
}

/// SendGrid, as one account sees it.
pub struct SendGrid {
    settings: SendGridSettings,
    wire: Wire,
    files: Files,
}

impl SendGrid {
    /// Makes an adapter for one account.
    pub fn new(settings: SendGridSettings, wire: Wire, files: Files) -> Self {
        Self { settings, wire, files }
    }

    async fn attempt(&self, envelope: &Envelope) -> Outcome {
        let loaded = match self.files.load(envelope, self.wire.timeout).await {
            Ok(loaded) => loaded,
            Err(outcome) => return outcome,
        };
        let body = self.payload(envelope, &loaded).to_string().into_bytes();
        let url = format!("{}/v3/mail/send", self.settings.base_url.as_str().trim_end_matches('/'));
        let request = self.wire.post(&url).bearer_auth(&self.settings.api_key).header(CONTENT_TYPE, "application/json");
        let hidden = Hidden::of(envelope);
        match self.wire.exchange(request, body, &hidden).await {
            Ok(answer) => outcome(&answer, &hidden),
            Err(outcome) => outcome,
        }
    }

    fn payload(&self, envelope: &Envelope, loaded: &Loaded) -> Value {
        let mut known = HashSet::new();
        let to = mailboxes(&envelope.to, &mut known);
        let cc = mailboxes(&envelope.cc, &mut known);
        let mut people = json!({ "to": to });
        if !cc.is_empty() {
            people["cc"] = json!(cc);
        }
        let Content { text, html } = Content::of(envelope);
        let text = if text.is_empty() { " ".to_owned() } else { text };
        let mut content = vec![json!({ "type": "text/plain", "value": text })];
        content.extend(html.map(|html| json!({ "type": "text/html", "value": html })));
        let subject = envelope.subject.as_deref().filter(|subject| !subject.is_empty()).unwrap_or(NO_SUBJECT);
        let mut payload = json!({
            "personalizations": [people],
            "from": { "email": envelope.from.as_str() },
            "subject": subject,
            "content": content,
            "headers": { "Message-ID": message_id(&envelope.reference, &self.settings.host) },
            "custom_args": { "reference": envelope.reference },
        });
        for (name, value) in program_headers(envelope).into_iter().chain(thread_headers(envelope)) {
            payload["headers"][name] = json!(value);
        }
        if let Some(reply_to) = &envelope.reply_to {
            payload["reply_to"] = json!({ "email": reply_to.as_str() });
        }
        let files = loaded.files.iter().map(|(file, bytes)| {
            json!({
                "content": STANDARD.encode(bytes), "type": file.media_type, "filename": file.name,
                "disposition": "attachment",
            })
        });
        let files: Vec<Value> = files.collect();
        if !files.is_empty() {
            payload["attachments"] = json!(files);
        }
        payload
    }
}

/// Mailboxes as it wants them: nobody twice, in `to` and `cc` together.
fn mailboxes(addresses: &[Address], known: &mut HashSet<String>) -> Vec<Value> {
    let new = addresses.iter().filter(|address| known.insert(address.as_str().to_lowercase()));
    new.map(|address| json!({ "email": address.as_str() })).collect()
}

/// What the answer to a send means. What is the account's trouble (401) and not the mail's is tried again.
fn outcome(answer: &Answer, hidden: &Hidden) -> Outcome {
    let reason = || hidden.of_answer(answer.status, &answer.body);
    let retry = |is_away| Outcome::Retry { after: answer.retry_after, is_away, reason: reason() };
    match answer.status {
        202 => match answer.header(MESSAGE_ID) {
            Some(reference) => Outcome::Accepted { reference },
            None => Outcome::Unknown { reason: "HTTP 202, but no X-Message-Id".to_owned() },
        },
        429 => retry(false),
        401 | 503 => retry(true),
        500..=599 => Outcome::Doubtful { reason: reason() },
        300..=407 | 409..=499 => Outcome::Rejected { code: answer.status.to_string(), reason: reason() },
        _ => Outcome::Unknown { reason: reason() },
    }
}

impl Provider for SendGrid {
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn send<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Outcome> {
        self.attempt(envelope).boxed()
    }

    fn look_up<'a>(&'a self, _: &'a Sought) -> BoxFuture<'a, Found> {
        ready(Found::Unclear { reason: "SendGrid cannot be asked".to_owned() }).boxed()
    }
}

impl fmt::Debug for SendGrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendGrid").field("host", &self.settings.base_url.host_str()).finish_non_exhaustive()
    }
}
