//! What customers' endpoints are told, and how far a telling has come.

use serde::{Deserialize, Serialize};

use super::{EventKind, Status};

/// What an endpoint may be told.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[sqlx(type_name = "text")]
pub enum WebhookEvent {
    /// A message of the workspace's was accepted here.
    #[serde(rename = "message.accepted")]
    #[sqlx(rename = "message.accepted")]
    MessageAccepted,
    /// The service passed it on.
    #[serde(rename = "message.sent")]
    #[sqlx(rename = "message.sent")]
    MessageSent,
    /// It arrived, or was read.
    #[serde(rename = "message.delivered")]
    #[sqlx(rename = "message.delivered")]
    MessageDelivered,
    /// It was rejected, could not be delivered, came back, or ran out of time.
    #[serde(rename = "message.failed")]
    #[sqlx(rename = "message.failed")]
    MessageFailed,
    /// It may or may not have been sent.
    #[serde(rename = "message.unknown")]
    #[sqlx(rename = "message.unknown")]
    MessageUnknown,
    /// A message came in.
    #[serde(rename = "message.received")]
    #[sqlx(rename = "message.received")]
    MessageReceived,
    /// A conversation began.
    #[serde(rename = "conversation.created")]
    #[sqlx(rename = "conversation.created")]
    ConversationCreated,
    /// A conversation was assigned, moved, labelled, noted on, joined or split.
    #[serde(rename = "conversation.updated")]
    #[sqlx(rename = "conversation.updated")]
    ConversationUpdated,
    /// Somebody wants no messages any more, or wants them again.
    #[serde(rename = "consent.changed")]
    #[sqlx(rename = "consent.changed")]
    ConsentChanged,
    /// Nothing happened: somebody tries whether the endpoint answers. Nobody subscribes to it.
    #[serde(rename = "ping")]
    #[sqlx(rename = "ping")]
    Ping,
}

impl WebhookEvent {
    /// Everything that can be subscribed to.
    pub const ALL: [Self; 9] = [
        Self::MessageAccepted,
        Self::MessageSent,
        Self::MessageDelivered,
        Self::MessageFailed,
        Self::MessageUnknown,
        Self::MessageReceived,
        Self::ConversationCreated,
        Self::ConversationUpdated,
        Self::ConsentChanged,
    ];

    /// Its name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MessageAccepted => "message.accepted",
            Self::MessageSent => "message.sent",
            Self::MessageDelivered => "message.delivered",
            Self::MessageFailed => "message.failed",
            Self::MessageUnknown => "message.unknown",
            Self::MessageReceived => "message.received",
            Self::ConversationCreated => "conversation.created",
            Self::ConversationUpdated => "conversation.updated",
            Self::ConsentChanged => "consent.changed",
            Self::Ping => "ping",
        }
    }

    /// Reads the name of what can be subscribed to.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }

    /// What an entry of the log is to customers, where it is anything; `status` is where its message stood then.
    pub fn of(kind: EventKind, status: Option<Status>) -> Option<Self> {
        match kind {
            EventKind::MessageAccepted => Some(Self::MessageAccepted),
            EventKind::MessageReceived => Some(Self::MessageReceived),
            EventKind::MessageStatus => status.and_then(Self::of_status),
            EventKind::ConversationCreated => Some(Self::ConversationCreated),
            EventKind::ConversationUpdated => Some(Self::ConversationUpdated),
            EventKind::ConsentChanged => Some(Self::ConsentChanged),
            EventKind::MessageDelivered
            | EventKind::MessageRead
            | EventKind::MessageEdited
            | EventKind::MessageDeleted
            | EventKind::MessageReaction => None,
        }
    }

    fn of_status(status: Status) -> Option<Self> {
        match status {
            Status::Sent => Some(Self::MessageSent),
            Status::Delivered | Status::Read => Some(Self::MessageDelivered),
            Status::Undelivered | Status::Failed | Status::Bounced | Status::Rejected | Status::Dead => {
                Some(Self::MessageFailed)
            }
            Status::Unknown => Some(Self::MessageUnknown),
            Status::Scheduled
            | Status::Queued
            | Status::Sending
            | Status::Accepted
            | Status::Canceled
            | Status::Received => None,
        }
    }
}

/// How far the telling of one event to one endpoint has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is tried, now or later.
    Waiting,
    /// The endpoint has it.
    Succeeded,
    /// Nobody tries any more.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_json_and_in_code() {
        for event in WebhookEvent::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
            assert_eq!(WebhookEvent::named(event.as_str()), Some(event));
        }
        assert_eq!(WebhookEvent::named("ping"), None);
    }
}
