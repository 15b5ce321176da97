//! SendGrid's event webhook: many events, one signature.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::{FORGED, PUBLIC, is_untouched, mutated};
use crate::harness::{Answer, Setup, TestApp, email, hours, minutes, text};

const HOOK: &str = "/api/webhooks/sendgrid/test/events";
const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";
const THEM: &str = "contact@gmail.com";

/// The keys of SendGrid: the one it signs with, and the one after that.
struct Keys([EcdsaKeyPair; 2]);

impl Keys {
    fn new() -> Self {
        Self([(); 2].map(|()| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()))
    }

    /// With SendGrid as the provider whose line the test provider stands at.
    fn with(&self, setup: Setup) -> Setup {
        let [one, next] = [0, 1].map(|at| {
            let der: PublicKeyX509Der<'_> = self.0[at].public_key().as_der().unwrap();
            STANDARD.encode(der.as_ref())
        });
        Setup { channels: Vec::new(), ..setup }
            .with("SWITCHBOARD_PUBLIC_URL", PUBLIC)
            .with("SWITCHBOARD_REQUEST_LIMIT_PER_MINUTE", "0")
            .with("SWITCHBOARD_PROVIDERS__0__NAME", "test")
            .with("SWITCHBOARD_PROVIDERS__0__KIND", "sendgrid")
            .with("SWITCHBOARD_PROVIDERS__0__CHANNELS", "email")
            .with("SWITCHBOARD_PROVIDERS__0__API_KEY", "SG.key")
            .with("SWITCHBOARD_PROVIDERS__0__WEBHOOK_PUBLIC_KEY", one)
            .with("SWITCHBOARD_PROVIDERS__0__WEBHOOK_PUBLIC_KEY_NEXT", next)
    }

    fn sign(&self, key: usize, timestamp: &str, body: &str) -> String {
        let signed = format!("{timestamp}{body}");
        STANDARD.encode(self.0[key].sign(&SystemRandom::new(), signed.as_bytes()).unwrap())
    }

    /// Posts events as SendGrid does.
    async fn tell(&self, app: &TestApp, events: &Value) -> Answer {
        let (timestamp, body) = (app.now().seconds().to_string(), events.to_string());
        post(app, &self.sign(0, &timestamp, &body), &timestamp, body).await
    }
}

async fn post(app: &TestApp, signature: &str, timestamp: &str, body: impl Into<axum::body::Body>) -> Answer {
    app.post_with(HOOK, &[(SIGNATURE, signature), (TIMESTAMP, timestamp)], body).await
}

fn event(kind: &str, id: &str, reference: &str) -> Value {
    json!({ "event": kind, "sg_event_id": id, "reference": reference, "email": THEM, "timestamp": 1_772_452_800,
            "sg_message_id": "filter.0", "smtp-id": "<x@messages.example.com>", "useragent": "x" })
}

fn with(mut event: Value, field: &str, value: impl Into<Value>) -> Value {
    event[field] = value.into();
    event
}

async fn sent(app: &TestApp, body: &str) -> (Value, String) {
    let message = app.send(email(body)).await;
    app.run_outbox().await;
    (message, app.provider.attempts().last().unwrap().envelope.reference.clone())
}

async fn callbacks(app: &TestApp, message: &Value) -> usize {
    app.timeline(message).await.iter().filter(|entry| entry["kind"] == "callback").count()
}

