//! What values may be, said by key, all at once and before anything starts.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use url::Url;

use super::{Config, InvalidKey};
use crate::domain::Address;

pub(super) const TIMEOUT_MS: RangeInclusive<u64> = 1..=300_000;
const DAYS: RangeInclusive<u32> = 0..=36_500;
const BODY_BYTES: RangeInclusive<usize> = 1_024..=1_073_741_824;

/// Gathers what is wrong.
#[derive(Default)]
pub(super) struct Findings(Vec<InvalidKey>);

impl Findings {
    pub(super) fn unless(&mut self, is_right: bool, key: impl Into<String>, wanted: impl Into<String>) {
        if !is_right {
            self.0.push(InvalidKey { key: key.into(), wanted: wanted.into() });
        }
    }

    /// The keys that something is wrong with.
    #[cfg(test)]
    pub(super) fn keys(self) -> Vec<String> {
        self.0.into_iter().map(|finding| finding.key).collect()
    }

    pub(super) fn within<T: PartialOrd + std::fmt::Display>(
        &mut self,
        value: &T,
        range: &RangeInclusive<T>,
        key: String,
    ) {
        self.unless(range.contains(value), key, format!("must be {} to {}", range.start(), range.end()));
    }
}

impl Config {
    /// Every key whose value cannot be; none when all can.
    pub(super) fn check(&self) -> Vec<InvalidKey> {
        let mut findings = Findings::default();
        self.check_addresses(&mut findings);
        self.check_web(&mut findings);
        self.check_keys(&mut findings);
        self.check_days(&mut findings);
        findings.within(&self.max_segments, &(1..=255), "max_segments".to_owned());
        findings.within(&self.chat_history_days, &(1..=3_650), "chat_history_days".to_owned());
        self.check_providers(&mut findings);
        self.check_senders(&mut findings);
        self.check_routes(&mut findings);
        findings.0
    }

    fn check_providers(&self, findings: &mut Findings) {
        let (mut names, mut secrets) = (HashSet::new(), HashSet::new());
        for (at, provider) in self.providers.iter().enumerate() {
            let path = format!("providers[{at}]");
            provider.check(&path, self.public_url.is_some(), findings);
            let is_new = names.insert(provider.name.as_str());
            findings.unless(is_new, format!("{path}.name"), format!("`{}` is taken by another", provider.name));
            for (key, secret) in provider.named_webhook_secrets() {
                let wanted = "must be this provider's own, and once: a webhook is told by it from those of another";
                findings.unless(secrets.insert(secret.expose()), format!("{path}.{key}"), wanted);
            }
        }
    }

