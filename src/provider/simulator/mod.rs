//! The simulated carrier: takes messages of every channel, names them, reports on them, and fails as it is told to.
//!
//! [`Carrier`] is its core, used inside the process by [`Simulator`] and by the process `switchboard carrier`; a
//! [`Book`] is where it writes down what it took. What is in the book was taken, and nothing else was.

mod chaos;
mod memory;
mod receipts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::sync::mpsc;

pub use self::chaos::{Chaos, Draw, Fate, Receipts, Stats, Weather};
use self::memory::Recalled;
pub use self::memory::{Handset, IN_ALL, MAX_BYTES, Memory, PER_HANDSET};
pub use self::receipts::{Receipt, standing};
use super::{Abilities, Envelope, Found, Outcome, Provider, Sought};
use crate::clock::Clock;
use crate::domain::{Address, AddressKind, Channel, Draft, OneOrMany, Policy, Timestamp};

/// Its name as a provider.
pub const NAME: &str = "simulator";
/// How many messages it takes in a second.
pub const PER_SECOND: u32 = 10_000;
/// How many attempts it bears at once.
pub const IN_FLIGHT: usize = 200;

/// A message as the carrier saw it.
#[derive(Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CarriedMessage {
    /// The carrier's name for it.
    pub id: String,
    /// Whatever the sender named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// How it travelled.
    #[serde(rename = "type")]
    pub channel: Channel,
    /// The sender's address.
    pub from: String,
    /// One recipient as a string, several as a list.
    pub to: OneOrMany,
    /// Further recipients of a mail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// Where a mail's answers go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// A mail's subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text, or HTML in a mail.
    pub body: String,
    /// As they were given.
    pub attachments: Vec<String>,
    /// When its sender says it was written.
    pub timestamp: Timestamp,
    /// When the carrier took it.
    pub at: Timestamp,
}

/// Where the carrier writes down what it takes.
pub trait Book: fmt::Debug + Send + Sync {
    /// Writes a message down. A key that was used before gives the entry of then.
    fn enter(&self, message: CarriedMessage, key: Option<String>) -> BoxFuture<'_, Result<Entry, NotWritten>>;

    /// Hears that a message was asked for and is not taken.
    fn pass(&self, reference: &str);
}

/// A message in the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The carrier's name for the message.
    pub provider_id: String,
    /// When it was taken.
    pub at: Timestamp,
    /// Whether this was its first time.
    pub is_first: bool,
}

/// The book could not be written in, so the message is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message could not be written down")]
pub struct NotWritten;

/// How the carrier answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It has the message, and names it.
    Taken {
        /// Its name for the message.
        provider_id: String,
    },
    /// Anything else. Whether it has the message is for its book to say.
    Fault {
        /// What to do to the asker.
        fate: Fate,
        /// The message's name, when it was taken.
        provider_id: Option<String>,
    },
}

/// What differs from one way of asking a carrier to another.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// What its names for messages begin with.
    pub prefix: &'static str,
    /// How many hex digits follow, 32 at most.
    pub digits: usize,
    /// What somebody who asks this way meets for each fate.
    pub meet: fn(Fate) -> Fate,
}

impl Default for Manner {
    fn default() -> Self {
        Self { prefix: "sim-", digits: 24, meet: |fate| fate }
    }
}

/// The core of the simulated carrier. Cheap to clone; all clones are one carrier.
#[derive(Debug, Clone)]
pub struct Carrier {
    clock: Clock,
    weather: Arc<Weather>,
    book: Arc<dyn Book>,
    listener: mpsc::Sender<Receipt>,
    manner: Manner,
}

impl Carrier {
    /// Starts a carrier that writes in a book and sends its reports to a listener.
    pub fn new(clock: Clock, book: Arc<dyn Book>, listener: mpsc::Sender<Receipt>) -> Self {
        Self { clock, weather: Arc::default(), book, listener, manner: Manner::default() }
    }

    /// The same carrier, asked in another manner, with another listener for its reports.
    #[must_use]
    pub fn asked(&self, manner: Manner, listener: mpsc::Sender<Receipt>) -> Self {
        Self { listener, manner, ..self.clone() }
    }

    /// The chaos in force, its script and its counts.
    pub fn weather(&self) -> &Weather {
        &self.weather
    }

    /// Names a message and says when it was taken.
    pub fn name(&self, mut message: CarriedMessage) -> CarriedMessage {
        let mut digits = hex::encode(self.clock.bytes::<16>());
        digits.truncate(self.manner.digits);
        message.id = format!("{}{digits}", self.manner.prefix);
        message.at = self.clock.now();
        message
    }

