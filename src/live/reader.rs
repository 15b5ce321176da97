//! Reading the log: once for each workspace that somebody listens in, up to where it is whole.

use std::collections::HashSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::calls::Call;
use super::sight::Batch;
use super::{Frame, Live};
use crate::domain::{Caller, EventId, UserId, WorkspaceId};
use crate::fault::{is_sabotaged, poll};
use crate::store::{self, Tx};

/// How long commits are gathered: many in a row are one batch.
const GATHER: Duration = Duration::from_millis(20);
/// How often the log is looked at, whoever was heard or not.
const POLL: Duration = Duration::from_secs(1);
/// Events of one batch.
const BATCH: i64 = 500;

impl Live {
    pub(super) async fn read_forever(self, stop: CancellationToken) {
        let mut told = self.shared.store.told();
        while !stop.is_cancelled() {
            let is_own = tokio::select! {
                () = stop.cancelled() => return,
                changed = told.changed() => changed.is_ok(),
                () = self.shared.wake.notified() => false,
                () = tokio::time::sleep(poll(POLL)) => false,
            };
            tokio::time::sleep(GATHER).await;
            if is_own {
                told.mark_unchanged();
                self.call_out(vec![Call::News]).await;
            }
            if let Err(error) = self.read_on().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "nobody is told anything for now");
                tokio::time::sleep(POLL).await;
            }
        }
    }

    /// Reads everything that is new to everybody who listens.
    async fn read_on(&self) -> store::Result<()> {
        let desks = self.hall().positions();
        if desks.is_empty() {
            return Ok(());
        }
        let to = self.shared.store.read().await?.horizon().await?;
        for (workspace, position) in desks.into_iter().filter(|(_, position)| *position < to) {
            let mut tx = self.shared.store.read().await?;
            if let Err(error) = self.read_workspace(&mut tx, workspace, (position, to)).await {
                tracing::warn!(
                    workspace = workspace.0,
                    error = &error as &dyn std::error::Error,
                    "what happens in a workspace is not told for now"
                );
            }
        }
        Ok(())
    }

    async fn read_workspace(
        &self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        (mut after, to): (EventId, EventId),
    ) -> store::Result<()> {
        while after < to {
            let events = tx.list_events_of(workspace, (after, to), BATCH).await?;
            let is_last = i64::try_from(events.len()).is_ok_and(|read| read < BATCH);
            let reached = events.last().map(|event| event.id).filter(|_| !is_last).unwrap_or(to);
            let mut batch = Batch::look_up(tx, workspace, events).await?;
            let users = self.hall().users(workspace);
            batch.look_up_people(tx, users).await?;
            while let Some(new) = self.hand_out(&batch, (after, reached)) {
                batch.look_up_people(tx, new).await?;
            }
            after = reached;
        }
        Ok(())
    }

    /// Gives everybody what they see, and notes that they have it in the moment in which it is clear who they are: whoever
    /// sits down before that gets it, and whoever does after that reads it as what they missed. Those who have sat down
    /// and were not looked up, when there are any; then nobody gets anything. Nor does anybody where all have left meanwhile
    /// and others come who begin earlier: that is read again from there.
    fn hand_out(&self, batch: &Batch, (after, reached): (EventId, EventId)) -> Option<HashSet<UserId>> {
        let listeners = {
            let mut hall = self.hall();
            if !hall.has_read(batch.workspace, after) {
                return None;
            }
            let new = batch.unknown_of(hall.users(batch.workspace));
            if !new.is_empty() {
                return Some(new);
            }
            if !is_sabotaged("live_repeats") {
                hall.advance(batch.workspace, reached);
            }
            hall.listeners(batch.workspace)
        };
        for listener in listeners {
            let since = listener.since.max(after);
            for frame in batch.seen_by(&listener.pass.caller).filter(|frame| frame.id > Some(since)) {
                listener.give(frame);
            }
        }
        None
    }

    /// One part of what somebody missed, and from where it goes on; nothing when that was all.
    pub(super) async fn read_missed(
        &self,
        caller: &Caller,
        (after, to): (EventId, EventId),
        step: i64,
    ) -> store::Result<(Vec<Frame>, Option<EventId>)> {
        let mut tx = self.shared.store.read().await?;
        let events = tx.list_events_of(caller.workspace, (after, to), step).await?;
        let is_last = i64::try_from(events.len()).is_ok_and(|read| read < step);
        let reached = events.last().map(|event| event.id).filter(|_| !is_last);
        let mut batch = Batch::look_up(&mut tx, caller.workspace, events).await?;
        batch.look_up_people(&mut tx, caller.user().into_iter().collect()).await?;
        Ok((batch.seen_by(caller).collect(), reached))
    }
}
