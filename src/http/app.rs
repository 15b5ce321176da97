//! What a client must know of the server before it can show anything.

use axum::Json;
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;

use super::rights::{MayWrite, SignedIn};
use super::shapes::{AppInfo, RunMode, SignUp};
use super::{Error, Mode, State};
use crate::domain::{Address, Role, Who};

/// Say how this server runs
///
/// For clients that show pages: in which mode the server runs, who may sign up, what the caller is, and, to somebody who
/// may send, from where.
#[utoipa::path(
    get, path = "/api/app", operation_id = "getApp", tag = "documents",
    responses((status = 200, description = "How it runs.", body = AppInfo)),
    security((), ("session" = [])),
)]
pub async fn get_app(
    state: State,
    person: Result<SignedIn, Error>,
    caller: Result<MayWrite, Error>,
) -> (HeaderMap, Json<AppInfo>) {
    let forget = caller.as_ref().err().and_then(Error::cookie).map(|cookie| (SET_COOKIE, cookie.clone()));
    let caller = caller.ok().map(|MayWrite(caller)| caller);
    let rules = &state.messaging.rules;
    let shown = |address: &Address| address.as_str().to_owned();
    let role = caller.and_then(|caller| match caller.who {
        Who::User(_, role) => Some(role),
        Who::Operator => Some(Role::Admin),
        Who::Key(_) => None,
    });
    let sends_for = caller.filter(|_| role != Some(Role::Member)).map(|caller| caller.workspace);
    let info = AppInfo {
        version: env!("CARGO_PKG_VERSION"),
        mode: match state.mode {
            Mode::Dev { .. } => RunMode::Dev,
            Mode::Serve => RunMode::Serve,
        },
        is_operator: caller.is_some_and(|caller| caller.who == Who::Operator),
        user_id: person.ok().map(|SignedIn(session)| session.user),
        workspace_id: caller.map(|caller| caller.workspace),
        role,
        sign_up: if state.accounts.settings.is_open { SignUp::Open } else { SignUp::Invited },
        default_sender: sends_for.and_then(|workspace| rules.default_sender_of(workspace)).map(shown),
        senders: sends_for.map_or_else(Vec::new, |workspace| rules.senders_of(workspace).map(shown).collect()),
        default_country: state.config.default_country.clone(),
        max_segments: rules.limits.segments,
    };
    (forget.into_iter().collect(), Json(info))
}
