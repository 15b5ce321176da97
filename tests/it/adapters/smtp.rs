//! What a mail server gets, where the line between sent and not sent runs, and a real server: `aiosmtpd`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use switchboard::blob::Blobs;
use switchboard::provider::smtp::{Dkim, Security};
use switchboard::provider::{Attachment, Envelope, Outcome, Provider, Smtp, SmtpSettings, StoredFile};

use super::server::{Act, Dialogue, Server};
use super::{Kind, PATIENCE, envelope, files, mailbox, name, smtp_settings, wire};
use crate::process::{Process, free_port};

fn adapter(settings: SmtpSettings, folder: &Path) -> Smtp {
    Smtp::new(settings, files(folder), wire(PATIENCE).clock)
}

async fn send_to(dialogue: Dialogue, mail: &Envelope) -> (Outcome, Vec<String>) {
    let is_half = matches!(&dialogue.end, Act::Say(text) if !text.ends_with('\n'));
    let hangs = is_half || matches!(dialogue.instead, Some(Act::Hang));
    let timeout = if hangs { Duration::from_secs(8) } else { PATIENCE };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::smtp(dialogue).await;
    let outcome = adapter(smtp_settings("127.0.0.1", server.address.port(), timeout), folder.path()).send(mail).await;
    (outcome, server.got())
}

fn taking() -> Dialogue {
    Dialogue::ending(Act::Say("250 2.0.0 ok\r\n".to_owned()))
}

#[tokio::test]
async fn a_mail_is_announced_and_ended_as_the_standard_says() {
    let mail = Envelope {
        body: ".\r\n..two\n.three".to_owned(),
        cc: vec![mailbox("d@people.example")],
        ..envelope(Kind::Smtp)
    };
    let (outcome, got) = send_to(taking(), &mail).await;
    assert_eq!(outcome, Outcome::Accepted { reference: "e-1-0@messages.example.com".to_owned() });
    let lines: Vec<&str> = got[0].split("\r\n").collect();
    assert_eq!(lines[0], "EHLO messages.example.com");
    assert!(lines[1].starts_with("MAIL FROM:<server@sms.example> SIZE="), "{}", lines[1]);
    assert_eq!(lines[2..5], ["RCPT TO:<someone@people.example>", "RCPT TO:<d@people.example>", "DATA"]);
    assert!(got[0].contains("Message-ID: <e-1-0@messages.example.com>\r\n"), "{}", got[0]);
    assert!(got[0].contains("Date: Mon, 02 Mar 2026 12:00:00 +0000\r\n"), "{}", got[0]);
    assert!(got[0].ends_with("\r\n\r\n.\r\n..two\r\n.three\r\n"), "{:?}", got[0]);
}

