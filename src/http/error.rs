//! Errors to status codes: the single type that becomes a refusal on the wire (RFC 9457).
//!
//! What went wrong inside is logged here, once, and never shown; the client gets the request's id to ask about.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::auth::GuardError;
use crate::blob;
use crate::domain::{FieldError, Refusal};
use crate::messaging::{
    ChangeError, LabelError, MoveError, NOT_YOUR_SENDER, ReadFileError, ReceiveError, ReplyError, SavedReplyError,
    SendError, TextError, UploadError,
};
use crate::store::{self, Gone};

/// The media type of every refusal.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// How many fields one refusal names at most.
const MAX_FIELDS: usize = 100;

/// A refusal, as the client sees it. `code` is part of the API and never changes; `detail` is for people and may.
#[derive(Debug, Clone)]
pub struct Error {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Refusal,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What every refusal looks like (RFC 9457).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` tells refusals apart.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: &'static str,
    /// The status in words.
    #[schema(example = "Bad Request")]
    pub title: &'static str,
    /// The status again.
    #[schema(minimum = 400, maximum = 599, example = 400)]
    pub status: u16,
    /// What is wrong, for people; it may change.
    #[schema(example = "1 field is not right: to")]
    pub detail: String,
    /// What is wrong, for programs; it never changes.
    #[schema(example = "invalid_request")]
    pub code: &'static str,
    /// Every field that was not as it should be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// The id of the request, as in the `X-Request-Id` header and in the log.
    #[schema(example = "6f0e1d2c3b4a59687786a5b4c3d2e1f0")]
    pub request_id: String,
}

impl Error {
    /// A refusal with a status, a code that never changes, and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Refusal::new(), headers: Vec::new() }
    }

    /// The same, naming the fields it is about.
    #[must_use]
    pub fn naming(mut self, mut errors: Refusal) -> Self {
        errors.truncate(MAX_FIELDS);
        self.errors = errors;
        self
    }

    /// The same, with one more header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// The cookie that the client is to forget.
    pub(super) fn cookie(&self) -> Option<&HeaderValue> {
        self.headers.iter().find(|(name, _)| *name == SET_COOKIE).map(|(_, value)| value)
    }

    /// 400: fields that are not as they should be.
    pub fn invalid(errors: Refusal) -> Self {
        let names: Vec<&str> = errors.iter().take(5).map(|error| error.field.as_str()).collect();
        let more = if errors.len() > names.len() { ", .." } else { "" };
        let count = match errors.len() {
            1 => "1 field is".to_owned(),
            count => format!("{count} fields are"),
        };
        let detail = format!("{count} not right: {}{more}", names.join(", "));
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail).naming(errors)
    }

    /// 400: one field that is not as it should be.
    pub fn invalid_field(field: &str, code: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, code, message)])
    }

    /// 404: there is no such thing, or it is not the caller's to see.
    pub fn not_found(code: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 401: no credentials, or none that count; `challenge` says what would.
    pub fn unauthorized(challenge: &str, detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).with_header(WWW_AUTHENTICATE, challenge)
    }

    /// 429: come again after so many seconds.
    pub fn limited(after_seconds: u64) -> Self {
        let detail = format!("this sender has reached its limit; try again in {after_seconds} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
            .with_header(RETRY_AFTER, &after_seconds.max(1).to_string())
    }

    /// 429: come again after so long.
    pub fn too_many(after: Duration) -> Self {
        let seconds = (after.as_secs() + u64::from(after.subsec_nanos() > 0)).max(1);
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            format!("a limit is reached; try again in {seconds} s"),
        )
        .with_header(RETRY_AFTER, &seconds.to_string())
    }

    /// 503: the database does not answer now.
    pub fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the database does not answer; try again soon")
            .with_header(RETRY_AFTER, "1")
    }

    /// What a provider is told that brought something: where a row that this needed was deleted meanwhile it works a
    /// moment later, and 503 has it brought again.
    pub fn of_webhook(error: store::Error) -> Self {
        match error {
            store::Error::Gone(_) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "what came in meets something deleted meanwhile"
                );
                Self::unavailable()
            }
            error => error.into(),
        }
    }

    /// 500: a failure of ours, told to the log only.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, "request failed");
        Self::panicked()
    }

    /// 500: a failure of ours that is in the log already.
    pub fn panicked() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something went wrong here; the log has the request id",
        )
    }

    /// The answer that a request of this id gets.
    pub fn render(&self, request_id: &str) -> Response {
        let problem = Problem {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code,
            errors: self.errors.clone(),
            request_id: request_id.to_owned(),
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (self.status, [(CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response
    }
}

impl IntoResponse for Error {
    /// Leaves itself in the response's extensions, for the outermost layer to render with the request's id.
    fn into_response(self) -> Response {
        let mut response = self.render("");
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Error {
    fn from(errors: Refusal) -> Self {
        Self::invalid(errors)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        if error.is_unavailable() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the database does not answer");
            return Self::unavailable();
        }
        match error {
            store::Error::Gone(gone) => gone.into(),
            error => Self::internal(&error),
        }
    }
}

impl From<Gone> for Error {
    /// The answers of those who come a moment later and do not find it.
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Label => Self::not_found("no_such_label", "there is no such label"),
            Gone::File => {
                let message = "an upload was deleted meanwhile; one that is not sent within a day is";
                Self::invalid_field("attachments", "no_such_attachment", message)
            }
            Gone::Person => Self::not_found("no_such_user", "somebody has left the workspace meanwhile"),
            Gone::Other => {
                let detail = "something that this needs was deleted meanwhile; look again";
                Self::new(StatusCode::CONFLICT, "gone_meanwhile", detail)
            }
        }
    }
}

impl From<GuardError> for Error {
    fn from(error: GuardError) -> Self {
        match error {
            GuardError::Country => {
                let detail = "no codes are sent to numbers of that country; see code_countries";
                Self::new(StatusCode::FORBIDDEN, "country_not_allowed", detail)
            }
            GuardError::Limited { after } => Self::too_many(after),
            GuardError::Store(error) => error.into(),
        }
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        const HEADER: &str = "header:Idempotency-Key";
        match error {
            SendError::KeyReused => {
                let message = "this key was used for another request";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", message)
                    .naming(vec![FieldError::new(HEADER, "reused", message)])
            }
            SendError::KeyBusy => {
                let message = "the first request with this key is still running";
                Self::new(StatusCode::CONFLICT, "idempotency_key_in_use", message)
                    .naming(vec![FieldError::new(HEADER, "in_use", message)])
                    .with_header(RETRY_AFTER, "1")
            }
            SendError::Full => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_waiting",
                "more messages wait to be stored than may; try again soon",
            )
            .with_header(RETRY_AFTER, "1"),
            SendError::Broken => Self::internal(&error),
            SendError::Store(error) => error.into(),
        }
    }
}

impl From<ReplyError> for Error {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::NoSuchConversation => no_such_conversation(),
            ReplyError::NoSuchMessage => no_such_message(),
            ReplyError::Send(error) => error.into(),
        }
    }
}

impl From<ReceiveError> for Error {
    /// A webhook keeps what belongs nowhere, and does not come here with it.
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::BelongsNowhere => Self::invalid(vec![belongs_nowhere("to")]),
            ReceiveError::Store(error) | ReceiveError::Keep(UploadError::Store(error)) => Self::of_webhook(error),
            ReceiveError::Keep(error) => error.into(),
        }
    }
}

/// Nobody whom an inbound message is for is a sender of any workspace.
pub fn belongs_nowhere(field: &str) -> FieldError {
    FieldError::new(field, "belongs_nowhere", "is no sender of any workspace; see [[senders]] in the configuration")
}

impl From<TextError> for Error {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Refused(refusal) => Self::invalid(refusal),
            TextError::Limited { after_seconds } => Self::limited(after_seconds),
            TextError::BelongsNowhere => Self::invalid(vec![belongs_nowhere("receiverPhone")]),
            TextError::UuidReused => {
                let message = "this uuid belongs to another message";
                Self::new(StatusCode::CONFLICT, "uuid_reused", message)
                    .naming(vec![FieldError::new("uuid", "reused", message)])
            }
            TextError::Send(error) => error.into(),
        }
    }
}

impl From<UploadError> for Error {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Empty => Self::invalid_field("file", "empty", "must not be empty"),
            UploadError::Unsupported => {
                let message = "must be a PNG, JPEG, GIF or WebP picture, a PDF document, or UTF-8 text, by its content";
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_file_type", message)
                    .naming(vec![FieldError::new("file", "unsupported_file_type", message)])
            }
            UploadError::Limited { after } => Self::too_many(after),
            UploadError::Full => {
                let detail = "the workspace stores as many bytes of files as it may; see storage_limit_bytes";
                Self::new(StatusCode::FORBIDDEN, "storage_full", detail)
            }
            UploadError::Blob(error) => no_place(&error),
            UploadError::Store(error) => error.into(),
        }
    }
}

impl From<ReadFileError> for Error {
    fn from(error: ReadFileError) -> Self {
        match error {
            ReadFileError::NoSuchFile => Self::not_found("no_such_attachment", "there is no such attachment"),
            ReadFileError::Blob(error) => no_place(&error),
            ReadFileError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::NoSuchConversation => no_such_conversation(),
            ChangeError::Refused(refusal) => Self::invalid(refusal),
            ChangeError::Store(error) => error.into(),
        }
    }
}

impl From<LabelError> for Error {
    fn from(error: LabelError) -> Self {
        match error {
            LabelError::NoSuchConversation => no_such_conversation(),
            LabelError::NoSuchLabel => Self::not_found("no_such_label", "there is no such label"),
            LabelError::Taken => name_taken("another label has this name"),
            LabelError::TooMany => Self::new(StatusCode::CONFLICT, "too_many_labels", error.to_string()),
            LabelError::TooManyOnConversation => {
                Self::new(StatusCode::CONFLICT, "too_many_labels_on_conversation", error.to_string())
            }
            LabelError::Store(error) => error.into(),
        }
    }
}

impl From<SavedReplyError> for Error {
    fn from(error: SavedReplyError) -> Self {
        match error {
            SavedReplyError::NoSuchReply => Self::not_found("no_such_saved_reply", "there is no such saved reply"),
            SavedReplyError::NoSuchConversation => {
                Self::invalid_field("conversation_id", "no_such_conversation", "there is no such conversation")
            }
            SavedReplyError::Taken => name_taken("another saved reply has this name"),
            SavedReplyError::TooMany => Self::new(StatusCode::CONFLICT, "too_many_saved_replies", error.to_string()),
            SavedReplyError::Store(error) => error.into(),
        }
    }
}

/// 409: a name that something else has.
fn name_taken(message: &str) -> Error {
    Error::new(StatusCode::CONFLICT, "name_taken", message).naming(vec![FieldError::new("name", "taken", message)])
}

/// 503: the place of uploaded files does not answer now.
fn no_place(error: &blob::Error) -> Error {
    tracing::warn!(error = error as &dyn std::error::Error, "the place for attachments does not answer");
    let detail = "the place for attachments does not answer; try again soon";
    Error::new(StatusCode::SERVICE_UNAVAILABLE, "attachments_unavailable", detail).with_header(RETRY_AFTER, "5")
}

/// 404: no such conversation.
pub fn no_such_conversation() -> Error {
    Error::not_found("no_such_conversation", "there is no such conversation")
}

/// 404: no such message.
pub fn no_such_message() -> Error {
    Error::not_found("no_such_message", "there is no such message in this conversation")
}

/// A message that could not be moved: 404, 409 under the code of the move, or the store's own failure.
pub fn not_moved(error: MoveError, code: &'static str) -> Error {
    match error {
        MoveError::NoSuchMessage => no_such_message(),
        MoveError::NotInState(status) => {
            Error::new(StatusCode::CONFLICT, code, format!("the message is {}", status.as_str()))
        }
        MoveError::NoProvider => Error::new(StatusCode::CONFLICT, "no_provider", error.to_string()),
        MoveError::NotYourSender => Error::new(StatusCode::CONFLICT, NOT_YOUR_SENDER, error.to_string()),
        MoveError::Store(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_fields_and_counts_them() {
        let errors = (0..200).map(|at| FieldError::new(format!("f{at}"), "unknown", "no")).collect();
        let error = Error::invalid(errors);
        assert_eq!(error.errors.len(), MAX_FIELDS);
        assert_eq!(error.detail, "200 fields are not right: f0, f1, f2, f3, f4, ..");
    }

    #[test]
    fn what_came_in_while_something_was_deleted_is_asked_for_again() {
        for gone in [Gone::Label, Gone::File, Gone::Person, Gone::Other] {
            let response = Error::from(ReceiveError::Store(store::Error::Gone(gone))).render("id");
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[RETRY_AFTER], "1");
        }
    }

    #[test]
    fn the_wait_is_never_zero() {
        let response = Error::limited(0).render("id");
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    }
}
