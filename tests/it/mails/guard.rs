//! Machines and lists are not answered by a machine, nobody is twice a day, and no mail is an opt-out by its words.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::json;

use super::{from_ann, notes, post_raw, raw};
use crate::harness::{TestApp, hours, text};

async fn with_help() -> TestApp {
    let app = TestApp::start().await;
    let settings = json!({ "help_text": "We are the shop." });
    assert_eq!(app.call(Method::PATCH, "/api/settings", Some(settings)).await.status, 200);
    app
}

const AUTOMATIC: [&str; 8] = [
    "Auto-Submitted: auto-replied",
    "Auto-Submitted: auto-generated",
    "Precedence: bulk",
    "Precedence: list",
    "Precedence: junk",
    "List-Id: News <news.example.com>",
    "Return-Path: <>",
    "Sender: mailer-daemon@example.com",
];

#[tokio::test]
async fn a_machine_or_a_list_that_asks_for_help_gets_no_answer() {
    let app = with_help().await;
    for (at, line) in AUTOMATIC.iter().enumerate() {
        let answer = post_raw(&app, "", from_ann(&format!("a{at}"), &[line], "HELP")).await;
        assert_eq!(answer.status, 200, "{line}");
        let notes = notes(&app, &answer.body).await;
        assert!(text(&notes[0]["note"]).starts_with("a machine or a list"), "{line}: {notes:?}");
    }
    let daemon = raw(&["From: MAILER-DAEMON@example.com", "To: support@example.org", "", "help"]);
    assert_eq!(post_raw(&app, "", daemon).await.status, 200);
    assert_eq!(app.run_outbox().await, 0, "nothing is answered");
    let person = post_raw(&app, "", from_ann("p", &["Auto-Submitted: no"], "Help!\r\n\r\n> We are here.")).await;
    assert_eq!(app.run_outbox().await, 1);
    let attempt = &app.provider.attempts()[0].envelope;
    assert_eq!((attempt.body.as_str(), attempt.from.as_str()), ("We are the shop.", "support@example.org"));
    assert_eq!(
        (attempt.to[0].as_str(), &attempt.references[..]),
        ("ann@example.com", &["p@example.com".to_owned()][..])
    );
    let last = app.list(&format!("/api/conversations/{}/messages?order=desc", person["conversation_id"])).await;
    assert!(last.iter().any(|message| message["direction"] == "outbound"), "it stands where it was asked for");
}

#[tokio::test]
async fn nobody_gets_more_than_one_answer_a_day_whatever_comes_at_once() {
    let app = with_help().await;
    join_all((0..20).map(|at| post_raw(&app, "", from_ann(&format!("h{at}"), &[], "help")))).await;
    assert_eq!(app.run_outbox().await, 1);
    let other = raw(&["From: bo@example.com", "To: support@example.org", "", "INFO"]);
    post_raw(&app, "", other).await;
    assert_eq!(app.run_outbox().await, 1, "somebody else gets their own");
    app.advance(hours(23));
    post_raw(&app, "", from_ann("later", &[], "help")).await;
    assert_eq!(app.run_outbox().await, 0);
    app.advance(hours(26));
    post_raw(&app, "", from_ann("tomorrow", &[], "help")).await;
    assert_eq!(app.run_outbox().await, 1);
}

#[tokio::test]
async fn a_word_in_a_mail_opts_nobody_out() {
    let app = with_help().await;
    for (at, (line, body)) in [
        ("List-Id: <news.example.com>", "News.\r\n\r\nSTOP"),
        ("List-Id: <news.example.com>", "STOP"),
        ("Auto-Submitted: auto-replied", "STOP"),
        ("X: y", "Cancel"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(post_raw(&app, "", from_ann(&format!("s{at}"), &[line], body)).await.status, 200);
    }
    assert!(app.list("/api/consents?address=ann%40example.com").await.is_empty());
    let to_ann = json!({ "from": "support@example.org", "to": "ann@example.com", "body": "hello", "type": "email" });
    let sent = app.send(to_ann).await;
    app.run_outbox().await;
    assert_eq!(app.reload(&sent).await["status"], "accepted");
}
