//! Carrying: attempts, waits, deadlines, lanes, order, and leases that shut out whoever lost them.

use std::time::Duration;

use serde_json::{Value, json};
use switchboard::domain::Timestamp;
use switchboard::provider::{Abilities, Outcome};

use crate::harness::{Setup, TestApp, hours, minutes, seconds, sms, text};
use crate::provider::{away, busy, doubtful, rejected, silence};

/// How long after the attempt before each attempt began.
fn waits(app: &TestApp) -> Vec<Duration> {
    let times: Vec<Timestamp> = app.provider.attempts().iter().map(|attempt| attempt.at).collect();
    times.windows(2).map(|pair| pair[1].since(pair[0])).collect()
}

#[tokio::test]
async fn every_attempt_stands_on_the_timeline() {
    let app = TestApp::start().await;
    app.provider.script([busy(None), doubtful()]);
    let message = app.send_sms("hello").await;
    app.run_for(seconds(10)).await;
    let timeline = app.timeline(&message).await;
    let kinds: Vec<&str> = timeline.iter().map(|entry| text(&entry["kind"])).collect();
    assert_eq!(kinds, ["accepted", "attempt", "attempt", "attempt", "status"]);
    let shown: Vec<(i64, &str, &str, bool)> = timeline[1..4]
        .iter()
        .map(|a| {
            let number = a["number"].as_i64().unwrap();
            (number, text(&a["outcome"]), text(&a["reason"]), a["possible_duplicate"].as_bool().unwrap())
        })
        .collect();
    assert_eq!(
        shown,
        [(1, "retry", "too many requests", false), (2, "doubtful", "HTTP 502", false), (3, "accepted", "", true)]
    );
    assert_eq!((text(&timeline[3]["reference"]), text(&timeline[3]["provider"])), ("p-3", "test"));
    assert!(timeline[1..4].iter().all(|a| a["ended_at"].is_string() && a["started_at"] == a["at"]));
    assert_eq!(timeline[4]["status"], "accepted");
}

