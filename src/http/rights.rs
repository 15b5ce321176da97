//! Being allowed is a type: a handler that takes one of these does not run without it.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::body::{JsonOrForm, LargeJson};
use super::entrance::{Entrance, Whence};
use super::limiter::Asker;
use super::{Error, Mode, State, cookie, webhooks};
use crate::auth::{self, KeyHolder, Origin, SESSION_PREFIX, Scope, Session};
use crate::config::ProviderConfig;
use crate::domain::{Caller, Role, Timestamp, UserId, Who, WorkspaceId};
use crate::fault::is_sabotaged;
use crate::signature::{self, Claim, SigningKey};

const CHALLENGE: &str = "Bearer realm=\"switchboard\"";
/// What a session's refusals ask for.
pub const SESSION_CHALLENGE: &str = "Bearer realm=\"switchboard sessions\"";
const WEBHOOK_CHALLENGE: &str = "Bearer realm=\"switchboard webhooks\", Basic realm=\"switchboard webhooks\"";

/// May send from the workspace's numbers and mailboxes, and decide what becomes of it: an agent, or a key that sends.
#[derive(Debug)]
pub struct MaySend(pub Caller);

/// May write in conversations of their own: anybody who is signed in, or a key that sends.
#[derive(Debug)]
pub struct MayWrite(pub Caller);

/// May read what they see: anybody who is signed in, or a key that reads.
#[derive(Debug)]
pub struct MayRead(pub Caller);

/// May read what belongs to the workspace's numbers and mailboxes as a whole: an agent, or a key that reads.
#[derive(Debug)]
pub struct MayOversee(pub WorkspaceId);

/// May do everything: an admin, or a key for that.
#[derive(Debug)]
pub struct MayAdmin(pub Caller);

/// May do what is about the server as a whole: whoever owns it, which is its operator and the admins of the default
/// workspace.
#[derive(Debug)]
pub struct MayOwn(pub Caller);

/// May read metrics, which are those of the server as a whole: its owner, or a key of theirs for that.
#[derive(Debug)]
pub struct MayScrape;

/// A person who is signed in, in `dev` too; pending sessions do not count.
#[derive(Debug)]
pub struct SignedIn(pub Session);

/// A person in their workspace, in `dev` too: for what only somebody can do who is somebody.
#[derive(Debug)]
pub struct Somebody {
    /// As whom they call.
    pub caller: Caller,
    /// Who they are.
    pub user: UserId,
}

impl Somebody {
    /// Both, as the use cases of people take them.
    pub fn me(&self) -> (&Caller, UserId) {
        (&self.caller, self.user)
    }
}

/// Anybody with a session, pending or not.
#[derive(Debug)]
pub struct HasSession(pub Session);

/// A session, if there is one; what is sent and not good counts as none.
#[derive(Debug)]
pub struct MaybeSession(pub Option<Session>);

/// An outside service that tells us something.
#[derive(Debug)]
pub struct Webhook {
    /// Whose messages it tells of.
    pub workspace: WorkspaceId,
    /// Which provider showed its secret, or signed with it; absent from the local operator.
    pub provider: Option<String>,
}

/// What an outside service tells us, once it is known which one: it shows its secret, or signs the body with it.
#[derive(Debug)]
pub struct Told<B> {
    /// Who tells.
    pub webhook: Webhook,
    /// What.
    pub body: B,
}

impl FromRequestParts<State> for MaySend {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        caller(parts, state, Scope::MessagesSend, Role::Agent).await.map(Self)
    }
}

impl FromRequestParts<State> for MayWrite {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        caller(parts, state, Scope::MessagesSend, Role::Member).await.map(Self)
    }
}

impl FromRequestParts<State> for MayRead {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        caller(parts, state, Scope::MessagesRead, Role::Member).await.map(Self)
    }
}

impl FromRequestParts<State> for MayOversee {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        caller(parts, state, Scope::MessagesRead, Role::Agent).await.map(|caller| Self(caller.workspace))
    }
}

