//! Pictures that came in: fetched with the service's credentials from its own host alone, kept as attachments, and
//! never from a private network.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use switchboard::domain::{Address, Channel, Draft, Policy, WorkspaceId};
use switchboard::egress::Names;
use switchboard::messaging::{Endpoint as Namespace, Inbound, receive, sweep_files};
use switchboard::outbox::{LineSettings, Outbox};
use switchboard::provider::{Twilio, TwilioSettings, Wire, client};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::{HOOK, TOKEN, tell, with_twilio};
use crate::endpoint::Endpoint;
use crate::harness::{Person, Setup, TestApp, hours, minutes, seconds, text};
use crate::joining::{come, contact};

const GIF: &str = "GIF89a\u{1}\0\u{1}\0\0\0\0;";
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("{status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn moved(location: &str) -> String {
    answer("302 Found", &format!("location: {location}\r\n"), "")
}

/// A worker whose Twilio is at an address of the test's.
fn worker(app: &TestApp, service: &Endpoint) -> Outbox {
    worker_at(app, service.port)
}

fn worker_at(app: &TestApp, port: u16) -> Outbox {
    let settings = TwilioSettings {
        base_url: format!("http://127.0.0.1:{port}").parse().unwrap(),
        account_sid: ACCOUNT.to_owned(),
        user: ACCOUNT.to_owned(),
        password: TOKEN.to_owned(),
        messaging_service_sid: None,
        callback_url: "https://messages.example.com/api/webhooks/twilio/test".to_owned(),
    };
    let wire = Wire { client: client().unwrap(), clock: app.clock.clone(), timeout: Duration::from_secs(5) };
    let provider = Arc::new(Twilio::new(settings, wire));
    let line = LineSettings {
        name: "test".to_owned(),
        provider,
        max_per_second: 100,
        max_in_flight: 10,
        vitals: Arc::default(),
    };
    Outbox::new(app.messaging.clone(), vec![line], app.sender.clone())
}

/// A picture message comes in, whose pictures are at these URLs.
async fn arrived(app: &TestApp, urls: &[&str]) {
    let count = urls.len().to_string();
    let names: Vec<String> = (0..urls.len()).map(|at| format!("MediaUrl{at}")).collect();
    let mut pairs =
        vec![("MessageSid", "MM1"), ("From", "+18045551234"), ("To", "+12016661234"), ("NumMedia", &count[..])];
    pairs.extend(names.iter().map(String::as_str).zip(urls.iter().copied()));
    assert_eq!(tell(app, HOOK, &pairs).await.status, 200);
}

fn at(service: &Endpoint, name: &str) -> String {
    format!("http://127.0.0.1:{}/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/{name}", service.port)
}

async fn message(app: &TestApp) -> Value {
    app.get("/api/conversations/1/messages").await["data"][0].clone()
}

async fn notes(app: &TestApp) -> Vec<String> {
    let timeline = app.timeline(&message(app).await).await;
    timeline.iter().filter(|entry| entry["kind"] == "note").map(|entry| text(&entry["note"]).to_owned()).collect()
}

async fn waiting(app: &TestApp) -> i64 {
    app.database().number("select count(*) from inbound_media").await
}

async fn read(app: &TestApp, path: &str) -> (String, String) {
    let answer = app.get(path).await;
    assert_eq!(answer.status, 200, "{path}");
    (answer.header("content-type").to_owned(), answer.text().to_owned())
}

#[tokio::test]
async fn a_picture_of_a_joined_conversation_is_told_where_it_is_shown() {
    let app = with_twilio(Setup::default()).start().await;
    let service = Endpoint::start().await;
    service.then(&answer("200 OK", "content-type: image/gif\r\n", GIF));
    arrived(&app, &[&at(&service, "ME1")]).await;
    come(&app, "2", "+18045551234", "+12016661235").await;
    let joint = contact(&app, "Ada", &["+18045551234"]).await["conversation_id"].clone();
    assert_eq!(worker(&app, &service).run_due().await.unwrap(), 1);
    let told = "select conversation_id from events where kind = 'message.status' and message_id = 1";
    assert_eq!(json!(app.database().number(told).await), joint);
}

