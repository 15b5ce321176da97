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
mod onward;
mod passing;
mod pulse;
mod sweep;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::{OutboxId, Timestamp};
use crate::fault;
use crate::messaging::{Messaging, list_provider_pauses};
use crate::store::{self, Phase, Released};
use crate::webhook::Sender;

use self::line::Turns;
use self::media::Fetcher;
use self::passing::Leaving;
use self::pulse::Seen;
use self::webhooks::Webhooks;

pub use self::line::{Line, LineSettings};

/// How long a claim holds without a heartbeat.
const LEASE: Duration = Duration::from_secs(30);
/// How many times leases in use are extended while one would hold.
const HEARTBEATS: u32 = 3;
/// How often it is looked for what is due, and for what another process left.
const IDLE: Duration = Duration::from_secs(1);
/// How long a stopping server waits for what is in flight.
const GRACE: Duration = Duration::from_secs(10);
/// How long it waits then for what was found to be written.
const LAST_WRITES: Duration = Duration::from_secs(3);
/// How often a stopping server tries to write it.
const LAST_TRIES: u32 = 3;
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
    /// Changed with the configuration, as the lines are.
    m: RwLock<Messaging>,
    lines: RwLock<Vec<Arc<Line>>>,
    has_new_lines: Notify,
    /// Providers that the configuration has no more and that something may wait for.
    gone: Mutex<BTreeMap<String, Leaving>>,
    turns: Turns,
    webhooks: Webhooks,
    fetcher: Fetcher,
    /// What was due at the last look.
    pulse: Seen,
    /// The leases this process holds, each with its fencing number.
    leases: Mutex<HashMap<OutboxId, i64>>,
    /// Ends what is in flight when a stopping server has waited long enough.
    grace: CancellationToken,
}

/// A task that ended.
enum Part {
    /// One of those that end with the server.
    Common,
    /// One of a line that was retired.
    OfRetired,
}

impl Part {
    fn of(line: &Line) -> Self {
        if line.is_retired() { Self::OfRetired } else { Self::Common }
    }
}

/// How long a claim of this process holds.
fn lease() -> Duration {
    fault::lease(LEASE)
}

