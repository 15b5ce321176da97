//! Uploads: what is taken, who reads it and how, what messages carry it, and what becomes of those that none carries.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::Role;
use switchboard::messaging::sweep_files;
use tokio_util::sync::CancellationToken;

use crate::harness::{Answer, Person, Setup, TestApp, email, hours, sms, text};

const BOUNDARY: &str = "a-boundary-of-the-tests";
const TYPE: &str = "multipart/form-data; boundary=a-boundary-of-the-tests";

fn png() -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0]].concat()
}

/// A form of one part whose header is given.
fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
    [head.as_bytes(), content, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}

pub fn form(name: &str, content: &[u8]) -> Vec<u8> {
    part(&format!("name=\"file\"; filename=\"{name}\""), content)
}

pub async fn post(app: &TestApp, authorization: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut request = Request::post("/api/attachments").header("content-type", TYPE);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    app.raw(request.body(body.into()).unwrap()).await
}

pub async fn upload(app: &TestApp, person: &Person, name: &str, content: &[u8]) -> Value {
    let answer = post(app, Some(&person.authorization), form(name, content)).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    answer.body
}

/// Uploads something; gives its URL.
pub async fn upload_text(app: &TestApp, person: &Person) -> String {
    text(&upload(app, person, "a.txt", b"text").await["url"]).to_owned()
}

pub async fn read(app: &TestApp, person: &Person, file: &Value) -> Answer {
    app.as_person(person, Method::GET, text(&file["url"]), None).await
}

pub fn kept_files(app: &TestApp) -> usize {
    let root = app.folder.path().join("attachments");
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    folders.map(|folder| std::fs::read_dir(folder).unwrap().count()).sum()
}

#[tokio::test]
async fn a_file_is_known_by_its_content_and_read_as_it_was() {
    let app = TestApp::start().await;
    let person = app.person("uploader", Role::Member).await;
    let file = upload(&app, &person, "photo.html", &png()).await;
    assert_eq!(
        file,
        json!({ "id": 1, "url": "/api/attachments/1", "media_type": "image/png", "size_bytes": png().len(),
                "name": "photo.html" })
    );
    let answer = read(&app, &person, &file).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.as_ref()), (200, png().as_slice()));
    for (name, value) in [
        ("content-type", "image/png"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "private, no-cache"),
        ("content-disposition", "inline; filename=\"photo.html\"; filename*=UTF-8''photo.html"),
        ("content-length", &png().len().to_string()),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let tag = answer.header("etag").to_owned();
    let known = [("authorization", person.authorization.as_str()), ("if-none-match", tag.as_str())];
    let again = app.get_with(text(&file["url"]), &known).await;
    assert_eq!((again.status.as_u16(), again.bytes.len(), again.header("etag")), (304, 0, tag.as_str()));
    let head = app.as_person(&person, Method::HEAD, text(&file["url"]), None).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    assert_eq!(head.header("content-length"), png().len().to_string());
}

#[tokio::test]
async fn what_could_run_in_a_browser_is_text_that_is_downloaded_or_is_refused() {
    let app = TestApp::start().await;
    let person = app.person("uploader", Role::Member).await;
    for (name, content) in [
        ("a.png", b"<!doctype html><script>alert(1)</script>".as_slice()),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("a.gif", b"GIF is text with <script>alert(1)</script>"),
        ("a.pdf", b"<html><!-- %PDF-1.7 --><script>alert(1)</script></html>"),
    ] {
        let file = upload(&app, &person, name, content).await;
        assert_eq!(file["media_type"], "text/plain", "{name}");
        let answer = read(&app, &person, &file).await;
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8", "{name}");
        assert!(answer.header("content-disposition").starts_with("attachment; "), "{name}");
        assert!(answer.header("content-security-policy").starts_with("sandbox;"), "{name}");
    }
    let polyglot = [png().as_slice(), b"<script>alert(1)</script>"].concat();
    let file = upload(&app, &person, "a.html", &polyglot).await;
    assert_eq!(read(&app, &person, &file).await.header("content-type"), "image/png");
    for content in
        [b"PK\x03\x04\0\0\0\0".as_slice(), b"MZ\x90\0", b"\x7fELF\x02\0", b"text with \0 in it", b"\xff\xfeh\0"]
    {
        let answer = post(&app, Some(&person.authorization), form("a.txt", content)).await;
        let told = (answer.status.as_u16(), text(&answer["code"]), answer.errors());
        let wanted = (415, "unsupported_file_type", vec!["file unsupported_file_type".to_owned()]);
        assert_eq!(told, wanted, "{content:?}");
    }
    assert_eq!(kept_files(&app), 5);
}

