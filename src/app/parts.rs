//! The parts of a running server, made from its configuration.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::adapters::Workshop;
use crate::auth::{Accounts, Passwords, Settings};
use crate::blob::{self, Blobs};
use crate::clock::Clock;
use crate::config::{Config, ProviderConfig, SignUpPolicy};
use crate::domain::{Address, Channel, Guards, Limits, Network, WorkspaceId};
use crate::egress::{Egress, Names, SystemNames};
use crate::http::{Limiter, Mode, Shared, State, WebApp};
use crate::live::{self, Live};
use crate::messaging::{Desk, Messaging, Route, Routing, Rules, Sender as Number, Share};
use crate::outbox::LineSettings;
use crate::provider::{Board, Provider, Simulator, simulator};
use crate::store::{Retention, Store};
use crate::webhook::Sender;

/// Who sends in `dev` when nobody says who.
const DEV_SENDER: &str = "+12015550100";
const DEV_MAIL_SENDER: &str = "switchboard@localhost";
const DAY: Duration = Duration::from_hours(24);
/// Uploads that are read and kept at once; each may hold a whole file in memory.
const UPLOADS: usize = 16;
/// Mails that are read at once; each is held in memory several times over.
const MAILS: usize = 4;
/// How often measurements are folded.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// How often the free space is measured.
const DISK_EVERY: Duration = Duration::from_secs(30);

/// What a server is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The configuration.
    pub config: Arc<Config>,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The simulated carrier, in `dev`.
    pub simulator: Option<Arc<Simulator>>,
    /// How the providers are doing.
    pub board: Board,
}

impl Parts {
    /// The use cases over these parts.
    pub fn messaging(&self) -> anyhow::Result<Messaging> {
        let rules = Arc::new(rules(&self.config, self.simulator.is_some())?);
        let blobs = blobs(&self.config).context("attachments")?;
        Ok(Messaging {
            store: self.store.clone(),
            clock: self.clock.clone(),
            blobs,
            rules,
            desk: Desk::of(&self.store),
        })
    }

    /// What the handlers work with.
    pub fn state(&self, messaging: Messaging, mode: Mode, metrics: PrometheusHandle) -> State {
        let accounts = self.accounts(messaging.clone(), mode);
        let shared = Shared {
            messaging,
            accounts,
            config: self.config.clone(),
            mode,
            simulator: self.simulator.clone(),
            egress: egress(&self.config, mode, Arc::new(SystemNames)),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            mails: Arc::new(Semaphore::new(MAILS)),
            metrics,
            limiter: Arc::new(Limiter::new(&self.config)),
            board: self.board.clone(),
            web: Arc::new(WebApp::embedded()),
            live: Live::new(self.store.clone(), self.clock.clone(), live::Limits::default()),
            overviews: Arc::default(),
        };
        shared.into()
    }

    /// What the use cases of accounts work with.
    pub fn accounts(&self, m: Messaging, mode: Mode) -> Accounts {
        let is_open = match (self.config.sign_up, mode) {
            (Some(SignUpPolicy::Open), _) | (None, Mode::Dev { .. }) => true,
            (Some(SignUpPolicy::Invited), _) | (None, Mode::Serve) => false,
        };
        let settings = Settings { is_open };
        Accounts { m, passwords: Passwords::new(self.clock.clone()), settings: Arc::new(settings), origin: None }
    }
}

/// What the configuration says of messages; with a simulator, it carries what nothing else does.
pub fn rules(config: &Config, has_simulator: bool) -> anyhow::Result<Rules> {
    let phone = config.phone_rules();
    let sender = config.default_sender.as_deref().or(has_simulator.then_some(DEV_SENDER));
    let default_sender = sender.map(|sender| Address::sender(sender, &phone)).transpose().context("default_sender")?;
    let mail_sender = config.mail_sender.as_deref().or(has_simulator.then_some(DEV_MAIL_SENDER));
    let mail_sender = mail_sender.map(Address::email).transpose().context("mail_sender")?;
    let routing = routing(config, has_simulator);
    let limits = Limits { segments: config.max_segments, ..Limits::default() };
    Ok(Rules {
        phone,
        limits,
        default_sender,
        mail_sender,
        base_url: base_url(config),
        sender_limit_per_minute: config.sender_limit_per_minute,
        guards: guards(config),
        upload_limit_bytes_a_day: i64::try_from(config.upload_limit_bytes_a_day).unwrap_or(i64::MAX),
        storage_limit_bytes: i64::try_from(config.storage_limit_bytes).unwrap_or(i64::MAX),
        chat_history_days: config.chat_history_days,
        routing,
        retention: retention(config),
    })
}

