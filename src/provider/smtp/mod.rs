//! The `smtp` adapter: mails by any mail server.
//!
//! lettre writes the mail. The dialogue is our own, because only whoever writes the line that ends a mail can tell a mail
//! that was certainly not taken from one that nobody knows of.

mod dkim;
mod message;
mod session;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use url::Url;

pub use self::dkim::{Dkim, NotAKey};
use self::session::{Delivery, Mail, Reply, Session};
pub use self::session::{Security, Server};
use super::mail::Files;
use super::wire::Hidden;
use super::{Abilities, Envelope, Found, Outcome, Provider, Sought};
use crate::clock::Clock;
use crate::domain::Address;

/// How long an unused connection is kept, and how many of them.
const IDLE: Duration = Duration::from_secs(15);
const MAX_IDLE: usize = 10;

/// How one server is used.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Which server.
    pub server: Server,
    /// How long a whole attempt may take.
    pub timeout: Duration,
    /// The host of our own `Message-ID`.
    pub host: String,
    /// Signs every mail.
    pub dkim: Option<Dkim>,
    /// How servers are known; absent: no TLS is spoken.
    pub tls: Option<Arc<ClientConfig>>,
}

/// A mail server.
pub struct Smtp {
    settings: SmtpSettings,
    files: Files,
    clock: Clock,
    tls: Option<TlsConnector>,
    idle: Mutex<Vec<(Session, Instant)>>,
}

/// A text names no mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("names no mail server: smtps://user:password@host, or smtp://host with or without ?tls=required")]
pub struct NotAServer;

/// How servers are known: by the certificates that this machine trusts; nothing, when it has none.
pub fn tls() -> Option<Arc<ClientConfig>> {
    match ClientConfig::with_platform_verifier() {
        Ok(config) => Some(Arc::new(config)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "mail servers cannot be reached over TLS");
            None
        }
    }
}

impl Server {
    /// Reads lettre's form: `smtps://user:password@host:port/hello`, `smtp://..?tls=required|opportunistic`, `smtp://..`.
    ///
    /// # Errors
    ///
    /// It is another form.
    pub fn read(text: &str, hello: &str) -> Result<Self, NotAServer> {
        let url = Url::parse(text).map_err(|_| NotAServer)?;
        let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let (security, port) = match (url.scheme(), tls.as_deref()) {
            ("smtps", None) => (Security::Wrapped, 465),
            ("smtp", Some("required")) => (Security::Required, 587),
            ("smtp", Some("opportunistic")) => (Security::Offered, 587),
            ("smtp", None) => (Security::Bare, 25),
            _ => return Err(NotAServer),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(NotAServer)?;
        let own_hello = url.path().trim_start_matches('/');
        let hello = if own_hello.is_empty() { hello } else { own_hello };
        let credentials = url.password().map(|password| (decoded(url.username()), decoded(password)));
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(port),
            security,
            credentials,
            hello: hello.to_owned(),
        })
    }
}

