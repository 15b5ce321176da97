//! What the adapters that speak HTTP share: one request in bounded time and memory, and whether any of it left.
//!
//! The rule it keeps: what certainly did not leave is [`Outcome::Retry`], and everything else that got no answer is
//! [`Outcome::Unknown`]. A `gate::Gate` tells the two apart, not the client's error.

mod answer;
mod gate;
mod reason;

use std::time::Duration;

use reqwest::RequestBuilder;
use tokio::time::Instant;

pub use self::answer::retry_after;
pub(super) use self::answer::{Answer, MAX_ANSWER};
use self::gate::Gate;
pub(super) use self::reason::{Hidden, root};
use super::Outcome;
use crate::clock::Clock;

/// The longest that reaching a service may take, the TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept. Shorter than the 5 s after which the hastiest servers close theirs: a request
/// on a connection that is being closed ends as [`Outcome::Unknown`].
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// How an adapter reaches its service.
#[derive(Debug, Clone)]
pub struct Wire {
    /// The client that all adapters share.
    pub client: reqwest::Client,
    /// The time.
    pub clock: Clock,
    /// How long a whole exchange may take, from connecting to the last byte of the answer.
    pub timeout: Duration,
}

/// Builds the client that all adapters share: no redirects, no proxies, no second sending of its own.
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
        tracing::warn!(reason = root(&error), "https providers cannot be reached");
        builder().tls_certs_only([]).build()
    })
}

impl Wire {
    /// A request that is about to carry a message.
    pub(super) fn post(&self, url: &str) -> RequestBuilder {
        self.client.post(url)
    }

    /// A request that asks.
    pub(super) fn get(&self, url: &str) -> RequestBuilder {
        self.client.get(url)
    }

    /// Sends a body, once. Without an answer it is certain whether any of it left, or it is unknown.
    pub(super) async fn exchange(
        &self,
        request: RequestBuilder,
        body: Vec<u8>,
        hidden: &Hidden,
    ) -> Result<Answer, Outcome> {
        let deadline = Instant::now() + self.timeout;
        let gate = Gate::default();
        let request = request.body(reqwest::Body::wrap(gate.body(body)));
        let fault = match tokio::time::timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => return Ok(Answer::read(response, self.clock.now(), (MAX_ANSWER, deadline)).await),
            Ok(Err(error)) => root(&error),
            Err(_) => self.late(),
        };
        if gate.shut() {
            let reason = hidden.of_text(&format!("not reached: {fault}"));
            Err(Outcome::Retry { after: None, is_away: true, reason })
        } else {
            Err(Outcome::Unknown { reason: hidden.of_text(&format!("silence after sending: {fault}")) })
        }
    }

    /// Asks, and reads so many bytes of the answer at most; else why there is none.
    pub(super) async fn ask(&self, request: RequestBuilder, most: usize) -> Result<Answer, String> {
        let deadline = Instant::now() + self.timeout;
        match tokio::time::timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => Ok(Answer::read(response, self.clock.now(), (most, deadline)).await),
            Ok(Err(error)) => Err(root(&error)),
            Err(_) => Err(self.late()),
        }
    }

    fn late(&self) -> String {
        format!("no answer within {:?}", self.timeout)
    }
}

/// Encodes what may not stand bare anywhere in a URL (RFC 3986, section 2.3).
pub(super) fn percent_encode(text: &str) -> String {
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
