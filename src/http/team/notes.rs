//! Internal notes, and what was done to a conversation.

use axum::Json;
use axum::http::StatusCode;

use super::super::body::SmallJson;
use super::super::error::no_such_conversation;
use super::super::fields::Fields;
use super::super::openapi::Refuses;
use super::super::page::{List, Listing, ORDINARY};
use super::super::query::{Path, Query};
use super::super::rights::{MayRead, MaySend};
use super::super::shapes::{NoteRequest, PageParams};
use super::super::{Error, State};
use crate::domain::{Activity, ConversationId, Note};
use crate::messaging;

/// Characters of a note.
const MAX_BODY: usize = 10_000;

/// List the notes of a conversation
///
/// Oldest first. Notes are internal: they are never sent.
#[utoipa::path(
    get, path = "/api/conversations/{id}/notes", operation_id = "listNotes", tag = "team",
    params(("id" = i64, Path, description = "The conversation."), PageParams),
    responses((status = 200, description = "A page of notes.", body = List<Note>), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_notes(
    state: State,
    MayRead(caller): MayRead,
    path: Path,
    query: Query,
) -> Result<Json<List<Note>>, Error> {
    let id = ConversationId(path.id("id")?);
    let listing = Listing::read(&query, ORDINARY, &format!("notes of {} {id}", caller.workspace))?;
    let page = messaging::list_notes(&state.messaging, &caller, id, listing.request).await?;
    let page = page.ok_or_else(no_such_conversation)?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Write an internal note
///
/// It stands in the conversation's activity, and is never sent.
#[utoipa::path(
    post, path = "/api/conversations/{id}/notes", operation_id = "writeNote", tag = "team",
    params(("id" = i64, Path, description = "The conversation.")), request_body = NoteRequest,
    responses((status = 201, description = "Written.", body = Note), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn write_note(
    state: State,
    MaySend(caller): MaySend,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Note>), Error> {
    let id = ConversationId(path.id("id")?);
    let mut fields = Fields::json(&body)?;
    let text = fields.name("body", MAX_BODY);
    let text = fields.require("body", text);
    fields.finish()?;
    let note = messaging::write_note(&state.messaging, &caller, id, text.unwrap_or_default()).await?;
    Ok((StatusCode::CREATED, Json(note.ok_or_else(no_such_conversation)?)))
}

/// List what was done to a conversation
///
/// Who assigned, moved, labelled it or wrote a note, oldest first.
#[utoipa::path(
    get, path = "/api/conversations/{id}/activity", operation_id = "listActivity", tag = "team",
    params(("id" = i64, Path, description = "The conversation."), PageParams),
    responses((status = 200, description = "A page of acts.", body = List<Activity>), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_activity(
    state: State,
    MayRead(caller): MayRead,
    path: Path,
    query: Query,
) -> Result<Json<List<Activity>>, Error> {
    let id = ConversationId(path.id("id")?);
    let listing = Listing::read(&query, ORDINARY, &format!("activity of {} {id}", caller.workspace))?;
    let page = messaging::list_activity(&state.messaging, &caller, id, listing.request).await?;
    let page = page.ok_or_else(no_such_conversation)?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}
