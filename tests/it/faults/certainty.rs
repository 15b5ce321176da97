//! What was certainly not sent is tried again, never earlier than asked, and never called a possible duplicate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use switchboard::clock::Clock;
use switchboard::domain::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::judge::{draft, fired, path_of, seed, status};
use crate::process::{Carrier, CarrierPlan, Kind, Plan, Server, Site, free_port, service};

/// A `Retry-After`, and how long it asks to wait, in seconds.
struct Case {
    header: &'static str,
    asked: Asked,
}

#[derive(Clone, Copy)]
enum Asked {
    /// So many seconds.
    Seconds(u64),
    /// Until a time that is so many seconds away when the answer is made, to the second.
    Until(u64),
    /// Nothing that makes sense: our own wait counts.
    Nothing,
    /// Longer than anybody waits.
    Ages,
}

const CASES: [Case; 9] = [
    Case { header: "3", asked: Asked::Seconds(3) },
    Case { header: "date", asked: Asked::Until(4) },
    Case { header: "0", asked: Asked::Nothing },
    Case { header: "-5", asked: Asked::Nothing },
    Case { header: "soon", asked: Asked::Nothing },
    Case { header: "1.5", asked: Asked::Nothing },
    Case { header: "", asked: Asked::Nothing },
    Case { header: "3600", asked: Asked::Ages },
    Case { header: "99999999999999999999999999", asked: Asked::Ages },
];

/// The first wait of our own.
const OWN: Duration = Duration::from_secs(1);

/// Services that put everybody off, by server: kind, channel, and the status that says so.
const PUTTING: [&[(Kind, &str, u16)]; 3] = [
    &[(Kind::Http, "sms", 429), (Kind::Http, "email", 503)],
    &[(Kind::Twilio, "sms", 429), (Kind::SendGrid, "email", 503)],
    &[(Kind::SendGrid, "email", 429)],
];

/// A service that puts everybody off once, with whatever `Retry-After` the text names.
#[derive(Clone)]
struct Putting {
    kind: Kind,
    status: u16,
    clock: Clock,
    seen: Arc<Mutex<HashMap<String, Vec<Timestamp>>>>,
    not_before: Arc<Mutex<HashMap<String, Timestamp>>>,
}

impl Putting {
    async fn start(kind: Kind, status: u16) -> (Self, u16, JoinHandle<()>) {
        let putting = Self { kind, status, clock: Clock::system(), seen: Arc::default(), not_before: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let service = putting.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(service.clone().serve(stream));
            }
        });
        (putting, port, serving)
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Some(body) = read_request(&mut stream).await {
            let answer = self.answer(&body);
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, body: &[u8]) -> String {
        let text = text_of(self.kind, body);
        let now = self.clock.now();
        let mut seen = self.seen.lock().unwrap();
        let times = seen.entry(text.clone()).or_default();
        times.push(now);
        if times.len() > 1 {
            return taken(self.kind);
        }
        let case = &CASES[text.rsplit(' ').next().unwrap().parse::<usize>().unwrap()];
        let (header, not_before) = match case.asked {
            Asked::Seconds(seconds) => (case.header.to_owned(), now + Duration::from_secs(seconds)),
            Asked::Until(seconds) => {
                let at = Timestamp::from_seconds(now.seconds() + i64::try_from(seconds).unwrap()).unwrap();
                let system = std::time::UNIX_EPOCH + Duration::from_secs(u64::try_from(at.seconds()).unwrap());
                (httpdate::fmt_http_date(system), at)
            }
            Asked::Nothing => (case.header.to_owned(), now + OWN),
            Asked::Ages => (case.header.to_owned(), now + Duration::from_hours(1)),
        };
        self.not_before.lock().unwrap().insert(text, not_before);
        format!("HTTP/1.1 {} Later\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n", self.status)
    }

    /// Nobody came back before the time; who was asked to wait a little is back, who was asked to wait for ages is not.
    fn check(&self) -> u64 {
        let (seen, not_before) = (self.seen.lock().unwrap(), self.not_before.lock().unwrap());
        assert_eq!(seen.len(), CASES.len());
        for (text, times) in seen.iter() {
            let case = &CASES[text.rsplit(' ').next().unwrap().parse::<usize>().unwrap()];
            let name = format!("{:?}: {} with Retry-After: {:?}", self.kind, self.status, case.header);
            if matches!(case.asked, Asked::Ages) {
                assert_eq!(times.len(), 1, "{name}: nobody waits so short");
                continue;
            }
            assert_eq!(times.len(), 2, "{name}: it came back");
            assert!(times[1] >= not_before[text], "{name}: {:?} too early", not_before[text].since(times[1]));
            let late = times[1].since(not_before[text]);
            assert!(late < Duration::from_secs(3), "{name}: {late:?} late");
        }
        u64::try_from(seen.len()).unwrap()
    }
}

