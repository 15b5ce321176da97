//! SendGrid's Inbound Parse, in both of its forms.

use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{from_ann, notes, png, with_files};
use crate::harness::{Answer, Setup, TestApp, WEBHOOK_SECRET, text};

pub const PATH: &str = "/api/webhooks/sendgrid/sg/inbound";
pub const SECRET: &str = "the password of sendgrid";
const NEXT: &str = "the password after that";

pub fn with_sendgrid(setup: Setup) -> Setup {
    setup
        .with("SWITCHBOARD_PUBLIC_URL", "https://messages.example")
        .with("SWITCHBOARD_PROVIDERS__0__NAME", "sg")
        .with("SWITCHBOARD_PROVIDERS__0__KIND", "sendgrid")
        .with("SWITCHBOARD_PROVIDERS__0__CHANNELS", "email")
        .with("SWITCHBOARD_PROVIDERS__0__API_KEY", "SG.key")
        .with("SWITCHBOARD_PROVIDERS__0__WEBHOOK_SECRET", SECRET)
        .with("SWITCHBOARD_PROVIDERS__0__WEBHOOK_SECRET_NEXT", NEXT)
}

/// A form, of fields and of files with their names.
pub fn form(fields: &[(&str, &[u8])], files: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut part = |disposition: String, content: &[u8]| {
        body.extend_from_slice(format!("--xYzZY\r\nContent-Disposition: form-data; {disposition}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    for (name, value) in fields {
        part(format!("name=\"{name}\""), value);
    }
    for (name, file, bytes) in files {
        part(format!("name=\"{name}\"; filename=\"{file}\""), bytes);
    }
    body.extend_from_slice(b"--xYzZY--\r\n");
    body
}

pub async fn post(app: &TestApp, path: &str, password: Option<&str>, body: Vec<u8>) -> Answer {
    let mut request = Request::post(path).header("content-type", "multipart/form-data; boundary=xYzZY");
    if let Some(password) = password {
        request = request.header("authorization", format!("Basic {}", STANDARD.encode(format!("sg:{password}"))));
    }
    app.raw(request.body(body.into()).unwrap()).await
}

const HEADERS: &[u8] = b"From: Ann <ann@example.com>\nTo: other@example.com\nMessage-ID: <parsed@example.com>\n\
    Date: Mon, 2 Mar 2026 13:00:00 +0100\nReply-To: answers@example.com\nReferences: <before@example.com>\n";

fn parsed() -> Vec<u8> {
    let info = json!({ "attachment1": { "filename": "pic.png", "type": "image/png", "content-id": "<pic@1>" },
                       "attachment2": { "filename": "b.zip", "type": "application/zip" } });
    let fields: &[(&str, &[u8])] = &[
        ("headers", HEADERS),
        ("dkim", b"{@example.com : pass}"),
        ("to", b"Support <support@example.org>"),
        ("cc", b"cy@example.com"),
        ("from", b"Ann <ann@example.com>"),
        ("subject", b"Gr\xfc\xdfe"),
        ("html", b"<p>Sch\xf6n</p><img src=\"cid:pic@1\">"),
        ("text", "\u{43f}\u{440}\u{438}".as_bytes()),
        ("envelope", br#"{"to":["support@example.org"],"from":"ann@example.com"}"#),
        ("charsets", br#"{"to":"UTF-8","html":"iso-8859-1","subject":"iso-8859-1","from":"UTF-8","text":"UTF-8"}"#),
        ("attachments", b"2"),
        ("attachment-info", &info.to_string().into_bytes()),
    ];
    form(fields, &[("attachment1", "x", &png()), ("attachment2", "y", b"PK\x03\x04\0")])
}

#[tokio::test]
async fn a_mail_that_sendgrid_has_taken_apart_is_put_together() {
    let app = with_sendgrid(Setup::default()).start().await;
    let answer = post(&app, PATH, Some(SECRET), parsed()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!((text(&answer["from"]), text(&answer["to"])), ("ann@example.com", "support@example.org"));
    assert_eq!((&answer["cc"], text(&answer["subject"])), (&json!(["cy@example.com"]), "Gr\u{fc}\u{df}e"));
    assert_eq!(text(&answer["html"]), "<p>Sch\u{f6}n</p><img src=\"/api/attachments/1\">");
    assert_eq!(
        (text(&answer["reply_to"]), answer["attachments"].as_array().unwrap().len()),
        ("answers@example.com", 2)
    );
    assert_eq!(app.get(text(&answer["attachments"][0])).await.bytes, png());
    let original = app.get(text(&answer["attachments"][1])).await;
    assert!(original.header("content-disposition").contains("original.eml"));
    let holds = |wanted: &[u8]| original.bytes.windows(wanted.len()).any(|window| window == wanted);
    assert!(original.bytes.starts_with(b"From: Ann <ann@example.com>\r\n") && holds(b"\r\nMIME-Version: 1.0\r\n"));
    assert!(holds(b"PK\x03\x04\0") && holds(b"filename=\"y\"") && holds(&png()), "nothing is lost");
    let read = switchboard::mime::read(&original.bytes).unwrap();
    assert!(read.files.iter().any(|file| file.bytes == b"PK\x03\x04\0"));
    let notes = notes(&app, &answer.body).await;
    assert_eq!((notes.len(), text(&notes[0]["name"]), &notes[0]["size_bytes"]), (1, "b.zip", &json!(5)));
    assert_eq!(post(&app, PATH, Some(NEXT), parsed()).await["id"], answer["id"]);
    assert_eq!(app.count_messages().await, 1);
}

#[tokio::test]
async fn two_mails_without_a_name_that_say_the_same_are_two() {
    let app = with_sendgrid(Setup::default()).start().await;
    let at = |hour: u8| {
        let headers = format!("Received: by mx\nDate: Mon, 2 Mar 2026 {hour:02}:00:00 +0000\n");
        let fields: &[(&str, &[u8])] = &[
            ("headers", headers.as_bytes()),
            ("from", b"ann@example.com"),
            ("to", b"support@example.org"),
            ("text", b"ok"),
        ];
        form(fields, &[])
    };
    let first = post(&app, PATH, Some(SECRET), at(9)).await;
    assert_eq!(first.status, 200, "{:?}", first.body);
    assert_ne!(post(&app, PATH, Some(SECRET), at(10)).await["id"], first["id"]);
    assert_eq!(post(&app, PATH, Some(SECRET), at(9)).await["id"], first["id"]);
    assert_eq!(app.count_messages().await, 2);
}

#[tokio::test]
async fn a_mail_that_sendgrid_hands_over_whole_is_read_like_every_other() {
    let app = with_sendgrid(Setup::default()).start().await;
    let mail = with_files();
    let fields: &[(&str, &[u8])] = &[
        ("to", b"support@example.org"),
        ("envelope", br#"{"to":["hidden@example.org"],"from":""}"#),
        ("email", &mail),
    ];
    let answer = post(&app, PATH, Some(SECRET), form(fields, &[])).await;
    assert_eq!((answer.status.as_u16(), text(&answer["subject"])), (200, "Gr\u{fc}\u{df}e"), "{:?}", answer.body);
    assert_eq!(answer["to"], json!(["hidden@example.org", "support@example.org"]));
    assert_eq!(answer["attachments"].as_array().unwrap().len(), 4);
    let notes = notes(&app, &answer.body).await;
    assert!(notes.iter().any(|note| text(&note["note"]).starts_with("a machine")), "its envelope has no sender");
}

#[tokio::test]
async fn only_sendgrid_itself_hands_mails_over() {
    let app = with_sendgrid(Setup::serve()).start().await;
    for (path, password, status) in [
        (PATH, None, 401),
        (PATH, Some("wrong"), 401),
        (PATH, Some(WEBHOOK_SECRET), 401),
        ("/api/webhooks/sendgrid/nobody/inbound", Some(SECRET), 401),
        ("/api/webhooks/sendgrid/test/inbound", Some(WEBHOOK_SECRET), 404),
        (PATH, Some(SECRET), 200),
    ] {
        let answer = post(&app, path, password, parsed()).await;
        assert_eq!(answer.status, status, "{path} {password:?}: {:?}", answer.body);
    }
    let authorization = format!("Basic {}", STANDARD.encode(format!("sg:{SECRET}")));
    let request = Request::post(PATH).header("content-type", "application/json").header("authorization", authorization);
    assert_eq!(app.raw(request.body("{}".into()).unwrap()).await.status, 415);
}

#[tokio::test]
async fn a_form_that_cannot_be_read_waits_in_quarantine_and_is_read_again_from_there() {
    let app = with_sendgrid(Setup::default()).start().await;
    let nobody = form(&[("from", b"ann@example.com"), ("text", b"hello")], &[]);
    for (body, errors) in [
        (nobody.clone(), vec!["to required"]),
        (form(&[], &[]), vec!["form invalid"]),
        (form(&[("dkim", b"none")], &[]), vec!["from required", "to required"]),
        (b"--xYzZY\r\nContent-Disposition: form-data; name=\"from\"\r\n\r\ncut off".to_vec(), vec!["form invalid"]),
        (b"\0\xff".to_vec(), vec!["form invalid"]),
        (form(&[("email", b"no mail")], &[]), vec!["email invalid"]),
    ] {
        let answer = post(&app, PATH, Some(SECRET), body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.errors()),
            (202, errors.iter().map(|one| (*one).to_owned()).collect())
        );
        let again = app.post(&format!("/api/quarantine/{}/replay", answer["quarantined"]), Value::Null).await;
        assert_eq!((again.status.as_u16(), again.errors()), (409, answer.errors()));
    }
    let mail = from_ann("late", &[], "hello");
    let whole = form(&[("email", &mail)], &[]);
    let (messaging, workspace) = (&app.messaging, switchboard::domain::WorkspaceId::DEFAULT);
    let id = switchboard::messaging::quarantine(messaging, workspace, PATH, "before", &whole).await.unwrap();
    let replayed = app.post(&format!("/api/quarantine/{id}/replay"), Value::Null).await;
    assert_eq!((replayed.status.as_u16(), text(&replayed["message"]["body"])), (200, "hello"));
}
