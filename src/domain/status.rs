//! The states of a message, and the one order in which a provider's reports move it.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Where a message, or one of its recipients, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Status {
    /// Waits for its `scheduled_at`.
    Scheduled,
    /// Waits for a sender, or for its next attempt.
    Queued,
    /// An attempt is under way.
    Sending,
    /// The provider has it and named it.
    Accepted,
    /// The provider passed it on.
    Sent,
    /// It arrived.
    Delivered,
    /// It was read.
    Read,
    /// The provider could not deliver it.
    Undelivered,
    /// The provider gave up on it.
    Failed,
    /// The mailbox sent it back.
    Bounced,
    /// Refused for good before or by the provider.
    Rejected,
    /// It may or may not have been sent.
    Unknown,
    /// Its time ran out in the queue.
    Dead,
    /// Called back before a sender had it.
    Canceled,
    /// An inbound message.
    Received,
}

impl Status {
    /// Every status, in the order of the documentation.
    pub const ALL: [Self; 15] = [
        Self::Scheduled,
        Self::Queued,
        Self::Sending,
        Self::Accepted,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Undelivered,
        Self::Failed,
        Self::Bounced,
        Self::Rejected,
        Self::Unknown,
        Self::Dead,
        Self::Canceled,
        Self::Received,
    ];

    /// Its name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Bounced => "bounced",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::Dead => "dead",
            Self::Canceled => "canceled",
            Self::Received => "received",
        }
    }

    /// Reads a name as [`Status::as_str`] writes it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// How far a provider has brought it. What is decided on this side alone has rank 0: any report goes before it.
    pub fn rank(self) -> u8 {
        match self {
            Self::Scheduled
            | Self::Queued
            | Self::Sending
            | Self::Rejected
            | Self::Unknown
            | Self::Dead
            | Self::Canceled => 0,
            Self::Accepted => 1,
            Self::Sent => 2,
            Self::Undelivered | Self::Failed | Self::Bounced => 3,
            Self::Delivered => 4,
            Self::Read | Self::Received => 5,
        }
    }

    /// Whether a provider may report it.
    pub fn is_reportable(self) -> bool {
        self.rank() > 0 && self != Self::Received
    }

    /// Whether it got to somebody.
    pub fn is_arrival(self) -> bool {
        matches!(self, Self::Delivered | Self::Read)
    }

    /// Whether a provider has nothing more to do for it.
    pub fn is_last(self) -> bool {
        self.rank() >= Self::Failed.rank()
    }

    /// Whether a person may ask for the message to be sent once more.
    pub fn is_replayable(self) -> bool {
        matches!(self, Self::Dead | Self::Failed | Self::Undelivered | Self::Bounced | Self::Unknown)
    }
}

/// One thing a provider said of a message or of one of its recipients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What it said.
    pub status: Status,
    /// When it says that happened.
    pub at: Timestamp,
    /// Its error or reason, without addresses.
    pub reason: Option<String>,
}

/// Where one recipient stands, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The status.
    pub status: Status,
    /// The provider's time of the report that put it there; absent before any report.
    pub at: Option<Timestamp>,
    /// Why, when the report said why.
    pub reason: Option<String>,
}

impl Standing {
    /// Takes a report in. Higher rank wins; equal ranks go by the provider's time, and equal times by name and reason,
    /// so that any order of the same reports, with repeats, ends the same.
    #[must_use]
    pub fn after(self, report: &Report) -> Self {
        let mine = (self.status.rank(), self.at, self.status.as_str(), self.reason.as_deref());
        let theirs = (report.status.rank(), Some(report.at), report.status.as_str(), report.reason.as_deref());
        if report.status.is_reportable() && theirs > mine {
            Self { status: report.status, at: Some(report.at), reason: report.reason.clone() }
        } else {
            self
        }
    }

    /// The least advanced of several recipients: what the message shows.
    pub fn least<'a>(all: impl IntoIterator<Item = &'a Self>) -> Option<&'a Self> {
        all.into_iter().min_by_key(|standing| (standing.status.rank(), std::cmp::Reverse(standing.at)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;

    fn report() -> impl Strategy<Value = Report> {
        (select(Status::ALL.to_vec()), 0..4i64, proptest::option::of("[ab]")).prop_map(|(status, at, reason)| Report {
            status,
            at: Timestamp::from_micros(at),
            reason,
        })
    }

    fn fold(reports: &[Report]) -> Standing {
        let start = Standing { status: Status::Unknown, at: None, reason: None };
        reports.iter().fold(start, Standing::after)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_order_with_repeats_ends_the_same(
            (reports, shuffled) in proptest::collection::vec(report(), 1..8).prop_flat_map(|reports| {
                let repeated: Vec<_> = reports.iter().chain(&reports).cloned().collect();
                (Just(reports), Just(repeated).prop_shuffle())
            })
        ) {
            prop_assert_eq!(fold(&reports), fold(&shuffled));
        }

        #[test]
        fn a_report_never_moves_backward(reports in proptest::collection::vec(report(), 1..8)) {
            let mut standing = fold(&[]);
            for report in &reports {
                let next = standing.clone().after(report);
                prop_assert!(next.status.rank() >= standing.status.rank());
                standing = next;
            }
        }

        #[test]
        fn names_read_as_themselves(some in subsequence(Status::ALL.to_vec(), 0..15)) {
            for status in some {
                prop_assert_eq!(Status::named(status.as_str()), Some(status));
            }
        }
    }
}
