//! Codes and notices: messages of the server itself to people with accounts, in a workspace that nobody's credentials
//! reach.

use std::fmt;
use std::time::Duration;

use super::accept::{Entry, Ride, store_entries};
use super::send::way;
use super::{CODE, Messaging, SINGLE};
use crate::domain::{
    Address, AddressKind, Channel, Direction, Draft, MessageId, Policy, Status, Timestamp, WorkspaceId,
};
use crate::store::{self, SECRET_MARK, Tx};

/// Something the server tells a person.
///
/// Its `Debug` form shows neither the text nor the secret nor whom it goes to.
#[derive(Clone)]
pub struct Notice {
    /// Who gets it: a phone by SMS, a mailbox by mail.
    pub to: Address,
    /// A mail's subject.
    pub subject: Option<String>,
    /// The text, with [`SECRET_MARK`] where the secret goes.
    pub body: String,
    /// What is sealed beside the message, put in its place while it is carried, and shown by nothing.
    pub secret: Option<String>,
    /// After so long it is not sent any more.
    pub life: Duration,
    /// Whether it goes before every other message, and never twice.
    pub is_code: bool,
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice").field("life", &self.life).field("is_code", &self.is_code).finish_non_exhaustive()
    }
}

/// Why a notice was not queued.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// The configuration names no sender, or no provider carries the channel.
    #[error("nothing is configured that carries {}", .0.as_str())]
    NoWay(Channel),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Queues a notice in the transaction of what it tells of.
pub async fn notify(tx: &mut Tx, m: &Messaging, notice: Notice, now: Timestamp) -> Result<MessageId, NoticeError> {
    let (channel, sender) = match notice.to.kind() {
        AddressKind::Phone => (Channel::Sms, &m.rules.default_sender),
        AddressKind::Email => (Channel::Email, &m.rules.mail_sender),
    };
    let from = sender.clone().ok_or(NoticeError::NoWay(channel))?;
    let draft = draft(&notice, from, channel);
    let way = way(m, &draft).ok_or(NoticeError::NoWay(channel))?;
    let id = tx.allocate_messages(1).await?.pop().ok_or(store::Error::Corrupt("no id for a new message"))?;
    let deadline = now + notice.life;
    let entry = Entry {
        id,
        direction: Direction::Outbound,
        segments: draft.segments(),
        draft,
        files: Vec::new(),
        content_ids: Vec::new(),
        conversation: None,
        author: None,
        status: Status::Queued,
        deliver_by: Some(deadline),
        ride: Some(Ride { way, lane: if notice.is_code { CODE } else { SINGLE }, due_at: now, deadline }),
    };
    store_entries(tx, WorkspaceId::ACCOUNTS, &[entry], now).await?;
    if let Some(secret) = &notice.secret {
        tx.insert_message_secret(WorkspaceId::ACCOUNTS, id, (secret, deadline)).await?;
    }
    Ok(id)
}

fn draft(notice: &Notice, from: Address, channel: Channel) -> Draft {
    debug_assert_eq!(notice.body.contains(SECRET_MARK), notice.secret.is_some(), "a secret has its place");
    Draft {
        channel,
        from,
        to: vec![notice.to.clone()],
        cc: Vec::new(),
        reply_to: None,
        subject: notice.subject.clone(),
        body: notice.body.clone(),
        attachments: Vec::new(),
        timestamp: None,
        scheduled_at: None,
        deliver_by: None,
        policy: if notice.is_code { Policy::NoDuplicates } else { Policy::Balanced },
    }
}
