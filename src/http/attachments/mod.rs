//! Attachments: files that are uploaded here, and read by whoever may see what carries them.
//!
//! What a file is was found by its content. It is served as that and nothing else, and no browser runs anything in it.

mod disposition;
mod range;
mod upload;

use axum::Json;
use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use self::disposition::disposition;
use self::range::Asked;
use self::upload::Upload;
use super::openapi::Refuses;
use super::query::Path;
use super::rights::{MayRead, MayWrite};
use super::shapes::UploadForm;
use super::{Error, State};
use crate::domain::{FileId, MediaType, UploadedFile};
use crate::messaging::{self, OpenFile};

/// Nothing in a file runs, loads or is framed.
const POLICY: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// Upload a file
///
/// PNG, JPEG, GIF, WebP, PDF or UTF-8 text of at most 10 MiB; its content says what it is. Name its `url` among the
/// `attachments` of a message within 24 hours, or it is deleted.
#[utoipa::path(
    post, path = "/api/attachments", operation_id = "uploadAttachment", tag = "attachments",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "Kept.", body = UploadedFile), Refuses<400>, Refuses<415>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn upload_attachment(
    state: State,
    MayWrite(caller): MayWrite,
    upload: Upload,
) -> Result<(StatusCode, Json<UploadedFile>), Error> {
    let Upload { name, bytes, place } = upload;
    let file = messaging::upload(&state.messaging, &caller, &name, bytes).await?;
    drop(place);
    Ok((StatusCode::CREATED, Json(file)))
}

/// Read a file
///
/// For whoever uploaded it, and for whoever sees a message that carries it.
#[utoipa::path(
    get, path = "/api/attachments/{id}", operation_id = "getAttachment", tag = "attachments",
    params(("id" = i64, Path, description = "The upload.")),
    responses(
        (status = 200, description = "The file.", content(
            (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/gif"), (Vec<u8> = "image/webp"),
            (Vec<u8> = "application/pdf"), (String = "text/plain"), (Vec<u8> = "message/rfc822"),
        )),
        (status = 206, description = "The one range of bytes that was asked for."),
        (status = 304, description = "As the `If-None-Match` of the request has it."),
        Refuses<400>, Refuses<404>, Refuses<416>,
    ),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn get_attachment(
    state: State,
    MayRead(caller): MayRead,
    path: Path,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let file = messaging::open_file(&state.messaging, &caller, FileId(path.id("id")?)).await?;
    show(&state, file, &headers).await
}

/// Read a file by its link
///
/// The link that a provider is given: it needs no credentials, and ends a week after the message's last moment.
#[utoipa::path(
    get, path = "/api/attachments/{id}/{token}", operation_id = "getLinkedAttachment", tag = "attachments",
    params(
        ("id" = i64, Path, description = "The upload."),
        ("token" = String, Path, description = "The proof that the link is ours."),
    ),
    responses(
        (status = 200, description = "The file.", content(
            (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/gif"), (Vec<u8> = "image/webp"),
            (Vec<u8> = "application/pdf"), (String = "text/plain"), (Vec<u8> = "message/rfc822"),
        )),
        (status = 206, description = "The one range of bytes that was asked for."),
        (status = 304, description = "As the `If-None-Match` of the request has it."),
        Refuses<400>, Refuses<404>, Refuses<416>, Refuses<503>,
    ),
)]
pub async fn get_linked_attachment(state: State, path: Path, headers: HeaderMap) -> Result<Response, Error> {
    let file = messaging::open_linked_file(&state.messaging, FileId(path.id("id")?), path.text("token")).await?;
    show(&state, file, &headers).await
}

/// A file, or the part of it that is asked for; nothing of it is read for whoever has it.
async fn show(state: &State, file: OpenFile, asked: &HeaderMap) -> Result<Response, Error> {
    let tag = format!("\"{}\"", hex::encode(&file.hash));
    let mut headers = headers_of(&file, &tag);
    if is_known(asked, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let size = file.size_bytes;
    let part = match range::asked(asked, (size, &tag)) {
        Asked::Whole => None,
        Asked::Part(part) => Some(part),
        Asked::Nothing => {
            let detail = format!("the file has {size} bytes, and none of those that are asked for");
            let error = Error::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail);
            return Err(error.with_header(CONTENT_RANGE, &format!("bytes */{size}")));
        }
    };
    let content = messaging::read_file(&state.messaging, &file, part.clone()).await?;
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(content.size_bytes));
    let status = if let Some(part) = part {
        let range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        headers.extend(HeaderValue::try_from(range).ok().map(|value| (CONTENT_RANGE, value)));
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    Ok((status, headers, Body::from_stream(content.chunks)).into_response())
}

fn headers_of(file: &OpenFile, tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let media_type = match file.media_type {
        MediaType::Text => "text/plain; charset=utf-8",
        other => other.as_str(),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let disposition = disposition(file.media_type.is_image(), &file.name);
    headers.extend(HeaderValue::try_from(disposition).ok().map(|value| (CONTENT_DISPOSITION, value)));
    headers.extend(HeaderValue::try_from(tag).ok().map(|value| (ETAG, value)));
    headers
}

/// Whether the client says that it has these very bytes (RFC 9110, section 13.1.2).
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let given = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).any(|value| {
        let value = value.trim();
        value == "*" || value.strip_prefix("W/").unwrap_or(value) == tag
    })
}
