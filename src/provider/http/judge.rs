//! What the answers of an `http` service mean.

use super::super::wire::{Answer, Hidden};
use super::super::{Found, Outcome};
use crate::domain::Status;

/// The fields under which a service names a message.
const NAMES: [&str; 3] = ["id", "messaging_provider_id", "xillio_id"];

/// What the answer to a send means.
pub(super) fn outcome(answer: &Answer, has_idempotency: bool, hidden: &Hidden) -> Outcome {
    let reason = || hidden.of_answer(answer.status, &answer.body);
    let retry = |is_away| Outcome::Retry { after: answer.retry_after, is_away, reason: reason() };
    match answer.status {
        200..=299 => answer.receipt(&NAMES, hidden),
        409 if has_idempotency => retry(false),
        408 | 409 => Outcome::Unknown { reason: reason() },
        425 | 429 => retry(false),
        503 => retry(true),
        500..=599 => Outcome::Doubtful { reason: reason() },
        300..=499 => Outcome::Rejected { code: code(answer, hidden), reason: reason() },
        _ => Outcome::Unknown { reason: reason() },
    }
}

/// What the answer to a look-up means.
pub(super) fn found(answer: &Answer, hidden: &Hidden) -> Found {
    match (answer.status, &answer.fault, answer.word(&NAMES)) {
        (404, _, _) => Found::NeverTaken,
        (200, None, Some(reference)) => Found::Taken { reference, status: reported_status(answer) },
        (200, Some(fault), _) => Found::Unclear { reason: hidden.of_text(&format!("HTTP 200, but {fault}")) },
        (200, None, None) => Found::Unclear { reason: "HTTP 200, but no id in the answer".to_owned() },
        _ => Found::Unclear { reason: hidden.of_answer(answer.status, &answer.body) },
    }
}

fn reported_status(answer: &Answer) -> Option<Status> {
    Status::named(&answer.word(&["status"])?).filter(|status| status.is_reportable())
}

fn code(answer: &Answer, hidden: &Hidden) -> String {
    let said = answer.word(&["code"]);
    said.filter(|code| code.len() <= 64 && hidden.is_clean(code)).unwrap_or_else(|| answer.status.to_string())
}
