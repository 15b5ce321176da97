//! How many requests a key, a session or an address makes in a minute: counted in memory, and told to the other server
//! processes through the database about once a second. No request waits for that.
//!
//! The map is bounded. Who is pushed out of it when it is full begins again at what the processes have told each other.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::auth::Origin;
use crate::config::Config;
use crate::domain::{ApiKeyId, SessionId, Timestamp};
use crate::store::{self, Store, Tally};

const SHARDS: usize = 16;
/// Callers of one shard.
const MOST: usize = 4_096;
const MINUTE: Duration = Duration::from_mins(1);
/// The budget's name in the database.
const NAME: &str = "requests";
/// Who has used less than this part of their budget is nobody the other processes need to hear of.
const WORTH_TELLING: u32 = 20;
/// Callers of one telling.
const AT_ONCE: usize = 2_000;

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asker {
    /// Those with a key.
    Key(ApiKeyId),
    /// Those with a session.
    Session(SessionId),
    /// Those without credentials that are good, from one address.
    Origin(Origin),
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    /// Which minute it is of.
    minute: i64,
    /// What this process has counted and not told yet.
    own: u32,
    /// What all processes had counted when they told each other last.
    told: u32,
}

#[derive(Debug, Default)]
struct Shard {
    counts: HashMap<Asker, Count>,
    /// In which minute what is over was thrown out last.
    swept: i64,
}

/// The request budgets of one process.
#[derive(Debug)]
pub struct Limiter {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    per_key: u32,
    per_other: u32,
}

impl Limiter {
    /// Budgets as the configuration says.
    pub fn new(config: &Config) -> Self {
        Self {
            shards: Default::default(),
            hasher: RandomState::new(),
            per_key: config.key_request_limit_per_minute,
            per_other: config.request_limit_per_minute,
        }
    }

    /// Whether there is any limit.
    pub(super) fn is_on(&self) -> bool {
        self.per_key > 0 || self.per_other > 0
    }

    /// Takes one request from somebody's budget; after how long there is more, when it is used up.
    pub(super) fn take(&self, asker: Asker, now: Timestamp) -> Result<(), Duration> {
        let most = self.most(asker);
        if most == 0 {
            return Ok(());
        }
        let minute = minute_of(now);
        let mut shard = self.shard(asker);
        shard.make_room(asker, minute);
        let count = shard.counts.entry(asker).or_default();
        if count.minute != minute {
            *count = Count { minute, ..Count::default() };
        }
        if count.own.saturating_add(count.told) >= most {
            return Err(end_of(minute).since(now));
        }
        count.own += 1;
        Ok(())
    }

    /// Tells the other processes what this one has counted, and hears what they have.
    pub async fn share(&self, store: &Store, now: Timestamp) -> store::Result<()> {
        let minute = minute_of(now);
        let counted = self.counted(minute);
        if counted.is_empty() {
            return Ok(());
        }
        let hash = |asker: &Asker| store.vault().fingerprint(&[NAME.as_bytes(), &asker.bytes()]);
        let by_hash: HashMap<[u8; 32], (Asker, u32)> =
            counted.into_iter().map(|(asker, own)| (hash(&asker), (asker, own))).collect();
        let tallies: Vec<Tally> =
            by_hash.iter().map(|(key_hash, (_, own))| Tally { key_hash: *key_hash, added: i64::from(*own) }).collect();
        let mut tx = store.begin().await?;
        let told = tx.add_tallies(NAME, &tallies, (MINUTE, end_of(minute)), now).await?;
        tx.commit().await?;
        for (key_hash, total) in told {
            if let Some((asker, own)) = by_hash.get(&key_hash) {
                self.hear(*asker, minute, (*own, u32::try_from(total).unwrap_or(u32::MAX)));
            }
        }
        Ok(())
    }

    fn counted(&self, minute: i64) -> Vec<(Asker, u32)> {
        let mut counted = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            let worth = |(asker, count): &(&Asker, &Count)| {
                let used = count.own.saturating_add(count.told);
                count.minute == minute && count.own > 0 && used >= (self.most(**asker) / WORTH_TELLING).max(1)
            };
            let room = AT_ONCE - counted.len();
            counted.extend(shard.counts.iter().filter(worth).take(room).map(|(asker, count)| (*asker, count.own)));
        }
        counted
    }

    fn hear(&self, asker: Asker, minute: i64, (own, total): (u32, u32)) {
        let mut shard = self.shard(asker);
        if let Some(count) = shard.counts.get_mut(&asker).filter(|count| count.minute == minute) {
            count.own = count.own.saturating_sub(own);
            count.told = total;
        }
    }

    fn most(&self, asker: Asker) -> u32 {
        match asker {
            Asker::Key(_) => self.per_key,
            Asker::Session(_) | Asker::Origin(_) => self.per_other,
        }
    }

    fn shard(&self, asker: Asker) -> MutexGuard<'_, Shard> {
        let at = self.hasher.hash_one(asker) % SHARDS as u64;
        lock(&self.shards[usize::try_from(at).unwrap_or_default()])
    }
}

