//! How one outside service is reached, and what may be said of it.

use std::borrow::Cow;
use std::path::PathBuf;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use url::Url;

use super::check::{Findings, TIMEOUT_MS, is_web_text};
use super::{Secret, mask};
use crate::domain::Channel;
use crate::signature::{PREFIX, SigningKey};

const MIN_WEBHOOK_SECRET: usize = 16;

/// How to reach one outside service.
///
/// Its `Debug` form hides its secrets, those inside its URLs too.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Its name in the database, in metrics and on timelines.
    pub name: String,
    /// Which adapter speaks to it.
    pub kind: ProviderKind,
    /// What it carries.
    pub channels: Vec<Channel>,
    /// Where messages are posted (`http`), or the server that takes them (`smtp`).
    #[serde(serialize_with = "mask::optional_url")]
    pub url: Option<String>,
    /// Where the service is, when it is not at its own address.
    #[serde(serialize_with = "mask::optional_url")]
    pub base_url: Option<String>,
    /// The account at Twilio.
    pub account_sid: Option<String>,
    /// Its token, which signs what Twilio tells us, too.
    pub auth_token: Option<Secret>,
    /// The token after that one, while it is changed.
    pub auth_token_next: Option<Secret>,
    /// An API key at Twilio, to send with instead.
    pub api_key_sid: Option<String>,
    /// Its secret.
    pub api_key_secret: Option<Secret>,
    /// Who sends at Twilio; absent: the message's own sender.
    pub messaging_service_sid: Option<String>,
    /// The key at SendGrid.
    pub api_key: Option<Secret>,
    /// The key that SendGrid's events are signed with.
    pub webhook_public_key: Option<String>,
    /// The one after that, while it is changed.
    pub webhook_public_key_next: Option<String>,
    /// Under which name mails are signed in DNS.
    pub dkim_selector: Option<String>,
    /// Whose DNS that is.
    pub dkim_domain: Option<String>,
    /// The file of the private key they are signed with.
    pub dkim_key_file: Option<PathBuf>,
    /// How long one attempt may take.
    #[serde(default = "ProviderConfig::default_timeout_ms")]
    pub timeout_ms: u64,
    /// How many attempts may start in a second.
    #[serde(default = "ProviderConfig::default_max_per_second")]
    pub max_per_second: u32,
    /// How many attempts may run at once.
    #[serde(default = "ProviderConfig::default_max_in_flight")]
    pub max_in_flight: u32,
    /// What the service shows, or signs with, when it posts to us.
    pub webhook_secret: Option<Secret>,
    /// What it may show or sign with as well, while it is given a new one.
    pub webhook_secret_next: Option<Secret>,
    /// What we sign with when we post to it.
    pub signing_secret: Option<Secret>,
    /// The header by which the service knows a repeated attempt.
    pub idempotency_header: Option<String>,
    /// For how long it does.
    #[serde(default = "ProviderConfig::default_idempotency_hours")]
    pub idempotency_hours: u64,
    /// Where a send can be looked up; `{reference}` stands for ours.
    #[serde(serialize_with = "mask::optional_url")]
    pub lookup_url: Option<String>,
}

/// Which adapter speaks to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Posts JSON.
    Http,
    /// Texts by Twilio.
    Twilio,
    /// Mails by SendGrid.
    #[serde(rename = "sendgrid")]
    SendGrid,
    /// Mails by any server.
    Smtp,
}

impl ProviderConfig {
    /// A provider that speaks HTTP, with the defaults for everything else.
    pub fn http(name: &str, channels: &[Channel], url: &str) -> Self {
        Self { url: Some(url.to_owned()), ..Self::of_kind(ProviderKind::Http, name, channels) }
    }

