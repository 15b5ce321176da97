//! What SendGrid's events say of a mail of ours, each read alone: one that cannot be understood harms no other.
//!
//! <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event>

use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::{Address, ConsentSource, FieldError, Refusal, Report, Status, Timestamp, mask};

/// Characters of a name.
const MAX_NAME: usize = 255;
/// Characters of a reason that are kept.
const MAX_REASON: usize = 500;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// SendGrid's name for the event: a repeat is known by it.
    pub id: Option<String>,
    /// Our name for the mail.
    pub reference: Option<String>,
    /// SendGrid's name for the mail.
    pub provider_id: Option<String>,
    /// What became of it.
    pub report: Report,
    /// For whom.
    pub recipient: Address,
    /// Why nothing more is to go there, when the event says so.
    pub opt_out: Option<ConsentSource>,
}

/// The events of a body, each as it is written; nothing, when it is no list. What is no UTF-8 in one of them is
/// replaced there.
pub fn list(body: &[u8]) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(body);
    let events: Vec<&RawValue> = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    Some(events.into_iter().map(|event| event.get().to_owned()).collect())
}

/// Reads one event; every field that cannot be understood is named.
pub fn read(event: &str) -> Result<Event, Refusal> {
    let Ok(Value::Object(fields)) = serde_json::from_str(event) else {
        return Err(vec![FieldError::new("event", "invalid", "must be a JSON object of readable texts")]);
    };
    let fields = Fields { values: &fields };
    let mut errors = Refusal::new();
    let kind = fields.want("event", &mut errors);
    let meaning = kind.and_then(|kind| meaning(kind, &fields));
    if kind.is_some() && meaning.is_none() {
        errors.push(FieldError::new("event", "invalid", "is no event that is known here"));
    }
    let recipient = fields.want("email", &mut errors).map(Address::email).and_then(|read| {
        read.map_err(|error| errors.push(FieldError::new("email", "invalid", error.to_string()))).ok()
    });
    let at = fields.seconds("timestamp");
    if at.is_none() {
        errors.push(FieldError::new("timestamp", "invalid", "must be Unix seconds, in the years 1 to 9999"));
    }
    let (id, reference) = (fields.name("sg_event_id", &mut errors), fields.name("reference", &mut errors));
    let message = fields.name("sg_message_id", &mut errors);
    // What stands before the first dot is what was answered when the mail was taken.
    let provider_id = message.map(|id| id.split('.').next().unwrap_or_default().to_owned()).filter(|id| !id.is_empty());
    match (meaning, recipient, at) {
        (Some((status, opt_out)), Some(recipient), Some(at)) if errors.is_empty() => {
            let report = Report { status, at, reason: reason(kind.unwrap_or_default(), &fields) };
            Ok(Event { id, reference, provider_id, report, recipient, opt_out })
        }
        _ => Err(errors),
    }
}

/// What a kind of event says of the mail, and of whether its recipient gets another.
fn meaning(kind: &str, fields: &Fields<'_>) -> Option<(Status, Option<ConsentSource>)> {
    let is_machine = fields.values.get("sg_machine_open").and_then(Value::as_bool).unwrap_or_default();
    Some(match kind {
        "processed" | "deferred" => (Status::Accepted, None),
        "delivered" => (Status::Delivered, None),
        // A mail program that fetches pictures beforehand is no reader.
        "open" if is_machine => (Status::Delivered, None),
        "open" | "click" | "group_resubscribe" => (Status::Read, None),
        // Whoever blocked it may take another one.
        "bounce" if fields.text("type") == Some("blocked") => (Status::Undelivered, None),
        "bounce" => (Status::Bounced, Some(ConsentSource::Bounce)),
        "blocked" => (Status::Undelivered, None),
        "dropped" => (Status::Failed, listed_for(fields.text("reason").unwrap_or_default())),
        "spamreport" => (Status::Delivered, Some(ConsentSource::Complaint)),
        "unsubscribe" | "group_unsubscribe" => (Status::Read, Some(ConsentSource::Provider)),
        _ => return None,
    })
}

/// On which of its own lists SendGrid has somebody to whom it sends nothing.
fn listed_for(reason: &str) -> Option<ConsentSource> {
    let reason = reason.to_ascii_lowercase();
    if reason.starts_with("bounced address") {
        Some(ConsentSource::Bounce)
    } else if reason.starts_with("spam reporting address") {
        Some(ConsentSource::Complaint)
    } else if reason.contains("unsubscribed address") {
        Some(ConsentSource::Provider)
    } else {
        None
    }
}

/// Why, in SendGrid's words and without addresses.
fn reason(kind: &str, fields: &Fields<'_>) -> Option<String> {
    let said = match kind {
        "deferred" => fields.text("response").or_else(|| fields.text("reason")),
        "bounce" | "blocked" | "dropped" => fields.text("reason").or_else(|| fields.text("response")),
        "spamreport" => Some("reported as spam"),
        "unsubscribe" | "group_unsubscribe" => Some("unsubscribed at SendGrid"),
        _ => None,
    };
    let said: String = mask(&said?.replace('\0', "")).chars().take(MAX_REASON).collect();
    (!said.is_empty()).then_some(said)
}

struct Fields<'a> {
    values: &'a serde_json::Map<String, Value>,
}

