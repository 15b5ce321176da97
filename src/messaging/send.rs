//! Sending: drafts become messages and outbox rows in one commit, or nothing does.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::accept::{Entry, Ride, store_entries};
use super::desk::Order;
use super::files::{find_attachable, resolve_attachments};
use super::mails::Answered;
use super::{BULK, Messaging, NOT_YOUR_SENDER, SINGLE, Way, default_span};
use crate::domain::{
    Address, Caller, Direction, Draft, FieldError, FileId, Message, Refusal, Status, Timestamp, WorkspaceId,
};
use crate::fault::is_sabotaged;
use crate::store::{self, Tx};

/// An idempotency key and what it stands for.
#[derive(Debug, Clone)]
pub struct Once {
    /// The key, unquoted.
    pub key: String,
    /// SHA-256 of the method, the path and the body.
    pub fingerprint: [u8; 32],
}

/// What became of one draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// It is durable and queued.
    Accepted(Box<Message>),
    /// It is not as it should be; nothing was stored of it.
    Refused(Refusal),
    /// Its sender has used up this minute.
    Limited {
        /// Whole seconds to wait.
        after_seconds: u64,
    },
}

/// Why a set of drafts was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The key stood for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// The first request with this key is still under way.
    #[error("the first request with this idempotency key is still under way")]
    KeyBusy,
    /// More wait to be stored than may.
    #[error("more sends wait to be stored than may")]
    Full,
    /// It broke off, a fault of ours, and what became of it is not known.
    #[error("storing a send broke off")]
    Broken,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Accepts a draft: stores it and queues its delivery. One that is not accepted leaves nothing, its key included.
///
/// What became of the message afterwards is told by its status.
///
/// # Errors
///
/// See [`SendError`]. After an error nothing was stored, but for one that broke off.
pub async fn send(
    m: &Messaging,
    caller: &Caller,
    draft: Result<Draft, Refusal>,
    once: Option<Once>,
) -> Result<Sent, SendError> {
    m.desk.take(Order { m: m.clone(), caller: *caller, draft, once }).await
}

/// The same for what answers a mail, which goes where that one is.
pub(super) async fn send_answer(
    m: &Messaging,
    caller: &Caller,
    draft: Result<Draft, Refusal>,
    once: Option<Once>,
    answered: &Answered,
) -> Result<Sent, SendError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    if let Some(sent) = take_key(&mut tx, caller, once.as_ref(), now).await? {
        return only(sent);
    }
    let sent = accept_in(&mut tx, m, caller, (vec![draft], SINGLE, Some(answered)), now).await?;
    if matches!(sent[..], [Sent::Accepted(_)]) {
        keep_answer(&mut tx, caller, once.as_ref(), &sent).await?;
        finish(tx, &sent).await?;
    }
    only(sent)
}

/// Accepts a batch of drafts, however many: stores and queues all that can be.
///
/// Gives one answer for each draft, in their order. That answer is the batch's own, and so its key keeps it, whatever
/// became of the drafts.
///
/// # Errors
///
/// See [`SendError`]. After an error nothing was stored.
pub async fn send_batch(
    m: &Messaging,
    caller: &Caller,
    drafts: Vec<Result<Draft, Refusal>>,
    once: Option<Once>,
) -> Result<Vec<Sent>, SendError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    if let Some(sent) = take_key(&mut tx, caller, once.as_ref(), now).await? {
        return Ok(sent);
    }
    let sent = accept(&mut tx, m, caller, (drafts, BULK), now).await?;
    keep_answer(&mut tx, caller, once.as_ref(), &sent).await?;
    finish(tx, &sent).await?;
    Ok(sent)
}