#[tokio::test]
async fn what_is_lost_before_the_mail_has_ended_is_certainly_not_sent() {
    let large = Envelope { body: "a line of some length\n".repeat(500_000), ..envelope(Kind::Smtp) };
    for (instead, mail) in
        [(Act::Reset, &large), (Act::Hang, &large), (Act::Say("421 4.3.0 going down\r\n".to_owned()), &large)]
    {
        let (outcome, got) = send_to(Dialogue { instead: Some(instead.clone()), ..taking() }, mail).await;
        assert_eq!((name(&outcome), got.len()), ("away", 0), "{instead:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn the_answer_to_the_end_of_a_mail_decides() {
    for (answer, wanted) in [
        ("250 ok\r\n", "accepted"),
        ("250-ok\r\n250 2.0.0 queued\r\n", "accepted"),
        ("451 4.3.0 later\r\n", "retry"),
        ("421 4.3.0 going down\r\n", "away"),
        ("554 5.7.1 spam\r\n", "rejected"),
        ("354 more?\r\n", "unknown"),
        ("250", "unknown"),
        ("999 what\r\n", "unknown"),
        ("250_odd\r\n", "unknown"),
        ("\r\n", "unknown"),
    ] {
        let (outcome, got) = send_to(Dialogue::ending(Act::Say(answer.to_owned())), &envelope(Kind::Smtp)).await;
        assert_eq!((name(&outcome), got.len()), (wanted, 1), "{answer}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_connection_is_used_again_and_one_that_closed_meanwhile_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (closes, hellos) in [(false, 1), (true, 3)] {
        let server = Server::smtp(Dialogue { closes, ..taking() }).await;
        let adapter = adapter(smtp_settings("127.0.0.1", server.address.port(), PATIENCE), folder.path());
        for _ in 0..3 {
            assert_eq!(name(&adapter.send(&envelope(Kind::Smtp)).await), "accepted");
        }
        let got = server.got();
        assert_eq!(got.len(), 3);
        assert_eq!(got.iter().filter(|got| got.contains("EHLO ")).count(), hellos);
    }
}

#[tokio::test]
async fn a_server_that_offers_too_little_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::smtp(taking()).await;
    let base = smtp_settings("127.0.0.1", server.address.port(), PATIENCE);
    let mut required = base.clone();
    required.server.security = Security::Required;
    let mut known = base.clone();
    known.server.credentials = Some(("user".to_owned(), "password".to_owned()));
    for settings in [required, known] {
        let outcome = adapter(settings, folder.path()).send(&envelope(Kind::Smtp)).await;
        assert_eq!(name(&outcome), "away", "{outcome:?}");
    }
    let foreign = Envelope { to: vec![mailbox("j\u{f6}rg@people.example")], ..envelope(Kind::Smtp) };
    let outcome = adapter(base, folder.path()).send(&foreign).await;
    assert_eq!(name(&outcome), "rejected", "{outcome:?}");
    assert!(server.got().is_empty());
}

/// A real mail server, and what it wrote down.
struct RealServer {
    folder: tempfile::TempDir,
    ports: [u16; 3],
    _process: Process,
}

impl RealServer {
    async fn start() -> Self {
        let made = Command::new("bin/python-tools.sh").output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let python = PathBuf::from(String::from_utf8(made.stdout).unwrap().trim());
        let folder = tempfile::tempdir().unwrap();
        let ports = [free_port(), free_port(), free_port()];
        let mut command = Command::new(python);
        command.arg("tests/it/adapters/mail_server.py").arg(folder.path()).args(ports.map(|port| port.to_string()));
        let process = Process::start(command, &folder.path().join("log"));
        for _ in 0..300 {
            if folder.path().join("ready").exists() {
                return Self { folder, ports, _process: process };
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{}", std::fs::read_to_string(folder.path().join("log")).unwrap());
    }

    fn received(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("received.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Speaks to one of its three ports: bare, STARTTLS, TLS. The last two ask who we are.
    fn settings(&self, security: Security) -> SmtpSettings {
        let port = match security {
            Security::Bare => self.ports[0],
            Security::Offered | Security::Required => self.ports[1],
            Security::Wrapped => self.ports[2],
        };
        let mut settings = smtp_settings("localhost", port, Duration::from_secs(20));
        settings.server.security = security;
        if security != Security::Bare {
            settings.server.credentials = Some(("user".to_owned(), "pass word".to_owned()));
        }
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.folder.path().join("ca.pem")).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        SmtpSettings { tls: Some(Arc::new(config)), ..settings }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_mail_server_reads_text_html_files_and_a_signature_over_every_kind_of_line() {
    let real = RealServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    Blobs::in_folder(folder.path()).unwrap().put("00/key", Bytes::from_static(b"\x89PNG\r\n.\r\n")).await.unwrap();
    let (name_of_file, media_type, object_key) =
        ("z\u{fc}.png".to_owned(), "image/png".to_owned(), "00/key".to_owned());
    let file = StoredFile { name: name_of_file, media_type, size_bytes: 9, object_key };
    let mail = Envelope {
        subject: Some("gr\u{fc}n \u{1f600}".to_owned()),
        body: format!("<p>hello <b>you</b> {}</p>\n.\n", "\u{e9}".repeat(300)),
        cc: vec![mailbox("d@people.example")],
        reply_to: Some(mailbox("e@sms.example")),
        attachments: vec![Attachment { url: "x".to_owned(), file: Some(file) }],
        ..envelope(Kind::Smtp)
    };
    let pem = std::fs::read_to_string(real.folder.path().join("dkim.pem")).unwrap();
    for security in [Security::Bare, Security::Required, Security::Offered, Security::Wrapped] {
        let dkim = Some(Dkim::new("sms.example", "mail", &pem).unwrap());
        let adapter = adapter(SmtpSettings { dkim, ..real.settings(security) }, folder.path());
        for _ in 0..2 {
            let outcome = adapter.send(&mail).await;
            assert_eq!(name(&outcome), "accepted", "{security:?}: {outcome:?}");
        }
    }
    let received = real.received();
    assert_eq!(received.len(), 8);
    for (at, got) in received.iter().enumerate() {
        assert_eq!(got["secure"], json!(at >= 2), "{got}");
        assert_eq!(got["dkim"], true, "{got}");
        assert_eq!(got["from"], "server@sms.example");
        assert_eq!(got["to"], json!(["someone@people.example", "d@people.example"]));
        assert_eq!(got["subject"], "gr\u{fc}n \u{1f600}");
        assert_eq!(got["message_id"], "<e-1-0@messages.example.com>");
        assert_eq!(got["reply_to"], "e@sms.example");
        let kinds: Vec<&str> = got["parts"].as_array().unwrap().iter().map(|part| part[0].as_str().unwrap()).collect();
        let wanted = ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "image/png"];
        assert_eq!(kinds, wanted, "{got}");
        assert!(got["parts"][2][2].as_str().unwrap().starts_with("hello you \u{e9}"), "{got}");
        assert!(got["parts"][3][2].as_str().unwrap().ends_with("</p>\r\n.\r\n"), "{got}");
        assert_eq!((&got["parts"][4][1], &got["parts"][4][2]), (&json!("z\u{fc}.png"), &json!("89504e470d0a2e0d0a")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_or_an_unknown_certificate_sends_nothing_and_a_refused_mailbox_is_rejected() {
    let real = RealServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = real.settings(Security::Required);
    wrong.server.credentials = Some(("user".to_owned(), "wrong".to_owned()));
    let nobody =
        Some(Arc::new(ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()));
    let strangers = [Security::Required, Security::Offered, Security::Wrapped]
        .map(|security| SmtpSettings { tls: nobody.clone(), ..real.settings(security) });
    for settings in std::iter::once(wrong).chain(strangers) {
        let outcome = adapter(settings, folder.path()).send(&envelope(Kind::Smtp)).await;
        assert_eq!(name(&outcome), "away", "{outcome:?}");
    }
    let refused = Envelope { to: vec![mailbox("refused@people.example")], ..envelope(Kind::Smtp) };
    let outcome = adapter(real.settings(Security::Bare), folder.path()).send(&refused).await;
    assert!(matches!(&outcome, Outcome::Rejected { code, .. } if code == "5.1.1"), "{outcome:?}");
    assert!(real.received().is_empty());
}
