//! Changing what is one's own: names, email, password.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use secrecy::ExposeSecret;

use super::errors::not_changed;
use super::{Client, fields, give, user};
use crate::auth::{self, ABSOLUTE_LIMIT, ProfileWish};
use crate::domain::FieldError;
use crate::http::body::SmallJson;
use crate::http::entrance::Whence;
use crate::http::fields::Fields;
use crate::http::openapi::Refuses;
use crate::http::rights::SignedIn;
use crate::http::shapes::{AccountUser, ConfirmRequest, Done, PasswordDone, PasswordRequest, UpdateRequest};
use crate::http::{Error, State};

/// Change names and email
///
/// Wants a session in which a code was right within the last ten minutes. Names change at once; an email is shown as
/// `pending_email` until the mail that was sent there is confirmed. The mobile never changes.
#[utoipa::path(
    put, path = "/api/users/update", operation_id = "updateUser", tag = "accounts", request_body = UpdateRequest,
    responses(
        (status = 200, description = "As it is now.", body = AccountUser),
        Refuses<400>, Refuses<409>, Refuses<429>,
    ),
    security(("session" = [])),
)]
pub async fn update_user(
    state: State,
    SignedIn(session): SignedIn,
    SmallJson(body): SmallJson,
) -> Result<Json<AccountUser>, Error> {
    let mut fields = Fields::json(&body)?;
    if fields.has("mobile") || fields.has("desired_mobile") {
        return Err(mobile_is_immutable());
    }
    let wish = ProfileWish {
        username: fields::username(&mut fields, ["desired_username", "username"]),
        email: fields::email(&mut fields, ["desired_email", "email"]),
        name: fields::names(&mut fields),
    };
    fields.finish()?;
    let account = auth::change_profile(&state.accounts, &session, wish).await?;
    Ok(Json(user(&account)))
}

fn mobile_is_immutable() -> Error {
    let message = "the mobile of an account never changes";
    Error::new(StatusCode::BAD_REQUEST, "mobile_is_immutable", message).naming(vec![FieldError::new(
        "mobile",
        "immutable",
        message,
    )])
}

/// Change the password
///
/// By a code for `change_password`: in `code`, or entered within the last ten minutes at `verify-code`. Without one
/// it is sent, and the answer is 403. Every other session ends, and this one gets another token.
#[utoipa::path(
    patch, path = "/api/users/update-password", operation_id = "updatePassword", tag = "accounts",
    request_body = PasswordRequest,
    responses((status = 200, description = "Changed.", body = PasswordDone), Refuses<400>, Refuses<429>),
    security(("session" = [])),
)]
pub async fn update_password(
    state: State,
    client: Client,
    SignedIn(session): SignedIn,
    Whence(origin): Whence,
    SmallJson(body): SmallJson,
) -> Result<(HeaderMap, Json<PasswordDone>), Error> {
    let mut fields = Fields::json(&body)?;
    let (name, password) = fields::password(&mut fields, &["desired_password", "new_password", "password"]);
    let code = fields::code(&mut fields);
    let errors = fields.into_errors();
    let (Some(password), true) = (password, errors.is_empty()) else { return Err(errors.into()) };
    let changed = auth::change_password(&state.accounts.asked_from(origin), &session, (password, code)).await;
    let changed = changed.map_err(|error| not_changed(error, name))?;
    let (headers, token) = give(state.mode, &changed.token, client.is_bearer, ABSOLUTE_LIMIT);
    let message = "the password is changed, and every other session has ended".to_owned();
    Ok((headers, Json(PasswordDone { message, token })))
}

/// Confirm an email address
///
/// By the token that stands behind the `#` of the mail's link. It needs no session.
#[utoipa::path(
    post, path = "/api/auth/confirm-email", operation_id = "confirmEmail", tag = "accounts",
    request_body = ConfirmRequest,
    responses((status = 200, description = "Confirmed.", body = Done), Refuses<400>, Refuses<409>, Refuses<503>),
)]
pub async fn confirm_email(state: State, SmallJson(body): SmallJson) -> Result<Json<Done>, Error> {
    let mut fields = Fields::json(&body)?;
    let token = fields::token(&mut fields, "token");
    let errors = fields.into_errors();
    let (Some(token), true) = (token, errors.is_empty()) else { return Err(errors.into()) };
    auth::confirm_email(&state.accounts, token.expose_secret()).await?;
    Ok(Json(Done { message: "the email address is confirmed".to_owned() }))
}