#[tokio::test]
async fn a_picture_becomes_an_attachment_and_its_service_is_shown_its_credentials() {
    let app = with_twilio(Setup::default()).start().await;
    let (service, elsewhere) = (Endpoint::start().await, Endpoint::start().await);
    service.then(&moved(&elsewhere.url())).then(&answer("200 OK", "content-type: text/html\r\n", "a note"));
    elsewhere.then(&answer("200 OK", "content-type: application/x-odd\r\n", GIF));
    let urls = [at(&service, "ME1"), at(&service, "ME2")];
    arrived(&app, &urls.each_ref().map(String::as_str)).await;
    assert_eq!(message(&app).await["attachments"], json!(urls), "until they are here they are where they were");
    let before = message(&app).await["updated_at"].clone();
    app.advance(seconds(1));
    assert_eq!(worker(&app, &service).run_due().await.unwrap(), 2);
    let now = message(&app).await;
    let attachments: Vec<&str> = now["attachments"].as_array().unwrap().iter().map(text).collect();
    let mut found = Vec::new();
    for path in &attachments {
        assert!(path.starts_with("/api/attachments/"), "{path}");
        found.push(read(&app, path).await);
    }
    found.sort();
    assert_eq!(
        found,
        [("image/gif".to_owned(), GIF.to_owned()), ("text/plain; charset=utf-8".to_owned(), "a note".to_owned())]
    );
    assert_ne!(now["updated_at"], before);
    assert_eq!((waiting(&app).await, notes(&app).await.len()), (0, 2));
    let basic = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
    assert!(service.told().iter().all(|told| told.header("authorization") == basic));
    assert_eq!((elsewhere.told().len(), elsewhere.told()[0].header("authorization")), (1, ""));
    assert_eq!(
        app.database().number("select cast(sum(stored_bytes) as bigint) from workspaces").await,
        i64::try_from(GIF.len()).unwrap() + 6
    );
    let files = "select count(*) from files where uploader = 'provider:test' and name like 'media-%'";
    assert_eq!(app.database().number(files).await, 2);
}

#[tokio::test]
async fn what_is_too_large_or_of_no_kind_is_given_up_and_said_so() {
    let app = with_twilio(Setup::default()).start().await;
    let large = "x".repeat(10 * 1024 * 1024 + 1);
    for (n, (reply, wanted)) in [
        (answer("200 OK", "", &large), "it has more than 10 MiB"),
        (format!("200 OK\r\nconnection: close\r\n\r\n{large}"), "it has more than 10 MiB"),
        ("200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_owned(), "it has more than 10 MiB"),
        (answer("200 OK", "content-type: image/png\r\n", "PK\u{3}\u{4}\0\0\0\0"), "it is of no kind that is taken"),
        (answer("200 OK", "", ""), "it is empty"),
        (answer("410 Gone", "", ""), "HTTP 410"),
        (answer("302 Found", "", ""), "HTTP 302"),
    ]
    .into_iter()
    .enumerate()
    {
        let service = Endpoint::start().await;
        service.always(&reply);
        let url = at(&service, "ME1");
        let sid = format!("MM{n}");
        let pairs = [
            ("MessageSid", &sid[..]),
            ("From", "+18045551234"),
            ("To", "+12016661234"),
            ("NumMedia", "1"),
            ("MediaUrl0", &url),
        ];
        assert_eq!(tell(&app, HOOK, &pairs).await.status, 200);
        assert_eq!(worker(&app, &service).run_due().await.unwrap(), 1);
        let newest = app.get("/api/conversations/1/messages?order=desc&limit=1").await["data"][0].clone();
        assert_eq!(newest["attachments"], json!([url]), "{wanted}");
        let note = app.timeline(&newest).await.pop().unwrap();
        assert_eq!(text(&note["note"]), format!("an attachment could not be fetched: {wanted}"));
        assert_eq!((&note["attachment"], &note["tries"]), (&json!(0), &json!(1)));
        assert_eq!(waiting(&app).await, 0);
    }
    assert_eq!(app.database().number("select count(*) from files").await, 0);
}

#[tokio::test]
async fn a_service_that_is_away_is_asked_again_until_a_day_is_over() {
    let app = with_twilio(Setup::default()).start().await;
    let service = Endpoint::start().await;
    service.then(&answer("503 Away", "", "")).then(&answer("404 Not yet", "", "")).then(&answer("401 Who", "", ""));
    service.then(&answer("429 Busy", "retry-after: 900\r\n", "")).then(&answer("200 OK", "", GIF));
    arrived(&app, &[&at(&service, "ME1")]).await;
    let outbox = worker(&app, &service);
    for (wait, wanted) in [(0, 1), (4, 0), (2, 1), (29, 0), (7, 1), (119, 0), (25, 1), (899, 0), (1, 1), (9_999, 0)] {
        app.advance(seconds(wait));
        assert_eq!(outbox.run_due().await.unwrap(), wanted, "after {wait} s");
    }
    assert_eq!(text(&message(&app).await["attachments"][0]), "/api/attachments/1");
    let wanted = [
        "an attachment could not be fetched, and is tried again: HTTP 503",
        "an attachment was fetched from the service",
    ];
    assert_eq!(notes(&app).await, wanted);

    let app = with_twilio(Setup::default()).start().await;
    let gone = Endpoint::start().await;
    let url = at(&gone, "ME1");
    let outbox = worker(&app, &gone);
    drop(gone);
    arrived(&app, &[&url]).await;
    for _ in 0..10 {
        assert_eq!(outbox.run_due().await.unwrap(), 1);
        app.advance(hours(15));
    }
    assert_eq!((outbox.run_due().await.unwrap(), waiting(&app).await), (0, 0));
    let notes = notes(&app).await;
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[1].starts_with("an attachment could not be fetched: ") && notes[1].contains("refused"), "{notes:?}");
}

