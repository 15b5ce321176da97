//! What follows from how an attempt at an endpoint ended. Pure: the schedule, and nothing else.

use std::time::Duration;

use crate::domain::Timestamp;
use crate::webhook::Answer;

/// Waits between attempts; after the last one nobody tries any more.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// The longest wait that an endpoint can ask for.
const MAX_ASKED: Duration = Duration::from_hours(24);
/// How much longer than its figure a wait may be.
const JITTER: f64 = 0.2;
/// Without a success for so long an endpoint is disabled.
const PATIENCE: Duration = Duration::from_hours(24 * 5);

/// What happens next to a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The endpoint has it.
    Succeeded,
    /// It is tried again then.
    Again(Timestamp),
    /// Nobody tries any more.
    GivenUp,
    /// The endpoint wants nothing any more.
    Gone,
}

/// What follows from an answer after so many tries; `fraction` is random, in `0.0..1.0`. Without an answer nobody
/// knows, and it is tried again.
pub(super) fn verdict(answer: Option<&Answer>, tries: i64, now: Timestamp, fraction: f64) -> Verdict {
    let status = answer.and_then(|answer| answer.status);
    match status {
        Some(200..=299) => return Verdict::Succeeded,
        Some(410) => return Verdict::Gone,
        _ => {}
    }
    let wait = usize::try_from(tries - 1).ok().and_then(|at| WAITS.get(at));
    let Some(wait) = wait else { return Verdict::GivenUp };
    let asked = answer.and_then(|answer| answer.after).unwrap_or_default().min(MAX_ASKED);
    Verdict::Again(now + wait.mul_f64(1.0 + JITTER * fraction).max(asked))
}

/// Whether an endpoint has failed for so long that it is disabled.
pub(super) fn has_failed_too_long(since: Timestamp, now: Timestamp) -> bool {
    now.since(since) >= PATIENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: Option<u16>, after: Option<Duration>) -> Answer {
        Answer { status, after, text: None }
    }

    fn waited(status: Option<u16>, after: Option<Duration>, tries: i64, fraction: f64) -> Option<Duration> {
        let now = Timestamp::from_micros(0);
        match verdict(Some(&answer(status, after)), tries, now, fraction) {
            Verdict::Again(at) => Some(at.since(now)),
            Verdict::Succeeded | Verdict::GivenUp | Verdict::Gone => None,
        }
    }

    #[test]
    fn the_waits_are_those_of_the_schedule_and_then_it_is_given_up() {
        let waits: Vec<u64> =
            (1..=10).filter_map(|tries| waited(Some(500), None, tries, 0.0)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(verdict(None, 10, Timestamp::from_micros(0), 0.5), Verdict::GivenUp);
        assert_eq!(waited(None, None, 1, 1.0), Some(Duration::from_secs(6)));
    }

    #[test]
    fn an_endpoint_may_ask_for_longer_but_not_for_ever() {
        assert_eq!(waited(Some(429), Some(Duration::from_mins(1)), 1, 0.0), Some(Duration::from_mins(1)));
        assert_eq!(waited(Some(503), Some(Duration::from_secs(1)), 1, 0.0), Some(Duration::from_secs(5)));
        assert_eq!(waited(Some(503), Some(Duration::from_hours(900)), 1, 0.0), Some(MAX_ASKED));
    }

    #[test]
    fn any_2xx_is_a_success_and_nothing_else_is() {
        for status in 100..600 {
            let verdict = verdict(Some(&answer(Some(status), None)), 1, Timestamp::from_micros(0), 0.0);
            assert_eq!(verdict == Verdict::Succeeded, (200..300).contains(&status), "{status}");
            assert_eq!(verdict == Verdict::Gone, status == 410, "{status}");
        }
    }
}
