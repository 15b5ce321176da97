//! Which provider carries a message, and who carries it when that one cannot.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::config::RouteConfig;
use switchboard::domain::{Channel, Role};
use switchboard::provider::{Abilities, Found, Outcome};

use crate::harness::{Setup, TestApp, email, hours, minutes, seconds, sms, text};
use crate::provider::{away, busy, doubtful, rejected, silence};
use crate::visitor::{Visitor, sign_up};

pub fn route(channels: &[Channel], providers: &[&str], weights: &[u32]) -> RouteConfig {
    RouteConfig {
        channels: channels.to_vec(),
        sender: None,
        prefix: None,
        providers: providers.iter().map(|name| (*name).to_owned()).collect(),
        weights: weights.to_vec(),
    }
}

/// Texts go by `test`, and when it cannot by `second`.
pub fn routed() -> Setup {
    Setup { others: vec!["second"], routes: vec![route(&[Channel::Sms], &["test", "second"], &[])], ..Setup::default() }
}

pub fn to(number: &str, body: &str) -> Value {
    let mut draft = sms(body);
    draft["to"] = json!(number);
    draft
}

pub fn with_policy(policy: &str) -> Value {
    let mut draft = sms("hello");
    draft["policy"] = json!(policy);
    draft
}

/// Who was asked, with what came of it, and which attempts were declared.
pub async fn tried(app: &TestApp, message: &Value) -> Vec<(String, String, bool)> {
    let of = |a: &Value| {
        (
            text(&a["provider"]).to_owned(),
            a["outcome"].as_str().unwrap_or("open").to_owned(),
            a["possible_duplicate"].as_bool().unwrap(),
        )
    };
    app.attempts(message).await.iter().map(of).collect()
}

pub fn shown(tried: &[(String, String, bool)]) -> Vec<(&str, &str, bool)> {
    tried.iter().map(|(provider, outcome, mark)| (provider.as_str(), outcome.as_str(), *mark)).collect()
}

/// Everything that routes bring about, once through: for tests that look at what that leaves behind.
pub async fn traffic() {
    let app = routed().start().await;
    app.provider.script([away()]);
    app.send_sms("fails over").await;
    app.run_outbox().await;
    set_pause(&app, "test", "pause").await;
    app.send_sms("goes past").await;
    app.run_outbox().await;
    set_pause(&app, "second", "pause").await;
    app.send_sms("waits").await;
    app.run_outbox().await;
    app.list("/api/providers").await;
    app.others["second"].always(Some(busy(Some(hours(1)))));
    set_pause(&app, "second", "resume").await;
    app.run_outbox().await;
    let app = Setup { database: Some(app.stop().await), ..Setup::default() }.start().await;
    assert_eq!(app.outbox.reroute().await.unwrap(), 1);
    app.outbox.reroute_overdue().await.unwrap();
    app.leave_work();
}

pub async fn set_pause(app: &TestApp, name: &str, act: &str) {
    let answer = app.post(&format!("/api/providers/{name}/{act}"), json!({})).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
}

#[tokio::test]
async fn a_message_goes_by_the_route_that_says_most_of_it() {
    let prefix = |prefix: &str, name: &str| RouteConfig {
        prefix: Some(prefix.to_owned()),
        ..route(&[Channel::Sms], &[name], &[])
    };
    let routes = vec![prefix("+44", "british"), prefix("+4420", "london")];
    let app = Setup { others: vec!["british", "london"], routes, ..Setup::default() }.start().await;
    for (number, body) in [("+18045551234", "home"), ("+447700900000", "britain"), ("+442079460000", "london")] {
        app.send(to(number, body)).await;
    }
    app.send(email("mail")).await;
    app.run_outbox().await;
    assert_eq!(app.provider.taken(), ["home", "mail"], "what no route is for goes to the first that carries it");
    assert_eq!(app.others["british"].taken(), ["britain"]);
    assert_eq!(app.others["london"].taken(), ["london"]);
}

