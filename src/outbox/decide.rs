//! What follows from how an attempt ended. Pure: the tables of the promises, and nothing else.

use std::time::Duration;

use super::onward::tries_here;
use crate::domain::{Policy, Timestamp};
use crate::fault::is_sabotaged;
use crate::provider::{Abilities, Outcome};
use crate::store::Claimed;

/// Waits between attempts; the last one goes on.
const RETRIES: [Duration; 7] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
];
/// When an unknown message is asked for, counted from when it became unknown.
const LOOKUPS: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(30), Duration::from_mins(2), Duration::from_mins(10)];
/// When `prefer_delivery` stops waiting for an answer.
const PATIENCE: Duration = Duration::from_mins(2);
/// How much longer than its figure a wait may be.
const JITTER: f64 = 0.2;

/// What happens next to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// The provider has it.
    Accepted,
    /// It is refused for good.
    Rejected,
    /// It is tried again.
    Wait { due_at: Timestamp, may_duplicate: bool, doubt_under_key: bool },
    /// Nobody knows; it is looked at again then.
    Unknown { due_at: Timestamp },
}

/// What is known of a message at the end of an attempt.
pub(super) struct Situation<'a> {
    pub(super) row: &'a Claimed,
    pub(super) policy: Policy,
    pub(super) abilities: Abilities,
    pub(super) now: Timestamp,
    /// In `0.0..1.0`.
    pub(super) fraction: f64,
}

impl Situation<'_> {
    /// What follows from an outcome.
    pub(super) fn next(&self, outcome: &Outcome) -> Next {
        match outcome {
            Outcome::Accepted { .. } => Next::Accepted,
            Outcome::Rejected { .. } => Next::Rejected,
            Outcome::Unknown { .. } if is_sabotaged("unknown_is_retry") => self.wait(None, false, false),
            Outcome::Retry { .. } if is_sabotaged("certain_is_unknown") => self.unknown(),
            Outcome::Retry { after, .. } => self.wait(*after, self.row.may_duplicate, self.row.doubt_under_key),
            Outcome::Doubtful { .. } | Outcome::Unknown { .. } if self.key_lives() => {
                self.wait(None, self.row.may_duplicate, true)
            }
            Outcome::Doubtful { .. } if self.policy != Policy::NoDuplicates => {
                self.wait(None, !is_sabotaged("doubt_unmarked"), false)
            }
            Outcome::Doubtful { .. } | Outcome::Unknown { .. } => self.unknown(),
        }
    }

    /// Tries again after our own wait, or later when the service asked for it, but not after the deadline.
    fn wait(&self, asked: Option<Duration>, may_duplicate: bool, doubt_under_key: bool) -> Next {
        let asked = asked.filter(|_| !is_sabotaged("retry_after_ignored")).unwrap_or_default();
        let wait = retry_wait(tries_here(self.row), self.fraction).max(asked);
        Next::Wait { due_at: (self.now + wait).min(self.row.deadline), may_duplicate, doubt_under_key }
    }

    fn unknown(&self) -> Next {
        Next::Unknown { due_at: next_look(self.row, self.policy, self.abilities, self.now) }
    }

    /// Whether the provider would still know the key at the next attempt.
    fn key_lives(&self) -> bool {
        let begun = self.row.first_tried_at.unwrap_or(self.now);
        let next = self.now + retry_wait(tries_here(self.row), self.fraction);
        self.abilities.idempotency.is_some_and(|life| next < begun + life)
    }
}

/// The wait after so many tries: the figure, and up to a fifth more.
pub(super) fn retry_wait(tries: i64, fraction: f64) -> Duration {
    let at = usize::try_from(tries - 1).unwrap_or(0).min(RETRIES.len() - 1);
    RETRIES[at].mul_f64(1.0 + JITTER * fraction)
}

/// Whether the key that told the provider an earlier try of this row from a new one has run out.
pub(super) fn has_lost_its_key(row: &Claimed, abilities: Abilities, now: Timestamp) -> bool {
    let begun = row.first_tried_at.unwrap_or(now);
    row.doubt_under_key && abilities.idempotency.is_none_or(|life| now >= begun + life)
}

/// When an unknown message is looked at again.
pub(super) fn next_look(row: &Claimed, policy: Policy, abilities: Abilities, now: Timestamp) -> Timestamp {
    let since = row.unknown_since.unwrap_or(now);
    let lookup = usize::try_from(row.lookups).ok().and_then(|done| LOOKUPS.get(done)).map(|wait| since + *wait);
    let lookup = lookup.filter(|_| abilities.can_look_up);
    let patience = (policy == Policy::PreferDelivery).then_some(since + PATIENCE);
    [lookup, patience].into_iter().flatten().min().unwrap_or(row.deadline).max(now).min(row.deadline)
}

