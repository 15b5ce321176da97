//! The handsets and mailboxes of the simulated carrier, and what they were sent.
//!
//! A device of its own, not our store: it lives in memory, keeps the newest [`PER_HANDSET`] messages of a handset and
//! the newest [`IN_ALL`] of all, [`MAX_BYTES`] at most, and is gone with the process.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde::Serialize;

use super::{Book, CarriedMessage, Entry, NotWritten};
use crate::domain::{Address, Channel, Timestamp};

/// The most messages one handset remembers.
pub const PER_HANDSET: usize = 1_000;
/// The most messages that all handsets together remember.
pub const IN_ALL: usize = 10_000;
/// The most bytes that all remembered messages together may hold.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// A handset or mailbox in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Handset {
    /// Its number or address.
    pub address: String,
    /// How many messages it remembers.
    pub message_count: usize,
    /// When it had the last one.
    pub last_message_at: Timestamp,
}

/// What the carrier remembers.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Shelves>);

#[derive(Debug, Default)]
struct Shelves {
    all: VecDeque<Arc<CarriedMessage>>,
    size_bytes: usize,
    handsets: BTreeMap<String, VecDeque<Arc<CarriedMessage>>>,
    references: Recent<Recalled>,
    keys: Recent<Entry>,
}

/// What the carrier remembers of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recalled {
    /// It has the message.
    Taken { provider_id: String, channel: Channel, at: Timestamp },
    /// It was asked for it and did not take it.
    NotTaken,
}

/// A map that keeps its newest [`IN_ALL`] names.
#[derive(Debug)]
struct Recent<V> {
    values: HashMap<String, V>,
    order: VecDeque<String>,
}

impl Memory {
    /// Every handset that had a message, newest first.
    pub fn list(&self) -> Vec<Handset> {
        let shelves = self.lock();
        let mut handsets: Vec<_> = shelves
            .handsets
            .iter()
            .filter_map(|(address, messages)| {
                let last_message_at = messages.back()?.at;
                Some(Handset { address: address.clone(), message_count: messages.len(), last_message_at })
            })
            .collect();
        handsets.sort_by_key(|handset| std::cmp::Reverse(handset.last_message_at));
        handsets
    }

    /// What a handset had and wrote, oldest first; nothing when the carrier knows no such handset.
    pub fn find(&self, address: &Address) -> Option<Vec<Arc<CarriedMessage>>> {
        self.lock().handsets.get(address.as_str()).map(|messages| messages.iter().cloned().collect())
    }

    /// Shows a handset what it wrote itself.
    pub(super) fn keep_written(&self, message: CarriedMessage) {
        let owner = message.from.clone();
        self.lock().keep(Arc::new(message), [owner]);
    }

    /// Whether the carrier took the message of a reference; nothing when it does not remember.
    pub(super) fn recall(&self, reference: &str) -> Option<Recalled> {
        self.lock().references.values.get(reference).cloned()
    }

    fn write_down(&self, message: CarriedMessage, key: Option<&str>) -> Entry {
        let mut shelves = self.lock();
        if let Some(first) = key.and_then(|key| shelves.keys.values.get(key)) {
            return Entry { is_first: false, ..first.clone() };
        }
        let entry = Entry { provider_id: message.id.clone(), at: message.at, is_first: true };
        if let Some(key) = key {
            shelves.keys.entry(key, || entry.clone());
        }
        if let Some(reference) = &message.reference {
            let known = shelves.references.entry(reference, || Recalled::NotTaken);
            if *known == Recalled::NotTaken {
                let (provider_id, at) = (message.id.clone(), message.at);
                *known = Recalled::Taken { provider_id, channel: message.channel, at };
            }
        }
        let owners: Vec<String> = message.to.as_slice().iter().chain(&message.cc).cloned().collect();
        shelves.keep(Arc::new(message), owners);
        entry
    }

    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book for Memory {
    fn enter(&self, message: CarriedMessage, key: Option<String>) -> BoxFuture<'_, Result<Entry, NotWritten>> {
        ready(Ok(self.write_down(message, key.as_deref()))).boxed()
    }

    fn pass(&self, reference: &str) {
        self.lock().references.entry(reference, || Recalled::NotTaken);
    }
}

