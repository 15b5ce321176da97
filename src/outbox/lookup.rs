//! Resolving what is unknown: the service is asked, where it can be asked.

use futures_util::future::join_all;
use serde_json::json;

use super::carry::LANES;
use super::decide::{is_out_of_patience, next_look};
use super::{LEASE, Line, Outbox};
use crate::domain::{Policy, Status, Timestamp};
use crate::messaging::{apply_waiting, moved};
use crate::provider::Found;
use crate::store::{self, Bearing, Claimed, LaneClaim, NewHistory, Phase, Rescheduled, Tx};

/// Look-ups at once.
const AT_ONCE: i64 = 20;

impl Outbox {
    /// Asks for every unknown message of a line that is due.
    pub(super) async fn look_up_due(&self, line: &Line) -> store::Result<()> {
        if line.is_open() {
            return Ok(());
        }
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        let mut rows = Vec::new();
        for lane in LANES {
            let claim = LaneClaim { provider: line.name(), lane, limit: AT_ONCE, now, until: now + LEASE };
            rows.extend(tx.claim_lookups(claim).await?);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = rows.iter().map(|row| (row.workspace_id, row.message_id)).collect();
        let bearings = tx.lock_messages(&ids).await?;
        tx.commit().await?;
        let asked = rows.into_iter().filter_map(|row| {
            let bearing = bearings.iter().find(|bearing| bearing.id == row.message_id)?;
            Some(self.look_up(line, row, bearing.generation))
        });
        for (row, found) in join_all(asked).await {
            self.resolve(line, &row, found).await?;
        }
        Ok(())
    }

    async fn look_up(&self, line: &Line, row: Claimed, generation: i64) -> (Claimed, Option<Found>) {
        if !line.abilities().can_look_up {
            return (row, None);
        }
        let reference = self.m().store.reference(row.message_id, generation);
        let found = line.provider().look_up(&reference).await;
        (row, Some(found))
    }

    async fn resolve(&self, line: &Line, row: &Claimed, found: Option<Found>) -> store::Result<()> {
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        if tx.lock_leases(&[(row.id, row.fence)]).await?.is_empty() {
            return Ok(());
        }
        let bearing = tx.lock_messages(&[(row.workspace_id, row.message_id)]).await?.pop();
        let Some(mut bearing) = bearing.filter(|bearing| bearing.status == Status::Unknown) else {
            tx.finish_work(&[row.id]).await?;
            return tx.commit().await;
        };
        if let Some(found) = &found {
            tx.add_history(&[answer(row, found, now)]).await?;
        }
        let mut name = None;
        match found {
            Some(Found::Taken { reference, status }) => {
                tx.name_attempt(row.workspace_id, row.message_id, &reference).await?;
                bearing.status = status.filter(|status| status.is_reportable()).unwrap_or(Status::Accepted);
                bearing.is_final = bearing.status.rank() >= Status::Failed.rank();
                bearing.status_reason = None;
                tx.finish_work(&[row.id]).await?;
                self.move_one(&mut tx, bearing, now).await?;
                name = Some(reference);
            }
            Some(Found::NeverTaken) => {
                bearing.status_reason = Some("the provider never took it".to_owned());
                self.queue_again(&mut tx, row, bearing, row.may_duplicate).await?;
            }
            Some(Found::Unclear { .. }) | None => {
                self.wait_on(&mut tx, (line, row), bearing, now).await?;
            }
        }
        tx.commit().await?;
        if let Some(name) = name {
            apply_waiting(self.m(), row.workspace_id, &[&name]).await?;
        }
        Ok(())
    }

    async fn wait_on(
        &self,
        tx: &mut Tx,
        (line, row): (&Line, &Claimed),
        mut bearing: Bearing,
        now: Timestamp,
    ) -> store::Result<()> {
        let policy = bearing.policy.unwrap_or(Policy::Balanced);
        if is_out_of_patience(row, policy, now) {
            bearing.status_reason = Some("sent again although it may have been sent before".to_owned());
            return self.queue_again(tx, row, bearing, true).await;
        }
        let due_at = next_look(row, policy, line.abilities(), now);
        let phase = Phase::Lookup;
        let (may_duplicate, unknown_since) = (row.may_duplicate, row.unknown_since);
        tx.reschedule(&[Rescheduled { id: row.id, phase, due_at, may_duplicate, unknown_since }]).await
    }

    async fn queue_again(
        &self,
        tx: &mut Tx,
        row: &Claimed,
        mut bearing: Bearing,
        may_duplicate: bool,
    ) -> store::Result<()> {
        let now = self.now();
        bearing.status = Status::Queued;
        let (phase, unknown_since) = (Phase::Send, None);
        tx.reschedule(&[Rescheduled { id: row.id, phase, due_at: now, may_duplicate, unknown_since }]).await?;
        self.move_one(tx, bearing, now).await
    }

    async fn move_one(&self, tx: &mut Tx, bearing: Bearing, now: Timestamp) -> store::Result<()> {
        tx.add_history(&[moved(&bearing, now)]).await?;
        tx.move_messages(&[bearing], now).await
    }
}

fn answer(row: &Claimed, found: &Found, now: Timestamp) -> NewHistory {
    let data = match found {
        Found::Taken { reference, status } => json!({ "found": true, "reference": reference, "status": status }),
        Found::NeverTaken => json!({ "found": false }),
        Found::Unclear { reason } => json!({ "found": null, "reason": crate::domain::mask(reason) }),
    };
    NewHistory { workspace: row.workspace_id, message: row.message_id, kind: "lookup", at: now, data }
}
