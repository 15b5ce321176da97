//! A mail server, as much of RFC 5321 as delivers a mail: no TLS, no authentication, every mailbox exists.
//!
//! What would be a failure after taking a mail over HTTP is here a connection that is lost after the final dot: a reply
//! that refuses a mail is certain.

use std::time::Duration;

use mail_parser::MessageParser;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{Desk, HALF_WAY, PATIENCE, nobody};
use crate::domain::{Channel, OneOrMany, Timestamp};
use crate::provider::simulator::{CarriedMessage, Carrier, Draw, Fate, Manner, Reply};

/// Bytes of a command, and of a mail.
const MAX_LINE: u64 = 2_048;
const MAX_MAIL: usize = 32 * 1024 * 1024;
/// Recipients of a mail.
const MAX_RECIPIENTS: usize = 100;
/// How long the next command, and a whole mail, may take.
const IDLE: Duration = Duration::from_mins(5);

/// A mail that is announced.
struct Announced {
    from: String,
    to: Vec<String>,
    draw: Draw,
}

struct Session {
    stream: BufReader<TcpStream>,
    carrier: Carrier,
    desk: Desk,
    announced: Option<Announced>,
}

/// The connection is over.
struct Over;

type Step<T = ()> = Result<T, Over>;

/// Serves one connection until it is over.
pub(in super::super) async fn serve(stream: TcpStream, desk: Desk, end: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let carrier = desk.carrier.asked(Manner { prefix: "mail", digits: 24, meet }, nobody());
    let mut session = Session { stream: BufReader::new(stream), carrier, desk, announced: None };
    let _ = end.run_until_cancelled(session.run()).await;
}

fn meet(fate: Fate) -> Fate {
    match fate {
        Fate::Error500Taken | Fate::Error502Taken | Fate::Error504Taken => Fate::ResetTaken,
        fate => fate,
    }
}

