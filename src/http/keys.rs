//! API keys: made and shown once, listed, revoked. Each workspace has its own.

use axum::Json;
use axum::http::StatusCode;

use super::body::SmallJson;
use super::fields::Fields;
use super::openapi::Refuses;
use super::page::List;
use super::query::Path;
use super::rights::MayAdmin;
use super::shapes::{Key, KeyMade, KeyRequest};
use super::{Error, State};
use crate::auth::{self, Scope};
use crate::domain::{ApiKeyId, Refusal, Timestamp};

/// Characters of a key's name.
const MAX_NAME: usize = 100;

/// Make an API key
///
/// The key itself is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/api/keys", operation_id = "createKey", tag = "operations", request_body = KeyRequest,
    responses((status = 201, description = "Made.", body = KeyMade), Refuses<400>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn create_key(
    state: State,
    MayAdmin(caller): MayAdmin,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<KeyMade>), Error> {
    let (store, clock) = (&state.messaging.store, &state.messaging.clock);
    let (name, scopes, expires_at) = wanted(Fields::json(&body)?, clock.now())?;
    let (id, key) = auth::create_key(store, clock, caller, (&name, &scopes, expires_at)).await?;
    let scopes = scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    Ok((StatusCode::CREATED, Json(KeyMade { id, name, scopes, expires_at, key })))
}

/// List the workspace's API keys
///
/// With those that have ended; never the keys themselves.
#[utoipa::path(
    get, path = "/api/keys", operation_id = "listKeys", tag = "operations",
    responses((status = 200, description = "Every key.", body = List<Key>)),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn list_keys(state: State, MayAdmin(caller): MayAdmin) -> Result<Json<List<Key>>, Error> {
    let keys = auth::list_keys(&state.messaging.store, caller.workspace).await?;
    Ok(Json(List { data: keys.into_iter().map(Key::from).collect(), next_cursor: None }))
}

/// Revoke an API key
///
/// It opens nothing from now on.
#[utoipa::path(
    delete, path = "/api/keys/{id}", operation_id = "revokeKey", tag = "operations",
    params(("id" = i64, Path, description = "The key.")),
    responses((status = 204, description = "Revoked.")),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn revoke_key(state: State, MayAdmin(caller): MayAdmin, path: Path) -> Result<StatusCode, Error> {
    let id = ApiKeyId(path.id("id")?);
    let was_there = auth::revoke_key(&state.messaging.store, &state.messaging.clock, caller, id).await?;
    let none = || Error::not_found("no_such_key", "there is no such key, or it has ended already");
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(none()) }
}

fn wanted(mut fields: Fields<'_>, now: Timestamp) -> Result<(String, Vec<Scope>, Option<Timestamp>), Refusal> {
    let name = fields.name("name", MAX_NAME);
    let name = fields.require("name", name);
    let scopes = fields.texts("scopes");
    let mut scopes = fields.require("scopes", scopes).unwrap_or_default();
    scopes.sort();
    scopes.dedup();
    let named: Vec<Scope> = scopes.iter().filter_map(|scope| Scope::named(scope)).collect();
    if !fields.is_refused("scopes") && (named.is_empty() || named.len() < scopes.len()) {
        let all = Scope::ALL.map(Scope::as_str).join(", ");
        fields.refuse("scopes", "invalid", format!("must be a list of at least one of: {all}"));
    }
    let expires_at = fields.timestamp("expires_at");
    if expires_at.is_some_and(|at| at <= now) {
        fields.refuse("expires_at", "invalid", "must lie in the future");
    }
    fields.finish()?;
    Ok((name.unwrap_or_default(), named, expires_at))
}
