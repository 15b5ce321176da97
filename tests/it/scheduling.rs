//! Not before `scheduled_at`, not after `deliver_by`, and called back in time.

use serde_json::{Value, json};

use crate::harness::{TestApp, email, hours, minutes, path_of, seconds, sms, text};
use crate::provider::{busy, silence};

fn scheduled(at: &str) -> Value {
    let mut draft = sms("later");
    draft["scheduled_at"] = json!(at);
    draft
}

#[tokio::test]
async fn a_scheduled_message_leaves_at_its_time_and_not_before() {
    let app = TestApp::start().await;
    let message = app.send(scheduled("2026-03-05T14:00:00+02:00")).await;
    assert_eq!(
        (text(&message["status"]), text(&message["scheduled_at"])),
        ("scheduled", "2026-03-05T12:00:00.000000Z")
    );
    assert_eq!(message["next_attempt_at"], "2026-03-05T12:00:00.000000Z");
    assert_eq!(message["deliver_by"], "2026-03-05T22:00:00.000000Z");
    app.advance(seconds(72 * 3_600 - 1));
    app.run_outbox().await;
    assert!(app.provider.attempts().is_empty());
    app.advance(seconds(1));
    app.run_outbox().await;
    assert_eq!(app.provider.taken(), ["later"]);
    let message = app.reload(&message).await;
    assert_eq!(message["status"], "accepted");
    assert!(message.get("next_attempt_at").is_none());
}

#[tokio::test]
async fn times_outside_their_bounds_are_refused() {
    let app = TestApp::start().await;
    for (field, value, error) in [
        ("scheduled_at", "2026-03-02T12:00:00Z", Some("scheduled_at invalid")),
        ("scheduled_at", "2026-03-02T11:59:59Z", Some("scheduled_at invalid")),
        ("scheduled_at", "2026-04-06T12:00:01Z", Some("scheduled_at invalid")),
        ("scheduled_at", "tomorrow", Some("scheduled_at invalid")),
        ("scheduled_at", "2026-04-06T12:00:00Z", None),
        ("deliver_by", "2026-03-02T12:00:00Z", Some("deliver_by invalid")),
        ("deliver_by", "2026-03-09T12:00:01Z", Some("deliver_by invalid")),
        ("deliver_by", "2026-03-09T12:00:00Z", None),
    ] {
        let mut draft = sms("x");
        draft[field] = json!(value);
        let answer = app.post("/api/messages/sms", draft).await;
        let expected: Vec<String> = error.into_iter().map(str::to_owned).collect();
        assert_eq!(answer.errors(), expected, "{field} {value}");
        assert_eq!(answer.status, if error.is_some() { 400 } else { 201 }, "{field} {value}");
    }
    let mut draft = scheduled("2026-03-03T12:00:00Z");
    draft["deliver_by"] = json!("2026-03-03T11:00:00Z");
    assert_eq!(app.post("/api/messages/sms", draft).await.errors(), ["deliver_by invalid"]);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_scheduled_message_is_called_back_and_never_leaves() {
    let app = TestApp::start().await;
    let message = app.send(scheduled("2026-03-03T12:00:00Z")).await;
    let answer = app.post(&format!("{}/cancel", path_of(&message)), Value::Null).await;
    assert_eq!((answer.status.as_u16(), text(&answer["status"]), &answer["final"]), (200, "canceled", &json!(true)));
    app.run_for(hours(48)).await;
    assert!(app.provider.attempts().is_empty());
    let again = app.post(&format!("{}/cancel", path_of(&message)), Value::Null).await;
    assert_eq!((again.status.as_u16(), text(&again["code"])), (409, "not_cancelable"));
}

#[tokio::test]
async fn a_queued_message_is_called_back_and_one_that_left_is_not() {
    let app = TestApp::start().await;
    let queued = app.send_sms("queued").await;
    assert_eq!(app.post(&format!("{}/cancel", path_of(&queued)), Value::Null).await.status, 200);
    app.provider.script([busy(None)]);
    let waiting = app.send_sms("waiting for its retry").await;
    app.run_outbox().await;
    assert_eq!(app.reload(&waiting).await["status"], "queued");
    assert_eq!(app.post(&format!("{}/cancel", path_of(&waiting)), Value::Null).await.status, 200);
    app.provider.script([silence()]);
    let unknown = app.send_sms("unknown").await;
    let gone = app.send(email("gone")).await;
    app.run_outbox().await;
    for message in [&unknown, &gone] {
        let answer = app.post(&format!("{}/cancel", path_of(message)), Value::Null).await;
        assert_eq!((answer.status.as_u16(), text(&answer["code"])), (409, "not_cancelable"));
    }
    let inbound = app.post("/api/webhooks/sms", crate::receiving::inbound("m-1", "in")).await.body;
    assert_eq!(app.post(&format!("{}/cancel", path_of(&inbound)), Value::Null).await.status, 409);
    app.run_for(minutes(2)).await;
    assert_eq!(app.provider.attempts().len(), 3);
}

#[tokio::test]
async fn a_message_out_of_time_is_dead_with_its_reason_and_listed() {
    let app = TestApp::start().await;
    app.provider.always(Some(busy(None)));
    let mut draft = sms("urgent");
    draft["deliver_by"] = json!("2026-03-02T12:01:00Z");
    let message = app.send(draft).await;
    app.run_for(minutes(2)).await;
    let dead = app.reload(&message).await;
    assert_eq!((text(&dead["status"]), &dead["final"]), ("dead", &json!(true)));
    assert_eq!(dead["status_reason"], "its time ran out; last: too many requests");
    assert_eq!(app.list("/api/dead-letters").await, [dead]);
    for attempt in app.provider.attempts() {
        assert!(attempt.at < "2026-03-02T12:01:00Z".parse().unwrap());
    }
    let before = app.provider.attempts().len();
    app.run_for(hours(12)).await;
    assert_eq!(app.provider.attempts().len(), before);
}

#[tokio::test]
async fn a_message_without_a_deadline_gets_its_channels_own() {
    let app = TestApp::start().await;
    app.provider.always(Some(busy(None)));
    let (text_message, mail) = (app.send_sms("x").await, app.send(email("y")).await);
    app.run_for(hours(11)).await;
    assert_eq!(app.reload(&text_message).await["status"], "dead");
    assert_eq!(app.reload(&mail).await["status"], "queued");
    app.run_for(hours(38)).await;
    assert_eq!(app.reload(&mail).await["status"], "dead");
    assert_eq!(app.list("/api/dead-letters").await.len(), 2);
}

#[tokio::test]
async fn what_is_scheduled_is_no_part_of_the_queue_until_it_is_due() {
    let app = TestApp::start().await;
    let mut later = sms("later");
    later["scheduled_at"] = json!((app.now() + hours(2)).to_string());
    app.send(later).await;
    app.send_sms("now").await;
    let figures = async || {
        let depths = app.store().read().await.unwrap().outbox_depths(app.now()).await.unwrap();
        depths.iter().map(|depth| (depth.rows, depth.due)).collect::<Vec<_>>()
    };
    assert_eq!(figures().await, [(2, 1)]);
    app.advance(hours(2));
    assert_eq!(figures().await, [(2, 2)]);
    app.run_outbox().await;
}
