//! The `http` adapter: posts a message as JSON to one URL and judges the answer.
//!
//! The rule it keeps: what certainly did not leave is [`Outcome::Retry`], and everything else that got no readable
//! answer is [`Outcome::Unknown`]. A `gate::Gate` tells the two apart, not the client's error.

mod answer;
mod gate;
mod reason;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use serde::Serialize;
use tokio::time::Instant;
use url::Url;

use self::answer::Answer;
use self::gate::Gate;
use self::reason::Hidden;
use super::{Abilities, Envelope, Found, Outcome, Provider};
use crate::clock::Clock;
use crate::domain::{Address, Channel, OneOrMany, Timestamp};

/// The longest that reaching a service may take, the TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept. Shorter than the 5 s after which the hastiest servers close theirs: a request
/// on a connection that is being closed ends as [`Outcome::Unknown`].
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// What stands in a look-up URL for our reference.
const REFERENCE: &str = "{reference}";

/// Where and how one service is asked.
#[derive(Clone)]
pub struct HttpSettings {
    /// Where messages are posted.
    pub url: Url,
    /// How long a whole attempt may take, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// The header that carries our reference as idempotency key, and how long the service keeps it.
    pub idempotency: Option<(HeaderName, Duration)>,
    /// Where a message can be looked up; holds `{reference}`.
    pub lookup_url: Option<String>,
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
    client: reqwest::Client,
    clock: Clock,
}

/// What is posted: contract A's payload and our reference.
#[derive(Serialize)]
struct Payload<'a> {
    from: &'a str,
    to: OneOrMany,
    #[serde(rename = "type")]
    channel: Channel,
    body: &'a str,
    attachments: &'a [String],
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cc: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
    reference: &'a str,
}

/// Builds the client that all `http` adapters share: no redirects, no proxies, no second sending of its own.
///
/// On a machine without any CA certificates it still speaks plain HTTP; `https` then fails in the handshake.
///
/// # Errors
///
/// The TLS library could not be started.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    let builder = || {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent("switchboard")
    };
    builder().build().or_else(|error| {
        tracing::warn!(reason = reason::root(&error), "https providers cannot be reached");
        builder().tls_certs_only([]).build()
    })
}

impl Http {
    /// Makes an adapter for one service.
    ///
    /// # Errors
    ///
    /// A setting that cannot work.
    pub fn new(settings: HttpSettings, client: reqwest::Client, clock: Clock) -> Result<Self, HttpSettingsError> {
        let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if !is_web(&settings.url) {
            return Err(HttpSettingsError::Url);
        }
        if settings.timeout.is_zero() {
            return Err(HttpSettingsError::Timeout);
        }
        let lookup_is_right = settings.lookup_url.as_ref().is_none_or(|url| {
            url.contains(REFERENCE) && Url::parse(&url.replace(REFERENCE, "x")).is_ok_and(|url| is_web(&url))
        });
        if lookup_is_right { Ok(Self { settings, client, clock }) } else { Err(HttpSettingsError::LookupUrl) }
    }

    fn request(&self, envelope: &Envelope, gate: &Gate) -> Result<reqwest::RequestBuilder, serde_json::Error> {
        let body = gate.body(serde_json::to_vec(&Payload::of(envelope))?);
        let request = self
            .client
            .post(self.settings.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(reqwest::Body::wrap(body));
        Ok(match &self.settings.idempotency {
            Some((name, _)) => request.header(name, &envelope.reference),
            None => request,
        })
    }

    async fn attempt(&self, envelope: &Envelope) -> Outcome {
        let deadline = Instant::now() + self.settings.timeout;
        let hidden = Hidden::of(envelope);
        let gate = Gate::default();
        let request = match self.request(envelope, &gate) {
            Ok(request) => request,
            Err(error) => {
                return Outcome::Rejected { code: "unwritable".to_owned(), reason: hidden.of_text(&error.to_string()) };
            }
        };
        let fault = match tokio::time::timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => {
                let answer = Answer::read(response, self.clock.now(), deadline).await;
                return answer.outcome(self.settings.idempotency.is_some(), &hidden);
            }
            Ok(Err(error)) => reason::root(&error),
            Err(_) => format!("no answer within {:?}", self.settings.timeout),
        };
        if gate.shut() {
            let reason = hidden.of_text(&format!("not reached: {fault}"));
            Outcome::Retry { after: None, is_away: true, reason }
        } else {
            Outcome::Unknown { reason: hidden.of_text(&format!("silence after sending: {fault}")) }
        }
    }

    async fn ask(&self, reference: &str) -> Found {
        let Some(template) = &self.settings.lookup_url else {
            return Found::Unclear { reason: "this service cannot be asked".to_owned() };
        };
        let deadline = Instant::now() + self.settings.timeout;
        let url = template.replace(REFERENCE, &percent_encode(reference));
        let request = self.client.get(url).header(ACCEPT, "application/json");
        let hidden = Hidden::default();
        match tokio::time::timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => Answer::read(response, self.clock.now(), deadline).await.found(&hidden),
            Ok(Err(error)) => Found::Unclear { reason: hidden.of_text(&reason::root(&error)) },
            Err(_) => Found::Unclear { reason: format!("no answer within {:?}", self.settings.timeout) },
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

    fn look_up<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Found> {
        self.ask(reference).boxed()
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
            attachments: &envelope.attachments,
            timestamp: envelope.timestamp,
            subject: envelope.subject.as_deref().filter(|_| is_email),
            cc: envelope.cc.iter().filter(|_| is_email).map(Address::as_str).collect(),
            reply_to: envelope.reply_to.as_ref().filter(|_| is_email).map(Address::as_str),
            reference: &envelope.reference,
        }
    }
}

/// Encodes what may not stand bare anywhere in a URL (RFC 3986, section 2.3).
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    encoded
}

impl fmt::Debug for HttpSettings {
    /// Shows the host only: a URL may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings")
            .field("host", &self.url.host_str())
            .field("timeout", &self.timeout)
            .field("idempotency", &self.idempotency)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}