#[tokio::test]
async fn weights_share_the_conversations_and_each_keeps_its_provider() {
    let routes = vec![route(&[Channel::Sms, Channel::Mms], &["test", "second"], &[3, 1])];
    let app = Setup { others: vec!["second"], routes, ..Setup::default() }.start().await;
    for round in 0..2 {
        let drafts: Vec<Value> = (0..400).map(|n| to(&format!("+1804555{n:04}"), &format!("{n} {round}"))).collect();
        app.post("/api/messages/batch", json!({ "messages": drafts })).await;
        app.run_outbox().await;
    }
    let second = app.others["second"].taken();
    assert_eq!(app.provider.taken().len() + second.len(), 800);
    assert!((140..260).contains(&second.len()), "a quarter of 800, not {}", second.len());
    for body in &second {
        let (number, round) = body.split_once(' ').unwrap();
        let other = format!("{number} {}", 1 - round.parse::<i64>().unwrap());
        assert!(second.contains(&other), "both messages of a conversation go the same way: {body}");
    }
}

#[tokio::test]
async fn what_was_certainly_not_sent_goes_to_the_next_one_at_once_and_unmarked() {
    let app = routed().start().await;
    app.provider.script([away()]);
    let message = app.send_sms("hello").await;
    app.run_outbox().await;
    assert_eq!(shown(&tried(&app, &message).await), [("test", "retry", false), ("second", "accepted", false)]);
    let message = app.reload(&message).await;
    assert_eq!((text(&message["status"]), &message["possible_duplicate"]), ("accepted", &json!(false)));
    assert_eq!(app.others["second"].attempts()[0].at, app.now(), "at once");
}

#[tokio::test]
async fn each_provider_keeps_its_own_time() {
    let app = routed().start().await;
    app.provider.script([busy(Some(seconds(60)))]);
    app.others["second"].script([busy(None), busy(None), busy(None), busy(None)]);
    let begun = app.now();
    app.send_sms("hello").await;
    app.run_for(minutes(3)).await;
    let first: Vec<u64> = app.provider.attempts().iter().map(|a| a.at.since(begun).as_secs()).collect();
    let second: Vec<u64> = app.others["second"].attempts().iter().map(|a| a.at.since(begun).as_secs()).collect();
    assert_eq!(first, [0, 60], "nobody comes back before the time, whatever the other one says");
    assert_eq!(second.len(), 4, "{second:?}");
    assert!(second[1] <= 1 && (6..=8).contains(&second[2]) && (36..=44).contains(&second[3]), "{second:?}");
}

#[tokio::test]
async fn a_refusal_is_the_last_word() {
    let app = routed().start().await;
    app.provider.script([rejected()]);
    let message = app.send_sms("hello").await;
    app.run_for(hours(11)).await;
    assert_eq!(app.reload(&message).await["status"], "rejected");
    assert!(app.others["second"].attempts().is_empty());
}

#[tokio::test]
async fn doubt_goes_on_marked_or_not_at_all_as_the_policy_says() {
    for (policy, wanted) in [
        ("balanced", &[("test", "doubtful", false), ("second", "accepted", true)][..]),
        ("prefer_delivery", &[("test", "doubtful", false), ("second", "accepted", true)]),
        ("no_duplicates", &[("test", "doubtful", false)]),
    ] {
        let app = routed().start().await;
        app.provider.script([doubtful()]);
        let message = app.send(with_policy(policy)).await;
        app.run_for(hours(11)).await;
        assert_eq!(shown(&tried(&app, &message).await), wanted, "{policy}");
        let is_marked = app.reload(&message).await["possible_duplicate"].clone();
        assert_eq!(is_marked, json!(policy != "no_duplicates"), "{policy}");
    }
}

#[tokio::test]
async fn silence_goes_on_only_where_delivery_is_preferred_and_marked() {
    for (policy, wanted) in [
        ("balanced", &[("test", "unknown", false)][..]),
        ("no_duplicates", &[("test", "unknown", false)]),
        ("prefer_delivery", &[("test", "unknown", false), ("second", "accepted", true)]),
    ] {
        let app = routed().start().await;
        app.provider.script([silence()]);
        let message = app.send(with_policy(policy)).await;
        app.run_for(hours(11)).await;
        assert_eq!(shown(&tried(&app, &message).await), wanted, "{policy}");
    }
}

