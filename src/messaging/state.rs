//! What a person may do with a message that is here: call it back, or have it sent once more.

use std::collections::HashMap;

use super::read::load_composed;
use super::status::moved;
use super::{Messaging, SINGLE, Way, default_span};
use crate::domain::{
    Address, AddressId, Caller, ConversationId, Direction, Message, MessageId, Status, Timestamp, WorkspaceId,
};
use crate::store::{self, Bearing, MessageRow, NewHistory, NewWork, Tx, View};

/// Why a message was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is none, or not there.
    #[error("no such message")]
    NoSuchMessage,
    /// It stands where that cannot be done.
    #[error("the message is {}", .0.as_str())]
    NotInState(Status),
    /// Nothing carries its channel any more.
    #[error("no provider carries this message's channel")]
    NoProvider,
    /// Its sender is not its workspace's.
    #[error("the sender of this message is none of this workspace; see [[senders]] in the configuration")]
    NotYourSender,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Calls a message back before a sender has it.
pub async fn cancel(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    message: MessageId,
) -> Result<Message, MoveError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let workspace = caller.workspace;
    let view = tx.view(caller, conversation).await?.ok_or(MoveError::NoSuchMessage)?;
    if message < view.since {
        return Err(MoveError::NoSuchMessage);
    }
    let work = tx.lock_work(workspace, message).await?;
    let mut bearing = lock(&mut tx, workspace, &view, message).await?;
    if !matches!(bearing.status, Status::Scheduled | Status::Queued) {
        return Err(MoveError::NotInState(bearing.status));
    }
    bearing.status = Status::Canceled;
    bearing.status_reason = None;
    bearing.is_final = true;
    tx.finish_work(&work.map(|work| work.id).into_iter().collect::<Vec<_>>()).await?;
    let entry = moved(&bearing, now);
    settle(tx, bearing, entry, now).await
}

/// Has a message sent once more, under a new reference. One that anybody may have got already is marked as a possible
/// duplicate.
pub async fn replay(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    message: MessageId,
) -> Result<Message, MoveError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let workspace = caller.workspace;
    let view = tx.view(caller, conversation).await?.ok_or(MoveError::NoSuchMessage)?;
    if message < view.since {
        return Err(MoveError::NoSuchMessage);
    }
    tx.lock_work(workspace, message).await?;
    let mut bearing = lock(&mut tx, workspace, &view, message).await?;
    if bearing.direction == Direction::Inbound || !bearing.status.is_replayable() {
        return Err(MoveError::NotInState(bearing.status));
    }
    if !may_send(&mut tx, m, workspace, message).await? {
        return Err(MoveError::NotYourSender);
    }
    let way = way_of(&mut tx, m, workspace, message).await?.ok_or(MoveError::NoProvider)?;
    let may_duplicate = bearing.possible_duplicate
        || bearing.status == Status::Unknown
        || tx.may_have_been_taken(workspace, message).await?;
    tx.abandon_attempts(workspace, message, now).await?;
    let deadline = now + default_span(bearing.channel);
    bearing.status = Status::Queued;
    bearing.status_reason = None;
    bearing.is_final = false;
    bearing.possible_duplicate = may_duplicate;
    bearing.generation = m.store.next_generation(bearing.generation);
    bearing.deliver_by = Some(deadline);
    let work = NewWork {
        message,
        conversation: bearing.own_conversation_id,
        provider: way.provider,
        route: way.route,
        lane: SINGLE,
        due_at: now,
        deadline,
        may_duplicate,
    };
    tx.enqueue(workspace, &[work]).await?;
    tx.reset_recipients(workspace, message).await?;
    let mut entry = moved(&bearing, now);
    entry.data["reason"] = "sent once more by hand".into();
    settle(tx, bearing, entry, now).await
}

/// Whether the sender of a message that is stored is its workspace's now; one that cannot be opened says nothing.
async fn may_send(tx: &mut Tx, m: &Messaging, workspace: WorkspaceId, message: MessageId) -> store::Result<bool> {
    let from = tx.load_messages(workspace, &[message]).await?.pop().and_then(|row| row.from_id);
    let addresses = tx.load_addresses(workspace, &from.into_iter().collect::<Vec<_>>()).await?;
    Ok(addresses.values().all(|from| m.rules.routing.may_send(workspace, from)))
}

/// By whom a message that is stored goes now.
async fn way_of(tx: &mut Tx, m: &Messaging, workspace: WorkspaceId, message: MessageId) -> store::Result<Option<Way>> {
    Ok(load_ways(tx, m, workspace, &[message]).await?.remove(&message))
}

/// By whom messages that are stored go now; those that nobody carries, or whose addresses cannot be opened, are not
/// among them.
pub(crate) async fn load_ways(
    tx: &mut Tx,
    m: &Messaging,
    workspace: WorkspaceId,
    messages: &[MessageId],
) -> store::Result<HashMap<MessageId, Way>> {
    let rows = tx.load_messages(workspace, messages).await?;
    let recipients = tx.load_recipients(workspace, messages).await?;
    let wanted: Vec<AddressId> =
        rows.iter().filter_map(|row| row.from_id).chain(recipients.iter().map(|row| row.address_id)).collect();
    let addresses = tx.load_addresses(workspace, &wanted).await?;
    let way = |row: &MessageRow| {
        let of_row = recipients.iter().filter(|recipient| recipient.message_id == row.id);
        let to: Vec<&Address> = of_row.map(|to| addresses.get(&to.address_id)).collect::<Option<_>>()?;
        let from = addresses.get(&row.from_id?)?;
        Some((row.id, m.rules.routing.way(m.store.vault(), row.channel, (from, &to))?))
    };
    Ok(rows.iter().filter_map(way).collect())
}

async fn lock(tx: &mut Tx, workspace: WorkspaceId, view: &View, message: MessageId) -> Result<Bearing, MoveError> {
    let bearing = tx.lock_messages(&[(workspace, message)]).await?.pop().ok_or(MoveError::NoSuchMessage)?;
    let is_there = tx.holds(workspace, view, bearing.place()).await?;
    if is_there { Ok(bearing) } else { Err(MoveError::NoSuchMessage) }
}

/// Writes where a message stands now and what its timeline says of that, and gives it as it is shown.
async fn settle(mut tx: Tx, bearing: Bearing, entry: NewHistory, now: Timestamp) -> Result<Message, MoveError> {
    let (workspace, message) = (bearing.workspace_id, bearing.id);
    tx.add_history(&[entry]).await?;
    tx.move_messages(&[bearing], now).await?;
    let rows = tx.load_messages(workspace, &[message]).await?;
    let shown = load_composed(&mut tx, workspace, rows).await?.pop().ok_or(MoveError::NoSuchMessage)?;
    tx.commit().await?;
    Ok(shown)
}
