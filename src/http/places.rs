//! Places for what takes much memory or time: there are few, and nobody waits for one without end.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Error;

/// How long anybody waits for a place.
const PATIENCE: Duration = Duration::from_secs(3);

/// Takes a place; 503 with `detail` when none becomes free in time.
pub(super) async fn take(places: &Arc<Semaphore>, detail: &'static str) -> Result<OwnedSemaphorePermit, Error> {
    let place = Arc::clone(places).acquire_owned();
    tokio::time::timeout(PATIENCE, place)
        .await
        .ok()
        .and_then(Result::ok)
        .ok_or_else(|| Error::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).with_header(RETRY_AFTER, "5"))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_place_for_ever() {
        let places = Arc::new(Semaphore::new(1));
        let taken = take(&places, "busy").await.unwrap();
        let refused = take(&places, "busy").await.unwrap_err().into_response();
        assert_eq!(
            (refused.status(), &refused.headers()[RETRY_AFTER]),
            (StatusCode::SERVICE_UNAVAILABLE, &"5".parse().unwrap())
        );
        drop(taken);
        assert!(take(&places, "busy").await.is_ok());
    }
}
