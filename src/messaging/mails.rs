//! Mails as mail servers have them: what they carry is kept, they go on the conversation that they answer in, and what
//! cannot be kept of them is told on their timeline.

use std::collections::{BTreeSet, HashMap, HashSet};

use bytes::Bytes;
use serde_json::{Value, json};

use super::files::{Fresh, keep_fresh};
use super::receive::receive_into;
use super::{Inbound, Messaging, ReceiveError, Received, UploadError};
use crate::domain::{
    Address, AddressId, Channel, ConversationId, Direction, Draft, FileId, MAX_FILE_BYTES, MediaType, Message,
    MessageId, Timestamp, UploadedFile, WorkspaceId, is_html, new_part, render_with,
};
use crate::store::{self, AttachmentRow, MessageRow, NewHistory, NewMail, RelatedMail, Tx};

/// Files of one mail that are kept.
const MOST_FILES: usize = 100;
/// Characters of what a mail says of a file, on the timeline.
const LONGEST_NAME: usize = 255;
/// Mails that an answer refers to: the first, and the last of them.
const MOST_REFERENCES: usize = 20;
/// What the mail itself is called among what it carries.
const ORIGINAL: &str = "original.eml";

/// A mail that comes in.
#[derive(Debug)]
pub struct IncomingMail {
    /// What it says, and what is known of it; nothing of what it carries.
    pub inbound: Inbound,
    /// What it carries.
    pub files: Vec<MailFile>,
    /// The whole mail; absent when it came in pieces.
    pub raw: Option<Bytes>,
}

/// Something that a mail carries.
#[derive(Debug, Clone)]
pub struct MailFile {
    /// What its sender calls it.
    pub name: String,
    /// What its sender says it is.
    pub media_type: String,
    /// By what the HTML of the mail names it.
    pub content_id: Option<String>,
    /// What is in it.
    pub bytes: Bytes,
}

/// What is known of a mail beside what it says.
#[derive(Debug, Clone, Default)]
pub struct MailFacts {
    /// Its `Message-ID`.
    pub name: Option<String>,
    /// The mails before it, as it names them, the nearest first.
    pub answers: Vec<String>,
    /// What an answer to it refers to, the oldest first.
    pub thread: Vec<String>,
    /// Whether a machine wrote it or a list spread it: no machine may answer it.
    pub is_automatic: bool,
    /// What of it is not shown, and why.
    pub notes: Vec<Value>,
    /// What of it is kept, in the order of its attachments: [`receive_mail`] fills it in.
    pub kept: Vec<KeptFile>,
    /// To whom its envelope had it go, as far as it is known.
    pub envelope: Vec<Address>,
    /// Those of the envelope whom its header does not name.
    pub hidden: Vec<Address>,
}

/// A file of a mail that is kept.
#[derive(Debug, Clone)]
pub struct KeptFile {
    /// Which.
    pub id: FileId,
    /// By what the HTML of the mail names it.
    pub content_id: Option<String>,
}

/// The conversation that a mail goes on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) conversation: ConversationId,
    /// Whether it is between the very people of the mail.
    is_exact: bool,
}

/// Receives a mail, in every workspace of whom it is for; a repeat gives the first one again. Gives that of the first.
///
/// What it carries is kept before it is stored. What may not be kept is noted, and then the whole mail is kept beside
/// it, so that nothing is lost.
///
/// # Errors
///
/// See [`ReceiveError`]. The mail is to come again: some workspace has not got it.
pub async fn receive_mail(m: &Messaging, came_to: WorkspaceId, mail: IncomingMail) -> Result<Received, ReceiveError> {
    let mut first = None;
    for home in homes(m, came_to, &mail.inbound) {
        let received = receive_at(m, home, &mail).await?;
        first.get_or_insert(received);
    }
    first.ok_or(ReceiveError::BelongsNowhere)
}

