//! What an account's names may be, and what a one-time code is good for.

use serde::{Deserialize, Serialize};

/// Names that stand for something else in paths, or would pass for the server's own.
const RESERVED: [&str; 24] = [
    "admin",
    "anonymous",
    "attachments",
    "batch",
    "chat",
    "conversations",
    "email",
    "groups",
    "invitations",
    "keys",
    "me",
    "messages",
    "mms",
    "nobody",
    "operator",
    "root",
    "search",
    "simulator",
    "sms",
    "switchboard",
    "system",
    "update",
    "users",
    "webhooks",
];
const SHORTEST: usize = 5;
const LONGEST: usize = 32;

/// Why a text is no username.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Too short or too long.
    #[error("must have 5 to 32 characters")]
    Length,
    /// Something else than letters, digits and three marks.
    #[error("must begin with a letter and hold letters (a-z), digits, _, . and - only")]
    Characters,
    /// It stands for something else.
    #[error("is reserved; choose another one")]
    Reserved,
}

/// Whether a text may be a username: 5 to 32 letters, digits, `_`, `.` and `-`, a letter first, and not reserved.
pub fn check_username(text: &str) -> Result<(), UsernameError> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if !text.bytes().all(is_allowed) || !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        Err(UsernameError::Characters)
    } else if RESERVED.contains(&text.to_ascii_lowercase().as_str()) {
        Err(UsernameError::Reserved)
    } else if (SHORTEST..=LONGEST).contains(&text.len()) {
        Ok(())
    } else {
        Err(UsernameError::Length)
    }
}

/// First and last name of a whole one, which is split at its last space.
pub fn split_name(name: &str) -> (String, String) {
    let name = name.trim();
    let (first, last) = name.rsplit_once(' ').unwrap_or((name, ""));
    (first.trim().to_owned(), last.to_owned())
}

/// First and last name in one.
pub fn join_name(first: &str, last: &str) -> String {
    format!("{first} {last}").trim().to_owned()
}

/// What a one-time code is good for, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum CodePurpose {
    /// Signing in.
    Login,
    /// Changing the password.
    ChangePassword,
    /// Changing names and email, and whatever else wants a fresh code.
    ChangeProfile,
    /// Getting back in without the password.
    Recovery,
}

impl CodePurpose {
    /// Those that somebody may ask for by name.
    pub const ASKED: [Self; 3] = [Self::Login, Self::ChangePassword, Self::ChangeProfile];

    /// Its name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::ChangePassword => "change_password",
            Self::ChangeProfile => "change_profile",
            Self::Recovery => "recovery",
        }
    }

    /// Reads a name that may be asked for.
    pub fn asked(name: &str) -> Option<Self> {
        Self::ASKED.into_iter().find(|purpose| purpose.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_begins_with_a_letter_and_has_five_to_thirty_two_characters() {
        let longest = "a".repeat(32);
        for name in ["alice", "A.l-i_c3", longest.as_str()] {
            assert_eq!(check_username(name), Ok(()), "{name}");
        }
        let too_long = "a".repeat(33);
        for (name, error) in [
            ("abcd", UsernameError::Length),
            (too_long.as_str(), UsernameError::Length),
            ("1alice", UsernameError::Characters),
            ("", UsernameError::Characters),
            ("al ice", UsernameError::Characters),
            ("al@ice", UsernameError::Characters),
            ("ålice", UsernameError::Characters),
            ("Email", UsernameError::Reserved),
            ("system", UsernameError::Reserved),
        ] {
            assert_eq!(check_username(name), Err(error), "{name}");
        }
    }

    #[test]
    fn a_name_is_split_at_its_last_space() {
        let split = |name| {
            let (first, last) = split_name(name);
            (first, last)
        };
        assert_eq!(split("Ana Maria Duck"), ("Ana Maria".to_owned(), "Duck".to_owned()));
        assert_eq!(split(" Cher "), ("Cher".to_owned(), String::new()));
        assert_eq!(join_name("Cher", ""), "Cher");
    }

    #[test]
    fn recovery_is_no_purpose_to_ask_for() {
        assert_eq!(CodePurpose::asked("change_profile"), Some(CodePurpose::ChangeProfile));
        assert_eq!(CodePurpose::asked("recovery"), None);
    }
}
