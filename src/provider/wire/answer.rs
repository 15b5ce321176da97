//! Reads what a service answered, in bounded time and memory.

use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::super::Outcome;
use super::reason;
use crate::domain::Timestamp;

/// The longest answer that is read. A service's receipt is a few hundred bytes.
pub(in crate::provider) const MAX_ANSWER: usize = 64 * 1024;
/// The longest id of a service that is believed.
const MAX_ID: usize = 255;
/// How long the text of a refusal is waited for: the status code has said what matters.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(1);
/// The longest wait that a service can ask for: no message lives longer.
const MAX_WAIT: Duration = Duration::from_hours(7 * 24);

/// An answer, as far as it could be read.
#[derive(Debug)]
pub(in crate::provider) struct Answer {
    pub(in crate::provider) status: u16,
    pub(in crate::provider) retry_after: Option<Duration>,
    pub(in crate::provider) headers: HeaderMap,
    pub(in crate::provider) body: Vec<u8>,
    /// Why the body is not whole, when it is not.
    pub(in crate::provider) fault: Option<String>,
}

impl Answer {
    /// Reads so many bytes of a response: a success until the deadline, anything else for a moment only.
    pub(super) async fn read(response: reqwest::Response, now: Timestamp, (most, deadline): (usize, Instant)) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let retry_after = retry_after(&headers, now);
        let deadline =
            if response.status().is_success() { deadline } else { deadline.min(Instant::now() + REFUSAL_PATIENCE) };
        let mut body = Vec::new();
        let reading = read_into(&mut body, response, most);
        let fault = match tokio::time::timeout_at(deadline, reading).await {
            Ok(Ok(())) => None,
            Ok(Err(fault)) => Some(fault),
            Err(_) => Some("the answer did not end in time".to_owned()),
        };
        Self { status, retry_after, headers, body, fault }
    }

    /// What a success that names the message under one of these fields means.
    pub(in crate::provider) fn receipt(&self, names: &[&str], hidden: &reason::Hidden) -> Outcome {
        let status = self.status;
        match (&self.fault, self.word(names)) {
            (Some(fault), _) => Outcome::Unknown { reason: hidden.of_text(&format!("HTTP {status}, but {fault}")) },
            (None, Some(reference)) => Outcome::Accepted { reference },
            (None, None) => Outcome::Unknown { reason: format!("HTTP {status}, but no id in the answer") },
        }
    }

    /// The first of these fields that holds a word. Integers of any size keep their digits.
    pub(in crate::provider) fn word(&self, names: &[&str]) -> Option<String> {
        let fields: HashMap<String, &RawValue> = serde_json::from_slice(&self.body).ok()?;
        names.iter().find_map(|name| fields.get(*name).and_then(word))
    }

    /// A header that can stand as a name.
    pub(in crate::provider) fn header(&self, name: &str) -> Option<String> {
        let text = self.headers.get(name)?.to_str().ok()?;
        is_fit(text).then(|| text.to_owned())
    }
}

/// A string or an integer that can stand as a name: not empty, not endless, nothing that cannot be shown.
fn word(raw: &&RawValue) -> Option<String> {
    let text = raw.get();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let word = if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        text.to_owned()
    } else {
        serde_json::from_str::<String>(text).ok()?
    };
    is_fit(&word).then_some(word)
}

fn is_fit(word: &str) -> bool {
    (1..=MAX_ID).contains(&word.len()) && !word.chars().any(char::is_control) && word.trim() == word
}

async fn read_into(body: &mut Vec<u8>, mut response: reqwest::Response, most: usize) -> Result<(), String> {
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(()),
            Ok(Some(chunk)) => {
                let room = most - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    return Err(format!("the answer is longer than {most} bytes"));
                }
            }
            Err(error) => return Err(format!("the answer broke off: {}", reason::root(&error))),
        }
    }
}

/// Reads `Retry-After`, seconds or any of the three date forms (RFC 9110, sections 10.2.3 and 5.6.7). A date that has
/// passed is no wait; what is neither is passed over.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(MAX_WAIT, Duration::from_secs).min(MAX_WAIT));
    }
    let at = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let at = Timestamp::from_micros(i64::try_from(at.as_micros()).unwrap_or(i64::MAX));
    Some(at.since(now).min(MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn asked(text: &str) -> Option<Duration> {
        let now = "1994-11-06T08:49:07Z".parse().unwrap();
        retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_bytes(text.as_bytes()).unwrap())]), now)
    }

    fn id(body: &str) -> Option<String> {
        let (headers, body) = (HeaderMap::new(), body.as_bytes().to_vec());
        Answer { status: 200, retry_after: None, headers, body, fault: None }.word(&[
            "id",
            "messaging_provider_id",
            "xillio_id",
        ])
    }

    #[test]
    fn a_wait_is_seconds_or_one_of_three_dates() {
        assert_eq!(asked("120"), Some(Duration::from_mins(2)));
        assert_eq!(asked(" 0 "), Some(Duration::ZERO));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(asked("Sunday, 06-Nov-94 08:49:37 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(asked("Sun Nov  6 08:49:37 1994"), Some(Duration::from_secs(30)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(asked("99999999999999999999999999"), Some(MAX_WAIT));
        assert_eq!(asked("Fri, 31 Dec 9999 23:59:59 GMT"), Some(MAX_WAIT));
    }

    #[test]
    fn a_wait_that_makes_no_sense_is_passed_over() {
        for text in ["", "-5", "1.5", "soon", "5 minutes", "2024-01-01T00:00:00Z", "Sun, 99 Nov 1994", "\u{e9}", "+7"] {
            assert_eq!(asked(text), None, "{text}");
        }
    }

    #[test]
    fn an_id_is_a_string_or_an_integer_under_one_of_three_names() {
        assert_eq!(id(r#"{"id":"SM1"}"#).as_deref(), Some("SM1"));
        assert_eq!(id(r#"{"messaging_provider_id":"m-1","id":null}"#).as_deref(), Some("m-1"));
        assert_eq!(id(r#"{"xillio_id":"x"}"#).as_deref(), Some("x"));
        assert_eq!(id(r#"{"id":17}"#).as_deref(), Some("17"));
        assert_eq!(id(r#" {"id":123456789012345678901234567890} "#).as_deref(), Some("123456789012345678901234567890"));
    }

    #[test]
    fn what_is_no_id_is_not_taken_for_one() {
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(256));
        let deep = "[".repeat(10_000);
        for body in [
            "",
            "null",
            "[]",
            r#"["id"]"#,
            "\"id\"",
            "{}",
            r#"{"id":""}"#,
            r#"{"id":null}"#,
            r#"{"id":true}"#,
            r#"{"id":1.5}"#,
            r#"{"id":1e3}"#,
            r#"{"id":{"id":"x"}}"#,
            r#"{"id":"a\u0000b"}"#,
            r#"{"id":" "}"#,
            r#"{"ID":"x"}"#,
            r#"{"id":"x""#,
            r#"{"id":"x"} x"#,
            "<html>id</html>",
            &long,
            &deep,
        ] {
            assert_eq!(id(body), None, "{body:.40}");
        }
    }
}
