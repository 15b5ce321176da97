//! Resolving what is unknown: the service is asked, where it can be asked.

use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::claim::LANES;
use super::complete::{Changes, look_at, send_on};
use super::decide::{is_out_of_patience, next_look, retry_wait};
use super::envelopes::Purpose;
use super::onward::{after_try, tries_here};
use super::{Line, Outbox, lease};
use crate::domain::{MessageId, OutboxId, Policy, Status, Timestamp, WorkspaceId, mask};
use crate::messaging::moved;
use crate::provider::{Envelope, Found, Sought};
use crate::store::{self, Bearing, Claim, Claimed, NamedAttempt, NewHistory, Phase, Rescheduled, Tx};

/// Look-ups at once, of one lane.
const AT_ONCE: i64 = 20;

/// A look-up that was made; nothing when the service cannot be asked.
struct Asked {
    row: Claimed,
    found: Option<Found>,
}

impl Asked {
    /// The name that was found, where one was.
    fn name(&self) -> Option<(WorkspaceId, &str)> {
        match &self.found {
            Some(Found::Taken { reference, .. }) => Some((self.row.workspace_id, reference)),
            Some(Found::NeverTaken | Found::Unclear { .. }) | None => None,
        }
    }
}

impl Outbox {
    /// Asks over one line, when something is due, until it is told to stop.
    pub(super) async fn look_up_forever(&self, line: &Line, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.due(|pulse| pulse.lookups.contains(line.name())) => {}
            }
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                asked = self.look_up_due(line) => asked,
            };
            if let Err(error) = asked {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    provider = line.name(),
                    "nothing was looked up"
                );
            }
        }
    }

    /// Asks for every unknown message of a line that is due.
    pub(super) async fn look_up_due(&self, line: &Line) -> store::Result<()> {
        let Some(limit) = line.take_look(AT_ONCE) else { return Ok(()) };
        let asked = self.look_up_set(line, limit).await;
        line.end_look(asked.as_ref().ok().copied().flatten());
        asked.map(drop)
    }

    /// Asks for up to that many messages of each lane; tells whether the service was away, when it was asked.
    async fn look_up_set(&self, line: &Line, limit: i64) -> store::Result<Option<bool>> {
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        let rows = claim(&mut tx, line.name(), limit, now).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut envelopes = if line.abilities().can_look_up {
            self.prepare(&mut tx, line, &rows, Purpose::LookUp).await?.envelopes
        } else {
            HashMap::new()
        };
        tx.commit().await?;
        let asked = rows.into_iter().map(|row| {
            let envelope = envelopes.remove(&row.message_id);
            look_up(line, row, envelope, now)
        });
        let mut asked = join_all(asked).await;
        self.resolve(line.name(), &mut asked).await?;
        let found: Vec<&Found> = asked.iter().filter_map(|asked| asked.found.as_ref()).collect();
        let is_away = found.iter().all(|found| matches!(found, Found::Unclear { .. }));
        Ok((!found.is_empty()).then_some(is_away))
    }

    /// Does what is due for unknown messages of a provider that is gone: nobody can be asked for them.
    pub(super) async fn give_up_asking(&self, provider: &str) -> store::Result<()> {
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        let rows = claim(&mut tx, provider, AT_ONCE, now).await?;
        if rows.is_empty() {
            return Ok(());
        }
        tx.commit().await?;
        let mut asked: Vec<Asked> = rows.into_iter().map(|row| Asked { row, found: None }).collect();
        self.resolve(provider, &mut asked).await
    }

    async fn resolve(&self, provider: &str, asked: &mut [Asked]) -> store::Result<()> {
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        let leases: Vec<_> = asked.iter().map(|asked| (asked.row.id, asked.row.fence)).collect();
        let found: Vec<_> = asked.iter().filter_map(Asked::name).collect();
        let named = tx.list_named(provider, &found).await?;
        disown(asked, named);
        let held: HashSet<OutboxId> = tx.lock_leases(&leases, Phase::Lookup).await?.into_iter().collect();
        let asked: Vec<&Asked> = asked.iter().filter(|asked| held.contains(&asked.row.id)).collect();
        let ids: Vec<_> = asked.iter().map(|asked| (asked.row.workspace_id, asked.row.message_id)).collect();
        let mut bearings: HashMap<MessageId, Bearing> =
            tx.lock_messages(&ids).await?.into_iter().map(|bearing| (bearing.id, bearing)).collect();
        let mut changes = Changes::default();
        for asked in asked {
            match bearings.remove(&asked.row.message_id) {
                Some(bearing) if bearing.status == Status::Unknown => self.settle(&mut changes, asked, bearing, now),
                _ => changes.finished.push(asked.row.id),
            }
        }
        self.apply(&mut tx, &changes, now).await?;
        tx.commit().await?;
        self.replay_waiting(&changes).await;
        Ok(())
    }

    fn settle(&self, changes: &mut Changes, asked: &Asked, mut bearing: Bearing, now: Timestamp) {
        let row = &asked.row;
        let policy = bearing.policy.unwrap_or(Policy::Balanced);
        let again = (now + retry_wait(tries_here(row), self.m().clock.fraction())).min(row.deadline);
        changes.history.extend(asked.found.as_ref().map(|found| answer(row, found, now)));
        match &asked.found {
            Some(Found::Taken { reference, status }) => {
                bearing.status = status.filter(|status| status.is_reportable()).unwrap_or(Status::Accepted);
                bearing.is_final = bearing.status.is_last();
                bearing.status_reason = None;
                changes.finished.push(row.id);
                changes.named.push(NamedAttempt::of(row, reference));
            }
            Some(Found::NeverTaken) => {
                bearing.status = Status::Queued;
                bearing.status_reason = Some("the provider never took it".to_owned());
                let onward = after_try(row, (again, false), now, |name| self.takes(name, &changes.waiting));
                changes.waiting.push(send_on(row, onward));
            }
            Some(Found::Unclear { .. }) | None if is_out_of_patience(row, policy, now) => {
                bearing.status = Status::Queued;
                bearing.status_reason = Some("sent again although it may have been sent before".to_owned());
                let onward = after_try(row, (again, false), now, |name| self.takes(name, &changes.waiting));
                let due_at = if onward.provider.is_some() { onward.due_at } else { now };
                changes.waiting.push(Rescheduled { may_duplicate: true, due_at, ..send_on(row, onward) });
            }
            Some(Found::Unclear { .. }) | None => {
                let abilities = self.line(&row.provider).map(|line| line.abilities()).unwrap_or_default();
                let due_at = next_look(row, policy, abilities, now);
                let (lookups, unknown_since) = (row.lookups, row.unknown_since);
                changes.waiting.push(Rescheduled { lookups, unknown_since, ..look_at(row, due_at, now) });
                return;
            }
        }
        changes.history.push(moved(&bearing, now));
        changes.bearings.push(bearing);
    }
}

