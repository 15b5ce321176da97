//! Carrying: claims and attempt rows in one commit, then the network, then completions in sets.

use std::collections::HashMap;

use futures_util::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{IDLE, LEASE, Line, Outbox, SET};
use crate::domain::{AddressId, MessageId, RecipientKind, Status, WorkspaceId};
use crate::fault::{is_sabotaged, point};
use crate::provider::{Envelope, Outcome};
use crate::store::{self, Bearing, Claimed, LaneClaim, MessageContent, MessageRow, NewAttempt, Tx};

/// The lanes, in the order in which they go: codes, single messages, bulk.
pub(super) const LANES: [i64; 3] = [0, 1, 2];

/// An attempt that is written down and about to be made.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) row: Claimed,
    pub(super) envelope: Envelope,
}

/// An attempt that was made.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) row: Claimed,
    pub(super) outcome: Outcome,
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
                Ok(jobs) if jobs.is_empty() => Some(IDLE),
                Ok(jobs) => {
                    for (job, slot) in jobs {
                        tasks.spawn(self.clone().attempt(at, job, slot, ended.clone()));
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
        let jobs = match self.begin(line).await {
            Ok(jobs) => jobs,
            Err(Delay::For(_)) => return Ok(0),
            Err(Delay::Store(error)) => return Err(error),
        };
        let made = jobs.len();
        let attempts = jobs.into_iter().map(|(job, slot)| async move {
            let outcome = line.provider().send(&job.envelope).await;
            line.record(&outcome);
            drop(slot);
            Ended { row: job.row, outcome }
        });
        let ended = join_all(attempts).await;
        self.complete(&ended).await?;
        Ok(made)
    }

    /// Claims as much as there is room for, and writes the attempts down.
    async fn begin(&self, line: &Line) -> Result<Vec<(Job, OwnedSemaphorePermit)>, Delay> {
        let room = line.take_room(SET).map_err(Delay::For)?;
        let jobs = match self.claim(line, room.slots.len()).await {
            Ok(jobs) => jobs,
            Err(error) => {
                line.give_back(room, 0);
                return Err(Delay::Store(error));
            }
        };
        let slots = line.give_back(room, jobs.len());
        Ok(jobs.into_iter().zip(slots).collect())
    }

    async fn claim(&self, line: &Line, room: usize) -> store::Result<Vec<Job>> {
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        let mut rows: Vec<Claimed> = Vec::new();
        for lane in LANES {
            let limit = i64::try_from(room - rows.len()).unwrap_or(i64::MAX);
            if limit > 0 {
                let claim = LaneClaim { provider: line.name(), lane, limit, now, until: now + LEASE };
                rows.extend(tx.claim_due(claim).await?);
            }
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        point("before_attempt_row");
        let jobs = self.write_attempts(&mut tx, line, rows).await?;
        if !is_sabotaged("claim_uncommitted") {
            tx.commit().await?;
        }
        point("after_attempt_row");
        let held: Vec<Claimed> = jobs.iter().map(|job| job.row.clone()).collect();
        self.hold(&held);
        Ok(jobs)
    }

    async fn write_attempts(&self, tx: &mut Tx, line: &Line, rows: Vec<Claimed>) -> store::Result<Vec<Job>> {
        let now = self.now();
        let ids: Vec<_> = rows.iter().map(|row| (row.workspace_id, row.message_id)).collect();
        let bearings: HashMap<MessageId, Bearing> =
            tx.lock_messages(&ids).await?.into_iter().map(|bearing| (bearing.id, bearing)).collect();
        let waits = |row: &Claimed| {
            bearings.get(&row.message_id).is_some_and(|b| matches!(b.status, Status::Queued | Status::Scheduled))
        };
        let (rows, settled): (Vec<_>, Vec<_>) = rows.into_iter().partition(waits);
        tx.finish_work(&settled.iter().map(|row| row.id).collect::<Vec<_>>()).await?;
        let attempt = |row: &Claimed| NewAttempt {
            workspace: row.workspace_id,
            message: row.message_id,
            provider: line.name().to_owned(),
            may_duplicate: row.may_duplicate,
        };
        tx.begin_attempts(&rows.iter().map(attempt).collect::<Vec<_>>(), now).await?;
        let sending = |row: &Claimed| {
            let mut bearing = bearings[&row.message_id].clone();
            bearing.status = Status::Sending;
            bearing.status_reason = None;
            bearing.possible_duplicate |= row.may_duplicate;
            bearing
        };
        tx.move_messages(&rows.iter().map(sending).collect::<Vec<_>>(), now).await?;
        self.load_jobs(tx, rows).await
    }

    async fn load_jobs(&self, tx: &mut Tx, rows: Vec<Claimed>) -> store::Result<Vec<Job>> {
        let mut by_workspace: HashMap<WorkspaceId, Vec<MessageId>> = HashMap::new();
        for row in &rows {
            by_workspace.entry(row.workspace_id).or_default().push(row.message_id);
        }
        let mut envelopes = HashMap::new();
        for (workspace, ids) in by_workspace {
            envelopes.extend(self.load_envelopes(tx, workspace, &ids).await?);
        }
        let job = |row: Claimed| Some(Job { envelope: envelopes.remove(&row.message_id)?, row });
        Ok(rows.into_iter().filter_map(job).collect())
    }

    async fn load_envelopes(
        &self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        ids: &[MessageId],
    ) -> store::Result<HashMap<MessageId, Envelope>> {
        let messages = tx.load_messages(workspace, ids).await?;
        let MessageContent { recipients, attachments } = tx.load_content(workspace, ids).await?;
        let senders = messages.iter().flat_map(|row| std::iter::once(row.from_id).chain(row.reply_to_id));
        let wanted: Vec<AddressId> = senders.chain(recipients.iter().map(|row| row.address_id)).collect();
        let addresses = tx.load_addresses(workspace, &wanted).await?;
        let find =
            |id: AddressId| addresses.get(&id).cloned().ok_or(store::Error::Corrupt("a message without its address"));
        let mut envelopes = HashMap::with_capacity(messages.len());
        for row in messages {
            let reply_to = row.reply_to_id.map(find).transpose()?;
            envelopes.insert(row.id, self.envelope(row, find, reply_to)?);
        }
        for row in recipients {
            if let Some(envelope) = envelopes.get_mut(&row.message_id) {
                match row.kind {
                    RecipientKind::To => envelope.to.push(find(row.address_id)?),
                    RecipientKind::Cc => envelope.cc.push(find(row.address_id)?),
                }
            }
        }
        for (message, url) in attachments {
            if let Some(envelope) = envelopes.get_mut(&message) {
                envelope.attachments.push(url);
            }
        }
        Ok(envelopes)
    }

    fn envelope(
        &self,
        row: MessageRow,
        find: impl Fn(AddressId) -> store::Result<crate::domain::Address>,
        reply_to: Option<crate::domain::Address>,
    ) -> store::Result<Envelope> {
        Ok(Envelope {
            reference: self.m().store.reference(row.id, row.generation),
            channel: row.channel,
            from: find(row.from_id)?,
            to: Vec::new(),
            cc: Vec::new(),
            reply_to,
            subject: row.subject,
            body: row.body,
            attachments: Vec::new(),
            timestamp: row.occurred_at,
        })
    }

    /// Makes one attempt. A server that stops does not wait for it for ever.
    async fn attempt(self, at: usize, job: Job, slot: OwnedSemaphorePermit, ended: mpsc::Sender<Ended>) {
        let line = &self.shared.lines[at];
        let outcome = tokio::select! {
            outcome = line.provider().send(&job.envelope) => outcome,
            () = self.shared.grace.cancelled() => {
                Outcome::Unknown { reason: "the server was stopped while sending".to_owned() }
            }
            () = abort_after_bytes() => return,
        };
        point("after_reply");
        line.record(&outcome);
        drop(slot);
        let _ = ended.send(Ended { row: job.row, outcome }).await;
    }
}

/// Why nothing was begun.
enum Delay {
    /// There is no room for so long.
    For(std::time::Duration),
    /// The database failed.
    Store(store::Error),
}

/// Ends the process while a service has the bytes and has not answered, when a fault test asks for that.
async fn abort_after_bytes() {
    #[cfg(feature = "faults")]
    {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        point("after_bytes");
    }
    std::future::pending::<()>().await;
}
