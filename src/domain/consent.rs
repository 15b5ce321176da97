//! Who wants messages and who does not: the words people answer with, and how an address stands on a channel.

use serde::{Deserialize, Serialize};

use super::Channel;

/// How an address stands on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ConsentState {
    /// Its owner wants messages.
    OptedIn,
    /// It gets none.
    OptedOut,
}

/// The channels that consent is kept for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ConsentChannel {
    /// SMS and MMS.
    Sms,
    /// Email.
    Email,
}

/// What brought a change about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ConsentSource {
    /// A word in a text of theirs.
    Keyword,
    /// The link in a mail (RFC 8058).
    OneClick,
    /// A mailbox that does not exist.
    Bounce,
    /// A complaint to the mailbox's provider.
    Complaint,
    /// A provider that keeps a list of its own.
    Provider,
    /// Somebody of the workspace, or a program of theirs.
    Api,
}

/// A text that is one of the words everybody knows, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// Who is this?
    Help,
}

/// The words of the carriers' rules (CTIA), joined and in capitals.
const WORDS: [(Keyword, &[&str]); 3] = [
    (Keyword::Stop, &["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"]),
    (Keyword::Start, &["START", "YES", "UNSTOP"]),
    (Keyword::Help, &["HELP", "INFO"]),
];
/// A longer text is no keyword, however it is punctuated.
const LONGEST: usize = 64;

impl Keyword {
    /// Reads a text as a keyword, whatever its case, punctuation and spaces, in full-width letters too.
    pub fn read(text: &str) -> Option<Self> {
        if text.chars().nth(LONGEST).is_some() {
            return None;
        }
        let word: String = text.chars().map(half_width).filter(|c| c.is_alphanumeric()).collect();
        let word = word.to_uppercase();
        WORDS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(keyword, _)| *keyword)
    }
}

/// U+FF01 to U+FF5E are the printable ASCII characters, as wide as ideographs.
fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}

impl ConsentState {
    /// Reads its name in JSON.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "opted_in" => Some(Self::OptedIn),
            "opted_out" => Some(Self::OptedOut),
            _ => None,
        }
    }

    /// Its name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OptedIn => "opted_in",
            Self::OptedOut => "opted_out",
        }
    }
}

impl ConsentChannel {
    /// That of a message's channel; people who write to each other answer to nobody.
    pub fn of(channel: Channel) -> Option<Self> {
        match channel {
            Channel::Sms | Channel::Mms => Some(Self::Sms),
            Channel::Email => Some(Self::Email),
            Channel::Chat => None,
        }
    }

    /// Its name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }
}

impl ConsentSource {
    /// Its name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::OneClick => "one_click",
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
            Self::Provider => "provider",
            Self::Api => "api",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_however_it_is_written() {
        let stops = [
            "STOP",
            "stop",
            " Stop. ",
            "“Stop!”",
            "ＳＴＯＰ",
            "ｓｔｏｐ！",
            "stop all",
            "Stop-All",
            "opt out",
            "OPT-OUT",
            "Unsubscribe\n",
            "*cancel*",
            "END",
            "quit",
            "Revoke",
            "s.t.o.p",
        ];
        for text in stops {
            assert_eq!(Keyword::read(text), Some(Keyword::Stop), "{text}");
        }
        for text in ["start", "YES!", "unstop", "ＹＥＳ"] {
            assert_eq!(Keyword::read(text), Some(Keyword::Start), "{text}");
        }
        for text in ["HELP", "info?", "Ｈｅｌｐ"] {
            assert_eq!(Keyword::read(text), Some(Keyword::Help), "{text}");
        }
    }

    #[test]
    fn a_sentence_is_no_keyword() {
        let padded = format!("stop{}", "!".repeat(LONGEST));
        for text in ["", "...", "stop it", "please stop", "don't stop", "yes please", "stopp", "1", "STOP 2", &padded] {
            assert_eq!(Keyword::read(text), None, "{text}");
        }
    }
}
