//! Saying something: to one person, or in a conversation that is there.

use serde_json::json;

use crate::domain::{
    Caller, Channel, ChatDraft, ConversationId, ConversationKind, Direction, EventKind, FileId, MemberRole, Message,
    MessageId, Refusal, Relation, Status, Strangers, Timestamp, UserId, Who, WorkspaceId,
};
use crate::messaging::send::{keep_answer, take_key};
use crate::messaging::{Messaging, Once, SendError, check_attachments};
use crate::store::{self, ChatRow, MemberRow, NewAttachment, NewEvent, NewMember, NewMessage, Thread, Tx};

use super::people::{NoSuchUser, Said, colleague, said};
use super::show::show_one;

/// Why something was not said.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The conversation does not exist, or is not the caller's to see.
    #[error("no such conversation")]
    NoSuchConversation,
    /// A name that nobody has.
    #[error(transparent)]
    NoSuchUser(#[from] NoSuchUser),
    /// The caller names somebody else as the one who says it.
    #[error("the sender is somebody else")]
    NotTheSender,
    /// To oneself.
    #[error("nobody writes to themselves")]
    ToOneself,
    /// Strangers may not write, or one of the two has blocked the other: nobody is told which.
    #[error("strangers may not write")]
    MayNotWrite,
    /// It is not as it should be.
    #[error("the message is not as it should be")]
    Refused(Refusal),
    /// As for any send.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl From<store::Error> for WriteError {
    fn from(error: store::Error) -> Self {
        Self::Send(SendError::Store(error))
    }
}

/// Between whom a conversation is, when the caller sees it.
pub async fn kind_of(m: &Messaging, caller: &Caller, id: ConversationId) -> store::Result<Option<ConversationKind>> {
    let mut tx = m.store.read().await?;
    Ok(tx.view(caller, id).await?.map(|view| view.kind))
}

/// Says something to one person, in the one conversation of the two; it begins with that.
///
/// # Errors
///
/// See [`WriteError`]. After an error nothing was stored.
pub async fn write_to(
    m: &Messaging,
    caller: &Caller,
    (sender, recipient): (&str, &str),
    draft: ChatDraft,
    once: Option<Once>,
) -> Result<Said, WriteError> {
    draft.check(&m.rules.limits).map_err(WriteError::Refused)?;
    let (workspace, now) = (caller.workspace, m.clock.now());
    let mut tx = m.store.begin().await?;
    if let Some(said) = take_key(&mut tx, caller, once.as_ref(), now).await? {
        return Ok(said);
    }
    let author = author(&mut tx, caller, ("sender_user_name", sender)).await?;
    let other = colleague(&mut tx, workspace, ("recipient_user_name", recipient)).await??.id;
    if author == other {
        return Err(WriteError::ToOneself);
    }
    let (id, _) = begin(&mut tx, workspace, [author, other], now).await?;
    let message = say(&mut tx, (caller, id), author, &draft, now).await?;
    let row = tx.find_said(workspace, message).await?.ok_or(store::Error::Corrupt("a message to nobody"))?;
    let answer = said(&mut tx, workspace, vec![row]).await?.pop();
    let answer = answer.ok_or(store::Error::Corrupt("a message that is not there"))?;
    keep_answer(&mut tx, caller, once.as_ref(), &answer).await?;
    tx.commit().await?;
    count();
    Ok(answer)
}

/// Says something in a conversation of people: as the caller, or for the operator as whom they name.
///
/// # Errors
///
/// See [`WriteError`]. After an error nothing was stored.
pub async fn write_in(
    m: &Messaging,
    caller: &Caller,
    id: ConversationId,
    (sender, draft): (Option<&str>, ChatDraft),
    once: Option<Once>,
) -> Result<Message, WriteError> {
    draft.check(&m.rules.limits).map_err(WriteError::Refused)?;
    let (workspace, now) = (caller.workspace, m.clock.now());
    let mut tx = m.store.begin().await?;
    if let Some(message) = take_key(&mut tx, caller, once.as_ref(), now).await? {
        return Ok(message);
    }
    let author = match (sender, caller.who) {
        (Some(sender), _) => author(&mut tx, caller, ("sender_user_name", sender)).await?,
        (None, Who::User(user, _)) => user,
        (None, Who::Operator | Who::Key(_)) => return Err(WriteError::Refused(wants_sender())),
    };
    let message = say(&mut tx, (caller, id), author, &draft, now).await?;
    let row = tx.load_messages(workspace, &[message]).await?.pop();
    let row = row.ok_or(store::Error::Corrupt("a message that is not there"))?;
    let answer = show_one(&mut tx, caller, row).await?.messages.pop();
    let answer = answer.ok_or(store::Error::Corrupt("a message that is not there"))?;
    keep_answer(&mut tx, caller, once.as_ref(), &answer).await?;
    tx.commit().await?;
    count();
    Ok(answer)
}

