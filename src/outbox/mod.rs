//! Work that must happen: claim, try, retry, give up.
//!
//! A claim is a lease, and the attempt is a row before its first byte leaves. No transaction is open while the network is.

mod breaker;
mod bucket;
mod carry;
mod claim;
mod complete;
mod decide;
mod envelopes;
mod line;
mod lookup;
mod media;
mod sweep;
mod webhooks;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::{Channel, OutboxId, Timestamp};
use crate::fault;
use crate::messaging::Messaging;
use crate::store::{self, Phase, Released};
use crate::webhook::Sender;

use self::media::Fetcher;
use self::webhooks::Webhooks;

pub use self::line::{Line, LineSettings};

/// How long a claim holds without a heartbeat.
const LEASE: Duration = Duration::from_secs(30);
/// How many times leases in use are extended while one would hold.
const HEARTBEATS: u32 = 3;
/// How often an idle line looks for work that another process left.
const IDLE: Duration = Duration::from_secs(1);
/// How long a stopping server waits for what is in flight.
const GRACE: Duration = Duration::from_secs(10);
/// How long it waits then for what was found to be written.
const LAST_WRITES: Duration = Duration::from_secs(3);
/// Rows of one unit of work.
const SET: usize = 200;

/// The carrying side of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

/// A part of the carrying side ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a part of the outbox ended by itself; the log says why")]
pub struct Ended;

#[derive(Debug)]
struct Shared {
    m: Messaging,
    lines: Vec<Line>,
    webhooks: Webhooks,
    fetcher: Fetcher,
    /// The leases this process holds, each with its fencing number.
    leases: Mutex<HashMap<OutboxId, i64>>,
    /// Ends what is in flight when a stopping server has waited long enough.
    grace: CancellationToken,
}

/// How long a claim of this process holds.
fn lease() -> Duration {
    fault::lease(LEASE)
}

impl Outbox {
    /// Carries messages over these lines, tells customers' endpoints, and fetches what came in by the same way out.
    pub fn new(m: Messaging, lines: Vec<LineSettings>, sender: Sender) -> Self {
        let lines = lines.into_iter().map(|settings| Line::new(settings, m.clock.clone())).collect();
        let (leases, grace, fetcher) = (Mutex::default(), CancellationToken::new(), Fetcher::new(&sender));
        Self { shared: Arc::new(Shared { m, lines, webhooks: Webhooks::new(sender), fetcher, leases, grace }) }
    }

    /// Carries until it is told to stop, then finishes what is in flight within ten seconds and gives its leases back.
    ///
    /// # Errors
    ///
    /// When a part of it ended by itself: a server that no longer carries must not go on accepting.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), Ended> {
        let mut tasks = JoinSet::new();
        for at in 0..self.shared.lines.len() {
            let (outbox, token) = (self.clone(), stop.clone());
            tasks.spawn(async move { outbox.carry_line(at, token).await });
            let (outbox, token) = (self.clone(), stop.clone());
            tasks.spawn(async move { outbox.look_up_forever(at, token).await });
        }
        let (outbox, token) = (self.clone(), stop.clone());
        tasks.spawn(async move { outbox.wake_lines(token).await });
        let (outbox, token) = (self.clone(), stop.clone());
        tasks.spawn(async move { outbox.tell_forever(token).await });
        let (outbox, token) = (self.clone(), stop.clone());
        tasks.spawn(async move { outbox.fetch_forever(token).await });
        let (outbox, token) = (self.clone(), stop.clone());
        tasks.spawn(async move { outbox.sweep_forever(token).await });
        let (outbox, token) = (self.clone(), stop.clone());
        tasks.spawn(async move { outbox.sweep_files_forever(token).await });
        let beating = CancellationToken::new();
        let heart = tokio::spawn(self.clone().beat_forever(beating.clone()));
        let first = tokio::select! {
            () = stop.cancelled() => Ok(()),
            _ = tasks.join_next() => if stop.is_cancelled() { Ok(()) } else { Err(Ended) },
        };
        let rest = async { while tasks.join_next().await.is_some() {} };
        if first.is_ok() && tokio::time::timeout(GRACE, rest).await.is_err() {
            self.shared.grace.cancel();
            let rest = async { while tasks.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(LAST_WRITES, rest).await;
        }
        beating.cancel();
        let _ = heart.await;
        first
    }

    /// Ends the leases of a process that is gone, where no other process can hold one.
    pub async fn recover(&self) -> store::Result<u64> {
        if self.m().store.is_shared() {
            return Ok(0);
        }
        let mut tx = self.m().store.begin().await?;
        let now = self.m().clock.now();
        let ended = tx.lapse_leases(now).await? + tx.lapse_inbound_media(now).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Gives what waits for a provider that is no longer configured to the one that carries its channel now.
    pub async fn reroute(&self) -> store::Result<u64> {
        let known: Vec<&str> = self.shared.lines.iter().map(Line::name).collect();
        let mut tx = self.m().store.begin().await?;
        let mut moved = 0;
        for channel in Channel::ALL {
            if let Some(provider) = self.m().rules.provider_of(channel) {
                moved += tx.reroute(channel, provider, &known).await?;
            }
        }
        tx.commit().await?;
        Ok(moved)
    }

    /// Does everything that is due now, and what that makes due at once: for tests that own the clock.
    ///
    /// Gives how many attempts were made.
    pub async fn run_due(&self) -> store::Result<usize> {
        let mut attempts = 0;
        loop {
            self.sweep().await?;
            let mut made = 0;
            for line in &self.shared.lines {
                self.look_up_due(line).await?;
                made += self.carry_due(line).await?;
            }
            made += self.tell_due().await?;
            made += self.fetch_due().await?;
            if made == 0 {
                return Ok(attempts);
            }
            attempts += made;
        }
    }

    /// The lines, for what shows their state.
    pub fn lines(&self) -> &[Line] {
        &self.shared.lines
    }

    fn m(&self) -> &Messaging {
        &self.shared.m
    }

    fn now(&self) -> Timestamp {
        self.m().clock.now()
    }

    fn line(&self, name: &str) -> Option<&Line> {
        self.shared.lines.iter().find(|line| line.name() == name)
    }

    fn hold(&self, claimed: impl Iterator<Item = Released>) {
        let mut leases = self.shared.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.extend(claimed);
    }

    fn let_go(&self, rows: impl Iterator<Item = OutboxId>) {
        let mut leases = self.shared.leases.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            leases.remove(&row);
        }
    }

    async fn wake_lines(&self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.m().store.work() => {}
            }
            for line in &self.shared.lines {
                line.wake();
            }
        }
    }

    async fn beat_forever(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(lease() / HEARTBEATS) => {}
            }
            if let Err(error) = self.beat().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "leases could not be extended");
            }
        }
    }

    /// Extends the leases of this process, in the order in which they are locked elsewhere.
    async fn beat(&self) -> store::Result<()> {
        let held: Vec<(OutboxId, i64)> = {
            let leases = self.shared.leases.lock().unwrap_or_else(PoisonError::into_inner);
            leases.iter().map(|(row, fence)| (*row, *fence)).collect()
        };
        if held.is_empty() {
            return Ok(());
        }
        let mut tx = self.m().store.begin().await?;
        tx.lock_leases(&held, Phase::Sending).await?;
        tx.extend_leases(&held, self.now() + lease()).await?;
        tx.commit().await
    }
}
