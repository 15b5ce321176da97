//! Contract C: texts between two phones under a `uuid` that is one idempotency key over sending and receiving.

use super::receive::{allocate, fingerprint, store_inbound};
use super::send::{accept, keep_answer, only, take_key};
use super::status::{Recorded, StatusReport, record_status};
use super::{Messaging, Once, SINGLE, SendError, Sent, consent};
use crate::domain::{
    Address, Caller, Channel, Direction, Draft, MessageId, Policy, Refusal, Report, Status, Timestamp, WorkspaceId,
};
use crate::store::{self, SeenEvent, Tx};

/// A text under a name of the client's.
#[derive(Debug, Clone)]
pub struct Text {
    /// Who sends.
    pub sender: Address,
    /// Who receives.
    pub receiver: Address,
    /// What.
    pub text: String,
    /// When the client says it was written, or arrived.
    pub timestamp: Timestamp,
    /// The client's name for it.
    pub uuid: String,
}

/// Why a text was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// It is not as it should be.
    #[error("the text is not as it should be")]
    Refused(Refusal),
    /// Its sender has used up this minute.
    #[error("the sender has used up this minute")]
    Limited {
        /// Whole seconds to wait.
        after_seconds: u64,
    },
    /// The uuid stood for another text.
    #[error("this uuid was used for another text")]
    UuidReused,
    /// As for any send.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl From<store::Error> for TextError {
    fn from(error: store::Error) -> Self {
        Self::Send(error.into())
    }
}

const NAMESPACE: &str = "uuid";

impl Text {
    fn draft(self) -> Draft {
        Draft {
            channel: Channel::Sms,
            from: self.sender,
            to: vec![self.receiver],
            cc: Vec::new(),
            reply_to: None,
            subject: None,
            body: self.text,
            attachments: Vec::new(),
            timestamp: Some(self.timestamp),
            scheduled_at: None,
            deliver_by: None,
            policy: Policy::default(),
        }
    }
}

/// Sends a text; a repeat, by its uuid or under its idempotency key, sends nothing.
pub async fn send_text(m: &Messaging, caller: &Caller, text: &Text, once: Option<&Once>) -> Result<(), TextError> {
    while !try_send_text(m, caller, text, once).await? {}
    Ok(())
}

/// False when another request has stored the text meanwhile: the next try finds it.
async fn try_send_text(m: &Messaging, caller: &Caller, text: &Text, once: Option<&Once>) -> Result<bool, TextError> {
    let now = m.clock.now();
    let draft = text.clone().draft();
    let fingerprint = fingerprint(m, &draft);
    let name = (NAMESPACE, text.uuid.as_str());
    let mut tx = m.store.begin().await?;
    if take_key::<()>(&mut tx, caller, once, now).await?.is_some() {
        return Ok(true);
    }
    let seen = tx.find_event(caller.workspace, name).await?;
    if let Some(seen) = &seen {
        same(seen, &fingerprint)?;
    } else {
        let message = accept_text(&mut tx, m, caller, draft, now).await?;
        let seen = SeenEvent { message_id: message, fingerprint: fingerprint.to_vec() };
        if tx.see_event(caller.workspace, name, &seen, now).await?.is_some() {
            return Ok(false);
        }
    }
    keep_answer(&mut tx, caller, once, &()).await?;
    tx.commit().await?;
    if seen.is_none() {
        metrics::counter!("switchboard_messages_accepted_total", "channel" => "sms").increment(1);
    }
    Ok(true)
}

async fn accept_text(
    tx: &mut Tx,
    m: &Messaging,
    caller: &Caller,
    draft: Draft,
    now: Timestamp,
) -> Result<MessageId, TextError> {
    match only(accept(tx, m, caller, (vec![Ok(draft)], SINGLE), now).await?)? {
        Sent::Accepted(message) => Ok(message.id),
        Sent::Refused(refusal) => Err(TextError::Refused(refusal)),
        Sent::Limited { after_seconds } => Err(TextError::Limited { after_seconds }),
    }
}

/// Receives a text; one that was sent from here under the same uuid has arrived.
pub async fn receive_text(m: &Messaging, workspace: WorkspaceId, text: Text) -> Result<(), TextError> {
    let now = m.clock.now();
    let (uuid, at) = (text.uuid.clone(), text.timestamp);
    let draft = text.draft();
    let fingerprint = fingerprint(m, &draft);
    let mut tx = m.store.begin().await?;
    if let Some(seen) = tx.find_event(workspace, (NAMESPACE, &uuid)).await? {
        same(&seen, &fingerprint)?;
        return arrive(m, tx, workspace, &seen, at).await;
    }
    let id = allocate(&mut tx).await?;
    let new = SeenEvent { message_id: id, fingerprint: fingerprint.to_vec() };
    if let Some(seen) = tx.see_event(workspace, (NAMESPACE, &uuid), &new, now).await? {
        same(&seen, &fingerprint)?;
        return arrive(m, tx, workspace, &seen, at).await;
    }
    let (_, opted_out) = store_inbound(&mut tx, m, workspace, (id, draft), now).await?;
    tx.commit().await?;
    consent::settle(m, workspace, opted_out).await?;
    metrics::counter!("switchboard_messages_received_total", "channel" => "sms").increment(1);
    Ok(())
}

fn same(seen: &SeenEvent, fingerprint: &[u8; 32]) -> Result<(), TextError> {
    if seen.fingerprint == fingerprint { Ok(()) } else { Err(TextError::UuidReused) }
}

/// Marks a text of ours as delivered; one that came in is here already.
async fn arrive(
    m: &Messaging,
    mut tx: Tx,
    workspace: WorkspaceId,
    seen: &SeenEvent,
    at: Timestamp,
) -> Result<(), TextError> {
    let row = tx.load_messages(workspace, &[seen.message_id]).await?.pop();
    drop(tx);
    let Some(row) = row.filter(|row| row.direction == Direction::Outbound) else { return Ok(()) };
    let report = StatusReport {
        provider: None,
        reference: Some(m.store.reference(row.id, row.generation)),
        provider_id: None,
        report: Report { status: Status::Delivered, at, reason: None },
        is_dated: true,
        recipient: None,
        opt_out: None,
        event_id: None,
    };
    match record_status(m, report).await? {
        Recorded::Applied | Recorded::Repeated => Ok(()),
        Recorded::Unmatched => Err(store::Error::Corrupt("a text without its message").into()),
    }
}
