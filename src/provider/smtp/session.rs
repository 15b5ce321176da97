//! One connection to a mail server: opened, greeted, secured and identified, it delivers one mail after another.
//!
//! The rule it keeps: until the line that ends a mail is handed to the connection the server cannot have taken it; from
//! then on only its reply tells. What it says is read in bounded memory. RFC 5321; RFC 3207 (STARTTLS); RFC 4954 (AUTH).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Bytes of one line, and lines of one reply, that are read.
const MAX_LINE: usize = 2_048;
const MAX_LINES: usize = 100;
/// Characters of a reply that are kept.
const MAX_TEXT: usize = 300;

/// Where a mail server is and how it is spoken to.
#[derive(Clone)]
pub struct Server {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// User and password.
    pub credentials: Option<(String, String)>,
    /// Who we say that we are.
    pub hello: String,
}

/// How a connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Bare,
    /// By STARTTLS where it is offered.
    Offered,
    /// By STARTTLS, or not used.
    Required,
    /// By TLS from the first byte.
    Wrapped,
}

/// What the server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) text: String,
}

/// How a delivery ended.
#[derive(Debug)]
pub(super) enum Delivery {
    /// The server has the mail.
    Taken,
    /// The server said no.
    Refused(Reply),
    /// The line broke, or made no sense, before the mail had ended.
    Lost(String),
    /// It did so afterwards.
    Unknown(String),
}

/// What a mail is delivered with.
pub(super) struct Mail<'a> {
    pub(super) from: &'a str,
    pub(super) to: Vec<&'a str>,
    pub(super) bytes: &'a [u8],
    /// Set before the line that ends the mail is handed to the connection.
    pub(super) has_ended: &'a AtomicBool,
}

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// One connection.
pub(super) struct Session {
    stream: BufReader<Box<dyn Stream>>,
    /// What the server offers, in capitals.
    extensions: Vec<String>,
}

impl Session {
    /// Reaches a server; why not, otherwise.
    pub(super) async fn open(server: &Server, tls: Option<&TlsConnector>) -> Result<Self, String> {
        let tcp = TcpStream::connect((server.host.as_str(), server.port)).await.map_err(|error| error.to_string())?;
        tcp.set_nodelay(true).map_err(|error| error.to_string())?;
        let stream: Box<dyn Stream> = match server.security {
            Security::Wrapped => secure(Box::new(tcp), server, tls).await?,
            Security::Bare | Security::Offered | Security::Required => Box::new(tcp),
        };
        let mut session = Self { stream: BufReader::new(stream), extensions: Vec::new() };
        session.reply().await?.expect(220, "the server does not greet")?;
        session.hello(server).await?;
        let is_offered = session.offers("STARTTLS");
        match server.security {
            Security::Required if !is_offered => return Err("the server does not offer STARTTLS".to_owned()),
            Security::Required | Security::Offered if is_offered => session = session.start_tls(server, tls).await?,
            Security::Required | Security::Offered | Security::Bare | Security::Wrapped => {}
        }
        if let Some(credentials) = &server.credentials {
            session.authenticate(credentials).await?;
        }
        Ok(session)
    }

    /// Delivers one mail.
    pub(super) async fn deliver(&mut self, mail: &Mail<'_>) -> Delivery {
        match self.announce(mail).await {
            Ok(None) => {}
            Ok(Some(refusal)) => return Delivery::Refused(refusal),
            Err(fault) => return Delivery::Lost(fault),
        }
        if let Err(error) = self.write(&stuffed(mail.bytes)).await {
            return Delivery::Lost(error);
        }
        if let Some(end) = self.interruption().await {
            return end;
        }
        mail.has_ended.store(true, Ordering::SeqCst);
        if let Err(error) = self.write(b".\r\n").await {
            return Delivery::Unknown(error);
        }
        match self.reply().await {
            Ok(reply) if (200..300).contains(&reply.code) => Delivery::Taken,
            Ok(reply) if reply.code >= 400 => Delivery::Refused(reply),
            Ok(reply) => Delivery::Unknown(format!("the end of the mail was answered {reply}")),
            Err(fault) => Delivery::Unknown(fault),
        }
    }

