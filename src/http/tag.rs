//! What was read is kept by whoever read it, and asked for again by its tag: an answer that says the same is 304 and empty.

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::web::names;
/// What conversations hold, and what is read beside them. Keys, accounts and what the server itself tells are kept by
/// nobody.
const KEPT: [&str; 10] = [
    "/api/conversations",
    "/api/messages",
    "/messages",
    "/api/get-conversation",
    "/api/contacts",
    "/api/labels",
    "/api/saved-replies",
    "/api/members",
    "/api/friends",
    "/api/users",
];
/// The largest answer that is tagged: more is not held as a whole.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of a hash that make a tag.
const TAG: usize = 16;

/// Tags an answer, or leaves it out where the caller has it.
pub async fn watch(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let is_kept = request.method() == Method::GET && route.is_some_and(is_kept);
    let tags: Vec<HeaderValue> = if is_kept { tags(request.headers()) } else { Vec::new() };
    let response = next.run(request).await;
    if is_kept && is_whole_json(&response) { tagged(response, &tags).await } else { response }
}

fn is_kept(route: &str) -> bool {
    KEPT.iter().any(|kept| route.strip_prefix(kept).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn tags(headers: &HeaderMap) -> Vec<HeaderValue> {
    headers.get_all(IF_NONE_MATCH).iter().cloned().collect()
}

fn is_whole_json(response: &Response) -> bool {
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/json");
    let size = response.body().size_hint().exact().and_then(|size| usize::try_from(size).ok());
    response.status() == StatusCode::OK && is_json && size.is_some_and(|size| size <= MOST_BYTES)
}

async fn tagged(response: Response, known: &[HeaderValue]) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MOST_BYTES).await else {
        return super::Error::panicked().into_response();
    };
    let mut hash = Sha256::new();
    // a bare list says there where it goes on
    for link in parts.headers.get_all(LINK) {
        hash.update(link);
    }
    hash.update(&body);
    let tag = format!("\"{}\"", hex::encode(&hash.finalize()[..TAG]));
    let Ok(tag) = HeaderValue::try_from(tag) else { return Response::from_parts(parts, Body::from(body)) };
    let is_known = known.iter().any(|tags| names(tags, &tag));
    parts.headers.insert(ETAG, tag);
    parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if !is_known {
        return Response::from_parts(parts, Body::from(body));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}
