//! What Twilio tells us: messages that came in, and what became of ours, both at one path and signed.
//!
//! Twilio waits 15 s in all: the answer follows the commit, and a database that is away is 503 in good time.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use url::form_urlencoded::Serializer;

use super::super::body::JsonOrForm;
use super::super::openapi::Refuses;
use super::super::query::{Path, Query};
use super::super::shapes::{Parked, TwilioTold};
use super::super::{Error, State};
use super::proof::Shown;
use super::{Outcome, keep_unmatched, keep_unreadable, received, record};
use crate::config::{ProviderKind, Secret};
use crate::domain::{ConsentSource, FieldError, Report, WorkspaceId};
use crate::fault::is_sabotaged;
use crate::messaging::{self, Endpoint, Inbound, StatusReport};
use crate::provider::twilio::{Params, SIGNATURE, Signed, SignedBody, Told, is_signature, read};

/// What the path begins with; the provider's name follows.
pub const PATH: &str = "/api/webhooks/twilio/";
/// Of the 15 s that Twilio waits, those in which it is answered.
const BUDGET: Duration = Duration::from_secs(12);

/// Where something came to: whose path, and for which message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    provider: String,
    /// Our name for the message, once its token was found to be good.
    reference: Option<String>,
}

/// What Twilio told, once it is known that it was Twilio.
#[derive(Debug)]
pub struct FromTwilio {
    place: Place,
    params: Params,
    raw: Bytes,
}

impl Place {
    /// The one of a path, as quarantine keeps it.
    pub fn of_path(path: &str) -> Option<Self> {
        let rest = path.strip_prefix(PATH)?;
        let (provider, query) = rest.split_once('?').unwrap_or((rest, ""));
        let reference = Query::read(query).get("reference").map(str::to_owned);
        Some(Self { provider: provider.to_owned(), reference })
    }

    /// The path, without the token that was good once.
    fn path(&self) -> String {
        let path = format!("{PATH}{}", self.provider);
        match &self.reference {
            Some(reference) => {
                format!("{path}?{}", Serializer::new(String::new()).append_pair("reference", reference).finish())
            }
            None => path,
        }
    }
}

impl FromRequest<State> for FromTwilio {
    type Rejection = Error;

    async fn from_request(request: Request, state: &State) -> Result<Self, Error> {
        let (mut parts, body) = request.into_parts();
        let path = Path::from_request_parts(&mut parts, state).await?;
        let shown = Shown::read(&parts, state, (path.text("provider"), ProviderKind::Twilio), [SIGNATURE])?;
        if shown.headers.as_ref().is_some_and(|[signature]| !is_signature(signature)) {
            return Err(shown.unproven(state));
        }
        let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let query = Query::read(parts.uri.query().unwrap_or_default());
        let body: JsonOrForm = shown.body(parts, body, state).await?;
        let params = if body.is_form() { Some(Params::form(body.bytes())) } else { Params::json(body.bytes()) };
        if let Some([signature]) = &shown.headers {
            let signed = match &params {
                Some(params) if body.is_form() => SignedBody::Form(params),
                _ => SignedBody::Json(body.bytes()),
            };
            let config = &state.config;
            let tokens = [&shown.provider.auth_token, &shown.provider.auth_token_next].into_iter().flatten();
            let tokens = tokens.map(Secret::expose).filter(|token| !token.is_empty());
            let is_proven = config.public_url.as_ref().is_some_and(|public_url| {
                Signed { public_url, target: &target, body: signed }.is_proven(tokens, signature)
            });
            if !is_proven && !is_sabotaged("proof_off") {
                return Err(shown.unproven(state));
            }
        }
        let malformed = || Error::new(StatusCode::BAD_REQUEST, "malformed_json", "the body must be a JSON object");
        let (provider, raw) = (shown.provider.name.clone(), Bytes::copy_from_slice(body.bytes()));
        let reference = reference(state, &provider, &query);
        Ok(Self { place: Place { provider, reference }, params: params.ok_or_else(malformed)?, raw })
    }
}

/// Our name for the message, where the token beside it is the one we gave with it.
fn reference(state: &State, provider: &str, query: &Query) -> Option<String> {
    let reference = query.get("reference")?;
    let token = query.get("token").unwrap_or_default();
    messaging::is_callback_token(&state.messaging, (provider, reference), token).then(|| reference.to_owned())
}

