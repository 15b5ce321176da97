//! Who is there: whoever listens to this process or to another one. Told to those who may know, and kept nowhere.

use std::collections::{HashMap, HashSet};
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

/// Somebody in a workspace.
pub(super) type Person = (WorkspaceId, UserId);

/// Who is there.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Connections of this process.
    here: HashMap<Person, usize>,
    /// Whose last connection has gone, and when.
    lingering: HashMap<Person, Instant>,
    /// What the other processes said, and when.
    elsewhere: HashMap<Person, HashMap<String, Instant>>,
    /// Who was here, as the other processes were told.
    called: HashSet<Person>,
    /// Who was there, as those who listen here were told.
    told: HashSet<Person>,
    /// How often each has said that they are typing, and until when that counts.
    sayings: HashMap<Person, Instant>,
}

/// What is different.
#[derive(Debug, Default)]
struct Changes {
    came: Vec<Person>,
    went: Vec<Person>,
    calls: Vec<Call>,
}

impl People {
    /// A connection of theirs begins.
    pub(super) fn come(&mut self, person: Person) {
        *self.here.entry(person).or_default() += 1;
        self.lingering.remove(&person);
    }

    /// A connection of theirs ends.
    pub(super) fn go(&mut self, person: Person) {
        if let Some(count) = self.here.get_mut(&person) {
            *count -= 1;
            if *count == 0 {
                self.here.remove(&person);
                self.lingering.insert(person, Instant::now());
            }
        }
    }

    /// Notes what another process says.
    pub(super) fn hear(&mut self, from: &str, people: &[Person], is_here: bool) {
        for person in people {
            let heard = self.elsewhere.entry(*person).or_default();
            if is_here {
                heard.insert(from.to_owned(), Instant::now());
            } else {
                heard.remove(from);
            }
        }
    }

    /// Everybody who is here.
    pub(super) fn here(&self) -> Vec<Person> {
        self.here.keys().chain(self.lingering.keys()).copied().collect()
    }

    /// Everybody of a workspace who is there.
    fn there(&self, workspace: WorkspaceId) -> Vec<UserId> {
        self.told.iter().filter(|(place, _)| *place == workspace).map(|(_, user)| *user).collect()
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

    fn settle(&mut self, linger: Duration) -> Changes {
        let now = Instant::now();
        self.lingering.retain(|_, since| now.duration_since(*since) < linger);
        self.sayings.retain(|_, until| *until > now);
        self.elsewhere.retain(|_, heard| {
            heard.retain(|_, at| now.duration_since(*at) < BELIEVED);
            !heard.is_empty()
        });
        let here: HashSet<Person> = self.here().into_iter().collect();
        let there: HashSet<Person> = here.iter().chain(self.elsewhere.keys()).copied().collect();
        let new = |one: &HashSet<Person>, other: &HashSet<Person>| one.difference(other).copied().collect::<Vec<_>>();
        let mut calls = Call::here(&new(&here, &self.called));
        calls.extend(Call::gone(&new(&self.called, &here)));
        let changes = Changes { came: new(&there, &self.told), went: new(&self.told, &there), calls };
        (self.called, self.told) = (here, there);
        changes
    }
}

impl Live {
    pub(super) async fn meet_forever(self, stop: CancellationToken) {
        let mut called = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let mut changes = self.people().settle(self.shared.limits.linger);
            if called.elapsed() >= CALL_EVERY {
                called = Instant::now();
                changes.calls.extend(Call::here(&self.people().here()));
            }
            self.call_out(changes.calls).await;
            for (people, is_online) in [(changes.came, true), (changes.went, false)] {
                if let Err(error) = self.tell_presence(people, is_online).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "nobody is told who is there");
                }
            }
        }
    }

    async fn tell_presence(&self, people: Vec<Person>, is_online: bool) -> store::Result<()> {
        let mut by_workspace: HashMap<WorkspaceId, Vec<UserId>> = HashMap::new();
        for (workspace, user) in people {
            by_workspace.entry(workspace).or_default().push(user);
        }
        for (workspace, users) in by_workspace {
            let listening = self.hall().users(workspace);
            let mut tx = self.shared.store.read().await?;
            let pairs = tx.load_acquaintances(workspace, (&users, &listening)).await?;
            let pairs: HashSet<(UserId, UserId)> = pairs.into_iter().collect();
            let names = tx.load_usernames(users.iter().copied()).await?;
            drop(tx);
            let hall = self.hall();
            for user in users {
                let Some(name) = names.get(&user) else { continue };
                let data = json!({ "user_id": user, "user_name": name, "is_online": is_online });
                let frame = Frame::of(None, &json!({ "type": "presence", "data": data }));
                for listener in hall.listeners(workspace) {
                    let may_know = match listener.pass.caller.sight() {
                        Sight::All => true,
                        Sight::Numbers => false,
                        Sight::Person { user: other, .. } => other != user && pairs.contains(&(user, other)),
                    };
                    if may_know {
                        listener.give(frame.clone());
                    }
                }
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

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_back_soon_never_went() {
        let mut people = People::default();
        people.come(person(1));
        people.come(person(1));
        assert_eq!(people.settle(LINGER).came, [person(1)]);
        people.go(person(1));
        people.go(person(1));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(people.settle(LINGER).went.is_empty());
        people.come(person(1));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(people.settle(LINGER).went.is_empty());
        people.go(person(1));
        tokio::time::advance(LINGER).await;
        assert_eq!(people.settle(LINGER).went, [person(1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn another_process_is_believed_until_it_falls_silent() {
        let mut people = People::default();
        people.hear("a", &[person(1), person(2)], true);
        people.hear("b", &[person(1)], true);
        assert_eq!(people.settle(LINGER).came.len(), 2);
        people.hear("a", &[person(1), person(2)], false);
        assert_eq!(people.settle(LINGER).went, [person(2)]);
        tokio::time::advance(BELIEVED).await;
        assert_eq!(people.settle(LINGER).went, [person(1)]);
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
