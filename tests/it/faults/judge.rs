//! Load within bounds, and the verdict on what became of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::process::{Taken, client, request, variable};

/// The most that one load ever posts.
const MAX_POSTS: u64 = 50_000;

/// Draws and prints the seed of a test, or takes it from `SWITCHBOARD_FAULT_SEED`.
pub(super) fn seed(test: &str) -> u64 {
    let seed = variable("SWITCHBOARD_FAULT_SEED").and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| rand::rng().random());
    println!("{test}: seed {seed} (SWITCHBOARD_FAULT_SEED repeats it)");
    seed
}

/// Prints how many faults fired, and fails when none did.
pub(super) fn fired(what: &str, count: u64) {
    println!("fired: {count} x {what}");
    assert!(count > 0, "no fault fired: {what}");
}

/// What a client saw of one post.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Seen {
    /// A 2xx.
    Accepted,
    /// A refusal: its status and `Retry-After`.
    Refused(u16, Option<String>),
    /// No answer.
    Nothing,
}

/// A post, by its unique text.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) body: String,
    pub(super) seen: Seen,
}

/// A draft for a channel, with a text that no other has.
pub(super) fn draft(channel: &str, body: &str, pair: u64) -> Value {
    if channel == "email" {
        json!({ "from": "fault@example.com", "to": format!("user{pair}@example.com"), "type": "email", "subject": "s", "body": body })
    } else {
        json!({ "from": "+12015550100", "to": format!("+1202555{:04}", 100 + pair), "type": channel, "body": body })
    }
}

/// The path that a channel is posted to.
pub(super) fn path_of(channel: &str) -> &'static str {
    if channel == "email" { "/api/messages/email" } else { "/api/messages/sms" }
}

/// Posts at a steady pace until it is stopped; a server that is away is tried again with another message.
#[derive(Debug)]
pub(super) struct Load {
    stop: CancellationToken,
    workers: Vec<JoinHandle<Vec<Post>>>,
}

/// What a load posts.
#[derive(Debug, Clone)]
pub(super) struct LoadPlan {
    pub(super) base: String,
    pub(super) channels: &'static [&'static str],
    pub(super) workers: u64,
    /// The pause between two posts of a worker, drawn from zero to twice this.
    pub(super) pause: Duration,
    pub(super) seed: u64,
}

impl Load {
    pub(super) fn start(plan: &LoadPlan) -> Self {
        let stop = CancellationToken::new();
        let number = Arc::new(AtomicU64::new(0));
        let worker = |worker| tokio::spawn(work(plan.clone(), worker, number.clone(), stop.clone()));
        let workers = (0..plan.workers).map(worker).collect();
        Self { stop, workers }
    }

    pub(super) async fn stop(self) -> Vec<Post> {
        self.stop.cancel();
        let mut posts = Vec::new();
        for worker in self.workers {
            posts.extend(worker.await.unwrap());
        }
        posts
    }
}

async fn work(plan: LoadPlan, worker: u64, number: Arc<AtomicU64>, stop: CancellationToken) -> Vec<Post> {
    let client = client();
    let mut random = StdRng::seed_from_u64(plan.seed ^ worker);
    let mut posts = Vec::new();
    while !stop.is_cancelled() {
        let n = number.fetch_add(1, Ordering::Relaxed);
        if n >= MAX_POSTS {
            break;
        }
        let channel = plan.channels[usize::try_from(n).unwrap() % plan.channels.len()];
        let body = format!("{channel} {worker} {n} {:x}", plan.seed);
        let draft = draft(channel, &body, random.random_range(0..20));
        let seen = post(&client, &format!("{}{}", plan.base, path_of(channel)), &draft).await;
        let is_away = seen == Seen::Nothing;
        posts.push(Post { body, seen });
        let pause = plan.pause.mul_f64(2.0 * random.random::<f64>());
        tokio::time::sleep(if is_away { pause.max(Duration::from_millis(20)) } else { pause }).await;
    }
    posts
}

/// Posts one draft.
pub(super) async fn post(client: &Client, url: &str, draft: &Value) -> Seen {
    match request(client, client.post(url).json(draft)).await {
        Ok(answer) if (200..300).contains(&answer.status) => Seen::Accepted,
        Ok(answer) => Seen::Refused(answer.status, answer.retry_after),
        Err(_) => Seen::Nothing,
    }
}

