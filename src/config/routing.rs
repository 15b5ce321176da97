//! Whose the senders are, and which providers carry what.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::check::Findings;
use super::{Config, ProviderConfig};
use crate::domain::{Address, AddressKind, Channel, PhoneRules};

const MAX_WEIGHT: u32 = 1_000;

/// A number or a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SenderConfig {
    /// Itself.
    pub address: String,
    /// The number of the workspace whose it is.
    #[serde(default = "SenderConfig::first_workspace")]
    pub workspace: i64,
    /// The provider that has it; absent: any may send from it.
    pub provider: Option<String>,
}

/// Which providers carry some messages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// Messages of these channels.
    pub channels: Vec<Channel>,
    /// Only those from this sender.
    pub sender: Option<String>,
    /// Only those to numbers that begin so.
    pub prefix: Option<String>,
    /// The names of providers, in the order in which they take over from each other.
    pub providers: Vec<String>,
    /// The share of each, in the same order; what is left out is 0. None: the first carries all.
    #[serde(default)]
    pub weights: Vec<u32>,
}

impl SenderConfig {
    fn first_workspace() -> i64 {
        1
    }
}

impl Config {
    /// How the numbers of this configuration are read.
    pub fn phone_rules(&self) -> PhoneRules {
        PhoneRules { default_country: self.default_country.clone() }
    }

    pub(super) fn check_senders(&self, findings: &mut Findings) {
        let rules = self.phone_rules();
        let mut taken = HashSet::new();
        for (at, sender) in self.senders.iter().enumerate() {
            let key = |name: &str| format!("senders[{at}].{name}");
            let address = Address::any(&sender.address, &rules);
            let wanted = "must be a phone number, a short code, a sender name or an email address";
            findings.unless(address.is_some(), key("address"), wanted);
            findings.unless(sender.workspace >= 1, key("workspace"), "must be the number of a workspace, 1 or more");
            let Some(address) = address else { continue };
            let kind = address.kind();
            findings.unless(taken.insert(address), key("address"), "is another sender already: one workspace has it");
            let Some(name) = &sender.provider else { continue };
            let provider = self.provider(name);
            let carries = |channel: &Channel| channel.is_text() == (kind == AddressKind::Phone);
            let fits = provider.is_some_and(|provider| provider.channels.iter().any(carries));
            let wanted = if kind == AddressKind::Phone { "texts" } else { "mails" };
            findings.unless(fits, key("provider"), format!("must be the name of a provider that carries {wanted}"));
        }
    }

    pub(super) fn check_routes(&self, findings: &mut Findings) {
        let mut taken = HashSet::new();
        for (at, route) in self.routes.iter().enumerate() {
            let path = format!("routes[{at}]");
            self.check_route(route, &path, findings);
            let sender = route.sender.as_ref().map(|sender| Address::any(sender, &self.phone_rules()));
            let is_new = route.channels.iter().all(|channel| {
                let is_known = sender.as_ref().is_none_or(Option::is_some);
                !is_known || taken.insert((*channel, sender.clone(), route.prefix.clone()))
            });
            let wanted = "another route is for the same channel, sender and prefix: which of them counts?";
            findings.unless(is_new, path, wanted);
        }
    }

