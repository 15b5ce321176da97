//! Who is there: whoever listens to this process or to another one. Told to those who may know, and kept nowhere.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::calls::Call;
use super::{Frame, Live};
use crate::domain::{Caller, Sight, UserId, WorkspaceId};
use crate::store;

/// How often it is looked who has come and gone.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often the other processes are told who is here.
const CALL_EVERY: Duration = Duration::from_secs(10);
/// For how long it is believed what another process said.
const BELIEVED: Duration = Duration::from_secs(30);
/// How often somebody may say that they are typing: so often at once, and one more in each span.
const SAYINGS: u32 = 8;
const SAYING_EVERY: Duration = Duration::from_millis(500);

/// How long to wait after nobody could be told.
const PAUSE: Duration = Duration::from_secs(1);
/// People who are told of in one go; the others follow in the next.
const AT_ONCE: usize = 500;

/// Somebody in a workspace.
pub(super) type Person = (WorkspaceId, UserId);

/// Who is there.
#[derive(Debug, Default)]
pub(super) struct People {
    presences: BTreeMap<Person, Presence>,
    /// Those who knew of each other, and may not any more.
    parted: HashSet<(WorkspaceId, [UserId; 2])>,
    /// How often each has said that they are typing, and until when that counts.
    sayings: HashMap<Person, Instant>,
}

/// How somebody is there.
#[derive(Debug, Default)]
struct Presence {
    /// Connections of this process.
    connections: usize,
    /// When the last of them has gone.
    left: Option<Instant>,
    /// What the other processes said, and when.
    elsewhere: HashMap<String, Instant>,
    /// Whether the other processes were told that they are here.
    is_called: bool,
    /// Whether those who listen here were told that they are there.
    is_told: bool,
}

impl Presence {
    fn is_here(&self) -> bool {
        self.connections > 0 || self.left.is_some()
    }

    fn is_there(&self) -> bool {
        self.is_here() || !self.elsewhere.is_empty()
    }
}

/// What those who listen in a workspace are to be told.
#[derive(Debug, Default)]
struct Change {
    /// Who came, and who went.
    moved: HashMap<UserId, bool>,
    /// Who is there, and who may not know it any more.
    hidden: Vec<(UserId, UserId)>,
}

impl People {
    /// A connection of theirs begins.
    pub(super) fn come(&mut self, person: Person) {
        let presence = self.presences.entry(person).or_default();
        presence.connections += 1;
        presence.left = None;
    }

    /// A connection of theirs ends.
    pub(super) fn go(&mut self, person: Person) {
        if let Some(presence) = self.presences.get_mut(&person) {
            presence.connections -= 1;
            if presence.connections == 0 {
                presence.left = Some(Instant::now());
            }
        }
    }

    /// Notes what another process says.
    pub(super) fn hear(&mut self, from: &str, people: &[Person], is_here: bool) {
        for person in people {
            if is_here {
                let presence = self.presences.entry(*person).or_default();
                presence.elsewhere.insert(from.to_owned(), Instant::now());
            } else if let Some(presence) = self.presences.get_mut(person) {
                presence.elsewhere.remove(from);
            }
        }
    }

    /// Notes that neither of two may know of the other any more.
    pub(super) fn part(&mut self, workspace: WorkspaceId, mut pair: [UserId; 2]) {
        pair.sort_unstable();
        self.parted.insert((workspace, pair));
    }

    /// Everybody who is here.
    pub(super) fn here(&self) -> Vec<Person> {
        self.presences.iter().filter(|(_, presence)| presence.is_here()).map(|(person, _)| *person).collect()
    }

    /// Everybody of a workspace who is there.
    fn there(&self, workspace: WorkspaceId) -> Vec<UserId> {
        let all = (workspace, UserId(i64::MIN))..=(workspace, UserId(i64::MAX));
        let there = self.presences.range(all).filter(|(_, presence)| presence.is_there());
        there.map(|((_, user), _)| *user).collect()
    }

    /// Takes one saying from somebody's budget; false when it is used up.
    pub(super) fn may_say(&mut self, person: Person) -> bool {
        let now = Instant::now();
        let until = self.sayings.entry(person).or_insert(now);
        *until = (*until).max(now);
        if *until > now + SAYING_EVERY * (SAYINGS - 1) {
            return false;
        }
        *until += SAYING_EVERY;
        true
    }

