//! Signing up, in and out.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::{Client, fields, give, pending_code, user, with_cookie};
use crate::auth::{self, ABSOLUTE_LIMIT, PENDING_LIFE, SignUp};
use crate::domain::{Address, CodePurpose, PhoneRules, Refusal};
use crate::http::body::SmallJson;
use crate::http::entrance::Whence;
use crate::http::fields::Fields;
use crate::http::openapi::Refuses;
use crate::http::rights::{HasSession, MaybeSession};
use crate::http::shapes::{
    CodeRequest, CodeSent, LoginRequest, SignInBegun, SignInDone, SignUpRequest, UserMade, VerifyRequest,
};
use crate::http::{Error, State, cookie};

/// Sign up
///
/// A session begins that waits for the code that was sent to the mobile; an account whose mobile is not verified
/// within 24 hours is dropped. A mail asks to confirm the address.
#[utoipa::path(
    post, path = "/api/users", operation_id = "createUser", tag = "accounts", request_body = SignUpRequest,
    responses(
        (status = 201, description = "Made.", body = UserMade),
        Refuses<400>, Refuses<409>, Refuses<429>, Refuses<503>,
    ),
)]
pub async fn create_user(
    state: State,
    client: Client,
    Whence(origin): Whence,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, HeaderMap, Json<UserMade>), Error> {
    let (wish, is_bearer) = wish(Fields::json(&body)?, &state.messaging.rules.phone, client.name)?;
    let started = auth::sign_up(&state.accounts.asked_from(origin), wish).await?;
    let (headers, token) = give(state.mode, &started.token, is_bearer, PENDING_LIFE);
    let account = user(&started.account);
    let made = UserMade {
        id: account.id,
        username: account.username,
        email: account.email,
        mobile: account.mobile,
        name: account.name,
        verification: pending_code(&started.verification),
        token,
    };
    Ok((StatusCode::CREATED, headers, Json(made)))
}

fn wish(mut fields: Fields<'_>, phone: &PhoneRules, client: String) -> Result<(SignUp, bool), Refusal> {
    let username = fields::username(&mut fields, ["username", "user_name"]);
    let username = fields.require("username", username);
    let email = fields::email(&mut fields, ["email", "email"]);
    let email = fields.require("email", email);
    let mobile = fields::mobile(&mut fields, phone);
    let mobile = fields.require("mobile", mobile);
    let (_, password) = fields::password(&mut fields, &["password"]);
    let (first_name, last_name) = fields::names(&mut fields).unwrap_or_default();
    let is_bearer = fields::is_bearer(&mut fields);
    let invitation = fields.has("invitation").then(|| fields::token(&mut fields, "invitation")).flatten();
    let errors = fields.into_errors();
    match (username, email, mobile, password) {
        (Some(username), Some(email), Some(mobile), Some(password)) if errors.is_empty() => {
            Ok((SignUp { username, email, mobile, password, first_name, last_name, client, invitation }, is_bearer))
        }
        _ => Err(errors),
    }
}

/// Sign in
///
/// By username or email, and password. The session waits for its code: by SMS, or by the person's own device, and
/// then `channel` is `totp`. Unknown people are answered as a wrong password is, after the same time.
#[utoipa::path(
    post, path = "/api/auth/login", operation_id = "login", tag = "accounts", request_body = LoginRequest,
    responses(
        (status = 200, description = "The password is right.", body = SignInBegun),
        Refuses<400>, Refuses<401>, Refuses<429>, Refuses<503>,
    ),
)]
pub async fn login(
    state: State,
    client: Client,
    Whence(origin): Whence,
    SmallJson(body): SmallJson,
) -> Result<(HeaderMap, Json<SignInBegun>), Error> {
    let mut fields = Fields::json(&body)?;
    let login = fields::login(&mut fields);
    let (_, password) = fields::password(&mut fields, &["password"]);
    let is_bearer = fields::is_bearer(&mut fields);
    let errors = fields.into_errors();
    let (Some(login), Some(password), true) = (login, password, errors.is_empty()) else {
        return Err(errors.into());
    };
    let started = auth::login(&state.accounts.asked_from(origin), &login, password, &client.name).await?;
    let (headers, token) = give(state.mode, &started.token, is_bearer, PENDING_LIFE);
    let account = user(&started.account);
    let begun = SignInBegun {
        id: account.id,
        username: account.username,
        email: account.email,
        verification: pending_code(&started.verification),
        token,
    };
    Ok((headers, Json(begun)))
}

