//! Contract D: accounts with a code by SMS as the second factor.
//!
//! A browser gets its session as a cookie. A client that says `"client": "bearer"` where a session begins gets the
//! token in the answer's `token` instead, and whoever calls with a bearer token gets each new one the same way.

pub mod change;
mod errors;
mod fields;
pub mod recovery;
pub mod second_factor;
pub mod sessions;
pub mod sign_in;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, SET_COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::shapes::{AccountUser, CodeChannel, PendingCode};
use super::{Mode, State, cookie};
use crate::auth::{Account, Channel, Renewed, Verification};

pub use self::errors::ended;

/// Characters of a client's own name that are kept.
const CLIENT_NAME: usize = 200;

/// What a client is, and how it carries its session.
#[derive(Debug)]
pub struct Client {
    /// As it calls itself; may be empty.
    name: String,
    /// Whether it carries its session as a bearer token.
    is_bearer: bool,
}

impl FromRequestParts<State> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Infallible> {
        let name = parts.headers.get(USER_AGENT).and_then(|name| name.to_str().ok()).unwrap_or_default();
        let name = name.chars().take(CLIENT_NAME).collect();
        Ok(Self { name, is_bearer: parts.headers.contains_key(AUTHORIZATION) })
    }
}

impl Client {
    /// Gives the new token of a session that goes on, as it carried the one before.
    pub fn renew(&self, mode: Mode, renewed: &Renewed) -> (HeaderMap, Option<String>) {
        give(mode, &renewed.token, self.is_bearer, renewed.life)
    }
}

/// Gives a session's token: as a cookie, or to be put into the answer.
fn give(mode: Mode, token: &SecretString, is_bearer: bool, life: Duration) -> (HeaderMap, Option<String>) {
    if is_bearer {
        return (HeaderMap::new(), Some(token.expose_secret().to_owned()));
    }
    (with_cookie(&cookie::given(mode, token.expose_secret(), life)), None)
}

fn with_cookie(cookie: &str) -> HeaderMap {
    HeaderValue::from_str(cookie).map(|value| HeaderMap::from_iter([(SET_COOKIE, value)])).unwrap_or_default()
}

fn pending_code(verification: &Verification) -> PendingCode {
    let channel = match verification.channel {
        Channel::Sms => CodeChannel::Sms,
        Channel::Totp => CodeChannel::Totp,
    };
    PendingCode { channel, to: verification.to.clone(), expires_at: verification.expires_at }
}

fn user(account: &Account) -> AccountUser {
    let row = &account.row;
    AccountUser {
        id: row.id,
        username: row.username.clone(),
        email: account.email.as_str().to_owned(),
        email_verified: row.email_verified_at.is_some(),
        pending_email: account.pending_email.as_ref().map(|email| email.as_str().to_owned()),
        mobile: account.mobile.as_str().to_owned(),
        name: account.name(),
        first_name: row.first_name.clone(),
        last_name: row.last_name.clone(),
        mfa: row.has_second_factor(),
        totp: row.totp_since.is_some(),
        created_at: row.created_at,
        modified_at: row.modified_at,
    }
}
