//! Mails as mail servers and SendGrid hand them over: read, kept, put where they belong, and never answered by two
//! machines in turn.

mod bounces;
mod guard;
mod homes;
mod hostile;
mod sendgrid;
mod traffic;

use axum::body::Body;
use axum::http::{Method, Request};
use futures_util::future::join_all;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::WorkspaceId;
use switchboard::messaging::quarantine;

pub use self::traffic::run as traffic;
use crate::harness::{Answer, Setup, TestApp, WEBHOOK_SECRET, email, text};

const RAW: &str = "/api/webhooks/email/raw";

/// A mail of these lines.
pub fn raw(lines: &[&str]) -> Vec<u8> {
    lines.join("\r\n").into_bytes()
}

/// Hands a mail over as a mail server does.
pub async fn post_raw(app: &TestApp, query: &str, mail: impl Into<Body>) -> Answer {
    let request = Request::post(format!("{RAW}{query}")).header("content-type", "message/rfc822");
    app.raw(request.body(mail.into()).unwrap()).await
}

/// A mail of Ann's to the support.
fn from_ann(id: &str, further: &[&str], body: &str) -> Vec<u8> {
    let id = format!("Message-ID: <{id}@example.com>");
    let head = ["From: Ann <ann@example.com>", "To: support@example.org", "Subject: A question", &id];
    raw(&[&head[..], further, &["", body]].concat())
}

async fn notes(app: &TestApp, message: &Value) -> Vec<Value> {
    app.timeline(message).await.into_iter().filter(|entry| entry["kind"] == "note").collect()
}

fn png() -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0]].concat()
}

/// A mail with HTML, a picture in it, and files.
fn with_files() -> Vec<u8> {
    use base64::Engine;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let picture = base64(&png());
    let archive = base64(b"PK\x03\x04\0\0 an archive");
    raw(&[
        "From: =?utf-8?q?Ann_M=C3=BCller?= <ann@example.com>",
        "To: support@example.org",
        "Subject: =?iso-8859-1?q?Gr=FC=DFe?=",
        "Message-ID: <files@example.com>",
        "Date: Mon, 2 Mar 2026 13:00:00 +0100",
        "Content-Type: multipart/mixed; boundary=m",
        "",
        "--m",
        "Content-Type: multipart/related; boundary=r",
        "",
        "--r",
        "Content-Type: text/html; charset=iso-8859-1",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "<p onclick=3Dx()>Sch=F6n</p><img src=3D\"cid:pic@1\"><img src=3D\"https://tracker.example/1.gif\">",
        "--r",
        "Content-Type: image/png",
        "Content-Transfer-Encoding: base64",
        "Content-ID: <pic@1>",
        "",
        &picture,
        "--r--",
        "--m",
        "Content-Type: application/zip; name=\"a/../b.zip\"",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment",
        "",
        &archive,
        "--m",
        "Content-Type: text/plain; name=note.txt; charset=windows-1251",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment",
        "",
        "z/Do4uXy",
        "--m",
        "Content-Type: message/rfc822",
        "",
        "From: before@example.com",
        "Subject: Before",
        "",
        "what was before",
        "--m--",
    ])
}

