//! What waits for one provider and goes to another: only within its route, only where it is taken, and never in silence.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use switchboard::domain::Channel;
use switchboard::outbox::LineSettings;
use switchboard::provider::{Abilities, Provider, Vitals};

use crate::harness::{Setup, TestApp, email, hours, minutes, path_of, seconds, sms, text};
use crate::joining::{ADA, ADA_MAIL, MAILBOX, OWN, come, contact};
use crate::provider::{away, busy, silence};
use crate::routing::{route, routed, set_pause, shown, to, tried, with_policy};

fn mms(body: &str) -> Value {
    let mut draft = sms(body);
    draft["type"] = json!("mms");
    draft
}

#[tokio::test]
async fn a_message_follows_only_to_a_provider_of_its_own_route() {
    let routes =
        vec![route(&[Channel::Sms], &["test", "second"], &[]), route(&[Channel::Mms], &["test", "third"], &[])];
    let app = Setup { others: vec!["second", "third"], routes, max_per_second: 1, ..Setup::default() }.start().await;
    app.send(to("+18045550001", "takes the second's token")).await;
    set_pause(&app, "test", "pause").await;
    app.send_sms("waits for the second").await;
    app.run_outbox().await;
    set_pause(&app, "test", "resume").await;
    app.send(mms("of the same conversation")).await;
    app.run_in_steps(seconds(5), seconds(1)).await;
    assert_eq!(app.provider.taken(), ["of the same conversation"]);
    assert_eq!(app.others["second"].taken(), ["takes the second's token", "waits for the second"]);
}

#[tokio::test]
async fn what_waits_is_of_its_own_conversation_wherever_that_is_shown() {
    const FOREIGN: &str = "select count(*) from outbox o join messages m on m.workspace_id = o.workspace_id
        and m.id = o.message_id where o.conversation_id <> m.conversation_id";
    let app = routed().start().await;
    come(&app, "text-1", ADA, OWN).await;
    come(&app, "mail-1", ADA_MAIL, MAILBOX).await;
    contact(&app, "Ada", &[ADA, ADA_MAIL]).await;
    app.provider.always(Some(silence()));
    app.others["second"].always(Some(silence()));
    let by_text = app.send(json!({ "from": OWN, "to": ADA, "type": "sms", "body": "by text" })).await;
    let by_mail = app.send(json!({ "from": MAILBOX, "to": ADA_MAIL, "type": "email", "body": "by mail" })).await;
    assert_eq!(by_text["conversation_id"], by_mail["conversation_id"], "they are shown as one");
    assert_eq!(app.database().number("select count(*) from outbox").await, 2);
    assert_eq!(app.database().number(FOREIGN).await, 0);
    app.run_outbox().await;
    app.run_for(hours(50)).await;
    assert_eq!(app.database().number("select count(*) from outbox").await, 0);
    for message in [&by_text, &by_mail] {
        assert_eq!(app.post(&format!("{}/replay", path_of(message)), Value::Null).await.status, 202);
    }
    assert_eq!(app.database().number("select count(*) from outbox").await, 2);
    assert_eq!(app.database().number(FOREIGN).await, 0);
    app.leave_work();
}

#[tokio::test]
async fn a_message_does_not_follow_to_where_nothing_goes_out() {
    let of = |routes| Setup { others: vec!["second", "third"], routes, ..Setup::default() };
    let app = of(vec![route(&[Channel::Sms], &["test", "third"], &[])]).start().await;
    set_pause(&app, "test", "pause").await;
    set_pause(&app, "third", "pause").await;
    let waits = app.send_sms("waits").await;
    app.run_outbox().await;
    let database = app.stop().await;
    let app = Setup { database: Some(database), ..of(vec![route(&[Channel::Sms], &["test", "second"], &[])]) };
    let app = app.start().await;
    app.send_sms("goes").await;
    tokio::time::timeout(Duration::from_secs(10), app.run_outbox()).await.expect("it goes round and round");
    assert_eq!(app.others["second"].taken(), ["goes"]);
    assert_eq!(app.reload(&waits).await["status"], "queued");
    app.leave_work();
}

