//! How a team answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{ConversationId, ConversationState, Timestamp};

/// What is changed of a conversation; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(
    json!({ "state": "closed" }),
    json!({ "state": "open", "assignee": null })
))]
pub struct ConversationChange {
    /// A group's new name; alone, and from its owner.
    #[schema(min_length = 1, max_length = 100, pattern = "^[^\\x00]*$")]
    pub name: Option<String>,
    /// Where it stands with the team.
    pub state: Option<ConversationState>,
    /// Until when it is snoozed: with `snoozed` alone, and then required; at most a year ahead.
    pub snoozed_until: Option<Timestamp>,
    /// Who answers: the username of an agent or admin, or `null` for nobody.
    pub assignee: Option<String>,
}

/// A note to be written.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "body": "Called back; wants an offer by Friday." })))]
pub struct NoteRequest {
    /// What it says.
    #[schema(min_length = 1, max_length = 10_000, pattern = "^[^\\x00]*$")]
    pub body: String,
}

/// A label's name.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "name": "urgent" })))]
pub struct LabelRequest {
    /// What it is called; no other label of the workspace may be.
    #[schema(min_length = 1, max_length = 50, pattern = "^[^\\x00]*$")]
    pub name: String,
}

/// A reply to be kept.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "name": "greeting", "body": "Hello {{contact}}, this is {{agent}} of {{workspace}}." })))]
pub struct SavedReplyRequest {
    /// What it is called; no other one of the workspace may be.
    #[schema(min_length = 1, max_length = 100, pattern = "^[^\\x00]*$")]
    pub name: String,
    /// The text; `{{contact}}`, `{{agent}}` and `{{workspace}}` are filled in.
    #[schema(min_length = 1, max_length = 10_000, pattern = "^[^\\x00]*$")]
    pub body: String,
}

/// What is changed of a saved reply; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "body": "Good day, {{contact}}." })))]
pub struct SavedReplyChange {
    /// What it is called.
    #[schema(min_length = 1, max_length = 100, pattern = "^[^\\x00]*$")]
    pub name: Option<String>,
    /// The text.
    #[schema(min_length = 1, max_length = 10_000, pattern = "^[^\\x00]*$")]
    pub body: Option<String>,
}

/// For which conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "conversation_id": 1 })))]
pub struct RenderRequest {
    /// The conversation.
    pub conversation_id: ConversationId,
}

/// A saved reply for a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rendered {
    /// The text, ready to be sent.
    #[schema(example = "Hello +18045551234, this is Ann of The Shop.")]
    pub text: String,
}
