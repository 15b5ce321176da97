//! Passing on: what waits for a provider that is held back, away, or gone from the configuration goes to another one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::PoisonError;
use std::time::Duration;

use super::claim::LANES;
use super::complete::{Changes, look_at};
use super::line::Standing;
use super::onward::past;
use super::{Line, Outbox, SET};
use crate::domain::{MessageId, OutboxId, Policy, Status, Timestamp, WorkspaceId};
use crate::messaging::{Way, list_provider_pauses, load_ways, moved};
use crate::store::{self, Bearing, Claimed, Moved, Phase, Rescheduled, RouteClaim, Tx};

/// What customers' endpoints wait under: no names of providers.
const ENDPOINTS: &str = "webhook:";
/// What a row may wait for.
const PHASES: [Phase; 3] = [Phase::Send, Phase::Sending, Phase::Lookup];
/// How long something waits for a provider that this server does not know before it is taken from there.
const OVERDUE: Duration = Duration::from_mins(1);
/// Sets that find no other way before other work goes on.
const SETS_IN_VAIN: usize = 5;
/// How long what has no other way is left alone.
const REST: Duration = Duration::from_mins(5);
/// A row by its place in a lane.
type RowAt = (Timestamp, OutboxId);

/// How far what waits for a provider that is gone has been gone through.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Leaving {
    /// The lane, by its place among [`LANES`].
    lane: usize,
    /// The last row of it.
    after: Option<RowAt>,
    has_moved: bool,
    has_left: bool,
    /// Until when it is left alone.
    rests_until: Option<Timestamp>,
}

/// A set of what waited for a provider that is gone.
struct LeftSet {
    last: RowAt,
    rows: usize,
    moved: usize,
}

impl Outbox {
    /// Whether a provider takes messages now.
    pub(super) fn is_in(&self, provider: &str) -> bool {
        self.line(provider).is_some_and(|line| line.standing() != Standing::Out)
    }

    /// The same, beside those that go there already: of one that is to be probed, one is enough.
    pub(super) fn takes(&self, provider: &str, going: &[Rescheduled]) -> bool {
        let is_probed = || going.iter().any(|row| row.provider.as_deref() == Some(provider));
        self.takes_unless(provider, is_probed)
    }

    fn takes_unless(&self, provider: &str, is_probed: impl FnOnce() -> bool) -> bool {
        match self.line(provider).map(|line| line.standing()) {
            Some(Standing::In) => true,
            Some(Standing::Probe) => !is_probed(),
            Some(Standing::Out) | None => false,
        }
    }

    /// Reads which providers are held back: any server on this database may have been told.
    pub async fn read_pauses(&self) -> store::Result<()> {
        let m = self.m();
        let lines: Vec<_> = self.lines().into_iter().map(|line| (line.pause_mark(), line)).collect();
        let paused: BTreeSet<String> =
            list_provider_pauses(&m).await?.into_iter().map(|pause| pause.provider).collect();
        for (seen, line) in lines {
            line.pause(seen, paused.contains(line.name()));
        }
        Ok(())
    }

    /// Gives what is due at a provider that is out to the next ones of its routes; what has nobody else waits. Tells how
    /// much went.
    pub(super) async fn pass_on(&self, line: &Line) -> store::Result<usize> {
        let routes = self.m().store.read().await?.list_waiting_routes(line.name()).await?;
        let has_way = |route: &&String| route.split(',').any(|name| name != line.name() && self.is_in(name));
        let (mut passed, mut to) = (0, BTreeSet::new());
        for route in routes.iter().filter(has_way) {
            for lane in LANES {
                loop {
                    let moved = self.pass_on_set(line, (route, lane), &mut to).await?;
                    passed += moved;
                    if moved < SET {
                        break;
                    }
                }
            }
        }
        Ok(passed)
    }

