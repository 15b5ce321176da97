//! Showing chats: authors and members by their usernames, what has reached whom, reactions. Everything is loaded in
//! sets, however many messages or conversations there are.

use std::collections::HashMap;

use crate::domain::{
    Caller, Channel, Conversation, ConversationId, ConversationKind, Direction, Message, MessageId, OneOrMany,
    Reaction, ReceiptTotals, Recipient, RecipientKind, Status, UserId,
};
use crate::messaging::read::load_composed;
use crate::store::{ConversationRow, MessageRow, ReactionRow, ReceiptCounts, ReceiptRow, Result, Tx};

/// Messages as somebody sees them, and those of them that were not delivered to that person before.
pub(in crate::messaging) struct Shown {
    pub(in crate::messaging) messages: Vec<Message>,
    pub(in crate::messaging) waiting: Vec<MessageId>,
}

/// How many people a message of a chat may go to, and be listed with each of them.
const MOST_NAMED: i64 = 20;

/// Messages of a list as the caller sees them, in the order of their rows. One that goes to many is without its
/// recipients: a page of a large group would else hold each of its people for each message.
pub(in crate::messaging) async fn show(tx: &mut Tx, caller: &Caller, rows: Vec<MessageRow>) -> Result<Shown> {
    show_all(tx, caller, rows, MOST_NAMED).await
}

/// One message as the caller sees it, with everybody it goes to.
pub(in crate::messaging) async fn show_one(tx: &mut Tx, caller: &Caller, row: MessageRow) -> Result<Shown> {
    show_all(tx, caller, vec![row], i64::MAX).await
}

async fn show_all(tx: &mut Tx, caller: &Caller, rows: Vec<MessageRow>, most_named: i64) -> Result<Shown> {
    let workspace = caller.workspace;
    let chats = rows.iter().filter(|row| row.channel == Channel::Chat);
    let authors: HashMap<MessageId, UserId> = chats.filter_map(|row| Some((row.id, row.author_id?))).collect();
    let mut messages = load_composed(tx, workspace, rows).await?;
    if authors.is_empty() {
        return Ok(Shown { messages, waiting: Vec::new() });
    }
    let ids: Vec<MessageId> = authors.keys().copied().collect();
    let waiting = match caller.user() {
        Some(user) => tx.list_waiting_receipts(workspace, user, &ids).await?,
        None => Vec::new(),
    };
    let counts: HashMap<MessageId, ReceiptCounts> =
        tx.count_receipts(workspace, &ids).await?.into_iter().map(|counts| (counts.message_id, counts)).collect();
    let is_shown = |id: &MessageId| counts.get(id).is_some_and(|counts| counts.sent <= most_named);
    let receipts = tx.load_receipts(workspace, &ids.iter().copied().filter(is_shown).collect::<Vec<_>>()).await?;
    let reactions = tx.load_reactions(workspace, &ids).await?;
    let of_receipts = receipts.iter().map(|row| row.user_id);
    let wanted = of_receipts.chain(reactions.iter().map(|row| row.user_id)).chain(authors.values().copied());
    let names = tx.load_usernames(wanted).await?;
    let (mut receipts, mut reactions) =
        (by_message(receipts, |row| row.message_id), by_message(reactions, |row| row.message_id));
    for message in &mut messages {
        let Some(author) = authors.get(&message.id) else { continue };
        message.from = name_of(&names, *author);
        message.direction = direction(caller, *author);
        let counts = counts.get(&message.id);
        message.receipts = counts.filter(|counts| counts.sent > MOST_NAMED).map(summary);
        dress(message, counts, &receipts.remove(&message.id).unwrap_or_default(), &names);
        message.reactions = summed(reactions.remove(&message.id).unwrap_or_default(), &names);
    }
    Ok(Shown { messages, waiting })
}

fn summary(counts: &ReceiptCounts) -> ReceiptTotals {
    ReceiptTotals { sent: counts.sent, delivered: counts.delivered, read: counts.read }
}

fn dress(
    message: &mut Message,
    counts: Option<&ReceiptCounts>,
    receipts: &[ReceiptRow],
    names: &HashMap<UserId, String>,
) {
    let recipient = |row: &ReceiptRow| Recipient {
        address: name_of(names, row.user_id),
        kind: RecipientKind::To,
        status: status(row.delivered_at.is_some(), row.read_at.is_some()),
    };
    message.recipients = receipts.iter().map(recipient).collect();
    message.to = OneOrMany::of(message.recipients.iter().map(|recipient| recipient.address.clone()).collect());
    message.status = counts.map_or(Status::Accepted, of_counts);
}

/// The least advanced of all.
fn of_counts(counts: &ReceiptCounts) -> Status {
    status(counts.delivered == counts.sent, counts.read == counts.sent)
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
        let wanted = joined.iter().map(|(_, user)| *user).chain(authors.values().copied());
        let names = tx.load_usernames(wanted).await?;
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
                last.status = of_counts(counts);
            }
        }
        conversation
    }
}
