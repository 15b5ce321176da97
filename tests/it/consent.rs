//! Consent: who wants nothing gets nothing, whatever path a message takes, and every change has its evidence.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::{AddressId, WorkspaceId};
use switchboard::messaging::unsubscribe_link;
use switchboard::provider::Outcome;

use crate::harness::{TestApp, email, hours, minutes, seconds, text};
use crate::provider::{Attempted, away, busy};
use crate::visitor::Visitor;

const ME: &str = "+12016661234";
const THEM: &str = "+18045551234";

/// They write to us.
async fn say(app: &TestApp, id: &str, body: &str) -> Value {
    let inbound = json!({ "from": THEM, "to": ME, "type": "sms", "body": body, "messaging_provider_id": id });
    let answer = app.post("/api/webhooks/sms", inbound).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body
}

fn to_them(body: &str) -> Value {
    json!({ "from": ME, "to": THEM, "type": "sms", "body": body })
}

async fn consents(app: &TestApp, address: &str) -> Vec<Value> {
    app.list(&format!("/api/consents?address={}", address.replace('+', "%2B"))).await
}

fn tos(attempt: &Attempted) -> Vec<String> {
    attempt.envelope.to.iter().map(|address| address.as_str().to_owned()).collect()
}

fn is_opted_out(message: &Value) -> bool {
    text(&message["status"]) == "rejected" && message["status_reason"] == "opted_out" && message["final"] == true
}

#[tokio::test]
async fn a_word_stops_every_message_and_another_lets_them_go_again() {
    let app = TestApp::start().await;
    let stop = say(&app, "m1", "Stop!").await;
    let refused = app.send(to_them("an offer")).await;
    app.run_outbox().await;
    let refused = app.reload(&refused).await;
    assert!(is_opted_out(&refused), "{refused}");
    assert_eq!(app.attempts(&refused).await.len(), 0, "nothing was attempted");
    let timeline = app.timeline(&refused).await;
    assert_eq!(timeline.last().unwrap()["reason"], "opted_out");
    say(&app, "m2", "START").await;
    let sent = app.send(to_them("another")).await;
    app.run_outbox().await;
    assert_eq!(app.reload(&sent).await["status"], "accepted");
    let ledger = consents(&app, THEM).await;
    let shown: Vec<_> = ledger.iter().map(|one| (text(&one["state"]), text(&one["source"]))).collect();
    assert_eq!(shown, [("opted_in", "keyword"), ("opted_out", "keyword")]);
    assert_eq!(ledger[1]["evidence"], json!({ "message_id": stop["id"], "text": "Stop!" }));
    assert_eq!((text(&ledger[1]["address"]), text(&ledger[1]["channel"])), (THEM, "sms"));
}

#[tokio::test]
async fn no_path_leads_around_a_stop() {
    let app = TestApp::start().await;
    let at = |span| (app.now() + span).to_string();
    app.provider.script([busy(Some(minutes(5))), Outcome::Rejected { code: "30003".into(), reason: "off".into() }]);
    let retried = app.send(to_them("tried again")).await;
    app.run_outbox().await;
    assert_eq!(app.provider.attempts().len(), 1, "it waits for its second try");
    let queued = app.send(to_them("queued")).await;
    let mut scheduled = to_them("scheduled");
    scheduled["scheduled_at"] = json!(at(hours(1)));
    let scheduled = app.send(scheduled).await;
    let path = format!("/api/conversations/{}/messages", queued["conversation_id"]);
    say(&app, "m1", "unsubscribe").await;
    let reply = app.post(&path, json!({ "body": "a reply" })).await;
    let batch = app.post("/api/messages/batch", json!({ "messages": [to_them("bulk"), { "from": ME, "to": "+18045559999", "type": "sms", "body": "to another" }] })).await;
    assert_eq!((reply.status.as_u16(), &batch["accepted"]), (201, &json!(2)));
    app.run_for(hours(2)).await;
    let bulk = |at: usize| json!({ "id": batch["results"][at]["id"], "conversation_id": batch["results"][at]["conversation_id"] });
    for message in [&retried, &queued, &scheduled, &reply.body, &bulk(0)] {
        let message = app.reload(message).await;
        assert!(is_opted_out(&message), "{message}");
    }
    let other = app.reload(&bulk(1)).await;
    assert_ne!(text(&other["status_reason"]), "opted_out", "nobody else is kept from anything");
    assert_eq!(app.provider.attempts().iter().filter(|attempt| tos(attempt) == [THEM]).count(), 1, "the one before");
}

