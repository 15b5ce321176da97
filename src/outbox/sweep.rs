//! What nobody else does: leases that lapsed, times that ran out, rows that are old, figures for the operator.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::carry::{Ended, unknown};
use super::{Outbox, SET};
use crate::domain::{EventId, Status, Timestamp};
use crate::fault::is_sabotaged;
use crate::messaging::{end_snoozes, moved, sweep_files};
use crate::provider::Outcome;
use crate::store::{self, Phase, Pulse};

/// Sweeps between two measurements, and between two cleanings.
const MEASURE_EVERY: u64 = 15;
/// Between two looks for statistics that are out of date while the log grows, and between two goes at what waits for
/// providers that are gone.
const PLAN_EVERY: u64 = 5;
const LEAVE_EVERY: u64 = 5;
const CLEAN_EVERY: u64 = 60;
/// Between two looks for what waits for providers that the configuration does not have.
const REROUTE_EVERY: u64 = 15;
/// Between two sweeps of files.
const FILES_EVERY: Duration = Duration::from_mins(1);
/// Units of work of one cleaning that let addresses go which nobody has.
const ORPHANS_AT_ONCE: usize = 5;
/// Sets that one cleaning deletes before the leases are looked at again.
const SETS_AT_ONCE: usize = 20;

/// When the log grew last. The database counts its rows a little later, so that is looked at twice.
#[derive(Debug, Default)]
struct Growth {
    last_event: Option<EventId>,
    round: u64,
}

impl Growth {
    fn note(&mut self, last_event: EventId, round: u64) {
        if self.last_event != Some(last_event) {
            *self = Self { last_event: Some(last_event), round };
        }
    }

    fn is_to_be_planned(&self, round: u64) -> bool {
        round.is_multiple_of(PLAN_EVERY) && round - self.round <= 2 * PLAN_EVERY
    }
}

impl Outbox {
    pub(super) async fn sweep_forever(&self, stop: CancellationToken) {
        let (mut round, mut has_more, mut growth) = (0, false, Growth::default());
        let mut seen = self.shared.pulse.subscribe();
        loop {
            let pulse = tokio::select! {
                () = stop.cancelled() => return,
                pulse = Self::next_look(&mut seen) => pulse,
            };
            let Some(pulse) = pulse else { continue };
            has_more = self.sweep_round(&pulse, (round, has_more), &mut growth).await.unwrap_or_else(|error| {
                tracing::warn!(error = &error as &dyn std::error::Error, "the outbox was not swept");
                false
            });
            round += 1;
        }
    }

    /// Tells whether more is left to be cleaned at once. Statistics are looked at when the log has grown since they were, and
    /// once a minute: accounts leave nothing in the log.
    async fn sweep_round(
        &self,
        pulse: &Pulse,
        (round, has_more): (u64, bool),
        growth: &mut Growth,
    ) -> store::Result<bool> {
        self.sweep_due(pulse).await?;
        if round.is_multiple_of(REROUTE_EVERY) {
            self.note_overdue().await?;
        }
        if round.is_multiple_of(LEAVE_EVERY) {
            self.leave_gone().await?;
        }
        if round.is_multiple_of(MEASURE_EVERY) {
            self.measure().await?;
        }
        let has_more = if has_more || round.is_multiple_of(CLEAN_EVERY) { self.clean().await? } else { false };
        growth.note(pulse.last_event, round);
        if round.is_multiple_of(CLEAN_EVERY) || growth.is_to_be_planned(round) {
            self.m().store.refresh_statistics().await?;
        }
        Ok(has_more)
    }

    /// Deletes what is kept no longer, a few sets at a time, each in a unit of work of its own: whoever writes meanwhile
    /// waits for one of them at most. True when there may be more.
    ///
    /// # Errors
    ///
    /// When the database fails; the sets before that are gone.
    pub async fn clean(&self) -> store::Result<bool> {
        let mut tx = self.m().store.begin().await?;
        tx.forget_ended_accounts(self.now()).await?;
        tx.commit().await?;
        let mut has_more = true;
        for _ in 0..SETS_AT_ONCE {
            has_more = has_more && self.clean_set().await?;
        }
        for _ in 0..ORPHANS_AT_ONCE {
            let mut tx = self.m().store.begin().await?;
            let has_more_orphans = tx.forget_orphan_addresses().await?;
            tx.commit().await?;
            if !has_more_orphans {
                break;
            }
        }
        Ok(has_more)
    }

    /// One set of everything that is old.
    async fn clean_set(&self) -> store::Result<bool> {
        let rules = self.m().rules;
        let retention = &rules.retention;
        let mut tx = self.m().store.begin().await?;
        let has_more = tx.forget_old(retention, self.now()).await?;
        tx.commit().await?;
        let Some(kept) = retention.own_messages else { return Ok(has_more) };
        let mut tx = self.m().store.begin().await?;
        let has_more_own = tx.forget_own_messages(self.now() - kept).await?;
        tx.commit().await?;
        Ok(has_more || has_more_own)
    }

    /// Lets go of uploads that nobody attached. The place of their bytes may be slow or away: nothing else waits for it.
    pub(super) async fn sweep_files_forever(&self, stop: CancellationToken) {
        let sweep = async {
            loop {
                if let Err(error) = sweep_files(&self.m()).await {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "uploads that nobody carries are still there"
                    );
                }
                tokio::time::sleep(FILES_EVERY).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = sweep => {}
        }
    }

    /// Settles what lapsed and what ran out of time; opens conversations whose snooze has ended.
    pub(super) async fn sweep(&self) -> store::Result<()> {
        self.read_pauses().await?;
        while self.settle_lapsed().await? == SET {}
        while self.settle_expired().await? == SET {}
        while self.settle_lapsed_deliveries().await? == SET {}
        self.drop_idle_deliveries().await?;
        end_snoozes(&self.m()).await?;
        Ok(())
    }

    /// The same, as far as a look finds that it is due.
    async fn sweep_due(&self, pulse: &Pulse) -> store::Result<()> {
        if pulse.has_lapsed {
            while self.settle_lapsed().await? == SET {}
            while self.settle_lapsed_deliveries().await? == SET {}
        }
        if pulse.has_expired {
            while self.settle_expired().await? == SET {}
        }
        if pulse.has_idle_deliveries {
            self.drop_idle_deliveries().await?;
        }
        if pulse.has_snoozes {
            end_snoozes(&self.m()).await?;
        }
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
        let lapsed = |row| Ended { row, outcome: outcome.clone(), was_made: true, _slot: None };
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
        let depths = self.m().store.read().await?.outbox_depths(now).await?;
        let of = |phase: Phase| depths.iter().find(|depth| depth.phase == phase).map_or((0, 0), |d| (d.rows, d.due));
        let (send, due) = of(Phase::Send);
        let figures =
            [("send", due), ("later", send - due), ("sending", of(Phase::Sending).0), ("lookup", of(Phase::Lookup).0)];
        for (name, rows) in figures {
            metrics::gauge!("switchboard_outbox_depth", "phase" => name).set(figure(rows));
        }
        let oldest = depths.iter().find(|depth| depth.phase == Phase::Send).map(|depth| depth.oldest);
        metrics::gauge!("switchboard_outbox_oldest_seconds").set(overdue(oldest, now));
        let (waiting, oldest) = self.m().store.read().await?.webhook_depth().await?;
        metrics::gauge!("switchboard_webhooks_waiting").set(figure(waiting));
        metrics::gauge!("switchboard_webhooks_oldest_seconds").set(overdue(oldest, now));
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