    /// Takes a message, or does not, as the weather has it: at once, then waits out the latency of the answer.
    ///
    /// `key` is an idempotency key: the same again is the same message again. Must run on a Tokio runtime.
    pub async fn take(&self, message: CarriedMessage, key: Option<String>) -> Reply {
        self.take_as_drawn(message, key, self.draw()).await
    }

    /// Draws the fate of a message that is about to come.
    pub fn draw(&self) -> Draw {
        self.weather.draw(self.manner.meet)
    }

    /// Does with a message what was drawn for it, as [`Self::take`] does.
    pub async fn take_as_drawn(&self, message: CarriedMessage, key: Option<String>, draw: Draw) -> Reply {
        let reply = self.decide(message, key, draw).await;
        tokio::time::sleep(draw.latency).await;
        reply
    }

    async fn decide(&self, message: CarriedMessage, key: Option<String>, draw: Draw) -> Reply {
        if !draw.fate.is_taken() {
            if let Some(reference) = &message.reference {
                self.book.pass(reference);
            }
            return Reply::Fault { fate: draw.fate, provider_id: None };
        }
        let mut message = self.name(message);
        match self.book.enter(message.clone(), key).await {
            Ok(entry) => {
                if entry.is_first {
                    message.at = entry.at;
                    self.report_on(&message, draw.receipts);
                }
                let provider_id = entry.provider_id;
                match draw.fate {
                    Fate::Ok => Reply::Taken { provider_id },
                    fate => Reply::Fault { fate, provider_id: Some(provider_id) },
                }
            }
            Err(NotWritten) => Reply::Fault { fate: Fate::Away, provider_id: None },
        }
    }

    fn report_on(&self, message: &CarriedMessage, order: Receipts) {
        let plan = receipts::plan(message, order, &self.weather);
        if !plan.is_empty() {
            tokio::spawn(receipts::report(plan, self.listener.clone()));
        }
    }
}

/// The carrier inside the process, for `dev`: a [`Carrier`] with a [`Memory`] for its book.
#[derive(Debug, Clone)]
pub struct Simulator {
    carrier: Carrier,
    memory: Arc<Memory>,
    timeout: Duration,
}

/// What somebody wrote on a handset, ready to be received.
#[derive(Debug, Clone)]
pub struct Written {
    /// The carrier's name for it.
    pub provider_id: String,
    /// The message.
    pub draft: Draft,
}

impl Simulator {
    /// Starts a carrier with an empty memory. Its reports go to `listener`; an attempt takes `timeout` at most.
    pub fn new(clock: Clock, listener: mpsc::Sender<Receipt>, timeout: Duration) -> Self {
        let memory = Arc::new(Memory::default());
        Self { carrier: Carrier::new(clock, Arc::clone(&memory) as Arc<dyn Book>, listener), memory, timeout }
    }

    /// The chaos in force.
    pub fn chaos(&self) -> Chaos {
        self.carrier.weather.chaos()
    }

    /// Puts another chaos in force. [`Chaos::check`] it first.
    pub fn set_chaos(&self, chaos: Chaos) {
        self.carrier.weather.set(chaos);
    }

    /// What was asked and what went wrong since the start.
    pub fn stats(&self) -> Stats {
        self.carrier.weather.stats()
    }

    /// Every handset that had a message, newest first.
    pub fn list_handsets(&self) -> Vec<Handset> {
        self.memory.list()
    }

    /// What a handset had and wrote, oldest first; nothing when there is no such handset.
    pub fn find_handset(&self, address: &Address) -> Option<Vec<Arc<CarriedMessage>>> {
        self.memory.find(address)
    }

    /// Writes a message on a handset: an SMS, an MMS when it has attachments, or a mail, as the address is. The
    /// handset shows it; receiving it is the caller's.
    pub fn write(&self, handset: Address, to: Address, body: String, attachments: Vec<String>) -> Written {
        let channel = match handset.kind() {
            AddressKind::Email => Channel::Email,
            AddressKind::Phone if attachments.is_empty() => Channel::Sms,
            AddressKind::Phone => Channel::Mms,
        };
        let now = self.carrier.clock.now();
        let message = self.carrier.name(CarriedMessage {
            id: String::new(),
            reference: None,
            channel,
            from: handset.as_str().to_owned(),
            to: OneOrMany::One(to.as_str().to_owned()),
            cc: Vec::new(),
            reply_to: None,
            subject: None,
            body: body.clone(),
            attachments: attachments.clone(),
            timestamp: now,
            at: now,
        });
        let provider_id = message.id.clone();
        self.memory.keep_written(message);
        let draft = Draft {
            channel,
            from: handset,
            to: vec![to],
            cc: Vec::new(),
            reply_to: None,
            subject: None,
            body,
            attachments,
            timestamp: Some(now),
            scheduled_at: None,
            deliver_by: None,
            policy: Policy::default(),
        };
        Written { provider_id, draft }
    }

