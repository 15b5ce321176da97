//! What a mail server could not deliver is told on the mail that it is about.

use serde_json::{Value, json};
use switchboard::messaging::callback_token;

use super::{post_raw, raw};
use crate::harness::{TestApp, email, text};

/// A report of a mail server about a mail of ours.
fn report(reference: &str, proof: &str, groups: &[&str]) -> Vec<u8> {
    let id = format!("Message-ID: <{reference}@messages.example>");
    let proof = format!("X-Switchboard-Proof: {proof}");
    let groups = groups.join("\r\n\r\n");
    raw(&[
        "Return-Path: <>",
        "From: Mail Delivery System <MAILER-DAEMON@mx.example>",
        "To: user@usehatchapp.com",
        "Date: Mon, 2 Mar 2026 12:05:00 +0000",
        "Message-ID: <report@mx.example>",
        "Content-Type: multipart/report; report-type=\"delivery-status\"; boundary=b",
        "",
        "--b",
        "",
        "I am sorry.",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example",
        "",
        &groups,
        "",
        "--b",
        "Content-Type: message/rfc822",
        "",
        &id,
        &proof,
        "Subject: about",
        "",
        "the mail",
        "--b--",
    ])
}

fn gone(recipient: &str) -> String {
    format!(
        "Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: nobody here"
    )
}

async fn sent(app: &TestApp, to: Value) -> (Value, String) {
    let mut draft = email("hello");
    draft["to"] = to;
    let message = app.send(draft).await;
    app.run_outbox().await;
    (message, app.provider.attempts().last().unwrap().envelope.reference.clone())
}

#[tokio::test]
async fn a_mailbox_that_does_not_exist_bounces_and_gets_no_more_mails() {
    let app = TestApp::start().await;
    let (message, reference) = sent(&app, json!(["al@example.com", "bo@example.com"])).await;
    let proof = callback_token(&app.messaging, "test", &reference);
    for result in ["applied", "repeated"] {
        let answer = post_raw(&app, "", report(&reference, &proof, &[&gone("bo@example.com")])).await;
        assert_eq!((answer.status.as_u16(), text(&answer["result"])), (200, result), "{:?}", answer.body);
    }
    let shown = app.reload(&message).await;
    let states: Vec<&str> = shown["recipients"].as_array().unwrap().iter().map(|one| text(&one["status"])).collect();
    assert_eq!(states, ["accepted", "bounced"]);
    let callback = app.timeline(&message).await.into_iter().find(|entry| entry["kind"] == "callback").unwrap();
    assert_eq!(text(&callback["reason"]), "550 5.1.1 <***@***>: nobody here");
    assert_eq!(text(&callback["timestamp"]), "2026-03-02T12:05:00.000000Z");
    let consents = app.list("/api/consents?address=bo%40example.com").await;
    assert_eq!((consents.len(), text(&consents[0]["source"])), (1, "bounce"));
    let (again, _) = sent(&app, json!("bo@example.com")).await;
    assert_eq!(app.reload(&again).await["status_reason"], "opted_out");
    assert_eq!(app.count_messages().await, 2, "the report itself is no message");
}

#[tokio::test]
async fn a_report_without_proof_is_a_mail_like_every_other_and_moves_none_of_ours() {
    let app = TestApp::start().await;
    let (message, reference) = sent(&app, json!("al@example.com")).await;
    let other = callback_token(&app.messaging, "test", "another-1-0");
    for proof in ["", "x", &other] {
        let answer = post_raw(&app, "", report(&reference, proof, &[&gone("al@example.com")])).await;
        assert_eq!((answer.status.as_u16(), text(&answer["body"])), (200, "I am sorry."), "{:?}", answer.body);
    }
    assert_eq!(app.reload(&message).await["status"], "accepted");
    let waiting = app.send(email("not yet sent")).await;
    let forged = format!("{}-{}-0", reference.split('-').next().unwrap(), waiting["id"]);
    assert_eq!(post_raw(&app, "", report(&forged, &other, &[&gone("contact@gmail.com")])).await.status, 200);
    assert_eq!(app.run_outbox().await, 1, "nobody stops what is to be sent");
    assert!(app.list("/api/consents?address=al%40example.com").await.is_empty());
}

#[tokio::test]
async fn what_a_mail_server_says_of_other_mails_or_not_yet_is_a_mail_like_every_other() {
    let app = TestApp::start().await;
    let (message, reference) = sent(&app, json!("al@example.com")).await;
    let delayed = "Final-Recipient: rfc822; al@example.com\r\nAction: delayed\r\nStatus: 4.4.1";
    for (at, (reference, group)) in
        [("not-ours-1-0", gone("al@example.com")), (&reference, delayed.to_owned()), (&reference, String::new())]
            .into_iter()
            .enumerate()
    {
        let proof = callback_token(&app.messaging, "test", reference);
        let answer = post_raw(&app, "", report(reference, &proof, &[&group])).await;
        assert_eq!((answer.status.as_u16(), text(&answer["body"])), (200, "I am sorry."), "{at}: {:?}", answer.body);
    }
    assert_eq!(app.reload(&message).await["status"], "accepted");
    let late = "Final-Recipient: rfc822; al@example.com\r\nAction: failed\r\nStatus: 4.4.7";
    let proof = callback_token(&app.messaging, "test", &reference);
    assert_eq!(post_raw(&app, "", report(&reference, &proof, &[late])).await["result"], "applied");
    assert_eq!(app.reload(&message).await["status"], "undelivered");
    let came = "Final-Recipient: rfc822; al@example.com\r\nAction: delivered\r\nStatus: 2.0.0";
    assert_eq!(post_raw(&app, "", report(&reference, &proof, &[came])).await["result"], "applied");
    assert_eq!(app.reload(&message).await["status"], "delivered");
}
