//! Claiming: what is due becomes leases with open attempts, in one commit.

use std::collections::HashMap;
use std::time::Duration;

use super::complete::{Changes, look_at, send_at};
use super::decide::{has_lost_its_key, next_look};
use super::{LEASE, Line, Outbox};
use crate::domain::{Address, AddressId, MessageId, Policy, RecipientKind, Status, Timestamp, WorkspaceId};
use crate::fault::{is_sabotaged, point};
use crate::messaging::{carried_attachments, moved};
use crate::provider::Envelope;
use crate::store::{
    self, Bearing, Claimed, LaneClaim, MessageContent, MessageRow, NewAttempt, Rescheduled, SECRET_MARK, Tx,
};

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
    /// Leases up to that many due messages and writes their attempts down.
    pub(super) async fn claim(&self, line: &Line, room: usize) -> store::Result<Vec<Job>> {
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        let mut rows: Vec<Claimed> = Vec::new();
        for lane in LANES {
            let limit = i64::try_from(room.saturating_sub(rows.len())).unwrap_or(i64::MAX);
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
        self.hold(jobs.iter().map(|job| &job.row));
        Ok(jobs)
    }

    async fn write_attempts(&self, tx: &mut Tx, line: &Line, rows: Vec<Claimed>) -> store::Result<Vec<Job>> {
        let now = self.now();
        let ids: Vec<_> = rows.iter().map(|row| (row.workspace_id, row.message_id)).collect();
        let mut bearings: HashMap<MessageId, Bearing> =
            tx.lock_messages(&ids).await?.into_iter().map(|bearing| (bearing.id, bearing)).collect();
        let mut envelopes = self.load_envelopes(tx, &rows).await?;
        let mut changes = Changes::default();
        let (mut jobs, mut attempts) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for mut row in rows {
            let waits = |bearing: &Bearing| matches!(bearing.status, Status::Queued | Status::Scheduled);
            let Some(mut bearing) = bearings.remove(&row.message_id).filter(waits) else {
                changes.finished.push(row.id);
                continue;
            };
            let Some(envelope) = envelopes.remove(&row.message_id) else {
                put_off(&mut changes, &row, bearing, now);
                continue;
            };
            if has_lost_its_key(&row, line.abilities(), now) {
                if bearing.policy != Some(Policy::PreferDelivery) {
                    give_up_certainty(&mut changes, line, &row, bearing, now);
                    continue;
                }
                row.may_duplicate = true;
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

    /// The messages as an adapter gets them; one whose addresses cannot be opened is not among them.
    async fn load_envelopes(&self, tx: &mut Tx, rows: &[Claimed]) -> store::Result<HashMap<MessageId, Envelope>> {
        let mut by_workspace: HashMap<WorkspaceId, Vec<MessageId>> = HashMap::new();
        for row in rows {
            by_workspace.entry(row.workspace_id).or_default().push(row.message_id);
        }
        let mut envelopes = HashMap::new();
        for (workspace, ids) in by_workspace {
            let messages = tx.load_messages(workspace, &ids).await?;
            let content = tx.load_content(workspace, &ids).await?;
            let senders = messages.iter().flat_map(|row| row.from_id.into_iter().chain(row.reply_to_id));
            let wanted: Vec<AddressId> = senders.chain(content.recipients.iter().map(|row| row.address_id)).collect();
            let addresses = tx.load_addresses(workspace, &wanted).await?;
            let mut secrets = match workspace {
                WorkspaceId::ACCOUNTS => tx.load_message_secrets(workspace, &ids).await?,
                WorkspaceId(_) => HashMap::new(),
            };
            let envelope = |mut row: MessageRow| {
                if let Some(secret) = secrets.remove(&row.id) {
                    row.body = row.body.replace(SECRET_MARK, &secret);
                }
                Some((row.id, self.envelope(workspace, row, &content, &addresses)?))
            };
            envelopes.extend(messages.into_iter().filter_map(envelope));
        }
        Ok(envelopes)
    }

    fn envelope(
        &self,
        workspace: WorkspaceId,
        row: MessageRow,
        content: &MessageContent,
        addresses: &HashMap<AddressId, Address>,
    ) -> Option<Envelope> {
        let find = |id: AddressId| addresses.get(&id).cloned();
        let of_kind = |kind: RecipientKind| {
            let rows = content.recipients.iter().filter(|to| to.message_id == row.id && to.kind == kind);
            rows.map(|to| find(to.address_id)).collect::<Option<Vec<_>>>()
        };
        let reply_to = match row.reply_to_id {
            Some(id) => Some(find(id)?),
            None => None,
        };
        let attachments: Vec<_> = content.attachments.iter().filter(|attached| attached.message_id == row.id).collect();
        let last_moment = row.deliver_by.unwrap_or(row.created_at);
        Some(Envelope {
            reference: self.m().store.reference(row.id, row.generation),
            channel: row.channel,
            from: find(row.from_id?)?,
            to: of_kind(RecipientKind::To)?,
            cc: of_kind(RecipientKind::Cc)?,
            reply_to,
            attachments: carried_attachments(self.m(), (workspace, last_moment), &attachments),
            timestamp: row.occurred_at,
            subject: row.subject,
            body: row.body,
        })
    }
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