    async fn pass_on_set(
        &self,
        from: &Line,
        (route, lane): (&str, i64),
        to: &mut BTreeSet<String>,
    ) -> store::Result<usize> {
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        let limit = i64::try_from(SET).unwrap_or(i64::MAX);
        let rows = tx.lock_waiting(RouteClaim { provider: from.name(), route, lane, limit, now }).await?;
        let mut moves: Vec<Moved> = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(moved) = past(row, now, |name| self.takes_unless(name, || to.contains(name))) {
                to.insert(moved.provider.clone());
                moves.push(moved);
            }
        }
        if moves.is_empty() {
            return Ok(0);
        }
        tx.move_work(&moves).await?;
        tx.commit().await?;
        metrics::counter!("switchboard_passed_on_total", "provider" => from.name().to_owned())
            .increment(u64::try_from(moves.len()).unwrap_or_default());
        Ok(moves.len())
    }

    /// Looks for what waits for providers that the configuration does not have, and gives it to those it has.
    pub async fn reroute(&self) -> store::Result<usize> {
        let mut names = BTreeSet::new();
        for phase in PHASES {
            names.extend(self.m().store.read().await?.list_waiting_names(phase).await?);
        }
        names.retain(|name| self.is_gone(name));
        {
            let mut gone = self.gone();
            names.extend(gone.keys().cloned());
            *gone = names.into_iter().map(|name| (name, Leaving::default())).collect();
        }
        self.leave_gone().await
    }

    /// The same for what came since: what lapsed, or what another server left whose configuration has more providers. That
    /// server is given a minute to carry it itself.
    pub async fn reroute_overdue(&self) -> store::Result<usize> {
        self.note_overdue().await?;
        self.leave_gone().await
    }

    /// Remembers providers as gone for which something has waited in vain.
    pub(super) async fn note_overdue(&self) -> store::Result<()> {
        let since = self.now() - OVERDUE;
        let mut names = BTreeSet::new();
        for phase in PHASES {
            names.extend(self.m().store.read().await?.list_overdue_names(phase, since).await?);
        }
        for name in names.iter().filter(|name| self.is_gone(name)) {
            self.note_gone(name);
        }
        Ok(())
    }

    fn is_gone(&self, name: &str) -> bool {
        !name.starts_with(ENDPOINTS) && self.line(name).is_none()
    }

    /// Takes from providers that are gone what waits for them still: a request that began before may have left it there.
    pub(super) async fn leave_gone(&self) -> store::Result<usize> {
        let names: Vec<String> = {
            let mut gone = self.gone();
            gone.retain(|name, _| self.line(name).is_none());
            gone.keys().cloned().collect()
        };
        let mut rerouted = 0;
        for name in names {
            rerouted += self.leave(&name).await?;
            self.give_up_asking(&name).await?;
        }
        Ok(rerouted)
    }

    /// Goes through what waits for a provider that is gone. Where there is much that has no other way it goes on from there
    /// the next time, and where there is nothing else it comes back some minutes later.
    async fn leave(&self, name: &str) -> store::Result<usize> {
        let mut at = self.gone().get(name).copied().unwrap_or_default();
        let (mut rerouted, mut in_vain) = (0, 0);
        while at.rests_until.is_none_or(|until| until <= self.now()) && in_vain < SETS_IN_VAIN {
            let Some(lane) = LANES.get(at.lane) else { break };
            let Some(set) = self.leave_set(name, *lane, at.after).await? else {
                (at.lane, at.after) = (at.lane + 1, None);
                continue;
            };
            at.after = Some(set.last);
            at.has_left |= set.moved < set.rows;
            at.has_moved |= set.moved > 0;
            in_vain += usize::from(set.moved == 0);
            rerouted += set.moved;
        }
        if at.lane == LANES.len() {
            let rests_until = (at.has_left && !at.has_moved).then(|| self.now() + REST);
            at = Leaving { rests_until, ..Leaving::default() };
        }
        if let Some(kept) = self.gone().get_mut(name) {
            *kept = at;
        }
        Ok(rerouted)
    }

    /// One set of what waits for a provider that is gone, in one lane.
    async fn leave_set(&self, name: &str, lane: i64, after: Option<RowAt>) -> store::Result<Option<LeftSet>> {
        let (m, now) = (self.m(), self.now());
        let mut tx = m.store.begin().await?;
        let limit = i64::try_from(SET).unwrap_or(i64::MAX);
        let after = after.unwrap_or((Timestamp::from_micros(0), OutboxId(0)));
        let rows = tx.lock_all_waiting((name, lane), after, limit).await?;
        let Some(last) = rows.last().map(|row| (row.due_at, row.id)) else { return Ok(None) };
        let mut by_workspace: HashMap<WorkspaceId, Vec<MessageId>> = HashMap::new();
        for row in &rows {
            by_workspace.entry(row.workspace_id).or_default().push(row.message_id);
        }
        let mut ways: HashMap<MessageId, Way> = HashMap::new();
        for (workspace, messages) in by_workspace {
            ways.extend(load_ways(&mut tx, &m, workspace, &messages).await?);
        }
        let in_doubt = lock_in_doubt(&mut tx, &rows).await?;
        let (mut moves, mut changes) = (Vec::new(), Changes::default());
        for row in &rows {
            match in_doubt.get(&row.message_id) {
                Some(bearing) if bearing.policy != Some(Policy::PreferDelivery) => {
                    give_up(&mut changes, row, bearing.clone(), now);
                }
                doubt => {
                    let may_duplicate = row.may_duplicate || doubt.is_some();
                    moves.extend(ways.remove(&row.message_id).map(|way| Moved {
                        id: row.id,
                        provider: way.provider,
                        route: way.route,
                        due_at: row.due_at,
                        may_duplicate,
                    }));
                }
            }
        }
        tx.move_work(&moves).await?;
        self.apply(&mut tx, &changes, now).await?;
        tx.commit().await?;
        Ok(Some(LeftSet { last, rows: rows.len(), moved: moves.len() + changes.waiting.len() }))
    }

    fn gone(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Leaving>> {
        self.shared.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers that a provider is gone.
    pub(super) fn note_gone(&self, name: &str) {
        self.gone().entry(name.to_owned()).or_default();
    }
}

/// The messages that their provider may have under a key.
async fn lock_in_doubt(tx: &mut Tx, rows: &[Claimed]) -> store::Result<HashMap<MessageId, Bearing>> {
    let held: Vec<_> =
        rows.iter().filter(|row| row.doubt_under_key).map(|row| (row.workspace_id, row.message_id)).collect();
    Ok(tx.lock_messages(&held).await?.into_iter().map(|bearing| (bearing.id, bearing)).collect())
}

/// An earlier try may have been taken, and there is nobody who knows its key.
fn give_up(changes: &mut Changes, row: &Claimed, mut bearing: Bearing, now: Timestamp) {
    bearing.status = Status::Unknown;
    bearing.status_reason = Some("its provider is gone from the configuration, and may have taken it".to_owned());
    changes.waiting.push(look_at(row, row.deadline, now));
    changes.history.push(moved(&bearing, now));
    changes.bearings.push(bearing);
}
