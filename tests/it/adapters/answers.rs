//! A mail goes out by the real adapter, is answered, and the answer comes back as a mail server has it.

use std::sync::Arc;

use serde_json::json;
use switchboard::outbox::{LineSettings, Outbox};
use switchboard::provider::Smtp;

use super::server::{Act, Dialogue, Server};
use super::{PATIENCE, files, smtp_settings, wire};
use crate::harness::{TestApp, email, text};
use crate::mails::{post_raw, raw};

/// A header field of a mail, unfolded.
fn field(mail: &str, name: &str) -> String {
    let unfolded = mail.replace("\r\n ", " ");
    let line = unfolded.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
    line.unwrap_or_else(|| panic!("no {name} in {mail}"))
}

#[tokio::test]
async fn an_answer_to_a_mail_of_ours_comes_back_into_its_conversation_and_is_answered_under_its_name() {
    let app = TestApp::start().await;
    let server = Server::smtp(Dialogue::ending(Act::Say("250 2.0.0 ok\r\n".to_owned()))).await;
    let settings = smtp_settings("127.0.0.1", server.address.port(), PATIENCE);
    let provider = Arc::new(Smtp::new(settings, files(app.folder.path()), wire(PATIENCE).clock));
    let settings = LineSettings {
        name: "test".to_owned(),
        provider,
        max_per_second: 100,
        max_in_flight: 10,
        vitals: Arc::default(),
    };
    let outbox = Outbox::new(app.messaging.clone(), vec![settings], app.sender.clone());
    let sent = app.send(email("an offer")).await;
    assert_eq!(outbox.run_due().await.unwrap(), 1);
    let got = server.got();
    let ours = field(&got[0], "Message-ID");
    assert!(!got[0].contains("In-Reply-To:") && !got[0].contains("References:"), "{}", got[0]);

    let lines = [
        "From: Contact <contact@gmail.com>",
        "To: user@usehatchapp.com, colleague@gmail.com",
        "Subject: Re: an offer",
        "Message-ID: <CA+one@mail.gmail.example>",
        &format!("In-Reply-To: {ours}"),
        &format!("References: {ours}"),
        "",
        "I take it.",
        "",
        "On Mon, 2 Mar 2026 at 12:00, <user@usehatchapp.com> wrote:",
        "> an offer",
    ];
    let answer = post_raw(&app, "?to=user@usehatchapp.com", raw(&lines)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(answer["conversation_id"], sent["conversation_id"], "though others take part");
    assert_eq!(text(&answer["new_text"]), "I take it.");
    assert!(text(&answer["body"]).ends_with("> an offer"), "{}", answer["body"]);
    let notes: Vec<_> = app.timeline(&answer.body).await.into_iter().filter(|entry| entry["kind"] == "note").collect();
    assert!(text(&notes[0]["note"]).contains("between other people"), "{notes:?}");

    let path = format!("/api/conversations/{}/messages", sent["conversation_id"]);
    for (body, at) in [("Thank you.", 1), ("And another thing.", 2)] {
        let reply = app.post(&path, json!({ "body": body })).await;
        assert_eq!(reply["conversation_id"], sent["conversation_id"], "{:?}", reply.body);
        assert_eq!(reply["to"], json!(["contact@gmail.com", "colleague@gmail.com"]));
        assert_eq!(outbox.run_due().await.unwrap(), 1);
        let got = &server.got()[at];
        assert_eq!(field(got, "In-Reply-To"), "<CA+one@mail.gmail.example>");
        assert_eq!(field(got, "References"), format!("{ours} <CA+one@mail.gmail.example>"));
    }
    let reply_of_ours = field(&server.got()[1], "Message-ID");
    let lines = [
        "From: colleague@gmail.com",
        "To: user@usehatchapp.com",
        "Message-ID: <CA+two@mail.gmail.example>",
        "References: <unknown@example.com>",
        &format!("In-Reply-To: {reply_of_ours}"),
        "",
        "Me too.",
    ];
    let answer = post_raw(&app, "", raw(&lines)).await;
    assert_eq!(answer["conversation_id"], sent["conversation_id"], "who got the mail may answer it");
    assert_eq!(app.list("/api/conversations").await.len(), 1);
}
