//! Inviting people, and joining.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};

use super::accounts::{Client, ended};
use super::body::SmallJson;
use super::fields::Fields;
use super::openapi::Refuses;
use super::page::{List, Listing, ORDINARY};
use super::people::{base, reachable, role};
use super::query::{Path, Query};
use super::rights::{MayAdmin, SignedIn};
use super::shapes::{AcceptRequest, Invitation, InvitationRequest, InvitationSent, Joined, PageParams};
use super::{Error, State};
use crate::auth::{self, AcceptError, InviteError};
use crate::domain::{InvitationId, Role};
use crate::messaging::NoticeError;

/// Characters of a token.
const MAX_TOKEN: usize = 200;

/// List invitations
///
/// Newest first, with those that were accepted, taken back, or are over.
#[utoipa::path(
    get, path = "/api/invitations", operation_id = "listInvitations", tag = "people", params(PageParams),
    responses((status = 200, description = "A page of invitations.", body = List<Invitation>), Refuses<400>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn list_invitations(
    state: State,
    MayAdmin(caller): MayAdmin,
    query: Query,
) -> Result<Json<List<Invitation>>, Error> {
    let listing = Listing::read(&query, ORDINARY, &format!("invitations of {}", caller.workspace))?;
    let now = state.messaging.clock.now();
    let page = auth::list_invitations(&state.messaging, caller.workspace, listing.request).await?;
    let page = page.map(|row| Invitation::at(row, now));
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Invite somebody
///
/// They get a link by mail or by SMS, good for 7 days and once.
#[utoipa::path(
    post, path = "/api/invitations", operation_id = "invite", tag = "people", request_body = InvitationRequest,
    responses((status = 201, description = "On its way.", body = InvitationSent), Refuses<400>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn invite(
    state: State,
    MayAdmin(caller): MayAdmin,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<InvitationSent>), Error> {
    let mut fields = Fields::json(&body)?;
    let to = reachable(&mut fields, &state, ("email", "mobile"));
    if to.is_none() && !fields.is_refused("mobile") {
        fields.require::<()>("email", None);
    }
    let role = role(&mut fields);
    fields.finish()?;
    let Some(to) = to else { return Err(Error::invalid_field("email", "required", "is required")) };
    let role = role.unwrap_or(Role::Member);
    let invited = auth::invite(&state.messaging, caller, (&to, role), base(&state)).await?;
    Ok((StatusCode::CREATED, Json(InvitationSent { id: invited.id, role, expires_at: invited.expires_at })))
}

/// Take an invitation back
#[utoipa::path(
    delete, path = "/api/invitations/{id}", operation_id = "revokeInvitation", tag = "people",
    params(("id" = i64, Path, description = "The invitation.")),
    responses((status = 204, description = "Nobody can join by it any more.")),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn revoke_invitation(state: State, MayAdmin(caller): MayAdmin, path: Path) -> Result<StatusCode, Error> {
    let id = InvitationId(path.id("id")?);
    let was_there = auth::revoke_invitation(&state.messaging, caller, id).await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(no_such_invitation()) }
}

/// Accept an invitation
///
/// The session acts in that workspace from now on, under another token.
#[utoipa::path(
    post, path = "/api/invitations/accept", operation_id = "acceptInvitation", tag = "people",
    request_body = AcceptRequest,
    responses((status = 200, description = "Joined.", body = Joined), Refuses<400>, Refuses<404>),
    security(("session" = [])),
)]
pub async fn accept_invitation(
    state: State,
    client: Client,
    SignedIn(session): SignedIn,
    SmallJson(body): SmallJson,
) -> Result<(HeaderMap, Json<Joined>), Error> {
    let mut fields = Fields::json(&body)?;
    let token = fields.name("token", MAX_TOKEN);
    let token = fields.require("token", token);
    fields.finish()?;
    let token = token.unwrap_or_default();
    let (workspace, role, renewed) =
        auth::accept_invitation(&state.messaging, (session.id, session.user), &token).await?;
    let (headers, token) = client.renew(state.mode, &renewed);
    Ok((headers, Json(Joined { workspace: workspace.into(), role, token })))
}

fn no_such_invitation() -> Error {
    Error::not_found("no_such_invitation", "there is no such invitation, or it is used, taken back or over")
}

impl From<AcceptError> for Error {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::NotGood => no_such_invitation(),
            AcceptError::Ended => ended(),
            AcceptError::Store(error) => error.into(),
        }
    }
}

impl From<InviteError> for Error {
    fn from(error: InviteError) -> Self {
        match error {
            InviteError::Notice(NoticeError::NoWay(_)) => {
                Self::new(StatusCode::CONFLICT, "no_provider", "nothing is configured that can carry the invitation")
            }
            InviteError::Notice(NoticeError::Store(error)) | InviteError::Store(error) => error.into(),
            InviteError::Guard(error) => error.into(),
        }
    }
}
