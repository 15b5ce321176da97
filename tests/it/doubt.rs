//! Silence: `unknown` is a state of its own, resolved and not guessed.

use serde_json::{Value, json};
use switchboard::domain::{Status, Timestamp};
use switchboard::messaging::is_callback_token;
use switchboard::provider::{Abilities, Found};

use crate::harness::{Setup, TestApp, hours, minutes, path_of, seconds, sms, text};
use crate::provider::{busy, doubtful, silence};

const ASKS: Abilities = Abilities { idempotency: None, can_look_up: true };

async fn asking() -> TestApp {
    Setup { abilities: ASKS, ..Setup::default() }.start().await
}

fn with_policy(policy: &str) -> Value {
    let mut draft = sms("hello");
    draft["policy"] = json!(policy);
    draft
}

fn taken(status: Option<Status>) -> Found {
    Found::Taken { reference: "found-1".to_owned(), status }
}

#[tokio::test]
async fn silence_is_asked_once_and_stays_unknown() {
    let app = TestApp::start().await;
    app.provider.always(Some(silence()));
    let message = app.send_sms("hello").await;
    app.run_for(hours(9)).await;
    let unknown = app.reload(&message).await;
    assert_eq!((text(&unknown["status"]), &unknown["final"]), ("unknown", &json!(false)));
    assert_eq!(unknown["status_reason"], "no answer within 10s");
    assert_eq!(app.provider.attempts().len(), 1);
    app.run_for(hours(2)).await;
    let over = app.reload(&message).await;
    assert_eq!((text(&over["status"]), &over["final"]), ("unknown", &json!(true)));
    assert_eq!(over["status_reason"], "it may or may not have been sent");
    assert_eq!(app.provider.attempts().len(), 1);
    assert!(app.list("/api/dead-letters").await.is_empty());
}

#[tokio::test]
async fn with_no_duplicates_a_500_is_unknown_too() {
    let app = TestApp::start().await;
    app.provider.always(Some(doubtful()));
    let message = app.send(with_policy("no_duplicates")).await;
    app.run_for(hours(1)).await;
    let message = app.reload(&message).await;
    assert_eq!((text(&message["status"]), &message["possible_duplicate"]), ("unknown", &json!(false)));
    assert_eq!(app.provider.attempts().len(), 1);
    assert_eq!(app.attempts(&message).await[0]["outcome"], "doubtful");
    app.leave_work();
}

#[tokio::test]
async fn with_no_duplicates_what_is_certainly_not_sent_is_tried_again() {
    let app = TestApp::start().await;
    app.provider.script([busy(None)]);
    let message = app.send(with_policy("no_duplicates")).await;
    app.run_for(seconds(5)).await;
    assert_eq!(app.reload(&message).await["status"], "accepted");
}

#[tokio::test]
async fn a_provider_that_can_be_asked_is_asked_after_5_s_30_s_2_m_and_10_m() {
    let app = asking().await;
    app.provider.script([silence()]);
    let message = app.send_sms("hello").await;
    let start = app.now();
    app.run_for(minutes(30)).await;
    let asked: Vec<u64> = app.provider.asked().iter().map(|(at, _)| at.since(start).as_secs()).collect();
    assert_eq!(asked, [5, 30, 120, 600]);
    let reference = app.provider.attempts()[0].envelope.reference.clone();
    for (_, asked) in app.provider.asked() {
        assert_eq!((asked.envelope.reference, asked.envelope.body), (reference.clone(), "hello".to_owned()));
        assert_eq!((asked.since, asked.until), (start, start));
    }
    let lookups: Vec<Value> =
        app.timeline(&message).await.into_iter().filter(|entry| entry["kind"] == "lookup").collect();
    assert_eq!(lookups.len(), 4);
    assert_eq!((&lookups[0]["found"], text(&lookups[0]["reason"])), (&Value::Null, "the test does not say"));
    assert_eq!(app.reload(&message).await["status"], "unknown");
    assert_eq!(app.provider.attempts().len(), 1);
}

