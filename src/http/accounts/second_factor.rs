//! What stands in for a code by SMS: a device of one's own, and recovery codes.

use axum::Json;
use axum::http::StatusCode;
use secrecy::ExposeSecret;

use super::fields;
use crate::auth;
use crate::http::body::SmallJson;
use crate::http::fields::Fields;
use crate::http::openapi::Refuses;
use crate::http::rights::SignedIn;
use crate::http::shapes::{Done, RecoveryCodes, TotpRequest, TotpSecret};
use crate::http::{Error, State};

/// Begin to set a device
///
/// Gives a secret, once: as text, as a link, and as a picture. Wants a session in which a code was right within the
/// last ten minutes.
#[utoipa::path(
    post, path = "/api/auth/totp", operation_id = "beginTotp", tag = "accounts",
    responses((status = 201, description = "The secret.", body = TotpSecret), Refuses<409>),
    security(("session" = [])),
)]
pub async fn begin_totp(state: State, SignedIn(session): SignedIn) -> Result<(StatusCode, Json<TotpSecret>), Error> {
    let begun = auth::begin_totp(&state.accounts, &session).await?;
    let secret = TotpSecret { secret: begun.secret, url: begun.url, qr_svg: begun.qr_svg };
    Ok((StatusCode::CREATED, Json(secret)))
}

/// Set a device
///
/// With a code that it shows. From now on its codes sign in.
#[utoipa::path(
    post, path = "/api/auth/totp/confirm", operation_id = "confirmTotp", tag = "accounts", request_body = TotpRequest,
    responses((status = 200, description = "Set.", body = Done), Refuses<400>, Refuses<409>, Refuses<429>),
    security(("session" = [])),
)]
pub async fn confirm_totp(
    state: State,
    SignedIn(session): SignedIn,
    SmallJson(body): SmallJson,
) -> Result<Json<Done>, Error> {
    let mut fields = Fields::json(&body)?;
    let code = fields::code(&mut fields);
    let code = fields.require("code", code);
    let errors = fields.into_errors();
    let (Some(code), true) = (code, errors.is_empty()) else { return Err(errors.into()) };
    auth::confirm_totp(&state.accounts, &session, code.expose_secret()).await?;
    Ok(Json(Done { message: "codes of this device sign you in from now on".to_owned() }))
}

/// Remove a device
///
/// Codes come by SMS again. Wants a session in which a code was right within the last ten minutes.
#[utoipa::path(
    delete, path = "/api/auth/totp", operation_id = "removeTotp", tag = "accounts",
    responses((status = 204, description = "Removed."), Refuses<409>),
    security(("session" = [])),
)]
pub async fn remove_totp(state: State, SignedIn(session): SignedIn) -> Result<StatusCode, Error> {
    auth::remove_totp(&state.accounts, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make recovery codes
///
/// Ten, each good for one sign-in in the place of a code, shown once. Those before them are void.
#[utoipa::path(
    post, path = "/api/auth/recovery-codes", operation_id = "makeRecoveryCodes", tag = "accounts",
    responses((status = 201, description = "The codes.", body = RecoveryCodes)),
    security(("session" = [])),
)]
pub async fn make_recovery_codes(
    state: State,
    SignedIn(session): SignedIn,
) -> Result<(StatusCode, Json<RecoveryCodes>), Error> {
    let codes = auth::make_recovery_codes(&state.accounts, &session).await?;
    let codes = codes.iter().map(|code| code.expose_secret().to_owned()).collect();
    Ok((StatusCode::CREATED, Json(RecoveryCodes { codes })))
}