    /// Lets those go who went, and finds what the other processes are to be told.
    fn settle(&mut self, linger: Duration) -> Vec<Call> {
        let now = Instant::now();
        self.sayings.retain(|_, until| *until > now);
        let (mut came, mut went) = (Vec::new(), Vec::new());
        self.presences.retain(|person, presence| {
            presence.left = presence.left.filter(|left| now.duration_since(*left) < linger);
            presence.elsewhere.retain(|_, at| now.duration_since(*at) < BELIEVED);
            if presence.is_here() != presence.is_called {
                presence.is_called = presence.is_here();
                if presence.is_called { came.push(*person) } else { went.push(*person) }
            }
            presence.is_there() || presence.is_told
        });
        let mut calls = Call::here(&came);
        calls.extend(Call::gone(&went));
        calls
    }

    /// What those who listen here are to be told.
    fn changes(&mut self) -> HashMap<WorkspaceId, Change> {
        let mut changes: HashMap<WorkspaceId, Change> = HashMap::new();
        let is_new = |(_, presence): &(&Person, &Presence)| presence.is_there() != presence.is_told;
        for ((workspace, user), presence) in self.presences.iter().filter(is_new).take(AT_ONCE) {
            changes.entry(*workspace).or_default().moved.insert(*user, presence.is_there());
        }
        for (workspace, [one, other]) in std::mem::take(&mut self.parted) {
            for (of, to) in [(one, other), (other, one)] {
                if self.presences.get(&(workspace, of)).is_some_and(|presence| presence.is_told) {
                    changes.entry(workspace).or_default().hidden.push((of, to));
                }
            }
        }
        changes
    }

    /// Notes whether that could be told; what could not is told later.
    fn note(&mut self, workspace: WorkspaceId, change: &Change, is_told: bool) {
        if !is_told {
            for (of, to) in &change.hidden {
                self.part(workspace, [*of, *to]);
            }
            return;
        }
        for (user, is_there) in &change.moved {
            if let Some(presence) = self.presences.get_mut(&(workspace, *user)) {
                presence.is_told = *is_there;
            }
        }
    }
}