/// Ask for a code
///
/// By SMS to the account's mobile, no sooner than 30 seconds after the last one, and at most five in ten minutes. It
/// takes the place of the one before it. A session that waits for its code may ask for one to sign in alone.
#[utoipa::path(
    post, path = "/api/auth/send-code", operation_id = "sendCode", tag = "accounts", request_body = CodeRequest,
    responses((status = 202, description = "On its way.", body = CodeSent), Refuses<400>, Refuses<429>),
    security(("session" = [])),
)]
pub async fn send_code(
    state: State,
    HasSession(session): HasSession,
    Whence(origin): Whence,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<CodeSent>), Error> {
    let mut fields = Fields::json(&body)?;
    let purpose = purpose(&mut fields);
    fields.finish()?;
    let verification = auth::send_code(&state.accounts.asked_from(origin), &session, purpose).await?;
    Ok((StatusCode::ACCEPTED, Json(CodeSent { verification: pending_code(&verification) })))
}

/// Enter a code
///
/// When it is right the session counts from now on, or its rights rise for ten minutes, and it gets another token. A
/// code is looked at five times. To sign in, a code of the person's own device or a recovery code does as well.
#[utoipa::path(
    post, path = "/api/auth/verify-code", operation_id = "verifyCode", tag = "accounts", request_body = VerifyRequest,
    responses((status = 200, description = "It is right.", body = SignInDone), Refuses<400>, Refuses<429>),
    security(("session" = [])),
)]
pub async fn verify_code(
    state: State,
    client: Client,
    HasSession(session): HasSession,
    SmallJson(body): SmallJson,
) -> Result<(HeaderMap, Json<SignInDone>), Error> {
    let mut fields = Fields::json(&body)?;
    let code = fields::code(&mut fields);
    let code = fields.require("code", code);
    let purpose = purpose(&mut fields);
    let mobile = mobile_said(&mut fields, &state.messaging.rules.phone);
    let errors = fields.into_errors();
    let (Some(code), true) = (code, errors.is_empty()) else { return Err(errors.into()) };
    let verified = auth::verify_code(&state.accounts, &session, purpose, (&code, mobile.as_ref())).await?;
    let (headers, token) = give(state.mode, &verified.token, client.is_bearer, ABSOLUTE_LIMIT);
    let message = "2FA completed successfully".to_owned();
    Ok((headers, Json(SignInDone { message, user: user(&verified.account), token })))
}

/// The mobile that a client believes to be the account's.
fn mobile_said(fields: &mut Fields<'_>, rules: &PhoneRules) -> Option<Address> {
    fields.address("mobile", |text| Address::phone(text, rules))
}

fn purpose(fields: &mut Fields<'_>) -> CodePurpose {
    let all = CodePurpose::ASKED.map(CodePurpose::as_str).join(", ");
    fields.choice("purpose", CodePurpose::asked, &all).unwrap_or(CodePurpose::Login)
}

/// Sign out
///
/// The session ends at once. Without one there is nothing to end, and the answer is the same.
#[utoipa::path(
    post, path = "/api/auth/logout", operation_id = "logout", tag = "accounts",
    responses((status = 204, description = "Signed out.")),
    security((), ("session" = [])),
)]
pub async fn logout(state: State, MaybeSession(session): MaybeSession) -> Result<(StatusCode, HeaderMap), Error> {
    if let Some(session) = session {
        let m = &state.messaging;
        auth::end_session(&m.store, &m.clock, session.user, session.id).await?;
    }
    let mut headers = with_cookie(&cookie::removed(state.mode));
    headers.insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok((StatusCode::NO_CONTENT, headers))
}