#[tokio::test]
async fn one_bad_event_goes_to_quarantine_alone_and_a_repeat_is_known_by_its_name() {
    let keys = Keys::new();
    let app = keys.with(Setup::default()).start().await;
    let (one, first) = sent(&app, "one").await;
    let (two, second) = sent(&app, "two").await;
    let events = json!([
        event("processed", "e-1", &first),
        event("odd", "e-2", &first),
        3,
        with(event("delivered", "e-3", &second), "email", "nobody"),
        event("delivered", "e-4", &second),
        event("open", "e-5", &first),
        event("delivered", "e-6", "no reference of ours"),
        event("open", "e-5", &first),
        with(event("open", "e-7", &first), "timestamp", 1_772_452_800),
    ]);
    let answer = keys.tell(&app, &events).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let counted =
        |answer: &Answer| (answer["applied"].clone(), answer["repeated"].clone(), answer["quarantined"].clone());
    assert_eq!(counted(&answer), (json!(4), json!(1), json!([1, 2, 3, 4])));
    assert_eq!(app.reload(&one).await["status"], "read");
    assert_eq!(app.reload(&two).await["status"], "delivered");
    assert_eq!((callbacks(&app, &one).await, callbacks(&app, &two).await), (3, 1), "e-5 and e-7 are two");
    let kept = app.list("/api/quarantine").await;
    let reasons: Vec<&str> = kept.iter().rev().map(|row| text(&row["reason"])).collect();
    let wanted = ["event: invalid", "event: invalid", "email: invalid", "no message is known by that name"];
    assert_eq!(reasons, wanted);
    assert!(kept.iter().all(|row| text(&row["path"]) == HOOK));
    assert_eq!(serde_json::from_str::<Value>(text(&kept[3]["raw"])).unwrap(), events[1]);

    let again = keys.tell(&app, &json!([events[0], events[4]])).await;
    assert_eq!(counted(&again), (json!(0), json!(2), json!([])));
    let replayed = app.post("/api/quarantine/3/replay", Value::Null).await;
    assert_eq!((replayed.status.as_u16(), replayed.errors()), (409, vec!["email invalid".to_owned()]));
    let replayed = app.post("/api/quarantine/4/replay", Value::Null).await;
    assert_eq!((replayed.status.as_u16(), replayed.errors()), (409, vec!["reference unmatched".to_owned()]));
}

#[tokio::test]
async fn an_event_that_overtakes_the_answer_waits_for_its_mail() {
    let keys = Keys::new();
    let app = keys.with(Setup::default()).start().await;
    let mut early = event("delivered", "e-1", "");
    early["sg_message_id"] = json!("p-1.filter0001.16648.5515E0B88.0");
    assert_eq!(keys.tell(&app, &json!([early])).await["quarantined"], json!([1]));
    let (mail, _) = sent(&app, "hello").await;
    assert_eq!(app.reload(&mail).await["status"], "delivered");
    assert!(app.list("/api/quarantine").await.is_empty());
}

#[tokio::test]
async fn events_are_believed_under_either_key_and_for_a_day_and_an_hour() {
    let keys = Keys::new();
    let app = keys.with(Setup::serve()).start().await;
    for (key, at, status) in [
        (0, app.now(), 200),
        (1, app.now(), 200),
        (0, app.now() - hours(25), 200),
        (0, app.now() - hours(25) - minutes(1), 401),
        (0, app.now() + minutes(5), 200),
        (0, app.now() + minutes(6), 401),
    ] {
        let (timestamp, body) = (at.seconds().to_string(), "[]\r\n");
        let answer = post(&app, &keys.sign(key, &timestamp, body), &timestamp, body).await;
        assert_eq!(answer.status, status, "{key} {at}");
    }
    let stranger = Keys::new();
    assert_eq!(stranger.tell(&app, &json!([])).await.status, 401);
}

#[tokio::test]
async fn what_was_not_signed_so_is_refused_and_stored_nowhere_in_dev_too() {
    let keys = Keys::new();
    for setup in [Setup::serve(), Setup::default()] {
        let is_serve = setup.mode == switchboard::http::Mode::Serve;
        let app = keys.with(setup).start().await;
        let (timestamp, body) = (app.now().seconds().to_string(), json!([event("open", "e-1", "r")]).to_string());
        let right = keys.sign(0, &timestamp, &body);
        for (signature, timestamp, body) in [
            (keys.sign(0, &timestamp, "[]"), timestamp.clone(), body.clone()),
            (right.clone(), (app.now().seconds() + 1).to_string(), body.clone()),
            (right.clone(), timestamp.clone(), format!("{body} ")),
            (right.clone(), timestamp.clone(), "{}".to_owned()),
            (right.clone(), format!("0{timestamp}"), body.clone()),
            (String::new(), timestamp.clone(), body.clone()),
            (right.clone(), String::new(), body.clone()),
        ] {
            let answer = post(&app, &signature, &timestamp, body).await;
            assert_eq!((answer.status.as_u16(), text(&answer["code"])), (401, "unauthorized"), "{signature}");
        }
        for header in [(SIGNATURE, right.as_str()), (TIMESTAMP, timestamp.as_str())] {
            assert_eq!(app.post_with(HOOK, &[header], body.clone()).await.status, 401, "{}", header.0);
        }
        assert!(is_untouched(&app).await);
        assert_eq!(app.post_with(HOOK, &[], body.clone()).await.status, if is_serve { 401 } else { 200 });
        assert_eq!(post(&app, &right, &timestamp, body).await.status, 200);
    }
}

