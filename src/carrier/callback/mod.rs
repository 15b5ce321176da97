//! Tells senders what becomes of their messages, one message's reports in their order, for as long as somebody may still
//! come back.

mod forms;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::EcdsaKeyPair;
use reqwest::StatusCode;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio::time::Instant;
use url::Url;

pub(super) use self::forms::{NotAKey, event_key, twilio_key, twilio_name};
use crate::clock::Clock;
use crate::provider::simulator::Receipt;

/// How many posts are under way at once.
const WORKERS: usize = 32;
/// How many reports wait for each worker.
const WAITING: usize = 4_096;
/// How long one post is tried.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// The first and the longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// The most reports that are posted together, where that is the custom.
const TOGETHER: usize = 100;

/// Something to be told.
#[derive(Debug, Clone)]
pub(super) enum Report {
    /// As the `http` contract tells it.
    Http(Receipt),
    /// As Twilio does, to the URL that came with the message.
    Twilio(Receipt, Arc<TwilioMessage>),
    /// As SendGrid does, of a mail to this recipient.
    SendGrid(Receipt, Arc<str>),
}

/// What Twilio says of a message beside what became of it.
#[derive(Debug)]
pub(super) struct TwilioMessage {
    pub(super) url: Url,
    pub(super) account: String,
    pub(super) from: String,
    pub(super) to: String,
}

/// Where reports of the `http` contract go.
#[derive(Debug)]
pub(super) struct HttpHook {
    pub(super) url: Url,
    pub(super) secret: Option<SecretString>,
}

/// Where SendGrid's events go, and what signs them.
pub(super) struct EventHook {
    pub(super) url: Url,
    pub(super) key: Option<EcdsaKeyPair>,
}

/// Where reports go; nowhere, where nothing is set.
#[derive(Debug)]
pub(super) struct Callbacks {
    pub(super) client: reqwest::Client,
    pub(super) clock: Clock,
    pub(super) http: Option<HttpHook>,
    /// The key that signs Twilio's.
    pub(super) twilio: Option<hmac::Key>,
    pub(super) sendgrid: Option<EventHook>,
}

/// What goes out in one request.
#[derive(Debug)]
enum Post {
    One(Report),
    Events(Vec<(Receipt, Arc<str>)>),
}

impl Callbacks {
    /// Whether anything can be told at all.
    pub(super) fn is_idle(&self) -> bool {
        self.http.is_none() && self.twilio.is_none() && self.sendgrid.is_none()
    }

    /// Posts every report that comes, until no more can.
    pub(super) async fn run(self: Arc<Self>, mut reports: mpsc::Receiver<Report>) {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                let (sender, mine) = mpsc::channel(WAITING);
                tokio::spawn(Arc::clone(&self).work(mine));
                sender
            })
            .collect();
        while let Some(report) = reports.recv().await {
            let mut hasher = DefaultHasher::new();
            report.receipt().provider_id.hash(&mut hasher);
            let worker = usize::try_from(hasher.finish() % WORKERS as u64).unwrap_or(0);
            let _ = workers[worker].send((Instant::now() + PATIENCE, report)).await;
        }
    }

    async fn work(self: Arc<Self>, mut mine: mpsc::Receiver<(Instant, Report)>) {
        let mut waiting = Vec::new();
        while mine.recv_many(&mut waiting, TOGETHER).await > 0 {
            for (deadline, post) in together(waiting.drain(..)) {
                if tokio::time::timeout_at(deadline, self.deliver(&post)).await.is_err() {
                    tracing::warn!(provider_id = post.name(), "a report was given up");
                }
            }
        }
    }

    /// Tries until an answer settles it: a success, or a refusal that another try would meet again.
    async fn deliver(&self, post: &Post) {
        let mut pause = PAUSES.0;
        while !self.is_settled(post).await {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn is_settled(&self, post: &Post) -> bool {
        let Some(request) = self.request(post) else { return true };
        match request.timeout(TRY_TIMEOUT).send().await.map(|response| response.status()) {
            Ok(StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS) | Err(_) => false,
            Ok(status) if status.is_server_error() => false,
            Ok(status) => {
                if !status.is_success() {
                    tracing::warn!(%status, provider_id = post.name(), "a report was refused");
                }
                true
            }
        }
    }
}

/// Posts of some reports: events that stand side by side go together.
fn together(reports: impl Iterator<Item = (Instant, Report)>) -> Vec<(Instant, Post)> {
    let mut posts: Vec<(Instant, Post)> = Vec::new();
    for (deadline, report) in reports {
        match (report, posts.last_mut()) {
            (Report::SendGrid(receipt, to), Some((last, Post::Events(events)))) => {
                *last = deadline;
                events.push((receipt, to));
            }
            (Report::SendGrid(receipt, to), _) => posts.push((deadline, Post::Events(vec![(receipt, to)]))),
            (report, _) => posts.push((deadline, Post::One(report))),
        }
    }
    posts
}

impl Report {
    fn receipt(&self) -> &Receipt {
        match self {
            Self::Http(receipt) | Self::Twilio(receipt, _) | Self::SendGrid(receipt, _) => receipt,
        }
    }
}

impl Post {
    /// The first message that it is about.
    fn name(&self) -> &str {
        match self {
            Self::One(report) => &report.receipt().provider_id,
            Self::Events(events) => events.first().map_or("", |(receipt, _)| &receipt.provider_id),
        }
    }
}

impl fmt::Debug for EventHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventHook").field("is_signed", &self.key.is_some()).finish_non_exhaustive()
    }
}
