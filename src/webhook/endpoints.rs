//! What admins do with endpoints: make them, change them, try them, and have them told again.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::derive::new_name;
use crate::clock::Clock;
use crate::domain::{
    Caller, DeliveryState, Timestamp, WebhookDeliveryId, WebhookEndpointId, WebhookEvent, WorkspaceId,
};
use crate::egress::{Egress, EgressError};
use crate::messaging::Messaging;
use crate::signature;
use crate::store::{
    self, NewWebhookDelivery, Page, PageRequest, Phase, Tx, WebhookAttemptRow, WebhookDeliveryRow,
    WebhookEndpointChange, WebhookEndpointRow, WebhookTarget,
};

/// Deliveries that go in one unit of work.
const SET: i64 = 1_000;
/// Endpoints of one workspace at most.
const MOST_ENDPOINTS: i64 = 50;
/// Deliveries that are replayed at once, at most.
const MOST_REPLAYED: usize = 10_000;
/// How long a secret is still signed with after another took its place.
const OVERLAP: Duration = Duration::from_hours(24);

/// Why something was not done with an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// There is none.
    #[error("there is no such endpoint")]
    NoSuchEndpoint,
    /// It never got such a delivery, or not any more.
    #[error("there is no such delivery")]
    NoSuchDelivery,
    /// The delivery is still tried by itself.
    #[error("the delivery is still on its way")]
    StillWaiting,
    /// It is not told of anything.
    #[error("the endpoint is disabled")]
    Disabled,
    /// The workspace has as many as it may.
    #[error("a workspace has at most {MOST_ENDPOINTS} endpoints")]
    TooManyEndpoints,
    /// The span holds more than are replayed at once.
    #[error("more than {MOST_REPLAYED} deliveries are in that span")]
    TooManyDeliveries,
    /// Its URL is not gone to.
    #[error(transparent)]
    Url(#[from] EgressError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What somebody wants of an endpoint; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct EndpointWish {
    /// Where it is told.
    pub url: Option<String>,
    /// What it wants to be told.
    pub events: Option<Vec<WebhookEvent>>,
    /// Whether it is told.
    pub is_enabled: Option<bool>,
}

/// A delivery with everything that was tried.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The delivery.
    pub row: WebhookDeliveryRow,
    /// Its attempts, in order.
    pub attempts: Vec<WebhookAttemptRow>,
}

/// Makes an endpoint; its secret is in what this gives, and shown to nobody afterwards.
pub async fn create_endpoint(
    m: &Messaging,
    egress: &Egress,
    caller: Caller,
    wish: EndpointWish,
) -> Result<WebhookEndpointRow, EndpointError> {
    let (now, workspace) = (m.clock.now(), caller.workspace);
    let url = egress.read_url(&wish.url.unwrap_or_default())?;
    let target = WebhookTarget { url: url.to_string(), secret: new_secret(&m.clock), previous: None };
    let (events, is_enabled) = (wish.events.unwrap_or_default(), wish.is_enabled.unwrap_or(true));
    let mut tx = m.store.begin().await?;
    tx.lock_workspace(workspace).await?;
    if tx.count_webhook_endpoints(workspace).await? >= MOST_ENDPOINTS {
        return Err(EndpointError::TooManyEndpoints);
    }
    let row = tx.insert_webhook_endpoint(workspace, (&target, &events, is_enabled), now).await?;
    note(&mut tx, caller, "webhook.created", (row.id, json!({ "events": events })), now).await?;
    tx.commit().await?;
    Ok(row)
}

/// Every endpoint of a workspace, the oldest first.
pub async fn list_endpoints(m: &Messaging, workspace: WorkspaceId) -> store::Result<Vec<WebhookEndpointRow>> {
    m.store.read().await?.list_webhook_endpoints(workspace).await
}

/// One endpoint.
pub async fn find_endpoint(
    m: &Messaging,
    workspace: WorkspaceId,
    id: WebhookEndpointId,
) -> Result<WebhookEndpointRow, EndpointError> {
    find(&mut m.store.read().await?, workspace, id).await
}