/// What a service says that has a message.
fn taken(kind: Kind) -> String {
    let (status, named, body) = match kind {
        Kind::Http => (201, "", "{\"id\":\"taken\"}"),
        Kind::Twilio => (201, "", "{\"sid\":\"SM0123456789abcdef0123456789abcdef\"}"),
        Kind::SendGrid => (202, "X-Message-Id: taken\r\n", ""),
        Kind::Smtp => unreachable!("a mail server speaks no HTTP"),
    };
    format!("HTTP/1.1 {status} Taken\r\n{named}Content-Length: {}\r\n\r\n{body}", body.len())
}

/// The text of a message in what a service is sent.
fn text_of(kind: Kind, body: &[u8]) -> String {
    if kind == Kind::Twilio {
        let mut fields = url::form_urlencoded::parse(body);
        return fields.find(|(name, _)| name == "Body").unwrap().1.into_owned();
    }
    let body: Value = serde_json::from_slice(body).unwrap();
    let text = if kind == Kind::SendGrid { &body["content"][0]["value"] } else { &body["body"] };
    text.as_str().unwrap().to_owned()
}

async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if bytes.len() >= head + 4 + length.parse::<usize>().unwrap() {
            return Some(bytes[head + 4..].to_vec());
        }
    }
}

async fn send(server: &Server, channel: &str, text: &str) {
    let answer = server.post(path_of(channel), &draft(channel, text, 1)).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
}

/// Nothing is unknown and nothing is marked, in no attempt of any message.
async fn check_certain(server: &Server) -> Vec<Value> {
    let messages = server.messages().await;
    for message in &messages {
        assert!(matches!(status(message), "queued" | "sending" | "accepted"), "{message}");
        assert_eq!(message["possible_duplicate"], false, "{message}");
        for entry in server.timeline(message).await.iter().filter(|entry| entry["kind"] == "attempt") {
            assert_eq!(entry["possible_duplicate"], false, "{entry}");
            let outcome = &entry["outcome"];
            assert!(outcome.is_null() || outcome == "retry" || outcome == "accepted", "{entry}");
        }
    }
    messages
}