impl Live {
    pub(super) async fn meet_forever(self, stop: CancellationToken) {
        let mut called = Instant::now();
        let mut pause = LOOK_EVERY;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let mut calls = self.people().settle(self.shared.limits.linger);
            if called.elapsed() >= CALL_EVERY {
                called = Instant::now();
                calls.extend(Call::here(&self.people().here()));
            }
            self.call_out(calls).await;
            let changes = self.people().changes();
            pause = LOOK_EVERY;
            for (workspace, change) in changes {
                let told = self.tell_presence(workspace, &change).await;
                self.people().note(workspace, &change, told.is_ok());
                if let Err(error) = told {
                    tracing::warn!(error = &error as &dyn std::error::Error, "nobody is told who is there for now");
                    pause = PAUSE;
                }
            }
        }
    }

    async fn tell_presence(&self, workspace: WorkspaceId, change: &Change) -> store::Result<()> {
        let listeners = self.hall().listeners(workspace);
        let listening: HashSet<UserId> = listeners.iter().filter_map(|listener| listener.pass.caller.user()).collect();
        let listening: Vec<UserId> = listening.into_iter().collect();
        let moved: Vec<UserId> = change.moved.keys().copied().collect();
        let mut tx = self.shared.store.read().await?;
        let pairs = tx.load_acquaintances(workspace, (&moved, &listening)).await?;
        let names = tx.load_usernames(moved.into_iter().chain(change.hidden.iter().map(|(of, _)| *of))).await?;
        drop(tx);
        let frame = |user: UserId, is_online: bool| {
            let data = json!({ "user_id": user, "user_name": names.get(&user)?, "is_online": is_online });
            Some(Frame::of(None, &json!({ "type": "presence", "data": data })))
        };
        let moved = change.moved.iter().filter_map(|(user, is_there)| Some((*user, frame(*user, *is_there)?)));
        let moved: HashMap<UserId, Frame> = moved.collect();
        let known = pairs.iter().filter(|(of, to)| of != to);
        let known = known.filter_map(|(of, to)| Some((*to, moved.get(of)?.clone())));
        let hidden = change.hidden.iter().filter_map(|(of, to)| Some((*to, frame(*of, false)?)));
        let mut seen: HashMap<UserId, Vec<Frame>> = HashMap::new();
        for (to, frame) in known.chain(hidden) {
            seen.entry(to).or_default().push(frame);
        }
        for listener in listeners {
            let frames: Vec<&Frame> = match listener.pass.caller.sight() {
                Sight::All => moved.values().collect(),
                Sight::Numbers => Vec::new(),
                Sight::Person { user, .. } => seen.get(&user).into_iter().flatten().collect(),
            };
            for frame in frames {
                listener.give(frame.clone());
            }
        }
        Ok(())
    }

    /// Who is there of those whom somebody may know, with their names; a key knows nobody.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn list_present(&self, caller: &Caller) -> store::Result<Vec<(UserId, String)>> {
        let there = self.people().there(caller.workspace);
        let mut tx = self.shared.store.read().await?;
        let known: Vec<UserId> = match caller.sight() {
            Sight::All => there,
            Sight::Numbers => Vec::new(),
            Sight::Person { user, .. } => {
                let pairs = tx.load_acquaintances(caller.workspace, (&there, &[user])).await?;
                pairs.into_iter().map(|(other, _)| other).filter(|other| *other != user).collect()
            }
        };
        let mut present: Vec<(UserId, String)> = tx.load_usernames(known).await?.into_iter().collect();
        present.sort();
        Ok(present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_secs(5);

    fn person(user: i64) -> Person {
        (WorkspaceId(1), UserId(user))
    }

    /// Who came and who went since it was told last.
    fn news(people: &mut People) -> (Vec<i64>, Vec<i64>) {
        people.settle(LINGER);
        let change = people.changes().remove(&WorkspaceId(1)).unwrap_or_default();
        people.note(WorkspaceId(1), &change, true);
        let those =
            |is_there: bool| change.moved.iter().filter(move |(_, there)| **there == is_there).map(|(user, _)| user.0);
        (those(true).collect(), those(false).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_back_soon_never_went() {
        let mut people = People::default();
        people.come(person(1));
        people.come(person(1));
        assert_eq!(news(&mut people).0, [1]);
        people.go(person(1));
        people.go(person(1));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(news(&mut people).1.is_empty());
        people.come(person(1));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(news(&mut people).1.is_empty());
        people.go(person(1));
        tokio::time::advance(LINGER).await;
        assert_eq!(news(&mut people).1, [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn another_process_is_believed_until_it_falls_silent() {
        let mut people = People::default();
        people.hear("a", &[person(1), person(2)], true);
        people.hear("b", &[person(1)], true);
        assert_eq!(news(&mut people).0.len(), 2);
        people.hear("a", &[person(1), person(2)], false);
        assert_eq!(news(&mut people).1, [2]);
        tokio::time::advance(BELIEVED).await;
        assert_eq!(news(&mut people).1, [1]);
    }

    #[test]
    fn what_could_not_be_told_is_told_later() {
        let mut people = People::default();
        for user in [1, 2] {
            people.come(person(user));
        }
        assert_eq!(news(&mut people).0.len(), 2);
        people.hear("a", &[person(3)], true);
        people.part(WorkspaceId(1), [UserId(1), UserId(2)]);
        let refused = people.changes().remove(&WorkspaceId(1)).unwrap();
        people.note(WorkspaceId(1), &refused, false);
        let again = people.changes().remove(&WorkspaceId(1)).unwrap();
        assert_eq!((again.moved.len(), again.hidden.len()), (1, 2));
        people.note(WorkspaceId(1), &again, true);
        assert!(people.changes().is_empty());
    }

    #[test]
    fn a_crowd_is_told_of_in_parts() {
        let mut people = People::default();
        for user in 0..1_200 {
            people.come(person(user));
        }
        let parts: Vec<usize> = (0..4).map(|_| news(&mut people).0.len()).collect();
        assert_eq!(parts, [500, 500, 200, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_says_too_often_that_they_are_typing() {
        let mut people = People::default();
        let said = (0..20).filter(|_| people.may_say(person(1))).count();
        assert_eq!(said, usize::try_from(SAYINGS).unwrap());
        assert!(people.may_say(person(2)), "another one's budget");
        tokio::time::advance(SAYING_EVERY).await;
        people.settle(LINGER);
        assert!(people.may_say(person(1)) && !people.may_say(person(1)));
    }
}
