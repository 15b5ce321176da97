//! Completing: how attempts ended, written in sets by whoever still holds their leases.

use std::collections::{HashMap, HashSet};

use serde_json::json;
use tokio::sync::mpsc;

use super::carry::Ended;
use super::decide::{Next, Situation};
use super::onward::{Onward, after_try};
use super::{LAST_TRIES, Outbox, SET};
use crate::domain::{ConsentSource, MessageId, OutboxId, Policy, Status, Timestamp, WorkspaceId, mask};
use crate::fault::{is_sabotaged, point};
use crate::messaging::{Unwanted, apply_waiting, moved, note_unwanted};
use crate::provider::Outcome;
use crate::store::{self, Bearing, Claimed, EndedAttempt, NamedAttempt, NewHistory, OPTED_OUT, Phase, Rescheduled, Tx};

/// What a set of completions or look-ups changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) bearings: Vec<Bearing>,
    pub(super) history: Vec<NewHistory>,
    pub(super) finished: Vec<OutboxId>,
    pub(super) waiting: Vec<Rescheduled>,
    /// The names that providers gave.
    pub(super) named: Vec<NamedAttempt>,
}

impl Outbox {
    /// Writes completions as they come, many at once, until the last attempt has ended.
    pub(super) async fn complete_forever(self, mut ended: mpsc::Receiver<Ended>) {
        let mut set = Vec::with_capacity(SET);
        while ended.recv_many(&mut set, SET).await > 0 {
            if let Err(error) = self.complete_stubbornly(&set).await {
                tracing::error!(error = &error as &dyn std::error::Error, "a set of completions is written one by one");
                for one in &set {
                    if let Err(error) = self.complete_stubbornly(std::slice::from_ref(one)).await {
                        let message = one.row.message_id.0;
                        tracing::error!(error = &error as &dyn std::error::Error, message, "a completion is lost");
                        self.let_go(std::iter::once(one.row.id));
                    }
                }
            }
            set.clear();
        }
    }

    /// Waits for the database as long as it takes; a server that stops tries a few times more.
    async fn complete_stubbornly(&self, set: &[Ended]) -> store::Result<()> {
        let mut last_tries = LAST_TRIES;
        while let Err(error) = self.complete(set).await {
            self.outwait(error, &mut last_tries, "completions").await?;
        }
        Ok(())
    }

    /// Writes down how attempts ended and what follows. Whoever lost a lease writes nothing of it.
    pub(super) async fn complete(&self, set: &[Ended]) -> store::Result<()> {
        if set.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        let leases: Vec<_> = set.iter().map(|ended| (ended.row.id, ended.row.fence)).collect();
        let mut held: HashSet<OutboxId> = tx.lock_leases(&leases, Phase::Sending).await?.into_iter().collect();
        if is_sabotaged("ignore_fence") {
            held.extend(leases.iter().map(|(row, _)| *row));
        }
        let set: Vec<&Ended> = set.iter().filter(|ended| held.contains(&ended.row.id)).collect();
        let changes = self.write(&mut tx, &set, now).await?;
        tx.commit().await?;
        point("after_commit");
        self.let_go(leases.into_iter().map(|(row, _)| row));
        self.replay_waiting(&changes).await;
        Ok(())
    }

    async fn write(&self, tx: &mut Tx, set: &[&Ended], now: Timestamp) -> store::Result<Changes> {
        let mut changes = Changes::default();
        if set.is_empty() {
            return Ok(changes);
        }
        tx.end_attempts(&set.iter().map(|ended| ended_attempt(ended)).collect::<Vec<_>>(), now).await?;
        let ids: Vec<_> = set.iter().map(|ended| (ended.row.workspace_id, ended.row.message_id)).collect();
        let mut bearings: HashMap<MessageId, Bearing> =
            tx.lock_messages(&ids).await?.into_iter().map(|bearing| (bearing.id, bearing)).collect();
        for ended in set {
            let row = &ended.row;
            if let Outcome::Accepted { reference } = &ended.outcome {
                changes.named.push(NamedAttempt::of(row, reference));
            }
            match bearings.remove(&row.message_id) {
                Some(bearing) if bearing.status == Status::Sending => self.change(&mut changes, ended, bearing, now),
                _ => changes.finished.push(row.id),
            }
        }
        self.apply(tx, &changes, now).await?;
        for (workspace, unwanted) in unwanted(set) {
            note_unwanted(tx, workspace, &unwanted, now).await?;
        }
        Ok(changes)
    }

