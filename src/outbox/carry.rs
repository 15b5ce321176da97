//! Carrying: claims and attempt rows in one commit, then the network, then completions in sets.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::claim::Job;
use super::line::{Room, Turn};
use super::{IDLE, Line, Outbox, SET};
use crate::domain::{ConsentChannel, WorkspaceId};
use crate::fault::{is_sabotaged, point};
use crate::provider::Outcome;
use crate::store::{self, Claimed};

/// How long the next message to a recipient waits for the end of the one before it, at most.
const HEAD_START: Duration = Duration::from_millis(250);

/// An attempt that was made. Its slot is free when what it found is written.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) row: Claimed,
    pub(super) outcome: Outcome,
    pub(super) _slot: Option<OwnedSemaphorePermit>,
}

/// Why nothing was begun.
enum Delay {
    /// There is no room for so long.
    For(Duration),
    /// The database failed.
    Store(store::Error),
}

impl Outbox {
    /// Carries over one line until it is told to stop, and what is in flight then.
    pub(super) async fn carry_line(&self, at: usize, stop: CancellationToken) {
        let line = &self.shared.lines[at];
        let (ended, completions) = mpsc::channel(SET * 2);
        let completing = tokio::spawn(self.clone().complete_forever(completions));
        let tasks = TaskTracker::new();
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                () = line.wait_for_slot() => {}
            }
            let rest = match self.begin(line).await {
                Ok(None) => Some(IDLE),
                Ok(Some(jobs)) => {
                    for (job, slot) in jobs {
                        let turns = line.queue_up(job.row.id, &job.envelope.to);
                        tasks.spawn(self.clone().take_turn(at, (job, slot), turns, (stop.clone(), ended.clone())));
                    }
                    None
                }
                Err(Delay::For(wait)) => Some(wait.min(IDLE)),
                Err(Delay::Store(error)) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        provider = line.name(),
                        "nothing can be claimed"
                    );
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

    /// Makes every attempt that may begin now; gives how many.
    pub(super) async fn carry_due(&self, line: &Line) -> store::Result<usize> {
        let jobs = loop {
            match self.begin(line).await {
                Ok(Some(jobs)) if jobs.is_empty() => {}
                Ok(jobs) => break jobs.unwrap_or_default(),
                Err(Delay::For(_)) => return Ok(0),
                Err(Delay::Store(error)) => return Err(error),
            }
        };
        let made = jobs.len();
        let attempts = jobs.into_iter().map(|(job, slot)| async move {
            let outcome = line.provider().send(&job.envelope).await;
            line.record(&outcome);
            Ended { row: job.row, outcome, _slot: Some(slot) }
        });
        let ended = join_all(attempts).await;
        self.complete(&ended).await?;
        Ok(made)
    }

    /// Claims as much as there is room for, and writes the attempts down; nothing when nothing was due.
    async fn begin(&self, line: &Line) -> Result<Option<Vec<(Job, OwnedSemaphorePermit)>>, Delay> {
        let room = line.take_room(SET).map_err(Delay::For)?;
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
        at: usize,
        (job, slot): (Job, OwnedSemaphorePermit),
        (turn, before): (Turn, Vec<Turn>),
        (stop, ended): (CancellationToken, mpsc::Sender<Ended>),
    ) {
        let line = &self.shared.lines[at];
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
        let outcome = if stop.is_cancelled() && !before.is_empty() {
            Some(not_begun())
        } else {
            turn.begun.cancel();
            if !before.is_empty() && self.is_unwanted(&job).await {
                Some(unwanted())
            } else {
                self.attempt(line, &job).await
            }
        };
        line.step_aside(&turn, &job.envelope.to);
        if let Some(outcome) = outcome {
            let _ = ended.send(Ended { row: job.row, outcome, _slot: Some(slot) }).await;
        }
    }

    /// Whether somebody has opted out while the message waited for its turn. When the database is away nobody could.
    async fn is_unwanted(&self, job: &Job) -> bool {
        let Some(channel) = ConsentChannel::of(job.envelope.channel) else { return false };
        if job.row.workspace_id == WorkspaceId::ACCOUNTS || is_sabotaged("consent_off") {
            return false;
        }
        let name = (job.row.workspace_id, job.row.message_id);
        let looked = async { self.m().store.read().await?.has_opted_out(name, channel).await };
        looked.await.unwrap_or(false)
    }

    /// Makes one attempt. A server that stops does not wait for it for ever.
    async fn attempt(&self, line: &Line, job: &Job) -> Option<Outcome> {
        if self.shared.grace.is_cancelled() {
            return Some(not_begun());
        }
        let sending = AssertUnwindSafe(line.provider().send(&job.envelope)).catch_unwind();
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
