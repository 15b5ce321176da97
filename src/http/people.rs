//! The people of a workspace, and what they are in it.

use axum::Json;
use axum::http::StatusCode;

use super::body::SmallJson;
use super::fields::Fields;
use super::openapi::Refuses;
use super::page::{List, Listing, ORDINARY};
use super::query::{Path, Query};
use super::rights::MayAdmin;
use super::shapes::{Member, PageParams, RoleRequest};
use super::{Error, State};
use crate::auth::{self, SeatError};
use crate::domain::{Address, AddressError, Role, is_username};

/// List the people of the workspace
#[utoipa::path(
    get, path = "/api/members", operation_id = "listMembers", tag = "people", params(PageParams),
    responses((status = 200, description = "A page of people.", body = List<Member>), Refuses<400>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn list_members(state: State, MayAdmin(caller): MayAdmin, query: Query) -> Result<Json<List<Member>>, Error> {
    let listing = Listing::read(&query, ORDINARY, &format!("members of {}", caller.workspace))?;
    let page = auth::list_members(&state.messaging, caller.workspace, listing.request).await?.map(Member::from);
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Give somebody another role
///
/// It counts from their next request on. The last admin stays one.
#[utoipa::path(
    patch, path = "/api/members/{user_name}", operation_id = "changeRole", tag = "people", request_body = RoleRequest,
    params(("user_name" = String, Path, description = "Whose.")),
    responses((status = 200, description = "What they are now.", body = Member), Refuses<400>, Refuses<409>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn change_role(
    state: State,
    MayAdmin(caller): MayAdmin,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<Json<Member>, Error> {
    let mut fields = Fields::json(&body)?;
    let role = role(&mut fields);
    fields.finish()?;
    let role = role.unwrap_or(Role::Member);
    Ok(Json(auth::change_role(&state.messaging, caller, named(&path)?, role).await?.into()))
}

/// Take somebody out of the workspace
///
/// Their sessions reach nothing of it any more. The last admin stays.
#[utoipa::path(
    delete, path = "/api/members/{user_name}", operation_id = "removeMember", tag = "people",
    params(("user_name" = String, Path, description = "Who.")),
    responses((status = 204, description = "They are not in it any more."), Refuses<409>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn remove_member(state: State, MayAdmin(caller): MayAdmin, path: Path) -> Result<StatusCode, Error> {
    auth::remove_member(&state.messaging, caller, named(&path)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whom the path names; what is no username is nobody's.
fn named(path: &Path) -> Result<&str, SeatError> {
    let name = path.text("user_name");
    if is_username(name) { Ok(name) } else { Err(SeatError::NoSuchMember) }
}

/// A role that is wanted.
pub fn role(fields: &mut Fields<'_>) -> Option<Role> {
    let role = fields.choice("role", Role::named, &Role::ALL.map(Role::as_str).join(", "));
    fields.require("role", role)
}

/// Where somebody is reached: by mail or by SMS, one of the two at most.
pub fn reachable(fields: &mut Fields<'_>, state: &State, (email, mobile): (&str, &str)) -> Option<Address> {
    if fields.has(email) && fields.has(mobile) {
        fields.refuse(mobile, "invalid", format!("must not stand beside {email}: one of the two"));
        return None;
    }
    let number = |text: &str| match Address::phone(text, &state.messaging.rules.phone) {
        Ok(number) if number.as_str().starts_with('+') => Ok(number),
        Ok(_) | Err(_) => Err(AddressError::NotAPhone),
    };
    fields.address(email, Address::email).or_else(|| fields.address(mobile, number))
}

/// The URL under which people reach this server.
pub fn base(state: &State) -> Option<&str> {
    state.config.public_url.as_ref().map(url::Url::as_str)
}

impl From<SeatError> for Error {
    fn from(error: SeatError) -> Self {
        match error {
            SeatError::NoSuchMember => Self::not_found("no_such_member", "there is nobody of that name here"),
            SeatError::LastAdmin => {
                Self::new(StatusCode::CONFLICT, "last_admin", "the workspace would be left without an admin")
            }
            SeatError::Store(error) => error.into(),
        }
    }
}
