//! What becomes of a chat's message after it was said: its author changes it or takes it back, everybody reacts.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::domain::{
    Caller, ChatDraft, ConversationId, ConversationKind, EventKind, Message, MessageId, Refusal, Timestamp, UserId,
};
use crate::messaging::Messaging;
use crate::store::{self, MessageRow, NewEvent, Tx};

use super::show::show_one;
use super::write::welcome;

/// For how long an author may change what they said.
const EDITED_WITHIN: Duration = Duration::from_mins(15);
/// How many times. What they said before is shown as a whole.
const MAX_EDITS: i64 = 50;
/// Different emojis on one message.
const MAX_EMOJIS: usize = 20;

/// Why a message stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is none, or not there, or it is not the caller's to see.
    #[error("no such message")]
    NoSuchMessage,
    /// It is no message of a chat.
    #[error("the message is not one of a chat")]
    NotAChat,
    /// Only its author may.
    #[error("only the author may do that")]
    NotTheAuthor,
    /// It was said too long ago.
    #[error("the time for changing it is over")]
    TooLate,
    /// It was changed as often as a message may be.
    #[error("a message is changed at most {MAX_EDITS} times")]
    TooManyEdits,
    /// It was taken back.
    #[error("the message was taken back")]
    Deleted,
    /// Strangers may not write, or one of the two has blocked the other: nobody is told which.
    #[error("strangers may not write")]
    MayNotWrite,
    /// It has as many different emojis as a message may have.
    #[error("a message has at most {MAX_EMOJIS} different reactions")]
    TooManyReactions,
    /// It would not be as it should be.
    #[error("the message would not be as it should be")]
    Refused(Refusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What a message said before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Edit {
    /// The text.
    pub body: String,
    /// Until when it said so.
    pub replaced_at: Timestamp,
}

/// Which message of which conversation.
type Place = (ConversationId, MessageId);

/// A message that the caller may do something to, under its conversation's lock.
async fn lock(tx: &mut Tx, caller: &Caller, (conversation, message): Place) -> Result<MessageRow, ChangeError> {
    let is_chat = tx.lock_chat(caller.workspace, conversation).await?.is_some();
    let view = tx.view(caller, conversation).await?.ok_or(ChangeError::NoSuchMessage)?;
    let found = tx.find_message(caller.workspace, &view, message).await?;
    let row = found.ok_or(ChangeError::NoSuchMessage)?;
    if !is_chat || view.kind == ConversationKind::Numbers {
        return Err(ChangeError::NotAChat);
    }
    if view.is_member { Ok(row) } else { Err(ChangeError::NoSuchMessage) }
}

/// In a conversation of two, whoever may not write to the other changes nothing there either.
async fn check_welcome(tx: &mut Tx, caller: &Caller, me: UserId, id: ConversationId) -> Result<(), ChangeError> {
    let pair = tx.find_pair(caller.workspace, id).await?;
    let Some(other) = pair.into_iter().find(|user| *user != me) else { return Ok(()) };
    welcome(tx, caller.workspace, [me, other], true).await?.map(drop).ok_or(ChangeError::MayNotWrite)
}

async fn finish(mut tx: Tx, caller: &Caller, message: MessageId) -> Result<Message, ChangeError> {
    let row = tx.load_messages(caller.workspace, &[message]).await?.pop().ok_or(ChangeError::NoSuchMessage)?;
    let shown = show_one(&mut tx, caller, row).await?.messages.pop();
    tx.commit().await?;
    shown.ok_or(ChangeError::NoSuchMessage)
}

fn event(caller: &Caller, kind: EventKind, (conversation, message): Place, now: Timestamp) -> NewEvent {
    NewEvent::of_conversation(caller.workspace, kind, conversation, now).about(message)
}

/// Lets the author say it otherwise, soon after; what was said before is kept.
///
/// # Errors
///
/// See [`ChangeError`].
pub async fn edit(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    place: Place,
    body: &str,
) -> Result<Message, ChangeError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let row = lock(&mut tx, caller, place).await?;
    if row.author_id != Some(me) {
        return Err(ChangeError::NotTheAuthor);
    }
    if row.deleted_at.is_some() {
        return Err(ChangeError::Deleted);
    }
    if now.since(row.created_at) > EDITED_WITHIN {
        return Err(ChangeError::TooLate);
    }
    check_welcome(&mut tx, caller, me, place.0).await?;
    let attachments = tx.load_content(caller.workspace, &[place.1]).await?.attachments;
    let attachments = attachments.into_iter().map(|row| row.url).collect();
    ChatDraft { body: body.to_owned(), attachments }.check(&m.rules.limits).map_err(ChangeError::Refused)?;
    if row.body != body {
        if tx.count_edits(caller.workspace, place.1).await? >= MAX_EDITS {
            return Err(ChangeError::TooManyEdits);
        }
        tx.edit_message(caller.workspace, place.1, body, now).await?;
        tx.record(event(caller, EventKind::MessageEdited, place, now));
    }
    finish(tx, caller, place.1).await
}