#[tokio::test]
async fn a_message_says_where_it_stands_while_it_waits() {
    let app = TestApp::start().await;
    app.provider.script([busy(Some(seconds(90)))]);
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    let waiting = app.reload(&message).await;
    assert_eq!((text(&waiting["status"]), text(&waiting["status_reason"])), ("queued", "too many requests"));
    assert_eq!(waiting["next_attempt_at"], "2026-03-02T12:01:30.000000Z");
    assert_eq!((&waiting["final"], &waiting["possible_duplicate"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn the_waits_between_attempts_grow_and_stay_within_a_fifth() {
    let app = TestApp::start().await;
    app.provider.always(Some(busy(None)));
    app.send_sms("hello").await;
    app.run_for(hours(11)).await;
    let waits = waits(&app);
    let wanted = [1, 5, 30, 120, 600, 1_800, 3_600, 3_600];
    assert!(waits.len() >= wanted.len(), "{waits:?}");
    for (at, wait) in waits.iter().enumerate() {
        let wanted = seconds(wanted.get(at).copied().unwrap_or(3_600));
        assert!(*wait >= wanted && *wait <= wanted.mul_f64(1.2), "{at}: {wait:?}");
    }
}

#[tokio::test]
async fn no_attempt_begins_earlier_than_the_provider_asked() {
    let app = TestApp::start().await;
    let asked = [3, 60, 0, 400];
    app.provider.script(asked.map(|count| busy(Some(seconds(count)))));
    app.send_sms("hello").await;
    app.run_for(minutes(20)).await;
    let waits = waits(&app);
    assert_eq!(waits.len(), 4);
    for (wait, asked) in waits.iter().zip(asked) {
        assert!(*wait >= seconds(asked), "{waits:?}");
    }
    assert!(waits[2] >= seconds(30), "our own wait is the least: {waits:?}");
    assert_eq!((waits[1], waits[3]), (seconds(60), seconds(400)), "and it is kept exactly");
}

#[tokio::test]
async fn a_wait_asked_for_beyond_the_deadline_ends_at_the_deadline() {
    let app = TestApp::start().await;
    app.provider.script([busy(Some(hours(1_000_000)))]);
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    app.run_for(hours(11)).await;
    assert_eq!(app.reload(&message).await["status"], "dead");
    assert_eq!(app.provider.attempts().len(), 1);
}

#[tokio::test]
async fn a_rejected_message_is_never_tried_again() {
    let app = TestApp::start().await;
    app.provider.script([rejected()]);
    let message = app.send_sms("hello").await;
    app.run_for(hours(24)).await;
    let message = app.reload(&message).await;
    assert_eq!((text(&message["status"]), &message["final"]), ("rejected", &json!(true)));
    assert_eq!(message["status_reason"], "21211: invalid number");
    assert_eq!(app.provider.attempts().len(), 1);
}

#[tokio::test]
async fn what_is_certainly_not_sent_is_never_marked() {
    let app = TestApp::start().await;
    app.provider.script([away(), busy(None), away()]);
    let message = app.send_sms("hello").await;
    app.run_for(minutes(2)).await;
    let message = app.reload(&message).await;
    assert_eq!((text(&message["status"]), &message["possible_duplicate"]), ("accepted", &json!(false)));
    assert_eq!(app.provider.attempts().len(), 4);
    assert!(app.attempts(&message).await.iter().all(|attempt| attempt["possible_duplicate"] == false));
}

#[tokio::test]
async fn a_doubtful_attempt_is_repeated_and_every_later_one_is_marked() {
    let app = TestApp::start().await;
    app.provider.script([doubtful(), busy(None)]);
    let message = app.send_sms("hello").await;
    app.run_for(minutes(1)).await;
    let message = app.reload(&message).await;
    assert_eq!((text(&message["status"]), &message["possible_duplicate"]), ("accepted", &json!(true)));
    let marks: Vec<Value> = app.attempts(&message).await.iter().map(|a| a["possible_duplicate"].clone()).collect();
    assert_eq!(marks, [json!(false), json!(true), json!(true)]);
    assert_eq!(app.timeline(&message).await.last().unwrap()["status"], "accepted");
}

#[tokio::test]
async fn a_provider_that_honours_keys_leaves_nothing_unknown_while_the_key_lives() {
    let abilities = Abilities { idempotency: Some(hours(24)), can_look_up: false };
    let app = Setup { abilities, ..Setup::default() }.start().await;
    app.provider.script([silence(), doubtful(), silence()]);
    let mut draft = sms("hello");
    draft["policy"] = json!("no_duplicates");
    let message = app.send(draft).await;
    app.run_for(minutes(5)).await;
    let attempts = app.provider.attempts();
    assert_eq!(attempts.len(), 4);
    assert!(attempts.iter().all(|attempt| attempt.envelope.reference == attempts[0].envelope.reference));
    let message = app.reload(&message).await;
    assert_eq!((text(&message["status"]), &message["possible_duplicate"]), ("accepted", &json!(false)));
}

#[tokio::test]
async fn a_key_that_is_about_to_die_protects_no_further_attempt() {
    let abilities = Abilities { idempotency: Some(seconds(60)), can_look_up: false };
    let app = Setup { abilities, ..Setup::default() }.start().await;
    app.provider.always(Some(silence()));
    let message = app.send_sms("hello").await;
    app.run_for(minutes(10)).await;
    assert_eq!(app.reload(&message).await["status"], "unknown");
    let attempts = app.provider.attempts();
    assert!(attempts.last().unwrap().at.since(attempts[0].at) < seconds(60));
    app.run_for(hours(10)).await;
}

#[tokio::test]
async fn first_attempts_to_one_recipient_begin_in_the_order_of_acceptance() {
    let app = Setup { max_per_second: 3, max_in_flight: 2, ..Setup::default() }.start().await;
    for n in 0..12 {
        let mut draft = sms(&n.to_string());
        draft["timestamp"] = json!(format!("2024-01-01T00:00:{:02}Z", 59 - n));
        app.send(draft).await;
        if n % 5 == 0 {
            app.advance(Duration::from_millis(10));
        }
    }
    app.run_in_steps(seconds(10), Duration::from_millis(250)).await;
    let order: Vec<i64> = app.provider.taken().iter().map(|body| body.parse().unwrap()).collect();
    assert_eq!(order, (0..12).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_message_that_waits_holds_up_nobody() {
    let app = TestApp::start().await;
    app.provider.script([busy(Some(minutes(5)))]);
    app.send_sms("stuck").await;
    app.send_sms("next").await;
    app.run_outbox().await;
    assert_eq!(app.provider.taken(), ["next"]);
    app.run_for(minutes(6)).await;
    assert_eq!(app.provider.taken(), ["next", "stuck"]);
}

#[tokio::test]
async fn a_provider_gets_no_more_in_a_second_than_it_is_said_to_bear() {
    let app = Setup { max_per_second: 7, ..Setup::default() }.start().await;
    let drafts: Vec<Value> = (0..40).map(|n| sms(&n.to_string())).collect();
    app.post("/api/messages/batch", json!({ "messages": drafts })).await;
    app.run_outbox().await;
    assert_eq!(app.provider.attempts().len(), 7, "the first second's worth at once");
    app.run_in_steps(seconds(8), Duration::from_millis(100)).await;
    let attempts = app.provider.attempts();
    assert_eq!(attempts.len(), 40);
    for first in &attempts[7..] {
        let within = attempts.iter().filter(|a| a.at >= first.at && a.at < first.at + seconds(1)).count();
        assert!(within <= 8, "{within} in the second from {}", first.at);
    }
}

#[tokio::test]
async fn a_worker_whose_lease_lapsed_writes_nothing_of_what_it_did() {
    let app = TestApp::start().await;
    let message = app.send_sms("hello").await;
    let slow = app.second_worker();
    let (gate, provider) = (std::sync::Arc::new(tokio::sync::Notify::new()), app.provider.clone());
    provider.hold(gate.clone());
    let late = tokio::spawn(async move { slow.run_due().await });
    while provider.attempts().is_empty() {
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(app.reload(&message).await["status"], "sending");
    app.advance(seconds(31));
    app.run_outbox().await;
    let taken_over = app.reload(&message).await;
    assert_eq!(
        (text(&taken_over["status"]), text(&taken_over["status_reason"])),
        ("unknown", "the server stopped while sending")
    );
    let timeline = app.timeline(&message).await;
    gate.notify_one();
    late.await.unwrap().unwrap();
    assert_eq!(app.reload(&message).await, taken_over);
    assert_eq!(app.timeline(&message).await, timeline);
    assert_eq!(app.provider.attempts().len(), 1);
}

#[tokio::test]
async fn two_workers_never_make_one_attempt_twice() {
    let app = TestApp::start().await;
    let drafts: Vec<Value> = (0..100).map(|n| sms(&n.to_string())).collect();
    app.post("/api/messages/batch", json!({ "messages": drafts })).await;
    let workers = [app.second_worker(), app.second_worker(), app.outbox.clone()];
    let runs = workers.map(|worker| tokio::spawn(async move { worker.run_due().await.unwrap() }));
    let mut made = 0;
    for run in runs {
        made += run.await.unwrap();
    }
    assert_eq!(made, 100);
    let mut taken: Vec<i64> = app.provider.taken().iter().map(|body| body.parse().unwrap()).collect();
    taken.sort_unstable();
    assert_eq!(taken, (0..100).collect::<Vec<_>>());
    let accepted =
        app.database().number("select count(*) from messages where status = 'accepted' and generation = 0").await;
    assert_eq!((accepted, app.database().number("select count(*) from outbox").await), (100, 0));
}

#[tokio::test]
async fn a_reason_shows_no_address() {
    let app = TestApp::start().await;
    let reason = "no route to +18045551234 nor user@example.com".to_owned();
    app.provider.script([Outcome::Rejected { code: "7".to_owned(), reason }]);
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    let reason = app.reload(&message).await["status_reason"].as_str().unwrap().to_owned();
    assert!(!reason.contains("8045551234") && !reason.contains("example.com"), "{reason}");
    assert!(reason.starts_with("7: no route to "), "{reason}");
}
