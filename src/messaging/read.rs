//! Reading: conversations, threads, timelines, dead letters, quarantine.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::chat::{Chats, note_delivered, show, show_one};
use super::contacts::load_contact_names;
use super::mails::Said;
use super::team::{add_benches, bench_of};
use super::{ConversationFilter, Messaging, Order, Page, PageRequest};
use crate::domain::{
    Address, AddressId, Caller, Channel, Conversation, ConversationId, LastMessage, Message, MessageId, OneOrMany,
    QuarantineId, Recipient, RecipientKind, SegmentSummary, Status, Timestamp, WorkspaceId,
};
use crate::store::{
    AttachmentRow, ConversationRow, MessageContent, MessageRow, QuarantinedRow, RecipientRow, Result, Tx,
};

/// One entry of a message's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TimelineEntry {
    /// The message was accepted, or came in.
    Accepted {
        /// When.
        at: Timestamp,
    },
    /// A provider was tried.
    Attempt {
        /// When it began.
        at: Timestamp,
        /// Its number, from 1.
        number: i64,
        /// Which provider.
        provider: String,
        /// When it began.
        started_at: Timestamp,
        /// When it ended; absent while under way.
        #[serde(skip_serializing_if = "Option::is_none")]
        ended_at: Option<Timestamp>,
        /// `accepted`, `retry`, `rejected`, `doubtful` or `unknown`; absent while under way.
        #[serde(skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
        /// The provider's name for the message.
        #[serde(skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Whether an earlier attempt may have been taken.
        possible_duplicate: bool,
    },
    /// The provider reported something.
    Callback {
        /// When it came.
        at: Timestamp,
        /// What it said.
        #[schema(value_type = Object)]
        #[serde(flatten)]
        data: Value,
    },
    /// The provider was asked.
    Lookup {
        /// When.
        at: Timestamp,
        /// What it answered.
        #[schema(value_type = Object)]
        #[serde(flatten)]
        data: Value,
    },
    /// The message moved to another status.
    Status {
        /// When.
        at: Timestamp,
        /// To which, and why.
        #[schema(value_type = Object)]
        #[serde(flatten)]
        data: Value,
    },
    /// A customer was told.
    Webhook {
        /// When.
        at: Timestamp,
        /// What became of it.
        #[schema(value_type = Object)]
        #[serde(flatten)]
        data: Value,
    },
    /// Something worth knowing.
    Note {
        /// When.
        at: Timestamp,
        /// What.
        #[schema(value_type = Object)]
        #[serde(flatten)]
        data: Value,
    },
}

impl TimelineEntry {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Accepted { at }
            | Self::Attempt { at, .. }
            | Self::Callback { at, .. }
            | Self::Lookup { at, .. }
            | Self::Status { at, .. }
            | Self::Webhook { at, .. }
            | Self::Note { at, .. } => *at,
        }
    }
}

/// A body in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Quarantined {
    /// Its id.
    pub id: QuarantineId,
    /// When it came.
    pub received_at: Timestamp,
    /// Where it came to.
    pub path: String,
    /// Why it was not understood.
    pub reason: String,
    /// What came, as text.
    pub raw: String,
    /// What came, to the byte.
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

/// The conversations of a workspace, newest activity first.
pub async fn list_conversations(
    m: &Messaging,
    caller: &Caller,
    filter: &ConversationFilter,
    page: PageRequest,
) -> Result<Page<Conversation>> {
    let mut tx = m.store.read().await?;
    let q_address = filter.q.as_deref().and_then(|q| Address::any(q.trim(), &m.rules.phone));
    let rows = tx.list_conversations(caller, filter, q_address.as_ref(), page).await?;
    let next = rows.next;
    let data = compose_conversations(&mut tx, caller, rows.data).await?;
    Ok(Page { data, next })
}

/// One conversation, or the one in which it is shown.
pub async fn find_conversation(m: &Messaging, caller: &Caller, id: ConversationId) -> Result<Option<Conversation>> {
    show_conversation(&mut m.store.read().await?, caller, id).await
}

/// One conversation as this unit of work has left it.
pub(super) async fn show_conversation(
    tx: &mut Tx,
    caller: &Caller,
    id: ConversationId,
) -> Result<Option<Conversation>> {
    let Some(row) = tx.find_conversation(caller, id).await? else { return Ok(None) };
    Ok(compose_conversations(tx, caller, vec![row]).await?.pop())
}

