//! One attempt at an endpoint: signed, bounded in time and memory, never redirected, never into a private network.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::domain::mask;
use crate::egress::{Egress, EgressError};
use crate::provider::retry_after;
use crate::signature::{self, SigningKey};
use crate::store::WebhookTarget;

/// Bytes of an answer that are read, and characters that are kept of them.
const MAX_ANSWER: usize = 1_024;
const SHOWN_ANSWER: usize = 200;
/// How long the text of an answer is waited for: the status code has said what matters.
const ANSWER_PATIENCE: Duration = Duration::from_secs(1);

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code; absent: there was no answer.
    pub status: Option<u16>,
    /// How long the endpoint asked us to wait, with a 429 or 503.
    pub after: Option<Duration>,
    /// How the answer begins, or why there was none; without addresses.
    pub text: Option<String>,
}

/// What makes attempts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sender {
    egress: Egress,
    client: reqwest::Client,
    timeout: Duration,
    clock: Clock,
}

impl Sender {
    /// Sends where the egress permits it; an attempt takes no longer than the timeout.
    ///
    /// # Errors
    ///
    /// The TLS library could not be started.
    pub fn new(egress: Egress, timeout: Duration, clock: Clock) -> Result<Self, reqwest::Error> {
        Ok(Self { client: egress.client()?, egress, timeout, clock })
    }

    /// The way out that attempts take, for others that go where somebody else says.
    pub fn way_out(&self) -> (Egress, reqwest::Client) {
        (self.egress.clone(), self.client.clone())
    }

    /// Posts a body under a name that is the same over every attempt.
    pub async fn post(&self, target: &WebhookTarget, name: &str, body: Vec<u8>) -> Answer {
        let deadline = Instant::now() + self.timeout;
        let request = match self.request(target, name, body) {
            Ok(request) => request,
            Err(error) => return Answer::none(&error.to_string()),
        };
        match tokio::time::timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => self.read(response, deadline).await,
            Ok(Err(error)) => Answer::none(&root(&error)),
            Err(_) => Answer::none(&format!("no answer within {:?}", self.timeout)),
        }
    }

    fn request(
        &self,
        target: &WebhookTarget,
        name: &str,
        body: Vec<u8>,
    ) -> Result<reqwest::RequestBuilder, EgressError> {
        let url = self.egress.read_url(&target.url)?;
        let now = self.clock.now();
        let previous = target.previous.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
        let secrets = [&target.secret].into_iter().chain(previous);
        let signatures: Vec<String> =
            secrets.filter_map(|secret| Some(SigningKey::read(secret).ok()?.sign(name, now, &body))).collect();
        Ok(self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(signature::ID, name)
            .header(signature::TIMESTAMP, now.seconds())
            .header(signature::SIGNATURE, signatures.join(" "))
            .body(body))
    }

    async fn read(&self, mut response: reqwest::Response, deadline: Instant) -> Answer {
        let status = response.status().as_u16();
        let after = matches!(status, 429 | 503).then(|| retry_after(response.headers(), self.clock.now())).flatten();
        let deadline = deadline.min(Instant::now() + ANSWER_PATIENCE);
        let mut bytes = Vec::new();
        while bytes.len() < MAX_ANSWER
            && let Ok(Ok(Some(chunk))) = tokio::time::timeout_at(deadline, response.chunk()).await
        {
            bytes.extend_from_slice(&chunk[..chunk.len().min(MAX_ANSWER - bytes.len())]);
        }
        let text = shown(&String::from_utf8_lossy(&bytes));
        Answer { status: Some(status), after, text: (!text.is_empty()).then_some(text) }
    }
}

impl Answer {
    fn none(reason: &str) -> Self {
        Self { status: None, after: None, text: Some(shown(reason)) }
    }
}

/// A text on one line, short, without addresses.
fn shown(text: &str) -> String {
    let text = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    mask(&text.collect::<Vec<_>>().join(" ")).chars().take(SHOWN_ANSWER).collect()
}

/// What an error goes back to.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
