//! Who is typing, told to the others who see the conversation. A request that was not taken on, and somebody who is
//! blocked, hears nothing of it and is not heard.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::calls::Call;
use super::hall::Listener;
use super::people::Person;
use super::{Frame, Live};
use crate::domain::{Caller, ConversationId, ConversationKind, Sight, UserId, WorkspaceId};
use crate::store::{self, SeatRow, ShownPlace};

/// Typings that are told at once.
const AT_ONCE: usize = 100;
/// How long it is until the next are.
const PAUSE: Duration = Duration::from_millis(50);

/// Somebody is typing, or no more.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Typing {
    workspace: WorkspaceId,
    conversation: ConversationId,
    user: UserId,
    sees_numbers: bool,
    /// Whether they are, or are no more.
    goes_on: bool,
    /// Whether another process said so, and has told the rest.
    #[serde(skip)]
    is_heard: bool,
}

impl Typing {
    /// What somebody says; nothing, when they are no person.
    pub(super) fn by(caller: &Caller, conversation: ConversationId, goes_on: bool) -> Option<Self> {
        let Sight::Person { user, sees_numbers } = caller.sight() else { return None };
        Some(Self { workspace: caller.workspace, conversation, user, sees_numbers, goes_on, is_heard: false })
    }

    /// The same, as another process says it.
    pub(super) fn heard(self) -> Self {
        Self { is_heard: true, ..self }
    }

    /// Who says it.
    pub(super) fn whose(&self) -> Person {
        (self.workspace, self.user)
    }
}

/// What decides who hears of it.
struct Audience {
    places: HashMap<ConversationId, ShownPlace>,
    seats: HashMap<(ConversationId, UserId), SeatRow>,
    blocks: HashSet<(UserId, UserId)>,
    names: HashMap<UserId, String>,
}

impl Audience {
    /// Where somebody types, when they may write there.
    fn place_of(&self, typing: &Typing) -> Option<ShownPlace> {
        let place = self.places.get(&typing.conversation)?;
        let may_write = match place.kind {
            ConversationKind::Numbers => typing.sees_numbers,
            ConversationKind::Direct | ConversationKind::Group => self.takes_part(place.id, typing.user),
        };
        may_write.then_some(*place)
    }

    fn takes_part(&self, conversation: ConversationId, user: UserId) -> bool {
        self.seats.get(&(conversation, user)).is_some_and(|seat| seat.is_accepted)
    }

    fn hears(&self, place: ShownPlace, (typist, sight): (UserId, Sight)) -> bool {
        let is_numbers = place.kind == ConversationKind::Numbers;
        match sight {
            Sight::All => true,
            Sight::Numbers => is_numbers,
            Sight::Person { user, sees_numbers } => {
                let sees = if is_numbers { sees_numbers } else { self.takes_part(place.id, user) };
                let is_blocked = self.blocks.contains(&(user, typist)) || self.blocks.contains(&(typist, user));
                user != typist && sees && !is_blocked
            }
        }
    }
}

impl Live {
    pub(super) async fn type_forever(self, stop: CancellationToken) {
        let Some(mut typed) = self.take_typed() else { return };
        let mut set = Vec::with_capacity(AT_ONCE);
        loop {
            let count = tokio::select! {
                () = stop.cancelled() => return,
                count = typed.recv_many(&mut set, AT_ONCE) => count,
            };
            if count == 0 {
                return;
            }
            let mut by_workspace: HashMap<WorkspaceId, Vec<Typing>> = HashMap::new();
            for typing in latest(set.drain(..)) {
                by_workspace.entry(typing.workspace).or_default().push(typing);
            }
            for (workspace, typings) in by_workspace {
                if let Err(error) = self.tell_typing(workspace, &typings).await {
                    tracing::debug!(error = &error as &dyn std::error::Error, "nobody is told who is typing");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    fn take_typed(&self) -> Option<mpsc::Receiver<Typing>> {
        self.shared.typed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }

    async fn tell_typing(&self, workspace: WorkspaceId, typings: &[Typing]) -> store::Result<()> {
        let listeners = self.hall().listeners(workspace);
        let audience = self.audience(workspace, typings, &listeners).await?;
        let mut calls = Vec::new();
        for typing in typings {
            let (Some(place), Some(name)) = (audience.place_of(typing), audience.names.get(&typing.user)) else {
                continue;
            };
            if !typing.is_heard {
                calls.push(Call::Typing(*typing));
            }
            let data = json!({
                "conversation_id": place.shown_id, "user_id": typing.user, "user_name": name,
                "is_typing": typing.goes_on,
            });
            let frame = Frame::of(None, &json!({ "type": "typing", "data": data }));
            let hears = |listener: &&Arc<Listener>| audience.hears(place, (typing.user, listener.pass.caller.sight()));
            listeners.iter().filter(hears).for_each(|listener| listener.give(frame.clone()));
        }
        self.call_out(calls).await;
        Ok(())
    }

    async fn audience(
        &self,
        workspace: WorkspaceId,
        typings: &[Typing],
        listeners: &[Arc<Listener>],
    ) -> store::Result<Audience> {
        let conversations: BTreeSet<ConversationId> = typings.iter().map(|typing| typing.conversation).collect();
        let typists: BTreeSet<UserId> = typings.iter().map(|typing| typing.user).collect();
        let conversations: Vec<ConversationId> = conversations.into_iter().collect();
        let listening = listeners.iter().filter_map(|listener| listener.pass.caller.user());
        let people: BTreeSet<UserId> = listening.chain(typists.iter().copied()).collect();
        let people: Vec<UserId> = people.into_iter().collect();
        let mut tx = self.shared.store.read().await?;
        let places = tx.load_places(workspace, &conversations).await?;
        let seats = tx.load_seats(workspace, &conversations, &people).await?;
        let blocks = tx.load_blocks(workspace, &people).await?;
        let names = tx.load_usernames(typists).await?;
        Ok(Audience {
            places: places.into_iter().map(|place| (place.id, place)).collect(),
            seats: seats.into_iter().map(|seat| ((seat.conversation_id, seat.user_id), seat)).collect(),
            blocks: blocks.into_iter().collect(),
            names,
        })
    }
}

/// What each said last of each conversation, in order.
fn latest(typings: impl DoubleEndedIterator<Item = Typing>) -> Vec<Typing> {
    let mut said = HashSet::new();
    let mut latest: Vec<Typing> =
        typings.rev().filter(|typing| said.insert((typing.whose(), typing.conversation))).collect();
    latest.reverse();
    latest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Role, Who};

    #[test]
    fn of_what_somebody_says_in_a_row_the_last_is_told() {
        let typing = |user: i64, conversation: i64, goes_on: bool| {
            let caller = Caller { workspace: WorkspaceId(1), who: Who::User(UserId(user), Role::Member) };
            Typing::by(&caller, ConversationId(conversation), goes_on).unwrap()
        };
        let said = [typing(1, 1, true), typing(2, 1, true), typing(1, 1, false), typing(1, 2, true)];
        let told: Vec<_> = latest(said.into_iter()).iter().map(|t| (t.user.0, t.conversation.0, t.goes_on)).collect();
        assert_eq!(told, [(2, 1, true), (1, 1, false), (1, 2, true)]);
    }
}
