//! Mails that come in, once through.

use serde_json::json;

use super::{post_raw, raw};
use crate::harness::TestApp;
use crate::traffic::EMAILS;

/// One mail with files, its repeat, its answer, what we answer to each, and one that nobody can read.
pub async fn run(app: &TestApp) {
    let (from, to) = (format!("From: {}", EMAILS[2]), format!("To: {}", EMAILS[3]));
    let parts = [
        "Message-ID: <first@traffic>",
        "Content-Type: multipart/mixed; boundary=b",
        "",
        "--b",
        "",
        "a mail",
        "--b",
        "Content-Type: text/plain; name=a.txt",
        "",
        "a file",
        "--b",
        "Content-Type: application/zip; name=b.zip",
        "",
        "PK\0",
        "--b--",
    ];
    let first = raw(&[&[from.as_str(), to.as_str()][..], &parts].concat());
    let second = ["Message-ID: <second@traffic>", "In-Reply-To: <first@traffic>", "", "an answer"];
    let second = raw(&[&[from.as_str(), to.as_str()][..], &second].concat());
    for mail in [&first, &first, &second] {
        let answer = post_raw(app, &format!("?to={}", EMAILS[3]), mail.clone()).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let reply = format!("/api/conversations/{}/messages", answer["conversation_id"]);
        assert_eq!(app.post(&reply, json!({ "body": "in turn" })).await.status, 201);
    }
    app.run_outbox().await;
    assert_eq!(post_raw(app, "", raw(&[&from, "", "to nobody"])).await.status, 202);
}