#[tokio::test]
async fn what_was_given_up_is_not_sent_once_more_to_somebody_who_opted_out() {
    let app = TestApp::start().await;
    app.provider.always(Some(away()));
    let message = app.send(to_them("too late")).await;
    app.run_for(hours(11)).await;
    assert_eq!(app.reload(&message).await["status"], "dead");
    let before = app.provider.attempts().len();
    app.provider.always(None);
    say(&app, "m1", "QUIT").await;
    app.advance(minutes(5));
    let replayed = app.post(&format!("{}/replay", crate::harness::path_of(&message)), json!({})).await;
    assert_eq!(replayed.status, 202);
    app.run_for(minutes(5)).await;
    assert!(is_opted_out(&app.reload(&message).await));
    assert_eq!(app.provider.attempts().len(), before);
}

#[tokio::test]
async fn of_several_recipients_only_those_who_opted_out_are_left_out() {
    let app = TestApp::start().await;
    let change = json!({ "address": "bo@example.com", "state": "opted_out", "note": "asked on the telephone" });
    assert_eq!(app.put("/api/consents", change).await.status, 200);
    let mut draft = email("news");
    draft["to"] = json!(["al@example.com", "bo@example.com"]);
    let message = app.send(draft).await;
    app.run_outbox().await;
    assert_eq!(tos(&app.provider.attempts()[0]), ["al@example.com"]);
    let message = app.reload(&message).await;
    let shown: Vec<_> = message["recipients"].as_array().unwrap().iter().map(|one| text(&one["status"])).collect();
    assert_eq!((text(&message["status"]), shown), ("accepted", vec!["accepted", "rejected"]));
    let attempts = app.attempts(&message).await;
    let report = json!({ "provider_id": attempts[0]["reference"], "status": "delivered" });
    assert_eq!(app.report(report).await.status, 200);
    let message = app.reload(&message).await;
    let shown: Vec<_> = message["recipients"].as_array().unwrap().iter().map(|one| text(&one["status"])).collect();
    assert_eq!((text(&message["status"]), shown), ("delivered", vec!["delivered", "rejected"]));
}

#[tokio::test]
async fn help_is_answered_once_a_day_with_the_workspaces_text() {
    let app = TestApp::start().await;
    say(&app, "m0", "HELP").await;
    assert_eq!(app.run_outbox().await, 0, "there is no text yet");
    let text_of = json!({ "help_text": "The Shop, 555-0100. STOP to stop." });
    assert_eq!(
        app.call(Method::PATCH, "/api/settings", Some(text_of)).await["help_text"],
        "The Shop, 555-0100. STOP to stop."
    );
    for id in ["m1", "m1", "m2"] {
        say(&app, id, "Help?").await;
    }
    assert_eq!(app.run_outbox().await, 1);
    let answer = &app.provider.attempts()[0];
    assert_eq!(
        (tos(answer), answer.envelope.body.as_str()),
        (vec![THEM.to_owned()], "The Shop, 555-0100. STOP to stop.")
    );
    app.advance(hours(25));
    say(&app, "m3", "info").await;
    assert_eq!(app.run_outbox().await, 1);
    let nothing = json!({ "help_text": "" });
    assert_eq!(app.call(Method::PATCH, "/api/settings", Some(nothing)).await["help_text"], Value::Null);
}

