//! Carrying: claims and attempt rows in one commit, then the network, then completions in sets.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::claim::Job;
use super::line::{Closed, Room, Turn};
use super::{IDLE, Line, Outbox, SET};
use crate::domain::{ConsentChannel, WorkspaceId};
use crate::fault::{is_sabotaged, point};
use crate::provider::Outcome;
use crate::store::{self, Claimed};

/// How long a line that has nothing to carry waits at most.
const LONG: Duration = Duration::from_mins(1);
/// How long the next message to a recipient waits for the end of the one before it, at most.
const HEAD_START: Duration = Duration::from_millis(250);

/// An attempt that was made. Its slot is free when what it found is written.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) row: Claimed,
    pub(super) outcome: Outcome,
    /// Whether its provider was asked at all.
    pub(super) was_made: bool,
    pub(super) _slot: Option<OwnedSemaphorePermit>,
}

/// What was done over a line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Carried {
    /// Attempts that were made.
    pub(super) made: usize,
    /// Messages that went to other lines, because this one is out.
    pub(super) passed: usize,
}

/// Why nothing was begun.
enum Delay {
    /// There is no room.
    Closed(Closed),
    /// The database failed.
    Store(store::Error),
}

impl Outbox {
    /// Carries over one line until it is told to stop, and what is in flight then.
    pub(super) async fn carry_line(&self, line: &Arc<Line>, stop: CancellationToken) {
        let (ended, completions) = mpsc::channel(SET * 2);
        let completing = tokio::spawn(self.clone().complete_forever(completions));
        let tasks = TaskTracker::new();
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                () = line.wait_for_slot() => {}
                () = line.rest(IDLE) => {}
            }
            let rest = match self.begin(line).await {
                Ok(None) => {
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = line.rest(LONG) => {}
                        () = self.due_over(line) => {}
                    }
                    None
                }
                Ok(Some(jobs)) => {
                    for (job, slot) in jobs {
                        let turns = self.shared.turns.queue_up(job.row.id, &job.envelope.to);
                        let (line, tokens) = (Arc::clone(line), (stop.clone(), ended.clone()));
                        tasks.spawn(self.clone().take_turn(line, (job, slot), turns, tokens));
                    }
                    None
                }
                Err(Delay::Closed(Closed::Busy(wait))) => Some(wait.min(IDLE)),
                Err(Delay::Closed(Closed::Out(wait))) => {
                    if let Err(error) = self.pass_on(line).await {
                        warn(&error, line, "nothing can be passed on");
                    }
                    Some(wait.min(IDLE))
                }
                Err(Delay::Store(error)) => {
                    warn(&error, line, "nothing can be claimed");
                    Some(IDLE)
                }
            };
            if let Some(rest) = rest {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = line.rest(rest) => {}
                }
            }
        }
        tasks.close();
        tasks.wait().await;
        drop(ended);
        let _ = completing.await;
    }

    /// Makes every attempt that may begin now, or passes on what others may carry.
    pub(super) async fn carry_due(&self, line: &Line) -> store::Result<Carried> {
        let jobs = loop {
            match self.begin(line).await {
                Ok(Some(jobs)) if jobs.is_empty() => {}
                Ok(jobs) => break jobs.unwrap_or_default(),
                Err(Delay::Closed(Closed::Busy(_))) => return Ok(Carried::default()),
                Err(Delay::Closed(Closed::Out(_))) => {
                    return Ok(Carried { made: 0, passed: self.pass_on(line).await? });
                }
                Err(Delay::Store(error)) => return Err(error),
            }
        };
        let made = jobs.len();
        let provider = line.provider();
        let attempts = jobs.into_iter().map(|(job, slot)| {
            let provider = Arc::clone(&provider);
            async move {
                let outcome = provider.send(&job.envelope).await;
                line.record(&outcome);
                Ended { row: job.row, outcome, was_made: true, _slot: Some(slot) }
            }
        });
        let ended = join_all(attempts).await;
        self.complete(&ended).await?;
        Ok(Carried { made, passed: 0 })
    }

    /// Claims as much as there is room for, and writes the attempts down; nothing when nothing was due.
    async fn begin(&self, line: &Line) -> Result<Option<Vec<(Job, OwnedSemaphorePermit)>>, Delay> {
        let room = line.take_room(SET).map_err(Delay::Closed)?;
        match self.claim(line, room.len()).await {
            Ok(Some(jobs)) => {
                let slots = line.give_back(room, jobs.len());
                Ok(Some(jobs.into_iter().zip(slots).collect()))
            }
            Ok(None) => {
                line.give_back(room, 0);
                Ok(None)
            }
            Err(error) => {
                line.give_back(room, 0);
                Err(Delay::Store(error))
            }
        }
    }

    /// Makes one attempt in its turn: when the one before it to the same recipient has ended, or a little later than
    /// that one began. One that has not begun when the server stops goes back to the queue.
    async fn take_turn(
        self,
        line: Arc<Line>,
        (job, slot): (Job, OwnedSemaphorePermit),
        (turn, before): (Turn, Vec<Turn>),
        (stop, ended): (CancellationToken, mpsc::Sender<Ended>),
    ) {
        for before in &before {
            tokio::select! {
                () = before.begun.cancelled() => {}
                () = stop.cancelled() => {}
            }
            tokio::select! {
                () = before.ended.cancelled() => {}
                () = tokio::time::sleep(HEAD_START) => {}
                () = stop.cancelled() => {}
            }
        }
        let (outcome, was_made) = if stop.is_cancelled() && !before.is_empty() {
            (Some(not_begun()), false)
        } else {
            turn.begun.cancel();
            if !before.is_empty() && self.is_unwanted(&job).await {
                (Some(unwanted()), false)
            } else {
                (self.attempt(&line, &job).await, true)
            }
        };
        self.shared.turns.step_aside(&turn, &job.envelope.to);
        if let Some(outcome) = outcome {
            let _ = ended.send(Ended { row: job.row, outcome, was_made, _slot: Some(slot) }).await;
        }
    }

    /// Whether somebody has opted out while the message waited for its turn. When the database is away nobody could.
    async fn is_unwanted(&self, job: &Job) -> bool {
        let Some(channel) = ConsentChannel::of(job.envelope.channel) else { return false };
        if job.row.workspace_id == WorkspaceId::ACCOUNTS || is_sabotaged("consent_off") {
            return false;
        }
        let name = (job.row.workspace_id, job.row.message_id);
        let store = self.m().store;
        let looked = async { store.read().await?.has_opted_out(name, channel).await };
        looked.await.unwrap_or(false)
    }

    /// Makes one attempt. A server that stops does not wait for it for ever.
    async fn attempt(&self, line: &Line, job: &Job) -> Option<Outcome> {
        if self.shared.grace.is_cancelled() {
            return Some(not_begun());
        }
        let provider = line.provider();
        let sending = AssertUnwindSafe(provider.send(&job.envelope)).catch_unwind();
        let outcome = tokio::select! {
            outcome = sending => outcome.unwrap_or_else(|_| unknown("the adapter failed while sending")),
            () = self.shared.grace.cancelled() => unknown("the server was stopped while sending"),
            () = abort_after_bytes() => return None,
        };
        point("after_reply");
        line.record(&outcome);
        Some(outcome)
    }
}

fn warn(error: &store::Error, line: &Line, what: &'static str) {
    tracing::warn!(error = error as &dyn std::error::Error, provider = line.name(), "{what}");
}

/// What becomes of an attempt to somebody who opted out before it was made: the next claim leaves them out.
fn unwanted() -> Outcome {
    Outcome::Retry { after: None, is_away: false, reason: "a recipient opted out before it was sent".to_owned() }
}

/// What becomes of an attempt that was written down and never made.
fn not_begun() -> Outcome {
    Outcome::Retry { after: None, is_away: false, reason: "the server was stopped before it was sent".to_owned() }
}

/// An outcome of ours, where the service's own will never be known.
pub(super) fn unknown(reason: &str) -> Outcome {
    Outcome::Unknown { reason: reason.to_owned() }
}

impl Room {
    fn len(&self) -> usize {
        self.slots.len()
    }
}

/// Ends the process while a service has the bytes and has not answered, when a fault test asks for that.
async fn abort_after_bytes() {
    #[cfg(feature = "faults")]
    {
        tokio::time::sleep(Duration::from_millis(300)).await;
        point("after_bytes");
    }
    std::future::pending::<()>().await;
}