/// Changes an endpoint. One that is enabled is told of what happens from then on.
pub async fn change_endpoint(
    m: &Messaging,
    egress: &Egress,
    (caller, id): (Caller, WebhookEndpointId),
    wish: EndpointWish,
) -> Result<WebhookEndpointRow, EndpointError> {
    let now = m.clock.now();
    let url = wish.url.as_deref().map(|url| egress.read_url(url)).transpose()?;
    let mut tx = m.store.begin().await?;
    let row = lock(&mut tx, caller.workspace, id).await?;
    let mut changed = serde_json::Map::new();
    changed.extend(url.as_ref().map(|_| ("url".to_owned(), json!("changed"))));
    changed.extend(wish.events.as_ref().map(|events| ("events".to_owned(), json!(events))));
    changed.extend(wish.is_enabled.map(|is_enabled| ("enabled".to_owned(), json!(is_enabled))));
    let is_moved = url.is_some();
    let target = url.map(|url| WebhookTarget { url: url.to_string(), ..row.target });
    let change = WebhookEndpointChange { target, events: wish.events, is_enabled: wish.is_enabled, is_moved };
    let row = tx.change_webhook_endpoint(caller.workspace, id, &change, now).await?;
    let row = row.ok_or(EndpointError::NoSuchEndpoint)?;
    note(&mut tx, caller, "webhook.changed", (id, Value::Object(changed)), now).await?;
    tx.commit().await?;
    Ok(row)
}

/// Gives an endpoint another secret, once; for a day what it is told is signed with the one before as well.
pub async fn rotate_secret(
    m: &Messaging,
    caller: Caller,
    id: WebhookEndpointId,
) -> Result<WebhookEndpointRow, EndpointError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let row = lock(&mut tx, caller.workspace, id).await?;
    let previous = Some((row.target.secret, now + OVERLAP));
    let target = WebhookTarget { url: row.target.url, secret: new_secret(&m.clock), previous };
    let change = WebhookEndpointChange { target: Some(target), ..WebhookEndpointChange::default() };
    let row = tx.change_webhook_endpoint(caller.workspace, id, &change, now).await?;
    let row = row.ok_or(EndpointError::NoSuchEndpoint)?;
    note(&mut tx, caller, "webhook.rotated", (id, json!({})), now).await?;
    tx.commit().await?;
    Ok(row)
}

fn new_secret(clock: &Clock) -> String {
    format!("{}{}", signature::PREFIX, STANDARD.encode(clock.bytes::<32>()))
}

/// Lets an endpoint go, with everything it was told: it is told nothing more at once, and its rows go in sets.
pub async fn delete_endpoint(m: &Messaging, caller: Caller, id: WebhookEndpointId) -> Result<(), EndpointError> {
    let place = (caller.workspace, id);
    let mut tx = m.store.begin().await?;
    lock(&mut tx, caller.workspace, id).await?;
    let silenced = WebhookEndpointChange { is_enabled: Some(false), ..WebhookEndpointChange::default() };
    tx.change_webhook_endpoint(caller.workspace, id, &silenced, m.clock.now()).await?;
    tx.commit().await?;
    let mut has_more = true;
    while has_more {
        let mut tx = m.store.begin().await?;
        has_more = tx.drop_deliveries(place, Phase::Sending, SET).await?;
        has_more |= tx.delete_deliveries(place, SET).await?;
        tx.commit().await?;
    }
    let mut tx = m.store.begin().await?;
    tx.drop_deliveries(place, Phase::Sending, SET).await?;
    if !tx.delete_webhook_endpoint(caller.workspace, id).await? {
        return Err(EndpointError::NoSuchEndpoint);
    }
    note(&mut tx, caller, "webhook.deleted", (id, json!({})), m.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// What an endpoint was told and will be, newest first.
pub async fn list_deliveries(
    m: &Messaging,
    workspace: WorkspaceId,
    id: WebhookEndpointId,
    page: PageRequest,
) -> Result<Page<Delivery>, EndpointError> {
    let mut tx = m.store.read().await?;
    find(&mut tx, workspace, id).await?;
    let page = tx.list_webhook_deliveries(workspace, id, page).await?;
    let ids: Vec<WebhookDeliveryId> = page.data.iter().map(|row| row.id).collect();
    let mut attempts: HashMap<WebhookDeliveryId, Vec<WebhookAttemptRow>> = HashMap::new();
    for attempt in tx.list_webhook_attempts(workspace, &ids).await? {
        attempts.entry(attempt.delivery_id).or_default().push(attempt);
    }
    Ok(page.map(|row| Delivery { attempts: attempts.remove(&row.id).unwrap_or_default(), row }))
}

/// Tells an endpoint that nothing happened, to see whether it answers.
pub async fn ping(m: &Messaging, caller: Caller, id: WebhookEndpointId) -> Result<WebhookDeliveryId, EndpointError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    enabled(&mut tx, caller.workspace, id).await?;
    let delivery = NewWebhookDelivery {
        workspace: caller.workspace,
        endpoint: id,
        event: None,
        name: new_name(&m.clock),
        kind: WebhookEvent::Ping,
        conversation: None,
        message: None,
        consent: None,
        at: now,
    };
    let stored = tx.insert_webhook_deliveries(&[delivery], now).await?;
    let (_, delivery) = stored.first().copied().ok_or(store::Error::Corrupt("no row for a new delivery"))?;
    note(&mut tx, caller, "webhook.tested", (id, json!({ "delivery": delivery })), now).await?;
    tx.commit().await?;
    Ok(delivery)
}

/// Tells an endpoint of one event again.
pub async fn replay(
    m: &Messaging,
    caller: Caller,
    (id, delivery): (WebhookEndpointId, WebhookDeliveryId),
) -> Result<(), EndpointError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    enabled(&mut tx, caller.workspace, id).await?;
    match tx.find_delivery_state((caller.workspace, id), delivery).await? {
        None => return Err(EndpointError::NoSuchDelivery),
        Some(DeliveryState::Waiting) => return Err(EndpointError::StillWaiting),
        Some(DeliveryState::Succeeded | DeliveryState::Failed) => {}
    }
    queue_again(&mut tx, &[(caller.workspace, delivery)], now).await?;
    note(&mut tx, caller, "webhook.replayed", (id, json!({ "delivery": delivery })), now).await?;
    tx.commit().await?;
    Ok(())
}

