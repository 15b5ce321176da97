//! Whose a sender is, and which providers carry its messages, in which order: what the configuration says of both.

use std::cmp::Reverse;

use crate::domain::{Address, AddressKind, Channel, FieldError, WorkspaceId};
use crate::store::Vault;

/// Why a message is not sent whose sender is not its workspace's.
pub(crate) const NOT_YOUR_SENDER: &str = "not_your_sender";

/// The senders and the routes of a configuration.
#[derive(Debug, Clone, Default)]
pub struct Routing {
    /// Which provider carries a channel where no route says so; the first of several.
    pub carriers: Vec<(Channel, String)>,
    /// The numbers and mailboxes; none: they are nobody's, and everybody sends from any.
    pub senders: Vec<Sender>,
    /// Which providers carry what, where it is said.
    pub routes: Vec<Route>,
}

/// A number or a mailbox.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Itself.
    pub address: Address,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The one provider that has it, and the channels it carries; absent: any has.
    pub provider: Option<(String, Vec<Channel>)>,
}

/// Which providers carry some messages.
#[derive(Debug, Clone)]
pub struct Route {
    /// The messages of these channels.
    pub channels: Vec<Channel>,
    /// Those from this sender; absent: from any.
    pub sender: Option<Address>,
    /// Those to numbers that begin so; absent: to any.
    pub prefix: Option<String>,
    /// By whom, in the order in which they take over from each other.
    pub providers: Vec<Share>,
}

/// A provider of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its name.
    pub provider: String,
    /// Its share of the conversations; 0: only what the others cannot carry.
    pub weight: u32,
}

/// The way of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Who carries it.
    pub provider: String,
    /// That one and those who take over from it, with commas between them; empty when there is nobody else.
    pub route: String,
}

impl Route {
    fn is_for(&self, channel: Channel, from: &Address, to: &[&Address]) -> bool {
        let begins = |prefix: &String| !to.is_empty() && to.iter().all(|to| to.as_str().starts_with(prefix.as_str()));
        self.channels.contains(&channel)
            && self.sender.as_ref().is_none_or(|sender| sender == from)
            && self.prefix.as_ref().is_none_or(begins)
    }

    /// The more of it, the more a route says of a message.
    fn precision(&self) -> (bool, usize) {
        (self.sender.is_some(), self.prefix.as_ref().map_or(0, String::len))
    }
}

impl Routing {
    /// The provider that carries a channel where no route says so.
    pub fn provider_of(&self, channel: Channel) -> Option<&str> {
        self.carriers.iter().find(|(carried, _)| *carried == channel).map(|(_, provider)| provider.as_str())
    }

    /// By whom a message goes; nothing when nobody carries it. It is the same for every message of a conversation, as
    /// long as the configuration is.
    pub fn way(&self, vault: &Vault, channel: Channel, (from, to): (&Address, &[&Address])) -> Option<Way> {
        let route = self.routes.iter().filter(|route| route.is_for(channel, from, to));
        let route = route.min_by_key(|route| Reverse(route.precision()));
        if let Some(route) = route.filter(|route| route.sender.is_some()) {
            return Some(route.way(vault, from, to));
        }
        if let Some((provider, channels)) = self.sender(from).and_then(|sender| sender.provider.as_ref()) {
            return channels.contains(&channel).then(|| Way::of_one(provider));
        }
        match route {
            Some(route) => Some(route.way(vault, from, to)),
            None => self.provider_of(channel).map(Way::of_one),
        }
    }

    /// Why nobody carries a message.
    pub fn no_way(&self, channel: Channel) -> FieldError {
        let name = channel.as_str();
        if self.provider_of(channel).is_some() {
            let message = format!("the provider that has this sender does not carry {name}; a route may name another");
            return FieldError::new("from", "no_provider", message);
        }
        FieldError::new("type", "no_provider", format!("no provider carries {name}; configure one"))
    }

    /// Whether a workspace may send from an address.
    pub fn may_send(&self, workspace: WorkspaceId, from: &Address) -> bool {
        self.senders.is_empty() || self.sender(from).is_some_and(|sender| sender.workspace == workspace)
    }

