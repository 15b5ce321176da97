//! Through which door a request came: as the local operator of `dev`, or from the world.
//!
//! A web page must not reach a `dev` server, neither by rebinding a name of its own to the loopback address (then
//! `Host` is foreign) nor from another site (then `Origin` is).

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Error, Mode, State};
use crate::auth::Origin;
use crate::config::Config;

/// Through which door a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// From this machine, to a `dev` server: it acts as the local operator when it brings no credentials.
    Local,
    /// From anywhere else: it needs credentials.
    World,
}

/// From where a request comes, behind the proxies that are trusted.
#[derive(Debug, Clone, Copy)]
pub struct Whence(pub Origin);

impl Whence {
    /// What [`watch`] noted; nowhere, when it did not run.
    pub fn of(extensions: &Extensions) -> Origin {
        let nowhere = || Origin::of(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        extensions.get::<Self>().map_or_else(nowhere, |Self(origin)| *origin)
    }
}

impl FromRequestParts<State> for Whence {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Infallible> {
        Ok(Self(Self::of(&parts.extensions)))
    }
}

/// What a request says about where it comes from and goes to.
#[derive(Debug)]
struct Visit<'a> {
    peer: Option<IpAddr>,
    hosts: Vec<&'a str>,
    origin: Option<&'a str>,
}

/// Whose a host or an origin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Loopback,
    Named,
    Public,
    Foreign,
}

/// Turns away what may not come in at all, and notes the [`Entrance`] of the rest.
pub async fn watch(state: State, mut request: Request, next: Next) -> Response {
    let Some(entrance) = entrance(&request, &state) else {
        let detail = "a dev server answers only to a loopback Host, and to no page of another Origin; \
                      see public_url and allowed_origins";
        return Error::new(StatusCode::FORBIDDEN, "foreign_host_or_origin", detail).into_response();
    };
    let client = peer(&request).map(|peer| client(peer, request.headers(), &state.config));
    let origin = Origin::of(client.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    request.extensions_mut().insert(entrance);
    request.extensions_mut().insert(Whence(origin));
    next.run(request).await
}

/// Whether a page that asks is one of this server, or of a site that the configuration names; so is what is no page. A
/// browser lets any page open a WebSocket, with the cookies of whatever it leads to.
pub fn is_own_origin(headers: &HeaderMap, state: &State) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().unwrap_or("null");
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let site = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let is_here = !host.is_empty() && site.is_some_and(|site| site.eq_ignore_ascii_case(host));
    is_here
        || match owner_of_origin(origin, &state.config) {
            Owner::Named | Owner::Public => true,
            Owner::Loopback => matches!(state.mode, Mode::Dev { .. }),
            Owner::Foreign => false,
        }
}

/// Whether a request reached us, or the trusted proxy before us, over TLS.
pub fn is_secure(request: &Request, config: &Config) -> bool {
    let is_trusted = peer(request).is_some_and(|peer| is_proxy(config, peer));
    is_trusted && last_of(request.headers(), "x-forwarded-proto").is_some_and(|proto| proto == "https")
}

fn entrance(request: &Request, state: &State) -> Option<Entrance> {
    let Mode::Dev { published_on_loopback } = state.mode else {
        return Some(Entrance::World);
    };
    let visit = Visit {
        peer: peer(request).map(|peer| client(peer, request.headers(), &state.config)),
        hosts: hosts(request)?,
        origin: request.headers().get(ORIGIN).map(|origin| origin.to_str().unwrap_or("null")),
    };
    admit(&visit, &state.config, published_on_loopback)
}

/// A foreign host or origin is not let in. Local is who comes from loopback to a loopback host, from no page or from
/// one of this machine or one that the configuration names.
fn admit(visit: &Visit<'_>, config: &Config, published_on_loopback: bool) -> Option<Entrance> {
    let hosts: Vec<Owner> = visit.hosts.iter().map(|host| owner_of_host(host, config)).collect();
    let origin = visit.origin.map_or(Owner::Loopback, |origin| owner_of_origin(origin, config));
    if hosts.is_empty() || hosts.contains(&Owner::Foreign) || origin == Owner::Foreign {
        return None;
    }
    let is_near = published_on_loopback || visit.peer.is_some_and(|peer| peer.to_canonical().is_loopback());
    let is_local = is_near
        && hosts.iter().all(|host| *host == Owner::Loopback)
        && matches!(origin, Owner::Loopback | Owner::Named);
    Some(if is_local { Entrance::Local } else { Entrance::World })
}

fn owner_of_host(host: &str, config: &Config) -> Owner {
    let Ok(authority) = host.parse::<Authority>() else {
        return Owner::Foreign;
    };
    let name = authority.host().to_ascii_lowercase();
    if authority.as_str().contains('@') {
        Owner::Foreign
    } else if matches!(name.as_str(), "localhost" | "127.0.0.1" | "[::1]") {
        Owner::Loopback
    } else if config.public_url.as_ref().and_then(|url| url.host_str()).is_some_and(|public| public == name) {
        Owner::Public
    } else {
        Owner::Foreign
    }
}

fn owner_of_origin(origin: &str, config: &Config) -> Owner {
    if config.allowed_origins.iter().any(|allowed| allowed == origin) {
        return Owner::Named;
    }
    if config.public_url.as_ref().is_some_and(|url| url.origin().ascii_serialization() == origin) {
        return Owner::Public;
    }
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    match host.filter(|host| !host.contains('/')).map(|host| owner_of_host(host, config)) {
        Some(Owner::Loopback) => Owner::Loopback,
        Some(Owner::Named | Owner::Public | Owner::Foreign) | None => Owner::Foreign,
    }
}

