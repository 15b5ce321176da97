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
use crate::process::{Carrier, Plan, Server, Site, free_port, provider};

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

/// A service that puts everybody off once, with whatever `Retry-After` the text names.
#[derive(Clone)]
struct Putting {
    status: u16,
    clock: Clock,
    seen: Arc<Mutex<HashMap<String, Vec<Timestamp>>>>,
    not_before: Arc<Mutex<HashMap<String, Timestamp>>>,
}

impl Putting {
    async fn start(status: u16) -> (Self, u16, JoinHandle<()>) {
        let putting = Self { status, clock: Clock::system(), seen: Arc::default(), not_before: Arc::default() };
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

    fn answer(&self, body: &Value) -> String {
        let text = body["body"].as_str().unwrap().to_owned();
        let now = self.clock.now();
        let mut seen = self.seen.lock().unwrap();
        let times = seen.entry(text.clone()).or_default();
        times.push(now);
        if times.len() > 1 {
            let body = "{\"id\":\"taken\"}";
            return format!("HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{body}", body.len());
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
            let name = format!("{} with Retry-After: {:?}", self.status, case.header);
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

async fn read_request(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if bytes.len() >= head + 4 + length.parse::<usize>().unwrap() {
            return serde_json::from_slice(&bytes[head + 4..]).ok();
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

async fn put_off() -> u64 {
    let (busy, busy_port, busy_task) = Putting::start(429).await;
    let (away, away_port, away_task) = Putting::start(503).await;
    let site = Site::new().await;
    let config = [
        provider("busy", &["sms"], &format!("http://127.0.0.1:{busy_port}/messages"), ""),
        provider("away", &["email"], &format!("http://127.0.0.1:{away_port}/messages"), ""),
    ]
    .concat();
    let server = Plan::dev(&site, &config).start().await;
    for case in 0..CASES.len() {
        send(&server, "sms", &format!("case {case}")).await;
        send(&server, "email", &format!("case {case}")).await;
    }
    tokio::time::sleep(Duration::from_secs(8)).await;
    let messages = check_certain(&server).await;
    let waiting = messages.iter().filter(|message| status(message) == "queued").count();
    assert_eq!((messages.len(), waiting), (18, 4), "only those who were asked to wait for ages wait");
    let fired = busy.check() + away.check();
    busy_task.abort();
    away_task.abort();
    fired
}

async fn not_reached() -> u64 {
    let site = Site::new().await;
    let plain = Carrier::start(&site, "plain").await;
    let port = free_port();
    let config = [
        provider("refused", &["sms"], &format!("http://127.0.0.1:{port}/messages"), ""),
        provider("nowhere", &["mms"], "http://switchboard.invalid/messages", ""),
        provider("plain", &["email"], &format!("https://127.0.0.1:{}/messages", plain.port), ""),
    ]
    .concat();
    let server = Plan::dev(&site, &config).start().await;
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
        assert_eq!(status(message), "queued", "{message}");
        let timeline = server.timeline(message).await;
        let tries: Vec<_> = timeline.iter().filter(|entry| entry["outcome"] == "retry").collect();
        assert!(tries.len() >= 2, "tried again: {timeline:#?}");
        assert!(tries[0]["reason"].as_str().unwrap().starts_with("not reached"), "{timeline:#?}");
        attempts += tries.len();
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
    u64::try_from(attempts).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_certainly_not_sent_is_tried_again_in_time_and_unmarked() {
    seed("certainty");
    let (put_off, not_reached) = (tokio::spawn(put_off()), tokio::spawn(not_reached()));
    fired("429 or 503", put_off.await.unwrap());
    fired("service that cannot be reached", not_reached.await.unwrap());
}
