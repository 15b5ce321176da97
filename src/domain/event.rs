//! The append-only log that feeds browsers and customers' webhooks.

use serde::{Deserialize, Serialize};

use super::{ConversationId, EventId, MessageId, Timestamp, WorkspaceId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[sqlx(type_name = "text")]
pub enum EventKind {
    /// A message of ours was accepted.
    #[serde(rename = "message.accepted")]
    #[sqlx(rename = "message.accepted")]
    MessageAccepted,
    /// A message came in.
    #[serde(rename = "message.received")]
    #[sqlx(rename = "message.received")]
    MessageReceived,
    /// A message moved to another status.
    #[serde(rename = "message.status")]
    #[sqlx(rename = "message.status")]
    MessageStatus,
    /// A conversation began.
    #[serde(rename = "conversation.created")]
    #[sqlx(rename = "conversation.created")]
    ConversationCreated,
    /// A conversation was assigned, moved, labelled, noted on, joined or split; a group has another name or other members, or somebody
    /// took a request on.
    #[serde(rename = "conversation.updated")]
    #[sqlx(rename = "conversation.updated")]
    ConversationUpdated,
    /// Somebody's client has fetched messages of a chat.
    #[serde(rename = "message.delivered")]
    #[sqlx(rename = "message.delivered")]
    MessageDelivered,
    /// Somebody has read a conversation up to a message.
    #[serde(rename = "message.read")]
    #[sqlx(rename = "message.read")]
    MessageRead,
    /// The author of a chat's message changed it.
    #[serde(rename = "message.edited")]
    #[sqlx(rename = "message.edited")]
    MessageEdited,
    /// The author of a chat's message took it back.
    #[serde(rename = "message.deleted")]
    #[sqlx(rename = "message.deleted")]
    MessageDeleted,
    /// Somebody reacted, or took a reaction back.
    #[serde(rename = "message.reaction")]
    #[sqlx(rename = "message.reaction")]
    MessageReaction,
    /// An address wants messages, or wants none any more.
    #[serde(rename = "consent.changed")]
    #[sqlx(rename = "consent.changed")]
    ConsentChanged,
}

/// One entry. It refers to people by id only, so that erasing one never means rewriting it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Its place: no reader that has seen one ever meets a lower one later.
    pub id: EventId,
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// In which conversation.
    pub conversation_id: Option<ConversationId>,
    /// To which message.
    pub message_id: Option<MessageId>,
    /// Anything more, without addresses.
    pub data: serde_json::Value,
    /// When.
    pub at: Timestamp,
}
