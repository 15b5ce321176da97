//! How each contract words and signs a report.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::RequestBuilder;
use reqwest::header::CONTENT_TYPE;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::form_urlencoded::Serializer;

use super::{Callbacks, EventHook, HttpHook, Post, Report, TwilioMessage};
use crate::domain::{Address, Status, Timestamp};
use crate::provider::simulator::Receipt;

#[derive(Serialize)]
struct HttpReport<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    provider_id: &'a str,
    status: Status,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<&'a str>,
}

/// A text holds no key that can sign events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must hold a P-256 private key in PEM (PKCS #8)")]
pub struct NotAKey;

/// The key that signs SendGrid's events, in PEM.
pub(in super::super) fn event_key(pem: &str) -> Result<EcdsaKeyPair, NotAKey> {
    let lines: String = pem.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(lines).map_err(|_| NotAKey)?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der).map_err(|_| NotAKey)
}

/// The key that signs Twilio's callbacks: the account's token.
pub(in super::super) fn twilio_key(token: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes())
}

/// What Twilio calls a status.
pub(in super::super) fn twilio_name(status: Status) -> &'static str {
    match status {
        Status::Accepted => "queued",
        status => status.as_str(),
    }
}

impl Callbacks {
    /// The request that tells it; nothing, when nobody is to be told.
    pub(super) fn request(&self, post: &Post) -> Option<RequestBuilder> {
        match post {
            Post::One(Report::Http(receipt)) => self.http.as_ref().map(|hook| self.http(hook, receipt)),
            Post::One(Report::Twilio(receipt, message)) => {
                self.twilio.as_ref().map(|key| self.twilio(key, receipt, message))
            }
            Post::One(Report::SendGrid(receipt, to)) => self.events([(receipt, &**to)].into_iter()),
            Post::Events(events) => self.events(events.iter().map(|(receipt, to)| (receipt, &**to))),
        }
    }

    fn http(&self, hook: &HttpHook, receipt: &Receipt) -> RequestBuilder {
        let report = HttpReport {
            reference: receipt.reference.as_deref(),
            provider_id: &receipt.provider_id,
            status: receipt.status,
            timestamp: receipt.at,
            recipient: receipt.recipient.as_ref().map(Address::as_str),
        };
        let request = self.client.post(hook.url.clone()).json(&report);
        match &hook.secret {
            Some(secret) => request.bearer_auth(secret.expose_secret()),
            None => request,
        }
    }

    fn twilio(&self, key: &hmac::Key, receipt: &Receipt, message: &TwilioMessage) -> RequestBuilder {
        let status = twilio_name(receipt.status);
        let fields = [
            ("AccountSid", message.account.as_str()),
            ("ApiVersion", "2010-04-01"),
            ("From", message.from.as_str()),
            ("MessageSid", receipt.provider_id.as_str()),
            ("MessageStatus", status),
            ("SmsSid", receipt.provider_id.as_str()),
            ("SmsStatus", status),
            ("To", message.to.as_str()),
        ];
        let signature = twilio_signature(key, message.url.as_str(), &fields);
        self.client
            .post(message.url.clone())
            .header("X-Twilio-Signature", signature)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Serializer::new(String::new()).extend_pairs(fields).finish())
    }

    fn events<'a>(&self, events: impl Iterator<Item = (&'a Receipt, &'a str)>) -> Option<RequestBuilder> {
        let EventHook { url, key } = self.sendgrid.as_ref()?;
        let events: Vec<_> = events
            .map(|(receipt, to)| {
                let to = receipt.recipient.as_ref().map_or(to, Address::as_str);
                json!({
                    "email": to,
                    "timestamp": receipt.at.seconds(),
                    "event": event_name(receipt.status),
                    "sg_event_id": event_id(receipt, to),
                    "sg_message_id": format!("{}.recvd-carrier-1-0.0", receipt.provider_id),
                    "reference": receipt.reference,
                })
            })
            .collect();
        let body = serde_json::to_vec(&events).ok()?;
        let mut request = self.client.post(url.clone()).header(CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            let at = self.clock.now().seconds().to_string();
            let signature = key.sign(&SystemRandom::new(), &[at.as_bytes(), &body].concat()).ok()?;
            request = request
                .header("X-Twilio-Email-Event-Webhook-Timestamp", at)
                .header("X-Twilio-Email-Event-Webhook-Signature", STANDARD.encode(signature));
        }
        Some(request.body(body))
    }
}

/// Over the URL and each field behind it, in the order of their names.
fn twilio_signature(key: &hmac::Key, url: &str, sorted: &[(&str, &str)]) -> String {
    let fields: String = sorted.iter().flat_map(|(name, value)| [*name, *value]).collect();
    STANDARD.encode(hmac::sign(key, format!("{url}{fields}").as_bytes()))
}

/// What SendGrid calls an event.
fn event_name(status: Status) -> &'static str {
    match status {
        Status::Sent => "processed",
        Status::Read => "open",
        status => status.as_str(),
    }
}

/// The same for a report that is repeated.
fn event_id(receipt: &Receipt, to: &str) -> String {
    let whole = format!("{}|{}|{to}", receipt.provider_id, receipt.status.as_str());
    URL_SAFE_NO_PAD.encode(&Sha256::digest(whole)[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_request_has_the_published_signature() {
        let fields = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ];
        let signature = twilio_signature(&twilio_key("12345"), "https://mycompany.com/myapp.php?foo=1&bar=2", &fields);
        assert_eq!(signature, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for pem in ["", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "AAAA", "no key"] {
            assert!(event_key(pem).is_err(), "{pem}");
        }
    }
}