#[tokio::test]
async fn a_form_that_is_none_is_refused_and_leaves_nothing() {
    let app = TestApp::start().await;
    let end = format!("--{BOUNDARY}--\r\n");
    let open = |form: Vec<u8>| form[..form.len() - end.len()].to_vec();
    let two = [open(form("a", b"x")), form("b", b"y")].concat();
    let many: Vec<u8> = (0..10_000).flat_map(|at| open(part(&format!("name=\"f{at}\""), b"x"))).collect();
    let nested =
        [b"Content-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\n\r\nx\r\n--inner--".as_slice()].concat();
    for (about, body, status, errors) in [
        ("nothing", Vec::new(), 400, vec![]),
        ("no part", format!("--{BOUNDARY}--\r\n").into_bytes(), 400, vec!["file required"]),
        ("another boundary", b"--other\r\n\r\n\r\n--other--".to_vec(), 400, vec![]),
        ("no end", form("a", b"x")[..80].to_vec(), 400, vec![]),
        ("another field", part("name=\"other\"", b"x"), 400, vec!["other unknown"]),
        ("no name", part("filename=\"x\"", b"x"), 400, vec![" unknown"]),
        ("two files", two, 400, vec!["file repeated"]),
        ("many parts", many, 400, vec!["f0 unknown"]),
        ("an empty file", form("a", b""), 400, vec!["file empty"]),
        ("a NUL in a name", form("a\0b.txt", b"x"), 400, vec![]),
        ("nested", nested, 400, vec![]),
    ] {
        let answer = post(&app, None, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.errors()),
            (status, errors.into_iter().map(str::to_owned).collect()),
            "{about}"
        );
    }
    for media in ["multipart/form-data", "application/json", "text/plain; boundary=x", "multipart/form-data; boundary="]
    {
        let request = Request::post("/api/attachments").header("content-type", media);
        let answer = app.raw(request.body(Body::from(form("a", b"x"))).unwrap()).await;
        assert!([400, 415].contains(&answer.status.as_u16()), "{media}: {}", answer.status);
    }
    assert_eq!(app.database().number("select count(*) from files").await, 0);
    assert_eq!(kept_files(&app), 0);
}

#[tokio::test]
async fn a_file_of_ten_mebibytes_is_taken_and_one_byte_more_is_not() {
    let app = TestApp::start().await;
    let most = vec![b'x'; 10 * 1024 * 1024];
    let answer = post(&app, None, form("a.txt", &most)).await;
    assert_eq!((answer.status.as_u16(), &answer["size_bytes"]), (201, &json!(most.len())));
    let answer = post(&app, None, form("a.txt", &[most.as_slice(), b"y"].concat())).await;
    assert_eq!((answer.status.as_u16(), text(&answer["code"])), (413, "body_too_large"));
    for head in [form("a.txt", b"")[..120].to_vec(), format!("--{BOUNDARY}\r\nX-Endless: ").into_bytes()] {
        let chunk = Bytes::from(vec![b'x'; 1024 * 1024]);
        let endless = stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
        let head = stream::iter([Ok(Bytes::from(head))]);
        let answer = post(&app, None, Body::from_stream(head.chain(endless))).await;
        assert!([400, 413].contains(&answer.status.as_u16()), "{:?}", answer.body);
    }
    assert_eq!(kept_files(&app), 1);
}

