//! That a provider's name goes on standing for the same service while the server runs.

use url::Url;

use super::{Config, ConfigError, InvalidKey, ProviderConfig, ProviderKind};

/// The wish about a name that stands for something else.
const ANOTHER: &str = "points to another service: what the one before may have taken would be sent again in silence. Give \
                       it another name";

impl Config {
    /// Refuses a configuration in which the name of a provider stands for another service than before. What waits under
    /// a name may be with its service, under its key or to be looked up there.
    ///
    /// # Errors
    ///
    /// When there is one; its key is named.
    pub fn check_services(&self, running: &Self) -> Result<(), ConfigError> {
        let other = |(at, provider): (usize, &ProviderConfig)| {
            let before = running.providers.iter().find(|before| before.name == provider.name)?;
            let key = provider.differs(before)?;
            Some(InvalidKey { key: format!("providers[{at}].{key}"), wanted: ANOTHER.to_owned() })
        };
        let invalid: Vec<InvalidKey> = self.providers.iter().enumerate().filter_map(other).collect();
        if invalid.is_empty() { Ok(()) } else { Err(ConfigError::Invalid(invalid)) }
    }
}

impl ProviderConfig {
    /// The key by which it is another service than it was. What is secret may change.
    fn differs(&self, before: &Self) -> Option<&'static str> {
        let has_other = |url: fn(&Self) -> Option<&String>| {
            let place_of = |provider: &Self| url(provider).map(|url| place(self.kind, url));
            place_of(self) != place_of(before)
        };
        let is_asked = self.lookup_url.is_some() && before.lookup_url.is_some();
        let header = |provider: &Self| provider.idempotency_header.as_ref().map(|name| name.to_ascii_lowercase());
        let is_keyed = self.idempotency_header.is_some() && before.idempotency_header.is_some();
        [
            ("kind", self.kind != before.kind),
            ("url", has_other(|provider| provider.url.as_ref())),
            ("base_url", has_other(|provider| provider.base_url.as_ref())),
            ("account_sid", self.account_sid != before.account_sid),
            ("lookup_url", is_asked && has_other(|provider| provider.lookup_url.as_ref())),
            ("idempotency_header", is_keyed && header(self) != header(before)),
        ]
        .into_iter()
        .find_map(|(key, is_other)| is_other.then_some(key))
    }
}

/// Where a URL points to, without what is secret in it. A server of mails is known by its host.
fn place(kind: ProviderKind, url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return url.to_owned() };
    let host = url.host_str().unwrap_or_default();
    match kind {
        ProviderKind::Smtp => host.to_owned(),
        ProviderKind::Http | ProviderKind::Twilio | ProviderKind::SendGrid => {
            let port = url.port_or_known_default().unwrap_or_default();
            format!("{}://{host}:{port}{}", url.scheme(), url.path())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::Sources;
    use super::*;
    use crate::domain::Channel;

    fn config(change: impl Fn(&mut ProviderConfig)) -> Config {
        let sources = Sources { environment: Some(HashMap::new()), ..Sources::default() };
        let mut provider = ProviderConfig::http("p", &[Channel::Sms], "https://u:old@p.example/send?key=old");
        provider.lookup_url = Some("https://p.example/find/{reference}".to_owned());
        change(&mut provider);
        Config { providers: vec![provider], ..Config::load(&sources).unwrap() }
    }

    type Change = fn(&mut ProviderConfig);

    #[test]
    fn a_name_stays_with_its_service_and_everything_else_may_change() {
        let running = config(|_| {});
        let refused = |change: fn(&mut ProviderConfig)| {
            let refused = config(change).check_services(&running).err()?.to_string();
            assert!(!refused.contains("old"), "{refused}");
            Some(refused.split_once('.')?.1.split_once(':')?.0.to_owned())
        };
        let cases: [(Change, Option<&str>); 10] = [
            (|p| p.url = Some("https://q.example/send".to_owned()), Some("url")),
            (|p| p.url = Some("https://p.example/other".to_owned()), Some("url")),
            (|p| p.kind = ProviderKind::Twilio, Some("kind")),
            (|p| p.account_sid = Some("AC2".to_owned()), Some("account_sid")),
            (|p| p.base_url = Some("https://p.example".to_owned()), Some("base_url")),
            (|p| p.lookup_url = Some("https://q.example/find/{reference}".to_owned()), Some("lookup_url")),
            (|p| p.lookup_url = None, None),
            (|p| p.url = Some("https://u:new@p.example:443/send?key=new".to_owned()), None),
            (|p| (p.timeout_ms, p.max_in_flight) = (1, 1), None),
            (|p| (p.name, p.url) = ("q".to_owned(), Some("https://q.example/".to_owned())), None),
        ];
        for (change, key) in cases {
            assert_eq!(refused(change).as_deref(), key);
        }
        let smtp = |url: &str| {
            let url = url.to_owned();
            config(move |p| (p.kind, p.lookup_url, p.url) = (ProviderKind::Smtp, None, Some(url.clone())))
        };
        let running = smtp("smtps://u:old@mail.example");
        assert!(smtp("smtp://u:new@mail.example:587").check_services(&running).is_ok());
        assert!(smtp("smtps://u:old@other.example").check_services(&running).is_err());
    }
}