/// The workspaces that a mail is for: those of the envelope, or else those of its header.
fn homes(m: &Messaging, came_to: WorkspaceId, inbound: &Inbound) -> Vec<WorkspaceId> {
    let routing = &m.rules.routing;
    let envelope = inbound.mail.as_ref().map(|mail| mail.envelope.as_slice()).unwrap_or_default();
    let homes = routing.homes_of(came_to, envelope);
    if homes.is_empty() { routing.homes_of(came_to, inbound.draft.recipients()) } else { homes }
}

async fn receive_at(m: &Messaging, workspace: WorkspaceId, mail: &IncomingMail) -> Result<Received, ReceiveError> {
    let mut inbound = mail.inbound.clone();
    show_own(m, workspace, &mut inbound);
    if !mail.files.is_empty() && !is_known(m, workspace, &inbound).await? {
        attach(m, workspace, &mut inbound, (mail.files.clone(), mail.raw.clone())).await?;
    }
    Ok(receive_into(m, workspace, inbound).await?)
}

/// Puts the workspace's own mailboxes first, since the first one answers, and leaves out those of others that only the
/// envelope names.
fn show_own(m: &Messaging, workspace: WorkspaceId, inbound: &mut Inbound) {
    let routing = &m.rules.routing;
    if !routing.has_senders() {
        return;
    }
    let hidden = inbound.mail.as_ref().map(|mail| mail.hidden.as_slice()).unwrap_or_default();
    let is_others = |address: &Address| routing.workspace_of(address).is_some_and(|owner| owner != workspace);
    inbound.draft.to.retain(|address| !(hidden.contains(address) && is_others(address)));
    inbound.draft.to.sort_by_key(|address| !routing.may_send(workspace, address));
}

async fn is_known(m: &Messaging, workspace: WorkspaceId, inbound: &Inbound) -> store::Result<bool> {
    let name = (inbound.endpoint.as_str(), inbound.external_id.as_str());
    Ok(m.store.read().await?.find_event(workspace, name).await?.is_some())
}

/// Keeps what a mail carries.
async fn attach(
    m: &Messaging,
    workspace: WorkspaceId,
    inbound: &mut Inbound,
    (files, raw): (Vec<MailFile>, Option<Bytes>),
) -> Result<(), UploadError> {
    let mut facts = inbound.mail.take().unwrap_or_default();
    let mut wanted: Vec<(MailFile, MediaType)> = Vec::new();
    let mut is_whole = true;
    for file in files {
        match judge(&file, wanted.len()) {
            Ok(media_type) => wanted.push((file, media_type)),
            Err(reason) => {
                is_whole &= file.bytes.is_empty();
                facts.notes.push(not_kept(&file, reason));
            }
        }
    }
    if let (false, Some(bytes)) = (is_whole, raw) {
        let (name, media_type) = (ORIGINAL.to_owned(), MediaType::Mail.as_str().to_owned());
        wanted.push((MailFile { name, media_type, content_id: None, bytes }, MediaType::Mail));
    }
    let fresh = |(file, media_type): &(MailFile, MediaType)| Fresh {
        name: file.name.clone(),
        media_type: *media_type,
        bytes: file.bytes.clone(),
    };
    match keep_fresh(m, workspace, wanted.iter().map(fresh).collect()).await {
        Ok(uploaded) => {
            inbound.draft.attachments = uploaded.iter().map(|file| file.url.clone()).collect();
            let kept = |(file, (came, _)): (&UploadedFile, (MailFile, MediaType))| KeptFile {
                id: file.id,
                content_id: came.content_id,
            };
            facts.kept = uploaded.iter().zip(wanted).map(kept).collect();
        }
        Err(error) => return Err(error),
    }
    inbound.mail = Some(facts);
    Ok(())
}

/// What a file is by its content, or why it may not be kept.
fn judge(file: &MailFile, kept: usize) -> Result<MediaType, &'static str> {
    let found = MediaType::of(&file.bytes);
    let is_mail = matches!(file.media_type.as_str(), "message/rfc822" | "message/global");
    let media_type = if is_mail && found.is_none() { Some(MediaType::Mail) } else { found };
    if file.bytes.is_empty() {
        Err("it is empty")
    } else if file.bytes.len() > MAX_FILE_BYTES {
        Err("it is too large")
    } else if kept >= MOST_FILES {
        Err("the mail carries too many")
    } else {
        media_type.ok_or("it is of no kind that is kept")
    }
}

