//! Telling browsers now; resumable by event id.
//!
//! Each process reads the log of events once for each workspace that somebody listens in, decides on whole batches who
//! may see what, and hands it out through bounded queues. Whoever does not keep up is let go, and comes back with the
//! last id they had. Who types and who is there travels beside the log, and is kept nowhere.

mod calls;
mod guard;
mod hall;
mod join;
mod people;
mod reader;
mod sight;
mod typing;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use self::calls::Call;
use self::hall::Hall;
pub use self::join::{JoinError, Listening};
use self::people::People;
use self::typing::Typing;
use crate::clock::Clock;
use crate::domain::{ApiKeyId, Caller, ConversationId, EventId, SessionId, UserId, WorkspaceId};
use crate::store::Store;

/// Typing that waits to be told.
const TYPINGS: usize = 1_000;

/// How much is borne.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections of one session, of one key, and of the local operator.
    pub per_holder: usize,
    /// Connections of this process.
    pub in_all: usize,
    /// Frames that wait for one connection to take them.
    pub queue: usize,
    /// Events behind which somebody begins anew.
    pub missed: i64,
    /// Those who read at the same time what they missed; the others wait for their turn.
    pub catching_up: usize,
    /// How long somebody hears on while it cannot be looked up whether they may.
    pub unchecked: Duration,
    /// How long somebody stays there after their last connection has gone.
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_holder: 40,
            in_all: 10_000,
            queue: 5_000,
            missed: 5_000,
            catching_up: 2,
            unchecked: Duration::from_secs(5),
            linger: Duration::from_secs(5),
        }
    }
}

/// By what somebody was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// By sitting at the machine.
    Operator,
    /// By a session.
    Session(SessionId),
    /// By a key.
    Key(ApiKeyId),
}

/// Who listens.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// As whom.
    pub caller: Caller,
    /// Let in by what.
    pub holder: Holder,
}

/// Why somebody hears no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// They may not any more, or not as the one they were.
    SessionEnded,
    /// They did not keep up.
    TooSlow,
    /// The server stops.
    Restarting,
    /// The database does not answer.
    TryAgain,
}

impl End {
    /// As a WebSocket's close code (RFC 6455, section 7.4).
    pub fn code(self) -> u16 {
        match self {
            Self::SessionEnded => 4401,
            Self::TooSlow => 4408,
            Self::Restarting => 1012,
            Self::TryAgain => 1013,
        }
    }

    /// For programs; it never changes.
    pub fn reason(self) -> &'static str {
        match self {
            Self::SessionEnded => "session_ended",
            Self::TooSlow => "too_slow",
            Self::Restarting => "restarting",
            Self::TryAgain => "try_again",
        }
    }

    /// How long somebody who is let go has to take what was on its way: whoever may hear no more, hardly any time.
    pub fn grace(self) -> Duration {
        match self {
            Self::SessionEnded => Duration::from_millis(300),
            Self::TooSlow | Self::Restarting | Self::TryAgain => Duration::from_secs(3),
        }
    }
}

/// What one connection is told: JSON, and the id by which it is resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Absent beside the log.
    pub id: Option<EventId>,
    /// One object.
    pub json: Bytes,
}

impl Frame {
    fn of(id: Option<EventId>, value: &Value) -> Self {
        Self { id, json: value.to_string().into() }
    }

    /// Where a connection stands: `hello` at its beginning, `reload` when it must begin anew.
    fn standing(kind: &str, id: EventId) -> Self {
        Self::of(Some(id), &json!({ "type": kind, "id": id }))
    }
}

/// Ends one connection, from wherever that is decided.
#[derive(Debug, Clone, Default)]
pub struct Exit(Arc<Leaving>);

#[derive(Debug, Default)]
struct Leaving {
    end: OnceLock<(End, Instant)>,
    told: CancellationToken,
}

impl Exit {
    fn end(&self, end: End) {
        let _is_first = self.0.end.set((end, Instant::now()));
        self.0.told.cancel();
    }

    fn found(&self) -> Option<End> {
        self.0.end.get().map(|(end, _)| *end)
    }

    /// Waits for the end.
    pub async fn ended(&self) -> End {
        self.0.told.cancelled().await;
        self.found().unwrap_or(End::TryAgain)
    }