    /// Whose a message is that came in, by everybody whom it is for, in their order. Where there are no senders it is the
    /// workspace's that it came to.
    pub fn homes_of<'a>(
        &self,
        came_to: WorkspaceId,
        recipients: impl IntoIterator<Item = &'a Address>,
    ) -> Vec<WorkspaceId> {
        if self.senders.is_empty() {
            return vec![came_to];
        }
        let mut homes = Vec::new();
        for workspace in recipients.into_iter().filter_map(|address| self.workspace_of(address)) {
            if !homes.contains(&workspace) {
                homes.push(workspace);
            }
        }
        homes
    }

    /// Whose an address is.
    pub(super) fn workspace_of(&self, address: &Address) -> Option<WorkspaceId> {
        self.sender(address).map(|sender| sender.workspace)
    }

    /// Whether numbers and mailboxes are anybody's.
    pub(super) fn has_senders(&self) -> bool {
        !self.senders.is_empty()
    }

    /// Whose a message is that came in, by the first of its recipients that is somebody's. Where there are no senders it
    /// is the workspace's that it came to.
    pub fn home_of<'a>(
        &self,
        came_to: WorkspaceId,
        recipients: impl IntoIterator<Item = &'a Address>,
    ) -> Option<WorkspaceId> {
        if self.senders.is_empty() {
            return Some(came_to);
        }
        recipients.into_iter().find_map(|address| self.sender(address)).map(|sender| sender.workspace)
    }

    /// Whether an address is a sender of this workspace; nothing where it is no sender. What a route names and nobody has
    /// is everybody's.
    pub(super) fn is_of(&self, workspace: WorkspaceId, address: &Address) -> Option<bool> {
        let is_routed = || self.routes.iter().any(|route| route.sender.as_ref() == Some(address)).then_some(true);
        self.sender(address).map(|sender| sender.workspace == workspace).or_else(is_routed)
    }

    /// The first number of a workspace.
    pub(super) fn first_number(&self, workspace: WorkspaceId) -> Option<&Address> {
        self.senders_of(workspace).find(|address| address.kind() == AddressKind::Phone)
    }

    /// The numbers and mailboxes of a workspace, as they were configured.
    pub(super) fn senders_of(&self, workspace: WorkspaceId) -> impl Iterator<Item = &Address> {
        self.senders.iter().filter(move |sender| sender.workspace == workspace).map(|sender| &sender.address)
    }

    fn sender(&self, address: &Address) -> Option<&Sender> {
        self.senders.iter().find(|sender| sender.address == *address)
    }
}

impl Route {
    /// Draws by weight, for the conversation: the highest of a draw for each provider, so that a change of weights moves
    /// no more conversations than it must (rendezvous hashing).
    fn way(&self, vault: &Vault, from: &Address, to: &[&Address]) -> Way {
        let mut to: Vec<&str> = to.iter().map(|address| address.as_str()).collect();
        to.sort_unstable();
        let drawn = |share: &&Share| {
            let mut parts: Vec<&[u8]> = vec![b"route", share.provider.as_bytes(), from.as_str().as_bytes()];
            parts.extend(to.iter().map(|address| address.as_bytes()));
            -fraction(&vault.fingerprint(&parts)).ln() / f64::from(share.weight)
        };
        let weighed: Vec<&Share> = self.providers.iter().filter(|share| share.weight > 0).collect();
        let first = match weighed[..] {
            [one] => Some(one),
            _ => weighed.into_iter().min_by(|one, other| drawn(one).total_cmp(&drawn(other))),
        };
        let first = first.or(self.providers.first()).map(|share| share.provider.as_str()).unwrap_or_default();
        let rest = self.providers.iter().map(|share| share.provider.as_str()).filter(|name| *name != first);
        let all: Vec<&str> = std::iter::once(first).chain(rest).collect();
        Way { provider: first.to_owned(), route: if all.len() > 1 { all.join(",") } else { String::new() } }
    }
}

impl Way {
    fn of_one(provider: impl Into<String>) -> Self {
        Self { provider: provider.into(), route: String::new() }
    }
}

