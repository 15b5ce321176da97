//! Where a message goes that a provider cannot take now: to the one of its route that may be asked the soonest. Pure.

use std::cmp::max;

use crate::domain::Timestamp;
use crate::fault::is_sabotaged;
use crate::store::{Claimed, Moved, Trail, Tried};

/// What waits next, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Onward {
    /// By which provider, from now on; absent: the same one.
    pub(super) provider: Option<String>,
    /// Not before then.
    pub(super) due_at: Timestamp,
    /// What the providers of its route were asked so far; absent: there is one alone.
    pub(super) trail: Option<Trail>,
}

/// How often the provider of a row was tried, this time included.
pub(super) fn tries_here(row: &Claimed) -> i64 {
    if row.route.is_empty() {
        return row.tries;
    }
    row.trail.as_ref().and_then(|trail| trail.0.get(&row.provider)).map_or(0, |tried| tried.tries) + 1
}

/// Where a message goes whose provider may be tried again at `due_at`. Each provider keeps its own time.
///
/// What its provider may have under a key stays with it: no other one knows that key.
pub(super) fn after_try(
    row: &Claimed,
    (due_at, is_held_by_key): (Timestamp, bool),
    now: Timestamp,
    is_in: impl Fn(&str) -> bool,
) -> Onward {
    if row.route.is_empty() {
        return Onward { provider: None, due_at, trail: None };
    }
    let mut trail = row.trail.clone().unwrap_or_default();
    trail.0.insert(row.provider.clone(), Tried { tries: tries_here(row), not_before: due_at });
    let may_move = !is_held_by_key && !is_sabotaged("failover_off");
    match soonest(&row.route, &trail, now, |name| may_move && is_in(name)) {
        Some((name, at)) if name != row.provider => {
            let at = max(at, now).min(row.deadline);
            Onward { provider: Some(name.to_owned()), due_at: at, trail: Some(trail) }
        }
        _ => Onward { provider: None, due_at, trail: Some(trail) },
    }
}

/// Where a message goes that waits for a provider which is held back or away; nothing when all of them are.
pub(super) fn past(row: &Claimed, now: Timestamp, is_in: impl Fn(&str) -> bool) -> Option<Moved> {
    let trail = row.trail.clone().unwrap_or_default();
    let (name, at) = soonest(&row.route, &trail, now, |name| name != row.provider && is_in(name))?;
    Some(Moved {
        id: row.id,
        provider: name.to_owned(),
        route: row.route.clone(),
        due_at: max(at, row.due_at).min(row.deadline),
        may_duplicate: row.may_duplicate,
    })
}

/// The first of a route that may be asked the soonest, and when.
fn soonest<'a>(
    route: &'a str,
    trail: &Trail,
    now: Timestamp,
    is_in: impl Fn(&str) -> bool,
) -> Option<(&'a str, Timestamp)> {
    let at = |name: &str| trail.0.get(name).map_or(now, |tried| max(tried.not_before, now));
    route.split(',').filter(|name| is_in(name)).map(|name| (name, at(name))).min_by_key(|(_, at)| *at)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{MessageId, OutboxId, WorkspaceId};
    use crate::store::Phase;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0) + Duration::from_secs(seconds)
    }

    fn row(provider: &str, route: &str, trail: Option<Trail>) -> Claimed {
        Claimed {
            id: OutboxId(1),
            workspace_id: WorkspaceId(1),
            message_id: MessageId(1),
            phase: Phase::Sending,
            provider: provider.to_owned(),
            route: route.to_owned(),
            trail,
            lane: 1,
            tries: 7,
            lookups: 0,
            fence: 1,
            due_at: at(0),
            deadline: at(36_000),
            may_duplicate: false,
            doubt_under_key: false,
            first_tried_at: Some(at(0)),
            unknown_since: None,
        }
    }

    fn step(row: &Claimed, due: u64, now: u64, out: &[&str]) -> (String, u64, Trail) {
        let onward = after_try(row, (at(due), false), at(now), |name| !out.contains(&name));
        let provider = onward.provider.unwrap_or_else(|| row.provider.clone());
        (provider, onward.due_at.since(at(0)).as_secs(), onward.trail.unwrap_or_default())
    }

    #[test]
    fn the_next_one_goes_at_once_and_each_keeps_its_own_time_afterwards() {
        let first = row("a", "a,b,c", None);
        assert_eq!(tries_here(&first), 1);
        let (to, due, trail) = step(&first, 60, 0, &[]);
        assert_eq!((to.as_str(), due), ("b", 0));
        let (to, due, trail) = step(&row("b", "a,b,c", Some(trail)), 1, 0, &[]);
        assert_eq!((to.as_str(), due), ("c", 0));
        let (to, due, trail) = step(&row("c", "a,b,c", Some(trail)), 5, 0, &[]);
        assert_eq!((to.as_str(), due), ("b", 1), "the soonest, not the first");
        let again = row("b", "a,b,c", Some(trail));
        assert_eq!(tries_here(&again), 2);
        let (to, due, _) = step(&again, 8, 1, &[]);
        assert_eq!((to.as_str(), due), ("c", 5));
        let (to, due, _) = step(&again, 8, 1, &["c"]);
        assert_eq!((to.as_str(), due), ("b", 8), "who is out is left out");
        let (to, due, _) = step(&again, 8, 1, &["a", "b", "c"]);
        assert_eq!((to.as_str(), due), ("b", 8), "nothing is lost when all are out");
    }

    #[test]
    fn what_a_key_holds_stays_and_what_has_one_provider_has_no_trail() {
        let held = after_try(&row("a", "a,b", None), (at(1), true), at(0), |_| true);
        assert_eq!((held.provider, held.due_at), (None, at(1)));
        let alone = after_try(&row("a", "", None), (at(1), false), at(0), |_| true);
        assert_eq!(alone, Onward { provider: None, due_at: at(1), trail: None });
        assert_eq!(tries_here(&row("a", "", None)), 7);
    }

    #[test]
    fn what_waits_goes_past_a_provider_that_is_out() {
        let tried = Tried { tries: 1, not_before: at(30) };
        let trail = Trail([("b".to_owned(), tried)].into());
        let waiting = row("a", "a,b,c", Some(trail));
        let past = |out: &[&str]| {
            let moved = past(&waiting, at(10), |name| !out.contains(&name))?;
            Some((moved.provider, moved.due_at.since(at(0)).as_secs()))
        };
        assert_eq!(past(&["a"]), Some(("c".to_owned(), 10)));
        assert_eq!(past(&["a", "c"]), Some(("b".to_owned(), 30)));
        assert_eq!(past(&["a", "b", "c"]), None);
    }
}
