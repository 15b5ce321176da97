//! Writing down how attempts at endpoints ended, in sets, by whoever still holds their leases; and what becomes of an
//! endpoint that does not answer.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::json;
use tokio::sync::mpsc;

use super::super::{LAST_TRIES, Outbox, SET};
use super::slots::Slot;
use super::verdict::{Verdict, has_failed_too_long, verdict};
use crate::domain::{DeliveryState, OutboxId, Timestamp, WebhookDeliveryId, WebhookEndpointId, WorkspaceId};
use crate::fault::is_sabotaged;
use crate::store::{
    self, ClaimedDelivery, EndedWebhookAttempt, NewHistory, Phase, Rescheduled, Tx, WebhookDeliveryRow,
    WebhookEndpointRow, WebhookHealth,
};
use crate::webhook::{Answer, tell_admins};

/// Why the server disables an endpoint: in the database, and for people.
/// Deliveries that are dropped in one unit of work.
const DROPPED: i64 = 1_000;
const GONE: (&str, &str) = ("gone", "it answered 410, which says that it wants nothing any more");
const FAILING: (&str, &str) = ("failing", "no attempt has succeeded for five days");

/// An attempt that was made. Its slot is free when what it found is written.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) row: ClaimedDelivery,
    pub(super) delivery: WebhookDeliveryRow,
    /// Absent: nobody knows.
    pub(super) answer: Option<Answer>,
    pub(super) _slot: Option<Slot>,
}

/// What a set of attempts changes.
#[derive(Default)]
struct Changes {
    attempts: Vec<EndedWebhookAttempt>,
    moved: Vec<(WorkspaceId, WebhookDeliveryId, DeliveryState)>,
    finished: Vec<OutboxId>,
    waiting: Vec<Rescheduled>,
    history: Vec<NewHistory>,
}

/// An endpoint, as the attempts of a set change it.
struct Health {
    row: WebhookEndpointRow,
    disabled: Option<(&'static str, &'static str)>,
}

/// Shows every outcome that can be, so that an alert has something to look at before the first of them.
pub(super) fn show_outcomes() {
    for outcome in ["succeeded", "failed", "unknown"] {
        metrics::counter!("switchboard_webhook_attempts_total", "outcome" => outcome).increment(0);
    }
    for (reason, _) in [GONE, FAILING] {
        metrics::counter!("switchboard_webhook_endpoints_disabled_total", "reason" => reason).increment(0);
    }
}

impl Told {
    fn outcome(&self) -> &'static str {
        match self.answer.as_ref().map(|answer| answer.status) {
            None => "unknown",
            Some(Some(200..=299)) => "succeeded",
            Some(_) => "failed",
        }
    }
}

impl Outbox {
    /// Writes completions as they come, many at once, until the last attempt has ended.
    pub(super) async fn note_forever(self, mut ended: mpsc::Receiver<Told>) {
        let mut set = Vec::with_capacity(SET);
        while ended.recv_many(&mut set, SET).await > 0 {
            if let Err(error) = self.note_stubbornly(&set).await {
                tracing::error!(error = &error as &dyn std::error::Error, "attempts at endpoints end unknown");
                self.let_go(set.iter().map(|told| told.row.id));
            }
            set.clear();
            self.shared.webhooks.free.notify_one();
        }
    }

    /// Waits for the database as long as it takes; a server that stops tries a few times more.
    async fn note_stubbornly(&self, set: &[Told]) -> store::Result<()> {
        let mut last_tries = LAST_TRIES;
        while let Err(error) = self.note(set).await {
            self.outwait(error, &mut last_tries, "attempts at endpoints").await?;
        }
        Ok(())
    }

    /// Writes down how attempts ended and what follows. Whoever lost a lease writes nothing of it.
    pub(super) async fn note(&self, set: &[Told]) -> store::Result<()> {
        if set.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let mut tx = self.m().store.begin().await?;
        let claimed: Vec<ClaimedDelivery> = set.iter().map(|told| told.row.clone()).collect();
        let mut held: HashSet<OutboxId> = tx.lock_deliveries(&claimed).await?.into_iter().collect();
        if is_sabotaged("ignore_fence") {
            held.extend(claimed.iter().map(|row| row.id));
        }
        let set: Vec<&Told> = set.iter().filter(|told| held.contains(&told.row.id)).collect();
        let ids: BTreeSet<_> = set.iter().map(|told| (told.row.workspace_id, told.delivery.endpoint_id)).collect();
        let endpoints = tx.lock_webhook_endpoints(&ids.into_iter().collect::<Vec<_>>()).await?;
        let mut healths: HashMap<WebhookEndpointId, Health> =
            endpoints.into_iter().map(|row| (row.id, Health { row, disabled: None })).collect();
        let mut changes = Changes::default();
        for told in &set {
            if let Some(health) = healths.get_mut(&told.delivery.endpoint_id) {
                self.change_delivery(&mut changes, told, health, now);
            }
        }
        apply(&mut tx, &changes, now).await?;
        self.note_health(&mut tx, healths.values(), now).await?;
        tx.commit().await?;
        self.let_go(claimed.iter().map(|row| row.id));
        for told in set {
            metrics::counter!("switchboard_webhook_attempts_total", "outcome" => told.outcome()).increment(1);
        }
        for (reason, _) in healths.values().filter_map(|health| health.disabled) {
            metrics::counter!("switchboard_webhook_endpoints_disabled_total", "reason" => reason).increment(1);
        }
        Ok(())
    }