#[tokio::test]
async fn a_message_that_is_found_is_accepted_under_the_name_it_has_there() {
    let app = asking().await;
    app.provider.script([silence()]);
    app.provider.find([Found::Unclear { reason: "503".to_owned() }, taken(None)]);
    let message = app.send_sms("hello").await;
    app.run_for(minutes(1)).await;
    let found = app.reload(&message).await;
    assert_eq!((text(&found["status"]), &found["possible_duplicate"]), ("accepted", &json!(false)));
    assert!(found.get("status_reason").is_none());
    assert_eq!(app.attempts(&message).await[0]["reference"], "found-1");
    let report = json!({ "provider_id": "found-1", "status": "delivered", "timestamp": "2026-03-02T12:00:40Z" });
    assert_eq!(app.report(report).await.status, 200);
    assert_eq!(app.reload(&message).await["status"], "delivered");
    assert_eq!(app.provider.attempts().len(), 1);
}

#[tokio::test]
async fn a_look_up_that_knows_more_says_more() {
    let app = asking().await;
    for (status, shown, is_final) in
        [(Status::Delivered, "delivered", true), (Status::Sent, "sent", false), (Status::Failed, "failed", true)]
    {
        app.provider.script([silence()]);
        app.provider.find([Found::Taken { reference: format!("found-{shown}"), status: Some(status) }]);
        let message = app.send_sms("hello").await;
        app.run_for(seconds(7)).await;
        let message = app.reload(&message).await;
        assert_eq!((text(&message["status"]), &message["final"]), (shown, &json!(is_final)));
    }
}

#[tokio::test]
async fn what_was_never_taken_is_sent_again_unmarked() {
    let app = asking().await;
    app.provider.script([silence()]);
    app.provider.find([Found::NeverTaken]);
    let message = app.send(with_policy("no_duplicates")).await;
    app.run_for(seconds(10)).await;
    let message = app.reload(&message).await;
    assert_eq!((text(&message["status"]), &message["possible_duplicate"]), ("accepted", &json!(false)));
    let attempts = app.provider.attempts();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0].envelope.reference, attempts[1].envelope.reference);
}

#[tokio::test]
async fn what_may_have_been_taken_before_stays_marked_when_a_look_up_finds_nothing() {
    let app = asking().await;
    app.provider.script([doubtful(), silence()]);
    app.provider.find([Found::NeverTaken]);
    let message = app.send_sms("hello").await;
    app.run_for(seconds(20)).await;
    let message = app.reload(&message).await;
    assert_eq!((text(&message["status"]), &message["possible_duplicate"]), ("accepted", &json!(true)));
    assert_eq!(app.provider.attempts().len(), 3);
}

#[tokio::test]
async fn prefer_delivery_sends_again_after_two_minutes_and_says_so() {
    let app = TestApp::start().await;
    app.provider.script([silence()]);
    let message = app.send(with_policy("prefer_delivery")).await;
    app.run_for(seconds(119)).await;
    assert_eq!(app.reload(&message).await["status"], "unknown");
    app.run_for(seconds(5)).await;
    let again = app.reload(&message).await;
    assert_eq!((text(&again["status"]), &again["possible_duplicate"]), ("accepted", &json!(true)));
    let marks: Vec<Value> = app.attempts(&message).await.iter().map(|a| a["possible_duplicate"].clone()).collect();
    assert_eq!(marks, [json!(false), json!(true)]);
}

#[tokio::test]
async fn prefer_delivery_asks_first_where_it_can_ask() {
    let app = asking().await;
    app.provider.script([silence()]);
    app.provider.find([Found::Unclear { reason: "503".to_owned() }, taken(None)]);
    let message = app.send(with_policy("prefer_delivery")).await;
    app.run_for(minutes(5)).await;
    let message = app.reload(&message).await;
    assert_eq!((text(&message["status"]), &message["possible_duplicate"]), ("accepted", &json!(false)));
    assert_eq!(app.provider.attempts().len(), 1);
    assert_eq!(app.provider.asked().len(), 2);
}

#[tokio::test]
async fn an_unknown_message_is_sent_again_by_hand_under_another_reference_and_marked() {
    let app = TestApp::start().await;
    app.provider.script([silence()]);
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    let answer = app.post(&format!("{}/replay", path_of(&message)), Value::Null).await;
    assert_eq!((answer.status.as_u16(), text(&answer["status"])), (202, "queued"));
    assert_eq!(answer["possible_duplicate"], true);
    app.run_outbox().await;
    let attempts = app.provider.attempts();
    assert_eq!(attempts.len(), 2);
    assert_ne!(attempts[0].envelope.reference, attempts[1].envelope.reference);
    assert_eq!(app.reload(&message).await["status"], "accepted");
    assert_eq!(app.attempts(&message).await[1]["possible_duplicate"], true);
}

