//! Answering in a conversation: addresses and channel come from the message that is answered, which is its last one, or
//! the last one of a channel, unless another is named.

use super::mails::Answered;
use super::send::{send, send_answer};
use super::{Messaging, Once, SendError, Sent};
use crate::domain::{
    Address, Caller, Channel, ConversationId, Direction, Draft, FieldError, Message, MessageId, Policy, Refusal,
    Timestamp, WorkspaceId,
};
use crate::messaging::read::load_composed;
use crate::store::{self, MessageRow, Tx};

/// What is answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Which message; absent: the last one.
    pub in_reply_to: Option<MessageId>,
    /// By which channel; absent: that of the last message.
    pub channel: Option<Channel>,
    /// A mail's subject; absent: that of the last message.
    pub subject: Option<String>,
    /// The text, or HTML in a mail.
    pub body: String,
    /// As for a send.
    pub attachments: Vec<String>,
    /// Not before then.
    pub scheduled_at: Option<Timestamp>,
    /// Not after then.
    pub deliver_by: Option<Timestamp>,
    /// What to do in doubt.
    pub policy: Policy,
}

/// Why an answer was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// The conversation does not exist, or is not the caller's to see.
    #[error("no such conversation")]
    NoSuchConversation,
    /// The message that is to be answered is not in it.
    #[error("no such message")]
    NoSuchMessage,
    /// As for any send.
    #[error(transparent)]
    Send(#[from] SendError),
}

/// Answers in a conversation.
///
/// # Errors
///
/// See [`ReplyError`]. After an error nothing was stored.
pub async fn reply(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    reply: Reply,
    once: Option<Once>,
) -> Result<Sent, ReplyError> {
    let found = match reply.in_reply_to {
        Some(message) => named_message(m, caller, conversation, message).await,
        None => last_message(m, caller, conversation, reply.channel).await,
    };
    let is_named = reply.in_reply_to.is_some();
    let missing = if is_named { ReplyError::NoSuchMessage } else { ReplyError::NoSuchConversation };
    let (last, answered) = found.map_err(SendError::from)?.ok_or(missing)?;
    let draft = draft(m, caller, &last, reply);
    Ok(match &answered {
        Some(answered) => send_answer(m, caller, draft, once, answered).await?,
        None => send(m, caller, draft, once).await?,
    })
}

/// The message whose addresses are taken, and as what a mail is answered: the last one, or the last one of the channel
/// that is asked for, where a joined conversation has been held on several.
async fn last_message(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    channel: Option<Channel>,
) -> store::Result<Option<(Message, Option<Answered>)>> {
    let workspace = caller.workspace;
    let mut tx = m.store.read().await?;
    let Some(view) = tx.view(caller, conversation).await? else { return Ok(None) };
    let Some(mut row) = tx.find_last_message(workspace, view.id).await? else { return Ok(None) };
    if let Some(channel) = channel.filter(|channel| channel.is_text() != row.channel.is_text()) {
        let same = Channel::ALL.into_iter().filter(|other| other.is_text() == channel.is_text());
        let bits = same.fold(0, |bits, other| bits | other.bit());
        row = tx.find_last_joined(workspace, view.id, bits).await?.unwrap_or(row);
    }
    answerable(&mut tx, workspace, row).await
}

async fn named_message(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    message: MessageId,
) -> store::Result<Option<(Message, Option<Answered>)>> {
    let mut tx = m.store.read().await?;
    let Some(view) = tx.view(caller, conversation).await? else { return Ok(None) };
    let Some(row) = tx.find_message(caller.workspace, &view, message).await? else { return Ok(None) };
    answerable(&mut tx, caller.workspace, row).await
}

async fn answerable(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: MessageRow,
) -> store::Result<Option<(Message, Option<Answered>)>> {
    let answered = Answered::find(tx, workspace, &row).await?;
    Ok(load_composed(tx, workspace, vec![row]).await?.pop().map(|last| (last, answered)))
}

fn draft(m: &Messaging, caller: &Caller, last: &Message, reply: Reply) -> Result<Draft, Refusal> {
    let channel = reply.channel.unwrap_or(last.channel);
    if channel.is_text() != last.channel.is_text() {
        let name = channel.as_str();
        let message = match reply.in_reply_to {
            Some(_) => format!("the message that is answered has no addresses for {name}; leave `type` out"),
            None => format!(
                "nothing was said by {name} in this conversation, so it has no addresses for that; send a first message"
            ),
        };
        return Err(vec![FieldError::new("type", "invalid", message)]);
    }
    let phone = &m.rules.phone;
    let is_own = |text: &String| {
        Address::any(text, phone).is_some_and(|address| {
            m.rules.is_own(caller.workspace, &address) && m.rules.routing.may_send(caller.workspace, &address)
        })
    };
    let (from, to, cc) = ends(last, is_own);
    let refused = |field: &'static str| {
        let wanted = format!("the conversation's addresses cannot be answered by {}", channel.as_str());
        move |_| vec![FieldError::new(field, "invalid", wanted)]
    };
    let read =
        |text: &String| if channel == Channel::Email { Address::email(text) } else { Address::phone(text, phone) };
    let all = |texts: &[String]| texts.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(refused("to"));
    let sender = if channel == Channel::Email { Address::email(&from) } else { Address::sender(&from, phone) };
    let subject = reply.subject.or_else(|| last.subject.clone()).filter(|_| channel == Channel::Email);
    Ok(Draft {
        channel,
        from: sender.map_err(refused("from"))?,
        to: all(&to)?,
        cc: all(&cc)?,
        reply_to: None,
        subject,
        body: reply.body,
        attachments: reply.attachments,
        timestamp: None,
        scheduled_at: reply.scheduled_at,
        deliver_by: reply.deliver_by,
        policy: reply.policy,
    })
}

/// Who answers whom: after an inbound message the first of its recipients that the workspace may send from answers its
/// sender, or where the sender of a mail wants answers, and everybody else it went to.
fn ends(last: &Message, is_own: impl Fn(&String) -> bool) -> (String, Vec<String>, Vec<String>) {
    let to = last.to.as_slice();
    match last.direction {
        Direction::Outbound => (last.from.clone(), to.to_vec(), last.cc.clone()),
        Direction::Inbound => {
            let own = to.iter().chain(&last.cc).find(|text| is_own(text)).or(to.first());
            let from = own.unwrap_or(&last.from).clone();
            let sender = last.reply_to.as_ref().unwrap_or(&last.from);
            let others = to.iter().filter(|other| *other != sender && **other != from);
            let back = std::iter::once(sender).chain(others).cloned().collect();
            (from.clone(), back, last.cc.iter().filter(|other| **other != from).cloned().collect())
        }
    }
}
