//! What a workspace decides for its people.

use serde::{Deserialize, Serialize};

/// Whether people who are no friends may write to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Strangers {
    /// They may.
    Write,
    /// They may ask.
    Ask,
    /// They may not.
    No,
}

/// What somebody who joins a group sees of what was said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum GroupHistory {
    /// Nothing.
    Joined,
    /// All of it.
    All,
}

impl Strangers {
    /// Reads its name in JSON.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "write" => Some(Self::Write),
            "ask" => Some(Self::Ask),
            "no" => Some(Self::No),
            _ => None,
        }
    }
}

impl GroupHistory {
    /// Reads its name in JSON.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "joined" => Some(Self::Joined),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}
