//! Where the server connects on somebody else's behalf: to the public internet, and nowhere else.
//!
//! A URL that a customer gave is checked when it is given, before each attempt, and while connecting: names are resolved
//! here, and what they resolve to is what is connected to, so that nothing can change between the check and the
//! connection. Every spelling of an address is the same number before it is looked at.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::domain::Network;
use crate::fault::is_sabotaged;

/// Characters of a URL at most.
pub const MAX_URL: usize = 2_048;
/// The longest that reaching a service may take, the TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// IPv4 networks that are nobody's on the public internet (RFC 6890 and its registry), and the address at which one
/// cloud answers its own machines.
const CLOSED_V4: &[(u32, u32)] = &[
    (0x0000_0000, 8),  // this network
    (0x0a00_0000, 8),  // private
    (0x6440_0000, 10), // shared with a carrier (RFC 6598)
    (0x7f00_0000, 8),  // loopback
    (0xa83f_8110, 32), // 168.63.129.16: a cloud's own
    (0xa9fe_0000, 16), // link-local, metadata
    (0xac10_0000, 12), // private
    (0xc000_0000, 24), // IETF protocols
    (0xc000_0200, 24), // documentation
    (0xc058_6300, 24), // 6to4 relays
    (0xc0a8_0000, 16), // private
    (0xc612_0000, 15), // benchmarks
    (0xc633_6400, 24), // documentation
    (0xcb00_7100, 24), // documentation
    (0xe000_0000, 3),  // multicast, reserved, broadcast
];

/// IPv6 networks within `2000::/3` that lead elsewhere; everything outside of it is closed, NAT64 included.
const CLOSED_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // IETF protocols, Teredo, benchmarks, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Whether an address is somebody's on the public internet. One that is mapped into IPv6 counts as the IPv4 it is.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let number = u32::from(address);
            CLOSED_V4.iter().all(|(network, bits)| (number ^ network) >> (32 - bits) != 0)
        }
        IpAddr::V6(address) => {
            let number = u128::from(address);
            let is_global = number >> 125 == 1;
            let is_in = |(network, bits): &(Ipv6Addr, u32)| (number ^ u128::from(*network)) >> (128 - bits) == 0;
            is_global && !CLOSED_V6.iter().any(is_in)
        }
    }
}

/// Why a URL is not gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// It is no URL with a host, or too long.
    #[error("must be a URL with a host, of at most {MAX_URL} characters")]
    NoUrl,
    /// Only HTTP is spoken.
    #[error("must begin with https:// (or http://, where the configuration allows it)")]
    Scheme,
    /// Secrets do not belong there.
    #[error("must not hold a user or a password")]
    Credentials,
    /// It leads into somebody's own network.
    #[error("leads to an address that is not public")]
    Private,
}

/// What finds the addresses of a name.
pub trait Names: fmt::Debug + Send + Sync {
    /// Every address of a name, in the order in which they are to be tried.
    fn look_up<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The names that this machine knows.
#[derive(Debug)]
pub struct SystemNames;

impl Names for SystemNames {
    fn look_up<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) }.boxed()
    }
}

/// Where connections may go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Egress {
    allowed: Arc<[Network]>,
    allows_http: bool,
    names: Arc<dyn Names>,
}

impl Egress {
    /// The public internet, and what is allowed besides; without TLS only where that is allowed.
    pub fn new(allowed: &[Network], allows_http: bool, names: Arc<dyn Names>) -> Self {
        Self { allowed: allowed.into(), allows_http, names }
    }

    /// Whether a connection may go to an address.
    pub fn permits(&self, address: IpAddr) -> bool {
        is_public(address) || self.allowed.iter().any(|network| network.contains(address)) || is_sabotaged("egress_off")
    }