    fn check_addresses(&self, findings: &mut Findings) {
        let wanted = "must be a plus and 1 to 3 digits, such as +1";
        findings.unless(is_calling_code(&self.default_country), "default_country", wanted);
        for (at, code) in self.code_countries.iter().enumerate() {
            findings.unless(is_calling_code(code), format!("code_countries[{at}]"), wanted);
        }
        if let Some(Err(error)) = self.default_sender.as_ref().map(|text| Address::sender(text, &self.phone_rules())) {
            findings.unless(false, "default_sender", error.to_string());
        }
        if let Some(sender) = &self.mail_sender
            && let Err(error) = Address::email(sender)
        {
            findings.unless(false, "mail_sender", error.to_string());
        }
        findings.unless(!self.data.as_os_str().is_empty(), "data", "must name a folder");
        if let Some(url) = &self.attachments {
            let is_place = match url.scheme() {
                "file" => url.to_file_path().is_ok(),
                "s3" => url.has_host(),
                _ => false,
            };
            findings.unless(is_place, "attachments", "must be file:///a/folder or s3://bucket/prefix");
        }
        if let Some(database) = &self.database {
            let url = database.expose();
            let is_known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|begin| url.starts_with(begin));
            findings.unless(is_known, "database", "must begin with sqlite:// or postgres://");
        }
    }

    fn check_web(&self, findings: &mut Findings) {
        if let Some(url) = &self.public_url {
            let is_base = is_web(url) && url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            findings.unless(is_base, "public_url", "must be http:// or https:// and a host, without a path");
        }
        for (at, origin) in self.allowed_origins.iter().enumerate() {
            let is_origin = Url::parse(origin)
                .is_ok_and(|url| is_web(&url) && url.origin().ascii_serialization() == origin.as_str());
            let wanted = "must be an origin as a browser writes it, such as https://app.example.com";
            findings.unless(is_origin, format!("allowed_origins[{at}]"), wanted);
        }
        findings.within(&self.body_limit_bytes, &BODY_BYTES, "body_limit_bytes".to_owned());
        findings.within(&self.large_body_limit_bytes, &BODY_BYTES, "large_body_limit_bytes".to_owned());
        let is_larger = self.large_body_limit_bytes >= self.body_limit_bytes;
        findings.unless(is_larger, "large_body_limit_bytes", "must not be below body_limit_bytes");
        findings.within(&self.header_timeout_ms, &TIMEOUT_MS, "header_timeout_ms".to_owned());
        findings.within(&self.body_timeout_ms, &TIMEOUT_MS, "body_timeout_ms".to_owned());
        findings.within(&self.write_timeout_ms, &TIMEOUT_MS, "write_timeout_ms".to_owned());
    }

    fn check_days(&self, findings: &mut Findings) {
        findings.within(&self.events_days, &DAYS, "events_days".to_owned());
        findings.within(&self.quarantine_days, &DAYS, "quarantine_days".to_owned());
        findings.within(&self.inbound_events_days, &DAYS, "inbound_events_days".to_owned());
        findings.within(&self.own_messages_days, &DAYS, "own_messages_days".to_owned());
        findings.within(&self.webhooks.days, &DAYS, "webhooks.days".to_owned());
        findings.within(&self.webhooks.timeout_ms, &(1..=60_000), "webhooks.timeout_ms".to_owned());
    }

    fn check_keys(&self, findings: &mut Findings) {
        for (key, secret) in [("master_key", &self.master_key), ("previous_master_key", &self.previous_master_key)] {
            let is_key = secret.as_ref().is_none_or(|secret| super::keys::parse(secret.expose()).is_some());
            findings.unless(is_key, key, "must be 64 hex digits, as `openssl rand -hex 32` prints them");
        }
        let is_command = self.master_key_command.as_ref().is_none_or(|command| !command.expose().trim().is_empty());
        findings.unless(is_command, "master_key_command", "must not be empty: leave it out, or give it a value");
        let is_one = self.master_key.is_none() || self.master_key_command.is_none();
        findings.unless(is_one, "master_key_command", "must not be set beside master_key: one of the two");
    }
}