    fn of_kind(kind: ProviderKind, name: &str, channels: &[Channel]) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            channels: channels.to_vec(),
            url: None,
            base_url: None,
            account_sid: None,
            auth_token: None,
            auth_token_next: None,
            api_key_sid: None,
            api_key_secret: None,
            messaging_service_sid: None,
            api_key: None,
            webhook_public_key: None,
            webhook_public_key_next: None,
            dkim_selector: None,
            dkim_domain: None,
            dkim_key_file: None,
            timeout_ms: Self::default_timeout_ms(),
            max_per_second: Self::default_max_per_second(),
            max_in_flight: Self::default_max_in_flight(),
            webhook_secret: None,
            webhook_secret_next: None,
            signing_secret: None,
            idempotency_header: None,
            idempotency_hours: Self::default_idempotency_hours(),
            lookup_url: None,
        }
    }

    fn default_timeout_ms() -> u64 {
        10_000
    }

    fn default_max_per_second() -> u32 {
        100
    }

    fn default_max_in_flight() -> u32 {
        50
    }

    fn default_idempotency_hours() -> u64 {
        24
    }

    /// What the service may show or sign with.
    pub fn webhook_secrets(&self) -> impl Iterator<Item = &Secret> {
        self.named_webhook_secrets().map(|(_, secret)| secret)
    }

    /// The same, each with its key.
    pub(super) fn named_webhook_secrets(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        let both = [("webhook_secret", &self.webhook_secret), ("webhook_secret_next", &self.webhook_secret_next)];
        both.into_iter().filter_map(|(key, secret)| Some((key, secret.as_ref()?)))
    }

    /// The secrets that are no webhook's; those have rules of their own, as has the one we sign with.
    fn other_secrets(&self) -> [(&'static str, Option<&Secret>); 4] {
        [
            ("auth_token", self.auth_token.as_ref()),
            ("auth_token_next", self.auth_token_next.as_ref()),
            ("api_key_secret", self.api_key_secret.as_ref()),
            ("api_key", self.api_key.as_ref()),
        ]
    }

    /// What is wrong with it; some kinds want to be reachable under a `public_url`.
    pub(super) fn check(&self, path: &str, has_public_url: bool, findings: &mut Findings) {
        let key = |name: &str| format!("{path}.{name}");
        let is_name = (1..=32).contains(&self.name.len())
            && self.name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        findings.unless(is_name, key("name"), "must be 1 to 32 of a-z, 0-9, _ and -");
        let may_carry = !self.channels.is_empty() && !self.channels.contains(&Channel::Chat);
        findings.unless(may_carry, key("channels"), "must name one or more of sms, mms and email");
        findings.within(&self.timeout_ms, &TIMEOUT_MS, key("timeout_ms"));
        findings.within(&self.max_per_second, &(1..=10_000), key("max_per_second"));
        findings.within(&self.max_in_flight, &(1..=1_000), key("max_in_flight"));
        for (name, secret) in self.named_webhook_secrets() {
            check_webhook_secret(secret, key(name), findings);
        }
        let has_first = self.webhook_secret.is_some() || self.webhook_secret_next.is_none();
        findings.unless(has_first, key("webhook_secret_next"), "must not be set without webhook_secret");
        for (name, secret) in self.other_secrets() {
            let is_there = secret.is_none_or(|secret| !secret.expose().trim().is_empty());
            findings.unless(is_there, key(name), "must not be empty: leave it out, or give it a value");
        }
        match self.kind {
            ProviderKind::Http => self.check_http(path, findings),
            ProviderKind::Twilio => self.check_twilio(path, findings),
            ProviderKind::SendGrid => self.check_sendgrid(path, findings),
            ProviderKind::Smtp => self.check_smtp(path, findings),
        }
        let is_reachable = has_public_url || self.kind == ProviderKind::Http;
        let wanted = format!("must be set for {path}: it is what the service calls back, or names its mails by");
        findings.unless(is_reachable, "public_url", wanted);
        self.check_foreign_keys(path, findings);
    }

    /// A key that another kind of provider has is a mistake here.
    fn check_foreign_keys(&self, path: &str, findings: &mut Findings) {
        use ProviderKind::{Http, SendGrid, Smtp, Twilio};
        let keys: [(&str, bool, &[ProviderKind]); 20] = [
            ("url", self.url.is_some(), &[Http, Smtp]),
            ("base_url", self.base_url.is_some(), &[Twilio, SendGrid]),
            ("account_sid", self.account_sid.is_some(), &[Twilio]),
            ("auth_token", self.auth_token.is_some(), &[Twilio]),
            ("auth_token_next", self.auth_token_next.is_some(), &[Twilio]),
            ("api_key_sid", self.api_key_sid.is_some(), &[Twilio]),
            ("api_key_secret", self.api_key_secret.is_some(), &[Twilio]),
            ("messaging_service_sid", self.messaging_service_sid.is_some(), &[Twilio]),
            ("api_key", self.api_key.is_some(), &[SendGrid]),
            ("webhook_public_key", self.webhook_public_key.is_some(), &[SendGrid]),
            ("webhook_public_key_next", self.webhook_public_key_next.is_some(), &[SendGrid]),
            ("dkim_selector", self.dkim_selector.is_some(), &[Smtp]),
            ("dkim_domain", self.dkim_domain.is_some(), &[Smtp]),
            ("dkim_key_file", self.dkim_key_file.is_some(), &[Smtp]),
            ("webhook_secret", self.webhook_secret.is_some(), &[Http, SendGrid, Smtp]),
            ("webhook_secret_next", self.webhook_secret_next.is_some(), &[Http, SendGrid, Smtp]),
            ("signing_secret", self.signing_secret.is_some(), &[Http]),
            ("idempotency_header", self.idempotency_header.is_some(), &[Http]),
            ("idempotency_hours", self.idempotency_hours != Self::default_idempotency_hours(), &[Http]),
            ("lookup_url", self.lookup_url.is_some(), &[Http]),
        ];
        for (key, is_set, kinds) in keys {
            let is_right = !is_set || kinds.contains(&self.kind);
            findings.unless(is_right, format!("{path}.{key}"), "means nothing to a provider of this kind");
        }
    }

    fn check_twilio(&self, path: &str, findings: &mut Findings) {
        let key = |name: &str| format!("{path}.{name}");
        let is_text = self.channels.iter().all(|channel| channel.is_text());
        findings.unless(is_text, key("channels"), "must be sms, mms or both: Twilio carries texts here");
        check_base_url(self.base_url.as_deref(), key("base_url"), findings);
        let is_account = self.account_sid.as_deref().is_some_and(|sid| is_sid(sid, "AC"));
        findings.unless(is_account, key("account_sid"), "must be the account's SID: AC and 32 hex digits");
        findings.unless(
            self.auth_token.is_some(),
            key("auth_token"),
            "must be set: Twilio signs what it tells us with it",
        );
        let is_key = self.api_key_sid.as_deref().is_none_or(|sid| is_sid(sid, "SK"));
        findings.unless(is_key, key("api_key_sid"), "must be the API key's SID: SK and 32 hex digits");
        let is_pair = self.api_key_sid.is_some() == self.api_key_secret.is_some();
        findings.unless(is_pair, key("api_key_secret"), "must be set together with api_key_sid, or neither");
        let is_service = self.messaging_service_sid.as_deref().is_none_or(|sid| is_sid(sid, "MG"));
        let wanted = "must be the messaging service's SID: MG and 32 hex digits";
        findings.unless(is_service, key("messaging_service_sid"), wanted);
    }

    fn check_sendgrid(&self, path: &str, findings: &mut Findings) {
        let key = |name: &str| format!("{path}.{name}");
        self.check_is_mail(path, findings);
        check_base_url(self.base_url.as_deref(), key("base_url"), findings);
        let has_key = self.api_key.as_ref().is_some_and(|key| key.expose().is_empty() || is_token(key.expose()));
        findings.unless(has_key, key("api_key"), "must be set: the key that may send mail, SG..");
        let keys = [
            ("webhook_public_key", &self.webhook_public_key),
            ("webhook_public_key_next", &self.webhook_public_key_next),
        ];
        for (name, value) in keys {
            let is_key = value.as_deref().is_none_or(is_public_key);
            findings.unless(is_key, key(name), "must be the verification key as SendGrid shows it, in base64");
        }
    }

    fn check_smtp(&self, path: &str, findings: &mut Findings) {
        let key = |name: &str| format!("{path}.{name}");
        self.check_is_mail(path, findings);
        let is_server = self.url.as_deref().is_some_and(is_smtp_url);
        let wanted = "must be smtps://user:password@host, or smtp://host with ?tls=required where it is offered";
        findings.unless(is_server, key("url"), wanted);
        let is_name =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
        let parts = [self.dkim_selector.as_deref(), self.dkim_domain.as_deref()];
        let has_all = parts.iter().all(Option::is_some) && self.dkim_key_file.is_some();
        let has_none = parts.iter().all(Option::is_none) && self.dkim_key_file.is_none();
        findings.unless(
            has_all || has_none,
            key("dkim_key_file"),
            "goes with dkim_selector and dkim_domain: all or none",
        );
        findings.unless(parts[0].is_none_or(is_name), key("dkim_selector"), "must be a name in DNS");
        findings.unless(parts[1].is_none_or(is_name), key("dkim_domain"), "must be a domain");
    }

    fn check_is_mail(&self, path: &str, findings: &mut Findings) {
        let is_mail = self.channels.iter().all(|channel| *channel == Channel::Email);
        findings.unless(is_mail, format!("{path}.channels"), "must be email: this kind carries nothing else");
    }

    fn check_http(&self, path: &str, findings: &mut Findings) {
        let key = |name: &str| format!("{path}.{name}");
        let is_url = self.url.as_deref().is_some_and(is_web_text);
        findings.unless(is_url, key("url"), "must be an http:// or https:// URL");
        findings.within(&self.idempotency_hours, &(1..=720), key("idempotency_hours"));
        let is_header = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        findings.unless(
            self.idempotency_header.as_deref().is_none_or(is_header),
            key("idempotency_header"),
            "must be the name of a header",
        );
        let is_lookup = |url: &str| url.contains("{reference}") && is_web_text(&url.replace("{reference}", "r"));
        findings.unless(
            self.lookup_url.as_deref().is_none_or(is_lookup),
            key("lookup_url"),
            "must be an http:// or https:// URL that holds {reference}",
        );
        if let Some(Err(error)) = self.signing_secret.as_ref().map(|secret| SigningKey::read(secret.expose())) {
            findings.unless(false, key("signing_secret"), error.to_string());
        }
    }
}

