//! Who calls, what they are in a workspace, and how far they see in it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ApiKeyId, UserId, WorkspaceId};

/// What a person is in a workspace.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Role {
    /// Writes to other people, and sees nothing else.
    Member,
    /// Answers at the workspace's numbers and mailboxes.
    Agent,
    /// Does everything an agent does, and decides on people, keys and settings.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Member, Self::Agent, Self::Admin];

    /// Its name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Agent => "agent",
            Self::Admin => "admin",
        }
    }

    /// Reads a name as [`Role::as_str`] writes it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Whose doing something is. Its `Display` form (`operator`, `key:7`, `user:3`) stands in the database: idempotency
/// keys, files and logs are theirs by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// Whoever sits at the machine: the command line, and a `dev` server's own host.
    Operator,
    /// A program with an API key.
    Key(ApiKeyId),
    /// A person who is signed in.
    User(UserId, Role),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::User(id, _) => write!(f, "user:{id}"),
        }
    }
}

/// Who asks, and in which workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller {
    /// In which workspace.
    pub workspace: WorkspaceId,
    /// Who.
    pub who: Who,
}

/// Which conversations of a workspace somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Every one.
    All,
    /// Those of the workspace's numbers and mailboxes.
    Numbers,
    /// Those that a person takes part in, and for an agent those of the numbers too.
    Person {
        /// Who.
        user: UserId,
        /// Whether the numbers' too.
        sees_numbers: bool,
    },
}

/// Whether a text has the form of a username: a letter, then letters, digits, `_`, `.` and `-`, at most 32 in all.
pub fn is_username(text: &str) -> bool {
    let is_right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    text.len() <= 32 && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_right)
}

impl Caller {
    /// The operator, in a workspace.
    pub fn operator(workspace: WorkspaceId) -> Self {
        Self { workspace, who: Who::Operator }
    }

    /// What they see.
    pub fn sight(&self) -> Sight {
        match self.who {
            Who::Operator => Sight::All,
            Who::Key(_) => Sight::Numbers,
            Who::User(user, role) => Sight::Person { user, sees_numbers: role >= Role::Agent },
        }
    }

    /// The person, when it is one.
    pub fn user(&self) -> Option<UserId> {
        match self.who {
            Who::User(user, _) => Some(user),
            Who::Operator | Who::Key(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_sees_no_number_and_a_key_no_chat() {
        let sight = |who| Caller { workspace: WorkspaceId(1), who }.sight();
        let user = UserId(3);
        assert_eq!(sight(Who::Operator), Sight::All);
        assert_eq!(sight(Who::Key(ApiKeyId(1))), Sight::Numbers);
        assert_eq!(sight(Who::User(user, Role::Member)), Sight::Person { user, sees_numbers: false });
        for role in [Role::Agent, Role::Admin] {
            assert_eq!(sight(Who::User(user, role)), Sight::Person { user, sees_numbers: true });
        }
    }

    #[test]
    fn a_role_reads_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.as_str()), Some(role));
        }
        assert_eq!(Role::named("owner"), None);
        assert_eq!(Who::User(UserId(3), Role::Agent).to_string(), "user:3");
    }
}
