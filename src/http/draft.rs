//! From the fields of a request to a [`Draft`]: one way for single sends, batches, replies and webhooks.

use serde_json::value::RawValue;

use super::fields::{Fields, is_about};
use crate::domain::{Address, AddressKind, Channel, Draft, Limits, MessageId, PhoneRules, Policy, Refusal, Timestamp};
use crate::messaging::{Messaging, Reply};

/// What a route takes.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The types it takes.
    channels: &'static [Channel],
    /// What an absent `type` means.
    default: Option<Channel>,
}

/// A text.
pub const TEXT: Wanted = Wanted { channels: &[Channel::Sms, Channel::Mms], default: None };

/// A mail.
pub const MAIL: Wanted = Wanted { channels: &[Channel::Email], default: Some(Channel::Email) };

/// Either.
pub const EITHER: Wanted = Wanted { channels: &[Channel::Sms, Channel::Mms, Channel::Email], default: None };

/// The fields of a text to send.
const TEXT_FIELDS: &[&str] =
    &["from", "to", "type", "body", "attachments", "timestamp", "scheduled_at", "deliver_by", "policy"];

/// The fields of a mail to send.
const MAIL_FIELDS: &[&str] = &[
    "from",
    "to",
    "type",
    "body",
    "attachments",
    "timestamp",
    "scheduled_at",
    "deliver_by",
    "policy",
    "subject",
    "cc",
    "reply_to",
];

/// What outbound drafts are held to.
#[derive(Debug)]
pub struct Checks<'a> {
    phone: &'a PhoneRules,
    limits: &'a Limits,
    now: Timestamp,
}

impl<'a> Checks<'a> {
    /// Those of this moment.
    pub fn of(messaging: &'a Messaging) -> Self {
        Self { phone: &messaging.rules.phone, limits: &messaging.rules.limits, now: messaging.clock.now() }
    }
}

/// Reads a draft to send. Everything that is wrong with it is named at once: also what only a whole draft shows, as
/// far as it does not come from a field that was already refused.
pub fn outbound(mut fields: Fields<'_>, wanted: Wanted, checks: &Checks<'_>) -> Result<Draft, Refusal> {
    let channel = channel(&mut fields, wanted);
    fields.refuse_unknown(match channel {
        Some(channel) if channel.is_text() => TEXT_FIELDS,
        Some(_) | None => MAIL_FIELDS,
    });
    let Some(channel) = channel.or_else(|| wanted.channels.first().copied().filter(|_| is_of_one_kind(wanted))) else {
        for name in ["from", "to", "body"] {
            let is_there = fields.has(name).then_some(());
            fields.require(name, is_there);
        }
        return Err(fields.into_errors());
    };
    let body = fields.text("body");
    let body = fields.require("body", body).unwrap_or_default();
    let mut draft = addressed(&mut fields, channel, body, checks.phone);
    draft.scheduled_at = fields.timestamp("scheduled_at");
    draft.deliver_by = fields.timestamp("deliver_by");
    draft.policy = policy(&mut fields);
    let mut errors = fields.into_errors();
    if errors.is_empty() {
        return Ok(draft);
    }
    let further = draft.check(checks.limits, checks.now).err().unwrap_or_default();
    let further: Refusal = further.into_iter().filter(|error| !has_error_about(&errors, &error.field)).collect();
    errors.extend(further);
    Err(errors)
}

/// Reads the drafts of a batch; an element that is no object is refused as a whole.
pub fn batch(elements: &[&RawValue], checks: &Checks<'_>) -> Vec<Result<Draft, Refusal>> {
    let read = |raw: &&RawValue| match Fields::json(raw.get().as_bytes()) {
        Ok(fields) => outbound(fields, EITHER, checks),
        Err(_) => Err(vec![crate::domain::FieldError::new("", "invalid", "must be an object")]),
    };
    elements.iter().map(read).collect()
}

/// Reads what a provider says was received. It is taken as it is: nothing is refused but what cannot be understood.
///
/// Where a field is refused, something stands in for it, so that every other one is looked at too.
pub fn inbound(fields: &mut Fields<'_>, wanted: Wanted, phone: &PhoneRules) -> Draft {
    let channel = channel(fields, wanted).unwrap_or(wanted.channels[0]);
    let body = fields.text("body");
    let body = if fields.has("attachments") { body } else { fields.require("body", body) };
    let draft = addressed(fields, channel, body.unwrap_or_default(), phone);
    if draft.to.is_empty() {
        fields.require("to", None::<()>);
    }
    draft
}

