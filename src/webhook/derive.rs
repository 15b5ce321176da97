//! From the log of events to deliveries: each endpoint reads it in order, from a place of its own.

use serde_json::Value;

use crate::clock::Clock;
use crate::domain::{ConsentId, Event, EventId, Status, WebhookEvent};
use crate::fault::{is_sabotaged, point};
use crate::messaging::Messaging;
use crate::store::{self, NewWebhookDelivery, WebhookReader};

/// Endpoints that are looked at in one step, and events that are read.
const READERS: i64 = 100;
const STEP: i64 = 200;

/// Makes deliveries of the next events of the workspace whose endpoints are furthest behind; false when none is.
///
/// Several processes may do it at once: an endpoint is moved on by one of them only, and in the commit of its
/// deliveries.
///
/// # Errors
///
/// When the database fails; nothing has moved then.
pub async fn derive_step(m: &Messaging) -> store::Result<bool> {
    let mut tx = m.store.read().await?;
    let to = tx.horizon().await?;
    let mut readers = tx.list_webhook_readers(to, READERS).await?;
    let Some((workspace, from)) = readers.first().map(|reader| (reader.workspace_id, EventId(reader.position))) else {
        return Ok(false);
    };
    let events = tx.list_events_of(workspace, (from, to), STEP).await?;
    drop(tx);
    let Some(last) = events.last().map(|event| event.id.0) else { return Ok(false) };
    readers.retain(|reader| reader.workspace_id == workspace && reader.position < last);
    let mut deliveries = deliveries(&readers, &events, &m.clock);
    let mut tx = m.store.begin().await?;
    let moved = tx.move_webhook_readers(&readers, last).await?;
    deliveries.retain(|delivery| moved.contains(&delivery.endpoint));
    if is_sabotaged("readers_move_first") {
        tx.commit().await?;
        tx = m.store.begin().await?;
    }
    point("before_deliveries");
    tx.insert_webhook_deliveries(&deliveries, m.clock.now()).await?;
    tx.commit().await?;
    point("after_deliveries");
    Ok(true)
}

/// What each reader wants of the events it has not read.
fn deliveries(readers: &[WebhookReader], events: &[Event], clock: &Clock) -> Vec<NewWebhookDelivery> {
    let mut deliveries = Vec::new();
    for event in events {
        let Some(kind) = WebhookEvent::of(event.kind, status_of(event)) else { continue };
        let name = new_name(clock);
        let wants = |reader: &&WebhookReader| reader.position < event.id.0 && reader.events.contains(&kind);
        deliveries.extend(readers.iter().filter(wants).map(|reader| NewWebhookDelivery {
            workspace: event.workspace_id,
            endpoint: reader.id,
            event: Some(event.id),
            name: name.clone(),
            kind,
            conversation: event.conversation_id,
            message: event.message_id,
            consent: consent_of(event),
            at: event.at,
        }));
    }
    deliveries
}

fn status_of(event: &Event) -> Option<Status> {
    event.data.get("status").and_then(|status| status.as_str()).and_then(Status::named)
}

fn consent_of(event: &Event) -> Option<ConsentId> {
    event.data.get("consent_id").and_then(Value::as_i64).map(ConsentId)
}

/// What endpoints know an event by: nobody's else, in a restored database neither.
pub(super) fn new_name(clock: &Clock) -> String {
    format!("evt_{}", hex::encode(clock.bytes::<16>()))
}
