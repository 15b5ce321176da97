//! Posts the carrier's reports to a URL, one message's in their order, for as long as somebody may still come back.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::Instant;
use url::Url;

use crate::domain::{Address, Status, Timestamp};
use crate::provider::simulator::Receipt;

/// How many reports are under way at once.
const WORKERS: usize = 32;
/// How many reports wait for each worker.
const WAITING: usize = 4_096;
/// How long one report is tried.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// The first and the longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Where reports go.
#[derive(Debug, Clone)]
pub(super) struct Callback {
    pub(super) url: Url,
    pub(super) secret: Option<SecretString>,
    pub(super) client: reqwest::Client,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    provider_id: &'a str,
    status: Status,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<&'a str>,
}

impl Callback {
    /// Posts every report that comes, until no more can.
    pub(super) async fn run(self, mut receipts: mpsc::Receiver<Receipt>) {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let (sender, mine) = mpsc::channel(WAITING);
                tokio::spawn(self.clone().work(mine));
                sender
            })
            .collect();
        while let Some(receipt) = receipts.recv().await {
            let mut hasher = DefaultHasher::new();
            receipt.provider_id.hash(&mut hasher);
            let worker = usize::try_from(hasher.finish() % WORKERS as u64).unwrap_or(0);
            let _ = workers[worker].send((Instant::now() + PATIENCE, receipt)).await;
        }
    }

    async fn work(self, mut mine: mpsc::Receiver<(Instant, Receipt)>) {
        while let Some((deadline, receipt)) = mine.recv().await {
            if tokio::time::timeout_at(deadline, self.deliver(&receipt)).await.is_err() {
                tracing::warn!(provider_id = receipt.provider_id, "a report was given up");
            }
        }
    }

    /// Tries until an answer settles it: a success, or a refusal that another try would meet again.
    async fn deliver(&self, receipt: &Receipt) {
        let mut pause = PAUSES.0;
        while !self.is_settled(receipt).await {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn is_settled(&self, receipt: &Receipt) -> bool {
        let report = Report {
            reference: receipt.reference.as_deref(),
            provider_id: &receipt.provider_id,
            status: receipt.status,
            timestamp: receipt.at,
            recipient: receipt.recipient.as_ref().map(Address::as_str),
        };
        let mut request = self.client.post(self.url.clone()).timeout(TRY_TIMEOUT).json(&report);
        if let Some(secret) = &self.secret {
            request = request.bearer_auth(secret.expose_secret());
        }
        match request.send().await.map(|response| response.status()) {
            Ok(StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS) | Err(_) => false,
            Ok(status) if status.is_server_error() => false,
            Ok(status) => {
                if !status.is_success() {
                    tracing::warn!(%status, provider_id = receipt.provider_id, "a report was refused");
                }
                true
            }
        }
    }
}
