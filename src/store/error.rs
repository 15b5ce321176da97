//! What can go wrong in the database, folded to what a caller can act on.

use sqlx::error::ErrorKind;

use crate::fault::is_sabotaged;

/// What a unit of work gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a unit of work did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away, full, or too busy: the same request may work a moment later.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A lock was not had in time.
    #[error("somebody else holds a row that is wanted")]
    Busy(#[source] sqlx::Error),
    /// A unique constraint stood in the way, named `<table>_<columns>_key` on both databases.
    #[error("{0} is taken")]
    Conflict(String),
    /// A foreign key stood in the way: what a row points to was deleted since it was looked at, or is still pointed to.
    #[error("{0:?} is gone, or still used")]
    Gone(Gone),
    /// A row cannot be read.
    #[error("the database holds {0}")]
    Corrupt(&'static str),
    /// The database refused a statement: a fault of ours.
    #[error("the database refused a statement")]
    Refused(#[source] sqlx::Error),
}

/// What was deleted in between. SQLite does not name it; there nothing comes between the look and the change, which
/// are one transaction of its only writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// A label.
    Label,
    /// An uploaded file.
    File,
    /// Somebody's seat in a workspace.
    Person,
    /// Anything else.
    Other,
}

impl Gone {
    /// By the foreign key, which PostgreSQL names `<table>_<columns>_fkey`.
    fn of(constraint: Option<&str>) -> Self {
        match constraint {
            Some("conversation_labels_workspace_id_label_id_fkey") => Self::Label,
            Some("attachments_workspace_id_file_id_fkey") => Self::File,
            Some("members_workspace_id_user_id_fkey" | "friendships_workspace_id_other_id_fkey") => Self::Person,
            _ => Self::Other,
        }
    }
}

impl Error {
    /// Whether the same request may work a moment later.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Busy(_)) && !is_sabotaged("away_is_refused")
    }
}

impl Error {
    /// Whether it is about the database as a whole, and not about what one unit of work asked of it: one that was too large
    /// for the time, the memory or the disk that is left may be too large by itself.
    pub fn is_for_all(&self) -> bool {
        let Self::Unavailable(error) = self else { return false };
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        !code.is_some_and(|code| matches!(&*code, "57014" | "53200" | "13"))
    }

    /// The same again, for others who waited for the same unit of work.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::Unavailable(sqlx::Error::Protocol(self.to_string()))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Io(_)
            | E::Tls(_)
            | E::PoolTimedOut
            | E::PoolClosed
            | E::WorkerCrashed
            | E::Protocol(_)
            | E::BeginFailed
            | E::InvalidSavePointStatement => Self::Unavailable(error),
            E::Database(cause) if cause.kind() == ErrorKind::UniqueViolation => {
                let name = cause.constraint().map_or_else(|| name_from_sqlite(cause.message()), str::to_owned);
                Self::Conflict(name)
            }
            E::Database(cause) if cause.kind() == ErrorKind::ForeignKeyViolation => {
                Self::Gone(Gone::of(cause.constraint()))
            }
            E::Database(cause) => match cause.code().as_deref() {
                Some(code) if is_lock(code) => Self::Busy(error),
                Some(code) if is_away(code) => Self::Unavailable(error),
                _ => Self::Refused(error),
            },
            _ => Self::Refused(error),
        }
    }
}

/// PostgreSQL: lock not available, deadlock, serialization failure.
fn is_lock(code: &str) -> bool {
    matches!(code, "55P03" | "40P01" | "40001")
}

/// PostgreSQL's classes 08 (connection), 53 (resources) and 57P (shut down, starting up, killed) and a cancelled
/// statement; SQLite's primary codes busy, locked, I/O, full and cannot open, in their extended forms.
fn is_away(code: &str) -> bool {
    if code.len() == 5 {
        return code.starts_with("08") || code.starts_with("53") || code.starts_with("57") || code == "25P03";
    }
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13 | 14))
}

/// Turns `UNIQUE constraint failed: users.phone` into `users_phone_key`.
///
/// SQLite reports columns where PostgreSQL reports the constraint, so the migrations name every unique constraint
/// `<table>_<columns>_key`.
fn name_from_sqlite(message: &str) -> String {
    let columns = message.rsplit(": ").next().unwrap_or_default();
    let mut name = String::new();
    for (at, column) in columns.split(", ").enumerate() {
        let (table, column) = column.split_once('.').unwrap_or_default();
        if at == 0 {
            name.push_str(table);
        }
        name.push('_');
        name.push_str(column);
    }
    name + "_key"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_the_name_of_the_constraint() {
        let message = "UNIQUE constraint failed: outbox.workspace_id, outbox.message_id";
        assert_eq!(name_from_sqlite(message), "outbox_workspace_id_message_id_key");
    }

    #[test]
    fn a_database_that_may_come_back_is_told_from_a_fault() {
        for code in ["57P01", "57P03", "08006", "53100", "53300", "5", "13", "10", "778", "261", "14"] {
            assert!(is_away(code), "{code}");
        }
        for code in ["42601", "23505", "22P02", "1", "19", "787"] {
            assert!(!is_away(code), "{code}");
        }
    }
}