#[tokio::test]
async fn a_hostile_name_is_cleaned() {
    let app = TestApp::start().await;
    let person = app.person("uploader", Role::Member).await;
    let long = "x".repeat(1_000);
    for (name, clean) in [
        ("../../etc/passwd", "passwd"),
        ("gpj.\u{202e}txt.exe", "gpj.txt.exe"),
        ("..", "attachment"),
        ("", "attachment"),
        (long.as_str(), &long[..255]),
    ] {
        let file = upload(&app, &person, name, b"text").await;
        assert_eq!(text(&file["name"]), clean);
        let answer = read(&app, &person, &file).await;
        assert!(answer.header("content-disposition").starts_with("attachment; filename=\""), "{name}");
    }
}

#[tokio::test]
async fn another_members_upload_is_neither_read_nor_attached() {
    let app = TestApp::start().await;
    let owner = app.person("owner", Role::Agent).await;
    let others = [app.person("member", Role::Member).await, app.person("agent", Role::Agent).await];
    let file = upload(&app, &owner, "a.txt", b"mine").await;
    for other in &others {
        assert_eq!(read(&app, other, &file).await.status, 404, "{}", other.username);
    }
    let key = app.key(&[Scope::MessagesRead, Scope::MessagesSend]).await;
    let by_key = [("authorization", key.as_str())];
    assert_eq!(app.get_with(text(&file["url"]), &by_key).await.status, 404);
    let mut draft = sms("look");
    draft["type"] = json!("mms");
    draft["attachments"] = json!(["https://example.com/a.png", file["url"], "/api/attachments/99"]);
    let refused = ["attachments[1] no_such_attachment", "attachments[2] no_such_attachment"];
    let answer = app.as_person(&others[1], Method::POST, "/api/messages/sms", Some(draft.clone())).await;
    assert_eq!((answer.status.as_u16(), answer.errors()), (400, refused.map(str::to_owned).to_vec()));
    let answer = app.post_with("/api/messages/sms", &by_key, draft.to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.errors()), (400, refused.map(str::to_owned).to_vec()));
    assert_eq!(app.count_messages().await, 0);

    draft["attachments"] = json!([file["url"]]);
    let sent = app.as_person(&owner, Method::POST, "/api/messages/sms", Some(draft.clone())).await;
    assert_eq!((sent.status.as_u16(), &sent["attachments"]), (201, &json!([file["url"]])));
    assert_eq!(read(&app, &others[0], &file).await.status, 404, "a member sees no numbers");
    assert_eq!(read(&app, &others[1], &file).await.status, 200);
    assert_eq!(app.get_with(text(&file["url"]), &by_key).await.status, 200);
    let passed_on = app.as_person(&others[1], Method::POST, "/api/messages/sms", Some(draft)).await;
    assert_eq!(passed_on.status, 201, "what is seen may be passed on");
    app.run_outbox().await;
}

#[tokio::test]
async fn in_a_batch_only_the_draft_with_a_foreign_upload_is_refused() {
    let app = TestApp::start().await;
    let owner = app.person("owner", Role::Agent).await;
    let file = upload(&app, &owner, "a.txt", b"mine").await;
    let mut foreign = sms("one");
    foreign["attachments"] = json!([file["url"]]);
    let answer = app.post("/api/messages/batch", json!({ "messages": [foreign, sms("two")] })).await;
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(1), &json!(1)));
    assert_eq!(answer["results"][0]["errors"][0]["field"], "messages[0].attachments[0]");
    app.run_outbox().await;
}

