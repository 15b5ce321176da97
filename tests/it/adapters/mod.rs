//! Every adapter through the same cases, against servers that do as they are told.

mod answers;
mod carrier;
mod sendgrid;
mod server;
mod smtp;
mod twilio;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::json;
use switchboard::blob::Blobs;
use switchboard::clock::Clock;
use switchboard::domain::{Address, AddressKind, Channel};
use switchboard::outbox::{LineSettings, Outbox};
use switchboard::provider::smtp::{Security, Server as MailServer};
use switchboard::provider::{
    Envelope, Files, Http, HttpSettings, Outcome, Provider, SendGrid, SendGridSettings, Smtp, SmtpSettings, Twilio,
    TwilioSettings, Wire, client,
};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use self::server::{Act, Dialogue, Server};
use crate::harness::{START, TestApp, email, sms};

/// How long an attempt may take where the service answers, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long where it does not.
const IMPATIENCE: Duration = Duration::from_secs(4);
/// Cases that run at once.
const AT_ONCE: usize = 8;
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
/// As Twilio names messages.
const SID: &str = "SM0123456789abcdef0123456789abcdef";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Http,
    Twilio,
    SendGrid,
    Smtp,
}

/// What a service does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Accepted,
    Busy,
    Failure(u16),
    Refused,
    /// It is not there.
    Away,
    /// It says nothing from the beginning.
    SilentBefore,
    /// It says nothing once it has the message.
    SilentAfter,
    ResetAfter,
    /// It takes the message and answers what nobody can read.
    Rubbish,
    /// It takes the message and answers without end.
    Endless,
}

const KINDS: [Kind; 4] = [Kind::Http, Kind::Twilio, Kind::SendGrid, Kind::Smtp];
const CASES: [Case; 16] = [
    Case::Accepted,
    Case::Busy,
    Case::Failure(500),
    Case::Failure(501),
    Case::Failure(502),
    Case::Failure(503),
    Case::Failure(504),
    Case::Failure(520),
    Case::Failure(599),
    Case::Refused,
    Case::Away,
    Case::SilentBefore,
    Case::SilentAfter,
    Case::ResetAfter,
    Case::Rubbish,
    Case::Endless,
];

/// The outcome of each case, and whether the service has the whole message then.
fn wanted(kind: Kind, case: Case) -> (&'static str, bool) {
    match (case, kind) {
        (Case::Accepted, _) => ("accepted", true),
        (Case::Busy, Kind::Smtp) => ("retry", false),
        (Case::Busy, _) => ("retry", true),
        (Case::Refused, Kind::Smtp) => ("rejected", false),
        (Case::Refused, _) | (Case::Failure(_), Kind::Smtp) => ("rejected", true),
        (Case::Failure(503), Kind::Http | Kind::SendGrid) => ("away", true),
        (Case::Failure(_), Kind::Http | Kind::Twilio | Kind::SendGrid) => ("doubtful", true),
        (Case::Away | Case::SilentBefore, _) => ("away", false),
        (Case::SilentAfter | Case::ResetAfter | Case::Rubbish | Case::Endless, _) => ("unknown", true),
    }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Retry { is_away: true, .. } => "away",
        Outcome::Retry { is_away: false, .. } => "retry",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Doubtful { .. } => "doubtful",
        Outcome::Unknown { .. } => "unknown",
    }
}