    /// Waits until whoever was let go has had their [grace](End::grace).
    pub async fn over(&self) {
        self.0.told.cancelled().await;
        if let Some((end, at)) = self.0.end.get() {
            sleep_until(*at + end.grace()).await;
        }
    }
}

/// Everybody who listens to this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Live {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    clock: Clock,
    limits: Limits,
    hall: Mutex<Hall>,
    people: Mutex<People>,
    /// Reading what was missed.
    turns: Semaphore,
    /// Something may be new that no commit of this process has left.
    wake: Notify,
    typings: mpsc::Sender<Typing>,
    typed: Mutex<Option<mpsc::Receiver<Typing>>>,
    /// What this process calls itself before the others.
    name: String,
    stopping: CancellationToken,
    connections: TaskTracker,
}

impl Live {
    /// Nobody listens yet.
    pub fn new(store: Store, clock: Clock, limits: Limits) -> Self {
        metrics::gauge!("switchboard_live_connections").set(0.0);
        metrics::counter!("switchboard_live_dropped_total").increment(0);
        let (typings, typed) = mpsc::channel(TYPINGS);
        let name = hex::encode(clock.bytes::<8>());
        let shared = Shared {
            store,
            clock,
            limits,
            hall: Mutex::default(),
            people: Mutex::default(),
            turns: Semaphore::new(limits.catching_up),
            wake: Notify::new(),
            typings,
            typed: Mutex::new(Some(typed)),
            name,
            stopping: CancellationToken::new(),
            connections: TaskTracker::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Tells everybody what is new until it is told to stop, and lets them go then.
    pub async fn run(self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        tasks.spawn(self.clone().read_forever(stop.clone()));
        tasks.spawn(self.clone().guard_forever(stop.clone()));
        tasks.spawn(self.clone().meet_forever(stop.clone()));
        tasks.spawn(self.clone().type_forever(stop.clone()));
        tasks.spawn(self.clone().hear_forever(stop.clone()));
        stop.cancelled().await;
        self.shared.stopping.cancel();
        self.hall().end_all(End::Restarting);
        tasks.close();
        tasks.wait().await;
        self.say_goodbye().await;
    }

    /// Waits until every connection that was let go has gone, so long.
    pub async fn drained(&self, at_most: Duration) {
        self.shared.connections.close();
        if tokio::time::timeout(at_most, self.shared.connections.wait()).await.is_err() {
            tracing::warn!(connections = self.shared.connections.len(), "live connections were cut off");
        }
    }

    /// Held by whatever carries a connection, so that [`Live::drained`] waits for it.
    pub fn hold(&self) -> TaskTrackerToken {
        self.shared.connections.token()
    }

    /// Says that somebody is typing in a conversation, or no more. False when they say so too often; who may not write
    /// there is heard by nobody.
    pub fn say_typing(&self, caller: &Caller, conversation: ConversationId, is_typing: bool) -> bool {
        let Some(typing) = Typing::by(caller, conversation, is_typing) else { return true };
        if !self.people().may_say(typing.whose()) {
            return false;
        }
        self.shared.typings.try_send(typing).is_ok()
    }

    /// Says that two people who knew of each other may not any more: from now on neither sees whether the other is there.
    pub async fn part(&self, workspace: WorkspaceId, pair: [UserId; 2]) {
        self.people().part(workspace, pair);
        self.call_out(vec![Call::Parted { workspace, pair }]).await;
    }

    fn hall(&self) -> MutexGuard<'_, Hall> {
        self.shared.hall.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.shared.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call_out(&self, calls: Vec<Call>) {
        if calls.is_empty() || !self.shared.store.is_shared() {
            return;
        }
        let calls: Vec<String> = calls.into_iter().map(|call| call.written_by(&self.shared.name)).collect();
        if let Err(error) = self.shared.store.call_out(&calls).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the other servers are not told for now");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_may_hear_no_more_is_gone_within_a_second() {
        let exit = Exit::default();
        let ended = Instant::now();
        tokio::time::advance(guard::CHECK_EVERY).await;
        exit.end(End::SessionEnded);
        exit.end(End::Restarting);
        exit.over().await;
        assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());
    }
}