/// Every host the request names: in its target, when that is a whole URL, and in its `Host` headers.
fn hosts(request: &Request) -> Option<Vec<&str>> {
    let target = request.uri().authority().map(|authority| Some(authority.as_str()));
    let headers = request.headers().get_all(HOST).iter().map(|host| host.to_str().ok());
    target.into_iter().chain(headers).collect()
}

fn peer(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip())
}

fn is_proxy(config: &Config, address: IpAddr) -> bool {
    config.trusted_proxies.iter().any(|network| network.contains(address.to_canonical()))
}

/// The nearest address that is not a trusted proxy's. Each proxy writes the peer it saw at the end of
/// `X-Forwarded-For`; what stands before the first untrusted one is anybody's invention.
fn client(peer: IpAddr, headers: &HeaderMap, config: &Config) -> IpAddr {
    let values = headers.get_all("x-forwarded-for").iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let forwarded: Vec<Cow<'_, str>> = values.collect();
    let mut nearest = peer;
    for address in forwarded.iter().rev().flat_map(|value| value.rsplit(',')).map(str::trim) {
        if !is_proxy(config, nearest) {
            break;
        }
        // What a proxy of ours wrote and nobody can read is somebody out there.
        nearest = address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    }
    nearest
}

fn last_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use axum::http::HeaderValue;

    use super::*;
    use crate::config::Sources;

    fn config() -> Config {
        let environment = [
            ("SWITCHBOARD_PUBLIC_URL", "https://sms.example.com"),
            ("SWITCHBOARD_ALLOWED_ORIGINS", "https://app.example.com"),
            ("SWITCHBOARD_TRUSTED_PROXIES", "10.0.0.0/8"),
        ];
        let environment: HashMap<_, _> = environment.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        Config::load(&Sources { environment: Some(environment), ..Sources::default() }).unwrap()
    }

    fn admitted(peer: &str, host: &str, origin: Option<&str>) -> Option<Entrance> {
        let visit = Visit { peer: peer.parse().ok(), hosts: vec![host], origin };
        admit(&visit, &config(), false)
    }

    #[test]
    fn a_loopback_peer_that_names_a_loopback_host_is_local() {
        for host in ["localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8080", "[::1]"] {
            for origin in [None, Some("http://localhost:5173"), Some("https://app.example.com")] {
                assert_eq!(admitted("127.0.0.1", host, origin), Some(Entrance::Local), "{host} {origin:?}");
            }
        }
        assert_eq!(admitted("::ffff:127.0.0.1", "localhost", None), Some(Entrance::Local));
    }

    #[test]
    fn a_foreign_host_is_not_let_in() {
        for host in [
            "",
            "evil.com",
            "localhost.evil.com",
            "127.0.0.1.nip.io",
            "localhost@evil.com",
            "0.0.0.0:8080",
            "a b",
            "127.1",
        ] {
            assert_eq!(admitted("127.0.0.1", host, None), None, "{host}");
        }
        let visit = Visit { peer: None, hosts: vec!["localhost", "evil.com"], origin: None };
        assert_eq!(admit(&visit, &config(), true), None);
        assert_eq!(admit(&Visit { peer: None, hosts: vec![], origin: None }, &config(), true), None);
    }

    #[test]
    fn a_foreign_origin_is_not_let_in() {
        for origin in
            ["null", "", "https://evil.com", "http://localhost.evil.com", "file://", "http://localhost/evil.com"]
        {
            assert_eq!(admitted("127.0.0.1", "localhost:8080", Some(origin)), None, "{origin}");
        }
    }

    #[test]
    fn the_public_host_and_a_far_peer_need_credentials() {
        assert_eq!(admitted("127.0.0.1", "sms.example.com", None), Some(Entrance::World));
        assert_eq!(admitted("127.0.0.1", "localhost", Some("https://sms.example.com")), Some(Entrance::World));
        assert_eq!(admitted("192.0.2.1", "localhost", None), Some(Entrance::World));
        assert_eq!(admitted("nowhere", "localhost", None), Some(Entrance::World));
    }

    #[test]
    fn only_a_trusted_proxy_may_name_the_client() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("127.0.0.1, 192.0.2.7"));
        headers.append("x-forwarded-for", HeaderValue::from_static("10.0.0.2"));
        let seen = |peer: &str| client(peer.parse().unwrap(), &headers, &config()).to_string();
        assert_eq!(seen("10.0.0.1"), "192.0.2.7");
        assert_eq!(seen("192.0.2.9"), "192.0.2.9");
    }

    #[test]
    fn a_hop_that_nobody_can_read_does_not_vanish() {
        let seen = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", HeaderValue::from_bytes(value).unwrap());
            }
            client("10.0.0.1".parse().unwrap(), &headers, &config()).to_string()
        };
        assert_eq!(seen(&[]), "10.0.0.1");
        assert_eq!(seen(&[b"192.0.2.7, 10.0.0.2"]), "192.0.2.7");
        assert_eq!(seen(&[b"192.0.2.7, \xff"]), "0.0.0.0");
        assert_eq!(seen(&[b"192.0.2.7", b"\xff\xfe"]), "0.0.0.0");
    }
}
