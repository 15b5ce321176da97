//! What stands in queries and headers.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::domain::{Channel, ConversationState};

/// The header of a request that may be repeated.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyHeader {
    /// Makes the request safe to repeat for 24 hours: 1 to 255 visible ASCII characters, quoted or bare.
    #[serde(rename = "Idempotency-Key")]
    #[param(
        required = false,
        nullable = false,
        min_length = 1,
        max_length = 255,
        pattern = "^[!#-~][!-~]*$",
        example = "8e03978e-40d5-43e8-bc93-6894a57f9324"
    )]
    pub idempotency_key: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// How many entries.
    #[param(minimum = 1, maximum = 200, default = 50, nullable = false)]
    pub limit: Option<i64>,
    /// The `next_cursor` of the page before.
    #[param(nullable = false)]
    pub cursor: Option<String>,
}

/// Which page of a bare array.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BareParams {
    /// How many entries.
    #[param(minimum = 1, maximum = 1000, default = 1000, nullable = false)]
    pub limit: Option<i64>,
    /// From the `Link` header of the page before.
    #[param(nullable = false)]
    pub cursor: Option<String>,
}

/// How far back a list goes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DaysParams {
    /// Nothing older than so many days; without it as `chat_history_days` is set, which is 30.
    #[param(minimum = 1, maximum = 3650, nullable = false)]
    pub days: Option<i64>,
}

/// Whose consent.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConsentParams {
    /// Only what this address said, or what was said of it.
    #[param(nullable = false, max_length = 320, example = "+12025550199")]
    pub address: Option<String>,
}

/// Which contacts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContactParams {
    /// Only those where every word begins a word of the name, or the whole is one of their addresses.
    #[param(nullable = false, max_length = 200, example = "ada by")]
    pub q: Option<String>,
    /// Only the one to whom this address belongs.
    #[param(nullable = false, max_length = 320, example = "+12025550199")]
    pub address: Option<String>,
}

/// What conversations are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConversationParams {
    /// Only those in which this address, or the person of this username, takes part.
    #[param(nullable = false, max_length = 320, example = "+12016661234")]
    pub participant: Option<String>,
    /// Only those held on this channel, among others.
    #[param(inline, nullable = false)]
    pub channel: Option<Channel>,
    /// Only those where every word occurs in one body or subject, or the whole is a participant's address.
    #[param(nullable = false, max_length = 200)]
    pub q: Option<String>,
    /// Only those that stand so with the team.
    #[param(inline, nullable = false)]
    pub state: Option<ConversationState>,
    /// Only those that this person answers: `me`, `none`, or a username.
    #[param(nullable = false, max_length = 100, example = "me")]
    pub assignee: Option<String>,
    /// Only those with this label, by its id.
    #[param(nullable = false)]
    pub label: Option<i64>,
    /// Only the one with this contact, by their id.
    #[param(nullable = false)]
    pub contact: Option<i64>,
    /// `true`: only those that hold something unread.
    #[param(nullable = false)]
    pub unread: Option<bool>,
}

/// In which order messages are listed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageOrder {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

/// How messages are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessageParams {
    /// Oldest first (the default), or newest first.
    #[param(inline, nullable = false)]
    pub order: Option<MessageOrder>,
}
