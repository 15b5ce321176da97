//! The `twilio` adapter: texts and pictures by Twilio's Messages resource.
//!
//! Sending is not idempotent there and takes no key, so what is in doubt is looked up by recipient, sender, text and
//! time. <https://www.twilio.com/docs/messaging/api/message-resource>

pub mod codes;
mod listed;
mod signature;
mod told;

use std::fmt;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use url::Url;
use url::form_urlencoded::Serializer;

use self::codes::{Fate, Meaning, meaning};
pub use self::signature::{SIGNATURE, Signed, SignedBody, is_signature};
pub use self::told::{Params, Told, read};
use super::wire::{Answer, Hidden, Wire, percent_encode};
use super::{Abilities, Envelope, Fetched, Found, Outcome, Provider, Sought, fetch};
use crate::domain::Status;

/// Where Twilio is, unless a test says otherwise.
pub const BASE_URL: &str = "https://api.twilio.com";
/// The longest list of messages that is read.
const MAX_LIST: usize = 512 * 1024;

/// How one account is asked.
#[derive(Clone)]
pub struct TwilioSettings {
    /// Where the service is.
    pub base_url: Url,
    /// The account, `AC..`.
    pub account_sid: String,
    /// The user name of Basic authentication: the account, or an API key's `SK..`.
    pub user: String,
    /// Its password: the account's token, or the API key's secret.
    pub password: String,
    /// Who sends; absent: the message's own sender.
    pub messaging_service_sid: Option<String>,
    /// Where Twilio reports, without a query.
    pub callback_url: String,
}

/// Twilio, as one account sees it.
pub struct Twilio {
    settings: TwilioSettings,
    wire: Wire,
}

impl Twilio {
    /// Makes an adapter for one account.
    pub fn new(settings: TwilioSettings, wire: Wire) -> Self {
        Self { settings, wire }
    }

    fn messages_url(&self) -> String {
        let base = self.settings.base_url.as_str().trim_end_matches('/');
        format!("{base}/2010-04-01/Accounts/{}/Messages.json", percent_encode(&self.settings.account_sid))
    }

    fn callback_url(&self, envelope: &Envelope) -> String {
        let (reference, token) = (percent_encode(&envelope.reference), percent_encode(&envelope.callback_token));
        format!("{}?reference={reference}&token={token}", self.settings.callback_url)
    }

    fn form(&self, envelope: &Envelope) -> String {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(envelope.to.iter().map(|to| ("To", to.as_str())));
        match &self.settings.messaging_service_sid {
            Some(service) => form.append_pair("MessagingServiceSid", service),
            None => form.append_pair("From", envelope.from.as_str()),
        };
        if !envelope.body.is_empty() {
            form.append_pair("Body", &envelope.body);
        }
        form.extend_pairs(envelope.attachments.iter().map(|attachment| ("MediaUrl", &attachment.url)));
        form.append_pair("StatusCallback", &self.callback_url(envelope));
        form.finish()
    }

    async fn attempt(&self, envelope: &Envelope) -> Outcome {
        if envelope.to.len() != 1 {
            let reason = "Twilio carries a message to one recipient; send one to each".to_owned();
            return Outcome::Rejected { code: "too_many_recipients".to_owned(), reason };
        }
        let hidden = Hidden::of(envelope);
        let request = self
            .wire
            .post(&self.messages_url())
            .basic_auth(&self.settings.user, Some(&self.settings.password))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        match self.wire.exchange(request, self.form(envelope).into_bytes(), &hidden).await {
            Ok(answer) => outcome(&answer, &hidden),
            Err(outcome) => outcome,
        }
    }

