//! What a mail server reports of a mail of ours becomes that mail's status (RFC 3464).

use super::inbound::Read;
use crate::domain::{Address, ConsentSource, Report, Status, mask};
use crate::http::shapes::StatusResult;
use crate::http::webhooks::Outcome;
use crate::http::{Error, State};
use crate::messaging::{self, Recorded, StatusReport};
use crate::mime::{Delivery, DeliveryAction, DeliveryReport};

/// Takes in a report; nothing, when it is none, or not proven to be of a mail of ours: then it is a mail like every other.
pub(super) async fn take_in(state: &State, provider: Option<String>, read: &Read) -> Result<Option<Outcome>, Error> {
    let Some(report) = &read.mail.report else { return Ok(None) };
    let Some(reference) = reference(state, report) else { return Ok(None) };
    if !is_proven(state, &reference, report) {
        return Ok(None);
    }
    let now = state.messaging.clock.now();
    let status = |delivery: &Delivery| {
        let status = status(delivery)?;
        Some(StatusReport {
            provider: provider.clone(),
            reference: Some(reference.clone()),
            provider_id: None,
            report: Report { status, at: read.mail.head.date.unwrap_or(now), reason: Some(reason(delivery)) },
            is_dated: read.mail.head.date.is_some(),
            recipient: delivery.recipient.as_deref().and_then(|text| Address::email(text).ok()),
            opt_out: (status == Status::Bounced).then_some(ConsentSource::Bounce),
            event_id: None,
        })
    };
    let reports: Vec<StatusReport> = report.deliveries.iter().filter_map(status).collect();
    let recorded = messaging::record_statuses(&state.messaging, &reports).await.map_err(Error::of_webhook)?;
    if recorded.contains(&Recorded::Applied) {
        return Ok(Some(Outcome::Recorded(StatusResult::Applied)));
    }
    Ok(recorded.contains(&Recorded::Repeated).then_some(Outcome::Recorded(StatusResult::Repeated)))
}

/// Our name for the mail that a report is about.
fn reference(state: &State, report: &DeliveryReport) -> Option<String> {
    let (reference, _) = report.message_id.as_deref()?.rsplit_once('@')?;
    state.messaging.store.read_reference(reference).map(|_| reference.to_owned())
}

/// Whether what is sent back bears the proof that only that very mail had. Whoever has got one mail of ours can guess
/// the names of others; a report without proof moves no mail, and keeps nobody from getting mails.
fn is_proven(state: &State, reference: &str, report: &DeliveryReport) -> bool {
    let token = report.proof.as_deref().unwrap_or_default();
    let providers = state.config.providers.iter().map(|provider| provider.name.as_str());
    let is_of = |provider| messaging::is_callback_token(&state.messaging, (provider, reference), token);
    !token.is_empty() && providers.into_iter().any(is_of)
}

/// What a report says; nothing, as long as a mail server tries, and where it does not know.
fn status(delivery: &Delivery) -> Option<Status> {
    match delivery.action {
        DeliveryAction::Failed if delivery.status.starts_with('5') => Some(Status::Bounced),
        DeliveryAction::Failed => Some(Status::Undelivered),
        DeliveryAction::Delivered => Some(Status::Delivered),
        DeliveryAction::Delayed | DeliveryAction::Passed => None,
    }
}

fn reason(delivery: &Delivery) -> String {
    let said = delivery.reason.as_deref().unwrap_or_default();
    // a number that stands there twice looks like a longer one, which would be masked
    let has_status = said.contains(&delivery.status);
    let whole = if has_status { said.to_owned() } else { format!("{} {said}", delivery.status) };
    mask(whole.trim()).replace('\0', "")
}