/// A number above 0 and below 1 that a hash names.
fn fraction(hash: &[u8; 32]) -> f64 {
    let mut first = [0; 4];
    first.copy_from_slice(&hash[..4]);
    (f64::from(u32::from_be_bytes(first)) + 0.5) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::PhoneRules;

    fn phone(text: &str) -> Address {
        Address::phone(text, &PhoneRules { default_country: "+1".to_owned() }).unwrap()
    }

    fn shares(all: &[(&str, u32)]) -> Vec<Share> {
        all.iter().map(|(provider, weight)| Share { provider: (*provider).to_owned(), weight: *weight }).collect()
    }

    fn route(sender: Option<&str>, prefix: Option<&str>, providers: &[(&str, u32)]) -> Route {
        let channels = vec![Channel::Sms];
        let prefix = prefix.map(str::to_owned);
        Route { channels, sender: sender.map(phone), prefix, providers: shares(providers) }
    }

    fn vault() -> Vault {
        Vault::new(&[], Clock::manual("2026-03-02T12:00:00Z".parse().unwrap(), 1))
    }

    fn way(routing: &Routing, from: &str, to: &str) -> String {
        let found = routing.way(&vault(), Channel::Sms, (&phone(from), &[&phone(to)]));
        found.map_or_else(|| "none".to_owned(), |way| if way.route.is_empty() { way.provider } else { way.route })
    }

    #[test]
    fn the_route_that_says_most_of_a_message_counts() {
        let routing = Routing {
            carriers: vec![(Channel::Sms, "first".to_owned())],
            senders: vec![
                Sender { address: phone("2015550100"), workspace: WorkspaceId(1), provider: None },
                Sender {
                    address: phone("2015550101"),
                    workspace: WorkspaceId(2),
                    provider: Some(("home".to_owned(), vec![Channel::Sms])),
                },
            ],
            routes: vec![
                route(None, Some("+44"), &[("uk", 0)]),
                route(None, Some("+4420"), &[("london", 0)]),
                route(Some("2015550100"), None, &[("own", 0), ("other", 0)]),
                route(Some("2015550102"), Some("+1"), &[("exact", 0)]),
            ],
        };
        for (from, to, wanted) in [
            ("2015550105", "+12025550100", "first"),
            ("2015550105", "+447700900000", "uk"),
            ("2015550105", "+442079460000", "london"),
            ("2015550100", "+442079460000", "own,other"),
            ("2015550101", "+442079460000", "home"),
            ("2015550102", "+12025550100", "exact"),
            ("2015550102", "+447700900000", "uk"),
        ] {
            assert_eq!(way(&routing, from, to), wanted, "{from} {to}");
        }
        let mms = |from: &str| routing.way(&vault(), Channel::Mms, (&phone(from), &[&phone("+12025550100")]));
        assert_eq!((mms("2015550101"), mms("2015550105")), (None, None));
    }

    #[test]
    fn a_conversation_keeps_its_provider_and_all_of_them_have_their_shares() {
        let of = |weights: &[(&str, u32)]| Routing { routes: vec![route(None, None, weights)], ..Routing::default() };
        let routing = of(&[("a", 3), ("b", 1), ("last", 0)]);
        let to: Vec<String> = (0..4_000).map(|n| format!("+1202{n:07}")).collect();
        let drawn: Vec<String> = to.iter().map(|to| way(&routing, "2015550100", to)).collect();
        let count = drawn.iter().filter(|way| *way == "a,b,last").count();
        assert!((2_880..3_120).contains(&count), "{count}");
        assert!(drawn.iter().all(|way| way == "a,b,last" || way == "b,a,last"));
        assert_eq!(drawn, to.iter().map(|to| way(&routing, "2015550100", to)).collect::<Vec<_>>());
        let shifted = of(&[("a", 2), ("b", 1), ("last", 0)]);
        let moved = to.iter().zip(&drawn).filter(|(to, was)| way(&shifted, "2015550100", to) != **was).count();
        assert!((200..480).contains(&moved), "a twelfth of them, not {moved}");
    }

    #[test]
    fn what_belongs_to_nobody_has_no_home_once_anything_belongs_to_somebody() {
        let nobodys = Routing::default();
        assert_eq!(nobodys.home_of(WorkspaceId(1), [&phone("2015550100")]), Some(WorkspaceId(1)));
        assert!(nobodys.may_send(WorkspaceId(9), &phone("2015550100")));
        let sender = Sender { address: phone("2015550100"), workspace: WorkspaceId(2), provider: None };
        let routing = Routing { senders: vec![sender], ..Routing::default() };
        let (ours, theirs) = (phone("2015550100"), phone("2015550101"));
        assert_eq!(routing.home_of(WorkspaceId(1), [&theirs, &ours]), Some(WorkspaceId(2)));
        assert_eq!(routing.home_of(WorkspaceId(1), [&theirs]), None);
        assert!(routing.may_send(WorkspaceId(2), &ours) && !routing.may_send(WorkspaceId(1), &ours));
        assert!(!routing.may_send(WorkspaceId(2), &theirs));
        assert_eq!(routing.first_number(WorkspaceId(2)), Some(&ours));
    }
}
