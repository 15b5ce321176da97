//! Routes, extractors, JSON shapes, and errors to status codes.
//!
//! Handlers are thin: they read a request, call one use case of [`crate::messaging`], and write what it gave.

mod accounts;
mod app;
mod attachments;
mod audit;
mod body;
mod budget;
mod chat;
mod consents;
mod contacts;
mod conversations;
mod conversations_change;
mod cookie;
mod documents;
mod draft;
mod entrance;
mod error;
mod fields;
mod idempotency;
mod invitations;
mod keys;
mod limiter;
mod lists;
mod live;
mod mails;
mod messages;
mod observe;
mod openapi;
mod operations;
mod overview;
mod page;
mod patience;
mod people;
mod places;
mod providers;
mod query;
mod rights;
mod serve;
pub mod shapes;
mod simulator;
mod sms_service;
mod tag;
mod team;
mod web;
mod web_form;
mod webhook_endpoints;
mod webhooks;
mod workspaces;

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::csrf::CsrfLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::error::{Error, Problem};
pub use self::limiter::Limiter;
pub use self::serve::{Limits, serve};
pub use self::web::WebApp;
use crate::auth::Accounts;
use crate::config::Config;
use crate::egress::Egress;
use crate::live::Live;
use crate::messaging::{Messaging, Overviews};
use crate::provider::{Board, Simulator};

/// How the server was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On this machine, for whoever sits at it: a request from loopback needs no credentials.
    Dev {
        /// Whether every peer counts as loopback, because the only way in is a port published there.
        published_on_loopback: bool,
    },
    /// For the world: everything needs credentials.
    Serve,
}

/// What handlers work with. Cheap to clone: every layer and every extractor of a request does.
#[derive(Debug, Clone)]
pub struct State(Arc<Shared>);

/// The same, to be put together.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The use cases' own: the store, the clock and the rules.
    pub messaging: Messaging,
    /// What the use cases of accounts work with.
    pub accounts: Accounts,
    /// The configuration.
    pub config: Arc<Config>,
    /// How the server was started.
    pub mode: Mode,
    /// The simulated carrier, in `dev`.
    pub simulator: Option<Arc<Simulator>>,
    /// Where customers' endpoints may be.
    pub egress: Egress,
    /// Uploads that may be read at once.
    pub uploads: Arc<Semaphore>,
    /// Mails that may be.
    pub mails: Arc<Semaphore>,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
    /// How often everybody has asked.
    pub limiter: Arc<Limiter>,
    /// How the providers are doing.
    pub board: Board,
    /// The web app.
    pub web: Arc<WebApp>,
    /// Everybody who listens.
    pub live: Live,
    /// How workspaces were doing a moment ago.
    pub overviews: Arc<Overviews>,
}

impl From<Shared> for State {
    fn from(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for State {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl FromRequestParts<Self> for State {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &Self) -> Result<Self, Infallible> {
        Ok(state.clone())
    }
}

/// Every route, behind everything that all of them share.
pub fn router(state: State) -> Router {
    let (router, description) = routes().split_for_parts();
    let documents = documents::Documents::of(&openapi::complete(description));
    let mut router = router
        .merge(documents::swagger_ui())
        .layer(Extension(Arc::new(documents)))
        .fallback(web::serve)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(tag::watch));
    if !state.config.allowed_origins.is_empty() {
        router = router.layer(cors(&state.config));
    }
    if state.mode == Mode::Serve {
        if state.limiter.is_on() {
            router = router.layer(from_fn_with_state(state.clone(), budget::watch));
        }
        router = router.layer(same_site(&state.config));
    }
    router
        .layer(from_fn_with_state(state.clone(), entrance::watch))
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(from_fn_with_state(state.clone(), observe::observe))
        .with_state(state)
}

/// The description of the API, as `switchboard openapi` prints it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    openapi::complete(routes().into_openapi())
}

fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(openapi::beginning())
        .routes(routes!(messages::send_sms))
        .routes(routes!(messages::send_email))
        .routes(routes!(messages::send_batch))
        .routes(routes!(messages::get_message))
        .routes(routes!(messages::get_timeline))
        .routes(routes!(messages::cancel_message))
        .routes(routes!(messages::replay_message))
        .routes(routes!(conversations::list_conversations))
        .routes(routes!(conversations::get_conversation, conversations_change::change_conversation))
        .routes(routes!(conversations::list_messages, conversations::reply))
        .merge(team::routes())
        .routes(routes!(attachments::upload_attachment))
        .routes(routes!(attachments::get_attachment))
        .routes(routes!(attachments::get_linked_attachment))
        .merge(chat::routes())
        .merge(webhooks::routes())
        .merge(mails::routes())
        .routes(routes!(consents::list_consents, consents::change_consent))
        .routes(routes!(consents::export_consents))
        .routes(routes!(consents::get_unsubscribe, consents::unsubscribe))
        .merge(live::routes())
        .merge(contacts::routes())
        .routes(routes!(lists::list_dead_letters))
        .routes(routes!(lists::list_quarantine))
        .routes(routes!(lists::replay_quarantined))
        .routes(routes!(lists::delete_quarantined))
        .routes(routes!(web_form::send_message))
        .routes(routes!(web_form::list_sent_texts))
        .routes(routes!(sms_service::send_sms))
        .routes(routes!(sms_service::receive_sms))
        .routes(routes!(sms_service::get_phone_history))
        .routes(routes!(simulator::get_chaos, simulator::set_chaos))
        .routes(routes!(simulator::list_handsets))
        .routes(routes!(simulator::get_handset))
        .routes(routes!(simulator::write_on_handset))
        .routes(routes!(simulator::rehearse))
        .routes(routes!(keys::list_keys, keys::create_key))
        .routes(routes!(keys::revoke_key))
        .merge(webhook_endpoints::routes())
        .routes(routes!(workspaces::list_workspaces, workspaces::create_workspace))
        .routes(routes!(workspaces::get_settings, workspaces::change_settings))
        .routes(routes!(people::list_members))
        .routes(routes!(people::change_role, people::remove_member))
        .routes(routes!(invitations::list_invitations, invitations::invite))
        .routes(routes!(invitations::accept_invitation))
        .routes(routes!(invitations::revoke_invitation))
        .routes(routes!(audit::list_audit))
        .routes(routes!(overview::get_overview))
        .routes(routes!(providers::list_providers))
        .routes(routes!(providers::pause_provider))
        .routes(routes!(providers::resume_provider))
        .routes(routes!(accounts::sign_in::create_user))
        .routes(routes!(accounts::sign_in::login))
        .routes(routes!(accounts::sign_in::send_code))
        .routes(routes!(accounts::sign_in::verify_code))
        .routes(routes!(accounts::sign_in::logout))
        .routes(routes!(accounts::sessions::get_authenticated))
        .routes(routes!(accounts::sessions::list_sessions, accounts::sessions::end_other_sessions))
        .routes(routes!(accounts::sessions::end_session))
        .routes(routes!(accounts::sessions::list_own_workspaces))
        .routes(routes!(accounts::sessions::switch_workspace))
        .routes(routes!(accounts::change::update_user))
        .routes(routes!(accounts::change::update_password))
        .routes(routes!(accounts::change::confirm_email))
        .routes(routes!(accounts::recovery::recover))
        .routes(routes!(accounts::recovery::complete_recovery))
        .routes(routes!(accounts::second_factor::begin_totp, accounts::second_factor::remove_totp))
        .routes(routes!(accounts::second_factor::confirm_totp))
        .routes(routes!(accounts::second_factor::make_recovery_codes))
        .routes(routes!(operations::get_health))
        .routes(routes!(operations::get_ready))
        .routes(routes!(operations::get_metrics))
        .routes(routes!(app::get_app))
        .routes(routes!(documents::get_start))
        .routes(routes!(documents::get_openapi_json))
        .routes(routes!(documents::get_openapi_yaml))
}

async fn method_not_allowed() -> Error {
    Error::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "there is something here, but not for this method")
}

/// Refuses what another site's page makes a browser send with its cookies; the rejection itself is worded by
/// [`observe`]. Programs send neither of the headers that tell, and are not touched. In `dev` [`entrance`] decides.
fn same_site(config: &Config) -> CsrfLayer {
    let public = config.public_url.as_ref().map(|url| url.origin().ascii_serialization());
    let origins = config.allowed_origins.iter().cloned().chain(public);
    let trusting = |layer: CsrfLayer, origin: String| layer.clone().add_trusted_origin(origin).unwrap_or(layer);
    origins.fold(CsrfLayer::new(), trusting)
}

fn cors(config: &Config) -> CorsLayer {
    let origins: Vec<HeaderValue> =
        config.allowed_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static(idempotency::HEADER),
            observe::REQUEST_ID,
        ])
        .expose_headers([header::LINK, header::RETRY_AFTER, observe::REQUEST_ID])
        .max_age(Duration::from_mins(10))
}
