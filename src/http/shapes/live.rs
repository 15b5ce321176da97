//! Listening to what happens.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::{ConversationId, UserId};

/// From where to listen.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LiveParams {
    /// The last event that the client has: everything since comes first. `Last-Event-ID` says the same, and counts more.
    #[param(minimum = 0)]
    pub after: Option<i64>,
}

/// Somebody is typing, or no more.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "conversation_id": 1, "is_typing": true })))]
pub struct TypingRequest {
    /// Where.
    pub conversation_id: ConversationId,
    /// Whether they are.
    pub is_typing: bool,
}

/// Somebody who is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Present {
    /// Their id.
    pub user_id: UserId,
    /// Their username.
    #[schema(example = "bugs")]
    pub user_name: String,
}
