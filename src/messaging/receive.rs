//! Receiving: an inbound message is stored before it is answered, the first time and only then.

use serde_json::json;

use super::accept::{Entry, store_entries};
use super::read::load_composed;
use super::{Messaging, consent};
use crate::domain::{Direction, Draft, Message, MessageId, QuarantineId, Status, Timestamp, WorkspaceId};
use crate::fault::is_sabotaged;
use crate::store::{self, NewHistory, Reach, SeenEvent, Tx};

/// Where an inbound message came in: a namespace of the names the outside gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `messaging_provider_id`
    Sms,
    /// `xillio_id`
    Email,
    /// `MessageSid`
    Twilio,
}

impl Endpoint {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Twilio => "twilio",
        }
    }
}

/// A message from outside.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// Where it came in.
    pub endpoint: Endpoint,
    /// What the outside calls it.
    pub external_id: String,
    /// What it says.
    pub draft: Draft,
    /// The provider that has what its attachments name, and gives it to us alone; absent: they stay as they are.
    pub media_of: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The message it is here.
    pub message: Message,
    /// Whether it was here already.
    pub is_repeat: bool,
}

/// Stores an inbound message; a repeat gives the first one again, and is noted on its timeline when it says otherwise.
pub async fn receive(m: &Messaging, workspace: WorkspaceId, inbound: Inbound) -> store::Result<Received> {
    let now = m.clock.now();
    let mut name = (inbound.endpoint.as_str(), inbound.external_id.as_str());
    let nobodys = m.clock.fraction().to_string();
    if is_sabotaged("dedupe_off") {
        name.1 = &nobodys;
    }
    let fingerprint = fingerprint(m, &inbound.draft);
    let mut tx = m.store.begin().await?;
    if let Some(seen) = tx.find_event(workspace, name).await? {
        return repeat(tx, workspace, &seen, &fingerprint, now).await;
    }
    let id = allocate(&mut tx).await?;
    let new = SeenEvent { message_id: id, fingerprint: fingerprint.to_vec() };
    if let Some(seen) = tx.see_event(workspace, name, &new, now).await? {
        return repeat(tx, workspace, &seen, &fingerprint, now).await;
    }
    let channel = inbound.draft.channel;
    let media_of = inbound.media_of;
    let (message, opted_out) = store_inbound(&mut tx, m, workspace, (id, inbound.draft), now).await?;
    if let Some(provider) = media_of {
        tx.insert_inbound_media((workspace, id), &provider, now).await?;
    }
    tx.commit().await?;
    consent::settle(m, workspace, opted_out).await?;
    metrics::counter!("switchboard_messages_received_total", "channel" => channel.as_str()).increment(1);
    Ok(Received { message, is_repeat: false })
}

pub(super) async fn allocate(tx: &mut Tx) -> store::Result<MessageId> {
    tx.allocate_messages(1).await?.pop().ok_or(store::Error::Corrupt("no id for a new message"))
}

/// Stores what came in and does what it asks for; also gives who gets nothing from now on.
pub(super) async fn store_inbound(
    tx: &mut Tx,
    m: &Messaging,
    workspace: WorkspaceId,
    (id, draft): (MessageId, Draft),
    now: Timestamp,
) -> store::Result<(Message, Option<Reach>)> {
    let segments = draft.segments();
    let entry = Entry {
        id,
        direction: Direction::Inbound,
        draft,
        files: Vec::new(),
        author: None,
        segments,
        status: Status::Received,
        deliver_by: None,
    };
    let stored = store_entries(tx, workspace, std::slice::from_ref(&entry), now).await?.pop();
    let message = stored.ok_or(store::Error::Corrupt("no row for an inbound message"))?;
    let opted_out = consent::obey(tx, m, workspace, (id, &entry.draft), now).await?;
    Ok((message, opted_out))
}

async fn repeat(
    mut tx: Tx,
    workspace: WorkspaceId,
    seen: &SeenEvent,
    fingerprint: &[u8; 32],
    now: Timestamp,
) -> store::Result<Received> {
    let rows = tx.load_messages(workspace, &[seen.message_id]).await?;
    let message = load_composed(&mut tx, workspace, rows).await?.pop();
    let message = message.ok_or(store::Error::Corrupt("an inbound event without its message"))?;
    if seen.fingerprint != fingerprint {
        let note = json!({ "note": "the same id came again with another content; the first is kept" });
        let (kind, message) = ("note", seen.message_id);
        tx.add_history(&[NewHistory { workspace, message, kind, at: now, data: note }]).await?;
        tx.commit().await?;
    }
    Ok(Received { message, is_repeat: true })
}

/// Tells two contents under one name apart.
pub(super) fn fingerprint(m: &Messaging, draft: &Draft) -> [u8; 32] {
    let mut parts: Vec<&[u8]> = vec![draft.channel.as_str().as_bytes(), draft.from.as_str().as_bytes()];
    for address in &draft.to {
        parts.extend([&b"to"[..], address.as_str().as_bytes()]);
    }
    for address in &draft.cc {
        parts.extend([&b"cc"[..], address.as_str().as_bytes()]);
    }
    for attachment in &draft.attachments {
        parts.extend([&b"attachment"[..], attachment.as_bytes()]);
    }
    parts.extend([draft.subject.as_deref().unwrap_or_default().as_bytes(), draft.body.as_bytes()]);
    m.store.vault().fingerprint(&parts)
}

/// Keeps, sealed, what came in and could not be understood.
pub async fn quarantine(
    m: &Messaging,
    workspace: WorkspaceId,
    path: &str,
    reason: &str,
    raw: &[u8],
) -> store::Result<QuarantineId> {
    let mut tx = m.store.begin().await?;
    let id = tx.insert_quarantined(workspace, (path, reason, raw), None, m.clock.now()).await?;
    tx.commit().await?;
    Ok(id)
}
