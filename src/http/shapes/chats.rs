//! Shapes of people writing to each other.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Attachment;
use crate::domain::{MessageId, Relation};
use crate::messaging::chat::{ChatMember, Edit};

/// What one person says to another: contract E.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "sender_user_name": "rdibari", "recipient_user_name": "bugs", "body": "What's up, doc?" })))]
pub struct SaidDraft {
    /// Who says it: the caller, or for the operator of `dev` anybody.
    pub sender_user_name: String,
    /// To whom.
    pub recipient_user_name: String,
    /// What; it may be empty when there are attachments.
    #[schema(max_length = 10_000, pattern = "^[^\\x00]*$")]
    pub body: String,
    /// URLs, or any names.
    pub attachments: Option<Vec<Attachment>>,
}

/// Between whom a conversation of people is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schema(examples(
    json!({ "kind": "group", "name": "Carrots", "members": ["bugs", "duck"] }),
    json!({ "kind": "direct", "user_name": "bugs" })
))]
pub enum ConversationRequest {
    /// The caller and any number of others.
    Group {
        /// The group's name.
        #[schema(min_length = 1, max_length = 100, pattern = "^[^\\x00]*$")]
        name: String,
        /// The others' usernames; the caller owns the group and need not stand here.
        #[schema(max_items = 500)]
        members: Vec<String>,
    },
    /// The caller and one other.
    Direct {
        /// The other's username.
        user_name: String,
    },
}

/// Somebody of the workspace.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "user_name": "porky" })))]
pub struct PersonRequest {
    /// Their username.
    pub user_name: String,
}

/// How far somebody has read.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "last_message_id": 1 })))]
pub struct ReadRequest {
    /// The last message they saw.
    pub last_message_id: MessageId,
}

/// What a message is to say instead.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "body": "Duck season!" })))]
pub struct EditRequest {
    /// The text.
    #[schema(max_length = 10_000, pattern = "^[^\\x00]*$")]
    pub body: String,
}

/// Who is in a conversation of people.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberList {
    /// The longest there first.
    pub data: Vec<ChatMember>,
}

/// What a message said before.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryOfEdits {
    /// The oldest first.
    pub data: Vec<Edit>,
}

/// How the caller stands to somebody now.
#[derive(Debug, Serialize, ToSchema)]
pub struct FriendState {
    /// Who.
    pub user_name: String,
    /// `asked` or `friends`.
    pub state: Relation,
}