    fn change_delivery(&self, changes: &mut Changes, told: &Told, health: &mut Health, now: Timestamp) {
        let (workspace, delivery) = (told.row.workspace_id, told.row.delivery_id);
        let (outcome, answer) = (told.outcome(), told.answer.as_ref());
        let mut verdict = verdict(answer, told.row.tries, now, self.m().clock.fraction());
        health.count(verdict, outcome, now);
        if !health.row.is_enabled && matches!(verdict, Verdict::Again(_)) {
            verdict = Verdict::GivenUp;
        }
        let status_code = answer.and_then(|answer| answer.status);
        changes.attempts.push(EndedWebhookAttempt {
            workspace,
            delivery,
            outcome,
            status_code,
            answer: answer.and_then(|answer| answer.text.clone()),
        });
        let state = match verdict {
            Verdict::Succeeded => DeliveryState::Succeeded,
            Verdict::Again(_) => DeliveryState::Waiting,
            Verdict::GivenUp | Verdict::Gone => DeliveryState::Failed,
        };
        if let Verdict::Again(due_at) = verdict {
            changes.waiting.push(send_at(told.row.id, due_at));
        } else {
            changes.finished.push(told.row.id);
            changes.moved.push((workspace, delivery, state));
        }
        if let Some(message) = told.delivery.message_id {
            let mut data = json!({ "endpoint_id": told.delivery.endpoint_id, "delivery_id": delivery,
                "type": told.delivery.kind, "outcome": outcome, "state": state });
            if let Some(status_code) = status_code {
                data["status_code"] = json!(status_code);
            }
            changes.history.push(NewHistory { workspace, message, kind: "webhook", at: now, data });
        }
    }

    /// Writes how endpoints stand, and tells the admins of those that are disabled now.
    async fn note_health<'a>(
        &self,
        tx: &mut Tx,
        healths: impl Iterator<Item = &'a Health> + Clone,
        now: Timestamp,
    ) -> store::Result<()> {
        let rows: Vec<WebhookHealth> = healths.clone().map(Health::written).collect();
        tx.note_webhook_health(&rows).await?;
        for health in healths {
            let Some((reason, why)) = health.disabled else { continue };
            let (workspace, target) = (health.row.workspace_id, format!("webhook:{}", health.row.id));
            tx.audit(workspace, "system", "webhook.disabled", &target, json!({ "reason": reason }), now).await?;
            tell_admins(tx, &self.m(), (&health.row, why), now).await?;
        }
        Ok(())
    }

    /// An attempt whose holder is gone may have been made; it is made again, under the same name.
    pub(in super::super) async fn settle_lapsed_deliveries(&self) -> store::Result<usize> {
        self.beat().await?;
        let mut tx = self.m().store.begin().await?;
        let rows = tx.claim_lapsed_deliveries(self.now(), i64::try_from(SET).unwrap_or(i64::MAX)).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let ids: Vec<_> = rows.iter().map(|row| (row.workspace_id, row.delivery_id)).collect();
        let mut deliveries = tx.load_deliveries(&ids).await?;
        tx.commit().await?;
        let told = |row: ClaimedDelivery| {
            let delivery = deliveries.remove(&row.delivery_id)?;
            Some(Told { row, delivery, answer: None, _slot: None })
        };
        let told: Vec<Told> = rows.into_iter().filter_map(told).collect();
        self.note(&told).await?;
        Ok(told.len())
    }

    /// Ends what waits for endpoints that are disabled.
    pub(in super::super) async fn drop_idle_deliveries(&self) -> store::Result<()> {
        let idle = self.m().store.read().await?.list_idle_endpoints(i64::try_from(SET).unwrap_or(i64::MAX)).await?;
        for (workspace, endpoint) in idle {
            let mut has_more = true;
            while has_more {
                let mut tx = self.m().store.begin().await?;
                has_more = tx.drop_deliveries((workspace, endpoint), Phase::Send, DROPPED).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }
}

impl Health {
    /// Counts an attempt that ended so.
    fn count(&mut self, verdict: Verdict, outcome: &str, now: Timestamp) {
        match outcome {
            "succeeded" => self.row.failing_since = None,
            "failed" => {
                self.row.failing_since.get_or_insert(now);
            }
            _ => {}
        }
        let has_failed = self.row.failing_since.is_some_and(|since| has_failed_too_long(since, now));
        let reason = if verdict == Verdict::Gone { Some(GONE) } else { has_failed.then_some(FAILING) };
        if let Some(reason) = reason.filter(|_| self.row.is_enabled) {
            self.row.is_enabled = false;
            self.disabled = Some(reason);
        }
    }

    fn written(&self) -> WebhookHealth {
        WebhookHealth {
            workspace: self.row.workspace_id,
            id: self.row.id,
            failing_since: self.row.failing_since,
            disabled_reason: self.disabled.map(|(reason, _)| reason),
        }
    }
}

async fn apply(tx: &mut Tx, changes: &Changes, now: Timestamp) -> store::Result<()> {
    tx.end_webhook_attempts(&changes.attempts, now).await?;
    tx.move_deliveries(&changes.moved).await?;
    tx.finish_work(&changes.finished).await?;
    tx.reschedule(&changes.waiting).await?;
    tx.add_history(&changes.history).await
}

fn send_at(id: OutboxId, due_at: Timestamp) -> Rescheduled {
    Rescheduled {
        id,
        phase: Phase::Send,
        due_at,
        may_duplicate: false,
        doubt_under_key: false,
        lookups: 0,
        unknown_since: None,
        is_uncounted: false,
        deadline: None,
        provider: None,
        trail: None,
    }
}
