//! Receiving: an inbound message is stored before it is answered, the first time and only then.

use serde_json::json;

use super::accept::{Entry, store_entries};
use super::mails::{MailFacts, find_thread};
use super::read::load_composed;
use super::{Messaging, UploadError, consent};
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
    /// The `Message-ID` of a mail, or what stands for it
    Mail,
}

impl Endpoint {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Twilio => "twilio",
            Self::Mail => "mail",
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
    /// What is known of it besides, when it came as a mail server has it.
    pub mail: Option<Box<MailFacts>>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The message it is here.
    pub message: Message,
    /// Whether it was here already.
    pub is_repeat: bool,
}

/// Why an inbound message was not stored.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// Nobody whom it is for is a sender of any workspace.
    #[error("it is for no sender of any workspace")]
    BelongsNowhere,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What it carries could not be kept.
    #[error(transparent)]
    Keep(#[from] UploadError),
}

/// Stores an inbound message in the workspace of whom it is for; where there are no senders, in the one that it came to.
/// A repeat gives the first one again, and is noted on its timeline when it says otherwise.
///
/// # Errors
///
/// See [`ReceiveError`]. What belongs nowhere is for the quarantine: nothing of it was stored.
pub async fn receive(m: &Messaging, came_to: WorkspaceId, inbound: Inbound) -> Result<Received, ReceiveError> {
    let workspace = home(m, came_to, &inbound.draft)?;
    Ok(receive_into(m, workspace, inbound).await?)
}

/// The workspace that a message from outside is for.
fn home(m: &Messaging, came_to: WorkspaceId, draft: &Draft) -> Result<WorkspaceId, ReceiveError> {
    m.rules.routing.home_of(came_to, draft.recipients()).ok_or(ReceiveError::BelongsNowhere)
}

pub(super) async fn receive_into(m: &Messaging, workspace: WorkspaceId, inbound: Inbound) -> store::Result<Received> {
    let now = m.clock.now();
    let mut name = (inbound.endpoint.as_str(), inbound.external_id.as_str());
    let nobodys = m.clock.fraction().to_string();
    if is_sabotaged("dedupe_off") {
        name.1 = &nobodys;
    }
    let fingerprint = match &inbound.mail {
        // its content is in its name
        Some(_) => m.store.vault().fingerprint(&[inbound.external_id.as_bytes()]),
        None => fingerprint(m, &inbound.draft),
    };
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
    let content = (id, inbound.draft, inbound.mail.as_deref());
    let (message, opted_out) = store_inbound(&mut tx, m, workspace, content, now).await?;
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
    (id, draft, mail): (MessageId, Draft, Option<&MailFacts>),
    now: Timestamp,
) -> store::Result<(Message, Option<Reach>)> {
    let segments = draft.segments();
    let thread = match mail {
        Some(mail) => find_thread(tx, m, workspace, (&draft, mail)).await?,
        None => None,
    };
    let entry = Entry {
        id,
        direction: Direction::Inbound,
        draft,
        files: mail.map(MailFacts::files).unwrap_or_default(),
        content_ids: mail.map(MailFacts::content_ids).unwrap_or_default(),
        conversation: thread.map(|thread| thread.conversation),
        author: None,
        segments,
        status: Status::Received,
        deliver_by: None,
        ride: None,
    };
    let (mut stored, _) = store_entries(tx, workspace, std::slice::from_ref(&entry), now).await?;
    let message = stored.pop().ok_or(store::Error::Corrupt("no row for an inbound message"))?;
    if let Some(mail) = mail {
        mail.note(tx, (workspace, id), thread, now).await?;
    }
    let opted_out = consent::obey(tx, m, workspace, (&message, &entry.draft, mail), now).await?;
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