    /// Reads a URL, unless it can be told from it alone that it must not be gone to.
    ///
    /// # Errors
    ///
    /// What is wrong with it. A name may still resolve to what is not permitted.
    pub fn read_url(&self, text: &str) -> Result<Url, EgressError> {
        if text.chars().count() > MAX_URL {
            return Err(EgressError::NoUrl);
        }
        let url = Url::parse(text).map_err(|_| EgressError::NoUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if self.allows_http => {}
            _ => return Err(EgressError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EgressError::Credentials);
        }
        let literal = match url.host().ok_or(EgressError::NoUrl)? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        };
        if literal.is_some_and(|address| !self.permits(address)) {
            return Err(EgressError::Private);
        }
        Ok(url)
    }

    /// An HTTP client that connects nowhere else: no redirects, no proxies, no connection kept for the next request.
    ///
    /// A URL with an IP address in it resolves nothing: it must have passed [`Egress::read_url`].
    ///
    /// # Errors
    ///
    /// The TLS library could not be started.
    pub fn client(&self) -> Result<reqwest::Client, reqwest::Error> {
        let builder = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .retry(reqwest::retry::never())
                .referer(false)
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_max_idle_per_host(0)
                .dns_resolver(Arc::new(self.clone()))
                .user_agent("switchboard")
        };
        builder().build().or_else(|_| {
            tracing::warn!("https endpoints cannot be reached: no CA certificates");
            builder().tls_certs_only([]).build()
        })
    }
}

impl Resolve for Egress {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.clone();
        async move {
            let found = egress.names.look_up(name.as_str()).await?;
            let permitted: Vec<SocketAddr> =
                found.into_iter().filter(|address| egress.permits(*address)).map(|ip| SocketAddr::new(ip, 0)).collect();
            if permitted.is_empty() {
                return Err(EgressError::Private.into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and the last address of everything that is nobody's.
    const CLOSED: &str = "0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.0
        127.255.255.255 168.63.129.16 169.254.0.0 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255
        192.0.2.0 192.0.2.255 192.88.99.0 192.88.99.255 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255
        198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255 224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255
        :: ::1 ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::a00:1 100::1 2001::1
        2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:1ff:ffff::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1
        3fff::1 3fff:fff:ffff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fdff:ffff::1 fe80::1 febf::1 fec0::1 ff02::1
        ffff::1";
    /// Their neighbours.
    const OPEN: &str = "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
        168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.255
        192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255
        203.0.114.0 223.255.255.255 ::ffff:8.8.8.8 2000::1 2001:200::1 2001:4860:4860::8888 2001:db7:ffff::1
        2001:db9::1 2003::1 2606:4700:4700::1111 3ffe::1 3fff:1000::1";

    #[test]
    fn what_is_nobodys_on_the_public_internet_is_told_by_its_first_and_last_address() {
        for text in CLOSED.split_whitespace() {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in OPEN.split_whitespace() {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_allowed_is_no_more_than_was_said() {
        let egress = Egress::new(&["10.1.0.0/16".parse().unwrap()], true, Arc::new(SystemNames));
        assert!(egress.read_url("http://10.1.2.3/hook").is_ok());
        assert!(egress.read_url("http://[::ffff:10.1.2.3]/hook").is_ok());
        assert_eq!(egress.read_url("http://10.2.0.1/"), Err(EgressError::Private));
        let strict = Egress::new(&[], false, Arc::new(SystemNames));
        assert_eq!(strict.read_url("http://example.com/"), Err(EgressError::Scheme));
        for url in ["https://a@example.com/", "https://:b@example.com/"] {
            assert_eq!(strict.read_url(url), Err(EgressError::Credentials), "{url}");
        }
        for url in ["", "example.com", "https://", "//example.com/", "https://exa mple.com/", "https://1.2.3.4.5/"] {
            assert_eq!(strict.read_url(url), Err(EgressError::NoUrl), "{url}");
        }
        for url in ["ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1/", "data:,x", "javascript:0"] {
            assert_eq!(strict.read_url(url), Err(EgressError::Scheme), "{url}");
        }
        assert!(strict.read_url("https://example.com/hook?token=x").is_ok());
    }
}
