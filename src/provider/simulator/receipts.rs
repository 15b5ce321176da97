//! What the simulated carrier reports of a message it took, and when.

use std::time::Duration;

use tokio::sync::mpsc;

use super::chaos::{Receipts, Weather};
use super::{CarriedMessage, address};
use crate::domain::{Address, Channel, Status, Timestamp};

/// A message's way after it was taken: what happens, how long after.
const WAY: [(Status, Duration); 3] = [
    (Status::Sent, Duration::from_millis(50)),
    (Status::Delivered, Duration::from_millis(250)),
    (Status::Read, Duration::from_secs(1)),
];
/// Between two reports that go out in one go.
const GAP: Duration = Duration::from_millis(5);

/// One report of the carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Our reference, when the message had one.
    pub reference: Option<String>,
    /// The carrier's name for the message.
    pub provider_id: String,
    /// What happened.
    pub status: Status,
    /// When it happened.
    pub at: Timestamp,
    /// To whom; absent when there is one recipient only.
    pub recipient: Option<Address>,
}

/// Where a message stands so long after it was taken. Texts are not known to be read.
pub fn standing(channel: Channel, elapsed: Duration) -> Status {
    way(channel).filter(|(_, after)| *after <= elapsed).last().map_or(Status::Accepted, |(status, _)| status)
}

fn way(channel: Channel) -> impl Iterator<Item = (Status, Duration)> {
    WAY.into_iter().filter(move |(status, _)| *status != Status::Read || !channel.is_text())
}

/// Every report of a message with its wait after the one before, in the order in which they go out.
pub(super) fn plan(message: &CarriedMessage, order: Receipts, weather: &Weather) -> Vec<(Duration, Receipt)> {
    let recipients: Vec<&String> = message.to.as_slice().iter().chain(&message.cc).collect();
    let receipts = way(message.channel).flat_map(|(status, after)| {
        recipients.iter().map(move |to| {
            let receipt = Receipt {
                reference: message.reference.clone(),
                provider_id: message.id.clone(),
                status,
                at: message.at + after,
                recipient: Some(address(to)),
            };
            (after, receipt)
        })
    });
    let mut due: Vec<(Duration, Receipt)> = match order {
        Receipts::Off => Vec::new(),
        Receipts::Ordered => receipts.collect(),
        Receipts::Repeated => receipts.flat_map(|due| vec![due; 2 + weather.pick(2)]).collect(),
        Receipts::Shuffled => shuffled(receipts.collect(), weather),
    };
    if recipients.len() == 1 {
        for (_, receipt) in &mut due {
            receipt.recipient = None;
        }
    }
    let mut before = Duration::ZERO;
    due.into_iter()
        .map(|(at, receipt)| {
            let wait = at.saturating_sub(before).max(GAP);
            before = at;
            (wait, receipt)
        })
        .collect()
}

/// None may go out before it has happened, so all wait for the last.
fn shuffled(mut due: Vec<(Duration, Receipt)>, weather: &Weather) -> Vec<(Duration, Receipt)> {
    for last in (1..due.len()).rev() {
        due.swap(last, weather.pick(last + 1));
    }
    let end = due.iter().map(|(at, _)| *at).max().unwrap_or_default();
    due.into_iter().map(|(_, receipt)| (end, receipt)).collect()
}

/// Sends a plan's reports in their time; ends early when nobody listens any more.
pub(super) async fn report(plan: Vec<(Duration, Receipt)>, listener: mpsc::Sender<Receipt>) {
    for (wait, receipt) in plan {
        tokio::time::sleep(wait).await;
        if listener.send(receipt).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::message;
    use super::*;

    fn statuses(channel: Channel, order: Receipts) -> Vec<Status> {
        let message = CarriedMessage { channel, ..message("r", "+12015550101", "hi") };
        plan(&message, order, &Weather::default()).into_iter().map(|(_, receipt)| receipt.status).collect()
    }

    #[test]
    fn a_text_is_delivered_and_a_mail_is_read() {
        assert_eq!(statuses(Channel::Sms, Receipts::Ordered), [Status::Sent, Status::Delivered]);
        assert_eq!(statuses(Channel::Email, Receipts::Ordered), [Status::Sent, Status::Delivered, Status::Read]);
        assert_eq!(statuses(Channel::Email, Receipts::Off), []);
    }

    #[test]
    fn repeats_keep_the_order_and_shuffles_keep_the_set() {
        let mut repeated = statuses(Channel::Chat, Receipts::Repeated);
        assert!((6..=9).contains(&repeated.len()), "{repeated:?}");
        repeated.dedup();
        assert_eq!(repeated, [Status::Sent, Status::Delivered, Status::Read]);
        let weather = Weather::default();
        let message = CarriedMessage { channel: Channel::Chat, ..message("r", "a@example.com", "hi") };
        let orders: std::collections::HashSet<Vec<&str>> = (0..100)
            .map(|_| {
                let plan = plan(&message, Receipts::Shuffled, &weather);
                plan.into_iter().map(|(_, receipt)| receipt.status.as_str()).collect()
            })
            .collect();
        assert_eq!(orders.len(), 6);
    }

    #[test]
    fn no_report_goes_out_before_it_has_happened() {
        for order in [Receipts::Ordered, Receipts::Shuffled, Receipts::Repeated] {
            let message = CarriedMessage { channel: Channel::Email, ..message("r", "a@example.com", "hi") };
            let mut now = message.at;
            for (wait, receipt) in plan(&message, order, &Weather::default()) {
                now = now + wait;
                assert!(receipt.at <= now, "{order:?} {receipt:?}");
            }
        }
    }

    #[test]
    fn several_recipients_are_named() {
        let mut message = message("r", "a@example.com", "hi");
        let named = |message: &CarriedMessage| {
            plan(message, Receipts::Ordered, &Weather::default())
                .into_iter()
                .filter_map(|(_, receipt)| receipt.recipient)
                .count()
        };
        assert_eq!(named(&message), 0);
        message.cc.push("b@example.com".to_owned());
        assert_eq!(named(&message), 4);
    }

    #[test]
    fn where_it_stands_follows_the_way() {
        assert_eq!(standing(Channel::Email, Duration::ZERO), Status::Accepted);
        assert_eq!(standing(Channel::Email, Duration::from_millis(60)), Status::Sent);
        assert_eq!(standing(Channel::Email, Duration::from_secs(9)), Status::Read);
        assert_eq!(standing(Channel::Sms, Duration::from_secs(9)), Status::Delivered);
    }
}
