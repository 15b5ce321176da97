//! What was done to accounts, keys, members and settings, for admins.

use std::collections::HashMap;

use axum::Json;

use super::openapi::Refuses;
use super::page::{List, Listing, ORDINARY};
use super::query::Query;
use super::rights::MayAdmin;
use super::shapes::{AuditEntry, AuditParams, PageParams};
use super::{Error, State};
use crate::auth;
use crate::domain::UserId;
use crate::store::{AuditFilter, AuditRow};

/// Characters of a filter.
const MAX_FILTER: usize = 64;

/// List what was done
///
/// Newest first. People stand there by their ids, with the usernames that they have now.
#[utoipa::path(
    get, path = "/api/audit", operation_id = "listAudit", tag = "people", params(AuditParams, PageParams),
    responses((status = 200, description = "A page of acts.", body = List<AuditEntry>), Refuses<400>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn list_audit(
    state: State,
    MayAdmin(caller): MayAdmin,
    query: Query,
) -> Result<Json<List<AuditEntry>>, Error> {
    let filter = AuditFilter { actor: query.text("actor", MAX_FILTER)?, action: query.text("action", MAX_FILTER)? };
    let identity = format!("audit of {}, {:?}, {:?}", caller.workspace, filter.actor, filter.action);
    let listing = Listing::read(&query, ORDINARY, &identity)?;
    let (page, names) = auth::list_audit(&state.messaging, caller.workspace, filter, listing.request).await?;
    let page = page.map(|row| entry(row, &names));
    Ok(Json(List { next_cursor: listing.cursor(page.next), data: page.data }))
}

fn entry(row: AuditRow, names: &HashMap<UserId, String>) -> AuditEntry {
    let name = |text: &str| auth::person_in(text).and_then(|id| names.get(&id).cloned());
    AuditEntry {
        id: row.id,
        at: row.at,
        actor_name: name(&row.actor),
        target_name: name(&row.target),
        actor: row.actor,
        action: row.action,
        target: row.target,
        data: row.data.0,
    }
}
