//! The way to one provider: how fast, how many at once, and whether it is there at all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::breaker::{Allowance, Breaker};
use super::bucket::Bucket;
use crate::clock::Clock;
use crate::domain::{Address, OutboxId};
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
    /// The last attempt to each recipient, while it is under way.
    turns: Mutex<HashMap<Address, Turn>>,
}

/// An attempt as the next one to the same recipient sees it.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) row: OutboxId,
    pub(super) begun: CancellationToken,
    pub(super) ended: CancellationToken,
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
            turns: Mutex::default(),
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

    /// How many look-ups may be made: one of each lane, as a probe, where the breaker wants one; nothing while it waits.
    /// What cannot be asked is not held up by a breaker.
    pub(super) fn take_look(&self, wanted: i64) -> Option<i64> {
        if !self.abilities().can_look_up {
            return Some(wanted);
        }
        let now = self.clock.now();
        let mut breaker = self.breaker();
        match breaker.allowance(now) {
            Allowance::All => Some(wanted),
            Allowance::Probe => {
                breaker.begin_probe(now);
                Some(1)
            }
            Allowance::Wait(_) => None,
        }
    }

    /// Tells an open breaker what a look-up found; nothing when none was made.
    pub(super) fn end_look(&self, is_away: Option<bool>) {
        let mut breaker = self.breaker();
        match is_away {
            Some(is_away) if breaker.is_open() => breaker.record(is_away, self.clock.now()),
            Some(_) => {}
            None => breaker.cancel_probe(),
        }
        drop(breaker);
        self.show_breaker();
    }

    fn show_breaker(&self) {
        let gauge = metrics::gauge!("switchboard_breaker_open", "provider" => self.name().to_owned());
        gauge.set(if self.is_open() { 1.0 } else { 0.0 });
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

    /// Puts an attempt behind the last one to each of its recipients; gives its own turn and those before it.
    pub(super) fn queue_up(&self, row: OutboxId, recipients: &[Address]) -> (Turn, Vec<Turn>) {
        let turn = Turn { row, begun: CancellationToken::new(), ended: CancellationToken::new() };
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let before = recipients.iter().filter_map(|address| turns.insert(address.clone(), turn.clone()));
        (turn.clone(), before.filter(|before| before.row != row).collect())
    }

    /// Lets the next attempts to the same recipients begin, if there are any.
    pub(super) fn step_aside(&self, turn: &Turn, recipients: &[Address]) {
        turn.begun.cancel();
        turn.ended.cancel();
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        for address in recipients {
            if turns.get(address).is_some_and(|last| last.row == turn.row) {
                turns.remove(address);
            }
        }
    }

    /// Counts how an attempt ended.
    pub(super) fn record(&self, outcome: &Outcome) {
        let is_away = match outcome {
            Outcome::Accepted { .. } | Outcome::Rejected { .. } => false,
            Outcome::Retry { is_away, .. } => *is_away,
            Outcome::Doubtful { .. } | Outcome::Unknown { .. } => true,
        };
        self.breaker().record(is_away && !is_sabotaged("breaker_off"), self.clock.now());
        let labels = [("provider", self.name().to_owned()), ("outcome", outcome_name(outcome).to_owned())];
        metrics::counter!("switchboard_attempts_total", &labels).increment(1);
        self.show_breaker();
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
