//! What waits for somebody to look: dead letters, and the quarantine.

use axum::Json;
use axum::http::StatusCode;

use super::openapi::Refuses;
use super::page::{List, Listing, ORDINARY};
use super::query::{Path, Query};
use super::rights::{MayAdmin, MayOversee};
use super::shapes::{PageParams, Released};
use super::webhooks::{self, Hook, Outcome};
use super::{Error, State, mails};
use crate::domain::{Message, QuarantineId, Refusal};
use crate::messaging::{self, Quarantined};

/// List dead letters
///
/// Messages that were given up, newest first, each with its `status_reason`.
#[utoipa::path(
    get, path = "/api/dead-letters", operation_id = "listDeadLetters", tag = "operations", params(PageParams),
    responses((status = 200, description = "A page of messages.", body = List<Message>), Refuses<400>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_dead_letters(
    state: State,
    MayOversee(workspace): MayOversee,
    query: Query,
) -> Result<Json<List<Message>>, Error> {
    let listing = Listing::read(&query, ORDINARY, &format!("dead letters of {workspace}"))?;
    let page = messaging::list_dead_letters(&state.messaging, workspace, listing.request).await?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// List the quarantine
///
/// Inbound bodies that could not be understood, newest first.
#[utoipa::path(
    get, path = "/api/quarantine", operation_id = "listQuarantine", tag = "operations", params(PageParams),
    responses((status = 200, description = "A page of bodies.", body = List<Quarantined>), Refuses<400>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn list_quarantine(
    state: State,
    MayOversee(workspace): MayOversee,
    query: Query,
) -> Result<Json<List<Quarantined>>, Error> {
    let listing = Listing::read(&query, ORDINARY, &format!("quarantine of {workspace}"))?;
    let page = messaging::list_quarantine(&state.messaging, workspace, listing.request).await?;
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Read a quarantined body again
///
/// By the very code of the webhook it came to; what can be understood now is taken in and let go.
#[utoipa::path(
    post, path = "/api/quarantine/{id}/replay", operation_id = "replayQuarantined", tag = "operations",
    params(("id" = i64, Path, description = "The quarantined body.")),
    responses((status = 200, description = "Taken in.", body = Released), Refuses<400>, Refuses<404>, Refuses<409>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn replay_quarantined(state: State, MayAdmin(caller): MayAdmin, path: Path) -> Result<Json<Released>, Error> {
    let (workspace, id) = (caller.workspace, QuarantineId(path.id("id")?));
    let found = messaging::find_quarantined(&state.messaging, workspace, id).await?;
    let found = found.ok_or_else(no_such_body)?;
    let outcome = if let Some(source) = mails::Source::of_path(&found.path) {
        mails::take_in(&state, (workspace, None), source, found.bytes.into()).await?
    } else {
        let hook = Hook::of_path(&found.path).ok_or_else(|| still_unreadable(Refusal::new()))?;
        webhooks::take_in(&state, (workspace, None), hook, &found.bytes).await?
    };
    let released = match outcome {
        Outcome::Received(message) => Released { message: Some(*message), result: None },
        Outcome::Recorded(result) => Released { message: None, result: Some(result) },
        Outcome::Unmatched(_) => return Err(still_unreadable(webhooks::unmatched())),
        Outcome::Unreadable(errors) => return Err(still_unreadable(errors)),
    };
    messaging::release_quarantined(&state.messaging, caller, id, "quarantined.replayed").await?;
    Ok(Json(released))
}

/// Throw a quarantined body away
#[utoipa::path(
    delete, path = "/api/quarantine/{id}", operation_id = "deleteQuarantined", tag = "operations",
    params(("id" = i64, Path, description = "The quarantined body.")),
    responses((status = 204, description = "Gone."), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn delete_quarantined(state: State, MayAdmin(caller): MayAdmin, path: Path) -> Result<StatusCode, Error> {
    let id = QuarantineId(path.id("id")?);
    let was_there = messaging::release_quarantined(&state.messaging, caller, id, "quarantined.deleted").await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(no_such_body()) }
}

fn no_such_body() -> Error {
    Error::not_found("no_such_quarantined_body", "there is no such body in quarantine")
}

fn still_unreadable(errors: Refusal) -> Error {
    let detail = "the body can still not be understood, or its message is still not known";
    Error::new(StatusCode::CONFLICT, "still_unreadable", detail).naming(errors)
}
