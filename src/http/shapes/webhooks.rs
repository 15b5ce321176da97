//! Customers' endpoints, and what they were told.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{
    ConversationId, DeliveryState, MessageId, Timestamp, WebhookDeliveryId, WebhookEndpointId, WebhookEvent,
};
use crate::store::{WebhookAttemptRow, WebhookEndpointRow};
use crate::webhook::Delivery;

/// An endpoint to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({
    "url": "https://hooks.example.com/switchboard", "events": ["message.delivered", "message.failed"], "enabled": true
})))]
pub struct WebhookEndpointRequest {
    /// Where it is told: `https://`, without a user or a password, on the public internet.
    #[schema(max_length = 2048)]
    pub url: String,
    /// What it wants to be told; at least one.
    #[schema(min_items = 1)]
    pub events: Vec<WebhookEvent>,
    /// Whether it is told; absent: it is.
    pub enabled: Option<bool>,
}

/// What of an endpoint is to be changed; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "enabled": false }), json!({ "enabled": true, "events": ["message.received"] })))]
pub struct WebhookEndpointUpdate {
    /// Where it is told.
    #[schema(max_length = 2048)]
    pub url: Option<String>,
    /// What it wants to be told; at least one.
    #[schema(min_items = 1)]
    pub events: Option<Vec<WebhookEvent>>,
    /// Whether it is told. One that is enabled is told of what happens from then on.
    pub enabled: Option<bool>,
}

/// An endpoint as it is listed: never its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Where it is told.
    pub url: String,
    /// What it wants to be told.
    pub events: Vec<WebhookEvent>,
    /// Whether it is told.
    pub enabled: bool,
    /// Why the server disabled it by itself: `gone` (it answered 410) or `failing` (five days without a success).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    /// Since when no attempt has succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Until when the secret before this one is signed with as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl WebhookEndpoint {
    /// An endpoint as it stands now.
    pub fn at(row: WebhookEndpointRow, now: Timestamp) -> Self {
        Self {
            id: row.id,
            previous_secret_until: row.target.previous.map(|(_, until)| until).filter(|until| now < *until),
            url: row.target.url,
            events: row.events,
            enabled: row.is_enabled,
            disabled_reason: row.disabled_reason,
            failing_since: row.failing_since,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// An endpoint with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEndpointMade {
    /// The endpoint.
    #[serde(flatten)]
    pub endpoint: WebhookEndpoint,
    /// What everything that it is told is signed with (Standard Webhooks).
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub secret: String,
}

/// One event on its way to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDelivery {
    /// Its id.
    pub id: WebhookDeliveryId,
    /// What the endpoint knows it by: `webhook-id`, the same over every attempt and replay.
    pub webhook_id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: WebhookEvent,
    /// In which conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// To which message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// When it happened.
    pub timestamp: Timestamp,
    /// How far it has come.
    pub state: DeliveryState,
    /// When it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// What was tried, in order.
    pub attempts: Vec<WebhookAttempt>,
}

impl From<Delivery> for WebhookDelivery {
    fn from(Delivery { row, attempts }: Delivery) -> Self {
        Self {
            id: row.id,
            webhook_id: row.name,
            kind: row.kind,
            conversation_id: row.conversation_id,
            message_id: row.message_id,
            timestamp: row.at,
            state: row.state,
            next_attempt_at: row.due_at,
            attempts: attempts.into_iter().map(WebhookAttempt::from).collect(),
        }
    }
}

/// One attempt at an endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookAttempt {
    /// Its number, from 1.
    pub number: i64,
    /// When it began.
    pub at: Timestamp,
    /// How long it took; absent while under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// `succeeded`, `failed`, or `unknown` when the server stopped meanwhile; absent while under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What the endpoint answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<i64>,
    /// How its answer begins, or why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

impl From<WebhookAttemptRow> for WebhookAttempt {
    fn from(row: WebhookAttemptRow) -> Self {
        let took = row.ended_at.map(|ended| ended.since(row.started_at));
        Self {
            number: row.number,
            at: row.started_at,
            duration_ms: took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            outcome: row.outcome,
            status_code: row.status_code,
            answer: row.answer,
        }
    }
}

/// Which events an endpoint is to be told again.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z" })))]
pub struct ReplayRequest {
    /// What happened from then on.
    pub from: Timestamp,
    /// And before then.
    pub to: Timestamp,
}

/// How many events are told again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replayed {
    /// How many.
    pub replayed: u64,
}

/// A delivery that was queued.
#[derive(Debug, Serialize, ToSchema)]
pub struct Queued {
    /// Which; its attempts are in the list of deliveries.
    pub delivery_id: WebhookDeliveryId,
}