#[tokio::test]
async fn a_provider_gets_a_link_that_needs_no_credentials_and_ends() {
    let app = Setup::serve().with("SWITCHBOARD_PUBLIC_URL", "https://messages.example.com").start().await;
    let agent = app.person("agent", Role::Agent).await;
    let file = upload(&app, &agent, "photo.png", &png()).await;
    for (path, mut draft) in [("/api/messages/sms", sms("look")), ("/api/messages/email", email("look"))] {
        if path.ends_with("sms") {
            draft["type"] = json!("mms");
        }
        draft["attachments"] = json!(["attachment-url", file["url"]]);
        let sent = app.as_person(&agent, Method::POST, path, Some(draft)).await;
        assert_eq!((sent.status.as_u16(), &sent["attachments"][1]), (201, &file["url"]));
        assert_eq!(sent["author"], "agent");
    }
    app.run_outbox().await;
    let attempts = app.provider.attempts();
    assert_eq!(attempts.len(), 2);
    for attempt in &attempts {
        assert_eq!(attempt.envelope.attachments[0].url, "attachment-url");
        let link = &attempt.envelope.attachments[1].url;
        let path = link.strip_prefix("https://messages.example.com").unwrap();
        let answer = app.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.bytes.as_ref()), (200, png().as_slice()), "{path}");
        assert!(answer.header("content-security-policy").starts_with("sandbox;"));
        let another = if path.ends_with('x') { 'y' } else { 'x' };
        for wrong in [
            format!("{}{another}", &path[..path.len() - 1]),
            path.replace("/attachments/1/", "/attachments/2/"),
            format!("{}/x", text(&file["url"])),
            path[..path.len() - 8].to_owned(),
        ] {
            assert_eq!(app.get(&wrong).await.status, 404, "{wrong}");
        }
    }
    let link = attempts[1].envelope.attachments[1].url.replace("https://messages.example.com", "");
    app.advance(hours(48 + 7 * 24 - 1));
    assert_eq!(app.get(&link).await.status, 200);
    app.advance(hours(1));
    assert_eq!(app.get(&link).await.status, 404);
}

#[tokio::test]
async fn what_came_in_never_points_at_an_upload() {
    let app = TestApp::start().await;
    let agent = app.person("agent", Role::Agent).await;
    let secret = app.person("secret", Role::Member).await;
    let file = upload(&app, &secret, "a.txt", b"mine").await;
    let body = json!({ "from": "+18045551234", "to": "+12016661234", "type": "mms", "messaging_provider_id": "m-1",
                       "body": "x", "attachments": [file["url"]] });
    let received = app.post("/api/webhooks/sms", body).await;
    assert_eq!((received.status.as_u16(), &received["attachments"][0]), (200, &file["url"]));
    assert_eq!(read(&app, &agent, &file).await.status, 404);
}

#[tokio::test]
async fn an_upload_that_no_message_carries_is_gone_after_a_day_and_the_others_stay() {
    let app = TestApp::start().await;
    let agent = app.person("agent", Role::Agent).await;
    let [used, unused] = [upload(&app, &agent, "a", b"used").await, upload(&app, &agent, "b", b"unused").await];
    let attach = async |file: &Value| {
        let mut draft = sms("look");
        draft["attachments"] = json!([file["url"]]);
        app.as_person(&agent, Method::POST, "/api/messages/sms", Some(draft)).await.status.as_u16()
    };
    assert_eq!(attach(&used).await, 201);
    app.run_outbox().await;
    assert_eq!(sweep_files(&app.messaging).await.unwrap(), 0);
    app.advance(hours(24));
    assert_eq!(attach(&unused).await, 400, "it is about to go");
    app.advance(hours(2));
    let young = upload(&app, &agent, "c", b"young").await;
    assert_eq!(sweep_files(&app.messaging).await.unwrap(), 1);
    assert_eq!(kept_files(&app), 2);
    for (file, status) in [(&used, 200), (&unused, 404), (&young, 200)] {
        assert_eq!(read(&app, &agent, file).await.status, status, "{file}");
    }
    app.advance(hours(26));
    assert_eq!(sweep_files(&app.messaging).await.unwrap(), 1);
    assert_eq!((kept_files(&app), attach(&used).await), (1, 201));
    app.run_outbox().await;
}

