//! Finds one message in Twilio's list of those to its recipient.

use std::time::Duration;

use serde::Deserialize;

use super::super::{Found, Sought};
use super::status_named;
use crate::domain::Timestamp;

/// Messages of one list, the newest.
pub(super) const PAGE_SIZE: &str = "50";
const FULL_PAGE: usize = 50;
/// How far Twilio's clock may be from ours.
const SKEW: Duration = Duration::from_mins(1);
/// What a trial account puts before every text.
const TRIAL: &str = "Sent from your Twilio trial account - ";

#[derive(Deserialize)]
struct Page {
    messages: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    sid: String,
    direction: String,
    to: String,
    body: Option<String>,
    status: String,
    date_created: Option<String>,
}

/// The one message of a list that is the one sought. None of them, or several, say nothing: a list may lag behind, and
/// the same text may have been sent twice.
pub(super) fn find(list: &[u8], sought: &Sought) -> Found {
    let unclear = |reason: &str| Found::Unclear { reason: reason.to_owned() };
    let Ok(page) = serde_json::from_slice::<Page>(list) else {
        return unclear("HTTP 200, but no list of messages");
    };
    let earliest = page.messages.iter().filter_map(Listed::created_at).min();
    if page.messages.len() >= FULL_PAGE && earliest.is_none_or(|earliest| earliest + SKEW > sought.since) {
        return unclear("there are too many messages to this recipient to tell");
    }
    let mut fitting = page.messages.iter().filter(|listed| listed.is(sought));
    match (fitting.next(), fitting.next()) {
        (Some(listed), None) if !listed.sid.is_empty() => {
            Found::Taken { reference: listed.sid.clone(), status: status_named(&listed.status) }
        }
        (Some(_), _) => unclear("several messages to this recipient fit"),
        (None, _) => unclear("no message to this recipient fits, yet"),
    }
}

impl Listed {
    fn created_at(&self) -> Option<Timestamp> {
        let parsed = jiff::fmt::rfc2822::parse(self.date_created.as_deref()?).ok()?;
        Some(Timestamp::from_micros(parsed.timestamp().as_microsecond()))
    }

    fn is(&self, sought: &Sought) -> bool {
        let body = self.body.as_deref().unwrap_or_default();
        let wanted = sought.envelope.body.trim();
        let is_text = body.trim() == wanted || body.strip_prefix(TRIAL).is_some_and(|rest| rest.trim() == wanted);
        let is_then = self.created_at().is_some_and(|at| at + SKEW >= sought.since && at <= sought.until + SKEW);
        let is_to = sought.envelope.to.iter().any(|to| to.as_str() == self.to);
        self.direction.starts_with("outbound") && is_to && is_text && is_then
    }
}