#[tokio::test]
async fn a_mail_is_shown_with_its_pictures_and_files_and_what_may_not_be_kept_is_noted_beside_the_original() {
    let app = TestApp::start().await;
    let answer = post_raw(&app, "", with_files()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!((text(&answer["from"]), text(&answer["to"])), ("ann@example.com", "support@example.org"));
    assert_eq!((text(&answer["subject"]), text(&answer["text"])), ("Gr\u{fc}\u{df}e", "Sch\u{f6}n"));
    assert_eq!(text(&answer["html"]), "<p>Sch\u{f6}n</p><img src=\"/api/attachments/1\"><img>");
    assert!(text(&answer["body"]).contains("https://tracker.example/1.gif"), "it is as received");
    assert_eq!((text(&answer["timestamp"]), text(&answer["type"])), ("2026-03-02T12:00:00.000000Z", "email"));
    let attachments: Vec<&str> = answer["attachments"].as_array().unwrap().iter().map(text).collect();
    assert_eq!(attachments.len(), 4);
    let mut shown = Vec::new();
    for url in &attachments {
        let file = app.get(url).await;
        let name = file.header("content-disposition").split('"').nth(1).unwrap().to_owned();
        shown.push((name, file.header("content-type").to_owned(), file.bytes.to_vec()));
    }
    let wanted = [
        ("image.png".to_owned(), "image/png".to_owned(), png()),
        ("note.txt".to_owned(), "text/plain; charset=utf-8".to_owned(), "Привет".as_bytes().to_vec()),
        (
            "Before.eml".to_owned(),
            "text/plain; charset=utf-8".to_owned(),
            b"From: before@example.com\r\nSubject: Before\r\n\r\nwhat was before".to_vec(),
        ),
        ("original.eml".to_owned(), "message/rfc822".to_owned(), with_files()),
    ];
    assert_eq!(shown, wanted);
    assert!(app.get(attachments[3]).await.header("content-disposition").starts_with("attachment;"));
    let notes = notes(&app, &answer.body).await;
    assert_eq!(notes.len(), 1, "{notes:?}");
    let note = &notes[0];
    assert_eq!(
        (text(&note["name"]), text(&note["media_type"]), &note["size_bytes"]),
        ("a/../b.zip", "application/zip", &json!(17))
    );
    assert_eq!(app.reload(&answer.body).await, answer.body);
    assert_eq!(app.database().number("select stored_bytes from workspaces where id = 1").await, {
        i64::try_from(wanted.iter().map(|(_, _, bytes)| bytes.len()).sum::<usize>()).unwrap()
    });
}

#[tokio::test]
async fn a_mail_is_not_taken_without_what_it_carries() {
    let app = Setup::default().with("SWITCHBOARD_STORAGE_LIMIT_BYTES", "20").start().await;
    let answer = post_raw(&app, "", with_files()).await;
    assert_eq!((answer.status.as_u16(), text(&answer["code"])), (503, "storage_full"), "{:?}", answer.body);
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(app.count_messages().await, 0);
    assert_eq!(app.database().number("select count(*) from files").await, 0);
    assert_eq!(post_raw(&app, "", from_ann("light", &[], "nothing but words")).await.status, 200);
    let database = app.stop().await;
    let app = Setup { database: Some(database), ..Setup::default() }.start().await;
    let answer = post_raw(&app, "", with_files()).await;
    assert_eq!((answer.status.as_u16(), answer["attachments"].as_array().unwrap().len()), (200, 4));
}

#[tokio::test]
async fn the_envelope_says_whom_of_us_a_mail_is_for_and_who_answers() {
    let app = TestApp::start().await;
    let to_others = |id: &str| {
        let id = format!("Message-ID: <{id}@example.com>");
        raw(&["From: ann@example.com", "To: bo@example.com", "Cc: sales@example.org, cy@example.com", &id, "", "x"])
    };
    let answer =
        post_raw(&app, "?to=sales%40Example.ORG&to=hidden@example.org&to=no%0d%0aaddress", to_others("1")).await;
    assert_eq!(answer["to"], json!(["sales@example.org", "hidden@example.org", "bo@example.com"]), "{:?}", answer.body);
    assert_eq!(answer["cc"], json!(["cy@example.com"]));
    let path = format!("/api/conversations/{}/messages", answer["conversation_id"]);
    let reply = app.post(&path, json!({ "body": "hello" })).await;
    assert_eq!((text(&reply["from"]), &reply["cc"]), ("sales@example.org", &json!(["cy@example.com"])));
    let by_header = [b"Delivered-To: sales@example.org\r\n".as_slice(), &to_others("2")].concat();
    let answer = post_raw(&app, "", by_header).await;
    assert_eq!(answer["to"], json!(["sales@example.org", "bo@example.com"]));
    let forged = [b"X-Switchboard-Envelope-To: forged@example.org\r\nEnvelope-To: forged@example.org\r\n".as_slice()];
    let forged = [forged[0], &b"Delivered-To: forged@example.org\r\n".repeat(60), &to_others("3")].concat();
    let answer = post_raw(&app, "?to=sales@example.org", forged).await;
    assert_eq!(answer["to"], json!(["sales@example.org", "bo@example.com"]), "nobody names them but the mail server");
    let ours = [b"X-Switchboard-Envelope-To: forged@example.org\r\n".as_slice(), &to_others("4")].concat();
    assert_eq!(post_raw(&app, "", ours).await["to"], json!("bo@example.com"));
    let many: Vec<String> = (0..80).map(|at| format!("to=s{at}@example.org")).collect();
    let answer = post_raw(&app, &format!("?{}", many.join("&")), to_others("5")).await;
    assert_eq!(answer["to"].as_array().unwrap().len(), 81);
    for (at, before) in ["From ann Mon Mar  2 12:00:00 2026\r\n", "\u{feff}", "\r\n\r\n"].into_iter().enumerate() {
        let mail = [before.as_bytes(), &to_others(&format!("b{at}"))].concat();
        let answer = post_raw(&app, "?to=sales@example.org", mail).await;
        assert_eq!((answer.status.as_u16(), text(&answer["body"])), (200, "x"), "{before:?}: {:?}", answer.body);
        assert_eq!(answer["to"], json!(["sales@example.org", "bo@example.com"]), "{before:?}");
    }
    let nobody = raw(&["From: ann@example.com", "To: undisclosed-recipients:;", "", "x"]);
    let answer = post_raw(&app, "?to=support@example.org", nobody.clone()).await;
    assert_eq!((answer.status.as_u16(), text(&answer["to"])), (200, "support@example.org"));
    let answer = post_raw(&app, "", nobody).await;
    assert_eq!((answer.status.as_u16(), answer.errors()), (202, vec!["to required".to_owned()]));
    app.run_outbox().await;
}

#[tokio::test]
async fn answers_go_where_their_sender_wants_them() {
    let app = TestApp::start().await;
    let form = from_ann("form", &["Reply-To: customer@example.net"], "by a form");
    let received = post_raw(&app, "", form).await;
    assert_eq!(text(&received["reply_to"]), "customer@example.net");
    let path = format!("/api/conversations/{}/messages", received["conversation_id"]);
    let reply = app.post(&path, json!({ "body": "hello" })).await;
    assert_eq!((text(&reply["to"]), &reply["conversation_id"]), ("customer@example.net", &received["conversation_id"]));
    app.run_outbox().await;
    let references = app.provider.attempts()[0].envelope.references.clone();
    assert_eq!(references, ["form@example.com"]);
    let ours = format!("In-Reply-To: <{}@messages.example>", app.provider.attempts()[0].envelope.reference);
    let back =
        raw(&["From: customer@example.net", "To: support@example.org", "Message-ID: <b@x>", &ours, "", "thanks"]);
    assert_eq!(post_raw(&app, "", back).await["conversation_id"], received["conversation_id"]);
}

#[tokio::test]
async fn a_stranger_who_knows_the_name_of_a_mail_gets_into_no_conversation() {
    let app = TestApp::start().await;
    let sent = app.send(email("between us")).await;
    app.run_outbox().await;
    let reference = app.provider.attempts()[0].envelope.reference.clone();
    let theirs = post_raw(&app, "", from_ann("secret", &[], "a secret")).await;
    for (at, (from, to, names)) in [
        ("stranger@example.net", "user@usehatchapp.com", format!("<{reference}@messages.example>")),
        ("contact@gmail.com", "elsewhere@example.org", format!("<{reference}@messages.example>")),
        ("user@usehatchapp.com", "user@usehatchapp.com", format!("<{reference}@messages.example>")),
        ("stranger@example.net", "support@example.org", "<secret@example.com>".to_owned()),
        ("contact@gmail.com", "user@usehatchapp.com", "<secret@example.com>".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        let mail = raw(&[
            &format!("From: {from}"),
            &format!("To: {to}"),
            &format!("Message-ID: <s{at}@example.net>"),
            &format!("In-Reply-To: {names}"),
            &format!("References: {names}"),
            "",
            "let me in",
        ]);
        let answer = post_raw(&app, "", mail).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        assert_ne!(answer["conversation_id"], theirs["conversation_id"], "{from} {to}");
        let is_between_them = from == "contact@gmail.com" && to == "user@usehatchapp.com";
        assert_eq!(answer["conversation_id"] == sent["conversation_id"], is_between_them, "{from} {to}");
    }
}

#[tokio::test]
async fn a_mail_goes_on_after_a_mail_that_came_in_also_by_a_reference_further_back() {
    let app = TestApp::start().await;
    let first = post_raw(&app, "", from_ann("first", &[], "hello")).await;
    let other = raw(&[
        "From: ann@example.com",
        "To: support@example.org, cy@example.com",
        "Message-ID: <second@example.com>",
        "In-Reply-To: <nobody-knows@example.com>",
        "References: <first@example.com> <lost@example.com>",
        "",
        "with somebody else",
    ]);
    assert_eq!(post_raw(&app, "", other).await["conversation_id"], first["conversation_id"]);
    let alone = from_ann("third", &["Cc: dee@example.com"], "without any");
    assert_ne!(post_raw(&app, "", alone).await["conversation_id"], first["conversation_id"]);
}

#[tokio::test]
async fn fifty_of_the_same_mail_at_once_are_one_message() {
    let app = TestApp::start().await;
    let answers = join_all((0..50).map(|_| post_raw(&app, "", with_files()))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer["id"] == answers[0]["id"]));
    assert_eq!(app.count_messages().await, 1);
    assert_eq!(app.list("/api/conversations").await[0]["unread_count"], 1);
    assert_eq!(app.database().number("select count(*) from attachments").await, 4);
    assert_eq!(notes(&app, &answers[0].body).await.len(), 1);
}

#[tokio::test]
async fn a_mail_is_one_however_often_it_is_handed_over_and_none_takes_anothers_place() {
    let app = TestApp::start().await;
    let first = post_raw(&app, "?to=support@example.org", from_ann("same", &[], "hello")).await;
    let again = [
        b"Received: from elsewhere\r\nDelivered-To: support@example.org\r\n".as_slice(),
        &from_ann("same", &[], "hello\r\n"),
    ]
    .concat();
    assert_eq!(post_raw(&app, "", again).await["id"], first["id"]);
    for other in [
        post_raw(&app, "", from_ann("same", &[], "something else under the same name")).await,
        post_raw(&app, "?to=hidden@example.org", from_ann("same", &[], "hello")).await,
        post_raw(
            &app,
            "",
            raw(&["From: bo@example.com", "To: support@example.org", "Message-ID: <same@example.com>", "", "hello"]),
        )
        .await,
    ] {
        assert_eq!(other.status, 200, "{:?}", other.body);
        assert_ne!(other["id"], first["id"]);
    }
    let nameless = || raw(&["From: ann@example.com", "To: support@example.org", "", "no name"]);
    let one = post_raw(&app, "", nameless()).await;
    assert_eq!(post_raw(&app, "", nameless()).await["id"], one["id"]);
    assert_eq!(app.count_messages().await, 5);
}

#[tokio::test]
async fn what_cannot_be_read_waits_in_quarantine_with_its_bytes_and_its_envelope() {
    let app = TestApp::start().await;
    let answer = post_raw(&app, "?to=support@example.org", &b"no mail at all \xff\0"[..]).await;
    assert_eq!((answer.status.as_u16(), answer.errors()), (202, vec!["mail invalid".to_owned()]));
    let answer = post_raw(&app, "", &b"no mail at all \xff\0"[..]).await;
    assert_eq!((answer.status.as_u16(), answer.errors()), (202, vec!["mail invalid".to_owned()]));
    let kept = app.list("/api/quarantine").await;
    assert_eq!((kept.len(), text(&kept[1]["path"])), (2, RAW));
    assert!(text(&kept[1]["raw"]).starts_with("X-Switchboard-Envelope-To: support@example.org\r\nno mail at all"));
    for row in &kept {
        let replayed = app.post(&format!("/api/quarantine/{}/replay", row["id"]), Value::Null).await;
        assert_eq!(replayed.status, 409, "{:?}", replayed.body);
    }
    let whole = from_ann("late", &[], "understood at last");
    let id = quarantine(&app.messaging, WorkspaceId::DEFAULT, RAW, "a reader of before", &whole).await.unwrap();
    let replayed = app.post(&format!("/api/quarantine/{id}/replay"), Value::Null).await;
    assert_eq!((replayed.status.as_u16(), text(&replayed["message"]["body"])), (200, "understood at last"));
    assert_eq!(app.list("/api/quarantine").await.len(), 2);
    assert_eq!(post_raw(&app, "", Vec::new()).await.status, 400);
    for (media, status) in
        [("application/json", 415), ("text/plain; charset=x", 200), ("application/octet-stream", 200)]
    {
        let request = Request::post(RAW).header("content-type", media).body(whole.clone().into()).unwrap();
        assert_eq!(app.raw(request).await.status, status, "{media}");
    }
}

#[tokio::test]
async fn in_serve_a_mail_server_shows_its_secret() {
    let app = Setup::serve().start().await;
    let mail = from_ann("guarded", &[], "hello");
    assert_eq!(post_raw(&app, "", mail.clone()).await.status, 401);
    let key = app.key(&[Scope::Admin]).await;
    for (authorization, status) in [(key, 401), (format!("Bearer {WEBHOOK_SECRET}"), 200)] {
        let request =
            Request::post(RAW).header("content-type", "message/rfc822").header("authorization", authorization);
        assert_eq!(app.raw(request.body(mail.clone().into()).unwrap()).await.status, status);
    }
}

#[tokio::test]
async fn what_a_mail_quotes_is_told_apart_in_text_and_in_html() {
    let app = TestApp::start().await;
    let text_mail = from_ann("quote", &[], "Yes.\r\n\r\nAm 02.03.2026 um 12:00 schrieb Bo:\r\n> Is it so?");
    let shown = post_raw(&app, "", text_mail).await;
    assert_eq!((text(&shown["new_text"]), &shown["text"]), ("Yes.", &Value::Null));
    let html = "<div>Yes, <b>so</b>.</div><div class=\"gmail_quote\"><div>On Mon, 2 Mar 2026 Bo &lt;<a href=\"mailto:bo@example.org\">bo@example.org</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\">Is it so?</blockquote></div>";
    let html_mail = from_ann("html", &["Content-Type: text/html; charset=utf-8"], html);
    let shown = post_raw(&app, "", html_mail).await;
    assert_eq!(text(&shown["new_text"]), "Yes, so.", "{}", shown["text"]);
    assert!(
        text(&shown["text"]).starts_with("Yes, so.") && text(&shown["text"]).contains("Is it so?"),
        "{}",
        shown["text"]
    );
    let none = post_raw(&app, "", from_ann("none", &[], "Nothing quoted.")).await;
    assert_eq!(none["new_text"], Value::Null);
    let sent = app.send(email("Mine.\n\n> yours\n")).await;
    assert_eq!(sent["new_text"], Value::Null, "what we send is ours");
    app.run_outbox().await;
    let deleted = app.call(Method::GET, "/api/conversations/1/messages", None).await;
    assert_eq!(text(&deleted["data"][0]["new_text"]), "Yes.");
}
