//! Showing chats: authors and members by their usernames, what has reached whom, reactions. Everything is loaded in
//! sets, however many messages or conversations there are.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{
    Caller, Channel, Conversation, ConversationId, ConversationKind, Direction, Message, MessageId, OneOrMany,
    Reaction, Recipient, RecipientKind, Status, UserId,
};
use crate::messaging::read::load_composed;
use crate::store::{ConversationRow, MessageRow, ReactionRow, ReceiptCounts, ReceiptRow, Result, Tx};

/// Messages as somebody sees them, and those of them that were not delivered to that person before.
pub(in crate::messaging) struct Shown {
    pub(in crate::messaging) messages: Vec<Message>,
    pub(in crate::messaging) waiting: Vec<MessageId>,
}

/// Messages as the caller sees them, in the order of their rows.
pub(in crate::messaging) async fn show(tx: &mut Tx, caller: &Caller, rows: Vec<MessageRow>) -> Result<Shown> {
    let chats = rows.iter().filter(|row| row.channel == Channel::Chat);
    let authors: HashMap<MessageId, UserId> = chats.filter_map(|row| Some((row.id, row.author_id?))).collect();
    let mut messages = load_composed(tx, caller.workspace, rows).await?;
    if authors.is_empty() {
        return Ok(Shown { messages, waiting: Vec::new() });
    }
    let ids: Vec<MessageId> = authors.keys().copied().collect();
    let receipts = tx.load_receipts(caller.workspace, &ids).await?;
    let reactions = tx.load_reactions(caller.workspace, &ids).await?;
    let of_receipts = receipts.iter().map(|row| row.user_id);
    let wanted = of_receipts.chain(reactions.iter().map(|row| row.user_id)).chain(authors.values().copied()).collect();
    let names = usernames(tx, wanted).await?;
    let is_waiting = |row: &&ReceiptRow| Some(row.user_id) == caller.user() && row.delivered_at.is_none();
    let waiting = receipts.iter().filter(is_waiting).map(|row| row.message_id).collect();
    let (mut receipts, mut reactions) =
        (by_message(receipts, |row| row.message_id), by_message(reactions, |row| row.message_id));
    for message in &mut messages {
        let Some(author) = authors.get(&message.id) else { continue };
        message.from = name_of(&names, *author);
        message.direction = direction(caller, *author);
        dress(message, &receipts.remove(&message.id).unwrap_or_default(), &names);
        message.reactions = summed(reactions.remove(&message.id).unwrap_or_default(), &names);
    }
    Ok(Shown { messages, waiting })
}

fn dress(message: &mut Message, receipts: &[ReceiptRow], names: &HashMap<UserId, String>) {
    let recipient = |row: &ReceiptRow| Recipient {
        address: name_of(names, row.user_id),
        kind: RecipientKind::To,
        status: status(row.delivered_at.is_some(), row.read_at.is_some()),
    };
    message.recipients = receipts.iter().map(recipient).collect();
    message.to = OneOrMany::of(message.recipients.iter().map(|recipient| recipient.address.clone()).collect());
    let least = message.recipients.iter().map(|recipient| recipient.status).min_by_key(|status| status.rank());
    message.status = least.unwrap_or(Status::Accepted);
}

fn status(is_delivered: bool, is_read: bool) -> Status {
    match (is_delivered, is_read) {
        (_, true) => Status::Read,
        (true, false) => Status::Delivered,
        (false, false) => Status::Accepted,
    }
}

/// Which way it went, as seen by whoever asks; to somebody who takes no part everything went out.
fn direction(caller: &Caller, author: UserId) -> Direction {
    if caller.user().is_none_or(|user| user == author) { Direction::Outbound } else { Direction::Inbound }
}

/// The emojis of one message in the order in which each came first.
fn summed(rows: Vec<ReactionRow>, names: &HashMap<UserId, String>) -> Vec<Reaction> {
    let mut reactions: Vec<Reaction> = Vec::new();
    for row in rows {
        let name = name_of(names, row.user_id);
        match reactions.iter_mut().find(|reaction| reaction.emoji == row.emoji) {
            Some(reaction) => {
                reaction.user_names.push(name);
                reaction.count += 1;
            }
            None => reactions.push(Reaction { emoji: row.emoji, user_names: vec![name], count: 1 }),
        }
    }
    reactions
}

fn by_message<T>(rows: Vec<T>, message: impl Fn(&T) -> MessageId) -> HashMap<MessageId, Vec<T>> {
    let mut grouped: HashMap<MessageId, Vec<T>> = HashMap::new();
    for row in rows {
        grouped.entry(message(&row)).or_default().push(row);
    }
    grouped
}

pub(super) async fn usernames(tx: &mut Tx, users: BTreeSet<UserId>) -> Result<HashMap<UserId, String>> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(tx.load_usernames(&users.into_iter().collect::<Vec<_>>()).await?.into_iter().collect())
}

pub(super) fn name_of(names: &HashMap<UserId, String>, user: UserId) -> String {
    names.get(&user).cloned().unwrap_or_default()
}

/// What the conversations of people among some rows need to be shown.
pub(in crate::messaging) struct Chats {
    caller: Caller,
    members: HashMap<ConversationId, Vec<String>>,
    authors: HashMap<MessageId, (UserId, String)>,
    counts: HashMap<MessageId, ReceiptCounts>,
}

impl Chats {
    /// Loads what the rows need; numbers need nothing.
    pub(in crate::messaging) async fn load(tx: &mut Tx, caller: &Caller, rows: &[ConversationRow]) -> Result<Self> {
        let chats: Vec<&ConversationRow> = rows.iter().filter(|row| row.kind != ConversationKind::Numbers).collect();
        let ids: Vec<ConversationId> = chats.iter().map(|row| row.id).collect();
        let authors: HashMap<MessageId, UserId> =
            chats.iter().filter_map(|row| Some((row.last_message_id?, row.last_author_id?))).collect();
        let (mut joined, mut counts) = (Vec::new(), Vec::new());
        if !ids.is_empty() {
            joined = tx.load_members(caller.workspace, &ids).await?;
            let last: Vec<MessageId> = authors.keys().copied().collect();
            counts = tx.count_receipts(caller.workspace, &last).await?;
        }
        let wanted = joined.iter().map(|(_, user)| *user).chain(authors.values().copied()).collect();
        let names = usernames(tx, wanted).await?;
        let mut members: HashMap<ConversationId, Vec<String>> = HashMap::new();
        for (conversation, user) in joined {
            members.entry(conversation).or_default().push(name_of(&names, user));
        }
        for names in members.values_mut() {
            names.sort();
        }
        let authors = authors.into_iter().map(|(id, user)| (id, (user, name_of(&names, user)))).collect();
        let counts = counts.into_iter().map(|counts| (counts.message_id, counts)).collect();
        Ok(Self { caller: *caller, members, authors, counts })
    }

    /// Fills in what only a conversation of people has.
    pub(in crate::messaging) fn dress(&self, mut conversation: Conversation) -> Conversation {
        if conversation.kind == ConversationKind::Numbers {
            return conversation;
        }
        conversation.participants = self.members.get(&conversation.id).cloned().unwrap_or_default();
        if let Some(last) = &mut conversation.last_message {
            if let Some((author, name)) = self.authors.get(&last.id) {
                last.from.clone_from(name);
                last.direction = direction(&self.caller, *author);
            }
            if let Some(counts) = self.counts.get(&last.id) {
                last.status = status(counts.delivered == counts.sent, counts.read == counts.sent);
            }
        }
        conversation
    }
}
