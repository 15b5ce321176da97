//! Telling customers' endpoints: deliveries are made of the log, leased, written down as attempts in one commit, and
//! then sent, each endpoint apart from the others and from all messages.

mod note;
mod slots;
mod verdict;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::note::Told;
use self::slots::{Slot, Slots};
use super::{Outbox, SET, lease};
use crate::domain::{Timestamp, WebhookEndpointId, WorkspaceId};
use crate::fault::point;
use crate::store::{self, ClaimedDelivery, DeliveryClaim, WebhookDeliveryRow, WebhookTarget};
use crate::webhook::{Answer, Sender, derive_step, load_payloads};

/// How long events are gathered: many commits in a row are one round.
const GATHER: Duration = Duration::from_millis(20);
/// Endpoints of one round.
const ENDPOINTS: i64 = 500;

/// What tells endpoints.
#[derive(Debug)]
pub(super) struct Webhooks {
    sender: Sender,
    slots: Slots,
    /// A slot has become free.
    free: Notify,
}

/// An attempt that is written down and about to be made.
struct Telling {
    row: ClaimedDelivery,
    delivery: WebhookDeliveryRow,
    target: WebhookTarget,
    /// Absent: what it tells of is gone.
    body: Option<Vec<u8>>,
    slot: Slot,
}

impl Webhooks {
    pub(super) fn new(sender: Sender) -> Self {
        Self { sender, slots: Slots::default(), free: Notify::new() }
    }
}

impl Outbox {
    /// Tells endpoints until it is told to stop, and ends what is in flight then.
    pub(super) async fn tell_forever(&self, stop: CancellationToken) {
        note::show_outcomes();
        let (ended, completions) = mpsc::channel(SET * 2);
        let noting = tokio::spawn(self.clone().note_forever(completions));
        let tasks = TaskTracker::new();
        let store = self.m().store;
        while !stop.is_cancelled() {
            if let Err(error) = self.tell_round(&tasks, &ended).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "endpoints are not told for now");
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = store.news() => {}
                () = self.shared.webhooks.free.notified() => {}
                () = self.due(|pulse| pulse.has_deliveries) => {}
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(GATHER) => {}
            }
        }
        tasks.close();
        tasks.wait().await;
        drop(ended);
        let _ = noting.await;
    }

    async fn tell_round(&self, tasks: &TaskTracker, ended: &mpsc::Sender<Told>) -> store::Result<()> {
        while derive_step(&self.m()).await? {}
        for telling in self.begin_tellings().await? {
            let (outbox, ended) = (self.clone(), ended.clone());
            tasks.spawn(async move {
                let told = outbox.tell(telling).await;
                let _ = ended.send(told).await;
            });
        }
        Ok(())
    }

    /// Makes every attempt that may begin now; gives how many.
    pub(super) async fn tell_due(&self) -> store::Result<usize> {
        while derive_step(&self.m()).await? {}
        let tellings = self.begin_tellings().await?;
        let told = join_all(tellings.into_iter().map(|telling| self.tell(telling))).await;
        self.note(&told).await?;
        Ok(told.len())
    }

    /// Claims what is due at each endpoint, as far as there is room for it.
    async fn begin_tellings(&self) -> store::Result<Vec<Telling>> {
        let now = self.now();
        let due = self.m().store.read().await?.list_due_endpoints(now, ENDPOINTS).await?;
        let mut tellings = Vec::new();
        for (workspace, endpoint, failing_since) in due {
            let slots = self.shared.webhooks.slots.take((workspace, endpoint), failing_since.is_some());
            if slots.is_empty() {
                continue;
            }
            match self.begin_at((workspace, endpoint), slots, now).await {
                Ok(begun) => tellings.extend(begun),
                Err(error) if tellings.is_empty() => return Err(error),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "some endpoints are not told for now");
                    break;
                }
            }
        }
        Ok(tellings)
    }

    async fn begin_at(
        &self,
        (workspace, endpoint): (WorkspaceId, WebhookEndpointId),
        slots: Vec<Slot>,
        now: Timestamp,
    ) -> store::Result<Vec<Telling>> {
        let limit = i64::try_from(slots.len()).unwrap_or(i64::MAX);
        let mut tx = self.m().store.begin().await?;
        let rows = tx.claim_deliveries(DeliveryClaim { endpoint, limit, now, until: now + lease() }).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let Some(stored) = tx.find_webhook_endpoint(workspace, endpoint).await? else { return Ok(Vec::new()) };
        let ids: Vec<_> = rows.iter().map(|row| (row.workspace_id, row.delivery_id)).collect();
        point("before_webhook_attempt_row");
        tx.begin_webhook_attempts(&ids, now).await?;
        let mut deliveries = tx.load_deliveries(&ids).await?;
        tx.commit().await?;
        point("after_webhook_attempt_row");
        let wanted: Vec<WebhookDeliveryRow> = deliveries.values().cloned().collect();
        let mut payloads = load_payloads(&mut self.m().store.read().await?, &wanted).await?;
        // Not before: what fails here lapses, and is tried again.
        self.hold(rows.iter().map(|row| (row.id, row.fence)));
        let begin = |(row, slot): (ClaimedDelivery, Slot)| {
            let delivery = deliveries.remove(&row.delivery_id)?;
            let body = payloads.remove(&row.delivery_id);
            Some(Telling { row, delivery, target: stored.target.clone(), body, slot })
        };
        Ok(rows.into_iter().zip(slots).filter_map(begin).collect())
    }

    /// Makes one attempt. A server that stops does not wait for it for ever.
    async fn tell(&self, telling: Telling) -> Told {
        let Telling { row, delivery, target, body, slot } = telling;
        let sending = async {
            match body {
                Some(body) => self.shared.webhooks.sender.post(&target, &delivery.name, body).await,
                None => Answer { status: None, after: None, text: Some("what it tells of is gone".to_owned()) },
            }
        };
        let answer = tokio::select! {
            answer = AssertUnwindSafe(sending).catch_unwind() => answer.ok(),
            () = self.shared.grace.cancelled() => None,
        };
        point("after_webhook_reply");
        Told { row, delivery, answer, _slot: Some(slot) }
    }
}