/// A name server of the test's own.
#[derive(Debug)]
struct TestNames(HashMap<&'static str, IpAddr>);

impl Names for TestNames {
    fn look_up<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        async move { Ok(self.0.get(name).copied().into_iter().collect()) }.boxed()
    }
}

#[tokio::test]
async fn nobody_is_led_into_a_private_network_and_the_service_itself_may_be_in_one() {
    let names = Arc::new(TestNames(HashMap::from([
        ("private.example", IpAddr::from([192, 168, 0, 1])),
        ("loopback.example", IpAddr::from([127, 0, 0, 1])),
        ("metadata.example", IpAddr::from([169, 254, 169, 254])),
    ])));
    let setup = Setup { names, ..Setup::serve() }.with("SWITCHBOARD_WEBHOOKS__ALLOW_HTTP", "true");
    let app = with_twilio(setup).start().await;
    let (service, target) = (Endpoint::start().await, Endpoint::start().await);
    let port = target.port;
    let places = [
        format!("http://127.0.0.1:{port}/x"),
        format!("http://2130706433:{port}/x"),
        format!("http://[::ffff:127.0.0.1]:{port}/x"),
        format!("http://[::1]:{port}/x"),
        format!("http://0.0.0.0:{port}/x"),
        "http://10.0.0.1/x".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("http://loopback.example:{port}/x"),
        "http://private.example/x".to_owned(),
        "https://metadata.example/x".to_owned(),
        format!("//127.0.0.1:{port}/x"),
        "ftp://127.0.0.1/x".to_owned(),
        "file:///etc/passwd".to_owned(),
        format!("http://user:password@example.com:{port}/x"),
    ];
    for place in &places {
        service.then(&moved(place));
    }
    let outbox = worker(&app, &service);
    let count = places.len() + 2;
    for n in 0..count {
        let url = match n.checked_sub(places.len()) {
            None => at(&service, "ME1"),
            Some(0) => format!("http://127.0.0.1:{port}/from-the-start"),
            Some(_) => "http://private.example/from-the-start".to_owned(),
        };
        let sid = format!("MM{n}");
        let pairs = [
            ("MessageSid", &sid[..]),
            ("From", "+18045551234"),
            ("To", "+12016661234"),
            ("NumMedia", "1"),
            ("MediaUrl0", &url),
        ];
        assert_eq!(tell(&app, HOOK, &pairs).await.status, 200);
        assert_eq!(outbox.run_due().await.unwrap(), 1);
        assert_eq!(waiting(&app).await, 0, "given up at once: {url} {:?}", places.get(n));
    }
    assert_eq!((service.told().len(), target.connections()), (places.len(), 0));
    let given_up = "select count(*) from message_events where kind = 'note'";
    assert_eq!(app.database().number(given_up).await, i64::try_from(count).unwrap());
    service.then(&answer("200 OK", "", GIF));
    arrived(&app, &[&at(&service, "ME1")]).await;
    let repeated = app.database().number("select count(*) from attachments where file_id is not null").await;
    assert_eq!(repeated, 0, "MM1 is known already");
    let own = at(&service, "ME2");
    let pairs = [
        ("MessageSid", "MM99"),
        ("From", "+18045551234"),
        ("To", "+12016661234"),
        ("NumMedia", "1"),
        ("MediaUrl0", &own),
    ];
    tell(&app, HOOK, &pairs).await;
    outbox.run_due().await.unwrap();
    let kept = app.database().number("select count(*) from attachments where file_id is not null").await;
    assert_eq!(kept, 1, "the service's own address was configured");
}

