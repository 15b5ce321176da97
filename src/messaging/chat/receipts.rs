//! What has reached whom: fetched by their client, and read.

use std::collections::BTreeMap;

use serde_json::json;

use crate::domain::{Caller, ConversationId, ConversationKind, EventKind, MessageId, Timestamp, UserId};
use crate::messaging::Messaging;
use crate::store::{self, NewEvent};

/// Why nothing was marked.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// The conversation does not exist, or is not the caller's to see.
    #[error("no such conversation")]
    NoSuchConversation,
    /// The caller sees it and takes no part in it: there is nobody for whom it could be read.
    #[error("the caller is no member")]
    NotAMember,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Notes that the caller's client has fetched messages, in a unit of work of its own behind the reading: what goes
/// wrong here spoils no answer, and is made up for by the next one.
pub(in crate::messaging) async fn note_delivered(m: &Messaging, caller: &Caller, messages: &[MessageId]) {
    let Some(user) = caller.user().filter(|_| !messages.is_empty()) else { return };
    if let Err(error) = deliver(m, caller, user, messages).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "that messages were fetched is not noted");
    }
}

async fn deliver(m: &Messaging, caller: &Caller, user: UserId, messages: &[MessageId]) -> store::Result<()> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let delivered = tx.deliver(caller.workspace, user, messages, now).await?;
    let mut by_conversation: BTreeMap<ConversationId, Vec<MessageId>> = BTreeMap::new();
    for (conversation, message) in delivered {
        by_conversation.entry(conversation).or_default().push(message);
    }
    for (conversation, messages) in by_conversation {
        let event = NewEvent::of_conversation(caller.workspace, EventKind::MessageDelivered, conversation, now);
        tx.record(event.with(json!({ "user_id": user, "message_ids": messages })));
    }
    tx.commit().await
}

/// Notes that the caller has read a conversation up to a message; one of numbers is read for everybody who answers
/// there.
///
/// # Errors
///
/// See [`MarkError`].
pub async fn mark_read(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    last: MessageId,
) -> Result<(), MarkError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let view = tx.lock_view(caller, conversation).await?.ok_or(MarkError::NoSuchConversation)?;
    let event = NewEvent::of_conversation(caller.workspace, EventKind::MessageRead, view.id, now);
    if view.kind == ConversationKind::Numbers {
        if tx.read_numbers(caller.workspace, view.id, last).await? {
            tx.record(event.with(json!({ "last_message_id": last })));
        }
    } else {
        let user = caller.user().filter(|_| view.is_member).ok_or(MarkError::NotAMember)?;
        let read = read_own(&mut tx, caller, (conversation, user), last, now).await?;
        if !read.is_empty() {
            tx.record(event.with(json!({ "user_id": user, "last_message_id": last, "message_ids": read })));
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Nobody reads further than the conversation goes.
async fn read_own(
    tx: &mut store::Tx,
    caller: &Caller,
    place: (ConversationId, UserId),
    last: MessageId,
    now: Timestamp,
) -> store::Result<Vec<MessageId>> {
    let end = tx.find_last_message(caller.workspace, place.0).await?.map_or(MessageId(0), |row| row.id);
    tx.read_up_to(caller.workspace, place, last.min(end), now).await
}
