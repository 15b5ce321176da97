//! Storing a set of drafts as messages of their conversations: the one way in, for both directions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::domain::{
    Address, AddressId, ConversationId, Direction, Draft, EventKind, FileId, Message, MessageId, Policy, RecipientKind,
    Segments, Status, Timestamp, UserId, WorkspaceId,
};
use crate::store::{
    Accepted, AttachmentRow, Error, MessageContent, MessageRow, NewAttachment, NewEvent, NewMessage, NewRecipient,
    NewWork, Place, RecipientRow, Result, Thread, Tx,
};

use super::Way;
use super::read::compose;

/// A draft that becomes a message.
pub(super) struct Entry {
    pub(super) id: MessageId,
    pub(super) direction: Direction,
    pub(super) draft: Draft,
    /// The uploads among its attachments, each in its place; empty when there are none.
    pub(super) files: Vec<Option<FileId>>,
    /// By what a mail's HTML names its attachments, each in its place; empty when it names none.
    pub(super) content_ids: Vec<Option<String>>,
    /// The conversation it goes on; absent: that of its participants.
    pub(super) conversation: Option<ConversationId>,
    /// The person who wrote it, where one did.
    pub(super) author: Option<UserId>,
    pub(super) segments: Option<Segments>,
    pub(super) status: Status,
    pub(super) deliver_by: Option<Timestamp>,
    /// What carries it, when it goes out.
    pub(super) ride: Option<Ride>,
}

/// How a message is carried.
pub(super) struct Ride {
    pub(super) way: Way,
    pub(super) lane: i64,
    /// Not before then.
    pub(super) due_at: Timestamp,
    /// Not after then.
    pub(super) deadline: Timestamp,
}

impl Entry {
    fn is_inbound(&self) -> bool {
        self.direction == Direction::Inbound
    }

    fn work(&self, place: Place) -> Option<NewWork> {
        let ride = self.ride.as_ref()?;
        Some(NewWork {
            message: self.id,
            conversation: place.id,
            provider: ride.way.provider.clone(),
            route: ride.way.route.clone(),
            lane: ride.lane,
            due_at: ride.due_at,
            deadline: ride.deadline,
            may_duplicate: false,
        })
    }

    fn policy(&self) -> Option<Policy> {
        (!self.is_inbound()).then_some(self.draft.policy)
    }

    fn attachments(&self) -> impl Iterator<Item = NewAttachment<'_>> {
        self.draft.attachments.iter().enumerate().map(|(position, url)| NewAttachment {
            message: self.id,
            position,
            url,
            file: self.files.get(position).copied().flatten(),
            content_id: self.content_ids.get(position).and_then(Option::as_deref),
        })
    }

    /// Everybody it goes to, each once.
    fn recipients(&self) -> Vec<(RecipientKind, &Address)> {
        let to = self.draft.to.iter().map(|address| (RecipientKind::To, address));
        let cc = self.draft.cc.iter().map(|address| (RecipientKind::Cc, address));
        let mut seen = HashSet::new();
        to.chain(cc).filter(|(_, address)| seen.insert(*address)).collect()
    }
}

/// Stores messages with their addresses, conversations, recipients and attachments, leaves what goes out to be carried, and
/// records an event for each.
///
/// Gives the messages in the order they came, and where each stands.
pub(super) async fn store_entries(
    tx: &mut Tx,
    workspace: WorkspaceId,
    entries: &[Entry],
    now: Timestamp,
) -> Result<(Vec<Message>, Vec<Place>)> {
    let addresses = ensure_addresses(tx, workspace, entries, now).await?;
    let places = find_places(tx, workspace, (entries, &addresses), now).await?;

    let mut messages = Vec::with_capacity(entries.len());
    let mut recipients = Vec::with_capacity(entries.len());
    let mut attachments = Vec::new();
    let mut work = Vec::with_capacity(entries.len());
    let mut threads: BTreeMap<i64, Thread> = BTreeMap::new();
    for (entry, place) in entries.iter().zip(&places) {
        count(&mut threads, entry, *place);
        messages.push(new_message(entry, place.id, &addresses, now));
        recipients.extend(new_recipients(entry, &addresses));
        attachments.extend(entry.attachments());
        work.extend(entry.work(*place));
    }
    let threads: Vec<Thread> = threads.into_values().collect();
    let accepted = Accepted { messages: &messages, recipients: &recipients, threads: &threads, work: &work };
    tx.store_accepted(workspace, &accepted, now).await?;
    tx.insert_attachments(workspace, &attachments).await?;
    for (message, place) in messages.iter().zip(&places) {
        let kind = match message.direction {
            Direction::Inbound => EventKind::MessageReceived,
            Direction::Outbound => EventKind::MessageAccepted,
        };
        let event = NewEvent::of_conversation(workspace, kind, place.shown, now);
        tx.record(event.of_message(message.id, message.status));
    }
    let authors = tx.load_usernames(messages.iter().filter_map(|message| message.author)).await?;
    let rows = messages.into_iter().zip(&places).map(|(message, place)| stored(message, *place, now)).collect();
    Ok((compose_new(entries, rows, (&recipients, authors), addresses), places))
}

/// Counts a message into the conversation of its participants, and into the one in which that is shown.
fn count(threads: &mut BTreeMap<i64, Thread>, entry: &Entry, place: Place) {
    let both = [place.id, place.shown];
    for id in &both[..if place.id == place.shown { 1 } else { 2 }] {
        let new = Thread { id: *id, channels: 0, messages: 0, unread: 0, last: entry.id, place };
        let thread = threads.entry(id.0).or_insert(new);
        thread.channels |= entry.draft.channel.bit();
        thread.messages += 1;
        thread.unread += i64::from(entry.is_inbound());
        if thread.last <= entry.id {
            (thread.last, thread.place) = (entry.id, place);
        }
    }
}

