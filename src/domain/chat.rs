//! What people write to each other, and how they stand to one another.

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::{FieldError, Limits, Refusal};

/// Characters of a chat's message.
const MAX_BODY: usize = 10_000;
/// Characters of an attachment's name or URL.
const MAX_ATTACHMENT: usize = 2_048;

/// What somebody says in a chat.
#[derive(Debug, Clone, Default)]
pub struct ChatDraft {
    /// The text.
    pub body: String,
    /// URLs, or any names.
    pub attachments: Vec<String>,
}

impl ChatDraft {
    /// Checks what its author must keep to.
    ///
    /// # Errors
    ///
    /// Every field that is not as it should be.
    pub fn check(&self, limits: &Limits) -> Result<(), Refusal> {
        let mut refusal = Refusal::new();
        if self.body.trim().is_empty() && self.attachments.is_empty() {
            refusal.push(FieldError::new("body", "required", "a body or an attachment is wanted"));
        }
        if self.body.chars().count() > MAX_BODY {
            refusal.push(FieldError::new("body", "too_long", format!("at most {MAX_BODY} characters")));
        }
        if self.attachments.len() > limits.attachments {
            refusal.push(FieldError::new("attachments", "too_many", format!("at most {}", limits.attachments)));
        }
        for (at, attachment) in self.attachments.iter().enumerate() {
            if attachment.is_empty() || attachment.chars().count() > MAX_ATTACHMENT {
                let message = format!("must have 1 to {MAX_ATTACHMENT} characters");
                refusal.push(FieldError::new(format!("attachments[{at}]"), "invalid", message));
            }
        }
        if refusal.is_empty() { Ok(()) } else { Err(refusal) }
    }
}

/// What somebody is in a conversation of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MemberRole {
    /// Names a group, and puts people out of it.
    Owner,
    /// Takes part.
    Member,
}

/// How one person stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Relation {
    /// Asks the other to be friends.
    Asked,
    /// They are friends.
    Friends,
    /// Wants nothing of the other.
    Blocked,
}

/// Reads one emoji in its fully qualified form (Unicode Technical Standard 51); nothing when the text is anything else,
/// or more than one.
pub fn emoji(text: &str) -> Option<&'static str> {
    let mut graphemes = text.graphemes(true);
    let first = graphemes.next()?;
    if graphemes.next().is_some() {
        return None;
    }
    emojis::get(first).map(emojis::Emoji::as_str)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_emoji_of_any_kind_is_read() {
        for text in ["👍", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "❤️", "1️⃣", "🧑🏿‍🚀"]
        {
            assert_eq!(emoji(text), Some(text), "{text}");
        }
        assert_eq!(emoji("❤"), Some("❤️"), "without its variation selector it is the same");
    }

    #[test]
    fn what_is_no_single_emoji_is_not_read() {
        for text in
            ["", "a", "1", "#", "👍👍", "👍 ", " 👍", "👍a", "\u{200d}", "\u{fe0f}", "🏽👍", "é", ":+1:", "👍\u{0}"]
        {
            assert_eq!(emoji(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_one_grapheme_and_reads_as_itself(text in "\\PC{0,6}") {
            if let Some(read) = emoji(&text) {
                prop_assert_eq!(read.graphemes(true).count(), 1);
                prop_assert_eq!(emoji(read), Some(read));
            }
        }

        #[test]
        fn every_emoji_is_read_and_no_two_together(at in 0_usize..3_000, other in 0_usize..3_000) {
            let all: Vec<_> = emojis::iter().collect();
            let (one, two) = (all[at % all.len()].as_str(), all[other % all.len()].as_str());
            prop_assert_eq!(emoji(one), Some(one));
            prop_assert_eq!(emoji(&format!("{one} {two}")), None);
        }
    }

    #[test]
    fn a_chat_says_something_and_not_too_much() {
        let check = |body: String, attachments: Vec<String>| {
            let checked = ChatDraft { body, attachments }.check(&Limits::default());
            checked.err().unwrap_or_default().into_iter().map(|error| error.field).collect::<Vec<_>>()
        };
        assert_eq!(check("é".repeat(10_000), Vec::new()), Vec::<String>::new());
        assert_eq!(check("x".repeat(10_001), Vec::new()), ["body"]);
        assert_eq!(check(" ".to_owned(), Vec::new()), ["body"]);
        assert_eq!(check(String::new(), vec!["a".to_owned()]), Vec::<String>::new());
        assert_eq!(check(String::new(), vec![String::new()]), ["attachments[0]"]);
    }
}