/// Leases what is due to be asked for, of every lane.
async fn claim(tx: &mut Tx, provider: &str, limit: i64, now: Timestamp) -> store::Result<Vec<Claimed>> {
    let mut rows = Vec::new();
    for lane in LANES {
        rows.extend(tx.claim_lookups(lane, Claim { provider, limit, now, until: now + lease() }).await?);
    }
    Ok(rows)
}

async fn look_up(line: &Line, row: Claimed, envelope: Option<Envelope>, now: Timestamp) -> Asked {
    if !line.abilities().can_look_up {
        return Asked { row, found: None };
    }
    let Some(envelope) = envelope else {
        let reason = "its addresses cannot be opened with the master keys that are here".to_owned();
        return Asked { row, found: Some(Found::Unclear { reason }) };
    };
    let since = row.first_tried_at.unwrap_or(envelope.timestamp);
    let until = row.unknown_since.unwrap_or(now);
    let found = line.provider().look_up(&Sought { envelope, since, until }).await;
    Asked { row, found: Some(found) }
}

/// A service that is asked by recipient and text may find another message: one that it has named already.
fn disown(asked: &mut [Asked], named: Vec<(WorkspaceId, String, MessageId)>) {
    let mut owners: HashMap<(WorkspaceId, String), MessageId> =
        named.into_iter().map(|(workspace, name, message)| ((workspace, name), message)).collect();
    for asked in asked {
        if let Some(Found::Taken { reference, .. }) = &asked.found {
            let owner = *owners.entry((asked.row.workspace_id, reference.clone())).or_insert(asked.row.message_id);
            if owner != asked.row.message_id {
                let reason = "what was found there is another message of ours".to_owned();
                asked.found = Some(Found::Unclear { reason });
            }
        }
    }
}

fn answer(row: &Claimed, found: &Found, now: Timestamp) -> NewHistory {
    let data = match found {
        Found::Taken { reference, status } => json!({ "found": true, "reference": reference, "status": status }),
        Found::NeverTaken => json!({ "found": false }),
        Found::Unclear { reason } => json!({ "found": null, "reason": mask(reason) }),
    };
    NewHistory { workspace: row.workspace_id, message: row.message_id, kind: "lookup", at: now, data }
}
