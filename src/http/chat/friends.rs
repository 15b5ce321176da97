//! Friends, and people one wants nothing of.

use axum::Json;
use axum::http::StatusCode;

use super::groups::person;
use super::user_name;
use crate::domain::Relation;
use crate::http::body::SmallJson;
use crate::http::fields::Fields;
use crate::http::openapi::Refuses;
use crate::http::page::{List, Listing, ORDINARY};
use crate::http::query::{Path, Query};
use crate::http::rights::Somebody;
use crate::http::shapes::{FriendState, PageParams, PersonRequest};
use crate::http::{Error, State};
use crate::messaging::chat::{self, Friend, FriendRequest};

fn listing(query: &Query, me: &Somebody, name: &str) -> Result<Listing, Error> {
    Listing::read(query, ORDINARY, &format!("{name} of {} in {}", me.user, me.caller.workspace))
}

/// List one's friends
///
/// The newest first.
#[utoipa::path(
    get, path = "/api/friends", operation_id = "listFriends", tag = "chats", params(PageParams),
    responses((status = 200, description = "A page of friends.", body = List<Friend>), Refuses<400>),
    security(("session" = [])),
)]
pub async fn list_friends(state: State, me: Somebody, query: Query) -> Result<Json<List<Friend>>, Error> {
    let listing = listing(&query, &me, "friends")?;
    let page = chat::list_friends(&state.messaging, me.me(), listing.request).await?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Ask somebody to be friends
///
/// When they have asked already, this accepts.
#[utoipa::path(
    post, path = "/api/friends", operation_id = "askFriend", tag = "chats", request_body = PersonRequest,
    responses((status = 200, description = "Asked, or friends.", body = FriendState), Refuses<400>, Refuses<404>),
    security(("session" = [])),
)]
pub async fn ask_friend(state: State, me: Somebody, SmallJson(body): SmallJson) -> Result<Json<FriendState>, Error> {
    let user_name = person(Fields::json(&body)?)?;
    let relation = chat::ask_friend(&state.messaging, me.me(), &user_name).await?;
    Ok(Json(FriendState { user_name, state: relation }))
}

/// End a friendship, or take one's own request back
#[utoipa::path(
    delete, path = "/api/friends/{user_name}", operation_id = "deleteFriend", tag = "chats",
    params(("user_name" = String, Path, description = "Who.")),
    responses((status = 204, description = "Ended."), Refuses<400>, Refuses<404>),
    security(("session" = [])),
)]
pub async fn delete_friend(state: State, me: Somebody, path: Path) -> Result<StatusCode, Error> {
    chat::unfriend(&state.messaging, me.me(), user_name(&path)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Accept somebody's request to be friends
///
/// A stranger's message that waits to be taken on is taken on with it.
#[utoipa::path(
    post, path = "/api/friends/{user_name}/accept", operation_id = "acceptFriend", tag = "chats",
    params(("user_name" = String, Path, description = "Who asked.")),
    responses((status = 200, description = "Friends.", body = FriendState), Refuses<400>, Refuses<404>),
    security(("session" = [])),
)]
pub async fn accept_friend(state: State, me: Somebody, path: Path) -> Result<Json<FriendState>, Error> {
    let name = user_name(&path)?;
    chat::answer_friend(&state.messaging, me.me(), name, true).await?;
    Ok(Json(FriendState { user_name: name.to_owned(), state: Relation::Friends }))
}

/// Decline somebody's request to be friends
#[utoipa::path(
    post, path = "/api/friends/{user_name}/decline", operation_id = "declineFriend", tag = "chats",
    params(("user_name" = String, Path, description = "Who asked.")),
    responses((status = 204, description = "Declined."), Refuses<400>, Refuses<404>),
    security(("session" = [])),
)]
pub async fn decline_friend(state: State, me: Somebody, path: Path) -> Result<StatusCode, Error> {
    chat::answer_friend(&state.messaging, me.me(), user_name(&path)?, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List who asks to be friends, and whom one asks
///
/// The newest first.
#[utoipa::path(
    get, path = "/api/friend-requests", operation_id = "listFriendRequests", tag = "chats", params(PageParams),
    responses((status = 200, description = "A page of requests.", body = List<FriendRequest>), Refuses<400>),
    security(("session" = [])),
)]
pub async fn list_friend_requests(
    state: State,
    me: Somebody,
    query: Query,
) -> Result<Json<List<FriendRequest>>, Error> {
    let listing = listing(&query, &me, "friend requests")?;
    let page = chat::list_friend_requests(&state.messaging, me.me(), listing.request).await?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// List whom one has blocked
///
/// The newest first.
#[utoipa::path(
    get, path = "/api/blocks", operation_id = "listBlocks", tag = "chats", params(PageParams),
    responses((status = 200, description = "A page of people.", body = List<Friend>), Refuses<400>),
    security(("session" = [])),
)]
pub async fn list_blocks(state: State, me: Somebody, query: Query) -> Result<Json<List<Friend>>, Error> {
    let listing = listing(&query, &me, "blocks")?;
    let page = chat::list_blocked(&state.messaging, me.me(), listing.request).await?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Block somebody
///
/// Neither can write to the other any more, and neither is told why.
#[utoipa::path(
    put, path = "/api/blocks/{user_name}", operation_id = "blockPerson", tag = "chats",
    params(("user_name" = String, Path, description = "Whom.")),
    responses((status = 204, description = "Blocked."), Refuses<400>, Refuses<404>),
    security(("session" = [])),
)]
pub async fn block_person(state: State, me: Somebody, path: Path) -> Result<StatusCode, Error> {
    if let Some(pair) = chat::block(&state.messaging, me.me(), user_name(&path)?).await? {
        state.live.part(me.caller.workspace, pair).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Hear somebody again
#[utoipa::path(
    delete, path = "/api/blocks/{user_name}", operation_id = "unblockPerson", tag = "chats",
    params(("user_name" = String, Path, description = "Whom.")),
    responses((status = 204, description = "Not blocked."), Refuses<400>, Refuses<404>),
    security(("session" = [])),
)]
pub async fn unblock_person(state: State, me: Somebody, path: Path) -> Result<StatusCode, Error> {
    chat::unblock(&state.messaging, me.me(), user_name(&path)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
