//! What becomes of messages among people: read, changed, taken back, reacted to.

use axum::Json;
use axum::http::StatusCode;

use super::{conversation, place};
use crate::domain::{Message, MessageId, emoji};
use crate::http::body::SmallJson;
use crate::http::error::no_such_message;
use crate::http::fields::Fields;
use crate::http::openapi::Refuses;
use crate::http::query::Path;
use crate::http::rights::{MayRead, MayWrite, Somebody};
use crate::http::shapes::{EditRequest, HistoryOfEdits, ReadRequest};
use crate::http::{Error, State};
use crate::messaging::chat;

/// Note how far a conversation has been read
///
/// Among people by the caller; among numbers for everybody who answers there.
#[utoipa::path(
    post, path = "/api/conversations/{id}/read", operation_id = "markRead", tag = "chats",
    params(("id" = i64, Path, description = "The conversation.")), request_body = ReadRequest,
    responses((status = 204, description = "Noted."), Refuses<400>, Refuses<403>, Refuses<404>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn mark_read(
    state: State,
    MayWrite(caller): MayWrite,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<StatusCode, Error> {
    let id = conversation(&path)?;
    let mut fields = Fields::json(&body)?;
    let last = fields.value_of::<i64>("last_message_id", "must be the id of a message");
    let last = fields.require("last_message_id", last).unwrap_or_default();
    fields.finish()?;
    chat::mark_read(&state.messaging, &caller, id, MessageId(last)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change what one said
///
/// Within 15 minutes, by its author. What it said before is kept.
#[utoipa::path(
    patch, path = "/api/conversations/{id}/messages/{mid}", operation_id = "editMessage", tag = "chats",
    params(("id" = i64, Path, description = "The conversation."), ("mid" = i64, Path, description = "The message.")),
    request_body = EditRequest,
    responses((status = 200, description = "The message.", body = Message), Refuses<400>, Refuses<404>, Refuses<409>),
    security(("session" = [])),
)]
pub async fn edit_message(
    state: State,
    me: Somebody,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<Json<Message>, Error> {
    let place = place(&path)?;
    let mut fields = Fields::json(&body)?;
    let body = fields.text("body");
    let body = fields.require("body", body).unwrap_or_default();
    fields.finish()?;
    Ok(Json(chat::edit(&state.messaging, me.me(), place, &body).await?))
}

/// Take back what one said
///
/// For everybody, by its author. That it was there stays: its body is empty, and its attachments, its reactions and
/// what it said before are gone.
#[utoipa::path(
    delete, path = "/api/conversations/{id}/messages/{mid}", operation_id = "deleteMessage", tag = "chats",
    params(("id" = i64, Path, description = "The conversation."), ("mid" = i64, Path, description = "The message.")),
    responses((status = 204, description = "Gone."), Refuses<400>, Refuses<404>, Refuses<409>),
    security(("session" = [])),
)]
pub async fn delete_message(state: State, me: Somebody, path: Path) -> Result<StatusCode, Error> {
    chat::take_back(&state.messaging, me.me(), place(&path)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read what a message said before
#[utoipa::path(
    get, path = "/api/conversations/{id}/messages/{mid}/history", operation_id = "listEdits", tag = "chats",
    params(("id" = i64, Path, description = "The conversation."), ("mid" = i64, Path, description = "The message.")),
    responses((status = 200, description = "Its earlier texts.", body = HistoryOfEdits), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_edits(state: State, MayRead(caller): MayRead, path: Path) -> Result<Json<HistoryOfEdits>, Error> {
    let edits = chat::list_edits(&state.messaging, &caller, place(&path)?).await?;
    edits.map(|data| Json(HistoryOfEdits { data })).ok_or_else(no_such_message)
}

/// React to a message
///
/// With one emoji, in any of its forms; it is kept fully qualified. A message has at most 20 different ones.
#[utoipa::path(
    put, path = "/api/conversations/{id}/messages/{mid}/reactions/{emoji}", operation_id = "addReaction", tag = "chats",
    params(("id" = i64, Path, description = "The conversation."), ("mid" = i64, Path, description = "The message."),
        ("emoji" = String, Path, description = "One emoji.", example = "👍")),
    responses((status = 200, description = "The message.", body = Message), Refuses<400>, Refuses<404>, Refuses<409>),
    security(("session" = [])),
)]
pub async fn add_reaction(state: State, me: Somebody, path: Path) -> Result<Json<Message>, Error> {
    let (place, emoji) = (place(&path)?, emoji_of(&path)?);
    Ok(Json(chat::react(&state.messaging, me.me(), place, emoji).await?))
}

/// Take a reaction back
#[utoipa::path(
    delete, path = "/api/conversations/{id}/messages/{mid}/reactions/{emoji}", operation_id = "removeReaction",
    tag = "chats",
    params(("id" = i64, Path, description = "The conversation."), ("mid" = i64, Path, description = "The message."),
        ("emoji" = String, Path, description = "One emoji.", example = "👍")),
    responses((status = 200, description = "The message.", body = Message), Refuses<400>, Refuses<404>, Refuses<409>),
    security(("session" = [])),
)]
pub async fn remove_reaction(state: State, me: Somebody, path: Path) -> Result<Json<Message>, Error> {
    let (place, emoji) = (place(&path)?, emoji_of(&path)?);
    Ok(Json(chat::unreact(&state.messaging, me.me(), place, emoji).await?))
}

fn emoji_of(path: &Path) -> Result<&'static str, Error> {
    emoji(path.text("emoji")).ok_or_else(|| Error::invalid_field("path:emoji", "invalid", "must be one emoji"))
}