/// A part of a URL without its percent signs.
fn decoded(text: &str) -> String {
    let plus = text.replace('+', "%2B");
    let pair = format!("x={plus}");
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

impl Smtp {
    /// Makes an adapter for one server.
    pub fn new(settings: SmtpSettings, files: Files, clock: Clock) -> Self {
        let tls = settings.tls.clone().map(TlsConnector::from);
        Self { settings, files, clock, tls, idle: Mutex::default() }
    }

    async fn attempt(&self, envelope: &Envelope) -> Outcome {
        let deadline = Instant::now() + self.settings.timeout;
        let loaded = match self.files.load(envelope, self.settings.timeout).await {
            Ok(loaded) => loaded,
            Err(outcome) => return outcome,
        };
        let hidden = Hidden::of(envelope);
        let written = message::write(envelope, &loaded, (&self.settings.host, self.clock.now())).and_then(|mail| {
            match &self.settings.dkim {
                Some(dkim) => dkim.sign(&mail, self.clock.now()).map_err(|error| error.to_string()),
                None => Ok(mail),
            }
        });
        let bytes = match written {
            Ok(bytes) => bytes,
            Err(error) => return Outcome::Rejected { code: "unwritable".to_owned(), reason: hidden.of_text(&error) },
        };
        let has_ended = AtomicBool::new(false);
        let to = envelope.to.iter().chain(&envelope.cc).map(Address::as_str).collect();
        let mail = Mail { from: envelope.from.as_str(), to, bytes: &bytes, has_ended: &has_ended };
        let delivery = match tokio::time::timeout_at(deadline, self.deliver(&mail)).await {
            Ok(delivery) => delivery,
            Err(_) if has_ended.load(Ordering::SeqCst) => Delivery::Unknown(self.late()),
            Err(_) => Delivery::Lost(self.late()),
        };
        self.outcome(delivery, envelope, &hidden)
    }

    /// Delivers over a connection that is open, or a new one. One that was closed meanwhile has taken nothing.
    async fn deliver(&self, mail: &Mail<'_>) -> Delivery {
        if let Some(session) = self.take_idle() {
            match self.deliver_over(session, mail).await {
                Delivery::Lost(_) | Delivery::Refused(Reply { code: 421, .. }) => {
                    mail.has_ended.store(false, Ordering::SeqCst);
                }
                delivery => return delivery,
            }
        }
        match Session::open(&self.settings.server, self.tls.as_ref()).await {
            Ok(session) => self.deliver_over(session, mail).await,
            Err(fault) => Delivery::Lost(fault),
        }
    }

    async fn deliver_over(&self, mut session: Session, mail: &Mail<'_>) -> Delivery {
        let delivery = session.deliver(mail).await;
        if matches!(delivery, Delivery::Taken) {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < MAX_IDLE {
                idle.push((session, Instant::now()));
            }
        }
        delivery
    }

    fn take_idle(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(session, _)| session)
    }

    fn outcome(&self, delivery: Delivery, envelope: &Envelope, hidden: &Hidden) -> Outcome {
        match delivery {
            Delivery::Taken => {
                Outcome::Accepted { reference: format!("{}@{}", envelope.reference, self.settings.host) }
            }
            Delivery::Refused(reply) => {
                let reason = hidden.of_text(&reply.to_string());
                if reply.code < 500 {
                    Outcome::Retry { after: None, is_away: reply.code == 421, reason }
                } else {
                    Outcome::Rejected { code: reply.name(), reason }
                }
            }
            Delivery::Lost(fault) => {
                let reason = hidden.of_text(&format!("not sent: {fault}"));
                Outcome::Retry { after: None, is_away: true, reason }
            }
            Delivery::Unknown(fault) => {
                Outcome::Unknown { reason: hidden.of_text(&format!("silence after the end of the mail: {fault}")) }
            }
        }
    }

    fn late(&self) -> String {
        format!("no answer within {:?}", self.settings.timeout)
    }
}

impl Provider for Smtp {
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn send<'a>(&'a self, envelope: &'a Envelope) -> BoxFuture<'a, Outcome> {
        self.attempt(envelope).boxed()
    }

    fn look_up<'a>(&'a self, _: &'a Sought) -> BoxFuture<'a, Found> {
        ready(Found::Unclear { reason: "a mail server cannot be asked".to_owned() }).boxed()
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("host", &self.settings.server.host).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_in_lettres_form() {
        let read =
            |text| Server::read(text, "messages.example.com").map(|server| (server.host, server.port, server.security));
        let host = || "mail.example.com".to_owned();
        assert_eq!(read("smtps://u:p@mail.example.com"), Ok((host(), 465, Security::Wrapped)));
        assert_eq!(read("smtp://u:p@mail.example.com?tls=required"), Ok((host(), 587, Security::Required)));
        assert_eq!(read("smtp://mail.example.com:2525?tls=opportunistic"), Ok((host(), 2525, Security::Offered)));
        assert_eq!(read("smtp://mail.example.com"), Ok((host(), 25, Security::Bare)));
        assert_eq!(read("smtp://[::1]:25"), Ok(("::1".to_owned(), 25, Security::Bare)));
        for text in ["", "mail.example.com", "http://mail.example.com", "smtp://h?tls=maybe", "smtp://"] {
            assert_eq!(read(text), Err(NotAServer), "{text}");
        }
        let server = Server::read("smtps://a%40b:p%2F+%25@h/me.example", "x").unwrap();
        assert_eq!(server.credentials, Some(("a@b".to_owned(), "p/+%".to_owned())));
        assert_eq!(server.hello, "me.example");
        assert_eq!(Server::read("smtps://h", "x").unwrap().hello, "x");
    }
}