/// Takes a message back for everybody: that it was there stays, what it said does not. Once more does nothing.
///
/// # Errors
///
/// See [`ChangeError`].
pub async fn take_back(m: &Messaging, (caller, me): (&Caller, UserId), place: Place) -> Result<(), ChangeError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let row = lock(&mut tx, caller, place).await?;
    if row.author_id != Some(me) {
        return Err(ChangeError::NotTheAuthor);
    }
    if row.deleted_at.is_none() {
        tx.uncount_unread(caller.workspace, place).await?;
        tx.empty_message(caller.workspace, place.1, now).await?;
        tx.record(event(caller, EventKind::MessageDeleted, place, now));
    }
    tx.commit().await?;
    Ok(())
}

/// What a message said before, the oldest first; nothing when the caller does not see it.
pub async fn list_edits(
    m: &Messaging,
    caller: &Caller,
    (conversation, message): Place,
) -> store::Result<Option<Vec<Edit>>> {
    let mut tx = m.store.read().await?;
    let Some(view) = tx.view(caller, conversation).await? else { return Ok(None) };
    if tx.find_message(caller.workspace, &view, message).await?.is_none() {
        return Ok(None);
    }
    let edits = tx.list_edits(caller.workspace, message).await?;
    Ok(Some(edits.into_iter().map(|row| Edit { body: row.body, replaced_at: row.replaced_at }).collect()))
}

/// Adds the caller's emoji to a message, in its fully qualified form; once more does nothing.
///
/// # Errors
///
/// See [`ChangeError`].
pub async fn react(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    place: Place,
    emoji: &'static str,
) -> Result<Message, ChangeError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let row = lock(&mut tx, caller, place).await?;
    if row.deleted_at.is_some() {
        return Err(ChangeError::Deleted);
    }
    check_welcome(&mut tx, caller, me, place.0).await?;
    let reactions = tx.load_reactions(caller.workspace, &[place.1]).await?;
    let mut emojis: Vec<&str> = reactions.iter().map(|reaction| reaction.emoji.as_str()).collect();
    emojis.sort_unstable();
    emojis.dedup();
    if !emojis.contains(&emoji) && emojis.len() >= MAX_EMOJIS {
        return Err(ChangeError::TooManyReactions);
    }
    if tx.add_reaction(caller.workspace, place.1, (me, emoji), now).await? {
        let data = json!({ "user_id": me, "added": emoji });
        tx.record(event(caller, EventKind::MessageReaction, place, now).with(data));
    }
    finish(tx, caller, place.1).await
}

/// Takes the caller's emoji from a message; nothing happens when it is not there.
///
/// # Errors
///
/// See [`ChangeError`].
pub async fn unreact(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    place: Place,
    emoji: &'static str,
) -> Result<Message, ChangeError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    lock(&mut tx, caller, place).await?;
    if tx.remove_reaction(caller.workspace, place.1, (me, emoji)).await? {
        let data = json!({ "user_id": me, "removed": emoji });
        tx.record(event(caller, EventKind::MessageReaction, place, now).with(data));
    }
    finish(tx, caller, place.1).await
}
