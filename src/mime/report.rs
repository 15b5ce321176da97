//! What mail servers report of mails that they could not deliver (RFC 3464).

use super::decode::message_ids;
use super::part::read_fields;
use super::{Head, header};

/// Recipients of one report that are read.
const MOST_RECIPIENTS: usize = 100;
/// Characters of a mail server's reason.
const LONGEST_REASON: usize = 500;

/// A delivery status notification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryReport {
    /// The `Message-ID` of the mail that it is about, where what is sent back of it has one.
    pub message_id: Option<String>,
    /// The proof that stands in that mail.
    pub proof: Option<String>,
    /// What became of it, for each recipient.
    pub deliveries: Vec<Delivery>,
}

/// What became of a mail at one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The recipient, as the mail was sent to it.
    pub recipient: Option<String>,
    /// What the mail server did.
    pub action: DeliveryAction,
    /// The enhanced status code, `5.1.1`.
    pub status: String,
    /// What it was told by the next one.
    pub reason: Option<String>,
}

/// What a mail server did with a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryAction {
    /// It gave up.
    Failed,
    /// It is still trying.
    Delayed,
    /// It is in the mailbox.
    Delivered,
    /// It went on to where nobody reports.
    Passed,
}

impl DeliveryReport {
    /// Takes in the part that says what became of it: groups of fields, the first of which is about the mail as a whole.
    pub(super) fn read_status(&mut self, text: &str) {
        let mut group: Vec<(String, String)> = Vec::new();
        for line in text.lines().chain([""]) {
            if line.trim().is_empty() {
                self.deliveries.extend(delivery(&group));
                group.clear();
            } else if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = group.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                group.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
            if self.deliveries.len() >= MOST_RECIPIENTS {
                return;
            }
        }
    }

    /// Takes in what is sent back of the mail.
    pub(super) fn read_original(&mut self, raw: &[u8]) {
        let fields = read_fields(raw);
        let Head { message_id, proof, .. } = Head::of(&fields);
        self.message_id = self.message_id.take().or(message_id);
        self.proof = self.proof.take().or(proof);
    }

    /// The mail that the notification answers, when it says of which it is in no other way.
    pub(super) fn read_answered(&mut self, fields: &header::Fields) {
        if self.message_id.is_none() {
            let answered = fields.get(header::Name::InReplyTo).map(message_ids).unwrap_or_default();
            self.message_id = answered.into_iter().next();
        }
    }
}

/// One group of fields; nothing, when it is about no recipient.
fn delivery(group: &[(String, String)]) -> Option<Delivery> {
    let get = |wanted: &str| group.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let action = match get("action")?.to_ascii_lowercase().as_str() {
        "failed" => DeliveryAction::Failed,
        "delayed" => DeliveryAction::Delayed,
        "delivered" => DeliveryAction::Delivered,
        _ => DeliveryAction::Passed,
    };
    // each is `type; value`
    let value = |text: &str| text.split_once(';').map_or(text, |(_, value)| value).trim().to_owned();
    let recipient = get("original-recipient").or_else(|| get("final-recipient")).map(value);
    let recipient = recipient.map(|address| address.trim_matches(['<', '>']).to_owned());
    let status = get("status").unwrap_or_default().split([' ', '(']).next().unwrap_or_default().to_owned();
    let reason = get("diagnostic-code").map(value).map(|reason| reason.chars().take(LONGEST_REASON).collect());
    Some(Delivery { recipient, action, status, reason })
}
