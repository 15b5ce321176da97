//! Conversations of people: beginning one, its name and its members, taking a request on.

use axum::Json;
use axum::http::StatusCode;

use super::{conversation, user_name};
use crate::domain::Conversation;
use crate::http::body::SmallJson;
use crate::http::error::no_such_conversation;
use crate::http::fields::Fields;
use crate::http::openapi::Refuses;
use crate::http::query::Path;
use crate::http::rights::{MayRead, Somebody};
use crate::http::shapes::{ConversationRequest, MemberList, PersonRequest};
use crate::http::{Error, State};
use crate::messaging::chat::{self, MAX_MEMBERS};

/// Characters of a group's name.
const MAX_NAME: usize = 100;

/// Begin a conversation of people
///
/// A group is owned by the caller. There is one conversation with each other person: it is answered with 200 when it is
/// there already.
#[utoipa::path(
    post, path = "/api/conversations", operation_id = "beginConversation", tag = "chats",
    request_body = ConversationRequest,
    responses(
        (status = 201, description = "It begins.", body = Conversation),
        (status = 200, description = "It is there already.", body = Conversation),
        Refuses<400>, Refuses<403>, Refuses<404>, Refuses<409>,
    ),
    security(("session" = [])),
)]
pub async fn begin_conversation(
    state: State,
    me: Somebody,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Conversation>), Error> {
    let mut fields = Fields::json(&body)?;
    let is_group = |name: &str| ["direct", "group"].iter().position(|kind| *kind == name).map(|at| at == 1);
    let kind = fields.choice("kind", is_group, "direct, group");
    match fields.require("kind", kind) {
        None => Err(fields.into_errors().into()),
        Some(true) => {
            let name = name(&mut fields);
            let members = fields.texts("members");
            let members = fields.require("members", members).unwrap_or_default();
            if members.len() > MAX_MEMBERS {
                fields.refuse("members", "too_many", format!("at most {MAX_MEMBERS}"));
            }
            fields.finish()?;
            let group = chat::begin_group(&state.messaging, me.me(), (&name, &members)).await?;
            Ok((StatusCode::CREATED, Json(group)))
        }
        Some(false) => {
            let other = person(fields)?;
            let (direct, is_new) = chat::begin_direct(&state.messaging, me.me(), &other).await?;
            Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(direct)))
        }
    }
}

/// The name that a body gives a group.
pub fn name(fields: &mut Fields<'_>) -> String {
    let name = fields.text("name");
    let name = fields.require("name", name).unwrap_or_default().trim().to_owned();
    if !fields.is_refused("name") && !(1..=MAX_NAME).contains(&name.chars().count()) {
        fields.refuse("name", "invalid", format!("must have 1 to {MAX_NAME} characters"));
    }
    name
}

/// The username that a body names.
pub fn person(mut fields: Fields<'_>) -> Result<String, Error> {
    let name = fields.text("user_name");
    let name = fields.require("user_name", name).unwrap_or_default();
    fields.finish()?;
    Ok(name)
}

/// List who is in a conversation of people
///
/// The longest there first. A conversation of numbers has no members.
#[utoipa::path(
    get, path = "/api/conversations/{id}/members", operation_id = "listConversationMembers", tag = "chats",
    params(("id" = i64, Path, description = "The conversation.")),
    responses((status = 200, description = "The members.", body = MemberList), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_members(state: State, MayRead(caller): MayRead, path: Path) -> Result<Json<MemberList>, Error> {
    let members = chat::list_members(&state.messaging, &caller, conversation(&path)?).await?;
    members.map(|data| Json(MemberList { data })).ok_or_else(no_such_conversation)
}

/// Take somebody into a group
///
/// Everybody in it may. What they see of what was said before is for the workspace's setting `group_history` to say.
#[utoipa::path(
    post, path = "/api/conversations/{id}/members", operation_id = "addMember", tag = "chats",
    params(("id" = i64, Path, description = "The group.")), request_body = PersonRequest,
    responses((status = 200, description = "The group.", body = Conversation), Refuses<400>, Refuses<404>, Refuses<409>),
    security(("session" = [])),
)]
pub async fn add_member(
    state: State,
    me: Somebody,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<Json<Conversation>, Error> {
    let id = conversation(&path)?;
    let name = person(Fields::json(&body)?)?;
    Ok(Json(chat::add_member(&state.messaging, me.me(), id, &name).await?))
}

/// Put somebody out of a group
///
/// The owner anybody, everybody themselves. When the owner leaves, whoever has been there longest owns the group; one
/// that nobody is in any more stays closed.
#[utoipa::path(
    delete, path = "/api/conversations/{id}/members/{user_name}", operation_id = "removeConversationMember", tag = "chats",
    params(("id" = i64, Path, description = "The group."), ("user_name" = String, Path, description = "Who.")),
    responses((status = 204, description = "Gone."), Refuses<400>, Refuses<404>, Refuses<409>),
    security(("session" = [])),
)]
pub async fn remove_member(state: State, me: Somebody, path: Path) -> Result<StatusCode, Error> {
    let id = conversation(&path)?;
    chat::remove_member(&state.messaging, me.me(), id, user_name(&path)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a stranger's request on
#[utoipa::path(
    post, path = "/api/conversations/{id}/accept", operation_id = "acceptConversation", tag = "chats",
    params(("id" = i64, Path, description = "The conversation.")),
    responses((status = 200, description = "It is no request any more.", body = Conversation), Refuses<400>, Refuses<404>, Refuses<409>),
    security(("session" = [])),
)]
pub async fn accept_conversation(state: State, me: Somebody, path: Path) -> Result<Json<Conversation>, Error> {
    Ok(Json(chat::accept_request(&state.messaging, me.me(), conversation(&path)?).await?))
}

/// Turn a stranger's request down
///
/// Whoever wrote it is blocked, and is not told.
#[utoipa::path(
    post, path = "/api/conversations/{id}/decline", operation_id = "declineConversation", tag = "chats",
    params(("id" = i64, Path, description = "The conversation.")),
    responses((status = 204, description = "Gone."), Refuses<400>, Refuses<404>, Refuses<409>),
    security(("session" = [])),
)]
pub async fn decline_conversation(state: State, me: Somebody, path: Path) -> Result<StatusCode, Error> {
    if let Some(pair) = chat::decline_request(&state.messaging, me.me(), conversation(&path)?).await? {
        state.live.part(me.caller.workspace, pair).await;
    }
    Ok(StatusCode::NO_CONTENT)
}