    async fn ask(&self, sought: &Sought) -> Found {
        let [to] = &sought.envelope.to[..] else {
            return Found::Unclear { reason: "Twilio carries a message to one recipient".to_owned() };
        };
        let mut query = vec![("To", to.as_str()), ("PageSize", listed::PAGE_SIZE)];
        if self.settings.messaging_service_sid.is_none() {
            query.push(("From", sought.envelope.from.as_str()));
        }
        let query = Serializer::new(String::new()).extend_pairs(query).finish();
        let request = self
            .wire
            .get(&format!("{}?{query}", self.messages_url()))
            .basic_auth(&self.settings.user, Some(&self.settings.password))
            .header(ACCEPT, "application/json");
        let hidden = Hidden::of(&sought.envelope);
        match self.wire.ask(request, MAX_LIST).await {
            Ok(answer) if answer.status == 200 && answer.fault.is_none() => listed::find(&answer.body, sought),
            Ok(answer) => Found::Unclear { reason: hidden.of_answer(answer.status, &answer.body) },
            Err(fault) => Found::Unclear { reason: hidden.of_text(&fault) },
        }
    }
}

impl Provider for Twilio {
    fn abilities(&self) -> Abilities {
        Abilities { idempotency: None, can_look_up: true }
    }

    fn send<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Outcome> {
        self.attempt(envelope).boxed()
    }

    fn look_up<'a>(&'a self, sought: &'a Sought) -> BoxFuture<'a, Found> {
        self.ask(sought).boxed()
    }

    /// Pictures that came in are at Twilio, and open to whoever the account is; they are moved from there to a place
    /// that opens to anybody for a while.
    fn fetch<'a>(&'a self, url: &'a Url) -> Option<BoxFuture<'a, Fetched>> {
        let is_own = url.origin() == self.settings.base_url.origin();
        let request = || self.wire.get(url.as_str()).basic_auth(&self.settings.user, Some(&self.settings.password));
        is_own.then(|| fetch(request(), self.wire.clock.clone()).boxed())
    }
}

/// What the answer to a send means. A 5xx may have been sent (error 20500), unless its code says that it was not.
fn outcome(answer: &Answer, hidden: &Hidden) -> Outcome {
    let said = || hidden.of_answer(answer.status, &answer.body);
    let code = answer.word(&["code"]).and_then(|code| code.parse().ok());
    let meaning = code.and_then(meaning);
    match (answer.status, meaning) {
        (200..=299, _) => answer.receipt(&["sid"], hidden),
        (429, _) => Outcome::Retry { after: answer.retry_after, is_away: false, reason: said() },
        (300..=499, Some(meaning)) => refused(meaning, answer),
        (500..=599, Some(meaning)) if meaning.fate == Fate::Retry => refused(meaning, answer),
        (500..=599, _) => Outcome::Doubtful { reason: said() },
        (401, None) => Outcome::Retry { after: answer.retry_after, is_away: true, reason: said() },
        (300..=407 | 409..=499, None) => {
            let code = code.map_or_else(|| answer.status.to_string(), |code: u32| code.to_string());
            Outcome::Rejected { code, reason: said() }
        }
        _ => Outcome::Unknown { reason: said() },
    }
}

fn refused(meaning: &Meaning, answer: &Answer) -> Outcome {
    let reason = format!("{} (Twilio {})", meaning.text, meaning.code);
    match meaning.fate {
        Fate::Retry => {
            let is_away = matches!(answer.status, 401 | 403);
            Outcome::Retry { after: answer.retry_after, is_away, reason }
        }
        Fate::OptedOut => Outcome::Rejected { code: "opted_out".to_owned(), reason },
        Fate::Rejected | Fate::Failed => Outcome::Rejected { code: meaning.code.to_string(), reason },
    }
}

/// A status of Twilio's as one of ours; nothing for those that are about received messages.
pub fn status_named(name: &str) -> Option<Status> {
    match name {
        "accepted" | "scheduled" | "queued" | "sending" => Some(Status::Accepted),
        "sent" => Some(Status::Sent),
        "delivered" => Some(Status::Delivered),
        "undelivered" => Some(Status::Undelivered),
        "failed" | "canceled" => Some(Status::Failed),
        "read" => Some(Status::Read),
        _ => None,
    }
}

impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twilio").field("host", &self.settings.base_url.host_str()).finish_non_exhaustive()
    }
}