#[tokio::test]
async fn a_file_whose_bytes_are_gone_is_not_there() {
    let app = TestApp::start().await;
    let person = app.person("uploader", Role::Member).await;
    let file = upload(&app, &person, "a.txt", b"text").await;
    std::fs::remove_dir_all(app.folder.path().join("attachments")).unwrap();
    assert_eq!(read(&app, &person, &file).await.status, 404);
}

#[tokio::test]
async fn only_who_may_write_uploads() {
    let app = Setup::serve().start().await;
    let reader = app.key(&[Scope::MessagesRead]).await;
    let sender = app.key(&[Scope::MessagesSend]).await;
    for (authorization, status) in [(None, 401), (Some(reader.as_str()), 403), (Some(sender.as_str()), 201)] {
        let answer = post(&app, authorization, form("a.txt", b"text")).await;
        assert_eq!(answer.status.as_u16(), status);
    }
}

#[tokio::test]
async fn the_file_of_a_message_that_was_taken_back_is_gone_a_day_later_unless_another_carries_it() {
    let app = TestApp::start().await;
    let [one, other] = [app.person("oneperson", Role::Member).await, app.person("another", Role::Member).await];
    let [alone, shared] = [upload(&app, &one, "a", b"alone").await, upload(&app, &one, "b", b"shared").await];
    let say = async |file: &Value| {
        let mut said = json!({ "sender_user_name": one.username, "recipient_user_name": other.username, "body": "x" });
        said["attachments"] = json!([file["url"]]);
        let answer = app.as_person(&one, Method::POST, "/api/messages", Some(said)).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer["id"].clone()
    };
    let (first, second) = (say(&alone).await, say(&shared).await);
    say(&shared).await;
    app.advance(hours(26));
    assert_eq!(sweep_files(&app.messaging).await.unwrap(), 0);
    for id in [first, second] {
        let path = format!("/api/conversations/1/messages/{id}");
        assert_eq!(app.as_person(&one, Method::DELETE, &path, None).await.status, 204);
    }
    app.advance(hours(25));
    assert_eq!(sweep_files(&app.messaging).await.unwrap(), 0, "a day, and an hour for what is under way");
    app.advance(hours(1));
    assert_eq!((sweep_files(&app.messaging).await.unwrap(), kept_files(&app)), (1, 1));
    for (file, status) in [(&alone, 404), (&shared, 200)] {
        assert_eq!(read(&app, &one, file).await.status, status, "{file}");
    }
}

#[tokio::test]
async fn a_file_that_is_attached_again_after_it_was_taken_back_stays() {
    let app = TestApp::start().await;
    let [one, other] = [app.person("oneperson", Role::Member).await, app.person("another", Role::Member).await];
    let file = upload(&app, &one, "a", b"again").await;
    let said = json!({ "sender_user_name": one.username, "recipient_user_name": other.username, "body": "x",
                       "attachments": [file["url"]] });
    let first = app.as_person(&one, Method::POST, "/api/messages", Some(said.clone())).await;
    let path = format!("/api/conversations/1/messages/{}", first["id"]);
    assert_eq!(app.as_person(&one, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(app.as_person(&one, Method::POST, "/api/messages", Some(said)).await.status, 201);
    app.advance(hours(26));
    assert_eq!(sweep_files(&app.messaging).await.unwrap(), 0);
    assert_eq!(read(&app, &other, &file).await.status, 200);
    let waiting = "select count(*) from files where released_at is not null";
    assert_eq!(app.database().number(waiting).await, 0, "it is not looked at again");
}

#[tokio::test]
async fn cleaning_the_outbox_does_not_wait_for_files_and_a_running_server_sweeps_them_beside_it() {
    let app = TestApp::start().await;
    let one = app.person("oneperson", Role::Member).await;
    upload(&app, &one, "a", b"unused").await;
    app.advance(hours(26));
    assert!(!app.outbox.clean().await.unwrap());
    assert_eq!(kept_files(&app), 1);
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (outbox, stop) = (app.outbox.clone(), stop.clone());
        async move { outbox.run(stop).await }
    });
    for _ in 0..200 {
        if kept_files(&app) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(kept_files(&app), 0);
}