/// Whose the senders are, and which providers carry what. What cannot be read was refused with the configuration.
fn routing(config: &Config, has_simulator: bool) -> Routing {
    let of_provider = |provider: &ProviderConfig| {
        let name = provider.name.clone();
        provider.channels.iter().map(move |channel| (*channel, name.clone())).collect::<Vec<_>>()
    };
    let mut carriers: Vec<(Channel, String)> = config.providers.iter().flat_map(of_provider).collect();
    if has_simulator {
        carriers.extend(Channel::ALL.map(|channel| (channel, simulator::NAME.to_owned())));
    }
    let read = |text: &String| Address::any(text, &config.phone_rules());
    let senders = config.senders.iter().filter_map(|sender| {
        let provider = sender.provider.as_ref().and_then(|name| config.providers.iter().find(|p| p.name == *name));
        Some(Number {
            address: read(&sender.address)?,
            workspace: WorkspaceId(sender.workspace),
            provider: provider.map(|provider| (provider.name.clone(), provider.channels.clone())),
        })
    });
    let routes = config.routes.iter().map(|route| {
        let share = |(at, name): (usize, &String)| {
            let weight = route.weights.get(at).copied().unwrap_or_default();
            Share { provider: name.clone(), weight }
        };
        Route {
            channels: route.channels.clone(),
            sender: route.sender.as_ref().and_then(read),
            prefix: route.prefix.clone(),
            providers: route.providers.iter().enumerate().map(share).collect(),
        }
    });
    Routing { senders: senders.collect(), routes: routes.collect(), carriers }
}

/// Where the world reaches this server.
fn base_url(config: &Config) -> String {
    let public = config.public_url.as_ref().map(|url| url.origin().ascii_serialization());
    public.unwrap_or_else(|| format!("http://{}", config.listen))
}

/// The place of uploaded files, made when it is not there.
pub(super) fn blobs(config: &Config) -> Result<Blobs, blob::OpenError> {
    match &config.attachments {
        Some(url) => Blobs::at(url),
        None => Blobs::in_folder(&config.data.join("attachments")),
    }
}

fn retention(config: &Config) -> Retention {
    let kept = |days: u32| (days > 0).then(|| DAY * days);
    Retention {
        events: kept(config.events_days),
        quarantine: kept(config.quarantine_days),
        inbound_events: kept(config.inbound_events_days),
        own_messages: kept(config.own_messages_days),
        webhooks: kept(config.webhooks.days),
    }
}

fn guards(config: &Config) -> Guards {
    let own = || vec![config.default_country.clone()];
    Guards {
        code_countries: if config.code_countries.is_empty() { own() } else { config.code_countries.clone() },
        codes_per_number: config.code_limit_per_number.into(),
        codes_per_number_a_day: config.code_limit_per_number_a_day.into(),
        codes_per_ten_thousand_numbers: config.code_limit_per_ten_thousand_numbers.into(),
        codes_per_million_numbers: config.code_limit_per_million_numbers.into(),
        codes_per_origin: config.code_limit_per_origin.into(),
        codes_per_workspace: config.code_limit_per_workspace.into(),
        logins_per_origin: config.login_limit_per_origin.into(),
        logins_per_account: config.login_limit_per_account.into(),
        sign_ups_per_origin: config.sign_up_limit_per_origin.into(),
    }
}

/// Where customers' endpoints may be: in `dev` on this machine too, and without TLS.
pub fn egress(config: &Config, mode: Mode, names: Arc<dyn Names>) -> Egress {
    let is_dev = matches!(mode, Mode::Dev { .. });
    let mut allowed = config.webhooks.allow_private.clone();
    allowed.extend(Network::LOOPBACK.into_iter().filter(|_| is_dev));
    Egress::new(&allowed, is_dev || config.webhooks.allow_http, names)
}

/// What tells customers' endpoints.
pub fn sender(config: &Config, egress: Egress, clock: &Clock) -> anyhow::Result<Sender> {
    Ok(Sender::new(egress, Duration::from_millis(config.webhooks.timeout_ms), clock.clone())?)
}

/// A line to every provider, the simulated one included.
pub fn lines(parts: &Parts) -> anyhow::Result<Vec<LineSettings>> {
    let workshop = Workshop::new(parts)?;
    let mut lines = Vec::new();
    for provider in &parts.config.providers {
        let adapter =
            workshop.adapter(provider).with_context(|| format!("provider {} cannot be used", provider.name))?;
        lines.push(LineSettings {
            name: provider.name.clone(),
            provider: adapter,
            max_per_second: provider.max_per_second,
            max_in_flight: usize::try_from(provider.max_in_flight)?,
            vitals: parts.board.of(&provider.name),
        });
    }
    if let Some(simulator) = &parts.simulator {
        lines.push(LineSettings {
            name: simulator::NAME.to_owned(),
            provider: Arc::clone(simulator) as Arc<dyn Provider>,
            max_per_second: simulator::PER_SECOND,
            max_in_flight: simulator::IN_FLIGHT,
            vitals: parts.board.of(simulator::NAME),
        });
    }
    Ok(lines)
}

/// Starts counting; what it counted is rendered through the handle.
pub(super) fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    const SECONDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0];
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    Ok(builder.install_recorder()?)
}

/// Folds what was measured, which otherwise piles up until somebody asks for it.
pub(super) async fn keep_up(metrics: PrometheusHandle, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(UPKEEP_EVERY) => metrics.run_upkeep(),
        }
    }
}

/// Shows how much room the data folder's disk has.
pub(super) async fn measure_disk(folder: PathBuf, stop: CancellationToken) {
    loop {
        if let Some(bytes) = free_bytes(&folder).await {
            metrics::gauge!("switchboard_disk_free_bytes").set(bytes);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(DISK_EVERY) => {}
        }
    }
}

async fn free_bytes(folder: &std::path::Path) -> Option<f64> {
    let folder = folder.to_owned();
    let space = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&folder)).await.ok()?.ok()?;
    let kib = space.f_bavail.saturating_mul(space.f_frsize) / 1024;
    Some(f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) * 1024.0)
}
