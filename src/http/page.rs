//! Pages of lists: `limit`, and cursors that are good for the very list that gave them.

use axum::http::{HeaderValue, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Error;
use super::query::Query;
use crate::domain::{FieldError, Timestamp};
use crate::store::{PageRequest, Position};

/// How many entries a list gives.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Without `limit`.
    pub default: i64,
    /// At most.
    pub most: i64,
}

/// Lists with `data` and `next_cursor`.
pub const ORDINARY: Span = Span { default: 50, most: 200 };

/// Bare arrays, which page by a `Link` header (contracts B and C).
pub const BARE: Span = Span { default: 1_000, most: 1_000 };

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct List<T> {
    /// The entries.
    pub data: Vec<T>,
    /// What to ask for as `cursor` to get the next page; `null` on the last.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// Which page of which list is wanted.
#[derive(Debug)]
pub struct Listing {
    identity: String,
    /// Where to begin, and how many entries.
    pub request: PageRequest,
}

impl Listing {
    /// Reads `limit` and `cursor` for a list that `identity` tells apart from every other: its name, whose it is, its
    /// order and its filters.
    pub fn read(query: &Query, span: Span, identity: &str) -> Result<Self, Error> {
        let identity = fingerprint(identity);
        let limit = match query.get("limit") {
            None => span.default,
            Some(text) => limit(text, span.most)?,
        };
        let after = query.get("cursor").map(|cursor| open(cursor, &identity)).transpose()?;
        Ok(Self { identity, request: PageRequest { after, limit } })
    }

    /// The cursor of the page after this one.
    pub fn cursor(&self, next: Option<Position>) -> Option<String> {
        next.map(|position| seal(position, &self.identity))
    }

    /// The `Link` header that leads to the page after this one (RFC 8288).
    pub fn link(&self, path: &str, next: Option<Position>) -> Option<HeaderValue> {
        self.link_with(path, "", next)
    }

    /// The same with further parameters before its own, each with its `&` behind it.
    pub fn link_with(&self, path: &str, further: &str, next: Option<Position>) -> Option<HeaderValue> {
        let (cursor, limit) = (self.cursor(next)?, self.request.limit);
        HeaderValue::try_from(format!("<{path}?{further}limit={limit}&cursor={cursor}>; rel=\"next\"")).ok()
    }
}

fn limit(text: &str, most: i64) -> Result<i64, Error> {
    text.parse()
        .ok()
        .filter(|limit| (1..=most).contains(limit))
        .ok_or_else(|| Error::invalid_field("query:limit", "invalid", format!("must be an integer from 1 to {most}")))
}

fn fingerprint(identity: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(identity.as_bytes())[..9])
}

fn seal(position: Position, identity: &str) -> String {
    let parts = serde_json::json!([identity, position.at.micros(), position.id]);
    URL_SAFE_NO_PAD.encode(parts.to_string())
}

fn open(cursor: &str, identity: &str) -> Result<Position, Error> {
    let position = URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|json| serde_json::from_slice::<(String, i64, i64)>(&json).ok())
        .filter(|(list, ..)| list == identity)
        .map(|(_, micros, id)| Position { at: Timestamp::from_micros(micros), id });
    position.ok_or_else(|| {
        let message = "this is not a cursor that this list gave";
        Error::new(StatusCode::BAD_REQUEST, "invalid_cursor", message).naming(vec![FieldError::new(
            "query:cursor",
            "invalid_cursor",
            message,
        )])
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str, identity: &str) -> Result<Listing, Error> {
        Listing::read(&Query::read(query), ORDINARY, identity)
    }

    #[test]
    fn a_limit_outside_its_span_is_refused() {
        assert_eq!(read("", "a").unwrap().request.limit, 50);
        assert_eq!(read("limit=200", "a").unwrap().request.limit, 200);
        for limit in ["0", "201", "-1", "", "x", "1.5", "99999999999999999999"] {
            assert!(read(&format!("limit={limit}"), "a").is_err(), "{limit}");
        }
    }

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let position = Position { at: Timestamp::from_micros(5), id: 7 };
        let cursor = read("", "messages of 1, asc").unwrap().cursor(Some(position)).unwrap();
        let query = format!("cursor={cursor}");
        let again = read(&query, "messages of 1, asc").unwrap().request.after.unwrap();
        assert_eq!((again.at, again.id), (position.at, position.id));
        assert!(read(&query, "messages of 2, asc").is_err());
    }

    proptest! {
        #[test]
        fn no_cursor_makes_reading_panic(cursor in "\\PC{0,60}") {
            let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("cursor", &cursor).finish();
            prop_assert!(read(&query, "a").is_err());
        }
    }
}
