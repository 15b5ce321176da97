//! The way to one provider: how fast, how many at once, and whether it is there at all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::breaker::{Allowance, Breaker};
use super::bucket::Bucket;
use crate::clock::Clock;
use crate::fault::is_sabotaged;
use crate::provider::{Abilities, Outcome, Provider};

/// A provider as it is configured.
#[derive(Debug, Clone)]
pub struct LineSettings {
    /// Its name in the configuration.
    pub name: String,
    /// Its adapter.
    pub provider: Arc<dyn Provider>,
    /// Messages a second at most.
    pub max_per_second: u32,
    /// Attempts at once at most.
    pub max_in_flight: usize,
}

/// A provider and what holds it back.
#[derive(Debug)]
pub struct Line {
    settings: LineSettings,
    clock: Clock,
    slots: Arc<Semaphore>,
    bucket: Mutex<Bucket>,
    breaker: Mutex<Breaker>,
    wake: Notify,
}

/// Room for some attempts: a slot and a token for each.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) slots: Vec<OwnedSemaphorePermit>,
    is_probe: bool,
}

impl Line {
    pub(super) fn new(settings: LineSettings, clock: Clock) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(settings.max_in_flight)),
            bucket: Mutex::new(Bucket::new(settings.max_per_second, clock.now())),
            breaker: Mutex::default(),
            wake: Notify::new(),
            settings,
            clock,
        }
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether its breaker is open.
    pub fn is_open(&self) -> bool {
        self.breaker().is_open()
    }

    pub(super) fn provider(&self) -> &Arc<dyn Provider> {
        &self.settings.provider
    }

    pub(super) fn abilities(&self) -> Abilities {
        self.settings.provider.abilities()
    }

    /// A random number in `0.0..1.0`, for waits.
    pub(super) fn fraction(&self) -> f64 {
        self.clock.fraction()
    }

    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for work of this process, or so long.
    pub(super) async fn rest(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.wake.notified()).await;
    }

    /// Waits until there is a slot.
    pub(super) async fn wait_for_slot(&self) {
        let _ = self.slots.acquire().await;
    }

    /// Takes slots and tokens for as many attempts as may begin now, or tells how long to wait.
    pub(super) fn take_room(&self, wanted: usize) -> Result<Room, Duration> {
        let now = self.clock.now();
        let (wanted, is_probe) = match self.breaker().allowance(now) {
            Allowance::All => (wanted, false),
            Allowance::Probe => (1, true),
            Allowance::Wait(wait) => return Err(wait),
        };
        let free = self.slots.available_permits().min(wanted);
        let tokens = if is_sabotaged("pace_off") { free } else { self.bucket().take(free, now) };
        let slots: Vec<_> = (0..tokens).map_while(|_| self.slots.clone().try_acquire_owned().ok()).collect();
        self.bucket().give_back(tokens - slots.len());
        if slots.is_empty() {
            let wait = if free == 0 { Duration::from_millis(5) } else { self.bucket().wait(now) };
            return Err(wait.max(Duration::from_millis(1)));
        }
        if is_probe {
            self.breaker().begin_probe(now);
        }
        Ok(Room { slots, is_probe })
    }

    /// Gives back the room that was not used.
    pub(super) fn give_back(&self, mut room: Room, used: usize) -> Vec<OwnedSemaphorePermit> {
        self.bucket().give_back(room.slots.len().saturating_sub(used));
        room.slots.truncate(used);
        if room.is_probe && used == 0 {
            self.breaker().cancel_probe();
        }
        room.slots
    }

    /// Counts how an attempt ended.
    pub(super) fn record(&self, outcome: &Outcome) {
        let is_away = match outcome {
            Outcome::Accepted { .. } | Outcome::Rejected { .. } => false,
            Outcome::Retry { is_away, .. } => *is_away,
            Outcome::Doubtful { .. } | Outcome::Unknown { .. } => true,
        };
        let is_open = {
            let mut breaker = self.breaker();
            breaker.record(is_away && !is_sabotaged("breaker_off"), self.clock.now());
            breaker.is_open()
        };
        let labels = [("provider", self.name().to_owned()), ("outcome", outcome_name(outcome).to_owned())];
        metrics::counter!("switchboard_attempts_total", &labels).increment(1);
        let gauge = metrics::gauge!("switchboard_breaker_open", "provider" => self.name().to_owned());
        gauge.set(if is_open { 1.0 } else { 0.0 });
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of an outcome in attempts and metrics.
pub(super) fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Retry { .. } => "retry",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Doubtful { .. } => "doubtful",
        Outcome::Unknown { .. } => "unknown",
    }
}
