//! How a team answers: where a conversation stands, who did what to it, notes, labels and saved replies.

use serde::{Deserialize, Serialize};

use super::{ApiKeyId, ContactId, ConversationId, LabelId, NoteId, SavedReplyId, Timestamp, UserId};

/// Where a conversation stands with the team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ConversationState {
    /// Somebody should answer.
    Open,
    /// Not before a time.
    Snoozed,
    /// Done, until somebody writes again.
    Closed,
}

impl ConversationState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Snoozed, Self::Closed];

    /// Its name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Snoozed => "snoozed",
            Self::Closed => "closed",
        }
    }

    /// Reads a name as [`ConversationState::as_str`] writes it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Actor {
    /// A person.
    User {
        /// Their id.
        id: UserId,
        /// What they are called; absent when their account is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<String>,
    },
    /// A program.
    Key {
        /// Its key.
        id: ApiKeyId,
    },
    /// Whoever sits at the machine.
    Operator,
    /// The server by itself.
    System,
}

impl Actor {
    /// How the server itself stands in the database, beside what [`super::Who`] writes.
    pub const SYSTEM: &'static str = "system";

    /// The person that stands in the database.
    pub fn user_of(stored: &str) -> Option<UserId> {
        stored.strip_prefix("user:")?.parse().ok().map(UserId)
    }

    /// What stands in the database, with the person's name by the given function.
    pub fn of(stored: &str, name: impl Fn(UserId) -> Option<String>) -> Self {
        if let Some(id) = Self::user_of(stored) {
            return Self::User { id, username: name(id) };
        }
        match stored.strip_prefix("key:").and_then(|id| id.parse().ok()) {
            Some(id) => Self::Key { id: ApiKeyId(id) },
            None if stored == Self::SYSTEM => Self::System,
            None => Self::Operator,
        }
    }
}

/// What was done to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ActKind {
    /// It was opened, snoozed or closed.
    State,
    /// It was given to somebody, or to nobody.
    Assignee,
    /// A label was put on it.
    LabelAdded,
    /// A label was taken from it.
    LabelRemoved,
    /// An internal note was written.
    Note,
    /// It was joined with the other conversations of a contact.
    Joined,
    /// It was split from them.
    Split,
}

/// An internal note. It is no message: nothing that sends takes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// Who wrote it.
    pub author: Actor,
    /// What it says.
    pub body: String,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Something that was done to a conversation; the fields say what, each for its own kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Activity {
    /// Its place.
    pub id: i64,
    /// What was done.
    pub kind: ActKind,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// To which state it was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ConversationState>,
    /// Until when it was snoozed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<Timestamp>,
    /// To whom it was given, by username; absent: to nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Which label, as it was called then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<LabelName>,
    /// Which note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// Into which conversation it was joined, or from which it was split, or which was split from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// Whose conversations were joined or split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<ContactId>,
}

/// A label on a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LabelName {
    /// Its id.
    pub id: LabelId,
    /// What it is called.
    #[schema(example = "urgent")]
    pub name: String,
}

/// A label of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Label {
    /// Its id.
    pub id: LabelId,
    /// What it is called; no other label of the workspace is.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A reply that is kept for use again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SavedReply {
    /// Its id.
    pub id: SavedReplyId,
    /// What it is called; no other one of the workspace is.
    pub name: String,
    /// The text, with placeholders.
    pub body: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What may stand between `{{` and `}}` in a saved reply.
pub const PLACEHOLDERS: [&str; 3] = ["contact", "agent", "workspace"];

/// The placeholders of a text that there are not, each once.
pub fn unknown_placeholders(text: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    fill_placeholders(text, |name| {
        if !PLACEHOLDERS.contains(&name) && !unknown.iter().any(|known| known == name) {
            unknown.push(name.to_owned());
        }
        None
    });
    unknown
}

/// The text with a value in the place of each placeholder that has one; values are not looked into again.
pub fn fill_placeholders(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        filled.push_str(before);
        match value(name.trim()) {
            Some(value) => filled.push_str(&value),
            None => filled.extend(["{{", name, "}}"]),
        }
        rest = behind;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once() {
        let fill = |text: &str| fill_placeholders(text, |name| (name == "agent").then(|| "{{agent}}".to_owned()));
        assert_eq!(fill("Hi, {{agent}} and {{ agent }}!"), "Hi, {{agent}} and {{agent}}!");
        assert_eq!(fill("{{other}} {{agent"), "{{other}} {{agent");
        assert_eq!(fill("}}{{agent}}{"), "}}{{agent}}{");
    }

    #[test]
    fn what_is_no_placeholder_is_named() {
        assert!(unknown_placeholders("{{contact}} {{ agent }} {{workspace}} {x} {{").is_empty());
        assert_eq!(unknown_placeholders("{{name}} {{Agent}} {{name}} {{}}"), ["name", "Agent", ""]);
    }

    #[test]
    fn an_actor_is_read_as_it_is_written() {
        let name = |_| Some("ann".to_owned());
        assert_eq!(Actor::of("user:3", name), Actor::User { id: UserId(3), username: Some("ann".to_owned()) });
        assert_eq!(Actor::of("key:7", name), Actor::Key { id: ApiKeyId(7) });
        assert_eq!(Actor::of("system", name), Actor::System);
        assert_eq!(Actor::of("operator", name), Actor::Operator);
    }
}
