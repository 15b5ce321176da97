//! A provider that is away: its messages wait without attempts, and drain at its own rate when it is back.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Setup, TestApp, hours, minutes, seconds, sms, text};
use crate::provider::{away, silence};

async fn batch(app: &TestApp, count: usize) -> Vec<Value> {
    let drafts: Vec<Value> = (0..count).map(|n| sms(&n.to_string())).collect();
    let answer = app.post("/api/messages/batch", json!({ "messages": drafts })).await;
    assert_eq!(answer["accepted"], json!(count));
    answer["results"].as_array().unwrap().clone()
}

fn is_open(app: &TestApp) -> bool {
    app.outbox.lines()[0].is_open()
}

#[tokio::test]
async fn an_outage_of_six_hours_is_survived_and_drains_at_the_configured_rate() {
    let app = Setup { max_per_second: 10, max_in_flight: 10, ..Setup::default() }.start().await;
    app.provider.always(Some(away()));
    batch(&app, 300).await;
    let mut brief = sms("expires");
    brief["deliver_by"] = json!("2026-03-02T15:00:00Z");
    let brief = app.send(brief).await;
    app.run_in_steps(seconds(10), seconds(1)).await;
    assert!(is_open(&app));
    app.run_in_steps(hours(6), minutes(4)).await;
    let during = app.provider.attempts().len();
    assert!(during < 1_100, "while it is open there are probes and nothing else: {during}");
    assert_eq!(app.reload(&brief).await["status"], "dead");
    assert_eq!(app.list("/api/dead-letters").await.len(), 1);

    app.provider.always(None);
    let back = app.now();
    app.run_in_steps(minutes(1), Duration::from_millis(500)).await;
    app.run_in_steps(hours(1) + minutes(30), minutes(1)).await;
    assert_eq!(app.provider.taken().len(), 300, "everything that still had time was delivered");
    let mut drained: Vec<_> = app.provider.attempts().into_iter().map(|a| a.at).filter(|at| *at >= back).collect();
    drained.sort();
    for first in &drained {
        let within = drained.iter().filter(|at| *at >= first && **at < *first + seconds(1)).count();
        assert!(within <= 20, "{within} in the second from {first}");
    }
    assert!(!is_open(&app));
    let marked = app.database().number("select count(*) from messages where possible_duplicate").await;
    assert_eq!(marked, 0);
}

#[tokio::test]
async fn a_breaker_opens_after_twenty_that_found_nobody_and_probes_with_one() {
    let app = TestApp::start().await;
    app.provider.always(Some(away()));
    batch(&app, 19).await;
    app.run_outbox().await;
    assert!(!is_open(&app), "nineteen are not enough");
    app.send_sms("the twentieth").await;
    app.run_outbox().await;
    assert!(is_open(&app));
    let before = app.provider.attempts().len();
    app.send_sms("one more").await;
    app.advance(seconds(4));
    app.run_outbox().await;
    assert_eq!(app.provider.attempts().len(), before, "it waits without an attempt");
    app.advance(seconds(1));
    app.run_outbox().await;
    assert_eq!(app.provider.attempts().len(), before + 1, "one message is the probe");
    app.advance(seconds(9));
    app.run_outbox().await;
    assert_eq!(app.provider.attempts().len(), before + 1);
    app.provider.always(None);
    app.advance(seconds(1));
    app.run_outbox().await;
    assert!(!is_open(&app));
    app.run_for(minutes(20)).await;
    assert_eq!(app.provider.taken().len(), 21);
}

#[tokio::test]
async fn a_provider_that_is_busy_or_refuses_is_not_away() {
    let app = TestApp::start().await;
    app.provider.always(Some(crate::provider::busy(None)));
    batch(&app, 50).await;
    app.run_outbox().await;
    assert!(!is_open(&app));
    app.provider.always(Some(crate::provider::rejected()));
    app.run_for(seconds(3)).await;
    assert!(!is_open(&app));
}

#[tokio::test]
async fn one_providers_outage_holds_up_no_other() {
    let app = Setup { channels: vec![switchboard::domain::Channel::Sms], ..Setup::default() }.start().await;
    app.provider.always(Some(silence()));
    batch(&app, 40).await;
    app.run_outbox().await;
    assert!(is_open(&app));
    let mail = app.send(crate::harness::email("by the other provider")).await;
    app.run_outbox().await;
    let mail = app.reload(&mail).await;
    assert_eq!(text(&mail["status"]), "accepted");
    assert_eq!(app.attempts(&mail).await[0]["provider"], "simulator");
    app.leave_work();
}
