//! Twilio's webhook: messages and statuses at one path.

use axum::http::Request;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use sha2::Digest;
use switchboard::domain::WorkspaceId;
use switchboard::messaging::{callback_token, quarantine};

use super::{
    FORGED, FORM, HOOK, NEXT, PUBLIC, Pairs, TOKEN, form, is_untouched, mutated, post_form, signature, tell,
    with_twilio,
};
use crate::harness::{Setup, TestApp, sms, text};

const SID: &str = "SM0123456789abcdef0123456789abcdef";
const TEXT: Pairs<'_> = &[
    ("AccountSid", "AC0123456789abcdef0123456789abcdef"),
    ("Body", "caf\u{e9} & more + \u{1f600}"),
    ("From", "+18045551234"),
    ("MessageSid", SID),
    ("NumMedia", "0"),
    ("NumSegments", "1"),
    ("SmsStatus", "received"),
    ("To", "+12016661234"),
];

fn status<'a>(sid: &'a str, status: &'a str, code: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("MessageSid", sid), ("MessageStatus", status), ("ErrorCode", code), ("To", "+18045551234")]
}

/// The path that Twilio was given with a message.
fn callback(app: &TestApp, reference: &str) -> String {
    format!("{HOOK}?reference={reference}&token={}", callback_token(&app.messaging, "test", reference))
}

/// Sends a text; gives it with our name for it.
async fn sent(app: &TestApp, body: &str) -> (Value, String) {
    let message = app.send(sms(body)).await;
    app.run_outbox().await;
    (message, app.provider.attempts().last().unwrap().envelope.reference.clone())
}

#[tokio::test]
async fn what_twilio_signs_is_received_under_either_token_and_with_or_without_the_port() {
    let app = with_twilio(Setup::serve()).start().await;
    let urls = [PUBLIC.to_owned(), format!("{PUBLIC}:443")];
    for (n, (token, base)) in
        [TOKEN, NEXT].into_iter().flat_map(|token| urls.iter().map(move |url| (token, url))).enumerate()
    {
        let sid = format!("SM{n}");
        let mut pairs = TEXT.to_vec();
        pairs[3].1 = &sid;
        let target = format!("{HOOK}?a=1&b=%20x");
        let signature = signature(token, &format!("{base}{target}"), &pairs);
        let answer = post_form(&app, &target, Some(&signature), form(&pairs)).await;
        assert_eq!(answer.status, 200, "{token} {base}: {}", answer.text());
        assert!(answer.header("content-type").starts_with("text/xml"));
        assert_eq!(answer.text(), "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>");
    }
    assert_eq!(app.count_messages().await, 4);
    let key = app.key(&[switchboard::auth::Scope::MessagesRead]).await;
    let read = app.get_with("/api/conversations/1/messages", &[("authorization", &key)]).await;
    let message = &read["data"][0];
    assert_eq!((text(&message["from"]), text(&message["to"])), ("+18045551234", "+12016661234"));
    assert_eq!((text(&message["body"]), text(&message["type"])), ("caf\u{e9} & more + \u{1f600}", "sms"));
    assert_eq!((text(&message["direction"]), text(&message["status"])), ("inbound", "received"));
}

