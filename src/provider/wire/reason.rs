//! Puts what a service or a connection said into a few words for people, without anybody's address.

use std::error::Error;

use serde_json::Value;

use super::super::Envelope;
use crate::domain::{Address, mask};

/// The longest reason, in characters.
const MAX_REASON: usize = 200;

/// What must not be repeated from an answer: the addresses of the message it is about.
#[derive(Debug, Default)]
pub(in crate::provider) struct Hidden {
    numbers: Vec<String>,
    mailboxes: Vec<String>,
}

impl Hidden {
    /// Everybody a message names.
    pub(in crate::provider) fn of(envelope: &Envelope) -> Self {
        let everybody = [&envelope.from].into_iter().chain(&envelope.to).chain(&envelope.cc).chain(&envelope.reply_to);
        let mut hidden = Self::default();
        for address in everybody {
            hidden.add(address);
        }
        hidden
    }

    fn add(&mut self, address: &Address) {
        if address.as_str().contains('@') {
            self.mailboxes.push(address.as_str().to_lowercase());
        } else {
            let digits = digits(address.national());
            if digits.len() >= 5 {
                self.numbers.push(digits);
            }
        }
    }

    /// Says what an answer with a failing status said: its JSON's own words when it has any, else how it begins.
    pub(in crate::provider) fn of_answer(&self, status: u16, body: &[u8]) -> String {
        let said = said(body);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        if said.is_empty() { format!("HTTP {status}") } else { self.of_text(&format!("HTTP {status}: {said}")) }
    }

    /// Masks and shortens a text.
    pub(in crate::provider) fn of_text(&self, text: &str) -> String {
        let text = text.replace("%40", "@").replace("%2B", "+");
        let masked: String =
            mask(&text).chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_REASON).collect();
        if self.is_clean(&masked) { masked } else { "said in words that hold an address".to_owned() }
    }

    /// Whether a text names nobody, not even with spaces between the digits.
    pub(in crate::provider) fn is_clean(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        let only_digits = digits(text);
        mask(text) == text
            && !self.mailboxes.iter().any(|mailbox| lower.contains(mailbox))
            && !self.numbers.iter().any(|number| only_digits.contains(number))
    }
}

/// The innermost cause of an error, which says what happened and names no URL.
pub(in crate::provider) fn root(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn said(body: &[u8]) -> String {
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return String::from_utf8_lossy(&body[..body.len().min(4_096)]).into_owned();
    };
    let first = json.get("errors").and_then(|errors| errors.get(0));
    let inner = json.get("error").or(first).filter(|inner| inner.is_object()).unwrap_or(&json);
    ["detail", "message", "reason", "title", "error"]
        .into_iter()
        .find_map(|name| inner.get(name).and_then(Value::as_str))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AddressKind;

    fn hidden() -> Hidden {
        let mut hidden = Hidden::default();
        hidden.add(&Address::from_stored(AddressKind::Phone, "+12015550100".to_owned()));
        hidden.add(&Address::from_stored(AddressKind::Email, "User@example.com".to_owned()));
        hidden
    }

    #[test]
    fn the_words_of_a_json_answer_are_kept() {
        let hidden = hidden();
        assert_eq!(hidden.of_answer(400, br#"{"error":"no credit"}"#), "HTTP 400: no credit");
        assert_eq!(hidden.of_answer(400, br#"{"error":{"message":"no credit","code":7}}"#), "HTTP 400: no credit");
        assert_eq!(hidden.of_answer(400, br#"{"title":"t","detail":"d"}"#), "HTTP 400: d");
        assert_eq!(
            hidden.of_answer(400, br#"{"errors":[{"message":"no subject","field":"subject"}]}"#),
            "HTTP 400: no subject"
        );
        assert_eq!(hidden.of_answer(502, b"<h1>\n Bad\0 gateway</h1>"), "HTTP 502: <h1> Bad  gateway</h1>");
        assert_eq!(hidden.of_answer(500, b""), "HTTP 500");
        assert_eq!(hidden.of_answer(500, b"{}"), "HTTP 500");
        assert_eq!(hidden.of_answer(500, b"[1]"), "HTTP 500");
    }

    #[test]
    fn no_reason_holds_an_address_or_is_long() {
        let hidden = hidden();
        for text in [
            "+12015550100 is off",
            "+1 (201) 555-0100 is off",
            "2 0 1 5 5 5 0 1 0 0",
            "user@example.com bounced",
            "mail/to/USER%40example.com",
            "tel:%2B12015550100",
        ] {
            let reason = hidden.of_answer(400, text.as_bytes());
            assert!(!digits(&reason[8..]).contains("2015550100"), "{reason}");
            assert!(!reason.to_lowercase().contains("example.com"), "{reason}");
        }
        let long = hidden.of_answer(400, "é".repeat(5_000).as_bytes());
        assert_eq!(long.chars().count(), 200);
    }
}
