//! Who may see which events: decided for a batch at once, by the rules of the list of conversations.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::Frame;
use crate::domain::{Caller, ConversationId, ConversationKind, Event, MessageId, Sight, UserId, WorkspaceId};
use crate::fault::is_sabotaged;
use crate::store::{self, SeatRow, ShownPlace, Tx};

/// Events of one workspace, with what decides who sees them.
pub(super) struct Batch {
    /// Whose they are.
    pub(super) workspace: WorkspaceId,
    told: Vec<Told>,
    /// Where people take part.
    chats: Vec<ConversationId>,
    /// Those of whom it is known where they do.
    people: HashSet<UserId>,
    seats: HashMap<(ConversationId, UserId), SeatRow>,
}

struct Told {
    event: Event,
    place: Option<ShownPlace>,
    frame: Frame,
}

impl Batch {
    /// Looks up where the events are.
    pub(super) async fn look_up(tx: &mut Tx, workspace: WorkspaceId, events: Vec<Event>) -> store::Result<Self> {
        let conversations: BTreeSet<ConversationId> = events.iter().filter_map(|event| event.conversation_id).collect();
        let conversations: Vec<ConversationId> = conversations.into_iter().collect();
        let places = tx.load_places(workspace, &conversations).await?;
        let places: HashMap<ConversationId, ShownPlace> = places.into_iter().map(|place| (place.id, place)).collect();
        let is_chat = |place: &&ShownPlace| place.kind != ConversationKind::Numbers;
        let chats = places.values().filter(is_chat).map(|place| place.id).collect();
        let told = events.into_iter().map(|event| {
            let place = event.conversation_id.and_then(|id| places.get(&id)).copied();
            let frame = frame(&event, place, event.data.clone());
            Told { event, place, frame }
        });
        Ok(Self { workspace, told: told.collect(), chats, people: HashSet::new(), seats: HashMap::new() })
    }

    /// Looks up which of those people take part there.
    pub(super) async fn look_up_people(&mut self, tx: &mut Tx, people: HashSet<UserId>) -> store::Result<()> {
        let new: Vec<UserId> = people.iter().copied().collect();
        let seats = tx.load_seats(self.workspace, &self.chats, &new).await?;
        self.seats.extend(seats.into_iter().map(|seat| ((seat.conversation_id, seat.user_id), seat)));
        self.people.extend(people);
        Ok(())
    }

    /// Those of them who were not looked up.
    pub(super) fn unknown_of(&self, people: HashSet<UserId>) -> HashSet<UserId> {
        people.into_iter().filter(|user| !self.people.contains(user)).collect()
    }

    /// What somebody sees of it, in order.
    pub(super) fn seen_by<'a>(&'a self, caller: &'a Caller) -> impl Iterator<Item = Frame> + 'a {
        let sight = caller.sight();
        self.told.iter().filter_map(move |told| self.seen(told, sight))
    }

    fn seen(&self, told: &Told, sight: Sight) -> Option<Frame> {
        let sees_numbers = !matches!(sight, Sight::Person { sees_numbers: false, .. });
        if is_sabotaged("live_sees_all") {
            return Some(told.frame.clone());
        }
        let place = match (told.event.conversation_id, told.place) {
            // Of the workspace as a whole: what only those see who answer its numbers.
            (None, _) => return sees_numbers.then(|| told.frame.clone()),
            (Some(_), None) => return None,
            (Some(_), Some(place)) => place,
        };
        if place.kind == ConversationKind::Numbers {
            return sees_numbers.then(|| told.frame.clone());
        }
        match sight {
            Sight::All => Some(told.frame.clone()),
            Sight::Numbers => None,
            Sight::Person { user, .. } => match self.seats.get(&(place.id, user)) {
                Some(seat) => narrowed(told, seat),
                None => has_left(&told.event, user).then(|| told.frame.clone()),
            },
        }
    }
}

/// What somebody sees who does not see the beginning.
fn narrowed(told: &Told, seat: &SeatRow) -> Option<Frame> {
    let first = seat.first_message_id;
    if told.event.message_id.is_some_and(|message| message < first) {
        return None;
    }
    let Some(messages) = told.event.data.get("message_ids").and_then(Value::as_array) else {
        // who came and went before is theirs as little as what was said
        let is_earlier = first.0 > 0 && told.event.message_id.is_none() && told.event.at < seat.joined_at;
        return (!is_earlier).then(|| told.frame.clone());
    };
    let is_shown = |message: &&Value| message.as_i64().is_some_and(|id| MessageId(id) >= first);
    let shown: Vec<&Value> = messages.iter().filter(is_shown).collect();
    if shown.len() == messages.len() {
        return Some(told.frame.clone());
    }
    if shown.is_empty() {
        return None;
    }
    let mut data = told.event.data.clone();
    data["message_ids"] = json!(shown);
    Some(frame(&told.event, told.place, data))
}

/// Whether the event tells somebody that they take part no more: the last they hear of it.
fn has_left(event: &Event, user: UserId) -> bool {
    let left = event.data.get("left").and_then(Value::as_array);
    left.is_some_and(|left| left.iter().any(|id| id.as_i64() == Some(user.0)))
}