/// Reads a reply.
pub fn reply(mut fields: Fields<'_>) -> Result<Reply, Refusal> {
    let channel = fields.choice("type", |name| one_of(EITHER.channels, name), &names(EITHER.channels));
    let body = fields.text("body");
    let reply = Reply {
        in_reply_to: fields.value_of("in_reply_to", "must be the id of a message").map(MessageId),
        channel,
        subject: fields.text("subject"),
        body: fields.require("body", body).unwrap_or_default(),
        attachments: fields.texts("attachments").unwrap_or_default(),
        scheduled_at: fields.timestamp("scheduled_at"),
        deliver_by: fields.timestamp("deliver_by"),
        policy: policy(&mut fields),
    };
    fields.finish().map(|()| reply)
}

/// What sends and webhooks have in common. Where a field is refused, something empty stands in for it.
fn addressed(fields: &mut Fields<'_>, channel: Channel, body: String, phone: &PhoneRules) -> Draft {
    let is_text = channel.is_text();
    let sender = |text: &str| if is_text { Address::sender(text, phone) } else { Address::email(text) };
    let recipient = |text: &str| if is_text { Address::phone(text, phone) } else { Address::email(text) };
    let from = fields.address("from", sender);
    let from = fields.require("from", from);
    let to = fields.addresses("to", recipient);
    let to = fields.require("to", to).unwrap_or_default();
    let cc = if is_text { None } else { fields.addresses("cc", recipient) };
    let reply_to = if is_text { None } else { fields.address("reply_to", recipient) };
    let kind = if is_text { AddressKind::Phone } else { AddressKind::Email };
    Draft {
        channel,
        from: from.unwrap_or_else(|| Address::from_stored(kind, String::new())),
        to,
        cc: cc.unwrap_or_default(),
        reply_to,
        subject: if is_text { None } else { fields.text("subject") },
        body,
        attachments: fields.texts("attachments").unwrap_or_default(),
        timestamp: fields.timestamp("timestamp"),
        scheduled_at: None,
        deliver_by: None,
        policy: Policy::default(),
    }
}

fn channel(fields: &mut Fields<'_>, wanted: Wanted) -> Option<Channel> {
    let channel = fields.choice("type", |name| one_of(wanted.channels, name), &names(wanted.channels));
    if wanted.default.is_some() && !fields.is_refused("type") {
        return channel.or(wanted.default);
    }
    fields.require("type", channel)
}

fn one_of(channels: &[Channel], name: &str) -> Option<Channel> {
    Channel::named(name).filter(|channel| channels.contains(channel))
}

fn names(channels: &[Channel]) -> String {
    channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(", ")
}

fn is_of_one_kind(wanted: Wanted) -> bool {
    wanted.channels.windows(2).all(|pair| pair[0].is_text() == pair[1].is_text())
}

fn policy(fields: &mut Fields<'_>) -> Policy {
    let names = Policy::ALL.map(Policy::as_str).join(", ");
    fields.choice("policy", Policy::named, &names).unwrap_or_default()
}

