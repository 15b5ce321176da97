//! What providers tell us. A message once refused is lost, so only what is no JSON object is refused; anything else
//! that cannot be understood is kept in quarantine with its raw bytes, and answered 202.

mod proof;
pub mod sendgrid;
pub mod twilio;

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::LargeJson;
use super::draft;
use super::error::belongs_nowhere;
use super::fields::{Fields, NotAnObject};
use super::openapi::Refuses;
use super::rights::Told;
use super::shapes::{EmailReceived, Parked, SmsReceived, StatusAnswer, StatusReceived, StatusResult};
use super::{Error, State, mails};
use crate::domain::{Address, ConsentSource, FieldError, Message, Refusal, Report, Status, WorkspaceId, mask};
use crate::messaging::{self, Endpoint, Inbound, Quarantined, ReceiveError, Received, Recorded, StatusReport};
pub use proof::is_signed;

/// Characters of a provider's name for a message.
const MAX_PROVIDER_ID: usize = 255;

/// Characters of a provider's reason that are kept.
const MAX_REASON: usize = 500;

/// Where a provider's word came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// An SMS or MMS.
    Sms,
    /// A mail.
    Email,
    /// What became of a message of ours.
    Status,
}

/// What became of what came in.
#[derive(Debug)]
pub enum Outcome {
    /// It is this message, now or since an earlier time.
    Received(Box<Message>),
    /// It is noted on the message it is about.
    Recorded(StatusResult),
    /// It is about a message that is not known, or not yet.
    Unmatched(Box<StatusReport>),
    /// It cannot be understood.
    Unreadable(Refusal),
}

impl Hook {
    const ALL: [Self; 3] = [Self::Sms, Self::Email, Self::Status];

    /// Its path, as quarantine keeps it.
    pub fn path(self) -> &'static str {
        match self {
            Self::Sms => "/api/webhooks/sms",
            Self::Email => "/api/webhooks/email",
            Self::Status => "/api/webhooks/status",
        }
    }

    /// The one of that path.
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.path() == path)
    }
}

/// What providers post to.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(receive_sms))
        .routes(routes!(receive_email))
        .routes(routes!(receive_status))
        .routes(routes!(twilio::receive_from_twilio))
        .routes(routes!(sendgrid::receive_sendgrid_events))
}

/// Receive an SMS or MMS
///
/// A repeat, known by its `messaging_provider_id`, is answered with the first message.
#[utoipa::path(
    post, path = "/api/webhooks/sms", operation_id = "receiveSms", tag = "webhooks", request_body = SmsReceived,
    responses(
        (status = 200, description = "Received, now or before.", body = Message),
        (status = 202, description = "Kept in quarantine: it could not be understood.", body = Parked),
        Refuses<400>,
    ),
    security((), ("webhook_bearer" = []), ("webhook_basic" = []), ("webhook_signature" = [])),
)]
pub async fn receive_sms(state: State, told: Told<LargeJson>) -> Result<Response, Error> {
    answer(&state, told, Hook::Sms).await
}

/// Receive an email
///
/// A repeat, known by its `xillio_id`, is answered with the first message.
#[utoipa::path(
    post, path = "/api/webhooks/email", operation_id = "receiveEmail", tag = "webhooks", request_body = EmailReceived,
    responses(
        (status = 200, description = "Received, now or before.", body = Message),
        (status = 202, description = "Kept in quarantine: it could not be understood.", body = Parked),
        Refuses<400>,
    ),
    security((), ("webhook_bearer" = []), ("webhook_basic" = []), ("webhook_signature" = [])),
)]
pub async fn receive_email(state: State, told: Told<LargeJson>) -> Result<Response, Error> {
    answer(&state, told, Hook::Email).await
}

/// Hear what became of a message
///
/// A report about a message that is not known yet waits in quarantine and is taken in when it is.
#[utoipa::path(
    post, path = "/api/webhooks/status", operation_id = "receiveStatus", tag = "webhooks", request_body = StatusReceived,
    responses(
        (status = 200, description = "Noted, now or before.", body = StatusAnswer),
        (status = 202, description = "Kept in quarantine: it could not be understood, or its message is not known.", body = Parked),
        Refuses<400>,
    ),
    security((), ("webhook_bearer" = []), ("webhook_basic" = []), ("webhook_signature" = [])),
)]
pub async fn receive_status(state: State, told: Told<LargeJson>) -> Result<Response, Error> {
    answer(&state, told, Hook::Status).await
}

