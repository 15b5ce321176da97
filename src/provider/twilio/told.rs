//! What Twilio tells: a message that came in, or what became of one of ours, by the same names in a form and in JSON.
//!
//! <https://www.twilio.com/docs/messaging/guides/webhook-request>

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::codes::{Fate, meaning};
use super::status_named;
use crate::domain::{Address, AddressError, Channel, Draft, FieldError, PhoneRules, Policy, Refusal, Status};

/// Media of one message at most.
const MOST_MEDIA: usize = 10;
/// Characters of a name of Twilio's.
const MAX_NAME: usize = 255;

/// The parameters of a request, in the order in which they came.
#[derive(Debug, Clone)]
pub struct Params(Vec<(String, String)>);

/// What a request tells.
#[derive(Debug, Clone)]
pub enum Told {
    /// A message came in.
    Message {
        /// Twilio's name for it.
        sid: String,
        /// What it says; its attachments are at Twilio.
        draft: Box<Draft>,
    },
    /// A message of ours came to something.
    Status {
        /// Twilio's name for it.
        sid: String,
        /// How it stands.
        status: Status,
        /// Why, when Twilio said why.
        reason: Option<String>,
        /// Whether its recipient wants nothing more.
        is_opt_out: bool,
    },
}

impl Params {
    /// Those of a form.
    pub fn form(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// Those of a JSON object: a text as it is, anything else as it is written; nothing, when it is no object.
    pub fn json(body: &[u8]) -> Option<Self> {
        let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(body).ok()?;
        let read = |(name, raw): (String, &RawValue)| match raw.get() {
            "null" => None,
            text => Some((name, serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()))),
        };
        Some(Self(fields.into_iter().filter_map(read).collect()))
    }

    /// Those of a body that was kept without a word of what it is.
    pub fn kept(body: &[u8]) -> Option<Self> {
        if body.trim_ascii_start().starts_with(b"{") { Self::json(body) } else { Some(Self::form(body)) }
    }

    /// Each with its value.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// One of them. A signature does not say which of several values came last, so that there must be one.
    fn get(&self, name: &str, errors: &mut Refusal) -> Option<&str> {
        let mut values = self.pairs().filter(|(known, _)| *known == name).map(|(_, value)| value);
        let first = values.next()?;
        if values.any(|value| value != first) {
            errors.push(FieldError::new(name, "invalid", "must stand once"));
            return None;
        }
        if first.contains('\0') {
            errors.push(FieldError::new(name, "invalid", "must not hold NUL characters"));
            return None;
        }
        Some(first)
    }

    fn want(&self, name: &str, errors: &mut Refusal) -> Option<&str> {
        let before = errors.len();
        let value = self.get(name, errors).filter(|value| !value.is_empty());
        if value.is_none() && errors.len() == before {
            errors.push(FieldError::new(name, "required", "is required"));
        }
        value
    }
}

/// Reads what a request tells; every parameter that cannot be understood is named.
pub fn read(params: &Params, phone: &PhoneRules) -> Result<Told, Refusal> {
    let mut errors = Refusal::new();
    let sid = params.want("MessageSid", &mut errors).unwrap_or_default().to_owned();
    if sid.chars().count() > MAX_NAME {
        errors.push(FieldError::new("MessageSid", "invalid", format!("must have 1 to {MAX_NAME} characters")));
    }
    let is_status = params.pairs().any(|(name, _)| name == "MessageStatus");
    let told = if is_status { status(params, sid, &mut errors) } else { message(params, sid, phone, &mut errors) };
    told.filter(|_| errors.is_empty()).ok_or(errors)
}

fn status(params: &Params, sid: String, errors: &mut Refusal) -> Option<Told> {
    let named = params.want("MessageStatus", errors)?;
    let status = status_named(named);
    if status.is_none() {
        errors.push(FieldError::new("MessageStatus", "invalid", "is no status that is known here"));
    }
    let code = params.get("ErrorCode", errors).filter(|code| !code.is_empty() && *code != "0");
    let code: Option<u32> = code.and_then(|code| code.parse().ok());
    let known = code.and_then(meaning);
    let reason = match (known, code) {
        (Some(known), _) => Some(format!("{} (Twilio {})", known.text, known.code)),
        (None, Some(code)) => Some(format!("Twilio {code}")),
        (None, None) => None,
    };
    let is_opt_out = known.is_some_and(|known| known.fate == Fate::OptedOut);
    Some(Told::Status { sid, status: status?, reason, is_opt_out })
}

fn message(params: &Params, sid: String, phone: &PhoneRules, errors: &mut Refusal) -> Option<Told> {
    let from = address(params, "From", errors, |text| Address::sender(text, phone));
    let to = address(params, "To", errors, |text| Address::phone(text, phone));
    let attachments = media(params, errors);
    let body = params.get("Body", errors).unwrap_or_default().to_owned();
    if attachments.is_empty() && !params.pairs().any(|(name, _)| name == "Body") {
        errors.push(FieldError::new("Body", "required", "is required"));
    }
    let draft = Draft {
        channel: if attachments.is_empty() { Channel::Sms } else { Channel::Mms },
        from: from?,
        to: vec![to?],
        cc: Vec::new(),
        reply_to: None,
        subject: None,
        body,
        attachments,
        timestamp: None,
        scheduled_at: None,
        deliver_by: None,
        policy: Policy::default(),
    };
    Some(Told::Message { sid, draft: Box::new(draft) })
}