#[tokio::test]
async fn fifty_of_the_same_at_once_are_one_message() {
    let app = with_twilio(Setup::serve()).start().await;
    let answers = join_all((0..50).map(|_| tell(&app, HOOK, TEXT))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(app.count_messages().await, 1);
    assert_eq!(app.database().number("select count(*) from conversations").await, 1);
    assert_eq!(app.database().number("select count(*) from message_events").await, 0);
}

#[tokio::test]
async fn what_was_not_signed_so_is_refused_and_stored_nowhere_in_dev_too() {
    for setup in [Setup::serve(), Setup::default()] {
        let is_serve = setup.mode == switchboard::http::Mode::Serve;
        let app = with_twilio(setup).start().await;
        let url = format!("{PUBLIC}{HOOK}");
        let right = signature(TOKEN, &url, TEXT);
        let wrong = [
            signature("another token", &url, TEXT),
            signature(TOKEN, &format!("http://localhost:8080{HOOK}"), TEXT),
            signature(TOKEN, &format!("https://localhost:8080{HOOK}"), TEXT),
            signature(TOKEN, &format!("{PUBLIC}/api/webhooks/twilio/other"), TEXT),
            signature(TOKEN, &url, &TEXT[1..]),
            signature("", &url, TEXT),
            String::new(),
            "0".repeat(28),
        ];
        for signature in &wrong {
            let answer = post_form(&app, HOOK, Some(signature), form(TEXT)).await;
            assert_eq!((answer.status.as_u16(), text(&answer["code"])), (401, "unauthorized"), "{signature}");
        }
        for (target, body) in [
            (format!("{HOOK}?x=1"), form(TEXT)),
            (HOOK.replace("test", "other"), form(TEXT)),
            (HOOK.to_owned(), form(&TEXT[1..])),
            (HOOK.to_owned(), form(TEXT) + "&Body=another"),
            (HOOK.to_owned(), String::new()),
        ] {
            assert_eq!(post_form(&app, &target, Some(&right), body).await.status, 401, "{target}");
        }
        let twice = Request::post(HOOK).header("content-type", FORM).header("x-twilio-signature", &right);
        let twice = twice.header("x-twilio-signature", &right).body(form(TEXT).into()).unwrap();
        assert_eq!(app.raw(twice).await.status, 401);
        assert!(is_untouched(&app).await);
        assert_eq!(post_form(&app, HOOK, None, form(TEXT)).await.status, if is_serve { 401 } else { 200 });
        assert_eq!(is_untouched(&app).await, is_serve);
        assert_eq!(post_form(&app, HOOK, Some(&right), form(TEXT)).await.status, 200);
    }
}

#[tokio::test]
async fn ten_thousand_mutations_of_a_signed_request_open_nothing() {
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let app = with_twilio(Setup::serve()).start().await;
    let url = format!("{PUBLIC}{HOOK}");
    let (right, body) = (signature(TOKEN, &url, TEXT), form(TEXT));
    let mut refused = 0;
    for _ in 0..FORGED {
        let (target, shown, body) = match random.random_range(0..10) {
            0 => (format!("{HOOK}?{}", mutated(&mut random, "a=1")), right.clone(), body.clone()),
            1 => {
                let mut pairs: Vec<(String, String)> =
                    TEXT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
                let at = random.random_range(0..pairs.len());
                pairs[at].1 = format!("{}x", pairs[at].1);
                let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (&name[..], &value[..])).collect();
                (HOOK.to_owned(), right.clone(), form(&pairs))
            }
            _ => (HOOK.to_owned(), mutated(&mut random, &right), body.clone()),
        };
        let answer = post_form(&app, &target, Some(&shown), body).await;
        assert_eq!(answer.status, 401, "{target} {shown}");
        refused += 1;
    }
    assert_eq!(refused, FORGED);
    assert!(is_untouched(&app).await);
    assert_eq!(post_form(&app, HOOK, Some(&right), form(TEXT)).await.status, 200, "and the right one does");
}

#[tokio::test]
async fn json_is_proven_by_the_hash_in_its_url() {
    let app = with_twilio(Setup::serve()).start().await;
    let body = json!({ "MessageSid": SID, "From": "+18045551234", "To": "+12016661234", "Body": "x" }).to_string();
    let hash = hex::encode(sha2::Sha256::digest(&body));
    let post = async |target: String, body: &str| {
        let signature = signature(TOKEN, &format!("{PUBLIC}{target}"), &[]);
        app.post_with(&target, &[("x-twilio-signature", &signature)], body.to_owned()).await.status.as_u16()
    };
    assert_eq!(post(HOOK.to_owned(), &body).await, 401);
    assert_eq!(post(format!("{HOOK}?bodySHA256={}", hash.replace('a', "b")), &body).await, 401);
    assert_eq!(post(format!("{HOOK}?bodySHA256={hash}"), &body.replace("\"x\"", "\"y\"")).await, 401);
    assert!(is_untouched(&app).await);
    assert_eq!(post(format!("{HOOK}?bodySHA256={hash}"), &body).await, 200);
    assert_eq!(app.count_messages().await, 1);
    let list = hex::encode(sha2::Sha256::digest("[]"));
    assert_eq!(post(format!("{HOOK}?bodySHA256={list}"), "[]").await, 400);
}

#[tokio::test]
async fn statuses_in_any_order_and_repeated_end_the_same() {
    let app = with_twilio(Setup::default()).start().await;
    let steps = ["queued", "sending", "sent", "delivered"];
    let mut orders = vec![Vec::new()];
    for _ in 0..steps.len() {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                let rest = (0..steps.len()).filter(|at| !order.contains(at)).collect::<Vec<_>>();
                rest.into_iter().map(move |at| [&order[..], &[at]].concat())
            })
            .collect();
    }
    assert_eq!(orders.len(), 24);
    for (n, order) in orders.into_iter().enumerate() {
        let (message, reference) = sent(&app, &n.to_string()).await;
        let (target, sid) = (callback(&app, &reference), format!("SM{n}"));
        for at in order.iter().chain(&order) {
            assert_eq!(tell(&app, &target, &status(&sid, steps[*at], "")).await.status, 200, "{order:?}");
        }
        let message = app.reload(&message).await;
        assert_eq!((text(&message["status"]), &message["final"]), ("delivered", &json!(true)), "{order:?}");
        let timeline = app.timeline(&message).await;
        let callbacks: Vec<&Value> = timeline.iter().filter(|entry| entry["kind"] == "callback").collect();
        assert_eq!(callbacks.len(), 3, "queued and sending are one: {callbacks:?}");
        assert!(callbacks.iter().all(|entry| entry["provider"] == "test" && entry["provider_id"] == json!(sid)));
    }
}

