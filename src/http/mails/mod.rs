//! Mails as mail servers hand them over, and as SendGrid's Inbound Parse does. As with every webhook, nothing is refused
//! because it cannot be understood: it is kept in quarantine with its raw bytes, and answered 202.

mod bounces;
mod envelope;
mod form;
mod inbound;

use axum::Json;
use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::inbound::Read;
use super::body::{FormBody, MailBody};
use super::openapi::Refuses;
use super::query::Path;
use super::rights::{self, Told, Webhook};
use super::shapes::{InboundParseForm, MailAnswer, Parked, StatusAnswer};
use super::webhooks::{Outcome, reason, received, unmatched};
use super::{Error, State, places};
use crate::config::ProviderKind;
use crate::domain::{FieldError, Refusal, WorkspaceId};
use crate::messaging::{self, ReceiveError, UploadError};

const RAW: &str = "/api/webhooks/email/raw";

/// In what form a mail comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// As it is.
    Raw,
    /// In the form of SendGrid's Inbound Parse.
    SendGrid,
}

impl Source {
    /// By the path that it came to, as quarantine keeps it.
    pub fn of_path(path: &str) -> Option<Self> {
        let is_sendgrid = || path.strip_prefix("/api/webhooks/sendgrid/")?.strip_suffix("/inbound");
        if path == RAW { Some(Self::Raw) } else { is_sendgrid().map(|_| Self::SendGrid) }
    }
}

/// What mails come to.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(receive_raw_mail)).routes(routes!(receive_sendgrid_mail))
}

/// Receive a whole mail
///
/// For the pipe of a mail server: the mail as it is (RFC 5322), with the recipients of its envelope as `to`. Without
/// any of those its `Delivered-To`, `X-Original-To` and `Envelope-To` count. A repeat, known by its `Message-ID`, its
/// sender and what it says, is answered with the first message. A report of a mail server about a mail of ours (RFC 3464)
/// that bears that mail's proof becomes its status.
#[utoipa::path(
    post, path = "/api/webhooks/email/raw", operation_id = "receiveRawEmail", tag = "webhooks",
    params(("to" = Option<Vec<String>>, Query, description = "A recipient of the envelope; may stand there several times.")),
    request_body(content = String, content_type = "message/rfc822", example = json!("From: ann@example.com\r\nTo: support@example.org\r\nSubject: Hello\r\nMessage-ID: <1@example.com>\r\n\r\nHello!\r\n")),
    responses(
        (status = 200, description = "Received, now or before; a report of a mail server is noted.", body = MailAnswer),
        (status = 202, description = "Kept in quarantine: it could not be understood.", body = Parked),
        Refuses<400>, Refuses<415>, Refuses<503>,
    ),
    security((), ("webhook_bearer" = []), ("webhook_basic" = []), ("webhook_signature" = [])),
)]
pub async fn receive_raw_mail(
    state: State,
    RawQuery(query): RawQuery,
    told: Told<MailBody>,
) -> Result<Response, Error> {
    let Told { webhook, body: MailBody(mail) } = told;
    if mail.is_empty() {
        return Err(Error::new(StatusCode::BAD_REQUEST, "empty_mail", "the body must be a mail, as it came"));
    }
    answer(&state, webhook, (Source::Raw, RAW), envelope::with(&mail, &query.unwrap_or_default())).await
}

