//! One adapter per outside service behind one small trait.

pub mod http;
mod mail;
mod media;
pub mod sendgrid;
pub mod simulator;
pub mod smtp;
pub mod twilio;
mod vitals;
mod wire;

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use url::Url;

pub use self::http::{Http, HttpSettings, HttpSettingsError};
pub use self::mail::Files;
pub use self::media::{Fetched, fetch};
pub use self::sendgrid::{SendGrid, SendGridSettings};
pub use self::simulator::Simulator;
pub use self::smtp::{Smtp, SmtpSettings};
pub use self::twilio::{Twilio, TwilioSettings};
pub use self::vitals::{Board, Failure, PauseMark, RECENT, Shown, Tally, Vitals};
pub use self::wire::{Wire, client, retry_after};
use crate::domain::{Address, Channel, Status, Timestamp};

/// How one attempt ended. The adapter decides, the outbox obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service has the message and named it.
    Accepted {
        /// The service's own name for it.
        reference: String,
    },
    /// Certainly not sent; worth another try, no sooner than `after`.
    Retry {
        /// How long the service asked us to wait.
        after: Option<Duration>,
        /// Whether the service was not there at all (refused, DNS, TLS, 503) rather than busy (429).
        is_away: bool,
        /// What it said, for people.
        reason: String,
    },
    /// Certainly not sent, and no further try can help.
    Rejected {
        /// The service's own code, or a status code.
        code: String,
        /// What it said, for people.
        reason: String,
    },
    /// The service answered with a failure that does not rule out that it was sent (500, 502, 504).
    Doubtful {
        /// What it said, for people.
        reason: String,
    },
    /// Silence: the line broke after bytes were written, or the 2xx cannot be read. It may well have been sent.
    Unknown {
        /// What was seen, for people.
        reason: String,
    },
}

impl Outcome {
    /// Its name in attempts, metrics and answers.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Retry { .. } => "retry",
            Self::Rejected { .. } => "rejected",
            Self::Doubtful { .. } => "doubtful",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// What a look-up at the service found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The service has it.
    Taken {
        /// The service's own name for it.
        reference: String,
        /// Where it stands there, when the service said.
        status: Option<Status>,
    },
    /// The service never took it, and is to be trusted in that.
    NeverTaken,
    /// No telling, this time.
    Unclear {
        /// What was seen, for people.
        reason: String,
    },
}

/// What a service can do for the certainty of a send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Abilities {
    /// It honours an idempotency key, for so long after its first use.
    pub idempotency: Option<Duration>,
    /// It can be asked afterwards whether it took a message.
    pub can_look_up: bool,
}

/// One message as an adapter gets it.
///
/// Its `Debug` form shows neither what it says nor between whom.
#[derive(Clone)]
pub struct Envelope {
    /// Our name for it: the same over every attempt of one accepted message; also its idempotency key.
    pub reference: String,
    /// How it travels.
    pub channel: Channel,
    /// The sender.
    pub from: Address,
    /// The recipients; at least one.
    pub to: Vec<Address>,
    /// Further recipients of a mail.
    pub cc: Vec<Address>,
    /// Where a mail's answers go.
    pub reply_to: Option<Address>,
    /// The link by which its reader gets no more mails like this one (RFC 8058).
    pub unsubscribe: Option<String>,
    /// Whether the server itself wrote it, so that no machine is to answer (RFC 3834).
    pub is_automatic: bool,
    /// The mails that a mail goes on after, by their `Message-ID`s without brackets: the oldest first, and the one that
    /// it answers last.
    pub references: Vec<String>,
    /// A mail's subject.
    pub subject: Option<String>,
    /// The text, or HTML in a mail.
    pub body: String,
    /// What goes along.
    pub attachments: Vec<Attachment>,
    /// When the client says it was written.
    pub timestamp: Timestamp,
    /// What a callback must show beside our reference, where the service calls back to a URL of ours.
    pub callback_token: String,
}

/// What goes along with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// For an upload a link by which anybody may fetch it for a time; else as it was given.
    pub url: String,
    /// The upload.
    pub file: Option<StoredFile>,
}

/// An upload, where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// How long it is.
    pub size_bytes: u64,
    /// The name of its bytes.
    pub object_key: String,
}

/// A message that nobody knows the fate of, as an adapter is asked for it.
#[derive(Debug, Clone)]
pub struct Sought {
    /// The message.
    pub envelope: Envelope,
    /// When the first attempt began that may have brought it there.
    pub since: Timestamp,
    /// When the last one ended.
    pub until: Timestamp,
}

impl Attachment {
    /// What stands in the text of a mail instead: it is no upload, and so no part of the mail.
    fn listed(&self) -> Option<&str> {
        self.file.is_none().then_some(self.url.as_str())
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Envelope");
        shown.field("reference", &self.reference).field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// An outside service that carries messages.
pub trait Provider: fmt::Debug + Send + Sync {
    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// Makes one attempt, in bounded time and memory.
    fn send<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Outcome>;

    /// Asks whether it took a message, in bounded time and memory.
    fn look_up<'a>(&'a self, sought: &'a Sought) -> BoxFuture<'a, Found>;

    /// Asks the service's own host, with its credentials, for what came with a message; nothing when a URL leads
    /// elsewhere.
    fn fetch<'a>(&'a self, _: &'a Url) -> Option<BoxFuture<'a, Fetched>> {
        None
    }
}