/// Whether a field, or what it is an element of, was refused already.
fn has_error_about(errors: &Refusal, field: &str) -> bool {
    let whole = field.split('[').next().unwrap_or(field);
    errors.iter().any(|error| is_about(&error.field, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone() -> PhoneRules {
        PhoneRules { default_country: "+1".to_owned() }
    }

    fn outbound_of(body: &str, wanted: Wanted) -> Result<Draft, Vec<String>> {
        let (phone, limits) = (phone(), Limits::default());
        let checks = Checks { phone: &phone, limits: &limits, now: Timestamp::from_micros(0) };
        let draft = outbound(Fields::json(body.as_bytes()).unwrap(), wanted, &checks);
        draft.map_err(|errors| errors.into_iter().map(|error| format!("{} {}", error.field, error.code)).collect())
    }

    fn inbound_of(body: &str, wanted: Wanted) -> Result<Draft, Vec<String>> {
        let mut fields = Fields::json(body.as_bytes()).unwrap();
        let draft = inbound(&mut fields, wanted, &phone());
        match fields.finish() {
            Ok(()) => Ok(draft),
            Err(errors) => Err(errors.into_iter().map(|error| format!("{} {}", error.field, error.code)).collect()),
        }
    }

    #[test]
    fn a_text_is_read_with_its_attachments_absent_null_or_listed() {
        for attachments in
            ["", r#","attachments":null"#, r#","attachments":[]"#, r#","attachments":["attachment-url"]"#]
        {
            let body =
                format!(r#"{{"from":"+12016661234","to":"+18045551234","type":"sms","body":"Hi"{attachments}}}"#);
            let draft = outbound_of(&body, TEXT).unwrap();
            assert_eq!((draft.channel, draft.to.len()), (Channel::Sms, 1));
        }
    }

    #[test]
    fn a_mail_needs_no_type_and_may_have_labels() {
        let body = r#"{"from":"[u@x.com](mailto:u@x.com)","to":["a@b.c","d@e.f"],"cc":"g@h.i","body":"<b>x</b>"}"#;
        let draft = outbound_of(body, MAIL).unwrap();
        assert_eq!((draft.channel, draft.from.as_str(), draft.recipients().count()), (Channel::Email, "u@x.com", 3));
        assert_eq!(
            outbound_of(&body.replace("\"cc\"", "\"type\":\"sms\",\"cc\""), MAIL).unwrap_err(),
            ["type invalid"]
        );
    }

    #[test]
    fn all_that_is_wrong_with_a_send_is_named_at_once() {
        let long = "x".repeat(2_000);
        let body = format!(r#"{{"from":"u@x.com","to":[1],"type":"sms","body":"{long}","Body":"","policy":"maybe"}}"#);
        let expected = ["Body unknown", "from invalid", "to[0] invalid", "policy invalid", "body too_long"];
        assert_eq!(outbound_of(&body, TEXT).unwrap_err(), expected);
        assert_eq!(
            outbound_of("{}", TEXT).unwrap_err(),
            ["type required", "body required", "from required", "to required"]
        );
        assert_eq!(
            outbound_of("{}", EITHER).unwrap_err(),
            ["type required", "from required", "to required", "body required"]
        );
        let chat = r#"{"from":"a","to":"b","body":"c","type":"chat"}"#;
        assert_eq!(outbound_of(chat, EITHER).unwrap_err(), ["type invalid"]);
    }

    #[test]
    fn a_texts_subject_is_an_unknown_field() {
        let body = r#"{"from":"2015550100","to":"2015550101","type":"sms","body":"x","subject":"y"}"#;
        assert_eq!(outbound_of(body, EITHER).unwrap_err(), ["subject unknown"]);
        assert!(
            outbound_of(r#"{"from":"a@b.c","to":"d@e.f","type":"email","body":"x","subject":"y"}"#, EITHER).is_ok()
        );
    }

    #[test]
    fn what_came_in_is_not_refused_for_its_looks() {
        let long = "x".repeat(20_000);
        let body = format!(r#"{{"from":"40404","to":"2015550100","type":"sms","body":"{long}","odd":[],"policy":7}}"#);
        assert!(inbound_of(&body, TEXT).is_ok());
        assert!(inbound_of(r#"{"from":"40404","to":"2015550100","type":"sms","body":""}"#, TEXT).is_ok());
        assert!(inbound_of(r#"{"from":"40404","to":"2015550100","type":"mms","attachments":["x"]}"#, TEXT).is_ok());
        assert!(inbound_of(r#"{"from":"a@b.c","to":"d@e.f","body":"x","subject":"a\nb"}"#, MAIL).is_ok());
    }

    #[test]
    fn what_came_in_and_cannot_be_understood_is_named() {
        assert_eq!(
            inbound_of("{}", TEXT).unwrap_err(),
            ["type required", "body required", "from required", "to required"]
        );
        let body = r#"{"from":"\ud800","to":[],"type":"sms","body":"a\u0000","timestamp":"soon"}"#;
        let expected = ["body invalid", "from invalid", "timestamp invalid", "to required"];
        assert_eq!(inbound_of(body, TEXT).unwrap_err(), expected);
    }

    #[test]
    fn an_element_that_is_no_object_is_refused_alone() {
        let (phone, limits) = (phone(), Limits::default());
        let checks = Checks { phone: &phone, limits: &limits, now: Timestamp::from_micros(0) };
        let list = r#"[3, {"from":"a@b.c","to":"d@e.f","type":"email","body":"x"}]"#;
        let elements: Vec<&RawValue> = serde_json::from_str(list).unwrap();
        let drafts = batch(&elements, &checks);
        assert!(drafts[0].is_err() && drafts[1].is_ok());
    }
}