impl FromRequestParts<State> for MayAdmin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        caller(parts, state, Scope::Admin, Role::Admin).await.map(Self)
    }
}

impl FromRequestParts<State> for MayOwn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        caller(parts, state, Scope::Admin, Role::Admin).await.and_then(owner).map(Self)
    }
}

impl FromRequestParts<State> for MayScrape {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        caller(parts, state, Scope::MetricsRead, Role::Admin).await.and_then(owner).map(|_| Self)
    }
}

impl FromRequestParts<State> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        let HasSession(session) = HasSession::from_request_parts(parts, state).await?;
        if session.is_verified { Ok(Self(session)) } else { Err(not_verified()) }
    }
}

impl FromRequestParts<State> for Somebody {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        let SignedIn(session) = SignedIn::from_request_parts(parts, state).await?;
        let caller = by_session(&session, Role::Member)?;
        Ok(Self { caller, user: session.user })
    }
}

impl FromRequestParts<State> for HasSession {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        match identify(parts, state).await? {
            Some(Identity::Session(session)) => Ok(Self(session)),
            Some(Identity::Key(_)) => Err(session_required()),
            None => Err(Error::unauthorized(SESSION_CHALLENGE, "sign in first")),
        }
    }
}

impl FromRequestParts<State> for MaybeSession {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Error> {
        let Some(token) = session_token(parts, state) else { return Ok(Self(None)) };
        Ok(Self(auth::authenticate_session(&state.messaging.store, &state.messaging.clock, &token).await?))
    }
}

impl<B> FromRequest<State> for Told<B>
where
    B: FromRequest<State, Rejection = Error> + AsRef<[u8]>,
{
    type Rejection = Error;

    async fn from_request(request: Request, state: &State) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let told = |provider: Option<String>, body| Self {
            webhook: Webhook { workspace: WorkspaceId::DEFAULT, provider },
            body,
        };
        let read = |parts| B::from_request(Request::from_parts(parts, body), state);
        let provider = match credentials(&parts.headers) {
            Credentials::None if is_signed(&parts) => {
                let headers = parts.headers.clone();
                let origin = Whence::of(&parts.extensions);
                let now = state.messaging.clock.now();
                let has_signer = state.config.providers.iter().any(|provider| !signing_keys(provider).is_empty());
                let claim = claim(&headers, now)
                    .filter(|_| has_signer)
                    .ok_or_else(|| unproven(state, origin, WEBHOOK_CHALLENGE))?;
                let body = read(parts).await?;
                let provider = signer_of(&claim, body.as_ref(), &state.config.providers);
                return provider
                    .map(|name| told(Some(name), body))
                    .ok_or_else(|| unproven(state, origin, WEBHOOK_CHALLENGE));
            }
            Credentials::None if is_local(&parts) => None,
            Credentials::None => return Err(Error::unauthorized(WEBHOOK_CHALLENGE, "a webhook secret is wanted")),
            Credentials::Bearer(secret) | Credentials::Password(secret) => {
                let provider = provider_of(&secret, &state.config.providers).ok_or_else(wrong_secret)?;
                Some(provider.to_owned())
            }
            Credentials::Unreadable => return Err(wrong_secret()),
        };
        Ok(told(provider, read(parts).await?))
    }
}

impl AsRef<[u8]> for LargeJson {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for JsonOrForm {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

fn wrong_secret() -> Error {
    Error::unauthorized(WEBHOOK_CHALLENGE, "this is no provider's webhook secret")
}

/// A signature that proves nothing is counted against where it came from; one that is good is not.
pub fn unproven(state: &State, origin: Origin, challenge: &str) -> Error {
    match state.limiter.take(Asker::Origin(origin), state.messaging.clock.now()) {
        Err(after) if state.mode == Mode::Serve => Error::too_many(after),
        Ok(()) | Err(_) => Error::unauthorized(challenge, "this is no provider's signature of this body at this time"),
    }
}

fn is_signed(parts: &Parts) -> bool {
    parts.headers.contains_key(signature::SIGNATURE)
}

/// What the three headers claim, each of them there once.
fn claim(headers: &HeaderMap, now: Timestamp) -> Option<Claim<'_>> {
    let only = |name| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none())?.to_str().ok()
    };
    Claim::read((only(signature::ID)?, only(signature::TIMESTAMP)?, only(signature::SIGNATURE)?), now)
}