#[tokio::test]
async fn a_failure_says_why_and_an_opt_out_there_is_one_here() {
    let app = with_twilio(Setup::default()).start().await;
    let (filtered, reference) = sent(&app, "filtered").await;
    let target = callback(&app, &reference);
    assert_eq!(tell(&app, &target, &status(SID, "undelivered", "30007")).await.status, 200);
    let filtered = app.reload(&filtered).await;
    assert_eq!(
        (text(&filtered["status"]), text(&filtered["status_reason"])),
        ("undelivered", "a carrier filtered it (Twilio 30007)")
    );
    assert!(app.list("/api/consents").await.is_empty());

    let (unwanted, reference) = sent(&app, "unwanted").await;
    let target = callback(&app, &reference);
    assert_eq!(tell(&app, &target, &status(SID, "failed", "21610")).await.status, 200);
    assert_eq!(app.reload(&unwanted).await["status"], "failed");
    let consents = app.list("/api/consents").await;
    let consent = (text(&consents[0]["state"]), text(&consents[0]["source"]), text(&consents[0]["address"]));
    assert_eq!((consents.len(), consent), (1, ("opted_out", "provider", "+18045551234")));
    let (next, _) = sent(&app, "another").await;
    assert_eq!(app.reload(&next).await["status_reason"], "opted_out");
}

#[tokio::test]
async fn a_reference_counts_with_its_own_token_alone() {
    let app = with_twilio(Setup::serve()).start().await;
    let key = app.key(&[switchboard::auth::Scope::Admin]).await;
    let message = app.showing(&key, axum::http::Method::POST, "/api/messages/sms", Some(sms("hello"))).await.body;
    app.run_outbox().await;
    let envelope = app.provider.attempts().last().unwrap().envelope.clone();
    let (reference, token) = (&envelope.reference, &envelope.callback_token);
    assert_eq!(callback(&app, reference), format!("{HOOK}?reference={reference}&token={token}"));
    let others = callback_token(&app.messaging, "other", reference);
    for target in [
        format!("{HOOK}?reference={reference}"),
        format!("{HOOK}?reference={reference}&token={others}"),
        format!("{HOOK}?reference={reference}x&token={token}"),
    ] {
        assert_eq!(tell(&app, &target, &status("SM9", "delivered", "")).await.status, 202, "{target}");
    }
    let status_of = async || {
        app.showing(&key, axum::http::Method::GET, &crate::harness::path_of(&message), None).await["status"].clone()
    };
    assert_eq!(status_of().await, "accepted");
    assert_eq!(tell(&app, &callback(&app, reference), &status("SM9", "delivered", "")).await.status, 200);
    assert_eq!(status_of().await, "delivered");
    let kept = app.showing(&key, axum::http::Method::GET, "/api/quarantine", None).await;
    assert!(kept["data"].as_array().unwrap().iter().all(|row| !text(&row["path"]).contains("token")));
}