    /// Writes changes in sets.
    pub(super) async fn apply(&self, tx: &mut Tx, changes: &Changes, now: Timestamp) -> store::Result<()> {
        tx.finish_work(&changes.finished).await?;
        tx.reschedule(&changes.waiting).await?;
        tx.name_attempts(&changes.named).await?;
        tx.add_history(&changes.history).await?;
        tx.move_messages(&changes.bearings, now).await
    }

    fn change(&self, changes: &mut Changes, ended: &Ended, mut bearing: Bearing, now: Timestamp) {
        let row = &ended.row;
        let situation = Situation {
            row,
            policy: bearing.policy.unwrap_or(Policy::Balanced),
            abilities: self.line(&row.provider).map(|line| line.abilities()).unwrap_or_default(),
            now,
            fraction: self.m().clock.fraction(),
        };
        let next = situation.next(&ended.outcome);
        bearing.status_reason = reason(&ended.outcome);
        match next {
            Next::Accepted => {
                bearing.status = Status::Accepted;
                changes.finished.push(row.id);
            }
            Next::Rejected => {
                bearing.status = Status::Rejected;
                bearing.is_final = true;
                changes.finished.push(row.id);
            }
            Next::Wait { due_at, may_duplicate, doubt_under_key } => {
                bearing.status = Status::Queued;
                let is_held = doubt_under_key || !ended.was_made;
                let onward = after_try(row, (due_at, is_held), now, |name| self.takes(name, &changes.waiting));
                let may_duplicate = may_duplicate && !(onward.provider.is_some() && is_sabotaged("failover_forgets"));
                changes.waiting.push(Rescheduled { may_duplicate, doubt_under_key, ..send_on(row, onward) });
            }
            Next::Unknown { due_at } => {
                bearing.status = Status::Unknown;
                changes.waiting.push(look_at(row, due_at, now));
            }
        }
        if bearing.status != Status::Queued {
            changes.history.push(moved(&bearing, now));
        }
        changes.bearings.push(bearing);
    }

    /// Reports that overtook the answer to their send wait for the name it gave.
    pub(super) async fn replay_waiting(&self, changes: &Changes) {
        let names: Vec<(&str, &str)> =
            changes.named.iter().map(|named| (named.provider.as_str(), named.name.as_str())).collect();
        if names.is_empty() {
            return;
        }
        if let Err(error) = apply_waiting(&self.m(), &names).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "parked reports stay in quarantine");
        }
    }
}

/// A row that waits to be sent.
pub(super) fn send_at(row: &Claimed, due_at: Timestamp) -> Rescheduled {
    Rescheduled {
        id: row.id,
        phase: Phase::Send,
        due_at,
        may_duplicate: row.may_duplicate,
        doubt_under_key: false,
        lookups: 0,
        unknown_since: None,
        is_uncounted: false,
        deadline: None,
        provider: None,
        trail: None,
    }
}

/// A row that waits to be sent, perhaps by another provider.
pub(super) fn send_on(row: &Claimed, onward: Onward) -> Rescheduled {
    Rescheduled { provider: onward.provider, trail: onward.trail, ..send_at(row, onward.due_at) }
}

/// A row that has become unknown.
pub(super) fn look_at(row: &Claimed, due_at: Timestamp, now: Timestamp) -> Rescheduled {
    Rescheduled { phase: Phase::Lookup, unknown_since: Some(now), ..send_at(row, due_at) }
}

/// What a provider refused because its own list says that the recipient wants nothing.
fn unwanted(set: &[&Ended]) -> HashMap<WorkspaceId, Vec<Unwanted>> {
    let mut by_workspace: HashMap<WorkspaceId, Vec<Unwanted>> = HashMap::new();
    for ended in set {
        let Claimed { workspace_id, message_id: message, ref provider, .. } = ended.row;
        if matches!(&ended.outcome, Outcome::Rejected { code, .. } if code == OPTED_OUT) {
            let evidence = json!({ "message_id": message, "provider": provider });
            let unwanted = Unwanted { message, about: None, source: ConsentSource::Provider, evidence };
            by_workspace.entry(workspace_id).or_default().push(unwanted);
        }
    }
    by_workspace
}

fn ended_attempt(ended: &Ended) -> EndedAttempt {
    EndedAttempt {
        workspace: ended.row.workspace_id,
        message: ended.row.message_id,
        outcome: ended.outcome.as_str(),
        reason: reason(&ended.outcome),
    }
}

/// What a service said, without addresses.
fn reason(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Accepted { .. } => None,
        Outcome::Rejected { code, reason } => Some(mask(&format!("{code}: {reason}"))),
        Outcome::Retry { reason, .. } | Outcome::Doubtful { reason } | Outcome::Unknown { reason } => {
            Some(mask(reason))
        }
    }
}
