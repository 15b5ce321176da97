//! A forgotten password.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use std::convert::Infallible;

use super::{fields, with_cookie};
use crate::auth::{self, PENDING_LIFE};
use crate::http::body::SmallJson;
use crate::http::entrance::Whence;
use crate::http::fields::Fields;
use crate::http::openapi::Refuses;
use crate::http::shapes::{Done, RecoverRequest, RecoveryBegun, RecoveryRequest};
use crate::http::{Error, State, cookie};

/// The token of a recovery, as its cookie or as a bearer token.
#[derive(Debug)]
pub struct RecoveryToken(Option<SecretString>);

impl FromRequestParts<State> for RecoveryToken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Infallible> {
        let bearer = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let cookie = || cookie::find(&parts.headers, cookie::recovery_name(state.mode));
        Ok(Self(bearer.map(str::to_owned).or_else(cookie).map(SecretString::from)))
    }
}

/// Begin to recover a forgotten password
///
/// A code goes to the mobile and a token to the mailbox of the account, if there is one; the answer is the same for
/// everybody. The recovery itself is a cookie of its own, or `token` for a client that says so.
#[utoipa::path(
    post, path = "/api/auth/recover", operation_id = "recover", tag = "accounts", request_body = RecoverRequest,
    responses((status = 202, description = "Begun.", body = RecoveryBegun), Refuses<400>, Refuses<429>, Refuses<503>),
)]
pub async fn recover(
    state: State,
    Whence(origin): Whence,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, HeaderMap, Json<RecoveryBegun>), Error> {
    let mut fields = Fields::json(&body)?;
    let login = fields::login(&mut fields);
    let is_bearer = fields::is_bearer(&mut fields);
    let errors = fields.into_errors();
    let (Some(login), true) = (login, errors.is_empty()) else { return Err(errors.into()) };
    let token = auth::recover(&state.accounts.asked_from(origin), &login).await?;
    let name = cookie::recovery_name(state.mode);
    let (headers, token) = if is_bearer {
        (HeaderMap::new(), Some(token.expose_secret().to_owned()))
    } else {
        (with_cookie(&cookie::given_as(name, state.mode, token.expose_secret(), PENDING_LIFE)), None)
    };
    let message = "if there is such an account, a code went to its mobile and a mail to its address".to_owned();
    Ok((StatusCode::ACCEPTED, headers, Json(RecoveryBegun { message, token })))
}

/// Set a new password
///
/// With the code of the text and the token of the mail, both. Every session of the account ends, and an account that
/// was locked is open again.
#[utoipa::path(
    post, path = "/api/auth/recover/complete", operation_id = "completeRecovery", tag = "accounts",
    request_body = RecoveryRequest,
    responses(
        (status = 200, description = "Recovered.", body = Done),
        Refuses<400>, Refuses<401>, Refuses<429>, Refuses<503>,
    ),
)]
pub async fn complete_recovery(
    state: State,
    RecoveryToken(recovery): RecoveryToken,
    SmallJson(body): SmallJson,
) -> Result<(HeaderMap, Json<Done>), Error> {
    let mut fields = Fields::json(&body)?;
    let code = fields::code(&mut fields);
    let code = fields.require("code", code);
    let mail_token = fields::token(&mut fields, "mail_token");
    let (_, password) = fields::password(&mut fields, &["new_password"]);
    let errors = fields.into_errors();
    let (Some(code), Some(mail_token), Some(password), true) = (code, mail_token, password, errors.is_empty()) else {
        return Err(errors.into());
    };
    auth::complete_recovery(&state.accounts, recovery.as_ref(), (&code, &mail_token), password).await?;
    let removed = cookie::removed_as(cookie::recovery_name(state.mode), state.mode);
    let message = "the password is changed, and every session has ended; sign in with it".to_owned();
    Ok((with_cookie(&removed), Json(Done { message })))
}
