//! In `serve` nobody asks more often than their budget allows. Who asks is found out here, once, for the extractors too.

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Error, State, rights};

/// What is asked by machines that watch, and must be answered whoever else floods from the same address.
const FREE: [&str; 2] = ["/api/health", "/api/ready"];

/// Counts a request against whoever makes it. A file of the web app costs nobody anything.
pub async fn watch(state: State, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let is_free = matched.is_some_and(|path| FREE.contains(&path.as_str())) || state.web.has(request.uri().path());
    if is_free {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let asker = rights::identify_once(&mut parts, &state).await;
    if let Some(asker) = asker
        && let Err(after) = state.limiter.take(asker, state.messaging.clock.now())
    {
        metrics::counter!("switchboard_limited_total", "limit" => "requests").increment(1);
        return Error::too_many(after).into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}
