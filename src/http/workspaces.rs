//! Workspaces, which the server's owner makes, and what each decides, which its admins do.

use axum::Json;
use axum::http::StatusCode;

use super::body::SmallJson;
use super::fields::Fields;
use super::openapi::Refuses;
use super::page::{List, Listing, ORDINARY};
use super::people::{base, reachable};
use super::query::Query;
use super::rights::{MayAdmin, MayOwn};
use super::shapes::{PageParams, SettingsRequest, Workspace, WorkspaceRequest};
use super::{Error, State};
use crate::auth;
use crate::domain::{GroupHistory, QuietHours, QuietHoursChange, Strangers};
use crate::store::SettingsChange;

/// Characters of a workspace's name.
const MAX_NAME: usize = 100;
/// Characters of what is answered to somebody who asks for help.
const MAX_HELP: usize = 480;

/// List the workspaces
///
/// For the server's owner: its operator, and the admins of the first workspace.
#[utoipa::path(
    get, path = "/api/workspaces", operation_id = "listWorkspaces", tag = "people", params(PageParams),
    responses((status = 200, description = "A page of workspaces.", body = List<Workspace>), Refuses<400>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn list_workspaces(state: State, _: MayOwn, query: Query) -> Result<Json<List<Workspace>>, Error> {
    let listing = Listing::read(&query, ORDINARY, "workspaces")?;
    let page = auth::list_workspaces(&state.messaging, listing.request).await?.map(Workspace::from);
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

/// Make a workspace
///
/// For the server's owner. Whoever is named as its admin gets an invitation.
#[utoipa::path(
    post, path = "/api/workspaces", operation_id = "createWorkspace", tag = "people",
    request_body = WorkspaceRequest,
    responses((status = 201, description = "Made.", body = Workspace), Refuses<400>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn create_workspace(
    state: State,
    MayOwn(caller): MayOwn,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Workspace>), Error> {
    let mut fields = Fields::json(&body)?;
    let name = fields.name("name", MAX_NAME);
    let name = fields.require("name", name);
    let admin = reachable(&mut fields, &state, ("admin_email", "admin_mobile"));
    fields.finish()?;
    let wanted = (name.as_deref().unwrap_or_default(), admin.as_ref());
    let made = auth::create_workspace(&state.messaging, caller, wanted, base(&state)).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// What does the workspace decide?
#[utoipa::path(
    get, path = "/api/settings", operation_id = "getSettings", tag = "people",
    responses((status = 200, description = "Its settings.", body = Workspace)),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn get_settings(state: State, MayAdmin(caller): MayAdmin) -> Result<Json<Workspace>, Error> {
    Ok(Json(auth::find_settings(&state.messaging, caller.workspace).await?.into()))
}

/// Quiet hours that mean something, or `null` for none.
fn quiet_hours(fields: &mut Fields<'_>) -> Option<QuietHoursChange> {
    const NAME: &str = "quiet_hours";
    if fields.is_null(NAME) {
        return Some(QuietHoursChange::Clear);
    }
    let hours: QuietHours = fields.has(NAME).then(|| fields.value_of(NAME, "must be {from, until, zone}")).flatten()?;
    if let Err(error) = hours.check() {
        fields.refuse(NAME, "invalid", error.to_string());
    }
    Some(QuietHoursChange::Set(hours))
}

/// Change what the workspace decides
///
/// What is left out stays as it is.
#[utoipa::path(
    patch, path = "/api/settings", operation_id = "changeSettings", tag = "people", request_body = SettingsRequest,
    responses((status = 200, description = "Its settings now.", body = Workspace), Refuses<400>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn change_settings(
    state: State,
    MayAdmin(caller): MayAdmin,
    SmallJson(body): SmallJson,
) -> Result<Json<Workspace>, Error> {
    let mut fields = Fields::json(&body)?;
    let change = SettingsChange {
        name: fields.name("name", MAX_NAME),
        strangers: fields.choice("strangers", Strangers::named, "write, ask, no"),
        group_history: fields.choice("group_history", GroupHistory::named, "joined, all"),
        help_text: fields.text("help_text"),
        quiet_hours: quiet_hours(&mut fields),
    };
    if change.help_text.as_ref().is_some_and(|text| text.chars().count() > MAX_HELP) {
        fields.refuse("help_text", "too_long", format!("must have at most {MAX_HELP} characters"));
    }
    fields.finish()?;
    Ok(Json(auth::change_settings(&state.messaging, caller, change).await?.into()))
}