fn count() {
    metrics::counter!("switchboard_messages_accepted_total", "channel" => Channel::Chat.as_str()).increment(1);
}

fn wants_sender() -> Refusal {
    let message = "is required: the operator is nobody of this conversation";
    vec![crate::domain::FieldError::new("sender_user_name", "required", message)]
}

/// Who says it: the operator names anybody, a person only themselves, and a key is nobody.
async fn author(tx: &mut Tx, caller: &Caller, (field, name): (&str, &str)) -> Result<UserId, WriteError> {
    match caller.who {
        Who::Operator => Ok(colleague(tx, caller.workspace, (field, name)).await??.id),
        Who::User(user, _) => {
            let named = tx.find_colleague(caller.workspace, name).await?;
            named.filter(|row| row.id == user).map(|row| row.id).ok_or(WriteError::NotTheSender)
        }
        Who::Key(_) => Err(WriteError::NotTheSender),
    }
}

/// Says something in a conversation, to everybody who is there now.
async fn say(
    tx: &mut Tx,
    (caller, id): (&Caller, ConversationId),
    author: UserId,
    draft: &ChatDraft,
    now: Timestamp,
) -> Result<MessageId, WriteError> {
    let workspace = caller.workspace;
    let files = check_attachments(tx, caller, &draft.attachments, now).await?.map_err(WriteError::Refused)?;
    let chat = tx.lock_chat(workspace, id).await?.ok_or(WriteError::NoSuchConversation)?;
    let mut members = tx.list_members(workspace, id).await?;
    if chat.kind == ConversationKind::Direct {
        let other = chat.pair().into_iter().find(|user| *user != author).ok_or(WriteError::NoSuchConversation)?;
        if seat(tx, workspace, (&chat, &members), [author, other], now).await? {
            members = tx.list_members(workspace, id).await?;
        }
    }
    if !members.iter().any(|member| member.user_id == author) {
        return Err(WriteError::NoSuchConversation);
    }
    tx.accept_member(workspace, id, author, now).await?;
    let others: Vec<UserId> = members.iter().map(|member| member.user_id).filter(|user| *user != author).collect();
    let message = tx.allocate_messages(1).await?.pop().ok_or(store::Error::Corrupt("no id for a new message"))?;
    let recipient = others.first().copied().filter(|_| chat.kind == ConversationKind::Direct);
    tx.insert_messages(workspace, &[new_message((id, message), (author, recipient), draft, now)], now).await?;
    tx.insert_receipts(workspace, (id, message), &others).await?;
    tx.insert_attachments(workspace, &attachments(message, draft, &files)).await?;
    let thread = Thread {
        id,
        channels: Channel::Chat.bit(),
        messages: 1,
        unread: 0,
        last: message,
        place: store::Place::alone(id),
    };
    tx.touch_conversations(workspace, &[thread], now).await?;
    tx.count_unread(workspace, id, author).await?;
    let event = NewEvent::of_conversation(workspace, EventKind::MessageAccepted, id, now);
    tx.record(event.of_message(message, Status::Accepted));
    Ok(message)
}

fn attachments<'a>(message: MessageId, draft: &'a ChatDraft, files: &[Option<FileId>]) -> Vec<NewAttachment<'a>> {
    let one = |(position, (url, file)): (usize, (&'a String, &Option<FileId>))| NewAttachment {
        message,
        position,
        url,
        file: *file,
        content_id: None,
    };
    draft.attachments.iter().zip(files).enumerate().map(one).collect()
}

