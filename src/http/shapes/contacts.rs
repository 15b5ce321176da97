//! Contacts, as they are written down and changed.

use serde::Deserialize;
use utoipa::ToSchema;

/// A person to be written down.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "name": "Ada Byron", "addresses": ["+12025550199", "ada@engine.example"] })))]
pub struct ContactRequest {
    /// What they are called.
    #[schema(min_length = 1, max_length = 200, pattern = "^[^\\x00]*$")]
    pub name: String,
    /// Phone numbers and email addresses; each belongs to one contact at most.
    #[schema(max_items = 20)]
    pub addresses: Option<Vec<String>>,
    /// What the team knows of them. It is never sent.
    #[schema(max_length = 10_000, pattern = "^[^\\x00]*$")]
    pub notes: Option<String>,
}

/// What is changed of a contact; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "name": "Ada Lovelace" }), json!({ "notes": null })))]
pub struct ContactUpdate {
    /// What they are called.
    #[schema(min_length = 1, max_length = 200, pattern = "^[^\\x00]*$")]
    pub name: Option<String>,
    /// What the team knows of them; `null` for nothing.
    #[schema(max_length = 10_000, pattern = "^[^\\x00]*$")]
    pub notes: Option<String>,
}

/// One more address.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "address": "ada.byron@engine.example" })))]
pub struct ContactAddressRequest {
    /// A phone number, or an email address.
    pub address: String,
}

/// Another contact that is the same person.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "contact_id": 2 })))]
pub struct MergeRequest {
    /// It is gone afterwards: its addresses and notes go to the first.
    pub contact_id: i64,
}
