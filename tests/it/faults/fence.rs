//! A worker that was paused beyond its lease writes nothing when it wakes: another has taken over what it held.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::judge::fired;
use crate::harness::{TestApp, minutes, seconds, sms};
use crate::provider::rejected;

/// Everything that a late answer could change.
async fn all(app: &TestApp, message: &Value) -> (Value, Vec<Value>, [i64; 4]) {
    let mut figures = [0; 4];
    for (figure, sql) in figures.iter_mut().zip([
        "select count(*) from outbox",
        "select max(fence) from outbox",
        "select count(*) from events",
        "select count(*) from attempts where reference is not null",
    ]) {
        *figure = app.database().number(sql).await;
    }
    (app.reload(message).await, app.timeline(message).await, figures)
}

/// A worker in the middle of an attempt that ends when the gate is opened.
async fn paused(app: &TestApp) -> (Arc<Notify>, JoinHandle<()>) {
    let (worker, gate, attempts) = (app.second_worker(), Arc::new(Notify::new()), app.provider.attempts().len());
    app.provider.hold(gate.clone());
    let carrying = tokio::spawn(async move {
        worker.run_due().await.unwrap();
    });
    while app.provider.attempts().len() == attempts {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    (gate, carrying)
}

async fn wake((gate, carrying): (Arc<Notify>, JoinHandle<()>)) {
    gate.notify_one();
    carrying.await.unwrap();
}

#[tokio::test]
async fn a_worker_whose_lease_was_taken_over_writes_nothing_afterwards() {
    let app = TestApp::start().await;
    let message = app.send(sms("one")).await;
    let late = paused(&app).await;
    app.advance(seconds(31));
    app.run_outbox().await;
    let taken_over = all(&app, &message).await;
    assert_eq!(taken_over.0["status"], "unknown");
    wake(late).await;
    assert_eq!(all(&app, &message).await, taken_over, "the late answer changes nothing");
    fired("paused worker", 1);
    app.leave_work();
}

#[tokio::test]
async fn a_late_answer_does_not_end_the_attempt_of_another_worker() {
    let app = TestApp::start().await;
    app.provider.script([rejected()]);
    let mut draft = sms("one");
    draft["policy"] = json!("prefer_delivery");
    let message = app.send(draft).await;
    let late = paused(&app).await;
    app.advance(seconds(31));
    app.run_outbox().await;
    app.advance(minutes(2));
    let second = paused(&app).await;
    let sending = all(&app, &message).await;
    assert_eq!((&sending.0["status"], &sending.0["possible_duplicate"]), (&json!("sending"), &json!(true)));
    wake(late).await;
    assert_eq!(all(&app, &message).await, sending, "the first one's rejection is not the second one's");
    wake(second).await;
    assert_eq!(app.reload(&message).await["status"], "accepted");
    fired("paused worker", 1);
}