fn new_message(
    (conversation, id): (ConversationId, MessageId),
    (author, recipient): (UserId, Option<UserId>),
    draft: &ChatDraft,
    now: Timestamp,
) -> NewMessage {
    NewMessage {
        id,
        conversation,
        direction: Direction::Outbound,
        channel: Channel::Chat,
        from: None,
        author: Some(author),
        recipient,
        reply_to: None,
        subject: None,
        body: draft.body.clone(),
        segments: None,
        encoding: None,
        status: Status::Accepted,
        is_final: true,
        policy: None,
        occurred_at: now,
        scheduled_at: None,
        deliver_by: None,
    }
}

/// How somebody may write to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Welcome {
    /// As it is.
    Heard,
    /// As a request.
    Asks,
}

/// Whether somebody may write to another, who may have taken their conversation on already.
pub(super) async fn welcome(
    tx: &mut Tx,
    workspace: WorkspaceId,
    [author, other]: [UserId; 2],
    is_taken_on: bool,
) -> store::Result<Option<Welcome>> {
    let relations = tx.find_relations(workspace, author, &[other]).await?;
    let has = |state: Relation| relations.iter().any(|row| row.state == state);
    if has(Relation::Blocked) {
        return Ok(None);
    }
    if has(Relation::Friends) {
        return Ok(Some(Welcome::Heard));
    }
    Ok(match tx.find_customs(workspace).await?.strangers {
        Strangers::Write => Some(Welcome::Heard),
        Strangers::Ask => Some(if is_taken_on { Welcome::Heard } else { Welcome::Asks }),
        Strangers::No => None,
    })
}

/// The conversation of two people, and whether it begins now; where the one may not write to the other, none begins.
/// One that is there is locked by whoever says something in it; before, nobody changes how the two stand to each other.
pub(super) async fn begin(
    tx: &mut Tx,
    workspace: WorkspaceId,
    pair: [UserId; 2],
    now: Timestamp,
) -> Result<(ConversationId, bool), WriteError> {
    if let Some(id) = tx.find_direct(workspace, pair).await? {
        return Ok((id, false));
    }
    tx.lock_pair(workspace, pair).await?;
    if let Some(id) = tx.find_direct(workspace, pair).await? {
        return Ok((id, false));
    }
    welcome(tx, workspace, pair, false).await?.ok_or(WriteError::MayNotWrite)?;
    Ok(tx.ensure_direct(workspace, pair, now).await?)
}

/// Sees to it that both people of a conversation of two are there, when the one may write to the other; true when
/// anything changed.
pub(super) async fn seat(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (chat, members): (&ChatRow, &[MemberRow]),
    [author, other]: [UserId; 2],
    now: Timestamp,
) -> Result<bool, WriteError> {
    let theirs = members.iter().find(|member| member.user_id == other);
    let is_taken_on = theirs.is_some_and(|member| member.accepted_at.is_some());
    let welcome = welcome(tx, workspace, [author, other], is_taken_on).await?.ok_or(WriteError::MayNotWrite)?;
    let mut joining = Vec::new();
    if !members.iter().any(|member| member.user_id == author) {
        joining.push(joins(author, false));
    }
    match theirs {
        None if tx.load_colleagues(workspace, &[other]).await?.is_empty() => return Err(WriteError::MayNotWrite),
        None => joining.push(joins(other, welcome == Welcome::Asks)),
        Some(_) if welcome == Welcome::Heard && !is_taken_on => {
            tx.accept_member(workspace, chat.id, other, now).await?;
        }
        Some(_) => {}
    }
    if joining.is_empty() {
        return Ok(false);
    }
    tx.put_members(workspace, chat.id, &joining, now).await?;
    if !members.is_empty() {
        let event = NewEvent::of_conversation(workspace, EventKind::ConversationUpdated, chat.id, now);
        let users: Vec<UserId> = joining.iter().map(|member| member.user).collect();
        tx.record(event.with(json!({ "joined": users })));
    }
    Ok(true)
}

fn joins(user: UserId, is_request: bool) -> NewMember {
    NewMember { user, role: MemberRole::Member, is_request, first: MessageId(0), hidden: 0 }
}