/// Receive a mail by SendGrid
///
/// SendGrid's Inbound Parse, in both of its forms: taken apart into fields, or with the whole mail in `email`. It is not
/// signed: the provider's `webhook_secret` is the password in its URL.
#[utoipa::path(
    post, path = "/api/webhooks/sendgrid/{provider}/inbound", operation_id = "receiveSendGridEmail", tag = "webhooks",
    params(("provider" = String, Path, description = "The provider's name in the configuration.")),
    request_body(content = InboundParseForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "Received, now or before; a report of a mail server is noted.", body = MailAnswer),
        (status = 202, description = "Kept in quarantine: it could not be understood.", body = Parked),
        Refuses<400>, Refuses<404>, Refuses<415>, Refuses<503>,
    ),
    security((), ("webhook_bearer" = []), ("webhook_basic" = [])),
)]
pub async fn receive_sendgrid_mail(state: State, path: Path, told: Told<FormBody>) -> Result<Response, Error> {
    let Told { webhook, body: FormBody(form) } = told;
    let name = path.text("provider");
    if webhook.provider.as_deref().is_some_and(|provider| provider != name) {
        return Err(rights::wrong_secret());
    }
    let is_known =
        |provider: &crate::config::ProviderConfig| provider.name == name && provider.kind == ProviderKind::SendGrid;
    if !state.config.providers.iter().any(is_known) {
        return Err(Error::not_found("no_such_provider", "no provider of this kind has this name"));
    }
    let path = format!("/api/webhooks/sendgrid/{name}/inbound");
    answer(&state, webhook, (Source::SendGrid, &path), form).await
}

/// Takes in a mail, now or out of quarantine. Changes nothing when it cannot be understood.
pub async fn take_in(
    state: &State,
    (workspace, provider): (WorkspaceId, Option<String>),
    source: Source,
    body: Bytes,
) -> Result<Outcome, Error> {
    let place = places::take(&state.mails, "too many mails are being read; try again soon").await?;
    let read = match source {
        Source::Raw => inbound::read_raw(body, place).await,
        Source::SendGrid => form::read(body, place).await,
    };
    let read = match read {
        Ok(read) => read,
        Err(errors) => return Ok(Outcome::Unreadable(errors)),
    };
    if let Some(outcome) = bounces::take_in(state, provider, &read).await? {
        return Ok(outcome);
    }
    let mail = match inbound::incoming(read) {
        Ok(mail) => mail,
        Err(errors) => return Ok(Outcome::Unreadable(errors)),
    };
    match messaging::receive_mail(&state.messaging, workspace, mail).await {
        Err(ReceiveError::Keep(UploadError::Full)) => Err(no_room()),
        result => received(result, "to"),
    }
}

async fn answer(
    state: &State,
    webhook: Webhook,
    (source, path): (Source, &str),
    body: Bytes,
) -> Result<Response, Error> {
    let workspace = webhook.workspace;
    let errors = match take_in(state, (workspace, webhook.provider), source, body.clone()).await? {
        Outcome::Received(message) => return Ok(Json(MailAnswer::Received(message)).into_response()),
        Outcome::Recorded(result) => {
            return Ok(Json(MailAnswer::Noted(StatusAnswer { result })).into_response());
        }
        Outcome::Unmatched(_) => unmatched(),
        Outcome::Unreadable(errors) => errors,
    };
    let quarantined = messaging::quarantine(&state.messaging, workspace, path, &reason(&errors), &body).await?;
    let hook = if source == Source::Raw { RAW } else { "/api/webhooks/sendgrid/{provider}/inbound" };
    metrics::counter!("switchboard_quarantined_total", "path" => hook).increment(1);
    Ok((StatusCode::ACCEPTED, Json(Parked { quarantined, errors })).into_response())
}

/// A mail is not taken without what it carries: it is to come again.
fn no_room() -> Error {
    tracing::warn!("a mail was not taken: its workspace has no room for what it carries; see storage_limit_bytes");
    let detail = "the workspace has no room for what the mail carries; see storage_limit_bytes";
    Error::new(StatusCode::SERVICE_UNAVAILABLE, "storage_full", detail).with_header(RETRY_AFTER, "600")
}

/// A mail that cannot be read, in one error.
fn unreadable(field: &str, message: impl Into<String>) -> Refusal {
    vec![FieldError::new(field, "invalid", message)]
}

/// What is read of a mail, done beside the threads that answer requests: a mail made to break the reader is one that
/// cannot be read.
async fn read_aside(
    field: &'static str,
    place: OwnedSemaphorePermit,
    read: impl FnOnce() -> Result<Read, Refusal> + Send + 'static,
) -> Result<Read, Refusal> {
    // whoever goes away leaves the reader its place until it is done
    let reading = tokio::task::spawn_blocking(move || {
        let _place = place;
        read()
    });
    reading.await.unwrap_or_else(|_| Err(unreadable(field, "must be a mail that can be read")))
}