/// What became of all the posts, by the ledgers.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Posts that were answered 2xx.
    pub(super) accepted: usize,
    /// Messages of which the carrier has none and nobody says so.
    pub(super) lost: Vec<String>,
    /// Messages that are in a ledger twice without being called possible duplicates.
    pub(super) undeclared: Vec<String>,
    /// Messages that are in a ledger twice and are called so.
    pub(super) declared: usize,
    /// Messages that may or may not have been sent.
    pub(super) unknown: Vec<String>,
    /// Messages in a ledger that the server knows nothing of.
    pub(super) phantoms: Vec<String>,
    /// Texts that the server holds twice.
    pub(super) doubled: Vec<String>,
}

impl Verdict {
    /// Compares what was answered, what the server holds, and what the carriers took.
    pub(super) fn of(posts: &[Post], messages: &[Value], ledger: &[Taken]) -> Self {
        let mut verdict = Self::default();
        let mut taken: HashMap<&str, usize> = HashMap::new();
        for line in ledger {
            *taken.entry(&line.body).or_default() += 1;
        }
        let mut held: HashMap<&str, &Value> = HashMap::new();
        for message in messages {
            let body = message["body"].as_str().unwrap();
            if held.insert(body, message).is_some() {
                verdict.doubled.push(body.to_owned());
            }
        }
        for post in posts.iter().filter(|post| post.seen == Seen::Accepted) {
            verdict.accepted += 1;
            let is_safe = held.get(post.body.as_str()).is_some_and(|message| match status(message) {
                "scheduled" | "queued" | "sending" | "unknown" => true,
                "accepted" | "sent" | "delivered" | "read" => taken.contains_key(post.body.as_str()),
                _ => false,
            });
            if !is_safe {
                verdict.lost.push(post.body.clone());
            }
        }
        for (body, count) in &taken {
            match held.get(body) {
                None => verdict.phantoms.push((*body).to_owned()),
                Some(message) if *count > 1 && message["possible_duplicate"] == true => verdict.declared += 1,
                Some(_) if *count > 1 => verdict.undeclared.push((*body).to_owned()),
                Some(_) => {}
            }
        }
        let is_unknown = |message: &&Value| status(message) == "unknown";
        verdict.unknown =
            messages.iter().filter(is_unknown).map(|message| message["body"].as_str().unwrap().to_owned()).collect();
        verdict
    }

    /// Prints it, and fails when anything was lost or sent twice in silence.
    pub(super) fn check(&self) {
        println!(
            "accepted {}, lost {}, undeclared duplicates {}, declared duplicates {}, unknown {}",
            self.accepted,
            self.lost.len(),
            self.undeclared.len(),
            self.declared,
            self.unknown.len()
        );
        assert!(self.accepted > 0, "nothing was accepted at all");
        assert!(self.lost.is_empty(), "accepted and lost: {:?}", self.lost);
        assert!(self.undeclared.is_empty(), "sent twice and not declared: {:?}", self.undeclared);
        assert!(self.phantoms.is_empty(), "sent without being stored: {:?}", self.phantoms);
        assert!(self.doubled.is_empty(), "stored twice: {:?}", self.doubled);
    }
}

/// The status of a message.
pub(super) fn status(message: &Value) -> &str {
    message["status"].as_str().unwrap()
}

/// Whether a message waits for nothing any more but, perhaps, to become known.
pub(super) fn is_settled(message: &Value) -> bool {
    !matches!(status(message), "scheduled" | "queued" | "sending")
}

/// A judge that sees nothing would let everything pass.
#[test]
fn the_judge_sees_what_was_lost_sent_twice_or_made_up() {
    let post = |body: &str| Post { body: body.to_owned(), seen: Seen::Accepted };
    let message = |body: &str, status: &str, is_marked: bool| json!({ "body": body, "status": status, "possible_duplicate": is_marked });
    let line = |body: &str| Taken { at: String::new(), reference: String::new(), body: body.to_owned() };
    let posts = ["fine", "a lie", "gone", "twice", "declared", "silence"].map(post);
    let messages = [
        message("fine", "delivered", false),
        message("a lie", "accepted", false),
        message("twice", "accepted", false),
        message("declared", "accepted", true),
        message("silence", "unknown", false),
        message("silence", "unknown", false),
    ];
    let ledger = ["fine", "twice", "twice", "declared", "declared", "nobody's"].map(line);
    let verdict = Verdict::of(&posts, &messages, &ledger);
    assert_eq!((verdict.accepted, verdict.declared), (6, 1));
    assert_eq!(verdict.lost, ["a lie", "gone"], "accepted by a carrier that has it not, and not stored at all");
    assert_eq!((verdict.undeclared, verdict.phantoms), (vec!["twice".to_owned()], vec!["nobody's".to_owned()]));
    assert_eq!((verdict.doubled, verdict.unknown.len()), (vec!["silence".to_owned()], 2));
}
