//! What came with a message, asked for once: in bounded memory, and no further than the first answer.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::LOCATION;
use reqwest::{RequestBuilder, Response, StatusCode};

use super::wire::retry_after;
use crate::clock::Clock;
use crate::domain::MAX_FILE_BYTES;

/// What one request for it came to.
#[derive(Debug)]
pub enum Fetched {
    /// Here it is.
    Bytes(Bytes),
    /// It is elsewhere: the `Location` as it was written.
    Moved(String),
    /// It may be there later.
    Later {
        /// How long the service asked us to wait.
        after: Option<Duration>,
        /// What it said, for people.
        reason: String,
    },
    /// It will never be had.
    Never {
        /// Why, for people.
        reason: String,
    },
    /// There was no answer, or none that ended.
    Silence(reqwest::Error),
}

/// Asks once. Whoever calls sees to it that this does not last for ever.
pub async fn fetch(request: RequestBuilder, clock: Clock) -> Fetched {
    match request.send().await {
        Ok(response) => judge(response, &clock).await,
        Err(error) => Fetched::Silence(error),
    }
}

async fn judge(response: Response, clock: &Clock) -> Fetched {
    let status = response.status();
    let reason = format!("HTTP {}", status.as_u16());
    match status {
        StatusCode::OK => read(response).await,
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => {
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            location.map_or(Fetched::Never { reason }, |location| Fetched::Moved(location.to_owned()))
        }
        // What is refused may be the account's trouble, and what is not there may not be there yet.
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_EARLY
        | StatusCode::TOO_MANY_REQUESTS => {
            Fetched::Later { after: retry_after(response.headers(), clock.now()), reason }
        }
        status if status.is_server_error() => {
            Fetched::Later { after: retry_after(response.headers(), clock.now()), reason }
        }
        _ => Fetched::Never { reason },
    }
}

async fn read(mut response: Response) -> Fetched {
    let too_large = || Fetched::Never { reason: format!("it has more than {} MiB", MAX_FILE_BYTES / 1024 / 1024) };
    let most = MAX_FILE_BYTES as u64;
    if response.content_length().is_some_and(|length| length > most) {
        return too_large();
    }
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Fetched::Bytes(bytes.into()),
            Ok(Some(chunk)) if bytes.len() + chunk.len() > MAX_FILE_BYTES => return too_large(),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Err(error) => return Fetched::Silence(error),
        }
    }
}