#[tokio::test]
async fn a_dead_message_is_replayed_unmarked_with_a_deadline_of_its_own() {
    let app = TestApp::start().await;
    app.provider.always(Some(busy(None)));
    let message = app.send_sms("hello").await;
    app.run_for(hours(11)).await;
    assert_eq!(app.reload(&message).await["status"], "dead");
    app.provider.always(None);
    let answer = app.post(&format!("{}/replay", path_of(&message)), Value::Null).await;
    assert_eq!((answer.status.as_u16(), &answer["possible_duplicate"]), (202, &json!(false)));
    assert!(text(&answer["deliver_by"]).parse::<Timestamp>().unwrap() == app.now() + hours(10));
    app.run_outbox().await;
    assert_eq!(app.reload(&message).await["status"], "accepted");
    assert!(app.list("/api/dead-letters").await.is_empty());
}

#[tokio::test]
async fn fifty_replays_at_once_make_one_new_attempt() {
    let app = TestApp::start().await;
    app.provider.script([silence()]);
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    let path = format!("{}/replay", path_of(&message));
    let answers = futures_util::future::join_all((0..50).map(|_| app.post(&path, Value::Null))).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    let refused = answers.iter().filter(|answer| answer.status == 409 && answer["code"] == "not_replayable").count();
    assert_eq!((accepted, refused), (1, 49));
    app.run_outbox().await;
    assert_eq!(app.provider.attempts().len(), 2);
}

#[tokio::test]
async fn what_is_on_its_way_or_there_cannot_be_replayed() {
    let app = TestApp::start().await;
    let queued = app.send_sms("queued").await;
    let replay = |message: &Value| format!("{}/replay", path_of(message));
    assert_eq!(app.post(&replay(&queued), Value::Null).await.status, 409);
    app.run_outbox().await;
    let inbound = app.post("/api/webhooks/sms", crate::receiving::inbound("m-1", "in")).await.body;
    for message in [&queued, &inbound] {
        let answer = app.post(&replay(message), Value::Null).await;
        assert_eq!((answer.status.as_u16(), text(&answer["code"])), (409, "not_replayable"));
    }
    for status in ["undelivered", "failed", "bounced"] {
        let message = app.send_sms(status).await;
        app.run_outbox().await;
        let reference = app.provider.attempts().last().unwrap().envelope.reference.clone();
        app.report(json!({ "reference": reference, "status": status })).await;
        assert_eq!(app.reload(&message).await["status"], status);
        assert_eq!(app.post(&replay(&message), Value::Null).await.status, 202, "{status}");
        app.run_outbox().await;
        assert_eq!(app.reload(&message).await["status"], "accepted", "{status}");
    }
}

#[tokio::test]
async fn a_look_up_that_finds_what_another_message_is_named_by_is_not_believed() {
    let app = Setup { abilities: ASKS, ..Setup::default() }.start().await;
    let first = app.send_sms("the same").await;
    app.run_outbox().await;
    app.provider.script([silence()]);
    let second = app.send_sms("the same").await;
    app.run_outbox().await;
    let taken = |reference: &str| Found::Taken { reference: reference.to_owned(), status: None };
    app.provider.find([taken("p-1"), taken("p-2")]);
    app.advance(seconds(5));
    app.run_outbox().await;
    assert_eq!(app.reload(&first).await["status"], "accepted");
    assert_eq!(app.reload(&second).await["status"], "unknown");
    let lookup = app.timeline(&second).await.into_iter().rfind(|entry| entry["kind"] == "lookup").unwrap();
    assert_eq!(lookup["reason"], "what was found there is another message of ours");
    app.advance(seconds(25));
    app.run_outbox().await;
    assert_eq!(app.reload(&second).await["status"], "accepted");
}

#[tokio::test]
async fn a_callback_token_is_good_for_its_provider_and_reference_alone() {
    let app = TestApp::start().await;
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    let envelope = app.provider.attempts()[0].envelope.clone();
    let (reference, token) = (envelope.reference.as_str(), envelope.callback_token.as_str());
    let is_good = |provider, reference, token: &str| is_callback_token(&app.messaging, (provider, reference), token);
    assert!(is_good("test", reference, token), "{message}");
    assert!(!is_good("other", reference, token) && !is_good("test", "another", token));
    for wrong in ["", "AAAA", &token[1..], &format!("{token}A"), &token.to_lowercase()] {
        assert!(!is_good("test", reference, wrong), "{wrong}");
    }
}