/// Where each entry stands: in the conversation it goes on, or in that of its participants.
async fn find_places(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (entries, addresses): (&[Entry], &HashMap<Address, AddressId>),
    now: Timestamp,
) -> Result<Vec<Place>> {
    let participants = |entry: &Entry| -> BTreeSet<AddressId> {
        let others = entry.draft.recipients().filter_map(|address| addresses.get(address));
        others.chain(addresses.get(&entry.draft.from)).copied().collect()
    };
    let sets: Vec<_> = entries.iter().filter(|entry| entry.conversation.is_none()).map(participants).collect();
    let mut ensured = tx.ensure_conversations(workspace, &sets, now).await?.into_iter();
    let named: BTreeSet<ConversationId> = entries.iter().filter_map(|entry| entry.conversation).collect();
    let named = tx.hold_places(workspace, &named).await?;
    let place = |entry: &Entry| match entry.conversation {
        Some(id) => named.get(&id).copied(),
        None => ensured.next(),
    };
    let places: Vec<Place> = entries.iter().filter_map(place).collect();
    if places.len() == entries.len() { Ok(places) } else { Err(Error::Corrupt("no row for a conversation")) }
}

async fn ensure_addresses(
    tx: &mut Tx,
    workspace: WorkspaceId,
    entries: &[Entry],
    now: Timestamp,
) -> Result<HashMap<Address, AddressId>> {
    let of_entry = |entry: &Entry| {
        let draft = &entry.draft;
        let all = std::iter::once(&draft.from).chain(draft.recipients()).chain(&draft.reply_to);
        all.cloned().collect::<Vec<_>>()
    };
    let mut addresses: Vec<Address> = entries.iter().flat_map(of_entry).collect();
    addresses.sort();
    addresses.dedup();
    tx.ensure_addresses(workspace, &addresses, now).await
}

pub(super) fn new_message(
    entry: &Entry,
    conversation: ConversationId,
    addresses: &HashMap<Address, AddressId>,
    now: Timestamp,
) -> NewMessage {
    let draft = &entry.draft;
    NewMessage {
        id: entry.id,
        conversation,
        direction: entry.direction,
        channel: draft.channel,
        from: Some(addresses[&draft.from]),
        author: entry.author,
        recipient: None,
        reply_to: draft.reply_to.as_ref().map(|address| addresses[address]),
        subject: draft.subject.clone(),
        body: draft.body.clone(),
        segments: entry.segments.map(|segments| segments.count),
        encoding: entry.segments.map(|segments| segments.encoding),
        status: entry.status,
        is_final: entry.is_inbound(),
        policy: entry.policy(),
        occurred_at: draft.timestamp.unwrap_or(now),
        scheduled_at: draft.scheduled_at,
        deliver_by: entry.deliver_by,
    }
}

pub(super) fn new_recipients(entry: &Entry, addresses: &HashMap<Address, AddressId>) -> Vec<NewRecipient> {
    let recipient = |(position, (kind, address)): (usize, (RecipientKind, &Address))| NewRecipient {
        message: entry.id,
        position,
        kind,
        address: addresses[address],
    };
    entry.recipients().into_iter().enumerate().map(recipient).collect()
}

/// Shows what was just stored without reading it again.
pub(super) fn compose_new(
    entries: &[Entry],
    rows: Vec<MessageRow>,
    (recipients, authors): (&[NewRecipient], HashMap<UserId, String>),
    addresses: HashMap<Address, AddressId>,
) -> Vec<Message> {
    let recipients = recipients
        .iter()
        .map(|recipient| RecipientRow {
            message_id: recipient.message,
            position: i64::try_from(recipient.position).unwrap_or(i64::MAX),
            kind: recipient.kind,
            address_id: recipient.address,
            status: None,
            status_at: None,
            status_reason: None,
        })
        .collect();
    let attachments = entries.iter().flat_map(Entry::attachments).map(|new| AttachmentRow {
        message_id: new.message,
        url: new.url.to_owned(),
        file_id: new.file,
        content_id: new.content_id.map(str::to_owned),
    });
    let content = MessageContent { recipients, attachments: attachments.collect(), authors };
    let addresses = addresses.into_iter().map(|(address, id)| (id, address)).collect();
    compose(rows, content, &addresses)
}

pub(super) fn stored(message: NewMessage, place: Place, now: Timestamp) -> MessageRow {
    MessageRow {
        id: message.id,
        own_conversation_id: place.id,
        conversation_id: place.shown,
        direction: message.direction,
        channel: message.channel,
        from_id: message.from,
        author_id: message.author,
        reply_to_id: message.reply_to,
        subject: message.subject,
        body: message.body,
        segment_count: message.segments,
        segment_encoding: message.encoding,
        status: message.status,
        status_reason: None,
        is_final: message.is_final,
        possible_duplicate: false,
        policy: message.policy,
        generation: 0,
        occurred_at: message.occurred_at,
        scheduled_at: message.scheduled_at,
        deliver_by: message.deliver_by,
        edited_at: None,
        deleted_at: None,
        created_at: now,
        updated_at: now,
        next_attempt_at: (message.direction == Direction::Outbound).then_some(message.scheduled_at.unwrap_or(now)),
    }
}
