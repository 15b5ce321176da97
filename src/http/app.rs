//! What a client must know of the server before it can show anything.

use axum::Json;
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;

use super::rights::MaySend;
use super::shapes::{AppInfo, RunMode, SignUp};
use super::{Error, Mode, State};
use crate::domain::{Address, Who};

/// Say how this server runs
///
/// For clients that show pages: in which mode the server runs, who may sign up, and, to somebody who may send, as whom
/// they send when they name no sender.
#[utoipa::path(
    get, path = "/api/app", operation_id = "getApp", tag = "documents",
    responses((status = 200, description = "How it runs.", body = AppInfo)),
    security((), ("session" = [])),
)]
pub async fn get_app(state: State, caller: Result<MaySend, Error>) -> (HeaderMap, Json<AppInfo>) {
    let forget = caller.as_ref().err().and_then(Error::cookie).map(|cookie| (SET_COOKIE, cookie.clone()));
    let caller = caller.ok().map(|MaySend(caller)| caller);
    let rules = &state.messaging.rules;
    let shown = |address: &Address| address.as_str().to_owned();
    let workspace = caller.as_ref().map(|caller| caller.workspace);
    let info = AppInfo {
        version: env!("CARGO_PKG_VERSION"),
        mode: match state.mode {
            Mode::Dev { .. } => RunMode::Dev,
            Mode::Serve => RunMode::Serve,
        },
        is_operator: caller.is_some_and(|caller| caller.who == Who::Operator),
        sign_up: if state.accounts.settings.is_open { SignUp::Open } else { SignUp::Invited },
        default_sender: workspace.and_then(|workspace| rules.default_sender_of(workspace)).map(shown),
        default_country: state.config.default_country.clone(),
        max_segments: rules.limits.segments,
    };
    (forget.into_iter().collect(), Json(info))
}
