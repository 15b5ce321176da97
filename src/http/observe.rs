//! What every answer has, and what is kept of every request: an id, headers that keep browsers careful, one log line
//! and two metrics. Neither holds a body, a query, a secret or an address: the route's template stands for the path.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::csrf::ProtectionError;

use super::web::IsWeb;
use super::{Error, State, entrance};
use crate::clock::Clock;

/// The header's name.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const STRICT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Swagger UI brings its own scripts, styles of elements, and pictures as data.
const DOCUMENTATION_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'none'";

/// The outermost layer.
pub async fn observe(state: State, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers(), &state.messaging.clock);
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let is_secure = entrance::is_secure(&request, &state.config);
    let is_documentation = matched.as_deref().is_some_and(|route| route.starts_with("/api-docs"));

    let mut response = next.run(request).await;
    let refused = response.extensions_mut().remove::<ProtectionError>().map(|_| cross_site());
    if let Some(error) = refused.or_else(|| response.extensions_mut().remove::<Error>()) {
        response = named(&error, &id, &response);
    }
    dress(&mut response, is_documentation, is_secure);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    let is_web = response.extensions().get::<IsWeb>().is_some();
    let route = matched.as_deref().unwrap_or(if is_web { "web" } else { "unmatched" });
    let seconds = started.elapsed().as_secs_f64();
    count(&method, route, status, seconds);
    tracing::info!(%method, route, status, ms = seconds * 1_000.0, request_id = %id, "request");
    response
}

fn cross_site() -> Error {
    Error::new(
        StatusCode::FORBIDDEN,
        "cross_site_request",
        "a page of another site may not do this; see allowed_origins",
    )
}

/// Turns a panic into the refusal that other failures of ours get.
pub fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    Error::panicked().into_response()
}

/// The refusal with the request's id in it, and the headers that inner layers put beside it.
fn named(error: &Error, id: &str, response: &Response) -> Response {
    let mut named = error.render(id);
    for (name, value) in response.headers() {
        if !named.headers().contains_key(name) && name != axum::http::header::CONTENT_LENGTH {
            named.headers_mut().append(name.clone(), value.clone());
        }
    }
    named
}

fn dress(response: &mut Response, is_documentation: bool, is_secure: bool) {
    let policy = if is_documentation { DOCUMENTATION_POLICY } else { STRICT_POLICY };
    let caching = if is_documentation { "no-cache" } else { "no-store" };
    let headers = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, caching),
    ];
    for (name, value) in headers {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    if is_secure {
        let value = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().entry(STRICT_TRANSPORT_SECURITY).or_insert(value);
    }
}

/// The client's own id when it is harmless, else one of ours.
fn request_id(headers: &HeaderMap, clock: &Clock) -> String {
    let own = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| is_harmless(id));
    own.map_or_else(|| hex::encode(clock.bytes::<16>()), str::to_owned)
}

fn is_harmless(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn count(method: &Method, route: &str, status: u16, seconds: f64) {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
    let method = known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
    let route = route.to_owned();
    metrics::counter!("switchboard_http_requests_total", "route" => route.clone(), "method" => method, "status" => status.to_string())
        .increment(1);
    metrics::histogram!("switchboard_http_request_seconds", "route" => route).record(seconds);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn only_a_harmless_id_is_kept() {
        let clock = Clock::manual(Timestamp::from_micros(0), 1);
        let id = |own: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(own).unwrap());
            request_id(&headers, &clock)
        };
        assert_eq!(id("req_1.a-b"), "req_1.a-b");
        for own in ["", "a b", "<x>", "+12015550100", &"x".repeat(65)] {
            let id = id(own);
            assert!(id != own && id.len() == 32, "{own}");
        }
    }
}