#[tokio::test]
async fn a_status_that_overtakes_the_answer_waits_for_its_message() {
    let app = with_twilio(Setup::default()).start().await;
    let early = tell(&app, HOOK, &status("p-1", "delivered", "")).await;
    assert_eq!(early.status, 202);
    assert!(early.text().contains("<!-- in quarantine as 1: reference unmatched -->"), "{}", early.text());
    let again = app.post("/api/quarantine/1/replay", Value::Null).await;
    assert_eq!((again.status.as_u16(), again.errors()), (409, vec!["reference unmatched".to_owned()]));
    let (message, _) = sent(&app, "hello").await;
    assert_eq!(app.reload(&message).await["status"], "delivered");
    assert!(app.list("/api/quarantine").await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_understood_is_kept_as_it_came_and_read_again_as_a_form() {
    let app = with_twilio(Setup::default()).start().await;
    let odd = &[("Body", "caf\u{e9}"), ("From", "whatsapp:+18045551234"), ("MessageSid", SID), ("To", "+12016661234")];
    let answer = tell(&app, HOOK, odd).await;
    assert_eq!(answer.status, 202);
    assert!(
        answer.text().ends_with("<Response><!-- in quarantine as 1: From invalid --></Response>"),
        "{}",
        answer.text()
    );
    let kept = app.list("/api/quarantine").await;
    assert_eq!((text(&kept[0]["path"]), text(&kept[0]["reason"])), (HOOK, "From: invalid"));
    assert_eq!(text(&kept[0]["raw"]), form(odd));
    let again = app.post("/api/quarantine/1/replay", Value::Null).await;
    assert_eq!((again.status.as_u16(), again.errors()), (409, vec!["From invalid".to_owned()]));

    let (message, reference) = sent(&app, "hello").await;
    let target = callback(&app, &reference);
    assert_eq!(tell(&app, &target, &status(SID, "from the future", "")).await.status, 202);
    let path = text(&app.list("/api/quarantine").await[0]["path"]).to_owned();
    assert_eq!(path, format!("{HOOK}?reference={reference}"));
    // Bodies that this version would not have kept, as one that could not read them would have.
    let workspace = WorkspaceId::DEFAULT;
    let read = form(&status(SID, "read", ""));
    let one = quarantine(&app.messaging, workspace, &path, "MessageStatus: invalid", read.as_bytes()).await.unwrap();
    let replayed = app.post(&format!("/api/quarantine/{one}/replay"), Value::Null).await;
    assert_eq!((replayed.status.as_u16(), &replayed["result"]), (200, &json!("applied")));
    assert_eq!(app.reload(&message).await["status"], "read");
    let two = quarantine(&app.messaging, workspace, HOOK, "From: invalid", form(TEXT).as_bytes()).await.unwrap();
    let replayed = app.post(&format!("/api/quarantine/{two}/replay"), Value::Null).await;
    assert_eq!((replayed.status.as_u16(), text(&replayed["message"]["from"])), (200, "+18045551234"));
    assert_eq!(app.list("/api/quarantine").await.len(), 2);
}

#[tokio::test]
async fn hostile_bodies_are_kept_or_refused_and_never_break_it() {
    let app = with_twilio(Setup::default()).start().await;
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for (media, body, status) in [
        (FORM, b"".to_vec(), 202),
        (FORM, vec![0; 1_000], 202),
        (FORM, b"\xff\xfe=%ff&%00=%zz&&&=".to_vec(), 202),
        (FORM, format!("MessageSid=SM1&From=1&To=2&Body={}", "x".repeat(900_000)).into_bytes(), 202),
        (FORM, vec![b'x'; 2_000_000], 413),
        ("application/json", deep.into_bytes(), 202),
        ("application/json", b"{".to_vec(), 400),
        ("text/xml", b"<x/>".to_vec(), 415),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(30)]).into_owned();
        let request = Request::post(HOOK).header("content-type", media).body(body.into()).unwrap();
        assert_eq!(app.raw(request).await.status.as_u16(), status, "{media} {shown}");
    }
    assert_eq!(app.count_messages().await, 0);
    let unknown = post_form(&app, "/api/webhooks/twilio/nobody", None, form(TEXT)).await;
    assert_eq!((unknown.status.as_u16(), text(&unknown["code"])), (404, "no_such_provider"));
}

#[tokio::test]
async fn a_database_that_is_away_is_503_and_a_wrong_signature_is_401_even_then() {
    let app = with_twilio(Setup::serve()).start().await;
    app.store().close().await;
    for pairs in [TEXT.to_vec(), status(SID, "sent", ""), vec![("MessageSid", SID)]] {
        let answer = tell(&app, HOOK, &pairs).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{pairs:?}");
    }
    let wrong = signature("another token", &format!("{PUBLIC}{HOOK}"), TEXT);
    assert_eq!(post_form(&app, HOOK, Some(&wrong), form(TEXT)).await.status, 401);
    app.leave_work();
}

#[tokio::test]
async fn proofs_that_are_none_use_up_a_budget_and_good_ones_do_not() {
    let app = with_twilio(Setup::serve()).with("SWITCHBOARD_REQUEST_LIMIT_PER_MINUTE", "3").start().await;
    for _ in 0..5 {
        assert_eq!(tell(&app, HOOK, TEXT).await.status, 200);
    }
    let wrong = signature("another token", &format!("{PUBLIC}{HOOK}"), TEXT);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(post_form(&app, HOOK, Some(&wrong), form(TEXT)).await.status.as_u16());
    }
    for _ in 0..2 {
        statuses.push(post_form(&app, HOOK, Some(&wrong), "x".repeat(2_000_000)).await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert_eq!(tell(&app, HOOK, TEXT).await.status, 200);
}
