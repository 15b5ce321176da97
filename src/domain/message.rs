//! Messages and conversations as they are read: the shapes every list, answer and kept answer share.

use serde::{Deserialize, Serialize};

use super::{
    ContactName, ConversationId, ConversationState, Encoding, LabelName, MessageId, Segments, Status, Timestamp,
};

/// How a message travels.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Channel {
    /// A text.
    Sms,
    /// A text with media.
    Mms,
    /// Mail.
    Email,
    /// In-app, between people.
    Chat,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 4] = [Self::Sms, Self::Mms, Self::Email, Self::Chat];

    /// Its name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Mms => "mms",
            Self::Email => "email",
            Self::Chat => "chat",
        }
    }

    /// Reads a name as [`Channel::as_str`] writes it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }

    /// Its bit in a conversation's set of channels.
    pub fn bit(self) -> i64 {
        match self {
            Self::Sms => 1,
            Self::Mms => 2,
            Self::Email => 4,
            Self::Chat => 8,
        }
    }

    /// The channels of a set of bits, in the order of [`Channel::ALL`].
    pub fn of_bits(bits: i64) -> Vec<Self> {
        Self::ALL.into_iter().filter(|channel| bits & channel.bit() != 0).collect()
    }

    /// Whether its addresses are phone numbers.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Sms | Self::Mms)
    }
}

/// Between whom a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ConversationKind {
    /// Phones and mailboxes.
    Numbers,
    /// Two people of the workspace.
    Direct,
    /// Any number of people of the workspace.
    Group,
}

/// Which way a message went, as seen from here; in a chat as seen by whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Direction {
    /// Received.
    Inbound,
    /// Sent.
    Outbound,
}

/// What to do when it is not certain whether a provider took a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Policy {
    /// A 500, 502 or 504 is tried again and declared a possible duplicate; silence ends `unknown`.
    #[default]
    Balanced,
    /// A 500, 502 or 504 ends `unknown` too.
    NoDuplicates,
    /// Silence is tried again as well, declared, after a look-up or two minutes.
    PreferDelivery,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Balanced, Self::NoDuplicates, Self::PreferDelivery];

    /// Its name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::NoDuplicates => "no_duplicates",
            Self::PreferDelivery => "prefer_delivery",
        }
    }

    /// Reads a name as [`Policy::as_str`] writes it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }
}

/// In which field of a message a recipient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RecipientKind {
    /// `to`
    To,
    /// `cc`
    Cc,
}

/// One recipient of a message and what became of it there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Recipient {
    /// The address.
    pub address: String,
    /// `to` or `cc`.
    pub kind: RecipientKind,
    /// Where it stands.
    pub status: Status,
}

/// One value as itself, several as a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// Exactly one.
    One(String),
    /// Any other number.
    Many(Vec<String>),
}

impl OneOrMany {
    /// One as itself, any other number as a list.
    pub fn of(mut all: Vec<String>) -> Self {
        if all.len() == 1 { Self::One(all.swap_remove(0)) } else { Self::Many(all) }
    }

    /// All of them.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// What a text costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SegmentSummary {
    /// How many segments.
    pub count: i64,
    /// `GSM-7` or `UCS-2`.
    pub encoding: Encoding,
}

impl From<Segments> for SegmentSummary {
    fn from(segments: Segments) -> Self {
        Self { count: segments.count, encoding: segments.encoding }
    }
}

/// A message, in or out. What its channel does not have, and what is not set, is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The conversation it stands in.
    pub conversation_id: ConversationId,
    /// Which way it went.
    pub direction: Direction,
    /// How it travels.
    #[serde(rename = "type")]
    pub channel: Channel,
    /// The sender's address; a chat's author by username.
    pub from: String,
    /// The username of the person who wrote it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// One recipient as a string, several as a list.
    pub to: OneOrMany,
    /// Further recipients of a mail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// Where a mail's answers go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// A mail's subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// As it was given.
    pub body: String,
    /// The plain form of an HTML body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The sanitised form of an HTML body. No picture in it is loaded from elsewhere; those that the mail carries are
    /// read from its attachments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// What of a mail that came in is new: `text`, or `body` where there is no `text`, up to where it quotes earlier mails
    /// to its end. Absent: it quotes none there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_text: Option<String>,
    /// As they were given.
    pub attachments: Vec<String>,
    /// What an SMS costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<SegmentSummary>,
    /// Where it stands; the least advanced of its recipients.
    pub status: Status,
    /// Why it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// Whether nothing will happen to it any more unless somebody acts or a provider reports.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Whether it may have been sent more than once.
    pub possible_duplicate: bool,
    /// What to do in doubt; outbound only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Everybody it goes to. In a list of messages nobody, where one of a chat goes to more than twenty people:
    /// `receipts` has how many they are, and the message by itself has them all.
    pub recipients: Vec<Recipient>,
    /// How far it came, where one of a chat goes to more than twenty people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipts: Option<ReceiptTotals>,
    /// When the client says it was written.
    pub timestamp: Timestamp,
    /// Not before then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled_at: Option<Timestamp>,
    /// Not after then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliver_by: Option<Timestamp>,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// What people reacted with, in a chat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// When its author changed it last, in a chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// When its author took it back, in a chat: its body is empty since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When anything about it changed last.
    pub updated_at: Timestamp,
}

/// How far a chat's message came, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReceiptTotals {
    /// How many people it goes to.
    pub sent: i64,
    /// How many of them have fetched it.
    pub delivered: i64,
    /// How many of them have read it.
    pub read: i64,
}

/// One emoji on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reaction {
    /// The emoji.
    #[schema(example = "👍")]
    pub emoji: String,
    /// Whose.
    pub user_names: Vec<String>,
    /// How many people's.
    pub count: i64,
}

/// The newest message of a conversation, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LastMessage {
    /// Its id.
    pub id: MessageId,
    /// Which way it went.
    pub direction: Direction,
    /// How it travelled.
    #[serde(rename = "type")]
    pub channel: Channel,
    /// The sender's address; a chat's author by username.
    pub from: String,
    /// A mail's subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The body, as it was given.
    pub body: String,
    /// Where it stands.
    pub status: Status,
    /// When the client says it was written.
    pub timestamp: Timestamp,
}

/// A conversation in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Between whom.
    pub kind: ConversationKind,
    /// A group's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether a stranger asks to write: it is the caller's to accept or to decline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_request: Option<bool>,
    /// The one contact with whom it is, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactName>,
    /// The conversation in which this one is shown now; only an event tells of one that is shown in another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_to: Option<ConversationId>,
    /// Everybody's address, or among people their usernames, in alphabetical order.
    pub participants: Vec<String>,
    /// Where it stands with the team; absent among people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ConversationState>,
    /// Until when it is snoozed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Timestamp>,
    /// Who answers, by username; absent: nobody in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Its labels, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelName>,
    /// The channels it was held on so far.
    pub channels: Vec<Channel>,
    /// The message accepted last.
    pub last_message: Option<LastMessage>,
    /// How many messages it holds that the caller may see.
    pub message_count: i64,
    /// How many inbound ones nobody has read; among people, how many the caller has not.
    pub unread_count: i64,
    /// When it began.
    pub created_at: Timestamp,
    /// When a message was accepted last.
    pub updated_at: Timestamp,
}
