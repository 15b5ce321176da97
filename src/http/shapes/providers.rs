//! Providers as their owner sees them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::config::ProviderKind;
use crate::domain::{Channel, Timestamp};
use crate::provider::{Failure, Tally};

/// A provider, and how it is doing. What was counted was counted by the server that answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Provider {
    /// Its name in the configuration.
    #[schema(example = "primary")]
    pub name: String,
    /// Which adapter speaks to it: `http`, `twilio`, `sendgrid`, `smtp`, or `simulator` in `dev`.
    #[schema(example = "http")]
    pub kind: String,
    /// What it carries.
    pub channels: Vec<Channel>,
    /// Whether messages are handed to it.
    pub state: ProviderState,
    /// Since when an admin holds it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<Timestamp>,
    /// Whose doing that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "user:3")]
    pub paused_by: Option<String>,
    /// Its circuit breaker.
    pub breaker: ProviderBreaker,
    /// Attempts that are under way, on every server.
    pub in_flight: i64,
    /// Messages of which it is not known whether it took them.
    pub unknown: i64,
    /// What waits for it, lane by lane: `codes` go before `single` messages, and these before `bulk`.
    pub queue: Vec<ProviderQueue>,
    /// How its last attempts ended.
    pub recent: RecentAttempts,
    /// Its last attempts that were not taken, the newest first; ten at most.
    pub last_errors: Vec<Failure>,
    /// What it is said to bear.
    pub limits: ProviderLimits,
}

/// Whether messages are handed to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderState {
    /// They are.
    Ready,
    /// An admin holds it back.
    Paused,
    /// Its breaker is open: the service is away.
    Open,
}

/// A circuit breaker.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderBreaker {
    /// Where it stands.
    pub state: BreakerState,
    /// Since when it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
}

/// Where a circuit breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// Everything goes.
    Closed,
    /// Nothing goes but a message now and then, to see whether the service is back.
    Open,
}

/// What waits in one lane.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderQueue {
    /// Which.
    pub lane: LaneName,
    /// Messages that could be handed over now.
    pub due: i64,
    /// Messages that are scheduled, or wait for their next attempt.
    pub later: i64,
}

/// A lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LaneName {
    /// Codes.
    Codes,
    /// Single messages.
    Single,
    /// Batches.
    Bulk,
}

/// How the attempts of the last minutes ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecentAttempts {
    /// Of how many minutes.
    #[schema(example = 5)]
    pub minutes: u64,
    /// How they ended.
    #[serde(flatten)]
    pub outcomes: Tally,
}

/// What a provider is said to bear.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderLimits {
    /// Attempts that may begin in a second.
    pub max_per_second: u32,
    /// Attempts that may be under way at once, of one server.
    pub max_in_flight: u32,
    /// How long one attempt may take; absent for the simulator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// The name of an adapter.
pub fn kind_name(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Http => "http",
        ProviderKind::Twilio => "twilio",
        ProviderKind::SendGrid => "sendgrid",
        ProviderKind::Smtp => "smtp",
    }
}