fn address(
    params: &Params,
    name: &str,
    errors: &mut Refusal,
    read: impl Fn(&str) -> Result<Address, AddressError>,
) -> Option<Address> {
    let text = params.want(name, errors)?;
    read(text).map_err(|error| errors.push(FieldError::new(name, "invalid", error.to_string()))).ok()
}

/// Where the media are.
fn media(params: &Params, errors: &mut Refusal) -> Vec<String> {
    let count =
        params.get("NumMedia", errors).filter(|count| !count.is_empty()).map_or(Some(0), |count| count.parse().ok());
    let Some(count) = count.filter(|count| *count <= MOST_MEDIA) else {
        errors.push(FieldError::new("NumMedia", "invalid", format!("must be a number up to {MOST_MEDIA}")));
        return Vec::new();
    };
    let urls = (0..count).filter_map(|at| params.want(&format!("MediaUrl{at}"), errors).map(str::to_owned));
    urls.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(form: &str) -> Result<Told, Vec<String>> {
        let phone = PhoneRules { default_country: "+1".to_owned() };
        read(&Params::form(form.as_bytes()), &phone)
            .map_err(|errors| errors.into_iter().map(|error| format!("{} {}", error.field, error.code)).collect())
    }

    fn draft(form: &str) -> Draft {
        match told(form).unwrap() {
            Told::Message { draft, .. } => *draft,
            Told::Status { .. } => panic!("{form}"),
        }
    }

    #[test]
    fn a_message_is_read_with_its_media_and_an_mms_needs_no_text() {
        let text = draft("MessageSid=SM1&From=%2B12025550111&To=40404&Body=a+b&NumMedia=0&SmsStatus=received");
        assert_eq!((text.channel, text.from.as_str(), text.to[0].as_str()), (Channel::Sms, "+12025550111", "40404"));
        assert_eq!(text.body, "a b");
        let picture =
            "MessageSid=MM1&From=40404&To=%2B12025550111&NumMedia=2&MediaUrl0=https://h/0&MediaUrl1=https://h/1";
        let picture = draft(picture);
        assert_eq!(
            (picture.channel, picture.attachments),
            (Channel::Mms, vec!["https://h/0".into(), "https://h/1".into()])
        );
        assert_eq!(draft("MessageSid=SM1&From=ACME&To=2025550111&Body=").to[0].as_str(), "+12025550111");
    }

    #[test]
    fn json_says_the_same() {
        let params =
            Params::json(br#"{"MessageSid":"SM1","MessageStatus":"failed","ErrorCode":30007,"x":null}"#).unwrap();
        assert_eq!(params.pairs().count(), 3);
        let phone = PhoneRules { default_country: "+1".to_owned() };
        let Ok(Told::Status { status, reason, .. }) = read(&params, &phone) else { panic!("{params:?}") };
        assert_eq!((status, reason.as_deref()), (Status::Failed, Some("a carrier filtered it (Twilio 30007)")));
        assert!(Params::json(b"[]").is_none() && Params::kept(b" {").is_none() && Params::kept(b"").is_some());
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        let whole = "MessageSid=SM1&From=2025550111&To=2025550112&Body=x";
        for (form, wanted) in [
            ("", &["MessageSid required", "From required", "To required", "Body required"][..]),
            ("MessageSid=SM1&MessageStatus=odd", &["MessageStatus invalid"]),
            ("MessageStatus=sent", &["MessageSid required"]),
            (
                "MessageSid=SM1&From=whatsapp:%2B12025550111&To=user@example.com&Body=%00",
                &["From invalid", "To invalid", "Body invalid"],
            ),
            (&format!("{whole}&NumMedia=1"), &["MediaUrl0 required"]),
            (&format!("{whole}&NumMedia=many"), &["NumMedia invalid"]),
            (&format!("{whole}&NumMedia=1000000"), &["NumMedia invalid"]),
            (&format!("{whole}&Body=y"), &["Body invalid"]),
        ] {
            assert_eq!(told(form).unwrap_err(), wanted, "{form}");
        }
        assert!(told(&format!("{whole}&Body=x")).is_ok(), "the same twice is the same");
    }

    #[test]
    fn only_one_code_says_that_somebody_wants_nothing_more() {
        for (code, opted_out, wanted) in [
            ("21610", true, Some("the recipient has opted out of this sender's messages (Twilio 21610)")),
            ("30003", false, Some("the recipient's phone is off or out of reach (Twilio 30003)")),
            ("99999", false, Some("Twilio 99999")),
            ("0", false, None),
            ("", false, None),
            ("odd", false, None),
        ] {
            let form = format!("MessageSid=SM1&MessageStatus=undelivered&ErrorCode={code}");
            let Ok(Told::Status { status, reason, is_opt_out, .. }) = told(&form) else { panic!("{form}") };
            assert_eq!((status, reason.as_deref(), is_opt_out), (Status::Undelivered, wanted, opted_out), "{code}");
        }
    }
}