#[tokio::test]
async fn without_a_key_no_signature_is_good() {
    let keys = Keys::new();
    let setup = keys.with(Setup::serve());
    let environment = setup.environment.into_iter().filter(|(name, _)| !name.contains("PUBLIC_KEY")).collect();
    let app = Setup { mode: switchboard::http::Mode::Serve, environment, channels: Vec::new(), ..Setup::default() };
    let app = app.start().await;
    assert_eq!(keys.tell(&app, &json!([])).await.status, 401);
}

#[tokio::test]
async fn ten_thousand_mutations_of_signed_events_open_nothing() {
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let keys = Keys::new();
    let app = keys.with(Setup::serve()).start().await;
    let (timestamp, body) = (app.now().seconds().to_string(), json!([event("open", "e-1", "r")]).to_string());
    let right = keys.sign(0, &timestamp, &body);
    let mut refused = 0;
    for _ in 0..FORGED {
        let (signature, timestamp, body) = match random.random_range(0..10) {
            0 => (right.clone(), mutated(&mut random, &timestamp), body.clone()),
            1 => (right.clone(), timestamp.clone(), mutated(&mut random, &body)),
            _ => (mutated(&mut random, &right), timestamp.clone(), body.clone()),
        };
        let answer = post(&app, &signature, &timestamp, body).await;
        assert_eq!(answer.status, 401, "{signature} {timestamp}");
        refused += 1;
    }
    assert_eq!(refused, FORGED);
    assert!(is_untouched(&app).await);
    assert_eq!(post(&app, &right, &timestamp, body).await.status, 200, "and the right one does");
}

