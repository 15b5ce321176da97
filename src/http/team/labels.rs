//! Labels: admins make them, agents put them on conversations.

use axum::Json;
use axum::http::StatusCode;

use super::super::body::SmallJson;
use super::super::fields::Fields;
use super::super::openapi::Refuses;
use super::super::page::{List, Listing, ORDINARY};
use super::super::query::{Path, Query};
use super::super::rights::{MayAdmin, MayOversee, MaySend};
use super::super::shapes::{LabelRequest, PageParams};
use super::super::{Error, State};
use crate::domain::{Caller, ConversationId, Label, LabelId};
use crate::messaging;

/// Characters of a label's name.
const MAX_NAME: usize = 50;

/// List labels
#[utoipa::path(
    get, path = "/api/labels", operation_id = "listLabels", tag = "team", params(PageParams),
    responses((status = 200, description = "A page of labels, oldest first.", body = List<Label>), Refuses<400>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_labels(
    state: State,
    MayOversee(workspace): MayOversee,
    query: Query,
) -> Result<Json<List<Label>>, Error> {
    let listing = Listing::read(&query, ORDINARY, &format!("labels of {workspace}"))?;
    let page = messaging::list_labels(&state.messaging, workspace, listing.request).await?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Make a label
#[utoipa::path(
    post, path = "/api/labels", operation_id = "createLabel", tag = "team", request_body = LabelRequest,
    responses((status = 201, description = "Made.", body = Label), Refuses<400>, Refuses<409>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn create_label(
    state: State,
    MayAdmin(Caller { workspace, .. }): MayAdmin,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Label>), Error> {
    let name = name(Fields::json(&body)?)?;
    Ok((StatusCode::CREATED, Json(messaging::create_label(&state.messaging, workspace, &name).await?)))
}

/// Call a label something else
#[utoipa::path(
    patch, path = "/api/labels/{id}", operation_id = "renameLabel", tag = "team",
    params(("id" = i64, Path, description = "The label.")), request_body = LabelRequest,
    responses((status = 200, description = "As it is now.", body = Label), Refuses<400>, Refuses<404>, Refuses<409>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn rename_label(
    state: State,
    MayAdmin(Caller { workspace, .. }): MayAdmin,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<Json<Label>, Error> {
    let id = LabelId(path.id("id")?);
    let name = name(Fields::json(&body)?)?;
    Ok(Json(messaging::rename_label(&state.messaging, workspace, id, &name).await?))
}

/// Delete a label
///
/// It is taken from every conversation.
#[utoipa::path(
    delete, path = "/api/labels/{id}", operation_id = "deleteLabel", tag = "team",
    params(("id" = i64, Path, description = "The label.")),
    responses((status = 204, description = "Gone."), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn delete_label(
    state: State,
    MayAdmin(Caller { workspace, .. }): MayAdmin,
    path: Path,
) -> Result<StatusCode, Error> {
    messaging::delete_label(&state.messaging, workspace, LabelId(path.id("id")?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put a label on a conversation
#[utoipa::path(
    put, path = "/api/conversations/{id}/labels/{label_id}", operation_id = "labelConversation", tag = "team",
    params(("id" = i64, Path, description = "The conversation."), ("label_id" = i64, Path, description = "The label.")),
    responses((status = 204, description = "It is there."), Refuses<400>, Refuses<404>, Refuses<409>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn label_conversation(state: State, MaySend(caller): MaySend, path: Path) -> Result<StatusCode, Error> {
    messaging::label_conversation(&state.messaging, &caller, ids(&path)?, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a label from a conversation
#[utoipa::path(
    delete, path = "/api/conversations/{id}/labels/{label_id}", operation_id = "unlabelConversation", tag = "team",
    params(("id" = i64, Path, description = "The conversation."), ("label_id" = i64, Path, description = "The label.")),
    responses((status = 204, description = "It is not there."), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn unlabel_conversation(state: State, MaySend(caller): MaySend, path: Path) -> Result<StatusCode, Error> {
    messaging::label_conversation(&state.messaging, &caller, ids(&path)?, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn ids(path: &Path) -> Result<(ConversationId, LabelId), Error> {
    Ok((ConversationId(path.id("id")?), LabelId(path.id("label_id")?)))
}

fn name(mut fields: Fields<'_>) -> Result<String, Error> {
    let name = fields.name("name", MAX_NAME);
    let name = fields.require("name", name);
    fields.finish()?;
    Ok(name.unwrap_or_default())
}