fn signing_keys(provider: &ProviderConfig) -> Vec<SigningKey> {
    provider.webhook_secrets().filter_map(|secret| SigningKey::read(secret.expose()).ok()).collect()
}

/// The provider whose secret signed this body.
fn signer_of(claim: &Claim<'_>, body: &[u8], providers: &[ProviderConfig]) -> Option<String> {
    let signer = providers.iter().find(|provider| claim.is_proven(&signing_keys(provider), body));
    signer.map(|provider| provider.name.clone())
}

/// Who showed credentials.
#[derive(Clone)]
enum Identity {
    Key(KeyHolder),
    Session(Session),
}

/// Whose request it is, once somebody asked.
#[derive(Clone)]
struct Identified(Result<Option<Identity>, Error>);

/// Finds out whose request it is, and keeps it for the extractors; nobody, when it is a provider that shows its secret:
/// what it tells us may not be refused, and it is counted by no budget. A signature is proven with the body, and counted
/// there when it is not good.
pub async fn identify_once(parts: &mut Parts, state: &State) -> Option<Asker> {
    let is_provider = match credentials(&parts.headers) {
        Credentials::Bearer(secret) | Credentials::Password(secret) => {
            provider_of(&secret, &state.config.providers).is_some()
        }
        Credentials::None => (is_signed(parts) && takes_signatures(parts)) || webhooks::is_signed(parts),
        Credentials::Unreadable => false,
    };
    if is_provider { None } else { Some(remember(parts, state).await) }
}

/// Whether it is for one of the paths whose handlers take [`Told`].
fn takes_signatures(parts: &Parts) -> bool {
    let path = parts.uri.path();
    path.starts_with("/api/webhooks/") || path == "/api/receive-sms"
}

async fn remember(parts: &mut Parts, state: &State) -> Asker {
    let identified = look_up(parts, state).await;
    let asker = match &identified {
        Ok(Some(Identity::Key(holder))) => Asker::Key(holder.id),
        Ok(Some(Identity::Session(session))) => Asker::Session(session.id),
        Ok(None) | Err(_) => Asker::Origin(Whence::of(&parts.extensions)),
    };
    parts.extensions.insert(Identified(identified));
    asker
}

/// Whoever the credentials name; none were sent when there is nobody. Credentials that are sent always win, also over
/// being local: those that are not good are refused.
async fn identify(parts: &Parts, state: &State) -> Result<Option<Identity>, Error> {
    match parts.extensions.get::<Identified>() {
        Some(Identified(identified)) => identified.clone(),
        None => look_up(parts, state).await,
    }
}

async fn look_up(parts: &Parts, state: &State) -> Result<Option<Identity>, Error> {
    let token = match credentials(&parts.headers) {
        Credentials::None => session_cookie(&parts.headers, state.mode),
        Credentials::Bearer(token) => Some(token),
        Credentials::Password(_) | Credentials::Unreadable => return Err(wrong_key()),
    };
    let Some(token) = token else { return Ok(None) };
    let (store, clock) = (&state.messaging.store, &state.messaging.clock);
    if token.starts_with(SESSION_PREFIX) {
        let session = auth::authenticate_session(store, clock, &token).await?;
        return session.map(|session| Some(Identity::Session(session))).ok_or_else(|| session_ended(state.mode));
    }
    let holder = auth::authenticate_key(store, clock, &token).await?;
    holder.map(|holder| Some(Identity::Key(holder))).ok_or_else(wrong_key)
}

