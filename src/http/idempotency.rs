//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): 1 to 255 visible ASCII characters, quoted as a
//! structured field's string or bare, the same key either way.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

use super::{Error, State};
use crate::messaging::Once;

/// The header's name.
pub const HEADER: &str = "idempotency-key";

/// The key a request came with, if any, and what it was sent to.
#[derive(Debug)]
pub struct IdempotencyKey {
    key: Option<String>,
    target: String,
}

impl IdempotencyKey {
    /// The key bound to this very request: its method, path and body.
    pub fn over(self, body: &[u8]) -> Option<Once> {
        let target = self.target;
        self.key.map(|key| {
            let mut hash = Sha256::new();
            hash.update(target.as_bytes());
            hash.update([0]);
            hash.update(body);
            Once { key, fingerprint: hash.finalize().into() }
        })
    }
}

impl FromRequestParts<State> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Error> {
        let target = format!("{} {}", parts.method, parts.uri.path());
        Ok(Self { key: key_of(&parts.headers)?, target })
    }
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = if values.next().is_some() { None } else { read(value) };
    key.map(Some).ok_or_else(|| {
        let message = "must be one key of 1 to 255 visible ASCII characters, quoted or bare";
        Error::invalid_field("header:Idempotency-Key", "invalid", message)
    })
}

fn read(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?.trim_matches([' ', '\t']);
    let key = if text.starts_with('"') { unquoted(text)? } else { text.to_owned() };
    let is_right = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    is_right.then_some(key)
}

/// The inside of a structured field's string (RFC 9651, section 3.3.3).
fn unquoted(text: &str) -> Option<String> {
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut key = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => key.push(chars.next().filter(|c| matches!(c, '"' | '\\'))?),
            '"' => return None,
            c => key.push(c),
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<String> {
        read(&HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn quoted_or_bare_it_is_the_same_key() {
        assert_eq!(key("abc-1").as_deref(), Some("abc-1"));
        assert_eq!(key("\"abc-1\"").as_deref(), Some("abc-1"));
        assert_eq!(key(r#""a\"b\\c""#).as_deref(), Some(r#"a"b\c"#));
        assert_eq!(key(r#"a"b\c"#).as_deref(), Some(r#"a"b\c"#));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "x".repeat(256);
        for text in ["", "\"", "\"\"", "a b", "\"a b\"", "\"a", "\"a\";x=1", r#""a\x""#, r#""a"b""#, long.as_str()] {
            assert_eq!(key(text), None, "{text}");
        }
        assert!(read(&HeaderValue::from_bytes(b"caf\xc3\xa9").unwrap()).is_none());
        assert!(key(&"x".repeat(255)).is_some());
        assert!(key(&format!("\"{}\"", "x".repeat(255))).is_some());
    }

    #[test]
    fn two_keys_are_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(key_of(&headers).unwrap(), None);
        headers.append(HEADER, HeaderValue::from_static("a"));
        assert_eq!(key_of(&headers).unwrap().as_deref(), Some("a"));
        headers.append(HEADER, HeaderValue::from_static("b"));
        assert!(key_of(&headers).is_err());
    }

    #[test]
    fn another_body_or_target_has_another_fingerprint() {
        let once = |target: &str, body: &str| {
            let key = IdempotencyKey { key: Some("k".to_owned()), target: target.to_owned() };
            key.over(body.as_bytes()).unwrap().fingerprint
        };
        assert_eq!(once("POST /a", "x"), once("POST /a", "x"));
        assert_ne!(once("POST /a", "x"), once("POST /b", "x"));
        assert_ne!(once("POST /a", "x"), once("POST /a", "y"));
    }
}