/// An answer over HTTP.
fn http(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

/// The answer of a service that took a message.
fn taken(kind: Kind) -> String {
    match kind {
        Kind::Http => http(200, "", r#"{"id":"m-1"}"#),
        Kind::Twilio => http(201, "", &json!({ "sid": SID, "status": "queued", "error_code": null }).to_string()),
        Kind::SendGrid => http(202, "x-message-id: sg-1\r\n", ""),
        Kind::Smtp => "250 2.0.0 queued\r\n".to_owned(),
    }
}

fn refusal(kind: Kind) -> &'static str {
    match kind {
        Kind::Http | Kind::Twilio => r#"{"code":21211,"message":"invalid number","status":400}"#,
        Kind::SendGrid | Kind::Smtp => r#"{"errors":[{"message":"no such thing","field":"to"}]}"#,
    }
}

fn act(kind: Kind, case: Case) -> Act {
    let is_mail = kind == Kind::Smtp;
    match case {
        Case::Accepted => Act::Say(taken(kind)),
        Case::Busy => Act::Say(http(429, "retry-after: 7\r\n", "")),
        Case::Failure(code) if is_mail => Act::Say(format!("{code} failed\r\n")),
        Case::Failure(code) => Act::Say(http(code, "", "oops")),
        Case::Refused => Act::Say(http(400, "", refusal(kind))),
        Case::Away | Case::SilentBefore | Case::SilentAfter => Act::Hang,
        Case::ResetAfter => Act::Reset,
        Case::Rubbish if is_mail => Act::Say("<html>ok</html>\r\n".to_owned()),
        Case::Rubbish => Act::Say(http(200, "", "<html>ok</html>")),
        Case::Endless if is_mail => Act::Repeat("250-".to_owned(), "x".repeat(8_192)),
        Case::Endless => Act::Repeat("HTTP/1.1 200 OK\r\n\r\n".to_owned(), "x".repeat(8_192)),
    }
}

async fn serve(kind: Kind, case: Case) -> Server {
    if kind != Kind::Smtp {
        return Server::http(act(kind, case)).await;
    }
    let dialogue = Dialogue::ending(act(kind, case));
    Server::smtp(match case {
        Case::Busy => Dialogue { recipient: "451 4.7.1 later", ..dialogue },
        Case::Refused => Dialogue { recipient: "550 5.1.1 nobody", ..dialogue },
        Case::SilentBefore => Dialogue { greeting: None, ..dialogue },
        _ => dialogue,
    })
    .await
}

fn wire(timeout: Duration) -> Wire {
    Wire { client: client().unwrap(), clock: Clock::manual(START.parse().unwrap(), 1), timeout }
}

fn files(folder: &std::path::Path) -> Files {
    Files::new(Blobs::in_folder(folder).unwrap())
}

fn twilio_settings(base: &str) -> TwilioSettings {
    TwilioSettings {
        base_url: base.parse().unwrap(),
        account_sid: ACCOUNT.to_owned(),
        user: ACCOUNT.to_owned(),
        password: "token".to_owned(),
        messaging_service_sid: None,
        callback_url: "https://messages.example.com/api/webhooks/twilio/test".to_owned(),
    }
}

fn smtp_settings(host: &str, port: u16, timeout: Duration) -> SmtpSettings {
    let server = MailServer {
        host: host.to_owned(),
        port,
        security: Security::Bare,
        credentials: None,
        hello: "messages.example.com".to_owned(),
    };
    SmtpSettings { server, timeout, host: "messages.example.com".to_owned(), dkim: None, tls: None }
}

/// An adapter that is told where its service is; over `https` nothing there speaks TLS.
fn adapter(kind: Kind, (scheme, port): (&str, u16), timeout: Duration, folder: &std::path::Path) -> Arc<dyn Provider> {
    let base = format!("{scheme}://127.0.0.1:{port}");
    match kind {
        Kind::Http => {
            let url = format!("{base}/messages").parse().unwrap();
            let settings = HttpSettings { url, idempotency: None, lookup_url: None, signing_key: None };
            Arc::new(Http::new(settings, wire(timeout)).unwrap())
        }
        Kind::Twilio => Arc::new(Twilio::new(twilio_settings(&base), wire(timeout))),
        Kind::SendGrid => {
            let (api_key, host) = ("SG.key".to_owned(), "messages.example.com".to_owned());
            let settings = SendGridSettings { base_url: base.parse().unwrap(), api_key, host };
            Arc::new(SendGrid::new(settings, wire(timeout), files(folder)))
        }
        Kind::Smtp => {
            let settings = smtp_settings("127.0.0.1", port, timeout);
            Arc::new(Smtp::new(settings, files(folder), wire(timeout).clock))
        }
    }
}

fn mailbox(text: &str) -> Address {
    Address::from_stored(AddressKind::Email, text.to_owned())
}

fn phone(text: &str) -> Address {
    Address::from_stored(AddressKind::Phone, text.to_owned())
}

fn envelope(kind: Kind) -> Envelope {
    let is_mail = matches!(kind, Kind::SendGrid | Kind::Smtp);
    let (from, to) = if is_mail {
        (mailbox("server@sms.example"), mailbox("someone@people.example"))
    } else {
        (phone("+12015550100"), phone("+12015550101"))
    };
    Envelope {
        unsubscribe: None,
        is_automatic: false,
        references: Vec::new(),
        reference: "e-1-0".to_owned(),
        channel: if is_mail { Channel::Email } else { Channel::Sms },
        from,
        to: vec![to],
        cc: Vec::new(),
        reply_to: None,
        subject: is_mail.then(|| "about".to_owned()),
        body: "hello".to_owned(),
        attachments: Vec::new(),
        timestamp: START.parse().unwrap(),
        callback_token: "tok-en_1".to_owned(),
    }
}

async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn check(kind: Kind, case: Case) {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(kind, case).await;
    let scheme = if case == Case::SilentBefore { "https" } else { "http" };
    let port = if case == Case::Away { closed_port().await } else { server.address.port() };
    let is_silent = matches!(case, Case::SilentBefore | Case::SilentAfter);
    let timeout = if is_silent { IMPATIENCE } else { PATIENCE };
    let begun = Instant::now();
    let outcome = adapter(kind, (scheme, port), timeout, folder.path()).send(&envelope(kind)).await;
    assert!(begun.elapsed() < timeout + IMPATIENCE, "{kind:?} {case:?}: {:?}", begun.elapsed());
    let (outcome_wanted, has_it) = wanted(kind, case);
    assert_eq!(
        (name(&outcome), server.got().len()),
        (outcome_wanted, usize::from(has_it)),
        "{kind:?} {case:?}: {outcome:?}"
    );
    match &outcome {
        Outcome::Accepted { reference } => assert!(!reference.is_empty()),
        Outcome::Retry { after, .. } if case == Case::Busy && kind != Kind::Smtp => {
            assert_eq!(*after, Some(Duration::from_secs(7)), "{kind:?}");
        }
        Outcome::Retry { .. } | Outcome::Doubtful { .. } | Outcome::Unknown { .. } => {}
        Outcome::Rejected { code, .. } if case == Case::Refused => {
            let codes = match kind {
                Kind::Http | Kind::Twilio => "21211",
                Kind::SendGrid => "400",
                Kind::Smtp => "5.1.1",
            };
            assert_eq!(code, codes, "{kind:?}");
        }
        Outcome::Rejected { code, .. } => assert!(code.starts_with('5'), "{kind:?} {case:?}: {code}"),
    }
    let said = format!("{outcome:?}");
    assert!(!said.contains("5550101") && !said.contains("people.example"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_adapter_judges_every_case_as_the_table_says() {
    let cases = KINDS.into_iter().flat_map(|kind| CASES.map(|case| (kind, case)));
    futures_util::stream::iter(cases).for_each_concurrent(AT_ONCE, |(kind, case)| check(kind, case)).await;
}

/// Our reference, as a service finds it in what it got.
fn reference_in(kind: Kind, got: &str) -> String {
    let begin = match kind {
        Kind::Http | Kind::SendGrid => "\"reference\":\"",
        Kind::Twilio => "%3Freference%3D",
        Kind::Smtp => "Message-ID: <",
    };
    let (_, rest) = got.split_once(begin).unwrap();
    rest.split(['"', '%', '@']).next().unwrap().to_owned()
}

async fn check_callback_before_answer(kind: Kind) {
    let app = TestApp::start().await;
    let gate = Arc::new(Notify::new());
    let held = Act::Hold(gate.clone(), taken(kind));
    let server = match kind {
        Kind::Smtp => Server::smtp(Dialogue::ending(held)).await,
        Kind::Http | Kind::Twilio | Kind::SendGrid => Server::http(held).await,
    };
    let provider = adapter(kind, ("http", server.address.port()), PATIENCE, app.folder.path());
    let settings = LineSettings {
        name: "test".to_owned(),
        provider,
        max_per_second: 100,
        max_in_flight: 10,
        vitals: Arc::default(),
    };
    let outbox = Outbox::new(app.messaging.clone(), vec![settings], app.sender.clone());
    let is_mail = matches!(kind, Kind::SendGrid | Kind::Smtp);
    let message = app.send(if is_mail { email("hello") } else { sms("hello") }).await;
    let sending = tokio::spawn(async move { outbox.run_due().await.unwrap() });
    let reference = reference_in(kind, &server.first().await);
    let reported = app.report(json!({ "reference": reference, "status": "delivered" })).await;
    assert_eq!(reported.status, 200, "{kind:?} {reference}");
    gate.notify_one();
    assert_eq!(sending.await.unwrap(), 1);
    assert_eq!(app.reload(&message).await["status"], "delivered", "{kind:?}");
    assert_eq!(app.attempts(&message).await[0]["outcome"], "accepted", "{kind:?}");
}

#[tokio::test]
async fn a_callback_by_our_reference_before_any_adapters_answer_is_kept() {
    for kind in KINDS {
        check_callback_before_answer(kind).await;
    }
}
