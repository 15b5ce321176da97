//! A token bucket: so many messages a second, and a second's worth at once.

use crate::domain::Timestamp;

/// Tokens come in at a steady rate, up to one second's worth.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    tokens: f64,
    filled_at: Timestamp,
}

impl Bucket {
    pub(super) fn new(per_second: u32, now: Timestamp) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, tokens: per_second, filled_at: now }
    }

    /// Has another rate from now on.
    pub(super) fn change(&mut self, per_second: u32) {
        self.per_second = f64::from(per_second);
        self.tokens = self.tokens.min(self.per_second);
    }

    /// Takes up to that many whole tokens; gives how many there were.
    pub(super) fn take(&mut self, wanted: usize, now: Timestamp) -> usize {
        self.fill(now);
        let mut taken = 0;
        while taken < wanted && self.tokens >= 1.0 {
            self.tokens -= 1.0;
            taken += 1;
        }
        taken
    }

    /// Puts tokens back that were not used.
    pub(super) fn give_back(&mut self, tokens: usize) {
        let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
        self.tokens = (self.tokens + f64::from(tokens)).min(self.per_second);
    }

    /// How long until there is a token.
    pub(super) fn wait(&mut self, now: Timestamp) -> std::time::Duration {
        self.fill(now);
        std::time::Duration::from_secs_f64(((1.0 - self.tokens) / self.per_second).max(0.0))
    }

    fn fill(&mut self, now: Timestamp) {
        let gained = now.since(self.filled_at).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + gained).min(self.per_second);
        self.filled_at = self.filled_at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_gives_its_rate_and_no_more() {
        let start = Timestamp::from_micros(0);
        let mut bucket = Bucket::new(10, start);
        assert_eq!(bucket.take(100, start), 10);
        assert_eq!(bucket.take(1, start), 0);
        assert_eq!(bucket.wait(start), Duration::from_millis(100));
        assert_eq!(bucket.take(100, start + Duration::from_millis(300)), 3);
        assert_eq!(bucket.take(100, start + Duration::from_hours(1)), 10);
        bucket.give_back(4);
        assert_eq!(bucket.take(100, start + Duration::from_hours(1)), 4);
    }
}
