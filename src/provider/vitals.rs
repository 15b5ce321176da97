//! How providers are doing, as this process sees it: noted by whoever carries, read by whoever asks.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::Outcome;
use crate::domain::{Timestamp, mask};

/// How far back outcomes are counted.
pub const RECENT: Duration = Duration::from_mins(5);
const MINUTE: i64 = 60;
/// Failures that are kept of one provider.
const FAILURES: usize = 10;
/// Characters of a failure's reason that are kept.
const MAX_REASON: usize = 300;

/// The vitals of every provider, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<HashMap<String, Arc<Vitals>>>>);

impl Board {
    /// Those of one provider, from when it was asked for first.
    pub fn of(&self, name: &str) -> Arc<Vitals> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.to_owned()).or_default())
    }
}

/// How one provider is doing.
#[derive(Debug, Default)]
pub struct Vitals {
    /// Whether it is held back, in the last bit, and above it how often that was said.
    pause: AtomicU64,
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    opened_at: Option<Timestamp>,
    minutes: VecDeque<(i64, Tally)>,
    failures: VecDeque<Failure>,
}

/// A pause or its end, and no other one of the same provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PauseMark(u64);

impl PauseMark {
    fn is_paused(self) -> bool {
        self.0 & 1 == 1
    }
}

/// How attempts ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Tally {
    /// Taken.
    pub accepted: u64,
    /// Certainly not taken.
    pub retry: u64,
    /// Refused for good.
    pub rejected: u64,
    /// Answered with a failure that does not rule out that it was taken.
    pub doubtful: u64,
    /// Not answered.
    pub unknown: u64,
}

/// An attempt that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Failure {
    /// When it ended.
    pub at: Timestamp,
    /// `retry`, `rejected`, `doubtful` or `unknown`.
    pub outcome: &'static str,
    /// What the service said, without addresses.
    pub reason: String,
}

/// The vitals of a moment.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// Since when the breaker is open.
    pub opened_at: Option<Timestamp>,
    /// How the attempts of the last minutes ended.
    pub recent: Tally,
    /// The last failures, the newest first.
    pub failures: Vec<Failure>,
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Accepted { .. } => &mut self.accepted,
            Outcome::Retry { .. } => &mut self.retry,
            Outcome::Rejected { .. } => &mut self.rejected,
            Outcome::Doubtful { .. } => &mut self.doubtful,
            Outcome::Unknown { .. } => &mut self.unknown,
        } += 1;
    }

    fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.retry += other.retry;
        self.rejected += other.rejected;
        self.doubtful += other.doubtful;
        self.unknown += other.unknown;
    }
}

impl Vitals {
    /// Whether an admin holds the provider back.
    pub fn is_paused(&self) -> bool {
        self.pause_mark().is_paused()
    }

    /// What was said last of whether it is held back.
    pub fn pause_mark(&self) -> PauseMark {
        PauseMark(self.pause.load(Ordering::Relaxed))
    }

    /// Notes whether it is held back; tells whether that is news.
    pub fn pause(&self, is_paused: bool) -> bool {
        loop {
            let seen = self.pause_mark();
            if self.replace(seen, is_paused) {
                return seen.is_paused() != is_paused;
            }
        }
    }

    /// Notes what a list says that was read after `seen`, unless somebody has said something since; tells whether that is
    /// news.
    pub fn pause_as_read(&self, seen: PauseMark, is_paused: bool) -> bool {
        seen.is_paused() != is_paused && self.replace(seen, is_paused)
    }

    fn replace(&self, seen: PauseMark, is_paused: bool) -> bool {
        let next = (seen.0 | 1).wrapping_add(1) | u64::from(is_paused);
        self.pause.compare_exchange(seen.0, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Notes how an attempt ended.
    pub fn note(&self, outcome: &Outcome, now: Timestamp) {
        let mut record = self.record();
        let minute = now.seconds().div_euclid(MINUTE);
        if record.minutes.back().is_none_or(|(last, _)| *last < minute) {
            record.minutes.push_back((minute, Tally::default()));
        }
        while record.minutes.front().is_some_and(|(first, _)| is_old(*first, now)) {
            record.minutes.pop_front();
        }
        if let Some((_, tally)) = record.minutes.back_mut() {
            tally.count(outcome);
        }
        let reason = match outcome {
            Outcome::Accepted { .. } => return,
            Outcome::Rejected { code, reason } => format!("{code}: {reason}"),
            Outcome::Retry { reason, .. } | Outcome::Doubtful { reason } | Outcome::Unknown { reason } => {
                reason.clone()
            }
        };
        record.failures.truncate(FAILURES - 1);
        let reason = mask(&reason).chars().take(MAX_REASON).collect();
        record.failures.push_front(Failure { at: now, outcome: outcome.as_str(), reason });
    }

    /// Notes whether the breaker is open.
    pub fn note_breaker(&self, is_open: bool, now: Timestamp) {
        let mut record = self.record();
        record.opened_at = is_open.then(|| record.opened_at.unwrap_or(now));
    }

    /// How it is doing now.
    pub fn show(&self, now: Timestamp) -> Shown {
        let record = self.record();
        let mut recent = Tally::default();
        for (_, tally) in record.minutes.iter().filter(|(minute, _)| !is_old(*minute, now)) {
            recent.add(tally);
        }
        Shown { opened_at: record.opened_at, recent, failures: record.failures.iter().cloned().collect() }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a minute is no more among the last ones, of which the one that runs is the last.
fn is_old(minute: i64, now: Timestamp) -> bool {
    let span = i64::try_from(RECENT.as_secs()).unwrap_or(i64::MAX) / MINUTE;
    minute + span <= now.seconds().div_euclid(MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_micros(minutes * MINUTE * 1_000_000)
    }

    #[test]
    fn the_last_minutes_are_counted_and_the_last_failures_kept() {
        let vitals = Board::default().of("p");
        for minute in 0..20 {
            vitals.note(&Outcome::Accepted { reference: "r".to_owned() }, at(minute));
            let reason = format!("busy in minute {minute}, for +12015550100");
            vitals.note(&Outcome::Retry { after: None, is_away: false, reason }, at(minute));
        }
        let shown = vitals.show(at(19));
        assert_eq!(shown.recent, Tally { accepted: 5, retry: 5, ..Tally::default() });
        assert_eq!((shown.failures.len(), shown.failures[0].at), (FAILURES, at(19)));
        assert!(shown.failures.iter().all(|failure| !failure.reason.contains("2015550100")));
        assert_eq!(vitals.show(at(22)).recent.retry, 2);
        assert_eq!(vitals.show(at(60)).recent, Tally::default());
    }

    #[test]
    fn a_pause_is_news_once() {
        let board = Board::default();
        assert!(board.of("p").pause(true) && !board.of("p").pause(true));
        assert!(board.of("p").is_paused() && !board.of("q").is_paused());
    }

    #[test]
    fn a_list_that_was_read_before_changes_nothing() {
        let vitals = Board::default().of("p");
        let before = vitals.pause_mark();
        assert!(vitals.pause(true));
        assert!(!vitals.pause_as_read(before, false) && vitals.is_paused());
        let paused = vitals.pause_mark();
        assert!(vitals.pause(false) && vitals.pause(true) && vitals.pause(false));
        assert!(!vitals.pause_as_read(paused, true) && !vitals.is_paused());
        assert!(vitals.pause_as_read(vitals.pause_mark(), true) && vitals.is_paused());
        assert!(!vitals.pause_as_read(vitals.pause_mark(), true), "no news");
        assert!(vitals.pause_as_read(vitals.pause_mark(), false) && !vitals.is_paused());
    }
}
