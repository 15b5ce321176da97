//! A person's sessions: which there are, and ending them.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};

use super::{Client, ended, user};
use crate::auth::{self, SwitchError};
use crate::domain::{SessionId, WorkspaceId};
use crate::http::body::SmallJson;
use crate::http::fields::Fields;
use crate::http::openapi::Refuses;
use crate::http::page::List;
use crate::http::query::Path;
use crate::http::rights::{MaybeSession, SignedIn};
use crate::http::shapes::{Authenticated, SessionEntry, SwitchRequest, Switched};
use crate::http::{Error, State};

/// Say who is signed in
#[utoipa::path(
    get, path = "/api/auth/authenticated", operation_id = "getAuthenticated", tag = "accounts",
    responses((status = 200, description = "Who, if anybody.", body = Authenticated)),
    security((), ("session" = [])),
)]
pub async fn get_authenticated(
    state: State,
    MaybeSession(session): MaybeSession,
) -> Result<Json<Authenticated>, Error> {
    let Some(session) = session.filter(|session| session.is_verified) else {
        return Ok(Json(Authenticated { authenticated: false, user: None, workspace_id: None }));
    };
    let account = auth::find_account(&state.accounts, session.user).await?;
    let workspace_id = account.as_ref().and(session.seat).map(|(workspace, _)| workspace);
    Ok(Json(Authenticated { authenticated: account.is_some(), user: account.as_ref().map(user), workspace_id }))
}

/// List one's own sessions
#[utoipa::path(
    get, path = "/api/auth/sessions", operation_id = "listSessions", tag = "accounts",
    responses((status = 200, description = "All of them, the newest first.", body = List<SessionEntry>)),
    security(("session" = [])),
)]
pub async fn list_sessions(state: State, SignedIn(session): SignedIn) -> Result<Json<List<SessionEntry>>, Error> {
    let m = &state.messaging;
    let rows = auth::list_sessions(&m.store, &m.clock, session.user).await?;
    let entry = |row: crate::store::SessionRow| SessionEntry {
        id: row.id,
        client: row.client,
        created_at: row.created_at,
        seen_at: row.seen_at,
        ends_at: row.ends_at,
        is_current: row.id == session.id,
    };
    Ok(Json(List { data: rows.into_iter().map(entry).collect(), next_cursor: None }))
}

/// End every other session of one's own
#[utoipa::path(
    delete, path = "/api/auth/sessions", operation_id = "endOtherSessions", tag = "accounts",
    responses((status = 204, description = "Ended.")),
    security(("session" = [])),
)]
pub async fn end_other_sessions(state: State, SignedIn(session): SignedIn) -> Result<StatusCode, Error> {
    auth::end_other_sessions(&state.messaging.store, &state.messaging.clock, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End a session of one's own
#[utoipa::path(
    delete, path = "/api/auth/sessions/{id}", operation_id = "endSession", tag = "accounts",
    params(("id" = i64, Path, description = "The session.")),
    responses((status = 204, description = "Ended."), Refuses<400>, Refuses<404>),
    security(("session" = [])),
)]
pub async fn end_session(state: State, SignedIn(session): SignedIn, path: Path) -> Result<StatusCode, Error> {
    let m = &state.messaging;
    let was_there = auth::end_session(&m.store, &m.clock, session.user, SessionId(path.id("id")?)).await?;
    if was_there {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Error::not_found("no_such_session", "you have no such session"))
}

/// Act in another workspace
///
/// The session goes on under another token.
#[utoipa::path(
    post, path = "/api/auth/switch-workspace", operation_id = "switchWorkspace", tag = "accounts",
    request_body = SwitchRequest,
    responses((status = 200, description = "From now on.", body = Switched), Refuses<400>, Refuses<404>),
    security(("session" = [])),
)]
pub async fn switch_workspace(
    state: State,
    client: Client,
    SignedIn(session): SignedIn,
    SmallJson(body): SmallJson,
) -> Result<(HeaderMap, Json<Switched>), Error> {
    let mut fields = Fields::json(&body)?;
    let id: Option<i64> =
        fields.has("workspace_id").then(|| fields.value_of("workspace_id", "must be an integer")).flatten();
    let id = fields.require("workspace_id", id);
    fields.finish()?;
    let workspace = WorkspaceId(id.unwrap_or_default());
    let m = &state.messaging;
    let renewed = auth::switch_workspace(&m.store, &m.clock, &session, workspace).await?;
    let (headers, token) = client.renew(state.mode, &renewed);
    Ok((headers, Json(Switched { message: "this session acts in that workspace now".to_owned(), token })))
}

impl From<SwitchError> for Error {
    fn from(error: SwitchError) -> Self {
        match error {
            SwitchError::NoSeat => Self::not_found("no_such_workspace", "you have no seat in such a workspace"),
            SwitchError::Ended => ended(),
            SwitchError::Store(error) => error.into(),
        }
    }
}