/// Takes in what came to a hook, now or out of quarantine. Changes nothing when it is unmatched or unreadable.
pub async fn take_in(
    state: &State,
    (workspace, provider): (WorkspaceId, Option<String>),
    hook: Hook,
    body: &[u8],
) -> Result<Outcome, Error> {
    let fields = match Fields::json(body) {
        Ok(fields) => fields,
        Err(error) => return Ok(Outcome::Unreadable(unreadable(body, error)?)),
    };
    match hook {
        Hook::Sms | Hook::Email => match inbound(fields, hook, state) {
            Ok(inbound) => received(messaging::receive(&state.messaging, workspace, inbound).await, "to"),
            Err(errors) => Ok(Outcome::Unreadable(errors)),
        },
        Hook::Status => match report(fields, state, provider) {
            Ok(report) => record(state, report).await,
            Err(errors) => Ok(Outcome::Unreadable(errors)),
        },
    }
}

/// What became of a message; `field` holds whom it is for.
pub fn received(received: Result<Received, ReceiveError>, field: &str) -> Result<Outcome, Error> {
    match received {
        Ok(received) => Ok(Outcome::Received(Box::new(received.message))),
        Err(ReceiveError::BelongsNowhere) => Ok(Outcome::Unreadable(vec![belongs_nowhere(field)])),
        Err(error) => Err(error.into()),
    }
}

/// Takes in what is in quarantine, as where it came to would now; nothing, when nobody knows that place any more.
pub async fn take_in_again(
    state: &State,
    workspace: WorkspaceId,
    kept: &Quarantined,
) -> Result<Option<Outcome>, Error> {
    let (path, raw) = (kept.path.as_str(), &kept.bytes[..]);
    Ok(Some(if let Some(hook) = Hook::of_path(path) {
        take_in(state, (workspace, None), hook, raw).await?
    } else if let Some(place) = twilio::Place::of_path(path) {
        twilio::take_in_kept(state, workspace, &place, raw).await?
    } else if let Some(provider) = sendgrid::provider_of_path(path) {
        sendgrid::take_in_kept(state, provider, raw).await?
    } else if let Some(source) = mails::Source::of_path(path) {
        mails::take_in(state, (workspace, None), source, Bytes::copy_from_slice(raw)).await?
    } else {
        return Ok(None);
    }))
}

/// The errors of a report whose message is not known.
pub fn unmatched() -> Refusal {
    vec![FieldError::new("reference", "unmatched", "no message of ours has this reference or provider_id")]
}

async fn answer(state: &State, told: Told<LargeJson>, hook: Hook) -> Result<Response, Error> {
    let Told { webhook, body: LargeJson(body) } = told;
    let (workspace, body, path) = (webhook.workspace, &body[..], (hook.path(), hook.path()));
    let parked = match take_in(state, (workspace, webhook.provider), hook, body).await? {
        Outcome::Received(message) => return Ok(Json(message).into_response()),
        Outcome::Recorded(result) => return Ok(Json(StatusAnswer { result }).into_response()),
        Outcome::Unmatched(report) => keep_unmatched(state, workspace, path, body, &report).await?,
        Outcome::Unreadable(errors) => keep_unreadable(state, workspace, path, body, errors).await?,
    };
    Ok((StatusCode::ACCEPTED, Json(parked)).into_response())
}

