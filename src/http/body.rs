//! Reading a body: its media type first, then at most so many bytes, in at most so much time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;

use super::fields::{Fields, NotAnObject};
use super::{Error, State};
use crate::fault::is_sabotaged;

/// How much of a body that is too long is read and thrown away, so that a client that is still writing gets to read
/// the refusal.
pub const DRAINED_BYTES: usize = 32 * 1024 * 1024;

/// A JSON body of the ordinary size.
#[derive(Debug)]
pub struct SmallJson(pub Bytes);

/// A JSON body of the size that batches and webhooks may have.
#[derive(Debug)]
pub struct LargeJson(pub Bytes);

/// A body of the ordinary size that is JSON or a form.
#[derive(Debug)]
pub struct JsonOrForm {
    bytes: Bytes,
    is_form: bool,
}

/// What a body says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    Json,
    Form,
}

impl JsonOrForm {
    /// As it came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it is a form.
    pub fn is_form(&self) -> bool {
        self.is_form
    }

    /// The fields of the one or the other.
    pub fn fields(&self) -> Result<Fields<'_>, Error> {
        if self.is_form { Ok(Fields::form(&self.bytes)) } else { Ok(Fields::json(&self.bytes)?) }
    }
}

impl From<NotAnObject> for Error {
    fn from(error: NotAnObject) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_json", error.to_string())
    }
}

impl FromRequest<State> for SmallJson {
    type Rejection = Error;

    async fn from_request(request: Request, state: &State) -> Result<Self, Error> {
        expect_media(request.headers(), &[Media::Json])?;
        read(request, state.config.body_limit_bytes, timeout(state)).await.map(Self)
    }
}

impl FromRequest<State> for LargeJson {
    type Rejection = Error;

    async fn from_request(request: Request, state: &State) -> Result<Self, Error> {
        expect_media(request.headers(), &[Media::Json])?;
        read(request, state.config.large_body_limit_bytes, timeout(state)).await.map(Self)
    }
}

impl FromRequest<State> for JsonOrForm {
    type Rejection = Error;

    async fn from_request(request: Request, state: &State) -> Result<Self, Error> {
        let media = expect_media(request.headers(), &[Media::Json, Media::Form])?;
        let bytes = read(request, state.config.body_limit_bytes, timeout(state)).await?;
        Ok(Self { bytes, is_form: media == Media::Form })
    }
}

/// How long a body may take.
pub fn timeout(state: &State) -> Duration {
    Duration::from_millis(state.config.body_timeout_ms)
}

/// What the headers say the body is; without a word it is taken for JSON.
fn media(headers: &HeaderMap) -> Option<Media> {
    let Some(declared) = headers.get(CONTENT_TYPE) else {
        return Some(Media::Json);
    };
    let essence = declared.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Some(Media::Json);
    }
    (essence == "application/x-www-form-urlencoded").then_some(Media::Form)
}

fn expect_media(headers: &HeaderMap, wanted: &[Media]) -> Result<Media, Error> {
    media(headers).filter(|media| wanted.contains(media)).ok_or_else(|| {
        let also = if wanted.contains(&Media::Form) { " or application/x-www-form-urlencoded" } else { "" };
        Error::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            format!("the body must be application/json{also}"),
        )
    })
}

async fn read(request: Request, limit: usize, timeout: Duration) -> Result<Bytes, Error> {
    if asks_to_send_more(request.headers(), limit) {
        return Err(too_large(limit));
    }
    tokio::time::timeout(timeout, collect(request.into_body(), limit)).await.map_err(|_| too_late())?
}

/// Whether a client waits for leave to send a body that is too long.
pub fn asks_to_send_more(headers: &HeaderMap, limit: usize) -> bool {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    declared.is_some_and(|length| length > limit) && headers.contains_key(EXPECT)
}

/// 408: the body took too long.
pub fn too_late() -> Error {
    Error::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body did not arrive in time")
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, Error> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut seen = 0_usize;
    let limit = if is_sabotaged("limit_off") { usize::MAX } else { limit };
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Error::new(StatusCode::BAD_REQUEST, "broken_body", "the body broke off"))?;
        seen = seen.saturating_add(chunk.len());
        if seen <= limit {
            bytes.extend_from_slice(&chunk);
        } else if seen - limit > DRAINED_BYTES {
            break;
        } else {
            bytes = Vec::new();
        }
    }
    if seen > limit { Err(too_large(limit)) } else { Ok(bytes.into()) }
}

/// 413: the body is longer than it may be.
pub fn too_large(limit: usize) -> Error {
    let detail = format!("the body has more than {limit} bytes");
    Error::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn media_of(declared: &'static str) -> Option<Media> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(declared));
        media(&headers)
    }

    #[test]
    fn parameters_of_a_media_type_do_not_matter() {
        assert_eq!(media(&HeaderMap::new()), Some(Media::Json));
        assert_eq!(media_of("Application/JSON; charset=utf-8"), Some(Media::Json));
        assert_eq!(media_of("application/cloudevents+json"), Some(Media::Json));
        assert_eq!(media_of("application/x-www-form-urlencoded;charset=UTF-8"), Some(Media::Form));
        for other in ["", "text/plain", "application/jsonx", "multipart/form-data; boundary=x", "text/json"] {
            assert_eq!(media_of(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_and_one_at_it_is_not() {
        assert_eq!(collect(Body::from("12345"), 5).await.unwrap(), "12345");
        assert!(collect(Body::from("123456"), 5).await.is_err());
    }

    #[tokio::test]
    async fn an_endless_body_ends() {
        let chunk = Bytes::from(vec![b'x'; 1024 * 1024]);
        let endless = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
        assert!(collect(Body::from_stream(endless), 5).await.is_err());
    }
}