/// Hear from Twilio
///
/// Messages that came in, and what became of ours: both come here. A repeat, known by its `MessageSid` or its status, is
/// answered like the first. Pictures are fetched from Twilio afterwards, and kept as the message's attachments.
#[utoipa::path(
    post, path = "/api/webhooks/twilio/{provider}", operation_id = "receiveFromTwilio", tag = "webhooks",
    params(("provider" = String, Path, description = "The provider's name in the configuration.")),
    request_body(content(
        (TwilioTold = "application/x-www-form-urlencoded"),
        (TwilioTold = "application/json"),
    )),
    responses(
        (status = 200, description = "Taken in, now or before: TwiML that says nothing.", body = String,
         content_type = "text/xml"),
        (status = 202, description = "Kept in quarantine: it could not be understood, or its message is not known. A \
         comment names what is wrong.", body = String, content_type = "text/xml"),
        Refuses<400>,
    ),
    security((), ("twilio_signature" = [])),
)]
pub async fn receive_from_twilio(state: State, told: FromTwilio) -> Result<Response, Error> {
    tokio::time::timeout(BUDGET, answer(&state, told)).await.unwrap_or_else(|_| Err(Error::unavailable()))
}

async fn answer(state: &State, FromTwilio { place, params, raw }: FromTwilio) -> Result<Response, Error> {
    let workspace = WorkspaceId::DEFAULT;
    let path = place.path();
    let kept = match take_in(state, workspace, &place, &params).await? {
        Outcome::Received(_) | Outcome::Recorded(_) => return Ok(twiml(StatusCode::OK, "")),
        Outcome::Unmatched(report) => keep_unmatched(state, workspace, (&path, PATH), &raw, &report).await?,
        Outcome::Unreadable(errors) => keep_unreadable(state, workspace, (&path, PATH), &raw, errors).await?,
    };
    Ok(twiml(StatusCode::ACCEPTED, &comment(&kept)))
}

/// Takes in what came, now or out of quarantine. Changes nothing when it is unmatched or unreadable.
pub async fn take_in(state: &State, workspace: WorkspaceId, place: &Place, params: &Params) -> Result<Outcome, Error> {
    let rules = &state.messaging.rules;
    match read(params, &rules.phone) {
        Ok(Told::Message { draft, .. }) if draft.body.len() > rules.limits.body_bytes => {
            let message = format!("at most {} bytes", rules.limits.body_bytes);
            Ok(Outcome::Unreadable(vec![FieldError::new("Body", "too_long", message)]))
        }
        Ok(Told::Message { sid, draft }) => {
            let media_of = Some(place.provider.clone());
            let inbound = Inbound { endpoint: Endpoint::Twilio, external_id: sid, draft: *draft, media_of, mail: None };
            received(messaging::receive(&state.messaging, workspace, inbound).await, "To")
        }
        Ok(Told::Status { sid, status, reason, is_opt_out }) => {
            let report = StatusReport {
                provider: Some(place.provider.clone()),
                reference: place.reference.clone(),
                provider_id: Some(sid),
                report: Report { status, at: state.messaging.clock.now(), reason },
                is_dated: false,
                recipient: None,
                opt_out: is_opt_out.then_some(ConsentSource::Provider),
                event_id: None,
            };
            record(state, report).await
        }
        Err(errors) => Ok(Outcome::Unreadable(errors)),
    }
}

/// The same of a body that was kept.
pub async fn take_in_kept(state: &State, workspace: WorkspaceId, place: &Place, raw: &[u8]) -> Result<Outcome, Error> {
    match Params::kept(raw) {
        Some(params) => take_in(state, workspace, place, &params).await,
        None => Ok(Outcome::Unreadable(vec![FieldError::new("body", "invalid", "must be a form or a JSON object")])),
    }
}

/// What is wrong, for people: Twilio reads no JSON.
fn comment(kept: &Parked) -> String {
    let named = |error: &FieldError| format!("{} {}", error.field, error.code);
    let errors: Vec<String> = kept.errors.iter().map(named).collect();
    format!("<!-- in quarantine as {}: {} -->", kept.quarantined, errors.join(", "))
}

fn twiml(status: StatusCode, inside: &str) -> Response {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{inside}</Response>");
    (status, [(CONTENT_TYPE, "text/xml; charset=utf-8")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_its_path() {
        for reference in [None, Some("e-1-0".to_owned()), Some("a b&c=d?".to_owned())] {
            let place = Place { provider: "tw".to_owned(), reference };
            assert_eq!(Place::of_path(&place.path()), Some(place));
        }
        assert_eq!(Place::of_path("/api/webhooks/sms"), None);
    }
}
