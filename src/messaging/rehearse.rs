//! What a send would be answered with: the same checks and the same message, with nothing stored.

use std::collections::HashMap;

use super::accept::{Entry, compose_new, new_message, new_recipients, stored};
use super::send::{SendError, Sent, checked, only};
use super::{Messaging, default_span};
use crate::domain::{
    Address, AddressId, Caller, ConversationId, Direction, Draft, Message, MessageId, Status, Timestamp,
};
use crate::store::Place;

/// Checks a draft as [`send`](super::send()) does, and gives the message that it would become; its ids are 0. What takes
/// the database is left out: whose its uploads are, and how much its sender has sent.
///
/// # Errors
///
/// None that a draft can bring about.
pub fn rehearse(m: &Messaging, caller: &Caller, draft: Draft) -> Result<Sent, SendError> {
    let now = m.clock.now();
    let draft = match checked(m, caller, draft, now) {
        Ok(draft) => draft,
        Err(refusal) => return Ok(Sent::Refused(refusal)),
    };
    let shown = show(&entry(caller, draft, now), now);
    only(shown.into_iter().map(|message| Sent::Accepted(Box::new(message))).collect())
}

fn entry(caller: &Caller, draft: Draft, now: Timestamp) -> Entry {
    let start = draft.scheduled_at.unwrap_or(now);
    Entry {
        id: MessageId(0),
        direction: Direction::Outbound,
        segments: draft.segments(),
        status: if draft.scheduled_at.is_some() { Status::Scheduled } else { Status::Queued },
        deliver_by: Some(draft.deliver_by.unwrap_or(start + default_span(draft.channel))),
        author: caller.user(),
        draft,
        files: Vec::new(),
        content_ids: Vec::new(),
        conversation: None,
        ride: None,
    }
}

fn show(entry: &Entry, now: Timestamp) -> Vec<Message> {
    let draft = &entry.draft;
    let all = std::iter::once(&draft.from).chain(draft.recipients()).chain(&draft.reply_to);
    let addresses: HashMap<Address, AddressId> = all.cloned().zip((1..).map(AddressId)).collect();
    let place = Place::alone(ConversationId(0));
    let row = stored(new_message(entry, place.id, &addresses, now), place, now);
    let recipients = new_recipients(entry, &addresses);
    compose_new(std::slice::from_ref(entry), vec![row], (&recipients, HashMap::new()), addresses)
}
