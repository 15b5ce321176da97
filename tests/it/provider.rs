//! A provider that answers as it is told and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use switchboard::clock::Clock;
use switchboard::domain::Timestamp;
use switchboard::provider::{Abilities, Envelope, Found, Outcome, Provider, Sought};
use tokio::sync::Notify;

/// One attempt as the provider saw it.
#[derive(Debug, Clone)]
pub struct Attempted {
    pub at: Timestamp,
    pub envelope: Envelope,
    pub outcome: Outcome,
}

/// Answers by a script, and after it always the same.
#[derive(Debug)]
pub struct TestProvider {
    clock: Clock,
    abilities: Abilities,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Outcome>,
    always: Option<Outcome>,
    lookups: VecDeque<Found>,
    attempts: Vec<Attempted>,
    asked: Vec<(Timestamp, Sought)>,
    gate: Option<Arc<Notify>>,
}

impl TestProvider {
    pub fn new(clock: Clock, abilities: Abilities) -> Self {
        Self { clock, abilities, state: Mutex::default() }
    }

    /// Answers the next attempts so, one each; then goes on as before.
    pub fn script(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        self.state().script.extend(outcomes);
    }

    /// Answers every attempt beyond the script so; `None`: accepts it.
    pub fn always(&self, outcome: Option<Outcome>) {
        self.state().always = outcome;
    }

    /// Answers the next look-ups so; beyond them nothing is clear.
    pub fn find(&self, found: impl IntoIterator<Item = Found>) {
        self.state().lookups.extend(found);
    }

    /// Keeps the next answer back until it is let through.
    pub fn hold(&self, gate: Arc<Notify>) {
        self.state().gate = Some(gate);
    }

    /// Every attempt so far.
    pub fn attempts(&self) -> Vec<Attempted> {
        self.state().attempts.clone()
    }

    /// Every look-up so far: when, and of what.
    pub fn asked(&self) -> Vec<(Timestamp, Sought)> {
        self.state().asked.clone()
    }

    /// The bodies of what it took, in order.
    pub fn taken(&self) -> Vec<String> {
        let is_taken = |attempt: &&Attempted| matches!(attempt.outcome, Outcome::Accepted { .. });
        self.state().attempts.iter().filter(is_taken).map(|attempt| attempt.envelope.body.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, envelope: &Envelope) -> Outcome {
        let mut state = self.state();
        let scripted = state.script.pop_front().or_else(|| state.always.clone());
        let reference = format!("p-{}", state.attempts.len() + 1);
        let outcome = scripted.unwrap_or(Outcome::Accepted { reference });
        state.attempts.push(Attempted { at: self.clock.now(), envelope: envelope.clone(), outcome: outcome.clone() });
        outcome
    }
}

impl Provider for TestProvider {
    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn send<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Outcome> {
        async move {
            let outcome = self.answer(envelope);
            let gate = self.state().gate.take();
            if let Some(gate) = gate {
                gate.notified().await;
            }
            outcome
        }
        .boxed()
    }

    fn look_up<'a>(&'a self, sought: &'a Sought) -> BoxFuture<'a, Found> {
        let mut state = self.state();
        state.asked.push((self.clock.now(), sought.clone()));
        let unclear = Found::Unclear { reason: "the test does not say".to_owned() };
        ready(state.lookups.pop_front().unwrap_or(unclear)).boxed()
    }
}

/// Certainly not sent: busy.
pub fn busy(after: Option<Duration>) -> Outcome {
    Outcome::Retry { after, is_away: false, reason: "too many requests".to_owned() }
}

/// Certainly not sent: not there.
pub fn away() -> Outcome {
    Outcome::Retry { after: None, is_away: true, reason: "connection refused".to_owned() }
}

pub fn doubtful() -> Outcome {
    Outcome::Doubtful { reason: "HTTP 502".to_owned() }
}

pub fn silence() -> Outcome {
    Outcome::Unknown { reason: "no answer within 10s".to_owned() }
}

pub fn rejected() -> Outcome {
    Outcome::Rejected { code: "21211".to_owned(), reason: "invalid number".to_owned() }
}