/// Puts a report aside whose message is not known; it came to a path, and is counted under another.
async fn keep_unmatched(
    state: &State,
    workspace: WorkspaceId,
    (path, counted): (&str, &'static str),
    raw: &[u8],
    report: &StatusReport,
) -> Result<Parked, Error> {
    let quarantined = messaging::park_status(&state.messaging, workspace, path, raw, report).await?;
    metrics::counter!("switchboard_quarantined_total", "path" => counted).increment(1);
    Ok(Parked { quarantined, errors: unmatched() })
}

/// Puts a body aside that cannot be understood.
async fn keep_unreadable(
    state: &State,
    workspace: WorkspaceId,
    (path, counted): (&str, &'static str),
    raw: &[u8],
    errors: Refusal,
) -> Result<Parked, Error> {
    let quarantined = messaging::quarantine(&state.messaging, workspace, path, &reason(&errors), raw).await?;
    metrics::counter!("switchboard_quarantined_total", "path" => counted).increment(1);
    Ok(Parked { quarantined, errors })
}

async fn record(state: &State, report: StatusReport) -> Result<Outcome, Error> {
    Ok(match messaging::record_status(&state.messaging, report.clone()).await.map_err(Error::of_webhook)? {
        Recorded::Applied => Outcome::Recorded(StatusResult::Applied),
        Recorded::Repeated => Outcome::Recorded(StatusResult::Repeated),
        Recorded::Unmatched => Outcome::Unmatched(Box::new(report)),
    })
}

/// A body that is an object but for its encoding is unreadable; any other is refused.
fn unreadable(body: &[u8], error: NotAnObject) -> Result<Refusal, Error> {
    let text = String::from_utf8_lossy(body);
    let is_object = serde_json::from_str::<&serde_json::value::RawValue>(text.trim_start_matches('\u{feff}'))
        .is_ok_and(|raw| raw.get().starts_with('{'));
    if is_object {
        Ok(vec![FieldError::new("body", "invalid", "must be UTF-8, without half surrogate pairs in field names")])
    } else {
        Err(error.into())
    }
}

fn inbound(mut fields: Fields<'_>, hook: Hook, state: &State) -> Result<Inbound, Refusal> {
    let (endpoint, wanted, id_field) = match hook {
        Hook::Email => (Endpoint::Email, draft::MAIL, "xillio_id"),
        Hook::Sms | Hook::Status => (Endpoint::Sms, draft::TEXT, "messaging_provider_id"),
    };
    let draft = draft::inbound(&mut fields, wanted, &state.messaging.rules.phone);
    if hook != Hook::Email && draft.body.len() > state.messaging.rules.limits.body_bytes {
        let most = state.messaging.rules.limits.body_bytes;
        fields.refuse("body", "too_long", format!("at most {most} bytes"));
    }
    let external_id = fields.name(id_field, MAX_PROVIDER_ID);
    let external_id = fields.require(id_field, external_id);
    let errors = fields.into_errors();
    match external_id {
        Some(external_id) if errors.is_empty() => {
            Ok(Inbound { endpoint, external_id, draft, media_of: None, mail: None })
        }
        Some(_) | None => Err(errors),
    }
}

fn report(mut fields: Fields<'_>, state: &State, provider: Option<String>) -> Result<StatusReport, Refusal> {
    let reference = fields.name("reference", MAX_PROVIDER_ID);
    let provider_id = fields.name("provider_id", MAX_PROVIDER_ID);
    if reference.is_none() && !fields.is_refused("provider_id") {
        fields.require("reference", provider_id.as_ref());
    }
    let names: Vec<&str> =
        Status::ALL.iter().filter(|status| status.is_reportable()).map(|status| status.as_str()).collect();
    let reported = |name: &str| Status::named(&name.to_lowercase()).filter(|status| status.is_reportable());
    let status = fields.choice("status", reported, &names.join(", "));
    let status = fields.require("status", status);
    let dated = fields.timestamp_or_seconds("timestamp");
    let at = dated.unwrap_or_else(|| state.messaging.clock.now());
    let recipient = fields.address("recipient", |text| read_any(text, state));
    let reason = fields.any("error").map(|error| mask(&error).replace('\0', "").chars().take(MAX_REASON).collect());
    let errors = fields.into_errors();
    match status {
        Some(status) if errors.is_empty() => {
            let report = Report { status, at, reason };
            let is_dated = dated.is_some();
            // a mailbox that sends mails back gets no more of them
            let opt_out = (status == Status::Bounced).then_some(ConsentSource::Bounce);
            let event_id = None;
            Ok(StatusReport { provider, reference, provider_id, report, is_dated, recipient, opt_out, event_id })
        }
        Some(_) | None => Err(errors),
    }
}

/// Reads a phone number or an email address.
pub fn read_any(text: &str, state: &State) -> Result<Address, crate::domain::AddressError> {
    if text.contains('@') { Address::email(text) } else { Address::phone(text, &state.messaging.rules.phone) }
}

/// Which fields and why, in one line and without their values.
pub fn reason(errors: &Refusal) -> String {
    let fields: Vec<String> = errors.iter().take(10).map(|error| format!("{}: {}", error.field, error.code)).collect();
    fields.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &[u8]) -> bool {
        unreadable(body, Fields::json(body).unwrap_err()).is_err()
    }

    #[test]
    fn an_object_in_a_wrong_encoding_is_kept() {
        assert!(!refused(b"{\"body\": \"caf\xe9\"}"));
        assert!(!refused(br#"{"\ud800": 1}"#));
        for body in [&b""[..], b"[]", b"\"{}\"", b"{", b"\xff\xfe{\0}\0", b"from=1&to=2"] {
            assert!(refused(body), "{body:?}");
        }
    }

    #[test]
    fn a_hook_is_found_by_its_path() {
        for hook in Hook::ALL {
            assert_eq!(Hook::of_path(hook.path()), Some(hook));
        }
        assert_eq!(Hook::of_path("/api/receive-sms"), None);
    }
}