/// Who calls, when they may: a key by its scope, a person by what they are in their workspace.
async fn caller(parts: &Parts, state: &State, scope: Scope, least: Role) -> Result<Caller, Error> {
    match identify(parts, state).await? {
        None if is_local(parts) => Ok(Caller::operator(WorkspaceId::DEFAULT)),
        None => Err(Error::unauthorized(CHALLENGE, "an API key or a session is wanted")),
        Some(Identity::Key(holder)) => by_key(&holder, scope),
        Some(Identity::Session(session)) => by_session(&session, least),
    }
}

fn owner(caller: Caller) -> Result<Caller, Error> {
    if caller.workspace == WorkspaceId::DEFAULT {
        return Ok(caller);
    }
    let detail = "this is for the server's owner: an admin of its first workspace";
    Err(Error::new(StatusCode::FORBIDDEN, "not_the_owner", detail))
}

fn by_key(holder: &KeyHolder, scope: Scope) -> Result<Caller, Error> {
    if holder.may(scope) {
        return Ok(Caller { workspace: holder.workspace, who: Who::Key(holder.id) });
    }
    let name = scope.as_str();
    let challenge = format!("{CHALLENGE}, error=\"insufficient_scope\", scope=\"{name}\"");
    Err(Error::new(StatusCode::FORBIDDEN, "insufficient_scope", format!("this key lacks the scope {name}"))
        .with_header(WWW_AUTHENTICATE, &challenge))
}

fn by_session(session: &Session, least: Role) -> Result<Caller, Error> {
    if !session.is_verified {
        return Err(not_verified());
    }
    let caller = session.caller().ok_or_else(|| {
        Error::new(StatusCode::FORBIDDEN, "no_workspace", "you are in no workspace; somebody must invite you")
    })?;
    match caller.who {
        Who::User(_, role) if role < least => {
            let wanted = least.as_str();
            Err(Error::new(
                StatusCode::FORBIDDEN,
                "insufficient_role",
                format!("this is for {wanted}s of the workspace"),
            ))
        }
        Who::User(..) | Who::Operator | Who::Key(_) => Ok(caller),
    }
}

/// 403: only somebody with an account can do that.
pub fn session_required() -> Error {
    Error::new(StatusCode::FORBIDDEN, "session_required", "this is for people; a key has no account")
}

fn wrong_key() -> Error {
    let challenge = format!("{CHALLENGE}, error=\"invalid_token\"");
    Error::unauthorized(&challenge, "this API key is unknown, revoked or expired")
}

/// The cookie goes with the session, so that a browser is not kept out by one that has ended.
fn session_ended(mode: Mode) -> Error {
    Error::unauthorized(SESSION_CHALLENGE, "this session has ended; sign in again")
        .with_header(SET_COOKIE, &cookie::removed(mode))
}

fn not_verified() -> Error {
    let detail = "the code that was sent has not been entered yet";
    Error::new(StatusCode::UNAUTHORIZED, "verification_required", detail)
        .with_header(WWW_AUTHENTICATE, SESSION_CHALLENGE)
}

fn session_token(parts: &Parts, state: &State) -> Option<String> {
    match credentials(&parts.headers) {
        Credentials::None => session_cookie(&parts.headers, state.mode),
        Credentials::Bearer(token) => Some(token),
        Credentials::Password(_) | Credentials::Unreadable => None,
    }
}

fn session_cookie(headers: &HeaderMap, mode: Mode) -> Option<String> {
    cookie::find(headers, cookie::session_name(mode))
}

/// Whether it is the local operator of `dev` who asks.
pub fn is_local(parts: &Parts) -> bool {
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
        for wanted in provider.webhook_secrets().filter(|secret| !secret.expose().is_empty()) {
            let is_same: Choice = given.as_slice().ct_eq(Sha256::digest(wanted.expose().as_bytes()).as_slice());
            if (bool::from(is_same) || is_sabotaged("secret_off")) && found.is_none() {
                found = Some(provider.name.as_str());
            }
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
