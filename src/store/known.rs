//! What nearly every request needs and hardly any finds changed: keys and sessions, and the ids of addresses.
//!
//! A key or a session is known for half a second at most, which is how long another process may not have heard of a change.
//! A commit of this process that changes what one may do is known at once: everything read before it is forgotten.
//!
//! The addresses of a workspace are never deleted and keep their ids, so that they may be known for as long as the database is
//! the same; those of accounts are not kept. Where it may have become another one, after a failover, all are forgotten.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{ApiKeyRow, Result, SessionRow, Store};
use crate::domain::{Address, AddressId, WorkspaceId};

const KNOWN_FOR: Duration = Duration::from_millis(500);
/// Rows of a kind.
const MOST: usize = 8_192;
/// Addresses.
const MOST_ADDRESSES: usize = 20_000;

/// What is known of those who call.
#[derive(Debug, Default)]
pub(super) struct Callers {
    /// Counts the commits that changed what somebody may do.
    changes: AtomicU64,
    keys: Known<ApiKeyRow>,
    sessions: Known<SessionRow>,
}

#[derive(Debug)]
struct Known<T>(Mutex<HashMap<[u8; 32], Kept<T>>>);

#[derive(Debug)]
struct Kept<T> {
    row: T,
    read_at: Instant,
    /// How many changes there had been when it was read.
    changes: u64,
}

impl Store {
    /// The key with that hash, as it was half a second ago or later.
    pub async fn find_api_key(&self, hash: &[u8; 32]) -> Result<Option<ApiKeyRow>> {
        let callers = &self.shared.callers;
        let read = async { self.read().await?.find_api_key(hash).await };
        callers.keys.find_or(hash, callers.changes(), read).await
    }

    /// The session with that token, as it was half a second ago or later.
    pub async fn find_session(&self, token_hash: &[u8; 32]) -> Result<Option<SessionRow>> {
        let callers = &self.shared.callers;
        let read = async { self.read().await?.find_session(token_hash).await };
        callers.sessions.find_or(token_hash, callers.changes(), read).await
    }

    /// Forgets how a key or a session was, as its use has been noted.
    pub fn forget_caller(&self, hash: &[u8; 32]) {
        self.shared.callers.keys.rows().remove(hash);
        self.shared.callers.sessions.rows().remove(hash);
    }
}

impl Callers {
    fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// What was known is not any more.
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }
}

impl<T: Clone> Known<T> {
    /// What is known, or else what is read now.
    async fn find_or(
        &self,
        hash: &[u8; 32],
        changes: u64,
        read: impl Future<Output = Result<Option<T>>>,
    ) -> Result<Option<T>> {
        if let Some(row) = self.find(hash, changes) {
            return Ok(Some(row));
        }
        let read_at = Instant::now();
        let row = read.await?;
        self.keep(hash, row.as_ref(), (changes, read_at));
        Ok(row)
    }

    fn find(&self, hash: &[u8; 32], changes: u64) -> Option<T> {
        let rows = self.rows();
        let kept = rows.get(hash).filter(|kept| kept.changes == changes && kept.read_at.elapsed() < KNOWN_FOR)?;
        Some(kept.row.clone())
    }

    fn keep(&self, hash: &[u8; 32], row: Option<&T>, (changes, read_at): (u64, Instant)) {
        let Some(row) = row.cloned() else { return };
        let mut rows = self.rows();
        if rows.len() >= MOST {
            rows.retain(|_, kept| kept.changes == changes && kept.read_at.elapsed() < KNOWN_FOR);
        }
        if rows.len() < MOST {
            rows.insert(*hash, Kept { row, read_at, changes });
        }
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<[u8; 32], Kept<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// Addresses and their ids.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    ids: HashMap<WorkspaceId, HashMap<Address, AddressId>>,
    addresses: HashMap<(WorkspaceId, AddressId), Address>,
}

impl Addresses {
    /// The ids of those that are known.
    pub(super) fn ids(&self, workspace: WorkspaceId, addresses: &[Address]) -> HashMap<Address, AddressId> {
        let book = self.book();
        let Some(ids) = book.ids.get(&workspace) else { return HashMap::new() };
        addresses.iter().filter_map(|address| Some((address.clone(), *ids.get(address)?))).collect()
    }

    /// Those whose ids are known.
    pub(super) fn addresses(&self, workspace: WorkspaceId, ids: &[AddressId]) -> HashMap<AddressId, Address> {
        let book = self.book();
        ids.iter().filter_map(|id| Some((*id, book.addresses.get(&(workspace, *id))?.clone()))).collect()
    }

    /// Forgets them all: the database may be another one, or an older one.
    pub(super) fn forget(&self) {
        *self.book() = Book::default();
    }

    /// Keeps what was committed.
    pub(super) fn learn(&self, met: Vec<(WorkspaceId, Address, AddressId)>) {
        if met.is_empty() {
            return;
        }
        let mut book = self.book();
        if book.addresses.len() + met.len() > MOST_ADDRESSES {
            *book = Book::default();
        }
        for (workspace, address, id) in met.into_iter().filter(|met| met.0 != WorkspaceId::ACCOUNTS) {
            book.addresses.insert((workspace, id), address.clone());
            book.ids.entry(workspace).or_default().insert(address, id);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