/// The messages of a conversation by `(timestamp, id)`; nothing when there is no such conversation. In a chat what the
/// caller had not fetched before is delivered to them now.
pub async fn list_messages(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    order: Order,
    page: PageRequest,
) -> Result<Option<Page<Message>>> {
    let mut tx = m.store.read().await?;
    let Some(view) = tx.view(caller, conversation).await? else { return Ok(None) };
    let rows = tx.list_thread(caller.workspace, &view, order, page).await?;
    let shown = show(&mut tx, caller, rows.data).await?;
    drop(tx);
    note_delivered(m, caller, &shown.waiting).await;
    Ok(Some(Page { data: shown.messages, next: rows.next }))
}

/// One message of a conversation. In a chat it is delivered to the caller now, if it was not before.
pub async fn find_message(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    message: MessageId,
) -> Result<Option<Message>> {
    let mut tx = m.store.read().await?;
    let Some(view) = tx.view(caller, conversation).await? else { return Ok(None) };
    let Some(row) = tx.find_message(caller.workspace, &view, message).await? else { return Ok(None) };
    let mut shown = show_one(&mut tx, caller, row).await?;
    drop(tx);
    note_delivered(m, caller, &shown.waiting).await;
    Ok(shown.messages.pop())
}

/// Everything that happened to a message, oldest first.
pub async fn find_timeline(
    m: &Messaging,
    caller: &Caller,
    conversation: ConversationId,
    message: MessageId,
) -> Result<Option<Vec<TimelineEntry>>> {
    let mut tx = m.store.read().await?;
    let workspace = caller.workspace;
    let Some(view) = tx.view(caller, conversation).await? else { return Ok(None) };
    let Some(row) = tx.find_message(workspace, &view, message).await? else { return Ok(None) };
    let recipients = tx.load_recipients(workspace, &[message]).await?;
    let addresses = tx.load_addresses(workspace, &recipients.iter().map(|r| r.address_id).collect::<Vec<_>>()).await?;
    let mut entries = vec![TimelineEntry::Accepted { at: row.created_at }];
    for attempt in tx.list_attempts(workspace, message).await? {
        entries.push(TimelineEntry::Attempt {
            at: attempt.started_at,
            number: attempt.number,
            provider: attempt.provider,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            outcome: attempt.outcome,
            reference: attempt.reference,
            reason: attempt.reason,
            possible_duplicate: attempt.possible_duplicate,
        });
    }
    for entry in tx.list_history(workspace, message).await? {
        let (at, data) = (entry.at, named_recipient(entry.data.0, &recipients, &addresses));
        entries.push(match entry.kind.as_str() {
            "callback" => TimelineEntry::Callback { at, data },
            "lookup" => TimelineEntry::Lookup { at, data },
            "status" => TimelineEntry::Status { at, data },
            "webhook" => TimelineEntry::Webhook { at, data },
            _ => TimelineEntry::Note { at, data },
        });
    }
    entries.sort_by_key(TimelineEntry::at);
    Ok(Some(entries))
}

/// Puts the address in the place of a recipient's position, which is all that is stored.
fn named_recipient(mut data: Value, recipients: &[RecipientRow], addresses: &HashMap<AddressId, Address>) -> Value {
    let position = data.get("recipient").and_then(Value::as_i64);
    let found = position.and_then(|position| recipients.iter().find(|row| row.position == position));
    if let (Some(address), Some(fields)) = (found.and_then(|row| addresses.get(&row.address_id)), data.as_object_mut())
    {
        fields.insert("recipient".to_owned(), Value::from(address.as_str()));
    }
    data
}

/// Messages whose time ran out, newest first.
pub async fn list_dead_letters(m: &Messaging, workspace: WorkspaceId, page: PageRequest) -> Result<Page<Message>> {
    let mut tx = m.store.read().await?;
    let rows = tx.list_dead(workspace, page).await?;
    compose_page(&mut tx, workspace, rows).await
}

/// What is in quarantine, newest first.
pub async fn list_quarantine(m: &Messaging, workspace: WorkspaceId, page: PageRequest) -> Result<Page<Quarantined>> {
    let mut tx = m.store.read().await?;
    Ok(tx.list_quarantined(workspace, page).await?.map(Quarantined::from))
}

/// One body in quarantine.
pub async fn find_quarantined(m: &Messaging, workspace: WorkspaceId, id: QuarantineId) -> Result<Option<Quarantined>> {
    let mut tx = m.store.read().await?;
    Ok(tx.find_quarantined(workspace, id).await?.map(Quarantined::from))
}