#[tokio::test]
async fn what_was_found_never_taken_goes_on_unmarked() {
    let abilities = Abilities { idempotency: None, can_look_up: true };
    let app = Setup { abilities, ..routed() }.start().await;
    app.provider.script([silence()]);
    app.provider.find([Found::NeverTaken]);
    let message = app.send_sms("hello").await;
    app.run_for(minutes(1)).await;
    assert_eq!(shown(&tried(&app, &message).await), [("test", "unknown", false), ("second", "accepted", false)]);
}

#[tokio::test]
async fn what_a_provider_may_have_under_a_key_never_goes_to_another() {
    let abilities = Abilities { idempotency: Some(hours(24)), can_look_up: false };
    for next in [busy(None), away()] {
        let app = Setup { abilities, ..routed() }.start().await;
        app.provider.script([silence(), next]);
        let message = app.send_sms("hello").await;
        app.run_outbox().await;
        set_pause(&app, "test", "pause").await;
        app.run_for(minutes(1)).await;
        assert!(app.others["second"].attempts().is_empty(), "nor when its provider is held back");
        set_pause(&app, "test", "resume").await;
        app.run_for(minutes(2)).await;
        let wanted = [("test", "unknown", false), ("test", "retry", false), ("test", "accepted", false)];
        assert_eq!(shown(&tried(&app, &message).await), wanted);
        assert!(app.others["second"].attempts().is_empty());
    }
}

#[tokio::test]
async fn a_mark_stays_on_every_way() {
    let app = routed().start().await;
    app.provider.script([doubtful(), away()]);
    app.others["second"].script([busy(None), away()]);
    let message = app.send_sms("hello").await;
    app.run_for(minutes(1)).await;
    let tried = tried(&app, &message).await;
    let marks: Vec<bool> = tried.iter().map(|(_, _, mark)| *mark).collect();
    assert_eq!(marks, [false, true, true, true, true], "{tried:?}");
}

#[tokio::test]
async fn what_waits_goes_past_an_open_breaker_and_comes_back_when_nobody_is_left() {
    let app = routed().start().await;
    app.provider.always(Some(away()));
    app.others["second"].always(Some(away()));
    for n in 0..60 {
        app.send(to(&format!("+1804555{n:04}"), &n.to_string())).await;
    }
    app.run_for(seconds(20)).await;
    assert!(app.outbox.lines().iter().filter(|line| line.is_open()).count() == 2, "both are away");
    let shown = app.list("/api/providers").await;
    assert!(shown[..2].iter().all(|p| p["state"] == "open" && p["breaker"]["opened_at"].is_string()), "{shown:#?}");
    app.send_sms("while both are away").await;
    app.run_outbox().await;
    app.others["second"].always(None);
    app.run_for(minutes(10)).await;
    app.run_for(hours(1)).await;
    let taken = app.others["second"].taken();
    assert_eq!(taken.len(), 61, "nothing is lost, and {} came back", app.provider.taken().len());
    let before = app.provider.attempts().len();
    app.send_sms("past the open breaker").await;
    app.run_outbox().await;
    assert!(app.others["second"].taken().contains(&"past the open breaker".to_owned()));
    assert!(app.provider.attempts().len() <= before + 1, "a probe at most");
}

#[tokio::test]
async fn a_provider_that_is_held_back_gets_nothing_and_what_waits_goes_on() {
    let app = routed().start().await;
    set_pause(&app, "test", "pause").await;
    let drafts: Vec<Value> = (0..450).map(|n| sms(&n.to_string())).collect();
    app.post("/api/messages/batch", json!({ "messages": drafts })).await;
    app.send_sms("single").await;
    app.send(email("mail waits: it has no other way")).await;
    app.run_outbox().await;
    assert!(app.provider.attempts().is_empty());
    let taken = app.others["second"].taken();
    assert_eq!((taken.len(), taken[0].as_str()), (451, "single"));
    assert!(taken[1..].iter().enumerate().all(|(n, body)| *body == n.to_string()), "in the order of acceptance");

    set_pause(&app, "second", "pause").await;
    let waits = app.send_sms("nobody is left").await;
    app.run_for(minutes(5)).await;
    assert_eq!(app.reload(&waits).await["status"], "queued");
    set_pause(&app, "test", "resume").await;
    app.run_outbox().await;
    assert_eq!(app.provider.taken(), ["mail waits: it has no other way", "nobody is left"]);
    assert!(app.attempts(&waits).await.iter().all(|attempt| attempt["possible_duplicate"] == false));
}

