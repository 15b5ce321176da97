//! Providers: how each is doing, and holding one back. For the server's owner, since all workspaces share them.

use axum::Json;

use super::openapi::Refuses;
use super::page::List;
use super::query::Path;
use super::rights::{MayOwn, MayScrape};
use super::shapes::{
    BreakerState, LaneName, Provider, ProviderBreaker, ProviderLimits, ProviderQueue, ProviderState, RecentAttempts,
    kind_name,
};
use super::{Error, State};
use crate::config::ProviderConfig;
use crate::domain::Channel;
use crate::messaging::{self, Messaging};
use crate::provider::{RECENT, simulator};
use crate::store::{PauseRow, Phase, Queue};

const LANES: [(i64, LaneName); 3] = [(0, LaneName::Codes), (1, LaneName::Single), (2, LaneName::Bulk)];

/// What the configuration says of a provider.
struct Said {
    name: String,
    kind: &'static str,
    channels: Vec<Channel>,
    limits: ProviderLimits,
}

/// How are the providers doing?
///
/// In the order of the configuration. For the server's owner: its operator, the admins of the first workspace, and keys
/// of it with `metrics:read`.
#[utoipa::path(
    get, path = "/api/providers", operation_id = "listProviders", tag = "operations",
    responses((status = 200, description = "Every provider.", body = List<Provider>)),
    security((), ("api_key" = ["metrics:read"]), ("session" = [])),
)]
pub async fn list_providers(state: State, _: MayScrape) -> Result<Json<List<Provider>>, Error> {
    Ok(Json(List { data: show_all(&state, said(&state)).await?, next_cursor: None }))
}

/// Hold a provider back
///
/// Nothing more is handed to it, on any server within about a second; what waits for it goes to the next provider of its
/// route, where there is one. It stays so until somebody lets it go on.
#[utoipa::path(
    post, path = "/api/providers/{name}/pause", operation_id = "pauseProvider", tag = "operations",
    params(("name" = String, Path, description = "The provider's name in the configuration.")),
    responses((status = 200, description = "Held back, now or before.", body = Provider), Refuses<404>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn pause_provider(state: State, MayOwn(caller): MayOwn, path: Path) -> Result<Json<Provider>, Error> {
    let said = find(&state, path.text("name"))?;
    messaging::pause_provider(&state.messaging, &caller, &said.name).await?;
    state.board.of(&said.name).pause(true);
    show_one(&state, said).await
}

/// Let a provider go on
#[utoipa::path(
    post, path = "/api/providers/{name}/resume", operation_id = "resumeProvider", tag = "operations",
    params(("name" = String, Path, description = "The provider's name in the configuration.")),
    responses((status = 200, description = "It goes on, now or before.", body = Provider), Refuses<404>),
    security((), ("api_key" = ["admin"]), ("session" = [])),
)]
pub async fn resume_provider(state: State, MayOwn(caller): MayOwn, path: Path) -> Result<Json<Provider>, Error> {
    let said = find(&state, path.text("name"))?;
    messaging::resume_provider(&state.messaging, &caller, &said.name).await?;
    state.board.of(&said.name).pause(false);
    show_one(&state, said).await
}

fn find(state: &State, name: &str) -> Result<Said, Error> {
    let found = said(state).into_iter().find(|said| said.name == name);
    found.ok_or_else(|| Error::not_found("no_such_provider", "the configuration has no provider of that name"))
}

fn said(state: &State) -> Vec<Said> {
    let of = |provider: &ProviderConfig| Said {
        name: provider.name.clone(),
        kind: kind_name(provider.kind),
        channels: provider.channels.clone(),
        limits: ProviderLimits {
            max_per_second: provider.max_per_second,
            max_in_flight: provider.max_in_flight,
            timeout_ms: Some(provider.timeout_ms),
        },
    };
    let simulated = state.simulator.as_ref().map(|_| Said {
        name: simulator::NAME.to_owned(),
        kind: simulator::NAME,
        channels: vec![Channel::Sms, Channel::Mms, Channel::Email],
        limits: ProviderLimits {
            max_per_second: simulator::PER_SECOND,
            max_in_flight: u32::try_from(simulator::IN_FLIGHT).unwrap_or(u32::MAX),
            timeout_ms: None,
        },
    });
    state.config.providers.iter().map(of).chain(simulated).collect()
}

async fn show_one(state: &State, said: Said) -> Result<Json<Provider>, Error> {
    let shown = show_all(state, vec![said]).await?.pop();
    shown.map(Json).ok_or_else(|| Error::not_found("no_such_provider", "there is no such provider"))
}

async fn show_all(state: &State, said: Vec<Said>) -> Result<Vec<Provider>, Error> {
    let m: &Messaging = &state.messaging;
    let queues = messaging::list_provider_queues(m).await?;
    let pauses = messaging::list_provider_pauses(m).await?;
    Ok(said.into_iter().map(|said| show(state, said, &queues, &pauses)).collect())
}

fn show(state: &State, said: Said, queues: &[Queue], pauses: &[PauseRow]) -> Provider {
    let vitals = state.board.of(&said.name).show(state.messaging.clock.now());
    let pause = pauses.iter().find(|pause| pause.provider == said.name);
    let own = || queues.iter().filter(|queue| queue.provider == said.name);
    let rows = |phase: Phase| own().filter(|queue| queue.phase == phase).map(|queue| queue.rows).sum();
    let queue = |(lane, name): (i64, LaneName)| {
        let waiting = own().find(|queue| queue.lane == lane && queue.phase == Phase::Send);
        let (rows, due) = waiting.map_or((0, 0), |queue| (queue.rows, queue.due));
        ProviderQueue { lane: name, due, later: rows - due }
    };
    Provider {
        state: match (pause, vitals.opened_at) {
            (Some(_), _) => ProviderState::Paused,
            (None, Some(_)) => ProviderState::Open,
            (None, None) => ProviderState::Ready,
        },
        paused_at: pause.map(|pause| pause.paused_at),
        paused_by: pause.map(|pause| pause.paused_by.clone()),
        breaker: ProviderBreaker {
            state: if vitals.opened_at.is_some() { BreakerState::Open } else { BreakerState::Closed },
            opened_at: vitals.opened_at,
        },
        in_flight: rows(Phase::Sending),
        unknown: rows(Phase::Lookup),
        queue: LANES.into_iter().map(queue).collect(),
        recent: RecentAttempts { minutes: RECENT.as_secs() / 60, outcomes: vitals.recent },
        last_errors: vitals.failures,
        name: said.name,
        kind: said.kind.to_owned(),
        channels: said.channels,
        limits: said.limits,
    }
}