/// Tells an endpoint again of every event of a span, the end excluded; gives how many. What is still on its way stays
/// as it is.
pub async fn replay_span(
    m: &Messaging,
    caller: Caller,
    id: WebhookEndpointId,
    (from, to): (Timestamp, Timestamp),
) -> Result<u64, EndpointError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    enabled(&mut tx, caller.workspace, id).await?;
    let limit = i64::try_from(MOST_REPLAYED).unwrap_or(i64::MAX).saturating_add(1);
    let found = tx.list_replayable((caller.workspace, id), (from, to), limit).await?;
    if found.len() > MOST_REPLAYED {
        return Err(EndpointError::TooManyDeliveries);
    }
    let queued = queue_again(&mut tx, &found, now).await?;
    let data = json!({ "from": from, "to": to, "count": queued });
    note(&mut tx, caller, "webhook.replayed", (id, data), now).await?;
    tx.commit().await?;
    Ok(queued)
}

async fn queue_again(
    tx: &mut Tx,
    deliveries: &[(WorkspaceId, WebhookDeliveryId)],
    now: Timestamp,
) -> store::Result<u64> {
    let waiting: Vec<_> = deliveries.iter().map(|(workspace, id)| (*workspace, *id, DeliveryState::Waiting)).collect();
    tx.move_deliveries(&waiting).await?;
    tx.enqueue_deliveries(deliveries, now).await
}

async fn find(tx: &mut Tx, workspace: WorkspaceId, id: WebhookEndpointId) -> Result<WebhookEndpointRow, EndpointError> {
    tx.find_webhook_endpoint(workspace, id).await?.ok_or(EndpointError::NoSuchEndpoint)
}

async fn lock(tx: &mut Tx, workspace: WorkspaceId, id: WebhookEndpointId) -> Result<WebhookEndpointRow, EndpointError> {
    tx.lock_webhook_endpoints(&[(workspace, id)]).await?.pop().ok_or(EndpointError::NoSuchEndpoint)
}

async fn enabled(tx: &mut Tx, workspace: WorkspaceId, id: WebhookEndpointId) -> Result<(), EndpointError> {
    if find(tx, workspace, id).await?.is_enabled { Ok(()) } else { Err(EndpointError::Disabled) }
}

async fn note(
    tx: &mut Tx,
    caller: Caller,
    action: &str,
    (id, data): (WebhookEndpointId, Value),
    now: Timestamp,
) -> store::Result<()> {
    tx.audit(caller.workspace, &caller.who.to_string(), action, &format!("webhook:{id}"), data, now).await
}