impl Outbox {
    /// Carries messages over these lines, tells customers' endpoints, and fetches what came in by the same way out.
    pub fn new(m: Messaging, lines: Vec<LineSettings>, sender: Sender) -> Self {
        let fetcher = Fetcher::new(&sender);
        let lines = lines.into_iter().map(|settings| Arc::new(Line::new(settings, m.clock.clone()))).collect();
        let shared = Shared {
            m: RwLock::new(m),
            lines: RwLock::new(lines),
            has_new_lines: Notify::new(),
            gone: Mutex::default(),
            turns: Turns::default(),
            webhooks: Webhooks::new(sender),
            fetcher,
            pulse: Seen::default(),
            leases: Mutex::default(),
            grace: CancellationToken::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Carries by another configuration from now on. A line keeps what is in flight, its breaker and its pace by its
    /// name; one that is not among them any more finishes what is in flight and takes nothing else. What is held back is
    /// so from its first moment.
    ///
    /// # Errors
    ///
    /// When the database fails; nothing is changed then.
    pub async fn reconfigure(&self, m: Messaging, settings: Vec<LineSettings>) -> store::Result<()> {
        let seen: Vec<_> = settings.iter().map(|settings| settings.vitals.pause_mark()).collect();
        let paused: BTreeSet<String> =
            list_provider_pauses(&m).await?.into_iter().map(|pause| pause.provider).collect();
        for (settings, seen) in settings.iter().zip(seen) {
            settings.vitals.pause_as_read(seen, paused.contains(&settings.name));
        }
        self.replace_lines(m, settings);
        Ok(())
    }

    fn replace_lines(&self, m: Messaging, settings: Vec<LineSettings>) {
        let clock = m.clock.clone();
        *self.shared.m.write().unwrap_or_else(PoisonError::into_inner) = m;
        let mut lines = self.shared.lines.write().unwrap_or_else(PoisonError::into_inner);
        let mut before: HashMap<String, Arc<Line>> =
            lines.drain(..).map(|line| (line.name().to_owned(), line)).collect();
        for settings in settings {
            lines.push(match before.remove(&settings.name) {
                Some(line) => {
                    line.change(settings);
                    line
                }
                None => Arc::new(Line::new(settings, clock.clone())),
            });
        }
        drop(lines);
        for (name, line) in before {
            line.retire();
            self.note_gone(&name);
        }
        self.shared.has_new_lines.notify_one();
    }

    /// Carries until it is told to stop, then finishes what is in flight within ten seconds and gives its leases back.
    ///
    /// # Errors
    ///
    /// When a part of it ended by itself: a server that no longer carries must not go on accepting.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), Ended> {
        let mut tasks = JoinSet::new();
        self.spawn_common(&mut tasks, &stop);
        let beating = CancellationToken::new();
        let heart = tokio::spawn(self.clone().beat_forever(beating.clone()));
        let first = loop {
            self.spawn_lines(&mut tasks, &stop);
            tokio::select! {
                () = stop.cancelled() => break Ok(()),
                () = self.shared.has_new_lines.notified() => {}
                ended = tasks.join_next() => match ended {
                    _ if stop.is_cancelled() => break Ok(()),
                    Some(Ok(Part::OfRetired)) => {}
                    Some(Ok(Part::Common) | Err(_)) | None => break Err(Ended),
                },
            }
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

    /// Begins what is done for all lines.
    fn spawn_common(&self, tasks: &mut JoinSet<Part>, stop: &CancellationToken) {
        let (outbox, token) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            outbox.look_forever(token).await;
            Part::Common
        });
        let (outbox, token) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            outbox.wake_lines(token).await;
            Part::Common
        });
        let (outbox, token) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            outbox.tell_forever(token).await;
            Part::Common
        });
        let (outbox, token) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            outbox.fetch_forever(token).await;
            Part::Common
        });
        let (outbox, token) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            outbox.sweep_forever(token).await;
            Part::Common
        });
        let (outbox, token) = (self.clone(), stop.clone());
        tasks.spawn(async move {
            outbox.sweep_files_forever(token).await;
            Part::Common
        });
    }

    /// Begins the tasks of lines that have none yet.
    fn spawn_lines(&self, tasks: &mut JoinSet<Part>, stop: &CancellationToken) {
        for line in self.lines().into_iter().filter(|line| line.begin_tasks()) {
            let (outbox, token, of) = (self.clone(), line.stop_with(stop), Arc::clone(&line));
            tasks.spawn(async move {
                outbox.carry_line(&of, token).await;
                Part::of(&of)
            });
            let (outbox, token) = (self.clone(), line.stop_with(stop));
            tasks.spawn(async move {
                outbox.look_up_forever(&line, token).await;
                Part::of(&line)
            });
        }
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

    /// Does everything that is due now, and what that makes due at once: for tests that own the clock.
    ///
    /// Gives how many attempts were made.
    pub async fn run_due(&self) -> store::Result<usize> {
        let mut attempts = 0;
        loop {
            self.sweep().await?;
            let (mut made, mut passed) = (0, 0);
            for line in self.lines() {
                self.look_up_due(&line).await?;
                let carried = self.carry_due(&line).await?;
                made += carried.made;
                passed += carried.passed;
            }
            made += self.tell_due().await?;
            made += self.fetch_due().await?;
            if made + passed == 0 {
                return Ok(attempts);
            }
            attempts += made;
        }
    }

    /// The lines, for what shows their state.
    pub fn lines(&self) -> Vec<Arc<Line>> {
        self.shared.lines.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The use cases, by the configuration of now.
    fn m(&self) -> Messaging {
        self.shared.m.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn now(&self) -> Timestamp {
        self.m().clock.now()
    }

    /// Waits a little for a database that is away, so that what ended can be written down; gives back what no waiting
    /// helps against. A server that stops has `last_tries`.
    async fn outwait(&self, error: store::Error, last_tries: &mut u32, what: &str) -> store::Result<()> {
        if self.shared.grace.is_cancelled() {
            *last_tries -= 1;
        }
        if !error.is_unavailable() || *last_tries == 0 {
            return Err(error);
        }
        tracing::warn!(error = &error as &dyn std::error::Error, "{what} wait for the database");
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(())
    }

    fn line(&self, name: &str) -> Option<Arc<Line>> {
        let lines = self.shared.lines.read().unwrap_or_else(PoisonError::into_inner);
        lines.iter().find(|line| line.name() == name).map(Arc::clone)
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
        let store = self.m().store;
        loop {
            let providers = tokio::select! {
                () = stop.cancelled() => return,
                providers = store.work() => providers,
            };
            for line in self.lines().iter().filter(|line| providers.contains(line.name())) {
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
