//! Contacts: a person with several addresses, whose conversations are one.

use serde::{Deserialize, Serialize};

use super::{ContactId, ConversationId, Timestamp};

/// A person with whom the workspace writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Contact {
    /// Their id.
    pub id: ContactId,
    /// What they are called.
    #[schema(example = "Ada Byron")]
    pub name: String,
    /// What the team knows of them. It is never sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Their phone numbers and email addresses, in alphabetical order.
    pub addresses: Vec<String>,
    /// The conversation with them; absent: there is none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// When they were written down.
    pub created_at: Timestamp,
    /// When anything of theirs changed last.
    pub updated_at: Timestamp,
}

/// With whom a conversation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ContactName {
    /// Their id.
    pub id: ContactId,
    /// What they are called.
    #[schema(example = "Ada Byron")]
    pub name: String,
}
