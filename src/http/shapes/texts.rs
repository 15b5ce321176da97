//! Shapes of contracts B and C.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{MessageId, Timestamp};

/// A text without a sender: contract B, under either pair of names.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(examples(json!({"recipient_phone": "2015550101", "message_body": "Hello"})))]
pub enum WebForm {
    /// As the table calls them.
    Plain {
        /// Ten digits, or E.164.
        #[schema(pattern = "^([0-9]{10}|\\+[1-9][0-9]{6,14})$")]
        recipient_phone: String,
        /// The text.
        #[schema(min_length = 1)]
        message_body: String,
    },
    /// As the form calls them.
    #[serde(rename_all = "camelCase")]
    Form {
        /// Ten digits, or E.164.
        #[schema(pattern = "^([0-9]{10}|\\+[1-9][0-9]{6,14})$")]
        phone_number: String,
        /// The text.
        #[schema(min_length = 1)]
        message: String,
    },
}

/// A text that was sent: contract B.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentText {
    /// The message.
    pub message_id: MessageId,
    /// Ten digits for numbers of +1.
    #[schema(example = "2015550101")]
    pub recipient_phone: String,
    /// The text.
    pub message_body: String,
    /// When it was written.
    pub timestamp: Timestamp,
}

/// Unix seconds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum UnixSeconds {
    /// As a number.
    Number(i64),
    /// As digits.
    Digits(String),
}

/// A text of contract C, sent or received.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(examples(json!({
    "senderPhone": "2015550100", "receiverPhone": "2015550101", "messageText": "Hello", "timestamp": 1_700_000_000,
    "uuid": "5e0c2b1e-6f5d-4d8c-9d5b-0f1a2b3c4d5e"
})))]
pub struct TextRequest {
    /// The sender.
    pub sender_phone: String,
    /// The recipient.
    pub receiver_phone: String,
    /// The text.
    pub message_text: String,
    /// When it was written.
    pub timestamp: UnixSeconds,
    /// Makes it safe to repeat.
    #[schema(min_length = 1, max_length = 255)]
    pub uuid: String,
}

/// A sentence for people: contract C's answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {
    /// The sentence.
    pub message: String,
}

/// What one phone sent and received: contract C.
#[derive(Debug, Serialize, ToSchema)]
pub struct PhoneHistory {
    /// Oldest first.
    pub messages: Vec<HistoryEntry>,
}

/// Which way, as seen from the phone that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistoryDirection {
    /// It sent it.
    Sent,
    /// It received it.
    Received,
}

/// A message in one phone's history.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// The counterpart, as ten digits for numbers of +1.
    #[schema(example = "2015550101")]
    pub phone_number: String,
    /// The text.
    pub message_text: String,
    /// When it was written, in Unix seconds.
    pub timestamp: i64,
    /// Which way it went.
    pub direction: HistoryDirection,
}