#[tokio::test]
async fn three_moves_are_followed_and_a_fourth_is_not() {
    for (moves, is_kept) in [(3, true), (4, false)] {
        let app = with_twilio(Setup::default()).start().await;
        let (service, elsewhere) = (Endpoint::start().await, Endpoint::start().await);
        // Back to the service on the way: it is shown its credentials again, and nobody else is.
        service.then(&moved(&elsewhere.url())).then(&moved("/relative"));
        elsewhere.then(&moved(&at(&service, "ME2")));
        if moves == 4 {
            service.then(&moved("/more"));
        }
        service.then(&answer("200 OK", "", GIF));
        arrived(&app, &[&at(&service, "ME1")]).await;
        worker(&app, &service).run_due().await.unwrap();
        let kept = text(&message(&app).await["attachments"][0]).starts_with("/api/attachments/");
        assert_eq!((kept, waiting(&app).await), (is_kept, 0), "{moves}: {:?}", notes(&app).await);
        assert!(service.told().iter().all(|told| !told.header("authorization").is_empty()));
        assert!(elsewhere.told().iter().all(|told| told.header("authorization").is_empty()));
    }
}

/// A service that keeps the first answer back until it is let through, and gives every other at once.
async fn slow_at_first(first: String, other: String) -> (u16, Arc<Notify>, Arc<Notify>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, held) = (asked.clone(), gate.clone());
    tokio::spawn(async move {
        let mut first = Some(first);
        while let Ok((mut stream, _)) = listener.accept().await {
            let (reply, held) = (first.take(), held.clone());
            let other = other.clone();
            told.notify_one();
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request).await;
                if reply.is_some() {
                    held.notified().await;
                }
                let _ = stream.write_all(format!("HTTP/1.1 {}", reply.unwrap_or(other)).as_bytes()).await;
            });
        }
    });
    (port, asked, gate)
}

#[tokio::test]
async fn whoever_lost_its_lease_changes_nothing_and_what_it_left_is_swept() {
    let app = with_twilio(Setup::default()).start().await;
    let (port, asked, gate) = slow_at_first(answer("200 OK", "", "late"), answer("200 OK", "", GIF)).await;
    arrived(&app, &[&format!("http://127.0.0.1:{port}/ME1")]).await;
    let slow = worker_at(&app, port);
    let fetching = tokio::spawn(async move { slow.run_due().await });
    asked.notified().await;
    assert_eq!(worker_at(&app, port).run_due().await.unwrap(), 0, "it is the first one's for a minute");
    app.advance(minutes(1));
    assert_eq!(worker_at(&app, port).run_due().await.unwrap(), 1);
    let before = (message(&app).await, app.timeline(&message(&app).await).await);
    assert_eq!((waiting(&app).await, text(&before.0["attachments"][0])), (0, "/api/attachments/1"));
    assert_eq!(before.1.last().unwrap()["tries"], 1, "a lease that lapsed is no try");
    gate.notify_one();
    assert_eq!(fetching.await.unwrap().unwrap(), 1);
    assert_eq!((message(&app).await, app.timeline(&message(&app).await).await), before, "the late answer");
    assert_eq!(app.database().number("select count(*) from files").await, 2);
    app.advance(hours(26));
    assert_eq!(sweep_files(&app.messaging).await.unwrap(), 1);
    assert_eq!(read(&app, "/api/attachments/1").await.1, GIF);
}