async fn put_off(rows: &'static [(Kind, &'static str, u16)]) -> u64 {
    let (mut services, mut config) = (Vec::new(), String::new());
    for (kind, channel, status) in rows {
        let (putting, port, task) = Putting::start(*kind, *status).await;
        config += &service(*kind, channel, &[channel], (&format!("http://127.0.0.1:{port}"), ""), 0);
        services.push((putting, task));
    }
    let site = Site::new().await;
    let server = Plan::public(&site, free_port(), &config).start().await;
    for case in 0..CASES.len() {
        for (_, channel, _) in rows {
            send(&server, channel, &format!("case {case}")).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    let messages = check_certain(&server).await;
    let waiting = messages.iter().filter(|message| status(message) == "queued").count();
    let wanted = (CASES.len() * rows.len(), 2 * rows.len());
    assert_eq!((messages.len(), waiting), wanted, "only those who were asked to wait for ages wait");
    let mut fired = 0;
    for (putting, task) in services {
        fired += putting.check();
        task.abort();
    }
    fired
}

/// A mail server says later in every way it has: at the recipient, before the mail, and after it.
async fn put_off_by_mail() -> u64 {
    let site = Site::new().await;
    let carrier = Carrier::start(&site, "mail").await;
    let script = ["429", "503", "500_not_taken"].repeat(3);
    carrier.set_chaos(serde_json::json!({ "script": script })).await;
    let config = carrier.service(Kind::Smtp, "mail", &["email"], "");
    let server = Plan::public(&site, free_port(), &config).start().await;
    for case in 0..CASES.len() {
        send(&server, "email", &format!("case {case}")).await;
    }
    server.wait_until(Duration::from_secs(20), |message| status(message) == "accepted").await;
    check_certain(&server).await;
    let stats = carrier.stats().await;
    assert_eq!((stats.requests, carrier.ledger().len()), (18, 9), "each is tried twice, and taken once");
    stats.fired()
}

/// Services that cannot be reached, by server: the provider's channel and how it is set up, where nobody listens on a
/// port and a carrier does on others.
fn unreachable_services(closed: u16, plain: &Carrier) -> [Vec<String>; 3] {
    let at = |host: &str| format!("http://{host}");
    let (refused, nowhere) = (at(&format!("127.0.0.1:{closed}")), at("switchboard.invalid"));
    let bare = format!("https://127.0.0.1:{}", plain.port);
    let of = |kind, channel, base: &str| service(kind, channel, &[channel], (base, ""), closed);
    let mail = of(Kind::Smtp, "email", "");
    let untrusted = mail.replace(&format!(":{closed}\""), &format!(":{}?tls=required\"", plain.smtp));
    [
        vec![of(Kind::Http, "sms", &refused), of(Kind::Http, "mms", &nowhere), of(Kind::Http, "email", &bare)],
        vec![of(Kind::Twilio, "sms", &refused), of(Kind::Twilio, "mms", &bare), of(Kind::SendGrid, "email", &nowhere)],
        vec![of(Kind::Http, "sms", &refused), of(Kind::Twilio, "mms", &nowhere), untrusted],
    ]
}

async fn not_reached(server: usize) -> u64 {
    let site = Site::new().await;
    let plain = Carrier::start(&site, "plain").await;
    let port = free_port();
    let config = unreachable_services(port, &plain)[server].concat();
    let server = Plan::public(&site, free_port(), &config).start().await;
    for n in 0..4 {
        for channel in ["sms", "mms", "email"] {
            send(&server, channel, &format!("{channel} {n}")).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let messages = check_certain(&server).await;
    assert_eq!(messages.len(), 12);
    let mut attempts = 0;
    for message in &messages {
        attempts += check_not_reached(&server, message).await;
    }
    let carrier = Carrier::start_at(&site, "late", port, None).await;
    let is_done = |message: &Value| message["type"] != "sms" || status(message) == "accepted";
    server.wait_until(Duration::from_secs(20), is_done).await;
    check_certain(&server).await;
    assert_eq!(
        (carrier.ledger().len(), plain.ledger().len()),
        (4, 0),
        "each once, and nothing through a line that is not safe"
    );
    attempts
}

/// It waits, after tries that reached nobody; gives how many.
async fn check_not_reached(server: &Server, message: &Value) -> u64 {
    assert_eq!(status(message), "queued", "{message}");
    let timeline = server.timeline(message).await;
    let tries: Vec<_> = timeline.iter().filter(|entry| entry["outcome"] == "retry").collect();
    assert!(tries.len() >= 2, "tried again: {timeline:#?}");
    let reason = tries[0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("not reached") || reason.starts_with("not sent"), "{timeline:#?}");
    tries.len() as u64
}

/// Mails to a server that is not there, until it is.
async fn no_mail_server() -> u64 {
    let site = Site::new().await;
    let port = free_port();
    let config = service(Kind::Smtp, "email", &["email"], ("", ""), port);
    let server = Plan::public(&site, free_port(), &config).start().await;
    for n in 0..4 {
        send(&server, "email", &format!("email {n}")).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut attempts = 0;
    for message in check_certain(&server).await {
        attempts += check_not_reached(&server, &message).await;
    }
    let plan = CarrierPlan { smtp: Some(port), ..CarrierPlan::default() };
    let carrier = Carrier::launch(&site, "late", plan).await;
    server.wait_until(Duration::from_secs(20), |message| status(message) == "accepted").await;
    check_certain(&server).await;
    assert_eq!(carrier.ledger().len(), 4, "each once");
    attempts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_certainly_not_sent_is_tried_again_in_time_and_unmarked() {
    seed("certainty");
    let put_off: Vec<_> = PUTTING.into_iter().map(|rows| tokio::spawn(put_off(rows))).collect();
    let (by_mail, no_mail) = (tokio::spawn(put_off_by_mail()), tokio::spawn(no_mail_server()));
    let not_reached: Vec<_> = (0..3).map(|server| tokio::spawn(not_reached(server))).collect();
    let (mut waits, mut lost) = (by_mail.await.unwrap(), no_mail.await.unwrap());
    for one in put_off {
        waits += one.await.unwrap();
    }
    for one in not_reached {
        lost += one.await.unwrap();
    }
    fired("service that said later", waits);
    fired("service that cannot be reached", lost);
}