    fn check_route(&self, route: &RouteConfig, path: &str, findings: &mut Findings) {
        let key = |name: &str| format!("{path}.{name}");
        let may_carry = !route.channels.is_empty() && !route.channels.contains(&Channel::Chat);
        findings.unless(may_carry, key("channels"), "must name one or more of sms, mms and email");
        let is_text = route.channels.iter().all(|channel| channel.is_text());
        let is_mail = route.channels.iter().all(|channel| *channel == Channel::Email);
        if let Some(sender) = &route.sender {
            let kind = Address::any(sender, &self.phone_rules()).map(|address| address.kind());
            let fits = match kind {
                Some(AddressKind::Phone) => is_text,
                Some(AddressKind::Email) => is_mail,
                None => false,
            };
            findings.unless(fits, key("sender"), "must be an address that can send by every channel of the route");
        }
        if let Some(prefix) = &route.prefix {
            let digits = prefix.strip_prefix('+').unwrap_or_default();
            let is_prefix = (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            let wanted = "must be a plus and 1 to 15 digits, such as +4420, in a route for texts";
            findings.unless(is_prefix && is_text, key("prefix"), wanted);
        }
        findings.unless(!route.providers.is_empty(), key("providers"), "must name one or more providers");
        let mut names = HashSet::new();
        for (at, name) in route.providers.iter().enumerate() {
            let key = format!("{path}.providers[{at}]");
            let carries = |provider: &ProviderConfig| route.channels.iter().all(|c| provider.channels.contains(c));
            let fits = self.provider(name).is_some_and(carries);
            let wanted = format!("`{name}` must be the name of a provider that carries every channel of the route");
            findings.unless(fits, key.clone(), wanted);
            findings.unless(names.insert(name), key, format!("`{name}` stands there twice"));
        }
        let is_of_them = route.weights.len() <= route.providers.len();
        let is_in_range = route.weights.iter().all(|weight| *weight <= MAX_WEIGHT);
        let has_any = route.weights.is_empty() || route.weights.iter().any(|weight| *weight > 0);
        let wanted = format!("must be numbers from 0 to {MAX_WEIGHT}, one for each provider at most, and not all 0");
        findings.unless(is_of_them && is_in_range && has_any, key("weights"), wanted);
    }

    fn provider(&self, name: &str) -> Option<&ProviderConfig> {
        self.providers.iter().find(|provider| provider.name == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::Sources;
    use super::*;

    fn usable() -> Config {
        let sources = Sources { environment: Some(HashMap::new()), ..Sources::default() };
        let mut config = Config::load(&sources).unwrap();
        config.providers = vec![
            ProviderConfig::http("one", &[Channel::Sms, Channel::Mms], "http://127.0.0.1:1/"),
            ProviderConfig::http("two", &[Channel::Sms], "http://127.0.0.1:2/"),
            ProviderConfig::http("mail", &[Channel::Email], "http://127.0.0.1:3/"),
        ];
        config
    }

    fn sender(address: &str, workspace: i64, provider: Option<&str>) -> SenderConfig {
        SenderConfig { address: address.to_owned(), workspace, provider: provider.map(str::to_owned) }
    }

    fn route(channels: &[Channel], providers: &[&str]) -> RouteConfig {
        RouteConfig {
            channels: channels.to_vec(),
            sender: None,
            prefix: None,
            providers: providers.iter().map(|name| (*name).to_owned()).collect(),
            weights: Vec::new(),
        }
    }

    fn keys(senders: Vec<SenderConfig>, routes: Vec<RouteConfig>) -> Vec<String> {
        let config = Config { senders, routes, ..usable() };
        config.check().into_iter().map(|finding| finding.key).collect()
    }

    #[test]
    fn senders_and_routes_that_can_be_are_taken() {
        let senders = vec![
            sender("(201) 555-0100", 1, Some("one")),
            sender("ACME", 2, None),
            sender("desk@example.com", 1, Some("mail")),
        ];
        let routes = vec![
            route(&[Channel::Sms], &["one", "two"]),
            RouteConfig { prefix: Some("+44".to_owned()), ..route(&[Channel::Sms], &["two"]) },
            RouteConfig { sender: Some("ACME".to_owned()), ..route(&[Channel::Sms, Channel::Mms], &["one"]) },
            RouteConfig { weights: vec![0, 3], ..route(&[Channel::Sms], &["one", "two"]) },
        ];
        assert_eq!(keys(senders.clone(), routes[..3].to_vec()), Vec::<String>::new());
        assert_eq!(keys(senders, routes), ["routes[3]"], "the last one is for the same messages as the first");
    }

    #[test]
    fn what_cannot_be_of_senders_and_routes_is_named_all_at_once() {
        let senders = vec![
            sender("no address", 1, None),
            sender("+12015550100", 0, Some("mail")),
            sender("2015550100", 1, Some("nobody")),
        ];
        let routes = vec![
            route(&[], &[]),
            RouteConfig { prefix: Some("44".to_owned()), ..route(&[Channel::Sms, Channel::Mms], &["one", "two"]) },
            RouteConfig {
                sender: Some("desk@example.com".to_owned()),
                weights: vec![0, 0],
                ..route(&[Channel::Sms], &["one", "one"])
            },
            RouteConfig { prefix: Some("+44".to_owned()), weights: vec![1, 1], ..route(&[Channel::Email], &["mail"]) },
        ];
        let expected = [
            "senders[0].address",
            "senders[1].workspace",
            "senders[1].provider",
            "senders[2].address",
            "senders[2].provider",
            "routes[0].channels",
            "routes[0].providers",
            "routes[1].prefix",
            "routes[1].providers[1]",
            "routes[2].sender",
            "routes[2].providers[1]",
            "routes[2].weights",
            "routes[3].prefix",
            "routes[3].weights",
        ];
        assert_eq!(keys(senders, routes), expected);
    }
}