    /// Says from whom to whom; a refusal, when there is one.
    async fn announce(&mut self, mail: &Mail<'_>) -> Result<Option<Reply>, String> {
        let is_ascii = mail.from.is_ascii() && mail.to.iter().all(|to| to.is_ascii());
        let is_fit = |address: &&str| !address.contains(|c: char| c.is_control() || " <>".contains(c));
        if !std::iter::once(&mail.from).chain(&mail.to).all(is_fit) || (!is_ascii && !self.offers("SMTPUTF8")) {
            let text = "5.6.7 an address cannot be said to this server".to_owned();
            return Ok(Some(Reply { code: 553, text }));
        }
        let size = if self.offers("SIZE") { format!(" SIZE={}", mail.bytes.len()) } else { String::new() };
        let utf8 = if is_ascii { "" } else { " SMTPUTF8" };
        let mut commands = vec![format!("MAIL FROM:<{}>{size}{utf8}", mail.from)];
        commands.extend(mail.to.iter().map(|to| format!("RCPT TO:<{to}>")));
        for command in commands {
            let reply = self.command(&command).await?;
            if !(200..300).contains(&reply.code) {
                return reply.refusal().map(Some);
            }
        }
        let reply = self.command("DATA").await?;
        if reply.code == 354 { Ok(None) } else { reply.refusal().map(Some) }
    }

    /// What the server said, or that it left, in the middle of a mail.
    async fn interruption(&mut self) -> Option<Delivery> {
        let ready = tokio::time::timeout(Duration::ZERO, self.stream.fill_buf()).await.ok()?;
        match ready.map(<[u8]>::is_empty) {
            Ok(true) => Some(Delivery::Lost("the server closed the connection".to_owned())),
            Ok(false) => Some(match self.reply().await {
                Ok(reply) if reply.code >= 400 => Delivery::Refused(reply),
                Ok(reply) => Delivery::Lost(format!("the server said {reply} in the middle of the mail")),
                Err(fault) => Delivery::Lost(fault),
            }),
            Err(error) => Some(Delivery::Lost(error.to_string())),
        }
    }

    async fn hello(&mut self, server: &Server) -> Result<(), String> {
        let reply = self.command(&format!("EHLO {}", server.hello)).await?;
        self.extensions = reply.text.lines().skip(1).map(str::to_ascii_uppercase).collect();
        reply.expect(250, "the server does not know EHLO")
    }

    fn offers(&self, name: &str) -> bool {
        self.extensions.iter().any(|line| line.split(' ').next() == Some(name))
    }

    async fn start_tls(mut self, server: &Server, tls: Option<&TlsConnector>) -> Result<Self, String> {
        self.command("STARTTLS").await?.expect(220, "the server does not start TLS")?;
        if !self.stream.buffer().is_empty() {
            return Err("the server went on in clear after STARTTLS".to_owned());
        }
        let stream = secure(self.stream.into_inner(), server, tls).await?;
        let mut session = Self { stream: BufReader::new(stream), extensions: Vec::new() };
        session.hello(server).await?;
        Ok(session)
    }

    async fn authenticate(&mut self, (user, password): &(String, String)) -> Result<(), String> {
        let ways = self.extensions.iter().find_map(|line| line.strip_prefix("AUTH ")).unwrap_or_default().to_owned();
        let has = |way| ways.split(' ').any(|offered| offered == way);
        let wanted = "the server does not accept the user and password";
        if has("PLAIN") {
            let both = STANDARD.encode(format!("\0{user}\0{password}"));
            self.command(&format!("AUTH PLAIN {both}")).await?.expect(235, wanted)
        } else if has("LOGIN") {
            self.command("AUTH LOGIN").await?.expect(334, wanted)?;
            self.command(&STANDARD.encode(user)).await?.expect(334, wanted)?;
            self.command(&STANDARD.encode(password)).await?.expect(235, wanted)
        } else {
            Err("the server offers neither AUTH PLAIN nor AUTH LOGIN".to_owned())
        }
    }

