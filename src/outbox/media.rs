//! Fetching what came in from the service that has it: from its own host with its credentials, from elsewhere without,
//! and never from a private network. A lease outlasts every fetch, so that nobody needs to extend it.

use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::Outbox;
use crate::domain::Timestamp;
use crate::egress::{Egress, EgressError};
use crate::fault::{is_sabotaged, point};
use crate::messaging::{Media, UploadError, end_media, keep_media};
use crate::provider::{Fetched, Provider, fetch};
use crate::store::{self, ClaimedMedia};
use crate::webhook::Sender;

/// Attachments that are fetched at once; each may hold a whole file in memory.
const AT_ONCE: usize = 4;
/// How long one may take, from the first request to the last byte.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long whoever takes one has it: for the fetch, for keeping the bytes, and for a slow database.
const LEASE: Duration = Duration::from_mins(1);
/// How often one is moved on at most.
const MOST_MOVES: usize = 3;
/// Waits between tries; after the last one it is given up.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(6),
    Duration::from_hours(12),
];
/// The longest wait that a service can ask for.
const MAX_ASKED: Duration = Duration::from_hours(12);
/// How much longer than its figure a wait may be.
const JITTER: f64 = 0.2;
/// Characters of a reason.
const MAX_REASON: usize = 200;

/// What fetches attachments.
#[derive(Debug)]
pub(super) struct Fetcher {
    egress: Egress,
    /// Goes where the egress permits it.
    client: reqwest::Client,
    slots: Arc<Semaphore>,
}

/// Why an attachment is not here.
#[derive(Debug, PartialEq, Eq)]
struct Missing {
    reason: String,
    /// Whether another try can help.
    is_final: bool,
    after: Option<Duration>,
}