fn check_base_url(url: Option<&str>, key: String, findings: &mut Findings) {
    let is_base = url.is_none_or(|url| is_web_text(url) && !url.contains(['?', '#']));
    findings.unless(is_base, key, "must be an http:// or https:// URL, without a query");
}

/// Whether a text is what Twilio names things of that kind by.
fn is_sid(text: &str, kind: &str) -> bool {
    text.strip_prefix(kind).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether a text can stand in a header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether a text is a public key of P-256, as SendGrid shows it.
fn is_public_key(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|der| ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, der).is_ok())
}

/// Whether a text names a mail server in lettre's form.
fn is_smtp_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let tls: Vec<_> = url.query_pairs().collect();
    let is_known = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| {
        name == "tls" && matches!(&**value, "required" | "opportunistic")
    };
    let is_scheme = match url.scheme() {
        "smtps" => tls.is_empty(),
        "smtp" => tls.len() <= 1 && tls.iter().all(is_known),
        _ => false,
    };
    is_scheme && url.host_str().is_some_and(|host| !host.is_empty())
}

fn check_webhook_secret(secret: &Secret, key: String, findings: &mut Findings) {
    if secret.expose().starts_with(PREFIX) {
        let wanted = "begins with whsec_, and so must go on with the base64 of 24 to 64 bytes";
        findings.unless(SigningKey::read(secret.expose()).is_ok(), key, wanted);
    } else {
        let is_long = secret.expose().chars().count() >= MIN_WEBHOOK_SECRET;
        findings.unless(is_long, key, format!("must have {MIN_WEBHOOK_SECRET} characters or more"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef";

    fn twilio() -> ProviderConfig {
        ProviderConfig {
            account_sid: Some(format!("AC{HEX}")),
            auth_token: Some("token".into()),
            ..ProviderConfig::of_kind(ProviderKind::Twilio, "tw", &[Channel::Sms, Channel::Mms])
        }
    }

    fn sendgrid() -> ProviderConfig {
        let api_key = Some("SG.key".into());
        ProviderConfig { api_key, ..ProviderConfig::of_kind(ProviderKind::SendGrid, "sg", &[Channel::Email]) }
    }

    fn smtp(url: &str) -> ProviderConfig {
        let url = Some(url.to_owned());
        ProviderConfig { url, ..ProviderConfig::of_kind(ProviderKind::Smtp, "mail", &[Channel::Email]) }
    }

    fn keys(provider: &ProviderConfig) -> Vec<String> {
        let mut findings = Findings::default();
        provider.check("p", true, &mut findings);
        findings.keys()
    }

    #[test]
    fn each_kind_is_usable_with_what_it_needs_and_says_what_is_missing() {
        for provider in [twilio(), sendgrid(), smtp("smtps://u:p@h"), smtp("smtp://h?tls=required"), smtp("smtp://h")] {
            assert_eq!(keys(&provider), Vec::<String>::new(), "{provider:?}");
            let mut findings = Findings::default();
            provider.check("p", false, &mut findings);
            assert_eq!(findings.keys(), ["public_url"], "{provider:?}");
        }
        let none = |kind| ProviderConfig::of_kind(kind, "p", &[Channel::Chat]);
        assert_eq!(keys(&none(ProviderKind::Twilio)), ["p.channels", "p.channels", "p.account_sid", "p.auth_token"]);
        assert_eq!(keys(&none(ProviderKind::SendGrid)), ["p.channels", "p.channels", "p.api_key"]);
        assert_eq!(keys(&none(ProviderKind::Smtp)), ["p.channels", "p.channels", "p.url"]);
    }

    #[test]
    fn what_cannot_be_of_a_kind_is_named() {
        let odd = ProviderConfig {
            channels: vec![Channel::Email],
            base_url: Some("ftp://h".to_owned()),
            account_sid: Some("AC1".to_owned()),
            api_key_sid: Some(format!("AC{HEX}")),
            messaging_service_sid: Some("MG1".to_owned()),
            ..twilio()
        };
        let named = ["channels", "base_url", "account_sid", "api_key_sid", "api_key_secret", "messaging_service_sid"];
        assert_eq!(keys(&odd), named.map(|key| format!("p.{key}")));
        let odd =
            ProviderConfig { webhook_public_key: Some("AAAA".to_owned()), api_key: Some("a b".into()), ..sendgrid() };
        assert_eq!(keys(&odd), ["p.api_key", "p.webhook_public_key"]);
        for url in ["http://h", "smtp://", "smtp://h?tls=maybe", "smtps://h?tls=required", "h", "smtp://h?x=1"] {
            assert_eq!(keys(&smtp(url)), ["p.url"], "{url}");
        }
        let half = ProviderConfig { dkim_selector: Some("s".to_owned()), ..smtp("smtp://h") };
        assert_eq!(keys(&half), ["p.dkim_key_file"]);
        let dkim = ProviderConfig {
            dkim_selector: Some("s/".to_owned()),
            dkim_domain: Some(String::new()),
            dkim_key_file: Some("x".into()),
            ..smtp("smtp://h")
        };
        assert_eq!(keys(&dkim), ["p.dkim_selector", "p.dkim_domain"]);
    }

    #[test]
    fn no_secret_is_empty() {
        let empty = ProviderConfig {
            auth_token_next: Some("".into()),
            api_key_sid: Some(format!("SK{HEX}")),
            api_key_secret: Some(" ".into()),
            ..twilio()
        };
        assert_eq!(keys(&empty), ["p.auth_token_next", "p.api_key_secret"]);
        assert_eq!(keys(&ProviderConfig { auth_token: Some("".into()), ..twilio() }), ["p.auth_token"]);
        assert_eq!(keys(&ProviderConfig { api_key: Some("".into()), ..sendgrid() }), ["p.api_key"]);
        let http = |signing: Option<Secret>, webhook: Option<Secret>| ProviderConfig {
            signing_secret: signing,
            webhook_secret: webhook,
            ..ProviderConfig::http("p", &[Channel::Sms], "http://h")
        };
        assert_eq!(keys(&http(Some("".into()), Some("".into()))), ["p.webhook_secret", "p.signing_secret"]);
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        let odd = ProviderConfig {
            api_key: Some("SG.x".into()),
            lookup_url: Some("http://h/{reference}".to_owned()),
            idempotency_hours: 3,
            webhook_secret: Some("a secret of length".into()),
            ..twilio()
        };
        assert_eq!(keys(&odd), ["p.api_key", "p.webhook_secret", "p.idempotency_hours", "p.lookup_url"]);
        let odd =
            ProviderConfig { auth_token: Some("x".into()), ..ProviderConfig::http("p", &[Channel::Sms], "http://h") };
        assert_eq!(keys(&odd), ["p.auth_token"]);
    }

    #[test]
    fn no_secret_of_any_kind_is_shown() {
        let secrets = ProviderConfig {
            auth_token_next: Some("hush".into()),
            api_key_secret: Some("hush".into()),
            api_key: Some("hush".into()),
            signing_secret: Some("hush".into()),
            webhook_secret_next: Some("hush".into()),
            url: Some("smtps://user:hush@h".to_owned()),
            auth_token: Some("hush".into()),
            ..twilio()
        };
        let shown = format!("{secrets:?}");
        assert!(!shown.contains("hush") && shown.contains("smtps://user:***@h"), "{shown}");
    }
}