    async fn command(&mut self, line: &str) -> Result<Reply, String> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        written.await.map_err(|error| error.to_string())
    }

    async fn reply(&mut self) -> Result<Reply, String> {
        let mut text = String::new();
        for _ in 0..MAX_LINES {
            let line = self.line().await?;
            let (code, rest) = line.split_at_checked(3).ok_or("the server speaks no SMTP")?;
            let code: u16 =
                code.parse().ok().filter(|code| (200..600).contains(code)).ok_or("the server speaks no SMTP")?;
            let (mark, said) = rest.split_at_checked(1).unwrap_or((" ", ""));
            text.push_str(said.trim_end());
            match mark {
                " " => return Ok(Reply { code, text }),
                "-" => text.push('\n'),
                _ => break,
            }
        }
        Err("the server speaks no SMTP".to_owned())
    }

    async fn line(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        loop {
            let ready = self.stream.fill_buf().await.map_err(|error| error.to_string())?;
            if ready.is_empty() {
                return Err("the server closed the connection".to_owned());
            }
            let end = ready.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(ready.len(), |at| at + 1);
            line.extend_from_slice(&ready[..taken]);
            self.stream.consume(taken);
            if line.len() > MAX_LINE {
                return Err("the server sent an endless line".to_owned());
            }
            if end.is_some() {
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        }
    }
}

impl Reply {
    /// What the server calls a refusal: its enhanced status code (RFC 3463), else the plain one.
    pub(super) fn name(&self) -> String {
        let first = self.text.split_whitespace().next().unwrap_or_default();
        let is_enhanced = first.split('.').count() == 3
            && first.split('.').all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
        if is_enhanced { first.to_owned() } else { self.code.to_string() }
    }

    /// Itself, when it is a refusal; what is neither yes nor no makes no sense.
    fn refusal(self) -> Result<Self, String> {
        if self.code >= 400 { Ok(self) } else { Err(format!("the server said {self} where it makes no sense")) }
    }

    fn expect(&self, code: u16, otherwise: &str) -> Result<(), String> {
        if self.code == code { Ok(()) } else { Err(format!("{otherwise}: {self}")) }
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String = self.text.replace('\n', " ").chars().take(MAX_TEXT).collect();
        write!(f, "{} {text}", self.code)
    }
}

async fn secure(
    stream: Box<dyn Stream>,
    server: &Server,
    tls: Option<&TlsConnector>,
) -> Result<Box<dyn Stream>, String> {
    let tls = tls.ok_or("this machine has no certificates to know servers by")?;
    let name = ServerName::try_from(server.host.clone()).map_err(|error| error.to_string())?;
    let stream = tls.connect(name, stream).await.map_err(|error| error.to_string())?;
    Ok(Box::new(stream))
}

/// A mail as it goes over the line, without its end: a dot before each line that begins with one.
fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(bytes.len() + bytes.len() / 32 + 2);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_mail_ends_it() {
        assert_eq!(stuffed(b"a\r\n.\r\n..b\r\n.c"), b"a\r\n..\r\n...b\r\n..c\r\n");
        assert_eq!(stuffed(b"x\r\n"), b"x\r\n");
    }

    #[test]
    fn a_refusal_is_called_by_its_enhanced_code_where_it_has_one() {
        let name = |text: &str| Reply { code: 550, text: text.to_owned() }.name();
        assert_eq!(name("5.1.1 no such user"), "5.1.1");
        for text in ["no such user", "", "5.1 x", "1.2.3.4 x", "5.a.1"] {
            assert_eq!(name(text), "550", "{text}");
        }
    }
}