impl<'a> Fields<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.values.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn want(&self, name: &str, errors: &mut Refusal) -> Option<&'a str> {
        let text = self.text(name);
        if text.is_none() {
            errors.push(FieldError::new(name, "required", "is required"));
        }
        text
    }

    fn name(&self, name: &str, errors: &mut Refusal) -> Option<String> {
        let text = self.text(name)?;
        if text.chars().count() > MAX_NAME || text.contains('\0') {
            errors.push(FieldError::new(name, "invalid", format!("must have 1 to {MAX_NAME} characters")));
            return None;
        }
        Some(text.to_owned())
    }

    fn seconds(&self, name: &str) -> Option<Timestamp> {
        let seconds = match self.values.get(name)? {
            Value::String(text) => text.parse().ok()?,
            value => value.as_i64()?,
        };
        Timestamp::from_seconds(seconds)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(change: &Value) -> Value {
        let mut event = json!({ "email": "a@people.example", "timestamp": 1_700_000_000, "event": "delivered",
            "sg_event_id": "e-1", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
            "reference": "r-1-0", "smtp-id": "<r-1-0@messages.example.com>" });
        for (name, value) in change.as_object().unwrap() {
            event[name] = value.clone();
        }
        event
    }

    fn read_with(change: &Value) -> Result<Event, Vec<String>> {
        let named = |error: FieldError| format!("{} {}", error.field, error.code);
        read(&event(change).to_string()).map_err(|errors| errors.into_iter().map(named).collect())
    }

    #[test]
    fn each_event_says_what_became_of_the_mail_and_who_wants_no_more() {
        for (change, status, opt_out, reason) in [
            (json!({ "event": "processed" }), Status::Accepted, None, None),
            (json!({ "event": "deferred", "response": "400 later" }), Status::Accepted, None, Some("400 later")),
            (json!({ "event": "delivered", "response": "250 ok" }), Status::Delivered, None, None),
            (json!({ "event": "open" }), Status::Read, None, None),
            (json!({ "event": "open", "sg_machine_open": true }), Status::Delivered, None, None),
            (json!({ "event": "click", "url": "https://h" }), Status::Read, None, None),
            (
                json!({ "event": "bounce", "type": "bounce", "reason": "550 5.1.1 no a@people.example" }),
                Status::Bounced,
                Some(ConsentSource::Bounce),
                Some("550 5.1.1 no ***@***"),
            ),
            (
                json!({ "event": "bounce", "type": "blocked", "reason": "554 spam" }),
                Status::Undelivered,
                None,
                Some("554 spam"),
            ),
            (json!({ "event": "bounce" }), Status::Bounced, Some(ConsentSource::Bounce), None),
            (
                json!({ "event": "dropped", "reason": "Bounced Address" }),
                Status::Failed,
                Some(ConsentSource::Bounce),
                Some("Bounced Address"),
            ),
            (
                json!({ "event": "dropped", "reason": "Spam Reporting Address" }),
                Status::Failed,
                Some(ConsentSource::Complaint),
                Some("Spam Reporting Address"),
            ),
            (
                json!({ "event": "dropped", "reason": "Unsubscribed Address" }),
                Status::Failed,
                Some(ConsentSource::Provider),
                Some("Unsubscribed Address"),
            ),
            (
                json!({ "event": "dropped", "reason": "Invalid SMTPAPI header" }),
                Status::Failed,
                None,
                Some("Invalid SMTPAPI header"),
            ),
            (
                json!({ "event": "spamreport" }),
                Status::Delivered,
                Some(ConsentSource::Complaint),
                Some("reported as spam"),
            ),
            (
                json!({ "event": "unsubscribe" }),
                Status::Read,
                Some(ConsentSource::Provider),
                Some("unsubscribed at SendGrid"),
            ),
            (
                json!({ "event": "group_unsubscribe" }),
                Status::Read,
                Some(ConsentSource::Provider),
                Some("unsubscribed at SendGrid"),
            ),
        ] {
            let event = read_with(&change).unwrap();
            assert_eq!((event.report.status, event.opt_out), (status, opt_out), "{change}");
            assert_eq!(event.report.reason.as_deref(), reason, "{change}");
            assert_eq!((event.provider_id.as_deref(), event.id.as_deref()), (Some("14c5d75ce93"), Some("e-1")));
        }
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        for (change, wanted) in [
            (json!({ "event": "odd" }), &["event invalid"][..]),
            (json!({ "event": 7 }), &["event required"]),
            (json!({ "email": "nobody", "timestamp": "soon" }), &["email invalid", "timestamp invalid"]),
            (json!({ "timestamp": 1e300, "reference": "x".repeat(256) }), &["timestamp invalid", "reference invalid"]),
        ] {
            assert_eq!(read_with(&change).unwrap_err(), wanted, "{change}");
        }
        for odd in ["3", "[]", "null", "{", r#"{"event":"\ud800"}"#, &format!("{{\"a\":{}", "[".repeat(10_000))] {
            assert!(read(odd).is_err(), "{odd:.40}");
        }
    }

    #[test]
    fn a_list_is_taken_apart_whatever_stands_in_it() {
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        let body = format!("\u{feff}[{{\"a\":1}}, 3, {deep}, \"\\ud800\"]");
        assert_eq!(list(body.as_bytes()).unwrap().len(), 4);
        assert_eq!(list(b"[\"caf\xe9\"]").unwrap(), ["\"caf\u{fffd}\""]);
        assert_eq!(list(b"[]").unwrap().len(), 0);
        for odd in [&b""[..], b"{}", b"[", b"null", b"event=open"] {
            assert!(list(odd).is_none());
        }
    }
}
