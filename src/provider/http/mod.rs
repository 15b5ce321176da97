//! The `http` adapter: posts a message as JSON to one URL and judges the answer.
//!
//! The plain service that others can be written against; it may honour a key, and be asked.

mod judge;

use std::fmt;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use serde::Serialize;
use url::Url;

use super::wire::{Hidden, MAX_ANSWER, Wire, percent_encode};
use super::{Abilities, Envelope, Found, Outcome, Provider, Sought};
use crate::domain::{Address, Channel, OneOrMany, Timestamp};
use crate::signature::{self, SigningKey};

/// What stands in a look-up URL for our reference.
const REFERENCE: &str = "{reference}";

/// Where and how one service is asked.
#[derive(Clone)]
pub struct HttpSettings {
    /// Where messages are posted.
    pub url: Url,
    /// The header that carries our reference as idempotency key, and how long the service keeps it.
    pub idempotency: Option<(HeaderName, Duration)>,
    /// Where a message can be looked up; holds `{reference}`.
    pub lookup_url: Option<String>,
    /// Signs what is posted, under our reference, by Standard Webhooks.
    pub signing_key: Option<SigningKey>,
}

/// Why settings make no adapter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpSettingsError {
    /// Only HTTP is spoken.
    #[error("url must begin with http:// or https:// and name a host")]
    Url,
    /// A look-up that cannot name the message, or is no URL.
    #[error("lookup_url must be an http:// or https:// URL that holds {REFERENCE}")]
    LookupUrl,
    /// An attempt needs time.
    #[error("timeout_ms must be more than 0")]
    Timeout,
}

/// A service that takes messages as JSON over HTTP.
pub struct Http {
    settings: HttpSettings,
    wire: Wire,
}

/// What is posted: contract A's payload and our reference.
#[derive(Serialize)]
struct Payload<'a> {
    from: &'a str,
    to: OneOrMany,
    #[serde(rename = "type")]
    channel: Channel,
    body: &'a str,
    attachments: Vec<&'a str>,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cc: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    references: &'a [String],
    reference: &'a str,
}

impl Http {
    /// Makes an adapter for one service.
    ///
    /// # Errors
    ///
    /// A setting that cannot work.
    pub fn new(settings: HttpSettings, wire: Wire) -> Result<Self, HttpSettingsError> {
        let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if !is_web(&settings.url) {
            return Err(HttpSettingsError::Url);
        }
        if wire.timeout.is_zero() {
            return Err(HttpSettingsError::Timeout);
        }
        let lookup_is_right = settings.lookup_url.as_ref().is_none_or(|url| {
            url.contains(REFERENCE) && Url::parse(&url.replace(REFERENCE, "x")).is_ok_and(|url| is_web(&url))
        });
        if lookup_is_right { Ok(Self { settings, wire }) } else { Err(HttpSettingsError::LookupUrl) }
    }

    fn request(&self, envelope: &Envelope, body: &[u8]) -> reqwest::RequestBuilder {
        let mut request = self
            .wire
            .post(self.settings.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json");
        if let Some((name, _)) = &self.settings.idempotency {
            request = request.header(name, &envelope.reference);
        }
        if let Some(key) = &self.settings.signing_key {
            let (id, now) = (&envelope.reference, self.wire.clock.now());
            request = request
                .header(signature::ID, id)
                .header(signature::TIMESTAMP, now.seconds())
                .header(signature::SIGNATURE, key.sign(id, now, body));
        }
        request
    }

    async fn attempt(&self, envelope: &Envelope) -> Outcome {
        let hidden = Hidden::of(envelope);
        let body = match serde_json::to_vec(&Payload::of(envelope)) {
            Ok(body) => body,
            Err(error) => {
                return Outcome::Rejected { code: "unwritable".to_owned(), reason: hidden.of_text(&error.to_string()) };
            }
        };
        match self.wire.exchange(self.request(envelope, &body), body, &hidden).await {
            Ok(answer) => judge::outcome(&answer, self.settings.idempotency.is_some(), &hidden),
            Err(outcome) => outcome,
        }
    }

    async fn ask(&self, reference: &str) -> Found {
        let Some(template) = &self.settings.lookup_url else {
            return Found::Unclear { reason: "this service cannot be asked".to_owned() };
        };
        let url = template.replace(REFERENCE, &percent_encode(reference));
        let request = self.wire.get(&url).header(ACCEPT, "application/json");
        let hidden = Hidden::default();
        match self.wire.ask(request, MAX_ANSWER).await {
            Ok(answer) => judge::found(&answer, &hidden),
            Err(fault) => Found::Unclear { reason: hidden.of_text(&fault) },
        }
    }
}

impl Provider for Http {
    fn abilities(&self) -> Abilities {
        Abilities {
            idempotency: self.settings.idempotency.as_ref().map(|(_, span)| *span),
            can_look_up: self.settings.lookup_url.is_some(),
        }
    }

    fn send<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Outcome> {
        self.attempt(envelope).boxed()
    }

    fn look_up<'a>(&'a self, sought: &'a Sought) -> BoxFuture<'a, Found> {
        self.ask(&sought.envelope.reference).boxed()
    }
}

impl<'a> Payload<'a> {
    fn of(envelope: &'a Envelope) -> Self {
        let is_email = envelope.channel == Channel::Email;
        Self {
            from: envelope.from.as_str(),
            to: OneOrMany::of(envelope.to.iter().map(|to| to.as_str().to_owned()).collect()),
            channel: envelope.channel,
            body: &envelope.body,
            attachments: envelope.attachments.iter().map(|attachment| attachment.url.as_str()).collect(),
            timestamp: envelope.timestamp,
            subject: envelope.subject.as_deref().filter(|_| is_email),
            cc: envelope.cc.iter().filter(|_| is_email).map(Address::as_str).collect(),
            reply_to: envelope.reply_to.as_ref().filter(|_| is_email).map(Address::as_str),
            references: &envelope.references,
            reference: &envelope.reference,
        }
    }
}

impl fmt::Debug for HttpSettings {
    /// Shows the host only: a URL may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings")
            .field("host", &self.url.host_str())
            .field("idempotency", &self.idempotency)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

#[cfg(test)]
mod tests;