#[tokio::test]
async fn a_code_goes_past_a_provider_that_is_held_back() {
    let app = Setup { mode: switchboard::http::Mode::Serve, ..routed() }.with_senders();
    let app = app.with("SWITCHBOARD_SIGN_UP", "open").start().await;
    let admin = app.person("owner", Role::Admin).await;
    let paused = app.as_person(&admin, Method::POST, "/api/providers/test/pause", None).await;
    assert_eq!(paused.status, 200, "{:?}", paused.body);
    let visitor = Visitor::default();
    assert_eq!(visitor.post(&app, "/api/users", sign_up("somebody", "+12025550191")).await.status, 201);
    app.run_outbox().await;
    assert_eq!((app.provider.attempts().len(), app.others["second"].attempts().len()), (0, 1));
    app.leave_work();
}

#[tokio::test]
async fn another_server_on_the_database_sees_a_pause_and_its_end() {
    let app = routed().start().await;
    let other = app.second_worker();
    set_pause(&app, "test", "pause").await;
    app.send_sms("one").await;
    other.run_due().await.unwrap();
    assert_eq!((app.provider.taken().len(), app.others["second"].taken().len()), (0, 1));
    set_pause(&app, "test", "resume").await;
    app.send_sms("two").await;
    other.run_due().await.unwrap();
    assert_eq!((app.provider.taken().len(), app.others["second"].taken().len()), (1, 1));
}

#[tokio::test]
async fn a_message_does_not_overtake_one_of_its_conversation_that_waits_elsewhere() {
    let app = Setup { max_per_second: 1, ..routed() }.start().await;
    app.send(to("+18045550001", "takes the second's token")).await;
    set_pause(&app, "test", "pause").await;
    for n in 0..3 {
        app.send_sms(&n.to_string()).await;
    }
    app.run_outbox().await;
    set_pause(&app, "test", "resume").await;
    app.send_sms("3").await;
    app.run_in_steps(seconds(10), seconds(1)).await;
    let mut attempts = app.provider.attempts();
    attempts.extend(app.others["second"].attempts());
    attempts.retain(|attempt| attempt.envelope.body.len() == 1);
    attempts.sort_by_key(|attempt| attempt.at);
    let order: Vec<&str> = attempts.iter().map(|attempt| attempt.envelope.body.as_str()).collect();
    assert_eq!(order, ["0", "1", "2", "3"]);
    assert!(app.others["second"].taken().contains(&"3".to_owned()), "it follows the others");
}

#[tokio::test]
async fn what_waits_for_a_provider_that_is_gone_goes_another_way() {
    let routes = vec![route(&[Channel::Sms], &["second"], &[])];
    let app = Setup { others: vec!["second"], routes, ..Setup::default() }.start().await;
    app.others["second"].script([busy(None), silence()]);
    let waits = app.send_sms("waits").await;
    let unknown = app.send(to("+18045550009", "unknown")).await;
    app.run_outbox().await;
    let database = app.stop().await;
    let app = Setup { database: Some(database), ..Setup::default() }.start().await;
    assert_eq!(app.outbox.reroute().await.unwrap(), 1);
    app.run_for(minutes(5)).await;
    assert_eq!(app.provider.taken(), ["waits"]);
    assert_eq!(shown(&tried(&app, &waits).await), [("second", "retry", false), ("test", "accepted", false)]);
    assert_eq!(app.reload(&unknown).await["status"], "unknown", "nobody can be asked, and nobody sends it again");
}

#[tokio::test]
async fn what_a_provider_that_is_gone_may_have_under_a_key_is_unknown() {
    let abilities = Abilities { idempotency: Some(hours(24)), can_look_up: false };
    let routes = vec![route(&[Channel::Sms], &["second"], &[])];
    let app = Setup { others: vec!["second"], routes, abilities, ..Setup::default() }.start().await;
    app.others["second"].always(Some(silence()));
    let message = app.send_sms("hello").await;
    let preferred = app.send(with_policy("prefer_delivery")).await;
    app.run_outbox().await;
    let database = app.stop().await;
    let app = Setup { database: Some(database), abilities, ..Setup::default() }.start().await;
    app.outbox.reroute().await.unwrap();
    app.run_for(minutes(5)).await;
    assert_eq!(app.reload(&message).await["status"], "unknown");
    let preferred = app.reload(&preferred).await;
    assert_eq!((text(&preferred["status"]), &preferred["possible_duplicate"]), ("accepted", &json!(true)));
    assert_eq!(app.provider.attempts().len(), 1);
}

