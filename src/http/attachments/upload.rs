//! One file out of a `multipart/form-data` body (RFC 7578), which is bounded in size and time like every other body.
//!
//! It is read as it comes, so that no more than the file is ever held; and only so many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::StatusCode;
use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::OwnedSemaphorePermit;

use super::super::body::{DRAINED_BYTES, asks_to_send_more, timeout, too_large, too_late};
use super::super::{Error, State, places};
use crate::domain::MAX_FILE_BYTES;

/// The one field there is.
const FIELD: &str = "file";
/// What boundaries and part headers may take beside the file.
const FRAME_BYTES: usize = 64 * 1024;
/// Characters of a client's own field name that are repeated to it.
const SHOWN_NAME: usize = 100;

/// A file as it was sent.
#[derive(Debug)]
pub struct Upload {
    /// What the client calls it.
    pub name: String,
    /// What is in it.
    pub bytes: Bytes,
    /// Its place among the few that are held in memory at once, until it is kept.
    pub place: OwnedSemaphorePermit,
}

impl FromRequest<State> for Upload {
    type Rejection = Error;

    async fn from_request(request: Request, state: &State) -> Result<Self, Error> {
        if asks_to_send_more(request.headers(), MAX_FILE_BYTES + FRAME_BYTES) {
            return Err(too_large(MAX_FILE_BYTES));
        }
        let read = async {
            let is_too_long = Arc::new(AtomicBool::new(false));
            let read = read(request, state, &is_too_long).await;
            if is_too_long.load(Ordering::Relaxed) { Err(too_large(MAX_FILE_BYTES)) } else { read }
        };
        let place = places::take(&state.uploads, "too many files are being uploaded; try again soon").await?;
        let (name, bytes) = tokio::time::timeout(timeout(state), read).await.map_err(|_| too_late())??;
        Ok(Self { name, bytes, place })
    }
}

async fn read(request: Request, state: &State, is_too_long: &Arc<AtomicBool>) -> Result<(String, Bytes), Error> {
    let (parts, body) = request.into_parts();
    let body = Body::from_stream(bounded(body, Arc::clone(is_too_long)));
    let mut request = Request::from_parts(parts, body);
    DefaultBodyLimit::disable().apply(&mut request);
    let mut parts = Multipart::from_request(request, state).await.map_err(|_| not_multipart())?;
    let mut found = None;
    while let Some(field) = parts.next_field().await.map_err(|error| malformed(&error))? {
        match field.name() {
            Some(FIELD) if found.is_none() => found = Some(take(field, is_too_long).await?),
            Some(FIELD) => return Err(Error::invalid_field(FIELD, "repeated", "must be one file")),
            name => {
                let shown: String = name.unwrap_or_default().chars().take(SHOWN_NAME).collect();
                return Err(Error::invalid_field(&shown, "unknown", "there is no such field"));
            }
        }
    }
    found.ok_or_else(|| Error::invalid_field(FIELD, "required", "is required"))
}

async fn take(mut field: Field<'_>, is_too_long: &AtomicBool) -> Result<(String, Bytes), Error> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| malformed(&error))? {
        if bytes.len() + chunk.len() > MAX_FILE_BYTES {
            is_too_long.store(true, Ordering::Relaxed);
            bytes = Vec::new();
        }
        if !is_too_long.load(Ordering::Relaxed) {
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok((name, bytes.into()))
}

/// The chunks of a body, one at a time, up to where it is too long; some of the rest is read and thrown away, so that
/// a client that is still writing gets to read the refusal.
///
/// The parser takes whatever is ready; between two chunks there is nothing, so that it does not hold them all.
fn bounded(body: Body, is_too_long: Arc<AtomicBool>) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    let begin = (body.into_data_stream(), 0_usize, is_too_long);
    stream::unfold(begin, |(mut chunks, seen, is_too_long)| async move {
        tokio::task::yield_now().await;
        let chunk = chunks.next().await?;
        let mut seen = seen + chunk.as_ref().map_or(0, Bytes::len);
        if seen <= MAX_FILE_BYTES + FRAME_BYTES {
            return Some((chunk, (chunks, seen, is_too_long)));
        }
        is_too_long.store(true, Ordering::Relaxed);
        while seen <= MAX_FILE_BYTES + DRAINED_BYTES
            && let Some(Ok(chunk)) = chunks.next().await
        {
            seen += chunk.len();
        }
        None
    })
}

fn malformed(error: &MultipartError) -> Error {
    tracing::debug!(%error, "a form cannot be read");
    Error::new(StatusCode::BAD_REQUEST, "malformed_multipart", "the body is not the form that its header announces")
}

fn not_multipart() -> Error {
    let detail = "the body must be multipart/form-data with a boundary";
    Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}