#[tokio::test]
async fn two_workers_fetch_each_attachment_once() {
    let app = with_twilio(Setup::default()).start().await;
    let service = Endpoint::start().await;
    service.always(&answer("200 OK", "", GIF));
    let urls: Vec<String> = (0..10).map(|n| at(&service, &format!("ME{n}"))).collect();
    arrived(&app, &urls.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (one, two) = (worker(&app, &service), worker(&app, &service));
    let (one, two) = tokio::join!(one.run_due(), two.run_due());
    assert_eq!((one.unwrap() + two.unwrap(), service.told().len()), (10, 10));
    let now = message(&app).await;
    assert!(now["attachments"].as_array().unwrap().iter().all(|url| text(url).starts_with("/api/attachments/")));
}

#[tokio::test]
async fn a_workspace_without_room_keeps_the_picture_where_it_is_for_now() {
    let app = with_twilio(Setup::default()).with("SWITCHBOARD_STORAGE_LIMIT_BYTES", "5").start().await;
    let service = Endpoint::start().await;
    service.always(&answer("200 OK", "", GIF));
    arrived(&app, &[&at(&service, "ME1")]).await;
    worker(&app, &service).run_due().await.unwrap();
    let wanted = "an attachment could not be fetched, and is tried again: the workspace has no room for it";
    assert_eq!((notes(&app).await, waiting(&app).await), (vec![wanted.to_owned()], 1));
    assert_eq!(app.database().number("select count(*) from files").await, 0);
}

#[tokio::test]
async fn a_fetched_picture_is_seen_by_who_sees_its_message_and_by_nobody_else() {
    let app = with_twilio(Setup::default()).start().await;
    let service = Endpoint::start().await;
    service.always(&answer("200 OK", "", GIF));
    arrived(&app, &[&at(&service, "ME1")]).await;
    worker(&app, &service).run_due().await.unwrap();
    let agent = app.person("agentperson", switchboard::domain::Role::Agent).await;
    let member = app.person("memberperson", switchboard::domain::Role::Member).await;
    let status =
        async |person: &Person| app.as_person(person, Method::GET, "/api/attachments/1", None).await.status.as_u16();
    assert_eq!((status(&agent).await, status(&member).await), (200, 404));
}

#[tokio::test]
async fn what_names_no_place_on_the_web_is_left_as_it_is() {
    let app = with_twilio(Setup::default()).start().await;
    arrived(&app, &["attachment-url", "ftp://example.com/x"]).await;
    assert_eq!(waiting(&app).await, 0);
    let pairs = json!({ "from": "+18045551234", "to": "+12016661234", "type": "mms", "messaging_provider_id": "m-1",
        "body": "x", "attachments": ["https://example.com/kept-as-given.jpg"] });
    let request = Request::post("/api/webhooks/sms").header("content-type", "application/json");
    let answer = app.raw(request.body(Body::from(pairs.to_string())).unwrap()).await;
    assert_eq!((answer.status.as_u16(), waiting(&app).await), (200, 0), "contract A keeps them as they are given");
}

/// Attachments that are fetched, given up and tried again; one still waits at the end.
pub async fn traffic(app: &TestApp, (from, to): (&str, &str)) {
    let service = Endpoint::start().await;
    let urls = ["kept", "again", "gone"].map(|name| format!("{}/{name}", service.url()));
    let phone = |number: &str| Address::phone(number, &app.messaging.rules.phone).unwrap();
    let draft = Draft {
        channel: Channel::Mms,
        from: phone(from),
        to: vec![phone(to)],
        cc: Vec::new(),
        reply_to: None,
        subject: None,
        body: "pictures".to_owned(),
        attachments: urls.to_vec(),
        timestamp: None,
        scheduled_at: None,
        deliver_by: None,
        policy: Policy::default(),
    };
    let media_of = Some("test".to_owned());
    let inbound = Inbound { endpoint: Namespace::Twilio, external_id: "MM-1".to_owned(), draft, media_of, mail: None };
    let received = receive(&app.messaging, WorkspaceId::DEFAULT, inbound).await.unwrap();
    for reply in [answer("200 OK", "", GIF), answer("503 Away", "", ""), answer("410 Gone", "", "")] {
        service.then(&reply);
    }
    app.run_outbox().await;
    let notes = app.timeline(&json!(received.message)).await.iter().filter(|entry| entry["kind"] == "note").count();
    assert_eq!(notes, 3);
}
