//! What somebody wants sent, or says was received, before it is a message.

use std::time::Duration;

use super::{Address, Channel, FieldError, Policy, Refusal, Segments, Timestamp};

/// A message that has not been accepted yet. Its addresses are already in their stored form.
#[derive(Debug, Clone)]
pub struct Draft {
    /// How it travels.
    pub channel: Channel,
    /// The sender.
    pub from: Address,
    /// The recipients; at least one.
    pub to: Vec<Address>,
    /// Further recipients of a mail.
    pub cc: Vec<Address>,
    /// Where a mail's answers go.
    pub reply_to: Option<Address>,
    /// A mail's subject.
    pub subject: Option<String>,
    /// The text, or HTML in a mail.
    pub body: String,
    /// URLs, or whatever names the provider uses.
    pub attachments: Vec<String>,
    /// When the client says it was written; absent: now.
    pub timestamp: Option<Timestamp>,
    /// Not before then; absent: at once.
    pub scheduled_at: Option<Timestamp>,
    /// Not after then; absent: by the channel's own span.
    pub deliver_by: Option<Timestamp>,
    /// What to do in doubt.
    pub policy: Policy,
}

/// What a draft may be at most.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Segments of an SMS.
    pub segments: i64,
    /// Bytes of a body.
    pub body_bytes: usize,
    /// `to` and `cc` together.
    pub recipients: usize,
    /// Attachments.
    pub attachments: usize,
    /// How far ahead `scheduled_at` may lie.
    pub schedule_ahead: Duration,
    /// How long after its start `deliver_by` may lie.
    pub deliver_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            segments: 10,
            body_bytes: 1024 * 1024,
            recipients: 100,
            attachments: 100,
            schedule_ahead: DAY * 35,
            deliver_within: DAY * 7,
        }
    }
}

/// Characters of a subject (RFC 5322 line limit) and of an attachment's name or URL.
const MAX_SUBJECT: usize = 998;
const MAX_ATTACHMENT: usize = 2_048;

impl Draft {
    /// Checks what a sender must keep to.
    ///
    /// # Errors
    ///
    /// Every field that is not as it should be.
    pub fn check(&self, limits: &Limits, now: Timestamp) -> Result<(), Refusal> {
        let mut refusal = Refusal::new();
        self.check_recipients(limits, &mut refusal);
        self.check_content(limits, &mut refusal);
        self.check_times(limits, now, &mut refusal);
        if refusal.is_empty() { Ok(()) } else { Err(refusal) }
    }

    /// Everybody it goes to: `to`, then `cc`.
    pub fn recipients(&self) -> impl Iterator<Item = &Address> {
        self.to.iter().chain(&self.cc)
    }

    /// What it costs as an SMS; only an SMS has segments.
    pub fn segments(&self) -> Option<Segments> {
        (self.channel == Channel::Sms).then(|| Segments::of(&self.body))
    }

    fn check_recipients(&self, limits: &Limits, refusal: &mut Refusal) {
        if self.to.is_empty() {
            refusal.push(FieldError::new("to", "required", "at least one recipient is wanted"));
        }
        if self.channel == Channel::Sms && self.to.len() > 1 {
            refusal.push(FieldError::new("to", "too_many", "an SMS has one recipient; send one for each, or an mms"));
        }
        if self.recipients().count() > limits.recipients {
            let message = format!("at most {} recipients, to and cc together", limits.recipients);
            refusal.push(FieldError::new("to", "too_many", message));
        }
    }

    fn check_content(&self, limits: &Limits, refusal: &mut Refusal) {
        if self.body.trim().is_empty() && self.attachments.is_empty() {
            refusal.push(FieldError::new("body", "required", "a body or an attachment is wanted"));
        }
        if self.body.len() > limits.body_bytes {
            refusal.push(FieldError::new("body", "too_long", format!("at most {} bytes", limits.body_bytes)));
        }
        if let Some(segments) = self.segments().filter(|segments| segments.count > limits.segments) {
            let message = format!("{} segments, at most {} are sent", segments.count, limits.segments);
            refusal.push(FieldError::new("body", "too_long", message));
        }
        if self.attachments.len() > limits.attachments {
            refusal.push(FieldError::new("attachments", "too_many", format!("at most {}", limits.attachments)));
        }
        for (at, attachment) in self.attachments.iter().enumerate() {
            if attachment.is_empty() || attachment.chars().count() > MAX_ATTACHMENT {
                let message = format!("must have 1 to {MAX_ATTACHMENT} characters");
                refusal.push(FieldError::new(format!("attachments[{at}]"), "invalid", message));
            }
        }
        if let Some(subject) = &self.subject {
            if subject.contains(['\r', '\n']) {
                refusal.push(FieldError::new("subject", "invalid", "must not hold line breaks"));
            }
            if subject.chars().count() > MAX_SUBJECT {
                refusal.push(FieldError::new("subject", "too_long", format!("at most {MAX_SUBJECT} characters")));
            }
        }
    }

    fn check_times(&self, limits: &Limits, now: Timestamp, refusal: &mut Refusal) {
        if let Some(at) = self.scheduled_at {
            if at <= now {
                refusal.push(FieldError::new("scheduled_at", "invalid", "must lie in the future"));
            } else if at > now + limits.schedule_ahead {
                let days = limits.schedule_ahead.as_secs() / 86_400;
                refusal.push(FieldError::new("scheduled_at", "invalid", format!("at most {days} days ahead")));
            }
        }
        let start = self.scheduled_at.unwrap_or(now).max(now);
        if let Some(by) = self.deliver_by {
            if by <= start {
                refusal.push(FieldError::new("deliver_by", "invalid", "must lie after now and after scheduled_at"));
            } else if by > start + limits.deliver_within {
                let days = limits.deliver_within.as_secs() / 86_400;
                refusal.push(FieldError::new("deliver_by", "invalid", format!("at most {days} days after the start")));
            }
        }
    }
}