#[tokio::test]
async fn a_provider_shows_how_it_is_doing() {
    let app = routed().start().await;
    app.provider.script([
        Outcome::Rejected { code: "21211".to_owned(), reason: "no route to +18045551234".to_owned() },
        silence(),
        busy(Some(hours(1))),
    ]);
    app.others["second"].script([busy(Some(hours(1)))]);
    for n in 0..4 {
        app.send(to(&format!("+1804555{n:04}"), "hello")).await;
    }
    app.run_outbox().await;
    set_pause(&app, "second", "pause").await;
    let providers = app.list("/api/providers").await;
    let names: Vec<&str> = providers.iter().map(|provider| text(&provider["name"])).collect();
    assert_eq!(names, ["test", "second", "simulator"]);
    let [test, second] = [&providers[0], &providers[1]];
    assert_eq!(
        (text(&test["kind"]), text(&test["state"]), text(&test["breaker"]["state"])),
        ("http", "ready", "closed")
    );
    assert_eq!(test["channels"], json!(["sms", "mms", "email"]));
    let recent = json!({ "minutes": 5, "accepted": 1, "retry": 1, "rejected": 1, "doubtful": 0, "unknown": 1 });
    assert_eq!(test["recent"], recent);
    assert_eq!((&test["unknown"], &test["in_flight"]), (&json!(1), &json!(0)));
    let waiting: i64 = providers.iter().map(|provider| provider["queue"][1]["later"].as_i64().unwrap()).sum();
    assert_eq!(waiting, 1, "{providers:#?}");
    let errors = test["last_errors"].as_array().unwrap();
    assert_eq!(
        (errors.len(), text(&errors[0]["outcome"]), text(&errors[0]["reason"])),
        (3, "retry", "too many requests")
    );
    assert!(!errors[2]["reason"].to_string().contains("8045551234"), "{errors:?}");
    assert_eq!((text(&second["state"]), text(&second["paused_by"])), ("paused", "operator"));
    assert!(second["paused_at"].is_string() && test.get("paused_at").is_none());
    assert_eq!(second["limits"], json!({ "max_per_second": 100, "max_in_flight": 50, "timeout_ms": 10_000 }));
    app.leave_work();
}

#[tokio::test]
async fn holding_a_provider_back_is_the_owners_and_is_noted_once() {
    let app = Setup { mode: switchboard::http::Mode::Serve, ..routed() }.start().await;
    let admin = app.person("owner", Role::Admin).await;
    let shop = app.workspace("shop").await;
    let stranger = app.person_of(shop, "shopkeeper", Role::Admin).await;
    for path in ["/api/providers/test/pause", "/api/providers/test/resume"] {
        let answer = app.as_person(&stranger, Method::POST, path, None).await;
        assert_eq!((answer.status.as_u16(), text(&answer["code"])), (403, "not_the_owner"));
    }
    let nobody = app.as_person(&admin, Method::POST, "/api/providers/nobody/pause", None).await;
    assert_eq!((nobody.status.as_u16(), text(&nobody["code"])), (404, "no_such_provider"));
    for (act, state) in [("pause", "paused"), ("pause", "paused"), ("resume", "ready"), ("resume", "ready")] {
        let answer = app.as_person(&admin, Method::POST, &format!("/api/providers/test/{act}"), None).await;
        assert_eq!((answer.status.as_u16(), text(&answer["state"])), (200, state));
    }
    let log = app.as_person(&admin, Method::GET, "/api/audit", None).await;
    let acts: Vec<(&str, &str)> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (text(&entry["action"]), text(&entry["target"])))
        .filter(|(action, _)| action.starts_with("provider."))
        .collect();
    assert_eq!(acts, [("provider.resumed", "provider:test"), ("provider.paused", "provider:test")]);
}