/// Takes a key for this unit of work, or gives what was answered under it before.
pub(super) async fn take_key<T: DeserializeOwned>(
    tx: &mut Tx,
    caller: &Caller,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Option<T>, SendError> {
    let Some(once) = once.filter(|_| !is_sabotaged("key_off")) else { return Ok(None) };
    let name = caller.who.to_string();
    match tx.take_key(caller.workspace, (&name, &once.key), &once.fingerprint, now).await {
        Ok(None) => Ok(None),
        Ok(Some(kept)) if !kept.is_same_request => Err(SendError::KeyReused),
        Ok(Some(kept)) => {
            let unreadable = |_| store::Error::Corrupt("a kept answer that cannot be read");
            Ok(serde_json::from_slice(&kept.answer).map(Some).map_err(unreadable)?)
        }
        Err(store::Error::Busy(_)) => Err(SendError::KeyBusy),
        Err(error) => Err(error.into()),
    }
}

/// Keeps the answer of a key that this unit of work has taken.
pub(super) async fn keep_answer<T: Serialize>(
    tx: &mut Tx,
    caller: &Caller,
    once: Option<&Once>,
    answer: &T,
) -> store::Result<()> {
    let Some(once) = once.filter(|_| !is_sabotaged("key_off")) else { return Ok(()) };
    let answer = serde_json::to_vec(answer).map_err(|_| store::Error::Corrupt("an answer that cannot be kept"))?;
    tx.keep_answer(caller.workspace, (&caller.who.to_string(), &once.key), &answer).await
}

/// Commits what was accepted, and counts it.
pub(super) async fn finish<'a>(tx: Tx, sent: impl IntoIterator<Item = &'a Sent>) -> store::Result<()> {
    if is_sabotaged("answer_before_commit") {
        tokio::spawn(commit_later(tx));
    } else {
        tx.commit().await?;
    }
    count_accepted(sent);
    Ok(())
}

/// What must never be: an answer that runs ahead of its commit.
async fn commit_later(tx: Tx) -> store::Result<()> {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    tx.commit().await
}

/// The answer to a set of one.
pub(super) fn only(sent: Vec<Sent>) -> Result<Sent, SendError> {
    let missing = || store::Error::Corrupt("no answer for a draft");
    Ok(sent.into_iter().next().ok_or_else(missing)?)
}

/// Stores what can be accepted of a set of drafts.
pub(super) async fn accept(
    tx: &mut Tx,
    m: &Messaging,
    caller: &Caller,
    (drafts, lane): (Vec<Result<Draft, Refusal>>, i64),
    now: Timestamp,
) -> store::Result<Vec<Sent>> {
    accept_in(tx, m, caller, (drafts, lane, None), now).await
}

pub(super) async fn accept_in(
    tx: &mut Tx,
    m: &Messaging,
    caller: &Caller,
    (drafts, lane, answered): (Vec<Result<Draft, Refusal>>, i64, Option<&Answered>),
    now: Timestamp,
) -> store::Result<Vec<Sent>> {
    let drafts: Vec<_> =
        drafts.into_iter().map(|draft| draft.and_then(|draft| checked(m, caller, draft, now))).collect();
    let drafts = check_files(tx, caller, drafts, now).await?;
    let limited = limit_senders(tx, m, caller.workspace, &drafts, now).await?;
    let mut answers: Vec<Option<Sent>> = Vec::with_capacity(drafts.len());
    let mut accepted = Vec::new();
    for (draft, is_limited) in drafts.into_iter().zip(limited) {
        answers.push(match draft {
            Err(refusal) => Some(Sent::Refused(refusal)),
            Ok(_) if is_limited => Some(Sent::Limited { after_seconds: seconds_to_next_minute(now) }),
            Ok(draft) => {
                accepted.push(draft);
                None
            }
        });
    }
    let mut messages = store_outbound(tx, m, caller, (accepted, lane, answered), now).await?.into_iter();
    let answer = |answer: Option<Sent>| answer.or_else(|| Some(Sent::Accepted(Box::new(messages.next()?))));
    Ok(answers.into_iter().filter_map(answer).collect())
}

pub(super) fn checked(m: &Messaging, caller: &Caller, draft: Draft, now: Timestamp) -> Result<Draft, Refusal> {
    draft.check(&m.rules.limits, now)?;
    let routing = &m.rules.routing;
    if !routing.may_send(caller.workspace, &draft.from) {
        let message = "is no sender of this workspace; see [[senders]] in the configuration";
        return Err(vec![FieldError::new("from", NOT_YOUR_SENDER, message)]);
    }
    match way(m, &draft) {
        Some(_) => Ok(draft),
        None => Err(vec![routing.no_way(draft.channel)]),
    }
}

/// By whom a draft goes.
pub(super) fn way(m: &Messaging, draft: &Draft) -> Option<Way> {
    let to: Vec<&Address> = draft.recipients().collect();
    m.rules.routing.way(m.store.vault(), draft.channel, (&draft.from, &to))
}

