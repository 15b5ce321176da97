//! Passing on: what waits for a provider that is held back, away, or gone from the configuration goes to another one.

use std::collections::{BTreeSet, HashMap};
use std::sync::PoisonError;

use super::claim::LANES;
use super::complete::{Changes, look_at};
use super::onward::past;
use super::{Line, Outbox, SET};
use crate::domain::{MessageId, OutboxId, Policy, Status, Timestamp, WorkspaceId};
use crate::messaging::{Way, list_provider_pauses, load_ways, moved};
use crate::store::{self, Bearing, Claimed, Moved, Phase, RouteClaim, Tx};

/// What customers' endpoints wait under: no names of providers.
const ENDPOINTS: &str = "webhook:";

impl Outbox {
    /// Whether a provider takes messages now.
    pub(super) fn is_in(&self, provider: &str) -> bool {
        self.line(provider).is_some_and(|line| line.is_in())
    }

    /// Reads which providers are held back: any server on this database may have been told.
    pub async fn read_pauses(&self) -> store::Result<()> {
        let m = self.m();
        let paused: BTreeSet<String> =
            list_provider_pauses(&m).await?.into_iter().map(|pause| pause.provider).collect();
        for line in self.lines() {
            line.pause(paused.contains(line.name()));
        }
        Ok(())
    }

    /// Gives what is due at a provider that is out to the next ones of its routes; what has nobody else waits. Tells how
    /// much went.
    pub(super) async fn pass_on(&self, line: &Line) -> store::Result<usize> {
        let routes = self.m().store.read().await?.list_waiting_routes(line.name()).await?;
        let has_way = |route: &&String| route.split(',').any(|name| name != line.name() && self.is_in(name));
        let mut passed = 0;
        for route in routes.iter().filter(has_way) {
            for lane in LANES {
                loop {
                    let moved = self.pass_on_set(line, (route, lane)).await?;
                    passed += moved;
                    if moved < SET {
                        break;
                    }
                }
            }
        }
        Ok(passed)
    }

    async fn pass_on_set(&self, from: &Line, (route, lane): (&str, i64)) -> store::Result<usize> {
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        let limit = i64::try_from(SET).unwrap_or(i64::MAX);
        let rows = tx.lock_waiting(RouteClaim { provider: from.name(), route, lane, limit, now }).await?;
        let moves: Vec<Moved> = rows.iter().filter_map(|row| past(row, now, |name| self.is_in(name))).collect();
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
        for phase in [Phase::Send, Phase::Lookup] {
            names.extend(self.m().store.read().await?.list_waiting_names(phase).await?);
        }
        names.retain(|name| !name.starts_with(ENDPOINTS) && self.line(name).is_none());
        self.gone().extend(names);
        self.leave_gone().await
    }

    /// Takes from providers that are gone what waits for them still: a request that began before may have left it there.
    pub(super) async fn leave_gone(&self) -> store::Result<usize> {
        let names: Vec<String> = {
            let mut gone = self.gone();
            gone.retain(|name| self.line(name).is_none());
            gone.iter().cloned().collect()
        };
        let mut rerouted = 0;
        for name in names {
            let mut after = OutboxId(0);
            while let Some(last) = self.leave_set(&name, after, &mut rerouted).await? {
                after = last;
            }
            self.give_up_asking(&name).await?;
        }
        Ok(rerouted)
    }

    /// One set of what waits for a provider that is gone; gives the last row of it.
    async fn leave_set(&self, name: &str, after: OutboxId, rerouted: &mut usize) -> store::Result<Option<OutboxId>> {
        let (m, now) = (self.m(), self.now());
        let mut tx = m.store.begin().await?;
        let limit = i64::try_from(SET).unwrap_or(i64::MAX);
        let rows = tx.lock_all_waiting((name, Phase::Send), after, limit).await?;
        let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
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
        *rerouted += moves.len() + changes.waiting.len();
        Ok(Some(last))
    }

    fn gone(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.shared.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers that a provider is gone.
    pub(super) fn note_gone(&self, name: &str) {
        self.gone().insert(name.to_owned());
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
