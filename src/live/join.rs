//! Beginning to listen, now or from where somebody was; and taking what there is.

use std::collections::VecDeque;
use std::sync::PoisonError;

use tokio::sync::mpsc;

use super::hall::{Listener, NoRoom};
use super::{End, Exit, Frame, Live, Pass};
use crate::domain::{Caller, EventId, UserId, WorkspaceId};
use crate::store::{self, Tx};

/// Events of what somebody missed that are read at once.
const STEP: i64 = 500;

/// Why somebody may not listen now.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// They have as many connections as one may have.
    #[error("there are too many connections of this session or key")]
    TooMany,
    /// There are as many connections as this process bears, or it stops.
    #[error("there is no room for another connection")]
    Full,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// One connection's place, given back when it goes.
#[derive(Debug)]
struct Place {
    live: Live,
    pass: Pass,
    number: Option<u64>,
}

/// One connection.
#[derive(Debug)]
pub struct Listening {
    place: Place,
    exit: Exit,
    pending: VecDeque<Frame>,
    missed: Option<Missed>,
    queue: mpsc::Receiver<Frame>,
}

/// What somebody missed: everything after the one, up to the other.
#[derive(Debug, Clone, Copy)]
struct Missed {
    after: EventId,
    to: EventId,
    /// Whether it is little enough to be read.
    is_counted: bool,
}

impl Place {
    fn reserve(live: &Live, pass: Pass) -> Result<Self, JoinError> {
        if live.shared.stopping.is_cancelled() {
            return Err(JoinError::Full);
        }
        live.hall().reserve(pass.holder, &live.shared.limits).map_err(|no_room| match no_room {
            NoRoom::OfYours => JoinError::TooMany,
            NoRoom::AtAll => JoinError::Full,
        })?;
        Ok(Self { live: live.clone(), pass, number: None })
    }

    fn person(&self) -> Option<(WorkspaceId, UserId)> {
        Some((self.pass.caller.workspace, self.pass.caller.user()?))
    }

    fn sit(&mut self, listener: Listener, newest: EventId) -> EventId {
        let (number, from) = self.live.hall().seat(listener, newest);
        self.number = Some(number);
        if let Some(person) = self.person() {
            self.live.people().come(person);
        }
        from
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut hall = self.live.shared.hall.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = self.number {
            hall.unseat(self.pass.caller.workspace, number);
        }
        hall.release(self.pass.holder);
        drop(hall);
        if let Some(person) = self.person().filter(|_| self.number.is_some()) {
            self.live.people().go(person);
        }
    }
}

impl Live {
    /// Begins to listen: from now on, or after an event, with everything since.
    ///
    /// # Errors
    ///
    /// See [`JoinError`].
    pub async fn join(&self, pass: Pass, after: Option<EventId>) -> Result<Listening, JoinError> {
        let mut place = Place::reserve(self, pass)?;
        let mut tx = self.shared.store.read().await?;
        let newest = tx.horizon().await?;
        let known = match after {
            Some(after) if is_known(&mut tx, after, newest).await? => Some(after),
            Some(_) | None => None,
        };
        let (sender, queue) = mpsc::channel(self.shared.limits.queue);
        let exit = Exit::default();
        let since = known.unwrap_or(EventId(0));
        let from = place.sit(Listener { pass, since, queue: sender, exit: exit.clone() }, newest);
        // What was committed since `newest` was read may have found nobody here.
        self.shared.wake.notify_one();
        let greet = |kind| VecDeque::from([Frame::standing(kind, from)]);
        let (pending, missed) = match (after, known) {
            (None, _) => (greet("hello"), None),
            (Some(_), None) => (greet("reload"), None),
            (Some(_), Some(after)) if after >= from => (VecDeque::new(), None),
            (Some(_), Some(after)) => (VecDeque::new(), Some(Missed { after, to: from, is_counted: false })),
        };
        if self.shared.stopping.is_cancelled() {
            exit.end(End::Restarting);
        }
        Ok(Listening { place, exit, pending, missed, queue })
    }

    /// Whether somebody missed more than is read to them, or more than the log still holds when it is their turn.
    async fn must_reload(&self, caller: &Caller, (after, to): (EventId, EventId)) -> store::Result<bool> {
        let most = self.shared.limits.missed;
        let mut tx = self.shared.store.read().await?;
        let is_cut = tx.first_event().await?.is_none_or(|first| after.0 < first.0 - 1);
        Ok(is_cut || tx.count_events_of(caller.workspace, (after, to), most + 1).await? > most)
    }
}

/// Whether the log tells everything that came after an event. How far it is whole may step back for a moment, and may lie
/// beyond what can be seen where a commit was taken back, so what somebody has is held against both.
async fn is_known(tx: &mut Tx, after: EventId, newest: EventId) -> store::Result<bool> {
    Ok(match (tx.first_event().await?, tx.last_event().await?) {
        (Some(first), Some(last)) => after <= last.max(newest) && after.0 >= first.0 - 1,
        (_, _) => after == newest,
    })
}

impl Listening {
    /// Who listens.
    pub fn caller(&self) -> &Caller {
        &self.place.pass.caller
    }

    /// What ends this connection.
    pub fn exit(&self) -> Exit {
        self.exit.clone()
    }

    /// The next frame. Nothing is lost when this is given up half-way.
    ///
    /// # Errors
    ///
    /// Why there are no more.
    pub async fn next(&mut self) -> Result<Frame, End> {
        loop {
            if let Some(end) = self.exit.found() {
                return Err(end);
            }
            if let Some(frame) = self.pending.pop_front() {
                return Ok(frame);
            }
            if let Some(missed) = self.missed {
                let exit = self.exit();
                tokio::select! {
                    biased;
                    end = exit.ended() => return Err(end),
                    caught_up = self.catch_up(missed) => caught_up?,
                }
                continue;
            }
            tokio::select! {
                biased;
                end = self.exit.ended() => return Err(end),
                frame = self.queue.recv() => return frame.ok_or(End::TryAgain),
            }
        }
    }

    /// The next frame, when it is there already.
    pub fn next_at_once(&mut self) -> Option<Frame> {
        if self.exit.found().is_some() {
            return None;
        }
        let pending = self.pending.pop_front();
        pending.or_else(|| if self.missed.is_none() { self.queue.try_recv().ok() } else { None })
    }

    /// Reads the next part of what was missed, when it is their turn.
    async fn catch_up(&mut self, missed: Missed) -> Result<(), End> {
        let (frames, rest) = self.read_on(missed).await.map_err(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "what a connection missed cannot be read");
            End::TryAgain
        })?;
        self.pending.extend(frames);
        self.missed = rest;
        Ok(())
    }

    async fn read_on(&self, missed: Missed) -> store::Result<(Vec<Frame>, Option<Missed>)> {
        let (live, Missed { after, to, is_counted }) = (&self.place.live, missed);
        let _turn = live.shared.turns.acquire().await;
        if !is_counted && live.must_reload(self.caller(), (after, to)).await? {
            return Ok((vec![Frame::standing("reload", to)], None));
        }
        let (frames, reached) = live.read_missed(self.caller(), (after, to), STEP).await?;
        Ok((frames, reached.map(|after| Missed { after, to, is_counted: true })))
    }
}
