//! SendGrid's event webhook: many events in one body, signed together and taken in each alone.
//!
//! Events go in by sets, a commit for each: whoever is answered with a failure comes again, and what was in is known.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;

use super::super::body::LargeJson;
use super::super::openapi::Refuses;
use super::super::query::Path;
use super::super::shapes::{EventsAnswer, SendGridEvent};
use super::super::{Error, State};
use super::proof::Shown;
use super::{Outcome, reason, record};
use crate::config::ProviderKind;
use crate::domain::WorkspaceId;
use crate::fault::is_sabotaged;
use crate::messaging::{self, Aside, Recorded, StatusReport, Why};
use crate::provider::sendgrid::{Claim, Event, SIGNATURE, TIMESTAMP, VerifyingKey, list, read};

/// What the path begins with; the provider's name follows.
pub const PATH: &str = "/api/webhooks/sendgrid/";
/// What follows the provider's name.
const EVENTS: &str = "/events";
/// Events of one commit.
const SET: usize = 100;

/// Events, once it is known that SendGrid sent them.
#[derive(Debug)]
pub struct FromSendGrid {
    provider: String,
    raw: Bytes,
}

impl FromRequest<State> for FromSendGrid {
    type Rejection = Error;

    async fn from_request(request: Request, state: &State) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let path = Path::from_request_parts(&mut parts, state).await?;
        let named = (path.text("provider"), ProviderKind::SendGrid);
        let shown = Shown::read(&parts, state, named, [SIGNATURE, TIMESTAMP])?;
        let claim = match &shown.headers {
            Some([signature, timestamp]) => {
                let claim = Claim::read((signature, timestamp), state.messaging.clock.now());
                Some(claim.ok_or_else(|| shown.unproven(state))?)
            }
            None => None,
        };
        let LargeJson(raw) = shown.body(parts, body, state).await?;
        let provider = shown.provider;
        let keys = [&provider.webhook_public_key, &provider.webhook_public_key_next].into_iter().flatten();
        let keys: Vec<VerifyingKey> = keys.filter_map(|key| VerifyingKey::read(key)).collect();
        if claim.is_some_and(|claim| !claim.is_proven(&keys, &raw)) && !is_sabotaged("proof_off") {
            return Err(shown.unproven(state));
        }
        Ok(Self { provider: provider.name.clone(), raw })
    }
}

/// Hear what became of mails at SendGrid
///
/// An event that cannot be understood, or whose mail is not known, goes to quarantine alone. A repeat is known by its
/// `sg_event_id`.
#[utoipa::path(
    post, path = "/api/webhooks/sendgrid/{provider}/events", operation_id = "receiveSendGridEvents", tag = "webhooks",
    params(("provider" = String, Path, description = "The provider's name in the configuration.")),
    request_body = Vec<SendGridEvent>,
    responses(
        (status = 200, description = "Every event is noted or kept, now or before.", body = EventsAnswer),
        Refuses<400>,
    ),
    security((), ("sendgrid_signature" = [])),
)]
pub async fn receive_sendgrid_events(state: State, told: FromSendGrid) -> Result<Json<EventsAnswer>, Error> {
    let FromSendGrid { provider, raw } = told;
    let malformed = || Error::new(StatusCode::BAD_REQUEST, "malformed_json", "the body must be a JSON array");
    let events = list(&raw).ok_or_else(malformed)?;
    let (mut reports, mut unreadable) = (Vec::new(), Vec::new());
    for event in &events {
        match read(event) {
            Ok(read) => reports.push((event, report(&provider, read))),
            Err(errors) => unreadable.push((event, reason(&errors))),
        }
    }
    let mut answer = EventsAnswer { applied: 0, repeated: 0, quarantined: Vec::new() };
    let mut unmatched = Vec::new();
    for set in reports.chunks(SET) {
        let of_set: Vec<StatusReport> = set.iter().map(|(_, report)| report.clone()).collect();
        let recorded = messaging::record_statuses(&state.messaging, &of_set).await.map_err(Error::of_webhook)?;
        for ((event, report), recorded) in set.iter().zip(recorded) {
            match recorded {
                Recorded::Applied => answer.applied += 1,
                Recorded::Repeated => answer.repeated += 1,
                Recorded::Unmatched => unmatched.push(Aside { raw: event.as_bytes(), why: Why::Unmatched(report) }),
            }
        }
    }
    let unreadable = unreadable.iter().map(|(event, why)| Aside { raw: event.as_bytes(), why: Why::Unreadable(why) });
    let asides: Vec<Aside<'_>> = unreadable.chain(unmatched).collect();
    for set in asides.chunks(SET) {
        let path = path_of(&provider);
        answer.quarantined.extend(messaging::put_aside(&state.messaging, WorkspaceId::DEFAULT, &path, set).await?);
    }
    let kept = u64::try_from(answer.quarantined.len()).unwrap_or(u64::MAX);
    metrics::counter!("switchboard_quarantined_total", "path" => "/api/webhooks/sendgrid").increment(kept);
    Ok(Json(answer))
}

fn path_of(provider: &str) -> String {
    format!("{PATH}{provider}{EVENTS}")
}

/// The provider of a path, as quarantine keeps it.
pub fn provider_of_path(path: &str) -> Option<&str> {
    path.strip_prefix(PATH)?.strip_suffix(EVENTS)
}

/// Takes in one event that was kept. Changes nothing when it is unmatched or unreadable.
pub async fn take_in_kept(state: &State, provider: &str, raw: &[u8]) -> Result<Outcome, Error> {
    match read(&String::from_utf8_lossy(raw)) {
        Ok(event) => record(state, report(provider, event)).await,
        Err(errors) => Ok(Outcome::Unreadable(errors)),
    }
}

fn report(provider: &str, event: Event) -> StatusReport {
    StatusReport {
        provider: Some(provider.to_owned()),
        reference: event.reference,
        provider_id: event.provider_id,
        report: event.report,
        is_dated: true,
        recipient: Some(event.recipient),
        opt_out: event.opt_out,
        event_id: event.id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_found_by_its_path() {
        assert_eq!(provider_of_path(&path_of("sg")), Some("sg"));
        assert_eq!(provider_of_path("/api/webhooks/sendgrid/sg/inbound"), None);
        assert_eq!(provider_of_path("/api/webhooks/status"), None);
    }
}