fn not_kept(file: &MailFile, reason: &str) -> Value {
    let cut = |text: &str| text.replace('\0', "").chars().take(LONGEST_NAME).collect::<String>();
    json!({
        "note": "an attachment was not kept", "name": cut(&file.name), "media_type": cut(&file.media_type),
        "size_bytes": file.bytes.len(), "reason": reason,
    })
}

impl MailFacts {
    /// The files of its attachments, in their order.
    pub(super) fn files(&self) -> Vec<Option<FileId>> {
        self.kept.iter().map(|kept| Some(kept.id)).collect()
    }

    /// By what its HTML names them.
    pub(super) fn content_ids(&self) -> Vec<Option<String>> {
        self.kept.iter().map(|kept| kept.content_id.clone()).collect()
    }

    /// Writes down what is known of a mail that was stored.
    pub(super) async fn note(
        &self,
        tx: &mut Tx,
        (workspace, message): (WorkspaceId, MessageId),
        found: Option<Found>,
        now: Timestamp,
    ) -> store::Result<()> {
        if self.name.is_some() || !self.thread.is_empty() {
            let mail = NewMail { name: self.name.clone(), thread: shortened(&self.thread) };
            tx.insert_mail(workspace, message, &mail).await?;
        }
        let others = "it answers in this conversation, and is between other people than it";
        let others = found.is_some_and(|found| !found.is_exact).then(|| json!({ "note": others }));
        let automatic = "a machine or a list sent it: it is not answered by itself";
        let automatic = self.is_automatic.then(|| json!({ "note": automatic }));
        let notes = self.notes.iter().cloned().chain(others).chain(automatic);
        let note = |data| NewHistory { workspace, message, kind: "note", at: now, data };
        let notes: Vec<NewHistory> = notes.map(note).collect();
        if notes.is_empty() { Ok(()) } else { tx.add_history(&notes).await }
    }
}

/// The first and the last of the mails that are referred to.
fn shortened(thread: &[String]) -> Vec<String> {
    let tail = thread.len().saturating_sub(MOST_REFERENCES - 1);
    let head = thread.iter().take(1).filter(|_| tail > 0);
    head.chain(&thread[tail..]).cloned().collect()
}

/// The conversation that a mail goes on: that of the nearest mail that it answers and that it may go on after.
///
/// A name of a mail is no secret. So its sender must take part in that conversation, or have got that mail, and so must
/// somebody whom it goes to; whoever else bears the name on a mail begins a conversation of their own.
pub(super) async fn find_thread(
    tx: &mut Tx,
    m: &Messaging,
    workspace: WorkspaceId,
    (draft, mail): (&Draft, &MailFacts),
) -> store::Result<Option<Found>> {
    if mail.answers.is_empty() {
        return Ok(None);
    }
    let ours: HashMap<MessageId, &String> =
        mail.answers.iter().filter_map(|name| Some((our_message(m, name)?, name))).collect();
    let ids: Vec<MessageId> = ours.keys().copied().collect();
    let related = tx.find_related_mails(workspace, (&ids, &mail.answers)).await?;
    if related.is_empty() {
        return Ok(None);
    }
    let mut people = people_of(tx, workspace, &related).await?;
    let addresses: Vec<_> = draft.recipients().chain([&draft.from]).cloned().collect();
    let known = tx.find_addresses(workspace, &addresses).await?;
    let Some(sender) = known.get(&draft.from).copied() else { return Ok(None) };
    let parties: HashSet<AddressId> = known.values().copied().collect();
    let place = |related: &RelatedMail| {
        let name = related.name.as_ref().or_else(|| ours.get(&related.id).copied());
        mail.answers.iter().position(|answered| Some(answered) == name).unwrap_or(usize::MAX)
    };
    let mut nearest = related;
    nearest.sort_by_key(place);
    let fitting = nearest.into_iter().find(|related| {
        let near = people.get(&related.id).map(|people| &people.near);
        near.is_some_and(|near| {
            near.contains(&sender) && parties.iter().any(|one| *one != sender && near.contains(one))
        })
    });
    Ok(fitting.map(|related| {
        let participants = people.remove(&related.id).map(|people| people.participants).unwrap_or_default();
        let is_exact = addresses.iter().all(|address| known.contains_key(address)) && participants == parties;
        Found { conversation: related.conversation_id, is_exact }
    }))
}