impl Shard {
    /// Keeps the map within its bound, before somebody new comes in.
    fn make_room(&mut self, asker: Asker, minute: i64) {
        if self.counts.len() < MOST || self.counts.contains_key(&asker) {
            return;
        }
        if self.swept != minute {
            self.counts.retain(|_, count| count.minute == minute);
            self.swept = minute;
        }
        while self.counts.len() >= MOST {
            let Some(other) = self.counts.keys().next().copied() else { return };
            self.counts.remove(&other);
        }
    }
}

impl Asker {
    fn bytes(self) -> Vec<u8> {
        let (kind, id) = match self {
            Self::Key(id) => (0, id.0.to_be_bytes().to_vec()),
            Self::Session(id) => (1, id.0.to_be_bytes().to_vec()),
            Self::Origin(origin) => (2, origin.bytes().to_vec()),
        };
        [vec![kind], id].concat()
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn minute_of(now: Timestamp) -> i64 {
    now.seconds().div_euclid(60)
}

fn end_of(minute: i64) -> Timestamp {
    Timestamp::from_micros((minute + 1).saturating_mul(60_000_000))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap as Map;
    use std::time::Instant;

    use super::*;
    use crate::config::Sources;

    fn limiter(per_key: u32, per_other: u32) -> Limiter {
        let environment = [
            ("SWITCHBOARD_KEY_REQUEST_LIMIT_PER_MINUTE", per_key),
            ("SWITCHBOARD_REQUEST_LIMIT_PER_MINUTE", per_other),
        ];
        let environment: Map<_, _> = environment.map(|(key, value)| (key.to_owned(), value.to_string())).into();
        Limiter::new(&Config::load(&Sources { environment: Some(environment), ..Sources::default() }).unwrap())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    #[test]
    fn a_budget_is_its_own_callers_and_of_its_own_minute() {
        let limiter = limiter(3, 2);
        let (key, session) = (Asker::Key(ApiKeyId(1)), Asker::Session(SessionId(1)));
        for _ in 0..3 {
            assert_eq!(limiter.take(key, at(610)), Ok(()));
        }
        assert_eq!(limiter.take(key, at(610)), Err(Duration::from_secs(50)));
        assert_eq!(limiter.take(Asker::Key(ApiKeyId(2)), at(610)), Ok(()));
        assert_eq!((limiter.take(session, at(610)), limiter.take(session, at(611))), (Ok(()), Ok(())));
        assert_eq!(limiter.take(session, at(612)), Err(Duration::from_secs(48)));
        assert_eq!(limiter.take(key, at(660)), Ok(()));
    }

    #[test]
    fn no_limit_counts_nothing() {
        let limiter = limiter(0, 0);
        assert!(!limiter.is_on());
        for _ in 0..10_000 {
            assert_eq!(limiter.take(Asker::Key(ApiKeyId(1)), at(0)), Ok(()));
        }
        assert!(limiter.counted(0).is_empty());
    }

    #[test]
    fn a_flood_of_strangers_fills_no_memory() {
        let limiter = limiter(3, 2);
        for stranger in 0..200_000 {
            assert_eq!(limiter.take(Asker::Session(SessionId(stranger)), at(0)), Ok(()));
        }
        let kept: usize = limiter.shards.iter().map(|shard| lock(shard).counts.len()).sum();
        assert!(kept <= SHARDS * MOST, "{kept}");
    }

    #[test]
    fn a_request_is_counted_in_no_time() {
        let limiter = limiter(u32::MAX, 2);
        let started = Instant::now();
        for id in 0..100_000 {
            assert_eq!(limiter.take(Asker::Key(ApiKeyId(id % 100)), at(0)), Ok(()));
        }
        let each = started.elapsed() / 100_000;
        assert!(each < Duration::from_micros(50), "{each:?}");
    }
}
