//! The only source of now and of randomness; tests own one.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use crate::domain::Timestamp;

/// Tells the time and draws random numbers.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual { now: Arc<AtomicI64>, random: Arc<Mutex<StdRng>> },
}

impl Clock {
    /// The machine's clock and the operating system's randomness.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is advanced, with randomness that a seed repeats.
    pub fn manual(start: Timestamp, seed: u64) -> Self {
        Self(Source::Manual {
            now: Arc::new(AtomicI64::new(start.micros())),
            random: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))),
        })
    }

    /// Now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may ask the machine")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
            Source::Manual { now, .. } => Timestamp::from_micros(now.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward; the machine's own is not moved.
    pub fn advance(&self, span: Duration) {
        if let Source::Manual { now, .. } = &self.0 {
            now.fetch_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// A number in `0.0..1.0`.
    pub fn fraction(&self) -> f64 {
        match &self.0 {
            Source::System => rand::rng().random(),
            Source::Manual { random, .. } => random.lock().unwrap_or_else(PoisonError::into_inner).random(),
        }
    }

    /// Fills with random bytes that are fit for secrets.
    pub fn fill(&self, bytes: &mut [u8]) {
        match &self.0 {
            Source::System => rand::rng().fill_bytes(bytes),
            Source::Manual { random, .. } => random.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes),
        }
    }

    /// `N` random bytes that are fit for secrets.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}
