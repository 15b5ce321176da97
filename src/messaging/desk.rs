//! Group commit: sends that come while others are stored are stored together after those, in one commit. Where nothing is
//! under way nobody waits.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::together::send_together;
use super::{Messaging, Once, SendError, Sent};
use crate::domain::{Caller, Draft, Refusal};
use crate::store::Store;

/// What is stored together at most.
const SET: usize = 256;
/// What may wait in one row; more is refused.
const MOST_WAITING: usize = 2_048;
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

struct Waiting {
    order: Order,
    answer: oneshot::Sender<Outcome>,
}

#[derive(Default)]
struct Row {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Whether somebody takes from it.
    is_served: bool,
}

impl Desk {
    /// For that database.
    pub fn of(store: &Store) -> Self {
        let rows = if store.is_shared() { SHARED_ROWS } else { 1 };
        Self { rows: (0..rows).map(|_| Arc::default()).collect() }
    }

    /// Waits until a send was stored, or not. Whoever stops waiting does not take it back.
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
        if queue.waiting.len() >= MOST_WAITING {
            return Err(SendError::Full);
        }
        queue.waiting.push_back(waiting);
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
    /// Those who wait longest, under one configuration; whoever repeats a key waits for who came with it first.
    fn next_set(&mut self) -> Vec<Waiting> {
        let mut set: Vec<Waiting> = Vec::new();
        let mut later = VecDeque::new();
        let mut keys = HashSet::new();
        while set.len() < SET
            && let Some(next) = self.waiting.pop_front()
        {
            let is_other = set.first().is_some_and(|first| !first.order.is_under_the_rules_of(&next.order));
            if is_other {
                later.push_back(next);
                break;
            }
            let is_first =
                next.order.once.as_ref().is_none_or(|once| keys.insert((next.order.caller, once.key.clone())));
            if is_first { set.push(next) } else { later.push_back(next) }
        }
        later.append(&mut self.waiting);
        self.waiting = later;
        set
    }
}

impl Order {
    fn is_under_the_rules_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.m.rules, &other.m.rules)
    }
}

/// Whoever serves a row, until nobody waits in it.
struct Turn(Arc<Row>);

impl Turn {
    async fn serve(self) {
        while let Some(set) = self.0.next_set() {
            let (orders, answers): (Vec<Order>, Vec<_>) = set.into_iter().map(|one| (one.order, one.answer)).unzip();
            for (answer, outcome) in answers.into_iter().zip(send_together(&orders).await) {
                // Whoever left hears nothing.
                drop(answer.send(outcome));
            }
        }
    }
}

impl Drop for Turn {
    /// A turn that broke off leaves the row to another one.
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        if !std::thread::panicking() {
            return;
        }
        queue.is_served = !queue.waiting.is_empty();
        if queue.is_served {
            drop(queue);
            tokio::spawn(Turn(Arc::clone(&self.0)).serve());
        }
    }
}