#[tokio::test]
async fn one_that_takes_over_is_probed_even_when_nothing_waits_for_it() {
    let app = routed().start().await;
    app.provider.always(Some(away()));
    app.others["second"].always(Some(away()));
    for n in 0..60 {
        app.send(to(&format!("+1804555{n:04}"), &n.to_string())).await;
    }
    app.run_for(seconds(20)).await;
    assert_eq!(app.outbox.lines().iter().filter(|line| line.is_open()).count(), 2, "both are away");
    app.provider.always(None);
    app.run_in_steps(hours(3), seconds(30)).await;
    assert_eq!(app.provider.taken().len(), 60);
    let before = app.others["second"].attempts().len();
    set_pause(&app, "test", "pause").await;
    for n in 0..10 {
        app.send(to(&format!("+1804666{n:04}"), &format!("{n} later"))).await;
    }
    app.run_outbox().await;
    let probes = app.others["second"].attempts().len() - before;
    assert_eq!(probes, 1, "one message tells whether it is back");
    app.others["second"].always(None);
    app.run_in_steps(minutes(5), seconds(5)).await;
    assert_eq!(app.others["second"].taken().len(), 10);
    assert_eq!(app.provider.taken().len(), 60);
}

#[tokio::test]
async fn what_waits_in_vain_for_a_name_that_nobody_knows_goes_another_way_after_a_minute() {
    let app = TestApp::start().await;
    let waits = app.send_sms("waits").await;
    let under_way = app.send(with_policy("prefer_delivery")).await;
    for change in [
        "update outbox set provider = 'ghost'".to_owned(),
        format!("update outbox set phase = 'sending', fence = 1 where message_id = {}", under_way["id"]),
        format!("update messages set status = 'sending' where id = {}", under_way["id"]),
    ] {
        app.database().execute(&change).await;
    }
    assert_eq!(app.outbox.reroute_overdue().await.unwrap(), 0, "another server may know it");
    app.advance(seconds(61));
    assert_eq!(app.outbox.reroute_overdue().await.unwrap(), 1);
    for _ in 0..10 {
        app.run_outbox().await;
        app.advance(minutes(1));
        app.outbox.reroute_overdue().await.unwrap();
    }
    assert_eq!(app.provider.taken(), ["waits", "hello"]);
    for (message, is_marked) in [(&waits, false), (&under_way, true)] {
        assert_eq!(app.reload(message).await["possible_duplicate"], is_marked);
    }
}

#[tokio::test]
async fn what_has_no_other_way_is_left_alone_for_some_minutes() {
    let ghost = Setup { others: vec!["ghost"], ..Setup::serve() };
    let routes = vec![route(&[Channel::Sms, Channel::Email], &["ghost"], &[])];
    let app = Setup { routes, ..ghost }.start().await;
    let key = app.key(&[switchboard::auth::Scope::Admin]).await;
    let post = async |app: &TestApp, path: &str, draft: Value| {
        let answer = app.showing(&key, axum::http::Method::POST, path, Some(draft)).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
    };
    post(&app, "/api/messages/email", email("nobody carries mails now")).await;
    let database = app.stop().await;
    let app = Setup { database: Some(database), channels: vec![Channel::Sms], ..Setup::serve() }.start().await;
    assert_eq!(app.outbox.reroute().await.unwrap(), 0);
    post(&app, "/api/messages/sms", sms("comes late")).await;
    app.database().execute("update outbox set provider = 'ghost'").await;
    assert_eq!(app.outbox.reroute_overdue().await.unwrap(), 0);
    app.advance(minutes(5));
    assert_eq!(app.outbox.reroute_overdue().await.unwrap(), 1);
    app.run_outbox().await;
    assert_eq!(app.provider.taken(), ["comes late"]);
    app.leave_work();
}

#[tokio::test]
async fn what_is_marked_because_its_key_ran_out_goes_on_to_another() {
    let abilities = Abilities { idempotency: Some(minutes(10)), can_look_up: false };
    let app = Setup { abilities, ..routed() }.start().await;
    app.provider.script([silence(), busy(Some(minutes(11))), busy(Some(hours(1)))]);
    let message = app.send(with_policy("prefer_delivery")).await;
    app.run_for(minutes(15)).await;
    let wanted =
        [("test", "unknown", false), ("test", "retry", false), ("test", "retry", true), ("second", "accepted", true)];
    assert_eq!(shown(&tried(&app, &message).await), wanted);
    assert_eq!(text(&app.reload(&message).await["status"]), "accepted");
}

#[tokio::test]
async fn a_new_line_is_held_back_from_its_first_moment() {
    let app = routed().start().await;
    set_pause(&app, "second", "pause").await;
    let vitals = [(); 2].map(|()| Arc::new(Vitals::default()));
    let line = |name: &str, vitals: &Arc<Vitals>| LineSettings {
        name: name.to_owned(),
        provider: Arc::clone(&app.provider) as Arc<dyn Provider>,
        max_per_second: 100,
        max_in_flight: 10,
        vitals: Arc::clone(vitals),
    };
    let lines = vec![line("test", &vitals[0]), line("second", &vitals[1])];
    app.second_worker().reconfigure(app.messaging.clone(), lines).await.unwrap();
    assert_eq!(vitals.map(|vitals| vitals.is_paused()), [false, true]);
}
