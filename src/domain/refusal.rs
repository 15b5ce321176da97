//! Why input was not taken: which field, and what would do.

use serde::{Deserialize, Serialize};

/// One field that was not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// The field's name; `messages[3].to` inside a batch, `header:Idempotency-Key` or `query:limit` outside a body.
    pub field: String,
    /// `required`, `invalid`, `unknown`, `too_long`, ..: part of the API, never changed.
    pub code: String,
    /// What is wanted, for people.
    pub message: String,
}

impl FieldError {
    /// Names a field, what is wrong with it, and what would do.
    pub fn new(field: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { field: field.into(), code: code.to_owned(), message: message.into() }
    }
}

/// Every field of one input that was not as it should be; at least one.
pub type Refusal = Vec<FieldError>;