/// Lets a body go, for somebody who did `action` to it; false when it was gone already.
pub async fn release_quarantined(m: &Messaging, caller: Caller, id: QuarantineId, action: &str) -> Result<bool> {
    let mut tx = m.store.begin().await?;
    let was_there = tx.delete_quarantined(caller.workspace, id).await?;
    if was_there {
        let (actor, target) = (caller.who.to_string(), format!("quarantined:{id}"));
        tx.audit(caller.workspace, &actor, action, &target, Value::Object(Map::new()), m.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(was_there)
}

/// Every outbound text, newest first by `(timestamp, id)`.
pub async fn list_sent_texts(m: &Messaging, workspace: WorkspaceId, page: PageRequest) -> Result<Page<Message>> {
    let mut tx = m.store.read().await?;
    let rows = tx.list_sent_texts(workspace, page).await?;
    compose_page(&mut tx, workspace, rows).await
}

/// Every text from or to a phone; nothing when it never took part in one. The newest come on the first page, each page
/// in ascending order.
pub async fn list_phone_history(
    m: &Messaging,
    workspace: WorkspaceId,
    phone: &Address,
    page: PageRequest,
) -> Result<Option<Page<Message>>> {
    let mut tx = m.store.read().await?;
    let Some(address) = tx.find_address(workspace, phone).await? else { return Ok(None) };
    let rows = tx.list_texts_of(workspace, address, page).await?;
    if rows.data.is_empty() && page.after.is_none() {
        return Ok(None);
    }
    let mut texts = compose_page(&mut tx, workspace, rows).await?;
    texts.data.reverse();
    Ok(Some(texts))
}

impl From<QuarantinedRow> for Quarantined {
    fn from(row: QuarantinedRow) -> Self {
        let raw = String::from_utf8_lossy(&row.raw).into_owned();
        Self { id: row.id, received_at: row.received_at, path: row.path, reason: row.reason, raw, bytes: row.raw }
    }
}

async fn compose_page(tx: &mut Tx, workspace: WorkspaceId, page: Page<MessageRow>) -> Result<Page<Message>> {
    let next = page.next;
    Ok(Page { data: load_composed(tx, workspace, page.data).await?, next })
}

/// Messages as they are shown, in the order of their rows.
pub(super) async fn load_composed(tx: &mut Tx, workspace: WorkspaceId, rows: Vec<MessageRow>) -> Result<Vec<Message>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<MessageId> = rows.iter().map(|row| row.id).collect();
    let mut content = tx.load_content(workspace, &ids).await?;
    content.authors = tx.load_usernames(rows.iter().filter_map(|row| row.author_id)).await?;
    let senders = rows.iter().flat_map(|row| row.from_id.into_iter().chain(row.reply_to_id));
    let wanted: BTreeSet<AddressId> = senders.chain(content.recipients.iter().map(|row| row.address_id)).collect();
    let addresses = tx.load_addresses(workspace, &wanted.into_iter().collect::<Vec<_>>()).await?;
    Ok(compose(rows, content, &addresses))
}

/// Puts rows together, in their order.
pub(super) fn compose(
    rows: Vec<MessageRow>,
    content: MessageContent,
    addresses: &HashMap<AddressId, Address>,
) -> Vec<Message> {
    let mut recipients: HashMap<MessageId, Vec<RecipientRow>> = HashMap::new();
    for row in content.recipients {
        recipients.entry(row.message_id).or_default().push(row);
    }
    let mut attachments: HashMap<MessageId, Vec<AttachmentRow>> = HashMap::new();
    for row in content.attachments {
        attachments.entry(row.message_id).or_default().push(row);
    }
    let text = |id: AddressId| addresses.get(&id).map(|address| address.as_str().to_owned()).unwrap_or_default();
    rows.into_iter()
        .map(|row| {
            let recipients = recipients.remove(&row.id).unwrap_or_default();
            let attachments = attachments.remove(&row.id).unwrap_or_default();
            let author = row.author_id.and_then(|author| content.authors.get(&author).cloned());
            compose_one(row, &recipients, (attachments, author), text)
        })
        .collect()
}

fn compose_one(
    row: MessageRow,
    recipients: &[RecipientRow],
    (attachments, author): (Vec<AttachmentRow>, Option<String>),
    text: impl Fn(AddressId) -> String,
) -> Message {
    let of_kind = |kind: RecipientKind| {
        recipients.iter().filter(|row| row.kind == kind).map(|row| text(row.address_id)).collect::<Vec<_>>()
    };
    let (to, cc) = (of_kind(RecipientKind::To), of_kind(RecipientKind::Cc));
    let said = Said::of(&row, &attachments);
    let segments = row.segment_count.zip(row.segment_encoding);
    let status = row.status;
    let recipient = |row: &RecipientRow| Recipient {
        address: text(row.address_id),
        kind: row.kind,
        status: row.status.unwrap_or(status),
    };
    Message {
        id: row.id,
        conversation_id: row.conversation_id,
        direction: row.direction,
        channel: row.channel,
        from: row.from_id.map(&text).unwrap_or_default(),
        author,
        to: OneOrMany::of(to),
        cc,
        reply_to: row.reply_to_id.map(&text),
        subject: row.subject,
        text: said.text,
        html: said.html,
        new_text: said.new_text,
        body: row.body,
        attachments: attachments.into_iter().map(|attached| attached.url).collect(),
        segments: segments.map(|(count, encoding)| SegmentSummary { count, encoding }),
        status,
        status_reason: row.status_reason,
        is_final: row.is_final,
        possible_duplicate: row.possible_duplicate,
        policy: row.policy,
        recipients: recipients.iter().map(recipient).collect(),
        receipts: None,
        timestamp: row.occurred_at,
        scheduled_at: row.scheduled_at,
        deliver_by: row.deliver_by,
        next_attempt_at: row.next_attempt_at.filter(|_| matches!(status, Status::Queued | Status::Scheduled)),
        reactions: Vec::new(),
        edited_at: row.edited_at,
        deleted_at: row.deleted_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// Conversations as the caller sees them, in the order of their rows.
pub(super) async fn compose_conversations(
    tx: &mut Tx,
    caller: &Caller,
    rows: Vec<ConversationRow>,
) -> Result<Vec<Conversation>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let workspace = caller.workspace;
    let chats = Chats::load(tx, caller, &rows).await?;
    let ids: Vec<ConversationId> = rows.iter().map(|row| row.id).collect();
    let joined = tx.list_participants(workspace, &ids).await?;
    let senders = rows.iter().filter_map(|row| row.last_from_id);
    let wanted: BTreeSet<AddressId> = joined.iter().map(|(_, address)| *address).chain(senders).collect();
    let addresses = tx.load_addresses(workspace, &wanted.into_iter().collect::<Vec<_>>()).await?;
    let text = |id: AddressId| addresses.get(&id).map(|address| address.as_str().to_owned()).unwrap_or_default();
    let mut participants: HashMap<ConversationId, Vec<String>> = HashMap::new();
    for (conversation, address) in joined {
        participants.entry(conversation).or_default().push(text(address));
    }
    let contacts = load_contact_names(tx, workspace, rows.iter().filter_map(|row| row.contact_id)).await?;
    let compose = |row: ConversationRow| {
        let mut participants = participants.remove(&row.id).unwrap_or_default();
        participants.sort();
        Conversation {
            id: row.id,
            kind: row.kind,
            name: row.name.clone(),
            is_request: (row.joined_at.is_some() && row.accepted_at.is_none()).then_some(true),
            state: None,
            snoozed_until: None,
            assignee: None,
            labels: Vec::new(),
            contact: row.contact_id.and_then(|id| contacts.get(&id).cloned()),
            joined_to: row.joined_to,
            participants,
            channels: Channel::of_bits(row.channels),
            message_count: row.message_count - row.hidden_count.unwrap_or(0),
            unread_count: row.own_unread_count.unwrap_or(row.unread_count),
            created_at: row.created_at,
            updated_at: row.activity_at,
            last_message: last_message(row, text),
        }
    };
    let benches = rows.iter().map(bench_of).collect();
    let composed = rows.into_iter().map(compose);
    let mut conversations: Vec<Conversation> = composed.map(|conversation| chats.dress(conversation)).collect();
    add_benches(tx, workspace, benches, &mut conversations).await?;
    Ok(conversations)
}

fn last_message(row: ConversationRow, text: impl Fn(AddressId) -> String) -> Option<LastMessage> {
    Some(LastMessage {
        id: row.last_message_id.filter(|id| row.first_message_id.is_none_or(|first| *id >= first))?,
        direction: row.last_direction?,
        channel: row.last_channel?,
        from: row.last_from_id.map(text).unwrap_or_default(),
        subject: row.last_subject,
        body: row.last_body?,
        status: row.last_status?,
        timestamp: row.last_occurred_at?,
    })
}