fn is_calling_code(code: &str) -> bool {
    let digits = code.strip_prefix('+').unwrap_or_default();
    (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

pub(super) fn is_web_text(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_web(&url))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::{ProviderConfig, Sources};
    use super::*;
    use crate::domain::Channel;

    fn usable() -> Config {
        let sources = Sources { environment: Some(HashMap::new()), ..Sources::default() };
        let mut config = Config::load(&sources).unwrap();
        config.providers.push(ProviderConfig::http("primary", &[Channel::Sms], "http://127.0.0.1:9101/messages"));
        config
    }

    fn keys_after(change: impl FnOnce(&mut Config)) -> Vec<String> {
        let mut config = usable();
        change(&mut config);
        config.check().into_iter().map(|finding| finding.key).collect()
    }

    #[test]
    fn what_can_be_is_taken() {
        let keys = keys_after(|config| {
            config.default_country = "+358".to_owned();
            config.default_sender = Some("ACME".to_owned());
            config.database = Some("postgresql://u@h/d".into());
            config.public_url = Url::parse("https://messages.example.com").ok();
            config.allowed_origins = vec!["http://localhost:5173".to_owned()];
            config.providers[0].lookup_url = Some("https://h/m/{reference}?x=1".to_owned());
            config.providers[0].webhook_secret = Some("x".repeat(16).as_str().into());
        });
        assert_eq!(keys, Vec::<String>::new());
    }

    #[test]
    fn no_command_is_empty() {
        let keys = keys_after(|config| config.master_key_command = Some(" ".into()));
        assert_eq!(keys, ["master_key_command"]);
    }

    #[test]
    fn what_cannot_be_is_named_all_at_once() {
        let keys = keys_after(|config| {
            config.default_country = "1".to_owned();
            config.default_sender = Some("nobody@example.com".to_owned());
            config.mail_sender = Some("nobody".to_owned());
            config.database = Some("mysql://u@h/d".into());
            config.public_url = Url::parse("ftp://h").ok();
            config.allowed_origins = vec!["*".to_owned(), "https://h/".to_owned()];
            config.body_limit_bytes = 0;
            config.header_timeout_ms = 0;
            config.body_timeout_ms = 300_001;
            config.write_timeout_ms = 0;
            config.events_days = 36_501;
            config.master_key = Some("abc".into());
            config.max_segments = 0;
            config.chat_history_days = 0;
        });
        let expected = [
            "default_country",
            "default_sender",
            "mail_sender",
            "database",
            "public_url",
            "allowed_origins[0]",
            "allowed_origins[1]",
            "body_limit_bytes",
            "header_timeout_ms",
            "body_timeout_ms",
            "write_timeout_ms",
            "master_key",
            "events_days",
            "max_segments",
            "chat_history_days",
        ];
        assert_eq!(keys, expected);
    }

    #[test]
    fn two_providers_do_not_share_a_webhook_secret() {
        let with = |secrets: [Option<&str>; 3]| {
            keys_after(|config| {
                config.providers.clear();
                for (n, secret) in secrets.into_iter().enumerate() {
                    let mut provider = ProviderConfig::http(&format!("p{n}"), &[Channel::Sms], "http://127.0.0.1:1/");
                    provider.webhook_secret = secret.map(Into::into);
                    config.providers.push(provider);
                }
            })
        };
        let (one, other) = ("one secret of length", "another secret of length");
        assert_eq!(with([Some(one), None, Some(one)]), ["providers[2].webhook_secret"]);
        assert_eq!(with([Some(one), None, Some(other)]), Vec::<String>::new());
        assert_eq!(with([None, None, None]), Vec::<String>::new());
        let keys = keys_after(|config| {
            config.providers[0].webhook_secret = Some(one.into());
            config.providers[0].webhook_secret_next = Some(one.into());
        });
        assert_eq!(keys, ["providers[0].webhook_secret_next"]);
        let keys = keys_after(|config| config.providers[0].webhook_secret_next = Some(one.into()));
        assert_eq!(keys, ["providers[0].webhook_secret_next"]);
    }

    #[test]
    fn a_provider_is_checked_key_by_key() {
        let keys = keys_after(|config| {
            let provider = &mut config.providers[0];
            provider.name = "Primary!".to_owned();
            provider.channels.clear();
            provider.url = Some("carrier.example.com".to_owned());
            provider.timeout_ms = 0;
            provider.max_per_second = 10_001;
            provider.max_in_flight = 0;
            provider.webhook_secret = Some("fifteen letters".into());
            provider.webhook_secret_next = Some("whsec_no base64 at all".into());
            provider.idempotency_hours = 0;
            provider.idempotency_header = Some("Two Words".to_owned());
            provider.lookup_url = Some("https://h/m".to_owned());
            provider.signing_secret = Some("a secret of length".into());
        });
        let names = [
            "name",
            "channels",
            "timeout_ms",
            "max_per_second",
            "max_in_flight",
            "webhook_secret",
            "webhook_secret_next",
            "url",
            "idempotency_hours",
            "idempotency_header",
            "lookup_url",
            "signing_secret",
        ];
        assert_eq!(keys, names.map(|name| format!("providers[0].{name}")));
    }

    #[test]
    fn two_providers_have_two_names() {
        let keys = keys_after(|config| config.providers.push(config.providers[0].clone()));
        assert_eq!(keys, ["providers[1].name"]);
    }
}
