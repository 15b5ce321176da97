//! A circuit breaker: while a service is away, its messages wait without attempts.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::Timestamp;

const WINDOW: Duration = Duration::from_secs(10);
const AT_LEAST: usize = 20;
const FIRST_PROBE: Duration = Duration::from_secs(5);
const LAST_PROBE: Duration = Duration::from_mins(1);
const PROBE_ENDS: Duration = Duration::from_mins(10);

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowance {
    /// Anything.
    All,
    /// One message, to see whether the service is back.
    Probe,
    /// Nothing, for so long.
    Wait(Duration),
}

/// Opens when, of at least 20 attempts ended in the last 10 s, 90 % found the service away; probes with one message
/// after 5 s, then doubling to 60 s.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    ended: VecDeque<(Timestamp, bool)>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    probe_at: Timestamp,
    next_wait: Duration,
    /// Since when a probe is under way; one that never ends is given up.
    probing_since: Option<Timestamp>,
}

impl Breaker {
    pub(super) fn allowance(&self, now: Timestamp) -> Allowance {
        match &self.open {
            None => Allowance::All,
            Some(open) if open.probing_since.is_some_and(|since| now.since(since) < PROBE_ENDS) => {
                Allowance::Wait(Duration::from_secs(1))
            }
            Some(open) if now >= open.probe_at => Allowance::Probe,
            Some(open) => Allowance::Wait(open.probe_at.since(now)),
        }
    }

    /// Marks that the probe is under way.
    pub(super) fn begin_probe(&mut self, now: Timestamp) {
        if let Some(open) = &mut self.open {
            open.probing_since = Some(now);
        }
    }

    /// Takes the probe back: there was nothing to send.
    pub(super) fn cancel_probe(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing_since = None;
        }
    }

    /// Counts an attempt that ended.
    pub(super) fn record(&mut self, is_away: bool, now: Timestamp) {
        match &mut self.open {
            Some(_) if !is_away => {
                self.open = None;
                self.ended.clear();
            }
            Some(open) if open.probing_since.is_some() => {
                open.probing_since = None;
                open.probe_at = now + open.next_wait;
                open.next_wait = (open.next_wait * 2).min(LAST_PROBE);
            }
            Some(_) => {}
            None => self.count(is_away, now),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn count(&mut self, is_away: bool, now: Timestamp) {
        self.ended.push_back((now, is_away));
        while self.ended.front().is_some_and(|(at, _)| now.since(*at) > WINDOW) {
            self.ended.pop_front();
        }
        let away = self.ended.iter().filter(|(_, is_away)| *is_away).count();
        if self.ended.len() >= AT_LEAST && away * 10 >= self.ended.len() * 9 {
            self.open = Some(Open { probe_at: now + FIRST_PROBE, next_wait: FIRST_PROBE * 2, probing_since: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0) + Duration::from_secs(seconds)
    }

    #[test]
    fn it_opens_only_when_nearly_all_of_enough_were_away() {
        let mut breaker = Breaker::default();
        for n in 0..19 {
            breaker.record(true, at(n / 4));
        }
        assert_eq!(breaker.allowance(at(5)), Allowance::All);
        breaker.record(true, at(5));
        assert_eq!(breaker.allowance(at(5)), Allowance::Wait(Duration::from_secs(5)));

        let mut mixed = Breaker::default();
        for n in 0..100 {
            mixed.record(n % 8 != 0, at(5));
        }
        assert!(!mixed.is_open());

        let mut slow = Breaker::default();
        for n in 0..100 {
            slow.record(true, at(n));
        }
        assert!(!slow.is_open());
    }

    #[test]
    fn it_probes_with_one_message_ever_more_rarely_until_the_service_is_back() {
        let mut breaker = Breaker::default();
        (0..20).for_each(|_| breaker.record(true, at(0)));
        let mut now = 0;
        for wait in [5, 10, 20, 40, 60, 60] {
            assert_eq!(breaker.allowance(at(now)), Allowance::Wait(Duration::from_secs(wait)));
            now += wait;
            assert_eq!(breaker.allowance(at(now)), Allowance::Probe);
            breaker.begin_probe(at(now));
            assert!(matches!(breaker.allowance(at(now)), Allowance::Wait(_)));
            breaker.record(true, at(now));
        }
        now += 60;
        breaker.begin_probe(at(now));
        breaker.record(false, at(now));
        assert_eq!(breaker.allowance(at(now)), Allowance::All);
    }
}
