//! What a service shows to prove that it is the one whose name stands in the path: a signature of its own kind.
//!
//! In `dev` the local operator needs none, but one that is shown must be good.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::super::entrance::Whence;
use super::super::limiter::Asker;
use super::super::rights::{is_local, unproven};
use super::super::{Error, Mode, State};
use crate::auth::Origin;
use crate::config::{ProviderConfig, ProviderKind};
use crate::provider::{sendgrid, twilio};

const CHALLENGE: &str = "Signature realm=\"switchboard webhooks\"";

/// What was shown, and by whom it claims to be.
#[derive(Debug)]
pub struct Shown<'a, const N: usize> {
    /// Whose it must be.
    pub provider: &'a ProviderConfig,
    /// The headers that prove it; absent from the local operator.
    pub headers: Option<[String; N]>,
    origin: Origin,
}

impl<'a, const N: usize> Shown<'a, N> {
    /// What a request shows for a provider of a kind.
    pub fn read(
        parts: &Parts,
        state: &'a State,
        (name, kind): (&str, ProviderKind),
        headers: [&str; N],
    ) -> Result<Self, Error> {
        let origin = Whence::of(&parts.extensions);
        let provider = state.config.providers.iter().find(|provider| provider.name == name && provider.kind == kind);
        let is_bare = !headers.iter().any(|header| parts.headers.contains_key(*header));
        if is_bare && is_local(parts) && !parts.headers.contains_key(AUTHORIZATION) {
            let missing = || Error::not_found("no_such_provider", "no provider of this kind has this name");
            return Ok(Self { provider: provider.ok_or_else(missing)?, headers: None, origin });
        }
        if is_bare {
            return Err(Error::unauthorized(CHALLENGE, "the service's signature is wanted"));
        }
        let refused = || unproven(state, origin, CHALLENGE);
        let provider = provider.ok_or_else(refused)?;
        let shown: Vec<String> = headers.iter().filter_map(|header| only(parts, header)).collect();
        Ok(Self { provider, headers: Some(shown.try_into().map_err(|_| refused())?), origin })
    }

    /// Reads a body that nobody has proven yet: what is wrong with it is counted against where it came from.
    pub async fn body<B>(&self, parts: Parts, body: Body, state: &State) -> Result<B, Error>
    where
        B: FromRequest<State, Rejection = Error>,
    {
        let read = B::from_request(Request::from_parts(parts, body), state).await;
        read.map_err(|error| match state.limiter.take(Asker::Origin(self.origin), state.messaging.clock.now()) {
            Err(after) if self.headers.is_some() && state.mode == Mode::Serve => Error::too_many(after),
            Ok(()) | Err(_) => error,
        })
    }

    /// What it gets whose signature is not good.
    pub fn unproven(&self, state: &State) -> Error {
        unproven(state, self.origin, CHALLENGE)
    }
}

/// Whether a request brings a service's own signature to where it is looked at.
pub fn is_signed(parts: &Parts) -> bool {
    let path = parts.uri.path();
    let has = |header: &str| parts.headers.contains_key(header);
    (path.starts_with(super::twilio::PATH) && has(twilio::SIGNATURE))
        || (path.starts_with(super::sendgrid::PATH) && path.ends_with("/events") && has(sendgrid::SIGNATURE))
}

/// A header that is there once.
fn only(parts: &Parts, name: &str) -> Option<String> {
    let mut values = parts.headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok().map(str::to_owned)
}