impl Session {
    async fn run(&mut self) -> Step {
        self.say("220 carrier.invalid ESMTP").await?;
        loop {
            let line = self.line().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => {
                    self.announced = None;
                    let offers = format!("250-carrier.invalid\r\n250-SIZE {MAX_MAIL}\r\n250-8BITMIME\r\n250 SMTPUTF8");
                    self.say(&offers).await?;
                }
                "HELO" => self.say("250 carrier.invalid").await?,
                "MAIL" => self.mail(rest).await?,
                "RCPT" => self.recipient(rest).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.announced = None;
                    self.say("250 2.0.0 forgotten").await?;
                }
                "NOOP" => self.say("250 2.0.0 nothing done").await?,
                "QUIT" => return self.leave("221 2.0.0 bye").await,
                _ => self.say("502 5.5.1 no such command").await?,
            }
        }
    }

    async fn mail(&mut self, rest: &str) -> Step {
        if self.announced.is_some() {
            return self.say("503 5.5.1 there is a mail already").await;
        }
        let Some(from) = path_of(rest, "FROM:") else { return self.say("501 5.5.4 MAIL FROM:<address>").await };
        let size = rest.split(' ').find_map(|word| word.strip_prefix("SIZE=")?.parse::<usize>().ok());
        if size.is_some_and(|size| size > MAX_MAIL) {
            return self.say("552 5.3.4 too large").await;
        }
        let draw = self.carrier.draw();
        if draw.fate == Fate::Away {
            return self.leave("421 4.3.2 simulated: not available").await;
        }
        self.announced = Some(Announced { from, to: Vec::new(), draw });
        self.say("250 2.1.0 go on").await
    }

    async fn recipient(&mut self, rest: &str) -> Step {
        let Some(announced) = &mut self.announced else { return self.say("503 5.5.1 MAIL comes first").await };
        let Some(to) = path_of(rest, "TO:") else { return self.say("501 5.5.4 RCPT TO:<address>").await };
        let answer = match announced.draw.fate {
            Fate::Throttled => "451 4.7.1 simulated: too many mails",
            Fate::Reject => "550 5.1.1 simulated: refused",
            _ if announced.to.len() >= MAX_RECIPIENTS => "452 4.5.3 too many recipients",
            _ => {
                announced.to.push(to);
                "250 2.1.5 go on"
            }
        };
        self.say(answer).await
    }

    async fn data(&mut self) -> Step {
        let Some(announced) = self.announced.take_if(|announced| !announced.to.is_empty()) else {
            return self.say("503 5.5.1 RCPT comes first").await;
        };
        self.say("354 go on, with a dot at the end").await?;
        let read = tokio::time::timeout(IDLE, self.read_mail()).await.map_err(|_| Over)??;
        let Some(bytes) = read else { return self.say("552 5.3.4 too large").await };
        let draw = announced.draw;
        let message = message(announced, &bytes, self.desk.clock.now());
        let carrier = self.carrier.clone();
        // On a task of its own: a mail is taken though its sender has hung up.
        let taking = tokio::spawn(async move { carrier.take_as_drawn(message, None, draw).await });
        match taking.await {
            Ok(Reply::Taken { provider_id }) => self.say(&format!("250 2.0.0 taken as {provider_id}")).await,
            Ok(Reply::Fault { fate, .. }) => self.fail(fate).await,
            Err(_) => self.leave("421 4.3.0 it could not be taken").await,
        }
    }

    async fn fail(&mut self, fate: Fate) -> Step {
        match fate {
            Fate::HangTaken | Fate::HangNotTaken => {
                let _ = tokio::time::timeout(PATIENCE, self.stream.fill_buf()).await;
                self.reset()
            }
            Fate::ResetTaken | Fate::ResetNotTaken => self.reset(),
            Fate::HalfBodyTaken => {
                self.write(b"25").await?;
                tokio::time::sleep(HALF_WAY).await;
                self.reset()
            }
            Fate::HtmlTaken => self.say("<!doctype html><title>Welcome</title><p>It works!").await,
            Fate::EndlessTaken => {
                let line = format!("250-{}", "x".repeat(8_192));
                let endless = async { while self.write(line.as_bytes()).await.is_ok() {} };
                let _ = tokio::time::timeout(PATIENCE, endless).await;
                Err(Over)
            }
            Fate::Ok | Fate::Away => self.leave("421 4.3.0 it could not be taken").await,
            Fate::Throttled | Fate::Reject => self.say("451 4.7.1 simulated: later").await,
            Fate::Error500
            | Fate::Error502
            | Fate::Error504
            | Fate::Error500Taken
            | Fate::Error502Taken
            | Fate::Error504Taken => self.say("451 4.3.0 simulated: failed").await,
        }
    }

    fn reset(&mut self) -> Step {
        let _ = self.stream.get_ref().set_zero_linger();
        Err(Over)
    }

    async fn leave(&mut self, last: &str) -> Step {
        self.say(last).await?;
        Err(Over)
    }

    async fn say(&mut self, line: &str) -> Step {
        self.write(format!("{line}\r\n").as_bytes()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Step {
        self.stream.write_all(bytes).await.map_err(|_| Over)
    }

    /// The next command; one without an end ends the connection.
    async fn line(&mut self) -> Step<String> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.stream).take(MAX_LINE);
        let read = tokio::time::timeout(IDLE, bounded.read_until(b'\n', &mut line)).await;
        read.map_err(|_| Over)?.map_err(|_| Over)?;
        if !line.ends_with(b"\n") {
            return Err(Over);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// A mail without its stuffed dots; nothing when it is too large.
    async fn read_mail(&mut self) -> Step<Option<Vec<u8>>> {
        let (mut mail, mut line, mut is_too_large) = (Vec::new(), Vec::new(), false);
        loop {
            line.clear();
            let mut bounded = (&mut self.stream).take(MAX_MAIL as u64);
            bounded.read_until(b'\n', &mut line).await.map_err(|_| Over)?;
            match line.as_slice() {
                b".\r\n" => return Ok((!is_too_large).then_some(mail)),
                [] => return Err(Over),
                whole => {
                    is_too_large |= mail.len() + whole.len() > MAX_MAIL;
                    if !is_too_large {
                        mail.extend_from_slice(whole.strip_prefix(b".").unwrap_or(whole));
                    }
                }
            }
        }
    }
}

/// The address of `FROM:<address>` or `TO:<address>`, whatever follows it.
fn path_of(rest: &str, word: &str) -> Option<String> {
    let (said, path) = rest.split_at_checked(word.len())?;
    let (address, _) = path.trim_start().strip_prefix('<')?.split_once('>')?;
    said.eq_ignore_ascii_case(word).then(|| address.to_owned())
}

/// Our reference is the left half of the `Message-ID`; of the mail the ledger keeps the text.
fn message(announced: Announced, mail: &[u8], now: Timestamp) -> CarriedMessage {
    let parsed = MessageParser::default().parse(mail);
    let parsed = parsed.as_ref();
    let id = parsed.and_then(|mail| mail.message_id()).and_then(|id| id.split_once('@'));
    let text = parsed.and_then(|mail| mail.body_text(0)).unwrap_or_default().replace("\r\n", "\n");
    CarriedMessage {
        id: String::new(),
        reference: id.map(|(reference, _)| reference.to_owned()),
        channel: Channel::Email,
        from: announced.from,
        to: OneOrMany::of(announced.to),
        cc: Vec::new(),
        reply_to: None,
        subject: parsed.and_then(|mail| mail.subject()).map(str::to_owned),
        body: text.trim_end_matches('\n').to_owned(),
        attachments: Vec::new(),
        timestamp: now,
        at: now,
    }
}
