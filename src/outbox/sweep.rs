//! What nobody else does: leases that lapsed, times that ran out, keys that are old, figures for the operator.

use tokio_util::sync::CancellationToken;

use super::carry::{Ended, unknown};
use super::{IDLE, Outbox, SET};
use crate::domain::{Status, Timestamp};
use crate::fault::is_sabotaged;
use crate::messaging::moved;
use crate::provider::Outcome;
use crate::store::{self, Phase};

/// Sweeps between two measurements, and between two cleanings.
const MEASURE_EVERY: u64 = 5;
const CLEAN_EVERY: u64 = 60;

impl Outbox {
    pub(super) async fn sweep_forever(&self, stop: CancellationToken) {
        let mut round: u64 = 0;
        loop {
            let swept = self.sweep_round(round).await;
            if let Err(error) = swept {
                tracing::warn!(error = &error as &dyn std::error::Error, "the outbox was not swept");
            }
            round += 1;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(IDLE) => {}
            }
        }
    }

    async fn sweep_round(&self, round: u64) -> store::Result<()> {
        self.sweep().await?;
        if round.is_multiple_of(MEASURE_EVERY) {
            self.measure().await?;
        }
        if round.is_multiple_of(CLEAN_EVERY) {
            self.clean().await?;
        }
        Ok(())
    }

    /// Lets go of what nobody asks for any more.
    async fn clean(&self) -> store::Result<()> {
        let mut tx = self.m().store.begin().await?;
        tx.forget_old_keys(self.now()).await?;
        tx.forget_message_secrets().await?;
        tx.forget_ended_accounts(self.now()).await?;
        tx.forget_budgets(self.now()).await?;
        tx.commit().await
    }

    /// Settles what lapsed and what ran out of time.
    pub(super) async fn sweep(&self) -> store::Result<()> {
        while self.settle_lapsed().await? == SET {}
        while self.settle_expired().await? == SET {}
        Ok(())
    }

    /// An attempt whose holder is gone may have been taken. This process extends its own leases first: it may have
    /// been kept from that by the same outage.
    async fn settle_lapsed(&self) -> store::Result<usize> {
        self.beat().await?;
        let mut tx = self.m().store.begin().await?;
        let rows = tx.claim_lapsed(self.now(), i64::try_from(SET).unwrap_or(i64::MAX)).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        tx.commit().await?;
        let reason = "the server stopped while sending";
        let outcome = if is_sabotaged("lapsed_is_retry") {
            Outcome::Retry { after: None, is_away: false, reason: reason.to_owned() }
        } else {
            unknown(reason)
        };
        let lapsed = |row| Ended { row, outcome: outcome.clone(), _slot: None };
        let ended: Vec<Ended> = rows.into_iter().map(lapsed).collect();
        self.complete(&ended).await?;
        Ok(ended.len())
    }

    async fn settle_expired(&self) -> store::Result<usize> {
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        let rows = tx.claim_expired(now, i64::try_from(SET).unwrap_or(i64::MAX)).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let ids: Vec<_> = rows.iter().map(|row| (row.workspace_id, row.message_id)).collect();
        let mut bearings = tx.lock_messages(&ids).await?;
        bearings.retain(|bearing| matches!(bearing.status, Status::Scheduled | Status::Queued | Status::Unknown));
        for bearing in &mut bearings {
            let was_unknown = rows.iter().any(|row| row.message_id == bearing.id && row.phase == Phase::Lookup);
            bearing.is_final = true;
            if was_unknown {
                bearing.status_reason = Some("it may or may not have been sent".to_owned());
            } else {
                bearing.status = Status::Dead;
                bearing.status_reason = Some(out_of_time(bearing.status_reason.as_deref()));
            }
        }
        tx.add_history(&bearings.iter().map(|bearing| moved(bearing, now)).collect::<Vec<_>>()).await?;
        tx.move_messages(&bearings, now).await?;
        tx.finish_work(&rows.iter().map(|row| row.id).collect::<Vec<_>>()).await?;
        tx.commit().await?;
        Ok(rows.len())
    }

    async fn measure(&self) -> store::Result<()> {
        let now = self.now();
        let depths = self.m().store.read().await?.outbox_depths().await?;
        for (phase, name) in [(Phase::Send, "send"), (Phase::Sending, "sending"), (Phase::Lookup, "lookup")] {
            let rows = depths.iter().find(|depth| depth.phase == phase).map_or(0, |depth| depth.rows);
            metrics::gauge!("switchboard_outbox_depth", "phase" => name).set(figure(rows));
        }
        let oldest = depths.iter().find(|depth| depth.phase == Phase::Send).map(|depth| depth.oldest);
        metrics::gauge!("switchboard_outbox_oldest_seconds").set(overdue(oldest, now));
        Ok(())
    }
}

fn out_of_time(last: Option<&str>) -> String {
    match last {
        Some(reason) => format!("its time ran out; last: {reason}"),
        None => "its time ran out".to_owned(),
    }
}

fn figure(rows: i64) -> f64 {
    f64::from(i32::try_from(rows).unwrap_or(i32::MAX))
}

fn overdue(oldest: Option<Timestamp>, now: Timestamp) -> f64 {
    oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64())
}