#[tokio::test]
async fn fifty_of_the_same_at_once_are_each_event_once() {
    let keys = Keys::new();
    let app = keys.with(Setup::default()).start().await;
    let mut mails = Vec::new();
    for n in 0..5 {
        mails.push(sent(&app, &n.to_string()).await);
    }
    let of_mail = |(n, (_, reference)): (usize, &(Value, String))| {
        ["processed", "delivered", "open", "click"].map(|kind| event(kind, &format!("{kind}-{n}"), reference))
    };
    let events: Vec<Value> = mails.iter().enumerate().flat_map(of_mail).collect();
    let events = json!(events);
    let answers = join_all((0..50).map(|_| keys.tell(&app, &events))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let applied: i64 = answers.iter().map(|answer| answer["applied"].as_i64().unwrap()).sum();
    assert_eq!(applied, 20);
    for (mail, _) in &mails {
        assert_eq!((app.reload(mail).await["status"].clone(), callbacks(&app, mail).await), (json!("read"), 4));
    }
}

#[tokio::test]
async fn events_in_any_order_end_the_same() {
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let keys = Keys::new();
    let app = keys.with(Setup::default()).start().await;
    for n in 0..40 {
        let (mail, reference) = sent(&app, &n.to_string()).await;
        let kinds = ["processed", "deferred", "deferred", "delivered", "open", "spamreport", "click"];
        let of = |(at, kind): (usize, &&str)| {
            let at = i64::try_from(at).unwrap();
            with(event(kind, &format!("{n}-{at}"), &reference), "timestamp", 1_772_452_800 + at)
        };
        let mut events: Vec<Value> = kinds.iter().enumerate().map(of).collect();
        for at in 0..events.len() {
            let other = random.random_range(0..events.len());
            events.swap(at, other);
        }
        let cut = random.random_range(0..=events.len());
        keys.tell(&app, &json!(events[..cut])).await;
        keys.tell(&app, &json!(events[cut..])).await;
        keys.tell(&app, &json!(events)).await;
        let mail = app.reload(&mail).await;
        assert_eq!((text(&mail["status"]), &mail["status_reason"]), ("read", &Value::Null), "{events:?}");
        assert_eq!(callbacks(&app, &mail).await, kinds.len());
        app.put("/api/consents", json!({ "address": THEM, "state": "opted_in" })).await;
    }
}

#[tokio::test]
async fn who_bounces_complains_or_unsubscribes_gets_no_more_and_who_blocks_once_does() {
    let keys = Keys::new();
    for (event, status, source) in [
        (with(event("bounce", "e", ""), "type", "blocked"), "undelivered", None),
        (event("deferred", "e", ""), "accepted", None),
        (with(event("dropped", "e", ""), "reason", "Invalid"), "failed", None),
        (with(event("bounce", "e", ""), "type", "bounce"), "bounced", Some("bounce")),
        (with(event("dropped", "e", ""), "reason", "Bounced Address"), "failed", Some("bounce")),
        (event("spamreport", "e", ""), "delivered", Some("complaint")),
        (event("unsubscribe", "e", ""), "read", Some("provider")),
        (event("group_unsubscribe", "e", ""), "read", Some("provider")),
    ] {
        let app = keys.with(Setup::default()).start().await;
        let (mail, reference) = sent(&app, "hello").await;
        let told = json!([with(event.clone(), "reference", reference)]);
        assert_eq!(keys.tell(&app, &told).await["applied"], 1, "{event}");
        assert_eq!(app.reload(&mail).await["status"], status, "{event}");
        let consents = app.list("/api/consents").await;
        let sources: Vec<&str> = consents.iter().map(|row| text(&row["source"])).collect();
        assert_eq!(sources, source.into_iter().collect::<Vec<_>>(), "{event}");
        let (next, _) = sent(&app, "another").await;
        let wanted = if source.is_some() { "rejected" } else { "accepted" };
        assert_eq!(app.reload(&next).await["status"], wanted, "{event}");
    }
}

#[tokio::test]
async fn of_a_mail_to_several_each_event_is_about_one() {
    let keys = Keys::new();
    let app = keys.with(Setup::default()).start().await;
    let mut draft = email("hello");
    draft["to"] = json!([THEM, "other@people.example"]);
    let mail = app.send(draft).await;
    app.run_outbox().await;
    let reference = app.provider.attempts().last().unwrap().envelope.reference.clone();
    let other = with(event("bounce", "e-2", &reference), "email", "Other@people.example");
    let stranger = with(event("bounce", "e-3", &reference), "email", "stranger@people.example");
    keys.tell(&app, &json!([event("delivered", "e-1", &reference), stranger])).await;
    let statuses = async || {
        let mail = app.reload(&mail).await;
        let rows = mail["recipients"].as_array().unwrap().clone();
        rows.iter().map(|row| text(&row["status"]).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(statuses().await, ["delivered", "accepted"]);
    keys.tell(&app, &json!([with(other, "email", "other@people.example")])).await;
    assert_eq!(statuses().await, ["delivered", "bounced"]);
    let consents = app.list("/api/consents").await;
    assert_eq!((consents.len(), text(&consents[0]["address"])), (1, "other@people.example"));
}

#[tokio::test]
async fn a_database_that_is_away_is_503_and_a_stranger_is_401_even_then() {
    let keys = Keys::new();
    let app = keys.with(Setup::serve()).start().await;
    app.store().close().await;
    for events in [json!([event("open", "e-1", "r")]), json!([3])] {
        let answer = keys.tell(&app, &events).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{events}");
    }
    assert_eq!(Keys::new().tell(&app, &json!([])).await.status, 401);
    app.leave_work();
}

#[tokio::test]
async fn a_body_that_is_no_list_is_refused_and_a_large_one_is_not() {
    let keys = Keys::new();
    let app = keys.with(Setup::default()).start().await;
    let (mail, reference) = sent(&app, "hello").await;
    for odd in ["", "{}", "null", "[", "event=open"] {
        let timestamp = app.now().seconds().to_string();
        let answer = post(&app, &keys.sign(0, &timestamp, odd), &timestamp, odd).await;
        assert_eq!((answer.status.as_u16(), text(&answer["code"])), (400, "malformed_json"), "{odd}");
    }
    let events: Vec<Value> = (0..1_500).map(|n| event("open", &format!("e-{n}"), &reference)).collect();
    let answer = keys.tell(&app, &json!(events)).await;
    assert_eq!((answer.status.as_u16(), &answer["applied"]), (200, &json!(1_500)));
    assert_eq!(app.reload(&mail).await["status"], "read");
    let list = format!("[{}]", "{\"event\":\"caf\u{fffd}\"}");
    let latin = [&list.as_bytes()[..14], b"\xe9\"}]"].concat();
    let answer = app.post_with(HOOK, &[], latin).await;
    assert_eq!((answer.status.as_u16(), &answer["quarantined"]), (200, &json!([1])));
}
