//! Who listens to this process, by workspace, and how far each workspace's log has been read to them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::{End, Exit, Frame, Holder, Limits, Pass};
use crate::domain::{ApiKeyId, Caller, EventId, SessionId, UserId, WorkspaceId};
use crate::fault::is_sabotaged;

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// Whoever asks has as many connections as they may.
    OfYours,
    /// Everybody together has.
    AtAll,
}

/// Everybody who listens.
#[derive(Debug, Default)]
pub(super) struct Hall {
    desks: HashMap<WorkspaceId, Desk>,
    by_holder: HashMap<Holder, usize>,
    count: usize,
    last_number: u64,
}

/// Those of one workspace.
#[derive(Debug)]
struct Desk {
    /// Up to where the log has been read to all of them.
    position: EventId,
    listeners: HashMap<u64, Arc<Listener>>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) pass: Pass,
    /// They have everything up to there, or get it another way.
    pub(super) since: EventId,
    pub(super) queue: mpsc::Sender<Frame>,
    pub(super) exit: Exit,
}

impl Listener {
    /// Gives one frame; whoever cannot take it is let go.
    pub(super) fn give(&self, frame: Frame) {
        if self.exit.found().is_some() {
            return;
        }
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(frame)
            && !is_sabotaged("live_slow_kept")
        {
            metrics::counter!("switchboard_live_dropped_total").increment(1);
            self.exit.end(End::TooSlow);
        }
    }
}

impl Hall {
    /// Counts one more connection, if there is room.
    pub(super) fn reserve(&mut self, holder: Holder, limits: &Limits) -> Result<(), NoRoom> {
        if self.count >= limits.in_all {
            return Err(NoRoom::AtAll);
        }
        let own = self.by_holder.entry(holder).or_default();
        if *own >= limits.per_holder {
            return Err(NoRoom::OfYours);
        }
        *own += 1;
        self.count += 1;
        self.show_count();
        Ok(())
    }

    /// Gives the room back.
    pub(super) fn release(&mut self, holder: Holder) {
        if let Some(own) = self.by_holder.get_mut(&holder) {
            *own -= 1;
            if *own == 0 {
                self.by_holder.remove(&holder);
            }
        }
        self.count -= 1;
        self.show_count();
    }

    fn show_count(&self) {
        metrics::gauge!("switchboard_live_connections").set(f64::from(u32::try_from(self.count).unwrap_or(u32::MAX)));
    }

    /// Lets somebody listen; gives their number, and up to where the log has been read in their workspace: what comes
    /// after that is theirs. Where nobody listened before, that is `newest`.
    ///
    /// A reading that began before they came may still be handed out, so what comes from the queue begins there too.
    pub(super) fn seat(&mut self, mut listener: Listener, newest: EventId) -> (u64, EventId) {
        self.last_number += 1;
        let number = self.last_number;
        let new = || Desk { position: newest, listeners: HashMap::new() };
        let desk = self.desks.entry(listener.pass.caller.workspace).or_insert_with(new);
        listener.since = listener.since.max(desk.position);
        desk.listeners.insert(number, Arc::new(listener));
        (number, desk.position)
    }

    /// Lets somebody go.
    pub(super) fn unseat(&mut self, workspace: WorkspaceId, number: u64) {
        if let Some(desk) = self.desks.get_mut(&workspace) {
            desk.listeners.remove(&number);
            if desk.listeners.is_empty() {
                self.desks.remove(&workspace);
            }
        }
    }

    /// The workspaces that somebody listens in, and up to where each has been read.
    pub(super) fn positions(&self) -> Vec<(WorkspaceId, EventId)> {
        self.desks.iter().map(|(workspace, desk)| (*workspace, desk.position)).collect()
    }

    /// Everybody in a workspace at this moment: what takes long is done to them when nobody waits for the hall.
    pub(super) fn listeners(&self, workspace: WorkspaceId) -> Vec<Arc<Listener>> {
        self.desks.get(&workspace).into_iter().flat_map(|desk| desk.listeners.values().cloned()).collect()
    }

    /// The people in a workspace who listen, each once.
    pub(super) fn users(&self, workspace: WorkspaceId) -> HashSet<UserId> {
        let desk = self.desks.get(&workspace).into_iter();
        desk.flat_map(|desk| desk.listeners.values()).filter_map(|listener| listener.pass.caller.user()).collect()
    }

    /// Whether a workspace has been read to everybody who listens there up to an event, or further.
    pub(super) fn has_read(&self, workspace: WorkspaceId, to: EventId) -> bool {
        self.desks.get(&workspace).is_some_and(|desk| desk.position >= to)
    }

    /// Notes up to where a workspace has been read to everybody who listens.
    pub(super) fn advance(&mut self, workspace: WorkspaceId, to: EventId) {
        if let Some(desk) = self.desks.get_mut(&workspace) {
            desk.position = desk.position.max(to);
        }
    }

    /// What everybody was let in by.
    pub(super) fn holders(&self) -> (Vec<SessionId>, Vec<ApiKeyId>) {
        let (mut sessions, mut keys) = (Vec::new(), Vec::new());
        for holder in self.by_holder.keys() {
            match holder {
                Holder::Operator => {}
                Holder::Session(id) => sessions.push(*id),
                Holder::Key(id) => keys.push(*id),
            }
        }
        (sessions, keys)
    }

    /// Ends every connection of which that is so.
    pub(super) fn end_where(&self, end: End, is_over: impl Fn(Holder, &Caller) -> bool) {
        for listener in self.desks.values().flat_map(|desk| desk.listeners.values()) {
            if is_over(listener.pass.holder, &listener.pass.caller) {
                listener.exit.end(end);
            }
        }
    }

    /// Ends every connection.
    pub(super) fn end_all(&self, end: End) {
        self.end_where(end, |_, _| true);
    }
}