impl Fetcher {
    pub(super) fn new(sender: &Sender) -> Self {
        let (egress, client) = sender.way_out();
        Self { egress, client, slots: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The bytes of an attachment, wherever its service moves it on to.
    async fn fetch(&self, provider: &dyn Provider, url: &str, outbox: &Outbox) -> Result<Bytes, Missing> {
        let mut url = Url::parse(url).map_err(|_| Missing::never("its URL is none"))?;
        for _ in 0..=MOST_MOVES {
            let fetched = if let Some(own) = provider.fetch(&url) {
                own.await
            } else {
                let open = self.egress.read_url(url.as_str()).map_err(|error| Missing::never(&error.to_string()))?;
                fetch(self.client.get(open), outbox.m().clock.clone()).await
            };
            match fetched {
                Fetched::Bytes(bytes) => return Ok(bytes),
                Fetched::Moved(location) => {
                    url = url.join(&location).map_err(|_| Missing::never("it is moved to no URL"))?;
                }
                Fetched::Later { after, reason } => return Err(Missing { reason, is_final: false, after }),
                Fetched::Never { reason } => return Err(Missing::never(&reason)),
                Fetched::Silence(error) => return Err(Missing::of(&error)),
            }
        }
        Err(Missing::never(&format!("it is moved on more than {MOST_MOVES} times")))
    }
}

impl Missing {
    fn never(reason: &str) -> Self {
        Self { reason: reason.to_owned(), is_final: true, after: None }
    }

    fn later(reason: &str) -> Self {
        Self { reason: reason.to_owned(), is_final: false, after: None }
    }

    /// What an error goes back to. An address that is not gone to is none for the next try either.
    fn of(error: &reqwest::Error) -> Self {
        let mut cause: &(dyn Error + 'static) = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let is_final = cause.downcast_ref::<EgressError>().is_some();
        let reason = cause.to_string().chars().take(MAX_REASON).collect();
        Self { reason, is_final, after: None }
    }

    /// What follows after so many tries; `fraction` is random, in `0.0..1.0`.
    fn becomes(&self, tries: i64, now: Timestamp, fraction: f64) -> Media {
        let wait = usize::try_from(tries - 1).ok().and_then(|at| WAITS.get(at)).filter(|_| !self.is_final);
        let Some(wait) = wait else { return Media::GivenUp };
        let asked = self.after.unwrap_or_default().min(MAX_ASKED);
        Media::Again(now + wait.mul_f64(1.0 + JITTER * fraction).max(asked))
    }
}

impl Outbox {
    /// Fetches attachments until it is told to stop. What is in flight then lapses, and is fetched again.
    pub(super) async fn fetch_forever(&self, stop: CancellationToken) {
        show_outcomes();
        let tasks = TaskTracker::new();
        loop {
            match self.begin_fetches().await {
                Ok(begun) => {
                    for (media, slot) in begun {
                        let (outbox, stop) = (self.clone(), stop.clone());
                        tasks.spawn(async move {
                            tokio::select! {
                                () = stop.cancelled() => {}
                                () = outbox.fetch_one(media, slot) => {}
                            }
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "attachments are not fetched for now");
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.due(|pulse| pulse.has_media) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    /// Makes every fetch that is due now; gives how many.
    pub(super) async fn fetch_due(&self) -> store::Result<usize> {
        let begun = self.begin_fetches().await?;
        let fetched = join_all(begun.into_iter().map(|(media, slot)| self.fetch_one(media, slot))).await;
        Ok(fetched.len())
    }

    /// Takes what is due, as far as there is room for it.
    async fn begin_fetches(&self) -> store::Result<Vec<(ClaimedMedia, OwnedSemaphorePermit)>> {
        let slots = &self.shared.fetcher.slots;
        let slots: Vec<_> = (0..AT_ONCE).map_while(|_| slots.clone().try_acquire_owned().ok()).collect();
        if slots.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.now();
        if !self.m().store.read().await?.has_due_inbound_media(now).await? {
            return Ok(Vec::new());
        }
        let mut tx = self.m().store.begin().await?;
        let limit = i64::try_from(slots.len()).unwrap_or(i64::MAX);
        let claimed = tx.claim_inbound_media(now, now + LEASE, limit).await?;
        if is_sabotaged("media_dropped") {
            for media in &claimed {
                tx.finish_inbound_media(media.id).await?;
            }
        }
        tx.commit().await?;
        point("after_media_claim");
        Ok(claimed.into_iter().zip(slots).collect())
    }

    /// Fetches one and writes down what came of it. Without the database it lapses, and is fetched again.
    async fn fetch_one(&self, media: ClaimedMedia, _slot: OwnedSemaphorePermit) {
        let fetching = AssertUnwindSafe(tokio::time::timeout(PATIENCE, self.bytes_of(&media))).catch_unwind();
        let fetched = match fetching.await {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(_)) => Err(Missing::later(&format!("it did not come within {PATIENCE:?}"))),
            Err(_) => Err(Missing::later("the server failed while fetching it")),
        };
        point("after_media_reply");
        let written = match fetched {
            Ok(bytes) => self.keep(&media, bytes).await,
            Err(missing) => self.end(&media, &missing).await,
        };
        match written {
            Ok(outcome) => metrics::counter!("switchboard_media_fetches_total", "outcome" => outcome).increment(1),
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "what came of an attachment was not written");
            }
        }
    }

    async fn bytes_of(&self, media: &ClaimedMedia) -> Result<Bytes, Missing> {
        let Some(line) = self.line(&media.provider) else {
            return Err(Missing::later("its provider is not configured"));
        };
        self.shared.fetcher.fetch(line.provider().as_ref(), &media.url, self).await
    }

    async fn keep(&self, media: &ClaimedMedia, bytes: Bytes) -> store::Result<&'static str> {
        let missing = match keep_media(&self.m(), media, bytes).await {
            Ok(()) => return Ok("kept"),
            Err(UploadError::Store(error)) => return Err(error),
            Err(UploadError::Empty) => Missing::never("it is empty"),
            Err(UploadError::Unsupported) => Missing::never("it is of no kind that is taken"),
            Err(UploadError::Full) => Missing::later("the workspace has no room for it"),
            Err(error @ (UploadError::Blob(_) | UploadError::Limited { .. })) => Missing::later(&error.to_string()),
        };
        self.end(media, &missing).await
    }

    async fn end(&self, media: &ClaimedMedia, missing: &Missing) -> store::Result<&'static str> {
        let becomes = missing.becomes(media.tries, self.now(), self.m().clock.fraction());
        end_media(&self.m(), media, &becomes, &missing.reason).await?;
        Ok(if becomes == Media::GivenUp { "given_up" } else { "again" })
    }
}

/// Shows every outcome that can be, so that an alert has something to look at before the first of them.
fn show_outcomes() {
    for outcome in ["kept", "again", "given_up"] {
        metrics::counter!("switchboard_media_fetches_total", "outcome" => outcome).increment(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waited(missing: &Missing, tries: i64, fraction: f64) -> Option<u64> {
        let now = Timestamp::from_micros(0);
        match missing.becomes(tries, now, fraction) {
            Media::Again(at) => Some(at.since(now).as_secs()),
            Media::GivenUp => None,
        }
    }

    #[test]
    fn it_is_tried_for_a_day_and_then_given_up() {
        let missing = Missing::later("HTTP 503");
        let waits: Vec<u64> = (1..=12).filter_map(|tries| waited(&missing, tries, 0.0)).collect();
        assert_eq!(waits, [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200]);
        assert_eq!(waited(&missing, 1, 1.0), Some(6));
        assert_eq!(waited(&Missing::never("HTTP 410"), 1, 0.0), None);
    }

    #[test]
    fn a_service_may_ask_for_longer_but_not_for_ever() {
        let asking = |seconds| Missing { after: Some(Duration::from_secs(seconds)), ..Missing::later("HTTP 429") };
        assert_eq!(waited(&asking(90), 1, 0.0), Some(90));
        assert_eq!(waited(&asking(1), 1, 0.0), Some(5));
        assert_eq!(waited(&asking(1_000_000), 1, 0.0), Some(43_200));
    }
}
