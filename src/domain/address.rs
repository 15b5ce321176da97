//! Phone numbers, short codes, sender names and email addresses, each in its one stored form.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an address is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AddressKind {
    /// An E.164 number, a short code, or a sender's name: what SMS and MMS use.
    Phone,
    /// An email address.
    Email,
}

/// One address in its stored form: `+12015550100`, `40404`, `ACME`, `user@example.com`.
///
/// Its `Debug` form is masked, so that a log cannot hold it whole.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address {
    kind: AddressKind,
    text: String,
}

/// What makes a number out of digits.
#[derive(Debug, Clone)]
pub struct PhoneRules {
    /// The calling code that ten bare digits get, with its plus: `+1`.
    pub default_country: String,
}

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a phone number.
    #[error("must be a phone number: E.164 such as +12015550100, ten digits, or a short code of 3 to 8 digits")]
    NotAPhone,
    /// Not a phone number, nor a name that may stand as a sender.
    #[error("must be a phone number, a short code, or a sender name of 1 to 11 letters and digits")]
    NotASender,
    /// Not an email address.
    #[error("must be an email address such as user@example.com")]
    NotAnEmail,
}

impl Address {
    /// Reads a phone number or short code.
    ///
    /// Spaces, dots, dashes and parentheses between digits are passed over. *Possible* numbers are enough: 7 to 15
    /// digits after the plus (ITU-T E.164). Ten digits get the default country; 3 to 8 are a short code.
    pub fn phone(text: &str, rules: &PhoneRules) -> Result<Self, AddressError> {
        let text = text.trim_matches(' ');
        let (international, rest) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut digits = String::with_capacity(16);
        for c in rest.chars() {
            match c {
                '0'..='9' => digits.push(c),
                ' ' | '-' | '.' | '(' | ')' => {}
                _ => return Err(AddressError::NotAPhone),
            }
        }
        let country = rules.default_country.trim_start_matches('+');
        let text = match (international, digits.len()) {
            (true, 7..=15) if !digits.starts_with('0') => format!("+{digits}"),
            (false, 10) => format!("+{country}{digits}"),
            (false, 11..=15)
                if !country.is_empty() && digits.len() == 10 + country.len() && digits.starts_with(country) =>
            {
                format!("+{digits}")
            }
            (false, 3..=8) => digits,
            _ => return Err(AddressError::NotAPhone),
        };
        Ok(Self { kind: AddressKind::Phone, text })
    }

    /// Reads what may stand as the sender of a text: a phone number, a short code, or a name of 1 to 11 letters and
    /// digits with at least one letter.
    pub fn sender(text: &str, rules: &PhoneRules) -> Result<Self, AddressError> {
        if let Ok(phone) = Self::phone(text, rules) {
            return Ok(phone);
        }
        let is_name = (1..=11).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric())
            && text.bytes().any(|b| b.is_ascii_alphabetic());
        if is_name {
            Ok(Self { kind: AddressKind::Phone, text: text.to_owned() })
        } else {
            Err(AddressError::NotASender)
        }
    }

    /// Reads an email address; `[any label](mailto:user@example.com)` is read as `user@example.com`.
    ///
    /// The domain is lower-cased, the local part kept as it is. At most 254 bytes, 64 before the `@` (RFC 5321).
    pub fn email(text: &str) -> Result<Self, AddressError> {
        let text = text.trim_matches(' ');
        let text = unlabelled(text).unwrap_or(text);
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NotAnEmail)?;
        let local_is_right = (1..=64).contains(&local.len())
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.chars().all(|c| !c.is_control() && !c.is_whitespace() && !"\"(),:;<>@[\\]".contains(c));
        let domain = domain.to_lowercase();
        let label_is_right = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        let domain_is_right = domain.split('.').all(label_is_right);
        if local_is_right && domain_is_right && local.len() + 1 + domain.len() <= 254 {
            Ok(Self { kind: AddressKind::Email, text: format!("{local}@{domain}") })
        } else {
            Err(AddressError::NotAnEmail)
        }
    }

    /// Reads an address of whichever kind it looks like, as a filter or a search may name one.
    pub fn any(text: &str, rules: &PhoneRules) -> Option<Self> {
        if text.contains('@') { Self::email(text).ok() } else { Self::sender(text, rules).ok() }
    }

    /// Puts together again what the store kept.
    pub fn from_stored(kind: AddressKind, text: String) -> Self {
        Self { kind, text }
    }

    /// What it is an address of.
    pub fn kind(&self) -> AddressKind {
        self.kind
    }

    /// The stored form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The ten digits of a number of the default country `+1`, else the stored form: contracts B and C.
    pub fn national(&self) -> &str {
        match self.text.strip_prefix("+1") {
            Some(digits) if digits.len() == 10 => digits,
            _ => &self.text,
        }
    }
}

