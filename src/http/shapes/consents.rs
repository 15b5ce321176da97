//! Consent, as it is written down by hand.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::ConsentState;

/// What somebody of the workspace knows of somebody's consent.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "address": "+12025550199", "state": "opted_out", "note": "said so on the telephone" })))]
pub struct ConsentRequest {
    /// Whose: a phone number, or an email address.
    pub address: String,
    /// How it stands.
    pub state: ConsentState,
    /// How they know.
    #[schema(max_length = 500, pattern = "^[^\\x00]*$")]
    pub note: Option<String>,
}