    async fn attempt(&self, envelope: &Envelope) -> Outcome {
        let unanswered = || Outcome::Unknown { reason: format!("no answer within {:?}", self.timeout) };
        let reply = match tokio::time::timeout(self.timeout, self.carrier.take(envelope.into(), None)).await {
            Ok(Reply::Taken { provider_id }) => return Outcome::Accepted { reference: provider_id },
            Ok(Reply::Fault { fate, .. }) => fate,
            Err(_) => return unanswered(),
        };
        match reply {
            Fate::Throttled => {
                let after = Some(Duration::from_secs(1));
                Outcome::Retry { after, is_away: false, reason: "simulated: too many requests".to_owned() }
            }
            Fate::Away => Outcome::Retry { after: None, is_away: true, reason: "simulated: not available".to_owned() },
            Fate::Reject => Outcome::Rejected { code: "400".to_owned(), reason: "simulated: refused".to_owned() },
            Fate::Error500Taken | Fate::Error500 => Outcome::Doubtful { reason: "simulated: HTTP 500".to_owned() },
            Fate::Error502Taken | Fate::Error502 => Outcome::Doubtful { reason: "simulated: HTTP 502".to_owned() },
            Fate::Error504Taken | Fate::Error504 => Outcome::Doubtful { reason: "simulated: HTTP 504".to_owned() },
            Fate::HangTaken | Fate::HangNotTaken => {
                tokio::time::sleep(self.timeout).await;
                unanswered()
            }
            Fate::Ok
            | Fate::ResetTaken
            | Fate::ResetNotTaken
            | Fate::HalfBodyTaken
            | Fate::HtmlTaken
            | Fate::EndlessTaken => Outcome::Unknown { reason: "simulated: the answer was lost".to_owned() },
        }
    }

    /// A reference that this process has not seen is no proof: an earlier one may have taken it.
    fn recall(&self, reference: &str) -> Found {
        match self.memory.recall(reference) {
            Some(Recalled::Taken { provider_id, channel, at }) => {
                let status = Some(standing(channel, self.carrier.clock.now().since(at)));
                Found::Taken { reference: provider_id, status }
            }
            Some(Recalled::NotTaken) => Found::NeverTaken,
            None => Found::Unclear { reason: "simulated: not remembered".to_owned() },
        }
    }
}

impl Provider for Simulator {
    fn abilities(&self) -> Abilities {
        Abilities { idempotency: None, can_look_up: true }
    }

    fn send<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Outcome> {
        self.attempt(envelope).boxed()
    }

    fn look_up<'a>(&'a self, sought: &'a Sought) -> BoxFuture<'a, Found> {
        async move { self.recall(&sought.envelope.reference) }.boxed()
    }
}

impl CarriedMessage {
    fn size_bytes(&self) -> usize {
        let addresses = self.to.as_slice().iter().chain(&self.cc).chain([&self.from]).map(String::len).sum::<usize>();
        self.body.len() + addresses + self.attachments.iter().map(String::len).sum::<usize>() + 512
    }
}

impl From<&Envelope> for CarriedMessage {
    fn from(envelope: &Envelope) -> Self {
        let texts = |addresses: &[Address]| addresses.iter().map(|address| address.as_str().to_owned()).collect();
        Self {
            id: String::new(),
            reference: Some(envelope.reference.clone()),
            channel: envelope.channel,
            from: envelope.from.as_str().to_owned(),
            to: OneOrMany::of(texts(&envelope.to)),
            cc: texts(&envelope.cc),
            reply_to: envelope.reply_to.as_ref().map(|address| address.as_str().to_owned()),
            subject: envelope.subject.clone(),
            body: envelope.body.clone(),
            attachments: envelope.attachments.iter().map(|attachment| attachment.url.clone()).collect(),
            timestamp: envelope.timestamp,
            at: envelope.timestamp,
        }
    }
}

impl fmt::Debug for CarriedMessage {
    /// Shows names only: no log holds an address or a text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CarriedMessage")
            .field("id", &self.id)
            .field("reference", &self.reference)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// An address as the carrier keeps it, put back together.
fn address(text: &str) -> Address {
    let kind = if text.contains('@') { AddressKind::Email } else { AddressKind::Phone };
    Address::from_stored(kind, text.to_owned())
}

#[cfg(test)]
pub(crate) use self::tests::message as sample_message;

#[cfg(test)]
mod tests;