fn frame(event: &Event, place: Option<ShownPlace>, data: Value) -> Frame {
    let mut shown = Map::new();
    if let Some(id) = event.conversation_id {
        let shown_id = place.map_or(id, |place| place.shown_id);
        shown.insert("conversation_id".to_owned(), json!(shown_id));
        if shown_id != id {
            shown.insert("part_id".to_owned(), json!(id));
        }
    }
    if let Some(id) = event.message_id {
        shown.insert("message_id".to_owned(), json!(id));
    }
    if let Value::Object(said) = data {
        shown.extend(said);
    }
    Frame::of(Some(event.id), &json!({ "id": event.id, "type": event.kind, "at": event.at, "data": shown }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EventId, EventKind, Role, Timestamp, Who};

    fn event(id: i64, conversation: Option<i64>, message: Option<i64>, data: Value) -> Event {
        Event {
            id: EventId(id),
            workspace_id: WorkspaceId(1),
            kind: EventKind::MessageAccepted,
            conversation_id: conversation.map(ConversationId),
            message_id: message.map(MessageId),
            data,
            at: Timestamp::from_micros(0),
        }
    }

    fn batch(events: Vec<Event>) -> Batch {
        let place =
            |id: i64, shown: i64, kind| ShownPlace { id: ConversationId(id), shown_id: ConversationId(shown), kind };
        let places = [
            place(1, 9, ConversationKind::Numbers),
            place(2, 2, ConversationKind::Direct),
            place(3, 3, ConversationKind::Group),
        ];
        let seat = |conversation: i64, user: i64, first: i64| SeatRow {
            conversation_id: ConversationId(conversation),
            user_id: UserId(user),
            first_message_id: MessageId(first),
            joined_at: Timestamp::from_micros(0),
            is_accepted: true,
        };
        let told = events.into_iter().map(|event| {
            let place = places.into_iter().find(|place| Some(place.id) == event.conversation_id);
            let frame = frame(&event, place, event.data.clone());
            Told { event, place, frame }
        });
        let seats = [seat(2, 7, 0), seat(3, 7, 50)];
        let seats = seats.map(|seat| ((seat.conversation_id, seat.user_id), seat));
        Batch {
            workspace: WorkspaceId(1),
            told: told.collect(),
            chats: Vec::new(),
            people: HashSet::new(),
            seats: seats.into(),
        }
    }

    fn seen(batch: &Batch, who: Who) -> Vec<Value> {
        let caller = Caller { workspace: WorkspaceId(1), who };
        batch.seen_by(&caller).map(|frame| serde_json::from_slice(&frame.json).unwrap()).collect()
    }

    fn ids(batch: &Batch, who: Who) -> Vec<i64> {
        seen(batch, who).iter().map(|frame| frame["id"].as_i64().unwrap()).collect()
    }

    #[test]
    fn each_sees_what_their_list_shows() {
        let batch = batch(vec![
            event(1, Some(1), Some(10), json!({})),
            event(2, Some(2), Some(60), json!({})),
            event(3, Some(3), Some(60), json!({})),
            event(4, None, None, json!({})),
            event(5, Some(8), None, json!({})),
        ]);
        assert_eq!(ids(&batch, Who::Operator), [1, 2, 3, 4]);
        assert_eq!(ids(&batch, Who::Key(crate::domain::ApiKeyId(1))), [1, 4]);
        assert_eq!(ids(&batch, Who::User(UserId(7), Role::Member)), [2, 3]);
        assert_eq!(ids(&batch, Who::User(UserId(7), Role::Agent)), [1, 2, 3, 4]);
        assert_eq!(ids(&batch, Who::User(UserId(8), Role::Member)), Vec::<i64>::new());
    }

    #[test]
    fn whoever_came_later_hears_nothing_of_the_beginning() {
        let read = |id, messages: &[i64]| event(id, Some(3), None, json!({ "user_id": 1, "message_ids": messages }));
        let earlier =
            Event { at: Timestamp::from_micros(-1), ..event(5, Some(3), None, json!({ "joined": [4], "left": [6] })) };
        let batch = batch(vec![
            event(1, Some(3), Some(49), json!({})),
            event(2, Some(3), Some(50), json!({})),
            read(3, &[10, 49]),
            read(4, &[49, 50, 51]),
            earlier,
        ]);
        let seen = seen(&batch, Who::User(UserId(7), Role::Member));
        assert_eq!(seen.iter().map(|frame| frame["id"].clone()).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(seen[1]["data"], json!({ "conversation_id": 3, "user_id": 1, "message_ids": [50, 51] }));
    }

    #[test]
    fn whoever_left_hears_that_and_no_more() {
        let batch =
            batch(vec![event(1, Some(3), None, json!({ "left": [8] })), event(2, Some(3), Some(60), json!({}))]);
        assert_eq!(ids(&batch, Who::User(UserId(8), Role::Member)), [1]);
        assert_eq!(ids(&batch, Who::User(UserId(9), Role::Member)), Vec::<i64>::new());
    }

    #[test]
    fn a_joined_conversation_is_named_by_what_shows_it() {
        let batch = batch(vec![event(1, Some(1), Some(10), json!({ "status": "sent" }))]);
        let wanted = json!({ "conversation_id": 9, "part_id": 1, "message_id": 10, "status": "sent" });
        assert_eq!(seen(&batch, Who::Operator)[0]["data"], wanted);
    }
}
