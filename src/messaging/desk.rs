//! Group commit: sends that come while others are stored are stored together after those, in one commit. Where nothing is
//! under way nobody waits.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::together::store_set;
use super::{Messaging, Once, SendError, Sent};
use crate::domain::{Caller, Draft, Refusal};
use crate::store::Store;

/// What is stored together at most.
const SET: usize = 256;
/// Bytes of bodies that are stored together, as far as more than one send holds them.
const SET_BYTES: usize = 4 * 1024 * 1024;
/// What may wait in one row, and of one caller; more is refused.
const MOST_WAITING: usize = 2_048;
const MOST_OF_ONE: usize = 512;
/// Bytes of bodies that may wait in one row.
const WAITING_BYTES: usize = 32 * 1024 * 1024;
/// Rows beside each other where the database takes several writers: each conversation has its own, so that two sets hardly
/// ever wait for the same one.
const SHARED_ROWS: usize = 2;

/// Where sends wait for their turn. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    rows: Arc<[Arc<Row>]>,
}

/// A send that was asked for.
pub(super) struct Order {
    pub(super) m: Messaging,
    pub(super) caller: Caller,
    pub(super) draft: Result<Draft, Refusal>,
    pub(super) once: Option<Once>,
}

/// What became of a send.
pub(super) type Outcome = Result<Sent, SendError>;

/// A send, and who waits for it.
pub(super) struct Waiting {
    pub(super) order: Order,
    pub(super) answer: oneshot::Sender<Outcome>,
}

#[derive(Default)]
struct Row {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    by_caller: HashMap<Caller, usize>,
    bytes: usize,
    /// Whether somebody takes from it.
    is_served: bool,
}

impl Desk {
    /// For that database.
    pub fn of(store: &Store) -> Self {
        let rows = if store.is_shared() { SHARED_ROWS } else { 1 };
        Self { rows: (0..rows).map(|_| Arc::default()).collect() }
    }

    /// Waits until a send was stored, or not. Whoever stops waiting before its turn takes it back, and not after.
    pub(super) async fn take(&self, order: Order) -> Outcome {
        let (answer, heard) = oneshot::channel();
        let row = &self.rows[self.row_of(&order)];
        row.join(Waiting { order, answer })?;
        heard.await.unwrap_or(Err(SendError::Broken))
    }

    fn row_of(&self, order: &Order) -> usize {
        let Ok(draft) = &order.draft else { return 0 };
        let mut people: Vec<_> = draft.recipients().chain([&draft.from]).collect();
        people.sort_unstable();
        let mut hasher = DefaultHasher::new();
        (order.caller.workspace, people).hash(&mut hasher);
        usize::try_from(hasher.finish() % self.rows.len() as u64).unwrap_or(0)
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("rows", &self.rows.len()).finish()
    }
}

impl Row {
    fn join(self: &Arc<Self>, waiting: Waiting) -> Result<(), SendError> {
        let mut queue = self.queue();
        queue.push(waiting)?;
        if !queue.is_served {
            queue.is_served = true;
            drop(queue);
            tokio::spawn(Turn(Arc::clone(self)).serve());
        }
        Ok(())
    }

    /// The next set; nothing when nobody waits, and then nobody serves.
    fn next_set(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.queue();
        let set = queue.next_set();
        queue.is_served = !set.is_empty();
        queue.is_served.then_some(set)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, waiting: Waiting) -> Result<(), SendError> {
        let bytes = waiting.order.bytes();
        let of_one = self.by_caller.get(&waiting.order.caller).copied().unwrap_or_default();
        if self.waiting.len() >= MOST_WAITING || of_one >= MOST_OF_ONE || self.bytes + bytes > WAITING_BYTES {
            return Err(SendError::Full);
        }
        self.by_caller.insert(waiting.order.caller, of_one + 1);
        self.bytes += bytes;
        self.waiting.push_back(waiting);
        Ok(())
    }

    /// Those of whoever waits longest, under one configuration. Whoever repeats a key waits for who came with it first, and
    /// whoever has left is let go.
    fn next_set(&mut self) -> Vec<Waiting> {
        let mut set: Vec<Waiting> = Vec::new();
        let mut bytes = 0;
        let mut keys = HashSet::new();
        let mut later = Vec::new();
        while set.len() < SET
            && let Some(next) = self.waiting.pop_front()
        {
            let order = &next.order;
            let fits = set.is_empty() || bytes + order.bytes() <= SET_BYTES;
            let belongs = fits && set.first().is_none_or(|first| first.order.goes_with(order));
            if next.answer.is_closed() {
                self.forget(order);
            } else if belongs && order.once.as_ref().is_none_or(|once| keys.insert(once.key.clone())) {
                self.forget(order);
                bytes += order.bytes();
                set.push(next);
            } else {
                later.push(next);
            }
        }
        for next in later.into_iter().rev() {
            self.waiting.push_front(next);
        }
        set
    }

    fn forget(&mut self, order: &Order) {
        self.bytes -= order.bytes();
        if let Some(of_one) = self.by_caller.get_mut(&order.caller) {
            *of_one -= 1;
            if *of_one == 0 {
                self.by_caller.remove(&order.caller);
            }
        }
    }
}

impl Order {
    fn goes_with(&self, other: &Self) -> bool {
        self.caller == other.caller && Arc::ptr_eq(&self.m.rules, &other.m.rules)
    }

    fn bytes(&self) -> usize {
        self.draft.as_ref().map_or(0, |draft| draft.body.len())
    }
}

/// Whoever serves a row, until nobody waits in it.
struct Turn(Arc<Row>);

impl Turn {
    async fn serve(self) {
        while let Some(set) = self.0.next_set() {
            store_set(set).await;
        }
    }
}

impl Drop for Turn {
    /// A turn that broke off leaves the row to another one.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let mut queue = self.0.queue();
        queue.is_served = !queue.waiting.is_empty();
        if queue.is_served {
            drop(queue);
            tokio::spawn(Turn(Arc::clone(&self.0)).serve());
        }
    }
}
