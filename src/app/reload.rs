//! Another configuration while the server runs: read whole, checked whole, and only then in the place of the one before.

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::parts::{self, Parts};
use crate::auth::Accounts;
use crate::config::{Config, Sources};
use crate::domain::WorkspaceId;
use crate::fault::is_sabotaged;
use crate::http::{self, Shared, State};
use crate::messaging::Messaging;
use crate::outbox::Outbox;
use crate::store::Store;

/// What a configuration is changed in.
pub(super) struct Running {
    /// Where the configuration comes from.
    pub(super) sources: Sources,
    /// What the server is made of now.
    pub(super) parts: Parts,
    /// What its handlers work with now.
    pub(super) state: State,
    pub(super) outbox: Outbox,
    /// Where requests go.
    pub(super) router: watch::Sender<Router>,
}

impl Running {
    /// Takes another configuration at every SIGHUP, until it is told to stop. One that cannot be is refused, and the one
    /// before it stays.
    pub(super) async fn reload_forever(mut self, mut asked: Signal, stop: CancellationToken) {
        for result in ["taken", "refused"] {
            metrics::counter!("switchboard_reloads_total", "result" => result).increment(0);
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = asked.recv() => {}
            }
            let result = match self.reload().await {
                Ok(()) => "taken",
                Err(error) => {
                    let cause: &dyn std::error::Error = error.as_ref();
                    tracing::error!(error = cause, "the configuration was refused; the one before it stays");
                    "refused"
                }
            };
            metrics::counter!("switchboard_reloads_total", "result" => result).increment(1);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.reroute() => {}
            }
        }
    }

    async fn reload(&mut self) -> anyhow::Result<()> {
        let mut config = match Config::load(&self.sources) {
            Err(_) if is_sabotaged("reload_unchecked") => {
                Config { providers: Vec::new(), ..Config::clone(&self.parts.config) }
            }
            loaded => loaded?,
        };
        config.check_services(&self.parts.config)?;
        let kept = config.settle(&self.parts.config);
        let parts = Parts { config: Arc::new(config), ..self.parts.clone() };
        check_workspaces(&parts.config, &parts.store).await?;
        let rules = Arc::new(parts::rules(&parts.config, parts.simulator.is_some())?);
        let lines = parts::lines(&parts)?;
        let messaging = Messaging { rules, ..self.state.messaging.clone() };
        let accounts = Accounts { m: messaging.clone(), ..self.state.accounts.clone() };
        let config = Arc::clone(&parts.config);
        let shared = Shared { messaging: messaging.clone(), accounts, config, ..Shared::clone(&self.state) };
        let state = State::from(shared);
        let paused = self.outbox.reconfigure(messaging, lines).await;
        paused.context("it cannot be read which providers are held back")?;
        let _before = self.router.send_replace(http::router(state.clone()));
        (self.parts, self.state) = (parts, state);
        let config = &self.parts.config;
        tracing::info!(
            providers = config.providers.len(),
            senders = config.senders.len(),
            routes = config.routes.len(),
            "the configuration was taken"
        );
        if !kept.is_empty() {
            tracing::warn!(keys = kept.join(", "), "these keys were changed, and count only after a restart");
        }
        Ok(())
    }

    /// Gives what waits for providers that are gone another way.
    async fn reroute(&self) {
        match self.outbox.reroute().await {
            Ok(0) => {}
            Ok(moved) => tracing::info!(moved, "messages that waited for providers which are gone go another way"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "messages of providers that are gone wait");
            }
        }
    }
}

/// Every sender is of a workspace that is there.
pub(super) async fn check_workspaces(config: &Config, store: &Store) -> anyhow::Result<()> {
    let mut tx = store.read().await.context("the workspaces of the senders cannot be looked up")?;
    for (at, sender) in config.senders.iter().enumerate() {
        let found = tx.find_workspace(WorkspaceId(sender.workspace)).await?;
        anyhow::ensure!(
            found.is_some(),
            "the configuration cannot be used:\n  senders[{at}].workspace: there is no workspace {}",
            sender.workspace
        );
    }
    Ok(())
}