/// Whether an unknown message is now to be sent again, declared.
pub(super) fn is_out_of_patience(row: &Claimed, policy: Policy, now: Timestamp) -> bool {
    policy == Policy::PreferDelivery && row.unknown_since.is_some_and(|since| now >= since + PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{MessageId, OutboxId, WorkspaceId};
    use crate::store::Phase;

    const HOUR: Duration = Duration::from_hours(1);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(0) + Duration::from_secs(seconds)
    }

    fn row(tries: i64) -> Claimed {
        Claimed {
            id: OutboxId(1),
            workspace_id: WorkspaceId(1),
            message_id: MessageId(1),
            phase: Phase::Sending,
            provider: "p".to_owned(),
            route: String::new(),
            trail: None,
            lane: 1,
            tries,
            lookups: 0,
            fence: 1,
            due_at: at(30),
            deadline: at(36_000),
            may_duplicate: false,
            doubt_under_key: false,
            first_tried_at: Some(at(0)),
            unknown_since: None,
        }
    }

    fn next(row: &Claimed, policy: Policy, abilities: Abilities, outcome: &Outcome) -> Next {
        Situation { row, policy, abilities, now: at(0), fraction: 0.0 }.next(outcome)
    }

    fn retry(after: Option<u64>) -> Outcome {
        Outcome::Retry { after: after.map(Duration::from_secs), is_away: false, reason: String::new() }
    }

    fn doubtful() -> Outcome {
        Outcome::Doubtful { reason: String::new() }
    }

    fn unknown() -> Outcome {
        Outcome::Unknown { reason: String::new() }
    }

    #[test]
    fn the_waits_are_those_of_the_promises() {
        for (tries, seconds) in [(1, 1), (2, 5), (3, 30), (4, 120), (5, 600), (6, 1_800), (7, 3_600), (8, 3_600)] {
            let wait = Next::Wait { due_at: at(seconds), may_duplicate: false, doubt_under_key: false };
            assert_eq!(next(&row(tries), Policy::Balanced, Abilities::default(), &retry(None)), wait);
            assert!(retry_wait(tries, 0.999) < Duration::from_secs(seconds).mul_f64(1.2));
        }
    }

    #[test]
    fn what_the_service_asks_is_kept_between_our_own_wait_and_the_deadline() {
        for (asked, seconds) in [(0, 30), (31, 31), (7_200, 7_200), (999_999, 36_000)] {
            let wait = Next::Wait { due_at: at(seconds), may_duplicate: false, doubt_under_key: false };
            assert_eq!(next(&row(3), Policy::Balanced, Abilities::default(), &retry(Some(asked))), wait);
        }
    }

    #[test]
    fn doubt_is_declared_or_left_alone_as_the_policy_says() {
        let declared = Next::Wait { due_at: at(1), may_duplicate: true, doubt_under_key: false };
        let left = Next::Unknown { due_at: at(36_000) };
        for (policy, wanted) in
            [(Policy::Balanced, &declared), (Policy::PreferDelivery, &declared), (Policy::NoDuplicates, &left)]
        {
            assert_eq!(&next(&row(1), policy, Abilities::default(), &doubtful()), wanted);
        }
    }

    #[test]
    fn silence_is_never_tried_again_unless_a_key_protects_it() {
        let none = Abilities::default();
        assert_eq!(next(&row(1), Policy::Balanced, none, &unknown()), Next::Unknown { due_at: at(36_000) });
        assert_eq!(next(&row(1), Policy::PreferDelivery, none, &unknown()), Next::Unknown { due_at: at(120) });
        let asks = Abilities { can_look_up: true, ..none };
        assert_eq!(next(&row(1), Policy::Balanced, asks, &unknown()), Next::Unknown { due_at: at(5) });
        let keyed = Abilities { idempotency: Some(HOUR * 24), ..none };
        let again = Next::Wait { due_at: at(1), may_duplicate: false, doubt_under_key: true };
        assert_eq!(next(&row(1), Policy::NoDuplicates, keyed, &unknown()), again);
        assert_eq!(next(&row(1), Policy::NoDuplicates, keyed, &doubtful()), again);
        let short = Abilities { idempotency: Some(HOUR / 2), ..none };
        assert_eq!(next(&row(7), Policy::Balanced, short, &unknown()), Next::Unknown { due_at: at(36_000) });
    }

    #[test]
    fn an_unknown_message_is_asked_for_four_times_and_then_waits() {
        let asks = Abilities { can_look_up: true, ..Abilities::default() };
        let mut row = Claimed { unknown_since: Some(at(0)), ..row(1) };
        for (lookups, seconds) in [(0, 5), (1, 30), (2, 120), (3, 600), (4, 36_000)] {
            row.lookups = lookups;
            assert_eq!(next_look(&row, Policy::Balanced, asks, at(0)), at(seconds));
        }
    }

    #[test]
    fn a_key_that_has_run_out_protects_nothing() {
        let keyed = Abilities { idempotency: Some(HOUR), ..Abilities::default() };
        let row = Claimed { doubt_under_key: true, ..row(3) };
        assert!(!has_lost_its_key(&row, keyed, at(3_599)));
        assert!(has_lost_its_key(&row, keyed, at(3_600)));
        assert!(has_lost_its_key(&row, Abilities::default(), at(1)));
        assert!(!has_lost_its_key(&Claimed { doubt_under_key: false, ..row.clone() }, keyed, at(9_999)));
        let after = next(&row, Policy::Balanced, keyed, &retry(None));
        assert_eq!(after, Next::Wait { due_at: at(30), may_duplicate: false, doubt_under_key: true });
    }
}
