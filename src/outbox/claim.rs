//! Claiming: what is due becomes leases with open attempts, in one commit.

use std::collections::HashMap;
use std::time::Duration;

use super::complete::{Changes, look_at, send_at};
use super::decide::{has_lost_its_key, next_look};
use super::envelopes::{Held, Prepared, Purpose};
use super::{Line, Outbox, lease};
use crate::domain::{MessageId, OutboxId, Policy, Status, Timestamp, WorkspaceId};
use crate::fault::{is_sabotaged, point};
use crate::messaging::{NOT_YOUR_SENDER, moved};
use crate::provider::Envelope;
use crate::store::{self, Bearing, Claim, Claimed, NewAttempt, OPTED_OUT, Rescheduled, Tx};

/// The lanes, in the order in which they go: codes, single messages, bulk.
pub(super) const LANES: [i64; 3] = [0, 1, 2];

/// How long a message waits whose addresses cannot be opened.
const UNREADABLE_WAIT: Duration = Duration::from_mins(1);

/// An attempt that is written down and about to be made.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) row: Claimed,
    pub(super) envelope: Envelope,
}

impl Outbox {
    /// Leases up to that many due messages and writes their attempts down; nothing when none was due. Those that are
    /// not to be sent are settled.
    pub(super) async fn claim(&self, line: &Line, room: usize) -> store::Result<Option<Vec<Job>>> {
        let now = self.now();
        let store = self.m().store;
        if !store.read().await?.has_due(line.name(), now).await? {
            return Ok(None);
        }
        let mut tx = store.begin().await?;
        tx.share_consent().await?;
        let limit = i64::try_from(room).unwrap_or(i64::MAX);
        let rows = tx.claim_due(Claim { provider: line.name(), limit, now, until: now + lease() }).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        point("before_attempt_row");
        let jobs = self.write_attempts(&mut tx, line, rows).await?;
        if !is_sabotaged("claim_uncommitted") {
            tx.commit().await?;
        }
        point("after_attempt_row");
        self.hold(jobs.iter().map(|job| (job.row.id, job.row.fence)));
        Ok(Some(jobs))
    }

    async fn write_attempts(&self, tx: &mut Tx, line: &Line, rows: Vec<Claimed>) -> store::Result<Vec<Job>> {
        let now = self.now();
        let ids: Vec<_> = rows.iter().map(|row| (row.workspace_id, row.message_id)).collect();
        let mut bearings: HashMap<MessageId, Bearing> =
            tx.lock_messages(&ids).await?.into_iter().map(|bearing| (bearing.id, bearing)).collect();
        let Prepared { mut envelopes, left_out, held } = self.prepare(tx, line, &rows, Purpose::Send).await?;
        tx.leave_out(&left_out, now).await?;
        let behind = self.behind(tx, line, &rows).await?;
        let mut changes = Changes::default();
        let (mut jobs, mut attempts) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for mut row in rows {
            let waits = |bearing: &Bearing| matches!(bearing.status, Status::Queued | Status::Scheduled);
            let Some(mut bearing) = bearings.remove(&row.message_id).filter(waits) else {
                changes.finished.push(row.id);
                continue;
            };
            let Some(envelope) = envelopes.remove(&row.message_id) else {
                if left_out.iter().any(|(_, message, _)| *message == row.message_id) {
                    refuse(&mut changes, &row, bearing, (OPTED_OUT, now));
                } else {
                    put_off(&mut changes, &row, bearing, now);
                }
                continue;
            };
            if !self.may_send(&row, &envelope) {
                disown(&mut changes, &row, bearing, now);
                continue;
            }
            if let Some(held) = held.get(&row.message_id) {
                hold_back(&mut changes, &row, bearing, *held);
                continue;
            }
            if let Some(provider) = behind.get(&row.id) {
                follow(&mut changes, &row, bearing, (provider, now));
                continue;
            }
            if has_lost_its_key(&row, line.abilities(), now) {
                if bearing.policy != Some(Policy::PreferDelivery) {
                    give_up_certainty(&mut changes, line, &row, bearing, now);
                    continue;
                }
                (row.may_duplicate, row.doubt_under_key) = (true, false);
            }
            bearing.status = Status::Sending;
            bearing.status_reason = None;
            bearing.possible_duplicate |= row.may_duplicate;
            changes.bearings.push(bearing);
            attempts.push(NewAttempt {
                workspace: row.workspace_id,
                message: row.message_id,
                provider: line.name().to_owned(),
                may_duplicate: row.may_duplicate,
            });
            jobs.push(Job { row, envelope });
        }
        tx.begin_attempts(&attempts, now).await?;
        self.apply(tx, &changes, now).await?;
        Ok(jobs)
    }