#[tokio::test]
async fn a_link_in_a_mail_unsubscribes_when_it_is_posted_and_not_when_it_is_followed() {
    let app = TestApp::start().await;
    let first = app.send(email("news")).await;
    app.run_outbox().await;
    let to = text(&first["to"]).to_owned();
    let recipient = format!("select address_id from recipients where message_id = {}", first["id"]);
    let address = AddressId(app.database().number(&recipient).await);
    let link = unsubscribe_link(&app.messaging, WorkspaceId::DEFAULT, address);
    let path = link.strip_prefix(app.messaging.rules.base_url.as_str()).unwrap().to_owned();
    let page = app.get(&path).await;
    assert_eq!((page.status.as_u16(), page.text().contains("<form method=\"post\">")), (200, true));
    assert!(consents(&app, &to).await.is_empty(), "looking is not asking");
    let forged = format!("{}A", &path[..path.len() - 1]);
    for path in ["/unsubscribe/x", "/unsubscribe/", forged.as_str()] {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(app.post_with(path, &form, "List-Unsubscribe=One-Click").await.status, 404, "{path}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for _ in 0..2 {
        assert_eq!(app.post_with(&path, &form, "List-Unsubscribe=One-Click").await.status, 200);
    }
    let ledger = consents(&app, &to).await;
    assert_eq!((ledger.len(), text(&ledger[0]["source"]), text(&ledger[0]["channel"])), (1, "one_click", "email"));
    let second = app.send(email("more news")).await;
    app.run_outbox().await;
    assert!(is_opted_out(&app.reload(&second).await));
}

#[tokio::test]
async fn a_mailbox_that_bounces_gets_no_more_and_a_phone_cannot_bounce() {
    let app = TestApp::start().await;
    let (mail, phone) = (app.send(email("hello")).await, app.send(to_them("hello")).await);
    app.run_outbox().await;
    for message in [&mail, &phone] {
        let reference = &app.attempts(message).await[0]["reference"];
        let report = json!({ "provider_id": reference, "status": "bounced", "error": "no such user" });
        for _ in 0..2 {
            assert_eq!(app.report(report.clone()).await.status, 200);
        }
    }
    let ledger = consents(&app, text(&mail["to"])).await;
    assert_eq!((ledger.len(), text(&ledger[0]["source"])), (1, "bounce"));
    assert_eq!(ledger[0]["evidence"]["reason"], "no such user");
    assert!(consents(&app, THEM).await.is_empty());
    let again = app.send(email("again")).await;
    app.run_outbox().await;
    assert!(is_opted_out(&app.reload(&again).await));
}

#[tokio::test]
async fn a_providers_own_list_counts_too() {
    let app = TestApp::start().await;
    app.provider.script([Outcome::Rejected { code: "opted_out".into(), reason: "unsubscribed recipient".into() }]);
    app.send(to_them("hello")).await;
    app.run_outbox().await;
    let ledger = consents(&app, THEM).await;
    assert_eq!((text(&ledger[0]["source"]), text(&ledger[0]["evidence"]["provider"])), ("provider", "test"));
    let again = app.send(to_them("again")).await;
    app.run_outbox().await;
    assert_eq!((is_opted_out(&app.reload(&again).await), app.provider.attempts().len()), (true, 1));
}

#[tokio::test]
async fn a_code_reaches_somebody_who_opted_out() {
    let app = TestApp::start().await;
    let stop = json!({ "address": "+12025550177", "state": "opted_out" });
    assert_eq!(app.put("/api/consents", stop).await.status, 200);
    let ann = Visitor::new(&app, "annlee", "+12025550177").await;
    assert!(ann.is_signed_in(&app).await);
    let offer = app.send(json!({ "from": ME, "to": "+12025550177", "type": "sms", "body": "an offer" })).await;
    app.run_outbox().await;
    assert!(is_opted_out(&app.reload(&offer).await));
}

#[tokio::test]
async fn the_ledger_is_exported_whole_and_is_nobody_elses() {
    let app = TestApp::start().await;
    for number in 0..3 {
        let change =
            json!({ "address": format!("+1804555000{number}"), "state": "opted_out", "note": "said \"no\", twice" });
        assert_eq!(app.put("/api/consents", change).await.status, 200);
    }
    let csv = app.get("/api/consents/export").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let lines: Vec<&str> = csv.text().lines().collect();
    assert_eq!((lines.len(), lines[0]), (4, "id,at,address,channel,state,source,actor,evidence"));
    assert!(
        lines[1].ends_with(r#",+18045550002,sms,opted_out,api,operator,"{""note"":""said \""no\"", twice""}""#),
        "{}",
        lines[1]
    );
    let elsewhere = app.workspace("elsewhere").await;
    let key = app.key_of(elsewhere, &[Scope::MessagesRead]).await;
    let theirs = app.showing(&key, Method::GET, "/api/consents/export", None).await;
    assert_eq!(theirs.text().lines().count(), 1);
    let wrong = app.put("/api/consents", json!({ "address": "x", "state": "maybe", "note": 1 })).await;
    let fields: Vec<String> = wrong.errors();
    assert_eq!((wrong.status.as_u16(), fields.len()), (400, 3), "{fields:?}");
    app.run_for(seconds(1)).await;
}

#[tokio::test]
async fn a_text_waits_for_the_morning_where_it_goes_and_does_not_die_of_it() {
    let app = TestApp::start().await;
    let hours_of = |from: &str, until: &str| json!({ "quiet_hours": { "from": from, "until": until, "zone": "UTC" } });
    // It is noon in Greenwich: seven in the morning in New York, four in California.
    let set = app.call(Method::PATCH, "/api/settings", Some(hours_of("20:00", "08:00"))).await;
    assert_eq!((set.status.as_u16(), &set["quiet_hours"]["from"]), (200, &json!("20:00")));
    let to = |number: &str| json!({ "from": ME, "to": number, "type": "sms", "body": "good morning" });
    let (near, far) = (app.send(to("+12125550100")).await, app.send(to("+14155550100")).await);
    let mut firm = to("+14155550101");
    firm["deliver_by"] = json!((app.now() + hours(2)).to_string());
    let firm = app.send(firm).await;
    let (mail, london) = (app.send(email("any time")).await, app.send(to("+442079460000")).await);
    assert_eq!(app.run_outbox().await, 2, "a mail, and a text to where it is day");
    let waiting = app.reload(&far).await;
    assert_eq!(text(&waiting["status_reason"]), "quiet_hours until 2026-03-02T16:00:00.000000Z");
    assert_eq!(
        (text(&waiting["status"]), text(&waiting["next_attempt_at"])),
        ("queued", "2026-03-02T16:00:00.000000Z")
    );
    app.run_for(hours(5)).await;
    for message in [&near, &far, &mail, &london] {
        assert_eq!(app.reload(message).await["status"], "accepted");
    }
    assert_eq!(app.reload(&firm).await["status"], "dead", "its client wanted it by then or not at all");
    let begun: Vec<String> = app.provider.attempts().iter().map(|attempt| attempt.at.to_string()).collect();
    assert_eq!(begun[2..], ["2026-03-02T13:00:00.000000Z", "2026-03-02T16:00:00.000000Z"]);
    assert_eq!(app.attempts(&far).await[0]["number"], 1);
}

#[tokio::test]
async fn a_night_longer_than_a_text_lives_does_not_kill_it() {
    let app = TestApp::start().await;
    let night = json!({ "quiet_hours": { "from": "11:00", "until": "10:00", "zone": "UTC" } });
    assert_eq!(app.call(Method::PATCH, "/api/settings", Some(night)).await.status, 200);
    let message = app.send(json!({ "from": ME, "to": "+442079460000", "type": "sms", "body": "hello" })).await;
    app.run_for(hours(23)).await;
    assert_eq!(app.reload(&message).await["status"], "accepted");
    for wrong in [json!({ "from": "9", "until": "10:00", "zone": "UTC" }), json!([]), json!({ "from": "09:00" })] {
        let answer = app.call(Method::PATCH, "/api/settings", Some(json!({ "quiet_hours": wrong }))).await;
        assert_eq!((answer.status.as_u16(), text(&answer["errors"][0]["field"])), (400, "quiet_hours"));
    }
    let none = app.call(Method::PATCH, "/api/settings", Some(json!({ "quiet_hours": null }))).await;
    assert_eq!(none["quiet_hours"], Value::Null);
}

#[tokio::test]
async fn who_only_gets_a_copy_gets_it_when_the_others_want_none() {
    let app = TestApp::start().await;
    let change = json!({ "address": "al@example.com", "state": "opted_out" });
    assert_eq!(app.put("/api/consents", change).await.status, 200);
    let mut draft = email("news");
    (draft["to"], draft["cc"]) = (json!("al@example.com"), json!(["bo@example.com"]));
    let message = app.send(draft).await;
    app.run_outbox().await;
    assert_eq!(tos(&app.provider.attempts()[0]), ["bo@example.com"]);
    assert_eq!(app.reload(&message).await["status"], "accepted");
}

#[tokio::test]
async fn what_arrived_has_arrived_though_a_later_try_was_refused() {
    let app = TestApp::start().await;
    app.provider.script([crate::provider::doubtful()]);
    let message = app.send(to_them("hello")).await;
    app.run_outbox().await;
    say(&app, "m1", "STOP").await;
    app.run_for(minutes(1)).await;
    assert!(is_opted_out(&app.reload(&message).await));
    let reference = app.provider.attempts()[0].envelope.reference.clone();
    assert_eq!(app.report(json!({ "reference": reference, "status": "delivered" })).await.status, 200);
    assert_eq!(app.reload(&message).await["status"], "delivered");
}

#[tokio::test]
async fn a_refused_code_opts_nobody_out_and_keeps_nothing_from_being_cleaned() {
    let app = TestApp::start().await;
    app.provider.script([Outcome::Rejected { code: "opted_out".into(), reason: "unsubscribed recipient".into() }]);
    let visitor = Visitor::default();
    let made = visitor.post(&app, "/api/users", crate::visitor::sign_up("mallory", "2025550178")).await;
    assert_eq!(made.status, 201);
    app.run_outbox().await;
    assert_eq!(app.database().number("select count(*) from consents").await, 0);
    app.advance(hours(24 * 31));
    while app.outbox.clean().await.unwrap() {}
    assert_eq!(app.database().number("select count(*) from addresses where workspace_id = 0").await, 0);
}