impl Shelves {
    fn keep(&mut self, message: Arc<CarriedMessage>, owners: impl IntoIterator<Item = String>) {
        self.size_bytes += message.size_bytes();
        for owner in owners {
            let messages = self.handsets.entry(owner).or_default();
            messages.push_back(Arc::clone(&message));
            if messages.len() > PER_HANDSET {
                messages.pop_front();
            }
        }
        self.all.push_back(message);
        while self.all.len() > IN_ALL || (self.size_bytes > MAX_BYTES && self.all.len() > 1) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.all.pop_front() else { return };
        self.size_bytes -= oldest.size_bytes();
        let owners = oldest.to.as_slice().iter().chain(&oldest.cc).chain([&oldest.from]);
        for owner in owners {
            if let Some(messages) = self.handsets.get_mut(owner) {
                if messages.front().is_some_and(|first| Arc::ptr_eq(first, &oldest)) {
                    messages.pop_front();
                }
                if messages.is_empty() {
                    self.handsets.remove(owner);
                }
            }
        }
    }
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self { values: HashMap::new(), order: VecDeque::new() }
    }
}

impl<V> Recent<V> {
    /// The value of a name, made when it is new; then the oldest name makes room.
    fn entry(&mut self, name: &str, value: impl FnOnce() -> V) -> &mut V {
        if !self.values.contains_key(name) {
            self.order.push_back(name.to_owned());
            if self.order.len() > IN_ALL
                && let Some(oldest) = self.order.pop_front()
            {
                self.values.remove(&oldest);
            }
        }
        self.values.entry(name.to_owned()).or_insert_with(value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::message;
    use super::*;
    use crate::domain::AddressKind;

    fn phone(text: &str) -> Address {
        Address::from_stored(AddressKind::Phone, text.to_owned())
    }

    #[test]
    fn a_handset_keeps_its_newest_thousand() {
        let memory = Memory::default();
        for number in 0..PER_HANDSET + 5 {
            memory.write_down(message(&number.to_string(), "+12015550101", &number.to_string()), None);
        }
        let kept = memory.find(&phone("+12015550101")).unwrap();
        assert_eq!(kept.len(), PER_HANDSET);
        assert_eq!(kept[0].body, "5");
    }

    #[test]
    fn all_handsets_together_keep_ten_thousand() {
        let memory = Memory::default();
        for number in 0..IN_ALL + 3 {
            memory.write_down(message(&number.to_string(), &format!("+1201{number:07}"), "x"), None);
        }
        assert_eq!(memory.list().len(), IN_ALL);
        assert_eq!(memory.find(&phone("+12010000002")), None);
        assert_eq!(memory.find(&phone("+12010000003")).unwrap().len(), 1);
        assert_eq!(memory.recall("2"), None);
        assert!(matches!(memory.recall("3"), Some(Recalled::Taken { .. })));
    }

    #[test]
    fn large_messages_are_bounded_by_their_bytes() {
        let memory = Memory::default();
        let body = "x".repeat(1024 * 1024);
        for number in 0..40 {
            memory.write_down(message(&number.to_string(), "+12015550101", &body), None);
        }
        let kept = memory.find(&phone("+12015550101")).unwrap();
        assert!((30..=32).contains(&kept.len()), "{}", kept.len());
        assert!(memory.lock().size_bytes <= MAX_BYTES);
    }

    #[test]
    fn a_key_is_honoured_and_a_reference_keeps_its_first_message() {
        let memory = Memory::default();
        let first = memory.write_down(message("r", "+12015550101", "x"), Some("k"));
        let again = memory.write_down(message("r", "+12015550101", "x"), Some("k"));
        assert_eq!((again.provider_id, again.is_first), (first.provider_id.clone(), false));
        let other = memory.write_down(message("r", "+12015550101", "x"), None);
        assert_ne!(other.provider_id, first.provider_id);
        let recalled = memory.recall("r").unwrap();
        assert!(matches!(recalled, Recalled::Taken { provider_id, .. } if provider_id == first.provider_id));
    }

    #[test]
    fn not_taken_is_remembered_until_it_is_taken() {
        let memory = Memory::default();
        assert_eq!(memory.recall("r"), None);
        memory.pass("r");
        assert_eq!(memory.recall("r"), Some(Recalled::NotTaken));
        memory.write_down(message("r", "+12015550101", "x"), None);
        memory.pass("r");
        assert!(matches!(memory.recall("r"), Some(Recalled::Taken { .. })));
    }
}