    /// Whether the sender of a message is still of its workspace. The server's own is whoever the configuration says.
    fn may_send(&self, row: &Claimed, envelope: &Envelope) -> bool {
        row.workspace_id == WorkspaceId::ACCOUNTS || self.m().rules.routing.may_send(row.workspace_id, &envelope.from)
    }

    /// Which of the rows come after one of their conversation that waits for another provider of their route, and for
    /// which. Where that one is out the older one waits, and the others do not wait with it.
    async fn behind(&self, tx: &mut Tx, line: &Line, rows: &[Claimed]) -> store::Result<HashMap<OutboxId, String>> {
        let is_first = |row: &&Claimed| !row.route.is_empty() && row.tries == 1;
        let routes: HashMap<OutboxId, &str> =
            rows.iter().filter(is_first).map(|row| (row.id, row.route.as_str())).collect();
        let firsts: Vec<OutboxId> = routes.keys().copied().collect();
        let mut behind: HashMap<OutboxId, String> =
            tx.list_overtaking(&firsts, self.now()).await?.into_iter().collect();
        behind.retain(|row, provider| {
            let is_of_route = routes.get(row).is_some_and(|route| route.split(',').any(|name| name == provider));
            is_of_route && provider != line.name() && self.is_in(provider)
        });
        Ok(behind)
    }
}

/// Goes where the one before it in its conversation waits, so that it does not overtake it.
fn follow(changes: &mut Changes, row: &Claimed, mut bearing: Bearing, (provider, now): (&str, Timestamp)) {
    bearing.status = Status::Queued;
    changes.waiting.push(Rescheduled {
        doubt_under_key: row.doubt_under_key,
        is_uncounted: true,
        provider: Some(provider.to_owned()),
        ..send_at(row, now)
    });
    changes.bearings.push(bearing);
}

fn hold_back(changes: &mut Changes, row: &Claimed, mut bearing: Bearing, held: Held) {
    bearing.status = Status::Queued;
    bearing.status_reason = Some(format!("quiet_hours until {}", held.until));
    bearing.deliver_by = held.deadline.max(bearing.deliver_by);
    changes.waiting.push(Rescheduled {
        may_duplicate: row.may_duplicate,
        doubt_under_key: row.doubt_under_key,
        is_uncounted: true,
        deadline: bearing.deliver_by,
        ..send_at(row, held.until)
    });
    changes.bearings.push(bearing);
}

/// Nobody whom it is for wants it, or nobody may send it.
fn refuse(changes: &mut Changes, row: &Claimed, mut bearing: Bearing, (reason, now): (&str, Timestamp)) {
    bearing.status = Status::Rejected;
    bearing.status_reason = Some(reason.to_owned());
    bearing.is_final = true;
    changes.finished.push(row.id);
    changes.history.push(moved(&bearing, now));
    changes.bearings.push(bearing);
}

/// Its sender has become another workspace's. What may have been sent before is not called refused.
fn disown(changes: &mut Changes, row: &Claimed, mut bearing: Bearing, now: Timestamp) {
    if !row.may_duplicate && !row.doubt_under_key {
        return refuse(changes, row, bearing, (NOT_YOUR_SENDER, now));
    }
    bearing.status = Status::Unknown;
    bearing.status_reason = Some(NOT_YOUR_SENDER.to_owned());
    changes.waiting.push(look_at(row, row.deadline, now));
    changes.history.push(moved(&bearing, now));
    changes.bearings.push(bearing);
}

/// A message that cannot be read must not hold up the others; it waits for the master key that opens it.
fn put_off(changes: &mut Changes, row: &Claimed, mut bearing: Bearing, now: Timestamp) {
    bearing.status = Status::Queued;
    bearing.status_reason = Some("one of its addresses cannot be opened with the master keys that are here".to_owned());
    let (may_duplicate, doubt_under_key) = (row.may_duplicate, row.doubt_under_key);
    changes.waiting.push(Rescheduled { may_duplicate, doubt_under_key, ..send_at(row, now + UNREADABLE_WAIT) });
    changes.bearings.push(bearing);
}

/// An earlier try may have been taken, and the provider no longer knows it by its key.
fn give_up_certainty(changes: &mut Changes, line: &Line, row: &Claimed, mut bearing: Bearing, now: Timestamp) {
    let policy = bearing.policy.unwrap_or(Policy::Balanced);
    bearing.status = Status::Unknown;
    bearing.status_reason = Some("its key ran out before the provider answered".to_owned());
    changes.waiting.push(look_at(row, next_look(row, policy, line.abilities(), now), now));
    changes.history.push(moved(&bearing, now));
    changes.bearings.push(bearing);
}
