//! The way to one provider: how fast, how many at once, and whether it is there at all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::breaker::{Allowance, Breaker};
use super::bucket::Bucket;
use crate::clock::Clock;
use crate::domain::{Address, OutboxId};
use crate::fault::is_sabotaged;
use crate::provider::{Abilities, Outcome, PauseMark, Provider, Vitals};

/// How often a line that is held back looks whether it still is.
const PAUSED: Duration = Duration::from_secs(1);

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
    /// Where it is noted how it is doing, and whether it is held back.
    pub vitals: Arc<Vitals>,
}

/// A provider and what holds it back. It goes by its name: another configuration may change everything else of it.
#[derive(Debug)]
pub struct Line {
    name: String,
    settings: RwLock<LineSettings>,
    vitals: Arc<Vitals>,
    clock: Clock,
    slots: Arc<Semaphore>,
    bucket: Mutex<Bucket>,
    breaker: Mutex<Breaker>,
    wake: Notify,
    is_begun: AtomicBool,
    /// Cancelled when the configuration has it no more: what is in flight finishes, and nothing else begins.
    retired: CancellationToken,
}

/// The last attempt to each recipient, while it is under way, over whichever line.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<Address, Turn>>);

/// An attempt as the next one to the same recipient sees it.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) row: OutboxId,
    pub(super) begun: CancellationToken,
    pub(super) ended: CancellationToken,
}

/// Why nothing can be begun over a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// It is as busy as it may be, for so long.
    Busy(Duration),
    /// It is held back, or its service is away; to be asked again then.
    Out(Duration),
}

/// Whether messages of other providers may come to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// They may.
    In,
    /// One of them, to see whether its service is back: nothing may wait for it that it could be probed with.
    Probe,
    /// None.
    Out,
}

/// Room for some attempts: a slot and a token for each.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) slots: Vec<OwnedSemaphorePermit>,
    is_probe: bool,
}

impl Turns {
    /// Puts an attempt behind the last one to each of its recipients; gives its own turn and those before it.
    pub(super) fn queue_up(&self, row: OutboxId, recipients: &[Address]) -> (Turn, Vec<Turn>) {
        let turn = Turn { row, begun: CancellationToken::new(), ended: CancellationToken::new() };
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = recipients.iter().filter_map(|address| turns.insert(address.clone(), turn.clone()));
        (turn.clone(), before.filter(|before| before.row != row).collect())
    }

    /// Lets the next attempts to the same recipients begin, if there are any.
    pub(super) fn step_aside(&self, turn: &Turn, recipients: &[Address]) {
        turn.begun.cancel();
        turn.ended.cancel();
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for address in recipients {
            if turns.get(address).is_some_and(|last| last.row == turn.row) {
                turns.remove(address);
            }
        }
    }
}

impl Line {
    pub(super) fn new(settings: LineSettings, clock: Clock) -> Self {
        Self {
            name: settings.name.clone(),
            vitals: Arc::clone(&settings.vitals),
            slots: Arc::new(Semaphore::new(settings.max_in_flight)),
            bucket: Mutex::new(Bucket::new(settings.max_per_second, clock.now())),
            breaker: Mutex::default(),
            wake: Notify::new(),
            is_begun: AtomicBool::new(false),
            retired: CancellationToken::new(),
            settings: RwLock::new(settings),
            clock,
        }
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its breaker is open.
    pub fn is_open(&self) -> bool {
        self.breaker().is_open()
    }

    /// Whether messages of other providers may come here.
    pub(super) fn standing(&self) -> Standing {
        if self.vitals.is_paused() || self.retired.is_cancelled() {
            return Standing::Out;
        }
        match self.breaker().allowance(self.clock.now()) {
            Allowance::All => Standing::In,
            Allowance::Probe => Standing::Probe,
            Allowance::Wait(_) => Standing::Out,
        }
    }

    /// Takes over what the configuration says of it now. What is in flight stays as it is; where fewer may be than are,
    /// those that end leave no room.
    pub(super) fn change(&self, settings: LineSettings) {
        let mut current = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        let (was, is) = (current.max_in_flight, settings.max_in_flight);
        if is > was {
            self.slots.add_permits(is - was);
        } else if let (Ok(fewer), slots) = (u32::try_from(was - is), Arc::clone(&self.slots)) {
            tokio::spawn(async move {
                if let Ok(given_up) = slots.acquire_many_owned(fewer).await {
                    given_up.forget();
                }
            });
        }
        self.bucket().change(settings.max_per_second);
        *current = settings;
    }

    /// Says that its tasks begin; false when they have.
    pub(super) fn begin_tasks(&self) -> bool {
        !self.is_begun.swap(true, Ordering::Relaxed)
    }

    /// Lets what is in flight finish, and nothing else begin.
    pub(super) fn retire(&self) {
        self.retired.cancel();
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.is_cancelled()
    }

    /// Cancelled when the server stops or the line is retired.
    pub(super) fn stop_with(&self, stop: &CancellationToken) -> CancellationToken {
        let (both, token) = (self.retired.child_token(), stop.clone());
        let ends = both.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = token.cancelled() => ends.cancel(),
                () = ends.cancelled() => {}
            }
        });
        both
    }

    /// What was said last of whether it is held back.
    pub(super) fn pause_mark(&self) -> PauseMark {
        self.vitals.pause_mark()
    }

    /// Notes what a list says that was read after `seen`.
    pub(super) fn pause(&self, seen: PauseMark, is_paused: bool) {
        if self.vitals.pause_as_read(seen, is_paused) {
            tracing::info!(provider = self.name(), is_paused, "a provider is held back, or goes on");
            self.wake();
        }
        let gauge = metrics::gauge!("switchboard_provider_paused", "provider" => self.name().to_owned());
        gauge.set(if self.vitals.is_paused() { 1.0 } else { 0.0 });
    }

    pub(super) fn provider(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner).provider)
    }

    pub(super) fn abilities(&self) -> Abilities {
        self.provider().abilities()
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
    pub(super) fn take_room(&self, wanted: usize) -> Result<Room, Closed> {
        let now = self.clock.now();
        if self.vitals.is_paused() && !is_sabotaged("pause_off") {
            return Err(Closed::Out(PAUSED));
        }
        let (wanted, is_probe) = match self.breaker().allowance(now) {
            Allowance::All => (wanted, false),
            Allowance::Probe => (1, true),
            Allowance::Wait(wait) => return Err(Closed::Out(wait)),
        };
        let free = self.slots.available_permits().min(wanted);
        let tokens = if is_sabotaged("pace_off") { free } else { self.bucket().take(free, now) };
        let slots: Vec<_> = (0..tokens).map_while(|_| self.slots.clone().try_acquire_owned().ok()).collect();
        self.bucket().give_back(tokens - slots.len());
        if slots.is_empty() {
            let wait = if free == 0 { Duration::from_millis(5) } else { self.bucket().wait(now) };
            return Err(Closed::Busy(wait.max(Duration::from_millis(1))));
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
        let is_open = self.is_open();
        let gauge = metrics::gauge!("switchboard_breaker_open", "provider" => self.name().to_owned());
        gauge.set(if is_open { 1.0 } else { 0.0 });
        self.vitals.note_breaker(is_open, self.clock.now());
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
        self.breaker().record(is_away && !is_sabotaged("breaker_off"), self.clock.now());
        self.vitals.note(outcome, self.clock.now());
        let labels = [("provider", self.name().to_owned()), ("outcome", outcome.as_str().to_owned())];
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