/// A draft with the uploads among its attachments.
type Checked = (Draft, Vec<Option<FileId>>);

/// Finds the uploads among the attachments of all drafts at once, and refuses those that are not the caller's.
async fn check_files(
    tx: &mut Tx,
    caller: &Caller,
    drafts: Vec<Result<Draft, Refusal>>,
    now: Timestamp,
) -> store::Result<Vec<Result<Checked, Refusal>>> {
    let urls = drafts.iter().flatten().flat_map(|draft| &draft.attachments);
    let attachable = find_attachable(tx, caller, urls, now).await?;
    let check = |draft: Draft| resolve_attachments(&draft.attachments, &attachable).map(|files| (draft, files));
    Ok(drafts.into_iter().map(|draft| draft.and_then(check)).collect())
}

/// Stores outbound messages and leaves them in the outbox; what answers a mail goes where that one is.
pub(super) async fn store_outbound(
    tx: &mut Tx,
    m: &Messaging,
    caller: &Caller,
    (drafts, lane, answered): (Vec<Checked>, i64, Option<&Answered>),
    now: Timestamp,
) -> store::Result<Vec<Message>> {
    if drafts.is_empty() {
        return Ok(Vec::new());
    }
    let ids = tx.allocate_messages(drafts.len()).await?;
    let mut entries = Vec::with_capacity(drafts.len());
    for (id, (draft, files)) in ids.into_iter().zip(drafts) {
        let due_at = draft.scheduled_at.unwrap_or(now);
        let deadline = draft.deliver_by.unwrap_or(due_at + default_span(draft.channel));
        let way = way(m, &draft).ok_or(store::Error::Corrupt("no way for a draft that was checked"))?;
        entries.push(Entry {
            id,
            direction: Direction::Outbound,
            segments: draft.segments(),
            status: if draft.scheduled_at.is_some() { Status::Scheduled } else { Status::Queued },
            deliver_by: Some(deadline),
            author: caller.user(),
            draft,
            files,
            content_ids: Vec::new(),
            conversation: answered.map(|answered| answered.conversation),
            ride: Some(Ride { way, lane, due_at, deadline }),
        });
    }
    let (messages, _) = store_entries(tx, caller.workspace, &entries, now).await?;
    if let Some(answered) = answered {
        answered.note(tx, caller.workspace, &messages).await?;
    }
    Ok(messages)
}

/// Tells which drafts are over their sender's limit; those under it are counted.
async fn limit_senders(
    tx: &mut Tx,
    m: &Messaging,
    workspace: WorkspaceId,
    drafts: &[Result<Checked, Refusal>],
    now: Timestamp,
) -> store::Result<Vec<bool>> {
    let mut limited = vec![false; drafts.len()];
    let limit = i64::from(m.rules.sender_limit_per_minute);
    if limit == 0 {
        return Ok(limited);
    }
    let mut by_sender: HashMap<_, Vec<usize>> = HashMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        if let Ok((draft, _)) = draft {
            by_sender.entry(draft.from.clone()).or_default().push(at);
        }
    }
    let mut senders: Vec<_> = by_sender.keys().cloned().collect();
    senders.sort();
    let ids = tx.ensure_addresses(workspace, &senders, now).await?;
    for sender in senders {
        let wanted = &by_sender[&sender];
        let count = i64::try_from(wanted.len()).unwrap_or(i64::MAX);
        let used = tx.count_sender(workspace, ids[&sender], count, now).await?;
        let over = usize::try_from((used - limit).clamp(0, count)).unwrap_or(0);
        for at in &wanted[wanted.len() - over..] {
            limited[*at] = true;
        }
    }
    Ok(limited)
}

pub(super) fn seconds_to_next_minute(now: Timestamp) -> u64 {
    60 - u64::try_from(now.seconds().rem_euclid(60)).unwrap_or(0)
}

fn count_accepted<'a>(sent: impl IntoIterator<Item = &'a Sent>) {
    for sent in sent {
        if let Sent::Accepted(message) = sent {
            metrics::counter!("switchboard_messages_accepted_total", "channel" => message.channel.as_str())
                .increment(1);
        }
    }
}
