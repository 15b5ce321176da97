//! Silence is unknown and asked once; a failure that may have been a success is declared.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::judge::{draft, fired, is_settled, seed, status};
use crate::process::{Carrier, Kind, Plan, Server, Site, free_port};

const SILENT: [&str; 6] =
    ["reset_taken", "half_body_taken", "html_taken", "endless_taken", "hang_taken", "hang_not_taken"];
const DOUBTFUL: [&str; 6] = ["500_taken", "500_not_taken", "502_taken", "502_not_taken", "504_taken", "504_not_taken"];
const TIMEOUT: Duration = Duration::from_millis(1_500);
/// The most that answers without an end may cost.
const MAX_GROWTH_KIB: u64 = 32 * 1_024;

/// What a service does, and what is then to be seen.
#[derive(Debug, Clone, Copy)]
struct Row {
    kind: Kind,
    channel: &'static str,
    policy: &'static str,
    fates: &'static [&'static str],
    times: usize,
    is_declared: bool,
}

const fn silent(kind: Kind, channel: &'static str) -> Row {
    Row { kind, channel, policy: "balanced", fates: &SILENT, times: 3, is_declared: false }
}

const fn declared(kind: Kind, channel: &'static str, fates: &'static [&'static str]) -> Row {
    Row { kind, channel, policy: "balanced", fates, times: 2, is_declared: true }
}

const fn strict(kind: Kind, channel: &'static str) -> Row {
    Row { kind, channel, policy: "no_duplicates", fates: &DOUBTFUL, times: 2, is_declared: false }
}

/// By server: one carries each channel by one provider. A mail server has no doubtful answer; Twilio's 503 is one.
const SERVERS: [&[Row]; 5] = [
    &[silent(Kind::Http, "sms"), declared(Kind::Http, "mms", &DOUBTFUL), strict(Kind::Http, "email")],
    &[
        silent(Kind::Twilio, "sms"),
        declared(Kind::Twilio, "mms", &["500_taken", "500_not_taken", "502_taken", "504_not_taken", "503"]),
        silent(Kind::SendGrid, "email"),
    ],
    &[strict(Kind::Twilio, "sms"), declared(Kind::SendGrid, "email", &DOUBTFUL)],
    &[silent(Kind::Smtp, "email")],
    &[strict(Kind::SendGrid, "email")],
];

impl Row {
    fn count(&self) -> usize {
        self.fates.len() * self.times
    }

    /// How many of its fates leave the message with the service.
    fn taken(&self) -> usize {
        self.fates.iter().filter(|fate| fate.ends_with("_taken") && !fate.ends_with("not_taken")).count() * self.times
    }

    /// All at once: the carrier's script is for first tries, and none of them may come after a second one.
    async fn send(&self, server: &Server) {
        let drafts = (0..self.count()).map(|n| {
            let mut draft = draft(self.channel, &format!("{} {n}", self.channel), u64::try_from(n % 5).unwrap());
            draft["policy"] = json!(self.policy);
            draft
        });
        let drafts: Vec<Value> = drafts.collect();
        let answer = server.post("/api/messages/batch", &json!({ "messages": drafts })).await.unwrap();
        assert_eq!(answer.body["accepted"], self.count(), "{}", answer.body);
    }

    /// What its carrier, and the messages, look like in the end.
    async fn check(&self, server: &Server, carrier: &Carrier, messages: &[Value]) -> u64 {
        let messages: Vec<_> = messages.iter().filter(|message| message["type"] == self.channel).collect();
        assert_eq!(messages.len(), self.count(), "{self:?}");
        if self.is_declared {
            self.check_declared(server, carrier, &messages).await;
        } else {
            self.check_asked_once(server, carrier, &messages).await;
        }
        carrier.stats().await.fired()
    }

    /// Each is unknown; where the service can be asked, what it took is known by that.
    async fn check_asked_once(&self, server: &Server, carrier: &Carrier, messages: &[&Value]) {
        let ledger = carrier.ledger();
        let requests = usize::try_from(carrier.stats().await.requests).unwrap();
        assert_eq!((requests, ledger.len()), (self.count(), self.taken()), "{self:?}: each is asked once");
        for message in messages {
            let is_found = self.kind == Kind::Twilio && ledger.iter().any(|line| line.body == message["body"]);
            let is_right = if is_found { status(message) != "unknown" } else { status(message) == "unknown" };
            assert!(is_right, "{self:?}: {message}");
            assert_eq!(message["possible_duplicate"], false, "{self:?}: {message}");
            assert_eq!(server.attempts(message).await.len(), 1, "{self:?}: {message}");
        }
    }

    /// Each is tried again, and both the message and its second attempt say that it may be a duplicate.
    async fn check_declared(&self, server: &Server, carrier: &Carrier, messages: &[&Value]) {
        let ledger = carrier.ledger();
        let lines = |message: &Value| ledger.iter().filter(|line| line.body == message["body"]).count();
        let twice = messages.iter().filter(|message| lines(message) == 2).count();
        assert_eq!((twice, ledger.len()), (self.taken(), self.count() + self.taken()), "{self:?}");
        for message in messages {
            assert_eq!(status(message), "accepted", "{self:?}: {message}");
            assert_eq!(message["possible_duplicate"], true, "{self:?}: {message}");
            let attempts = server.attempts(message).await;
            let marks: Vec<_> = attempts.iter().map(|attempt| attempt["possible_duplicate"] == true).collect();
            assert_eq!(marks, [false, true], "{self:?}: {attempts:#?}");
            assert_eq!(attempts[0]["outcome"], "doubtful", "{self:?}");
        }
    }
}

/// One server and its carriers; gives how many faults fired.
async fn run(rows: &'static [Row]) -> u64 {
    let site = Site::new().await;
    let (mut carriers, mut config) = (Vec::new(), String::new());
    for row in rows {
        let carrier = Carrier::start(&site, row.channel).await;
        carrier.set_chaos(json!({ "script": row.fates.repeat(row.times) })).await;
        let timeout = format!("timeout_ms = {}\n", TIMEOUT.as_millis());
        config += &carrier.service(row.kind, row.channel, &[row.channel], &timeout);
        carriers.push(carrier);
    }
    let server = Plan::public(&site, free_port(), &config).start().await;
    server.messages().await;
    let memory = server.process.resident_kib();
    let begun = Instant::now();
    for row in rows {
        row.send(&server).await;
    }
    server.wait_until(Duration::from_secs(20), is_settled).await;
    println!("{:?}: settled after {:?}", rows[0], begun.elapsed());
    // Long enough for the second and the third attempt of whatever is tried again, and for the first look-up.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let messages = server.messages().await;
    let growth = server.process.resident_kib().saturating_sub(memory);
    println!("{:?}: resident memory grew by {growth} KiB", rows[0]);
    assert!(growth < MAX_GROWTH_KIB, "{growth} KiB");
    let mut faults = 0;
    for (row, carrier) in rows.iter().zip(&carriers) {
        faults += row.check(&server, carrier, &messages).await;
    }
    faults
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_is_unknown_and_asked_once_and_doubt_is_declared() {
    seed("ambiguity");
    let faults = join_all(SERVERS.map(|rows| tokio::spawn(run(rows)))).await;
    let faults: u64 = faults.into_iter().map(Result::unwrap).sum();
    fired("answers that say nothing", faults);
    let wanted: usize = SERVERS.iter().flat_map(|rows| rows.iter()).map(Row::count).sum();
    assert_eq!(faults, u64::try_from(wanted).unwrap());
}
