//! Saved replies, and the text of one for a conversation.

use axum::Json;
use axum::http::StatusCode;

use super::super::body::SmallJson;
use super::super::fields::Fields;
use super::super::openapi::Refuses;
use super::super::page::{List, Listing, ORDINARY};
use super::super::query::{Path, Query};
use super::super::rights::{MayOversee, MaySend};
use super::super::shapes::{PageParams, RenderRequest, Rendered, SavedReplyChange, SavedReplyRequest};
use super::super::{Error, State};
use crate::domain::{Caller, ConversationId, PLACEHOLDERS, Refusal, SavedReply, SavedReplyId, unknown_placeholders};
use crate::messaging;

/// Characters of a reply's name.
const MAX_NAME: usize = 100;
/// Characters of its text.
const MAX_BODY: usize = 10_000;
/// Characters of an unknown placeholder that are repeated to the client.
const SHOWN_NAME: usize = 100;

/// List saved replies
#[utoipa::path(
    get, path = "/api/saved-replies", operation_id = "listSavedReplies", tag = "team", params(PageParams),
    responses((status = 200, description = "A page of replies, oldest first.", body = List<SavedReply>), Refuses<400>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_saved_replies(
    state: State,
    MayOversee(workspace): MayOversee,
    query: Query,
) -> Result<Json<List<SavedReply>>, Error> {
    let listing = Listing::read(&query, ORDINARY, &format!("saved replies of {workspace}"))?;
    let page = messaging::list_saved_replies(&state.messaging, workspace, listing.request).await?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Keep a reply
///
/// `{{contact}}`, `{{agent}}` and `{{workspace}}` in it are filled in when it is rendered.
#[utoipa::path(
    post, path = "/api/saved-replies", operation_id = "createSavedReply", tag = "team",
    request_body = SavedReplyRequest,
    responses((status = 201, description = "Kept.", body = SavedReply), Refuses<400>, Refuses<409>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn create_saved_reply(
    state: State,
    MaySend(Caller { workspace, .. }): MaySend,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<SavedReply>), Error> {
    let mut fields = Fields::json(&body)?;
    let (name, text) = texts(&mut fields);
    let (name, text) = (fields.require("name", name), fields.require("body", text));
    fields.finish()?;
    let (name, text) = (name.unwrap_or_default(), text.unwrap_or_default());
    Ok((StatusCode::CREATED, Json(messaging::create_saved_reply(&state.messaging, workspace, &name, &text).await?)))
}

/// Change a saved reply
#[utoipa::path(
    patch, path = "/api/saved-replies/{id}", operation_id = "changeSavedReply", tag = "team",
    params(("id" = i64, Path, description = "The reply.")), request_body = SavedReplyChange,
    responses((status = 200, description = "As it is now.", body = SavedReply), Refuses<400>, Refuses<404>, Refuses<409>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn change_saved_reply(
    state: State,
    MaySend(Caller { workspace, .. }): MaySend,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<Json<SavedReply>, Error> {
    let id = SavedReplyId(path.id("id")?);
    let mut fields = Fields::json(&body)?;
    let (name, text) = texts(&mut fields);
    fields.finish()?;
    let given = (name.as_deref(), text.as_deref());
    Ok(Json(messaging::change_saved_reply(&state.messaging, workspace, id, given).await?))
}

/// Delete a saved reply
#[utoipa::path(
    delete, path = "/api/saved-replies/{id}", operation_id = "deleteSavedReply", tag = "team",
    params(("id" = i64, Path, description = "The reply.")),
    responses((status = 204, description = "Gone."), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn delete_saved_reply(
    state: State,
    MaySend(Caller { workspace, .. }): MaySend,
    path: Path,
) -> Result<StatusCode, Error> {
    messaging::delete_saved_reply(&state.messaging, workspace, SavedReplyId(path.id("id")?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fill in a saved reply
///
/// For one conversation, in the name of whoever asks. Nothing is sent.
#[utoipa::path(
    post, path = "/api/saved-replies/{id}/render", operation_id = "renderSavedReply", tag = "team",
    params(("id" = i64, Path, description = "The reply.")), request_body = RenderRequest,
    responses((status = 200, description = "The text.", body = Rendered), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn render_saved_reply(
    state: State,
    MaySend(caller): MaySend,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<Json<Rendered>, Error> {
    let id = SavedReplyId(path.id("id")?);
    let conversation = conversation(Fields::json(&body)?)?;
    let text = messaging::render_saved_reply(&state.messaging, &caller, id, conversation).await?;
    Ok(Json(Rendered { text }))
}

fn conversation(mut fields: Fields<'_>) -> Result<ConversationId, Refusal> {
    let id = if fields.has("conversation_id") {
        fields.value_of("conversation_id", "must be the id of a conversation")
    } else {
        None
    };
    let id = fields.require("conversation_id", id);
    fields.finish()?;
    Ok(id.unwrap_or(ConversationId(0)))
}

fn texts(fields: &mut Fields<'_>) -> (Option<String>, Option<String>) {
    let (name, body) = (fields.name("name", MAX_NAME), fields.name("body", MAX_BODY));
    for unknown in body.as_deref().map(unknown_placeholders).unwrap_or_default() {
        let shown: String = unknown.chars().take(SHOWN_NAME).collect();
        let wanted = PLACEHOLDERS.map(|name| format!("{{{{{name}}}}}")).join(", ");
        fields.refuse("body", "unknown_placeholder", format!("{{{{{shown}}}}} is none of {wanted}"));
    }
    (name, body)
}
