//! What SendGrid gets.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use switchboard::blob::Blobs;
use switchboard::provider::{Attachment, Envelope, Outcome, Provider, SendGrid, SendGridSettings, StoredFile};

use super::server::{Act, Server};
use super::{Kind, envelope, files, http, mailbox, taken, wire};

fn adapter(server: &Server, folder: &std::path::Path) -> SendGrid {
    let settings = SendGridSettings {
        base_url: format!("http://{}", server.address).parse().unwrap(),
        api_key: "SG.key".to_owned(),
        host: "messages.example.com".to_owned(),
    };
    SendGrid::new(settings, wire(Duration::from_secs(5)), files(folder))
}

async fn sent(envelope: &Envelope, folder: &std::path::Path) -> (String, Value) {
    let server = Server::http(Act::Say(taken(Kind::SendGrid))).await;
    let outcome = adapter(&server, folder).send(envelope).await;
    assert_eq!(outcome, Outcome::Accepted { reference: "sg-1".to_owned() });
    let got = server.got();
    let (head, body) = got[0].split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn sendgrid_gets_text_beside_html_files_links_and_our_reference() {
    let folder = tempfile::tempdir().unwrap();
    Blobs::in_folder(folder.path()).unwrap().put("00/key", Bytes::from_static(b"bytes")).await.unwrap();
    let (name, media_type, object_key) = ("a.txt".to_owned(), "text/plain".to_owned(), "00/key".to_owned());
    let file = StoredFile { name, media_type, size_bytes: 5, object_key };
    let mail = Envelope {
        to: vec![mailbox("b@people.example"), mailbox("B@people.example"), mailbox("c@people.example")],
        cc: vec![mailbox("c@people.example"), mailbox("d@people.example")],
        reply_to: Some(mailbox("e@sms.example")),
        body: "<p>hello</p>".to_owned(),
        attachments: vec![
            Attachment { url: "https://messages.example.com/link".to_owned(), file: Some(file) },
            Attachment { url: "https://a.example/picture.png".to_owned(), file: None },
        ],
        ..envelope(Kind::SendGrid)
    };
    let (head, body) = sent(&mail, folder.path()).await;
    assert!(head.starts_with("post /v3/mail/send http/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: bearer sg.key") && head.contains("content-type: application/json"), "{head}");
    let link = "<ul><li><a href=\"https://a.example/picture.png\">https://a.example/picture.png</a></li></ul>";
    let wanted = json!({
        "personalizations": [{
            "to": [{ "email": "b@people.example" }, { "email": "c@people.example" }],
            "cc": [{ "email": "d@people.example" }],
        }],
        "from": { "email": "server@sms.example" },
        "reply_to": { "email": "e@sms.example" },
        "subject": "about",
        "content": [
            { "type": "text/plain", "value": "hello\n\nhttps://a.example/picture.png" },
            { "type": "text/html", "value": format!("<p>hello</p>{link}") },
        ],
        "attachments": [
            { "content": "Ynl0ZXM=", "type": "text/plain", "filename": "a.txt", "disposition": "attachment" },
        ],
        "headers": { "Message-ID": "<e-1-0@messages.example.com>" },
        "custom_args": { "reference": "e-1-0" },
    });
    assert_eq!(body, wanted);
}

#[tokio::test]
async fn a_mail_without_subject_or_text_has_what_sendgrid_wants_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mail = Envelope { subject: None, body: String::new(), ..envelope(Kind::SendGrid) };
    let (_, body) = sent(&mail, folder.path()).await;
    assert_eq!(
        (&body["subject"], &body["content"]),
        (&json!("(no subject)"), &json!([{ "type": "text/plain", "value": " " }]))
    );
}

#[tokio::test]
async fn a_mail_whose_file_is_gone_is_refused_and_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let (name, media_type, object_key) = ("a.txt".to_owned(), "text/plain".to_owned(), "00/none".to_owned());
    let file = Some(StoredFile { name, media_type, size_bytes: 5, object_key });
    let attachments = vec![Attachment { url: "x".to_owned(), file }];
    let server = Server::http(Act::Say(taken(Kind::SendGrid))).await;
    let outcome = adapter(&server, folder.path()).send(&Envelope { attachments, ..envelope(Kind::SendGrid) }).await;
    assert!(matches!(&outcome, Outcome::Rejected { code, .. } if code == "attachment_missing"), "{outcome:?}");
    assert!(server.got().is_empty());
}

#[tokio::test]
async fn a_202_that_names_nothing_is_unknown_and_401_is_the_accounts_trouble() {
    let folder = tempfile::tempdir().unwrap();
    for (answer, wanted) in [
        (http(202, "", ""), "unknown"),
        (http(202, "x-message-id: \r\n", ""), "unknown"),
        (http(401, "", ""), "away"),
        (http(403, "", ""), "rejected"),
        (http(413, "", ""), "rejected"),
        (http(302, "location: /x\r\n", ""), "rejected"),
    ] {
        let server = Server::http(Act::Say(answer.clone())).await;
        let outcome = adapter(&server, folder.path()).send(&envelope(Kind::SendGrid)).await;
        assert_eq!(super::name(&outcome), wanted, "{answer}");
    }
}
