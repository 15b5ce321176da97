//! Messages that were sent and whose reply was lost become known: by reports with our reference, or by asking.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::judge::{draft, fired, is_settled, seed, status};
use crate::process::{Carrier, Kind, Plan, Server, Site, free_port};

/// Messages of each kind that are reported, and that are asked for: twenty a second are. Of three one is answered, so
/// that no breaker opens.
const REPORTED: usize = 900;
const ASKED: usize = 300;
const LOST: [&str; 6] = ["reset_taken", "half_body_taken", "ok", "html_taken", "reset_taken", "ok"];
/// How many are carried to one recipient: few enough for a list that shows fifty of them.
const EACH: usize = 10;
/// How long what is not reported may take: the second look-up comes half a minute after the reply was lost.
const PATIENCE: Duration = Duration::from_secs(90);

/// How it becomes known what a service took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Reported,
    Asked,
}

impl Way {
    fn messages(self) -> usize {
        match self {
            Self::Reported => REPORTED,
            Self::Asked => ASKED,
        }
    }
}

/// By server: the kind behind each channel, and how it becomes known what it took.
const SERVERS: [&[(Kind, &str, Way)]; 2] = [
    &[
        (Kind::Twilio, "sms", Way::Reported),
        (Kind::Http, "mms", Way::Reported),
        (Kind::SendGrid, "email", Way::Reported),
    ],
    &[(Kind::Twilio, "sms", Way::Asked), (Kind::Http, "mms", Way::Asked)],
];

/// A server for the world: only what is signed counts.
async fn serve(site: &Site, port: u16, providers: &str) -> Server {
    let mut plan = Plan::public(site, port, providers)
        .with("SWITCHBOARD_MASTER_KEY", &"5a".repeat(32))
        .with("SWITCHBOARD_REQUEST_LIMIT_PER_MINUTE", "0")
        .with("SWITCHBOARD_KEY_REQUEST_LIMIT_PER_MINUTE", "0");
    plan.mode = "serve";
    let key = plan.run(&["keys", "create", "--name", "test", "--scope", "admin"]).await;
    let mut server = plan.start().await;
    server.key = Some(key.trim().to_owned());
    server
}

async fn send_all(server: &Server, channel: &str, count: usize) {
    let number = |n: usize| draft(channel, &format!("{channel} {n}"), (n % (count / EACH)) as u64);
    let drafts: Vec<_> = (0..count).map(number).collect();
    for some in drafts.chunks(150) {
        let answer = server.post("/api/messages/batch", &json!({ "messages": some })).await.unwrap();
        assert_eq!(answer.body["accepted"], 150, "{}", answer.body);
    }
}

/// What was lost on the way back of one provider, and how much of it stays unknown.
struct Seen {
    service: String,
    messages: usize,
    lost: usize,
    unknown: usize,
}

/// Waits until nothing that was taken is unknown, or time is up; gives all messages.
async fn wait(server: &Server, taken: &HashSet<String>) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let messages = server.messages().await;
        let is_lost =
            |message: &&Value| status(message) == "unknown" && taken.contains(message["body"].as_str().unwrap());
        let unknown = messages.iter().filter(is_lost).count();
        if unknown == 0 || begun.elapsed() > PATIENCE {
            println!("{unknown} are unknown {:?} after everything was sent", begun.elapsed());
            return messages;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn run(rows: &'static [(Kind, &'static str, Way)]) -> Vec<Seen> {
    let site = Site::new().await;
    let port = free_port();
    let (mut carriers, mut config) = (Vec::new(), String::new());
    for (kind, channel, way) in rows {
        let carrier = match way {
            Way::Reported => Carrier::start_reporting(&site, channel, port).await,
            Way::Asked => Carrier::start(&site, channel).await,
        };
        let script: Vec<_> = LOST.iter().cycle().take(way.messages()).collect();
        carrier.set_chaos(json!({ "script": script })).await;
        let mut more = "timeout_ms = 5000\nmax_per_second = 1000\nmax_in_flight = 40\n".to_owned();
        if *way == Way::Asked && *kind == Kind::Http {
            more += &carrier.lookup();
        }
        config += &carrier.service(*kind, channel, &[channel], &more);
        carriers.push(carrier);
    }
    let server = serve(&site, port, &config).await;
    join_all(rows.iter().map(|(_, channel, way)| send_all(&server, channel, way.messages()))).await;
    server.wait_until(Duration::from_mins(2), is_settled).await;
    let taken: Vec<HashSet<String>> =
        carriers.iter().map(|carrier| carrier.ledger().into_iter().map(|line| line.body).collect()).collect();
    let messages = wait(&server, &taken.iter().flatten().cloned().collect()).await;
    let statuses: HashMap<&str, &str> =
        messages.iter().map(|message| (message["body"].as_str().unwrap(), status(message))).collect();
    let mut seen = Vec::new();
    for (((kind, _, way), carrier), taken) in rows.iter().zip(&carriers).zip(&taken) {
        assert_eq!(carrier.ledger().len(), way.messages(), "{kind:?}: each is taken, and taken once");
        let unknown = taken.iter().filter(|body| statuses[body.as_str()] == "unknown").count();
        let lost = usize::try_from(carrier.stats().await.silent()).unwrap();
        seen.push(Seen { service: format!("{kind:?}, {way:?}"), messages: way.messages(), lost, unknown });
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_and_not_answered_becomes_known_by_reports_and_by_asking() {
    seed("callbacks");
    let all = join_all(SERVERS.map(|rows| tokio::spawn(run(rows)))).await;
    let mut all_lost = 0;
    for seen in all.into_iter().flat_map(Result::unwrap) {
        let Seen { service, messages, lost, unknown } = seen;
        println!("{service}: {unknown} of {lost} stay unknown");
        assert!(lost * 3 >= messages * 2, "{service}: two of three replies were to be lost, and {lost} were");
        assert!(unknown * 1_000 <= lost, "{service}: {unknown} of {lost} stay unknown, fewer than 99.9 % are known");
        all_lost += lost;
    }
    fired("reply that was lost", all_lost as u64);
}