/// The message that a name of a mail of ours stands for.
fn our_message(m: &Messaging, name: &str) -> Option<MessageId> {
    let (reference, _) = name.rsplit_once('@')?;
    m.store.read_reference(reference).map(|(message, _)| message)
}

/// Who may go on after a mail.
#[derive(Debug, Default)]
struct People {
    /// Who takes part in its conversation.
    participants: HashSet<AddressId>,
    /// And who got it.
    near: HashSet<AddressId>,
}

async fn people_of(
    tx: &mut Tx,
    workspace: WorkspaceId,
    related: &[RelatedMail],
) -> store::Result<HashMap<MessageId, People>> {
    let conversations: BTreeSet<ConversationId> = related.iter().map(|related| related.conversation_id).collect();
    let participants = tx.list_participants(workspace, &conversations.into_iter().collect::<Vec<_>>()).await?;
    let mut by_conversation: HashMap<ConversationId, HashSet<AddressId>> = HashMap::new();
    for (conversation, address) in participants {
        by_conversation.entry(conversation).or_default().insert(address);
    }
    let ids: Vec<MessageId> = related.iter().map(|related| related.id).collect();
    let recipients = tx.load_recipients(workspace, &ids).await?;
    let mut people = HashMap::new();
    for one in related {
        let participants = by_conversation.get(&one.conversation_id).cloned().unwrap_or_default();
        let got = recipients.iter().filter(|row| row.message_id == one.id).map(|row| row.address_id);
        let near = participants.iter().copied().chain(got).collect();
        people.insert(one.id, People { participants, near });
    }
    Ok(people)
}

/// The mail that a message of ours answers.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) conversation: ConversationId,
    pub(super) thread: Vec<String>,
}

impl Answered {
    /// As what a conversation's last message is answered; nothing, when it is no mail.
    pub(super) async fn find(tx: &mut Tx, workspace: WorkspaceId, last: &MessageRow) -> store::Result<Option<Self>> {
        if last.channel != Channel::Email {
            return Ok(None);
        }
        let thread = tx.load_mail_threads(workspace, &[last.id]).await?.remove(&last.id).unwrap_or_default();
        Ok(Some(Self { conversation: last.own_conversation_id, thread }))
    }

    /// Writes down what the answers refer to.
    pub(super) async fn note(&self, tx: &mut Tx, workspace: WorkspaceId, answers: &[Message]) -> store::Result<()> {
        if self.thread.is_empty() {
            return Ok(());
        }
        for message in answers.iter().filter(|message| message.channel == Channel::Email) {
            tx.insert_mail(workspace, message.id, &NewMail { name: None, thread: self.thread.clone() }).await?;
        }
        Ok(())
    }
}

/// What a mail says, in the forms in which it is shown.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) new_text: Option<String>,
}

impl Said {
    pub(super) fn of(row: &MessageRow, attachments: &[AttachmentRow]) -> Self {
        if row.channel != Channel::Email {
            return Self::default();
        }
        let (text, html) = if is_html(&row.body) {
            let named = |attached: &AttachmentRow| {
                let name = attached.content_id.clone().filter(|_| attached.file_id.is_some())?;
                Some((name, attached.url.clone()))
            };
            let rendered = render_with(&row.body, attachments.iter().filter_map(named).collect());
            (Some(rendered.text), Some(rendered.html))
        } else {
            (None, None)
        };
        let is_inbound = row.direction == Direction::Inbound;
        let new_text = is_inbound.then(|| new_part(text.as_ref().unwrap_or(&row.body)).map(str::to_owned)).flatten();
        Self { text, html, new_text }
    }
}
