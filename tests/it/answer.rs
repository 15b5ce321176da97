//! What a server in the process answered.

use std::ops::Index;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body, when it is JSON.
    pub body: Value,
    pub bytes: Bytes,
}

impl Answer {
    /// Each wrong field with its code.
    pub fn errors(&self) -> Vec<String> {
        let show = |error: &Value| format!("{} {}", text(&error["field"]), text(&error["code"]));
        self.body["errors"].as_array().map(|errors| errors.iter().map(show).collect()).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        &self.body[key]
    }
}

/// The text of a JSON string.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