fn unlabelled(text: &str) -> Option<&str> {
    let (_, link) = text.strip_prefix('[')?.strip_suffix(')')?.rsplit_once("](")?;
    link.strip_prefix("mailto:")
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail: String = self.text.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
        write!(f, "{:?}(..{tail})", self.kind)
    }
}

/// Hides what looks like an address in a text that somebody else wrote, such as a provider's reason.
///
/// Numbers of seven digits or more, however they are grouped, keep their last two digits; of an email address nothing
/// is kept.
pub fn mask(text: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || "\"'<>,;=".contains(c);
    let hidden = |word: &str| {
        if !word.contains('@') && !word.contains("%40") {
            return word.to_owned();
        }
        let end = word.chars().last().filter(|c| is_end(*c));
        format!("***@***{}", end.map(String::from).unwrap_or_default())
    };
    mask_numbers(&text.split_inclusive(is_end).map(hidden).collect::<String>())
}

fn mask_numbers(text: &str) -> String {
    let mut masked: Vec<char> = text.chars().collect();
    let mut start = 0;
    while start < masked.len() {
        let run = masked[start..].iter().take_while(|c| !c.is_alphabetic()).count();
        let digits: Vec<usize> = (start..start + run).filter(|at| masked[*at].is_numeric()).collect();
        if digits.len() >= 7 {
            digits[..digits.len() - 2].iter().for_each(|at| masked[*at] = '*');
        }
        start += run.max(1);
    }
    masked.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules() -> PhoneRules {
        PhoneRules { default_country: "+1".to_owned() }
    }

    #[test]
    fn a_number_has_one_stored_form() {
        for text in ["2015550100", "+12015550100", "12015550100", "(201) 555-0100", "+1 201.555.0100"] {
            assert_eq!(Address::phone(text, &rules()).unwrap().as_str(), "+12015550100", "{text}");
        }
        assert_eq!(Address::phone("1234567890", &rules()).unwrap().as_str(), "+11234567890");
        assert_eq!(Address::phone("40404", &rules()).unwrap().as_str(), "40404");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "+",
            "12",
            "123456789",
            "+123456",
            "+1234567890123456",
            "٢٠١٥٥٥٠١٠٠",
            "a@b.c",
            "+0123456789",
            "201555010x",
            "2015550100\n",
        ] {
            assert_eq!(Address::phone(text, &rules()), Err(AddressError::NotAPhone), "{text:?}");
        }
    }

    #[test]
    fn a_name_may_send_but_not_receive() {
        assert_eq!(Address::sender("ACME24", &rules()).unwrap().as_str(), "ACME24");
        assert_eq!(Address::phone("ACME24", &rules()), Err(AddressError::NotAPhone));
        assert_eq!(Address::sender("TwelveLetter", &rules()), Err(AddressError::NotASender));
        assert_eq!(Address::sender("123456789", &rules()), Err(AddressError::NotASender));
    }

    #[test]
    fn a_labelled_mail_link_is_read_as_its_address() {
        let plain = Address::email("user@usehatchapp.com").unwrap();
        assert_eq!(Address::email("[user@usehatchapp.com](mailto:user@usehatchapp.com)").unwrap(), plain);
        assert_eq!(Address::email("User+tag@Example.COM").unwrap().as_str(), "User+tag@example.com");
    }

    #[test]
    fn what_is_no_email_is_refused() {
        for text in ["", "@", "a@", "@b", "a b@c.d", "a@b\r\nBcc: x@y.z", "a@-b.c", "a@b..c", "<a@b.c>", "+12015550100"]
        {
            assert_eq!(Address::email(text), Err(AddressError::NotAnEmail), "{text:?}");
        }
    }

    #[test]
    fn a_foreign_text_keeps_no_address() {
        assert_eq!(mask("The 'To' number +12015550100 is not valid."), "The 'To' number +*********00 is not valid.");
        assert_eq!(mask("no mailbox <user@example.com>, sorry"), "no mailbox <***@***>, sorry");
        assert_eq!(mask("call (201) 555-0100 or +1 201 555 0101"), "call (***) ***-**00 or +* *** *** **01");
        assert_eq!(mask("code 21211"), "code 21211");
    }

    proptest! {
        #[test]
        fn the_stored_form_reads_as_itself(digits in "[1-9][0-9]{6,14}") {
            let stored = Address::phone(&format!("+{digits}"), &rules()).unwrap();
            prop_assert_eq!(Address::phone(stored.as_str(), &rules()).unwrap(), stored);
        }

        #[test]
        fn nothing_makes_reading_panic(text in "\\PC{0,40}") {
            let _ = Address::any(&text, &rules());
            let _ = mask(&text);
        }
    }
}
