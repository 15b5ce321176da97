//! The adapter against servers that misbehave: each counts the whole requests it got.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::super::{Attachment, client};
use super::*;
use crate::clock::Clock;
use crate::domain::{AddressKind, Status};

/// What a server does with one request that it has read whole.
#[derive(Clone)]
enum Act {
    /// Answers and keeps the connection.
    Say(Vec<u8>),
    /// Answers and closes.
    SayAndClose(Vec<u8>),
    /// Answers and then stays silent.
    SayAndHang(Vec<u8>),
    /// Sends a reset.
    Reset,
    /// Says nothing.
    Hang,
    /// Sends this over and over.
    Repeat(Vec<u8>, Vec<u8>),
}

struct Server {
    addr: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let acts = Arc::new(Mutex::new(std::collections::VecDeque::from(acts)));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&acts)));
            }
        });
        Self { addr, requests }
    }

    fn url(&self) -> Url {
        format!("http://{}/messages", self.addr).parse().unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<String>>>,
    acts: Arc<Mutex<std::collections::VecDeque<Act>>>,
) {
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().unwrap().push(request);
        let act = acts.lock().unwrap().pop_front().unwrap_or(Act::Hang);
        match act {
            Act::Say(bytes) => stream.write_all(&bytes).await.unwrap(),
            Act::SayAndClose(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                return;
            }
            Act::SayAndHang(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                std::future::pending::<()>().await;
            }
            Act::Reset => return stream.set_zero_linger().unwrap(),
            Act::Hang => std::future::pending::<()>().await,
            Act::Repeat(head, chunk) => {
                stream.write_all(&head).await.unwrap();
                while stream.write_all(&chunk).await.is_ok() {}
                return;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:").map(|length| length.trim().parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

fn settings(url: Url) -> HttpSettings {
    HttpSettings { url, idempotency: None, lookup_url: None, signing_key: None }
}

fn wire(timeout: Duration) -> Wire {
    let clock = Clock::manual("1994-11-06T08:49:07Z".parse().unwrap(), 1);
    Wire { client: client().unwrap(), clock, timeout }
}

fn adapter(settings: HttpSettings) -> Http {
    Http::new(settings, wire(Duration::from_millis(1_500))).unwrap()
}

fn sought(reference: &str) -> Sought {
    let envelope = Envelope { reference: reference.to_owned(), ..envelope() };
    Sought { since: envelope.timestamp, until: envelope.timestamp, envelope }
}

fn phone(text: &str) -> Address {
    Address::from_stored(AddressKind::Phone, text.to_owned())
}

fn envelope() -> Envelope {
    Envelope {
        reference: "ref-1".to_owned(),
        channel: Channel::Sms,
        from: phone("+12015550100"),
        to: vec![phone("+12015550101")],
        cc: Vec::new(),
        reply_to: None,
        unsubscribe: None,
        is_automatic: false,
        references: Vec::new(),
        subject: None,
        body: "hi".to_owned(),
        attachments: Vec::new(),
        timestamp: "2024-11-01T14:00:00Z".parse().unwrap(),
        callback_token: String::new(),
    }
}

async fn send_to(act: Act) -> Outcome {
    let server = Server::start(vec![act]).await;
    let outcome = adapter(settings(server.url())).send(&envelope()).await;
    assert_eq!(server.requests().len(), 1);
    outcome
}

async fn answered(status: &str, headers: &str, body: &str) -> Outcome {
    send_to(Act::Say(http(status, headers, body))).await
}

fn unknown(reason: &str) -> Outcome {
    Outcome::Unknown { reason: reason.to_owned() }
}

fn retry(after: Option<u64>, is_away: bool, reason: &str) -> Outcome {
    Outcome::Retry { after: after.map(Duration::from_secs), is_away, reason: reason.to_owned() }
}

#[tokio::test]
async fn the_payload_is_that_of_contract_a_and_our_reference() {
    let server = Server::start(vec![Act::Say(http("201 Created", "", r#"{"id":"m-1"}"#)); 2]).await;
    let idempotency = Some(("Idempotency-Key".parse().unwrap(), Duration::from_hours(24)));
    let adapter = adapter(HttpSettings { idempotency, ..settings(server.url()) });
    assert_eq!(adapter.send(&envelope()).await, Outcome::Accepted { reference: "m-1".to_owned() });
    let mail = |text: &str| Address::from_stored(AddressKind::Email, text.to_owned());
    let email = Envelope {
        channel: Channel::Email,
        from: mail("a@example.com"),
        to: vec![mail("b@example.com"), mail("c@example.com")],
        cc: vec![mail("d@example.com")],
        reply_to: Some(mail("e@example.com")),
        unsubscribe: None,
        is_automatic: false,
        subject: Some("s".to_owned()),
        attachments: vec![Attachment { url: "x".to_owned(), file: None }],
        ..envelope()
    };
    adapter.send(&email).await;
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /messages HTTP/1.1\r\n"), "{}", requests[0]);
    for header in ["idempotency-key: ref-1", "user-agent: switchboard", "content-type: application/json"] {
        assert!(requests[0].to_lowercase().contains(&format!("\r\n{header}\r\n")), "{}", requests[0]);
    }
    let body = |request: &String| {
        serde_json::from_str::<serde_json::Value>(request.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    assert_eq!(
        body(&requests[0]),
        serde_json::json!({
            "from": "+12015550100", "to": "+12015550101", "type": "sms", "body": "hi", "attachments": [],
            "timestamp": "2024-11-01T14:00:00.000000Z", "reference": "ref-1",
        })
    );
    assert_eq!(
        body(&requests[1]),
        serde_json::json!({
            "from": "a@example.com", "to": ["b@example.com", "c@example.com"], "type": "email", "body": "hi",
            "attachments": ["x"], "timestamp": "2024-11-01T14:00:00.000000Z", "reference": "ref-1",
            "subject": "s", "cc": ["d@example.com"], "reply_to": "e@example.com",
        })
    );
}

#[tokio::test]
async fn what_is_posted_is_signed_under_our_reference_and_only_when_asked_for() {
    let server = Server::start(vec![Act::Say(http("201 Created", "", r#"{"id":"m-1"}"#)); 2]).await;
    let key = SigningKey::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    adapter(HttpSettings { signing_key: Some(key.clone()), ..settings(server.url()) }).send(&envelope()).await;
    adapter(settings(server.url())).send(&envelope()).await;
    let requests = server.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap();
    assert_eq!(header("webhook-id"), "ref-1");
    let now = Timestamp::from_seconds(header("webhook-timestamp").parse().unwrap()).unwrap();
    assert_eq!(header("webhook-signature"), key.sign("ref-1", now, body.as_bytes()));
    assert!(!requests[1].contains("webhook-"), "{}", requests[1]);
}

#[tokio::test]
async fn a_success_that_names_the_message_is_accepted() {
    for (status, body) in [
        ("200 OK", r#"{"id":"m-1"}"#),
        ("202 Accepted", r#"{"messaging_provider_id":"m-1"}"#),
        ("299 Odd", r#"{"xillio_id":"m-1","more":[]}"#),
    ] {
        assert_eq!(answered(status, "", body).await, Outcome::Accepted { reference: "m-1".to_owned() }, "{status}");
    }
    assert_eq!(answered("200 OK", "", r#"{"id":17}"#).await, Outcome::Accepted { reference: "17".to_owned() });
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_unknown() {
    let no_id = |status| unknown(&format!("HTTP {status}, but no id in the answer"));
    assert_eq!(answered("200 OK", "", "").await, no_id(200));
    assert_eq!(answered("201 Created", "", "{}").await, no_id(201));
    assert_eq!(answered("200 OK", "content-type: text/html\r\n", "<html>ok</html>").await, no_id(200));
    assert_eq!(send_to(Act::Say(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())).await, no_id(204));
}

#[tokio::test]
async fn refusals_for_good_are_rejected() {
    let rejected = |code: &str, reason: &str| Outcome::Rejected { code: code.to_owned(), reason: reason.to_owned() };
    assert_eq!(answered("404 Not Found", "", "").await, rejected("404", "HTTP 404"));
    let body = r#"{"code":21211,"message":"The number +12015550101 is wrong"}"#;
    assert_eq!(
        answered("400 Bad Request", "", body).await,
        rejected("21211", "HTTP 400: The number +*********01 is wrong")
    );
    assert_eq!(answered("401 Unauthorized", "", r#"{"code":"+12015550101"}"#).await, rejected("401", "HTTP 401"));
    assert_eq!(answered("422 No", "retry-after: 5\r\n", "").await, rejected("422", "HTTP 422"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent", "304 Not Modified"] {
        let target = Server::start(vec![Act::Say(http("200 OK", "", r#"{"id":"m-1"}"#))]).await;
        let location = format!("location: {}\r\n", target.url());
        let code = status[..3].to_owned();
        let reason = format!("HTTP {code}");
        assert_eq!(answered(status, &location, "").await, Outcome::Rejected { code, reason });
        assert_eq!(target.requests().len(), 0);
    }
}

#[tokio::test]
async fn a_busy_service_is_tried_again_when_it_says() {
    assert_eq!(answered("429 Slow", "retry-after: 7\r\n", "").await, retry(Some(7), false, "HTTP 429"));
    assert_eq!(answered("425 Early", "", "").await, retry(None, false, "HTTP 425"));
    let date = "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    assert_eq!(answered("429 Slow", date, "").await, retry(Some(30), false, "HTTP 429"));
    for rubbish in ["soon", "-1", "1.5", "", "Sun, 99 Nov 1994 08:49:37 GMT"] {
        let header = format!("retry-after: {rubbish}\r\n");
        assert_eq!(answered("503 Away", &header, "").await, retry(None, true, "HTTP 503"), "{rubbish}");
    }
    assert_eq!(answered("503 Away", "retry-after: 120\r\n", "down").await, retry(Some(120), true, "HTTP 503: down"));
}

#[tokio::test]
async fn a_conflict_is_tried_again_only_under_a_key() {
    assert_eq!(answered("409 Conflict", "retry-after: 1\r\n", "").await, unknown("HTTP 409"));
    assert_eq!(answered("408 Timeout", "", "").await, unknown("HTTP 408"));
    for (status, wanted) in [("409 Conflict", retry(Some(1), false, "HTTP 409")), ("408 Late", unknown("HTTP 408"))] {
        let server = Server::start(vec![Act::Say(http(status, "retry-after: 1\r\n", ""))]).await;
        let idempotency = Some(("Idempotency-Key".parse().unwrap(), Duration::from_secs(1)));
        let adapter = adapter(HttpSettings { idempotency, ..settings(server.url()) });
        assert_eq!(adapter.send(&envelope()).await, wanted);
    }
}

#[tokio::test]
async fn a_failure_that_may_have_been_sent_is_doubtful() {
    for code in [500, 501, 502, 504, 505, 507, 520, 599] {
        let reason = format!("HTTP {code}: oops");
        assert_eq!(answered(&format!("{code} X"), "", "oops").await, Outcome::Doubtful { reason });
    }
    assert_eq!(answered("600 X", "", "").await, unknown("HTTP 600"));
}

#[tokio::test]
async fn what_was_never_reached_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = listener.local_addr().unwrap();
    drop(listener);
    let plain = Server::start(Vec::new()).await;
    for url in [
        format!("http://{refused}/"),
        "http://does-not-exist.invalid/".to_owned(),
        format!("https://{}/", plain.addr),
        format!("https://{refused}/"),
    ] {
        let outcome = adapter(settings(url.parse().unwrap())).send(&envelope()).await;
        let Outcome::Retry { after: None, is_away: true, reason } = outcome else { panic!("{url}: {outcome:?}") };
        assert!(reason.starts_with("not reached: ") && !reason.contains("does-not-exist"), "{reason}");
    }
    assert_eq!(plain.requests().len(), 0);
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_certainly_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let timeout = Duration::from_millis(200);
    let outcome = Http::new(settings(url), wire(timeout)).unwrap().send(&envelope()).await;
    assert_eq!(outcome, retry(None, true, "not reached: no answer within 200ms"));
}

#[tokio::test]
async fn silence_after_sending_is_unknown() {
    let start = Instant::now();
    assert_eq!(send_to(Act::Hang).await, unknown("silence after sending: no answer within 1.5s"));
    assert!((1_400..3_000).contains(&start.elapsed().as_millis()));
    let Outcome::Unknown { reason } = send_to(Act::Reset).await else { panic!() };
    assert!(reason.starts_with("silence after sending: "), "{reason}");
    assert_eq!(
        send_to(Act::SayAndClose(Vec::new())).await,
        unknown("silence after sending: connection closed before message completed")
    );
    let Outcome::Unknown { .. } = send_to(Act::SayAndClose(b"HTTP/1.1 20".to_vec())).await else { panic!() };
    let Outcome::Unknown { .. } = send_to(Act::SayAndClose(b"SSH-2.0-OpenSSH\r\n".to_vec())).await else { panic!() };
}

#[tokio::test]
async fn half_an_answer_is_unknown_even_when_it_reads_well() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":\"m-1\"}".to_vec();
    let Outcome::Unknown { reason } = send_to(Act::SayAndClose(half.clone())).await else { panic!() };
    assert!(reason.starts_with("HTTP 200, but the answer broke off: "), "{reason}");
    assert_eq!(send_to(Act::SayAndHang(half)).await, unknown("HTTP 200, but the answer did not end in time"));
}

#[tokio::test]
async fn an_endless_answer_is_unknown_in_bounded_time() {
    let start = Instant::now();
    let head = b"HTTP/1.1 200 OK\r\n\r\n{\"id\":\"m-1\",\"x\":\"".to_vec();
    let outcome = send_to(Act::Repeat(head, vec![b'x'; 8_192])).await;
    assert_eq!(outcome, unknown("HTTP 200, but the answer is longer than 65536 bytes"));
    assert!(start.elapsed().as_millis() < 1_400);
    let outcome = send_to(Act::Repeat(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".repeat(1_000))).await;
    let Outcome::Unknown { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.starts_with("silence after sending: "), "{reason}");
}

#[tokio::test]
async fn a_refusal_counts_though_its_text_never_ends() {
    let head = b"HTTP/1.1 429 Slow\r\nretry-after: 3\r\ncontent-length: 10\r\n\r\nwait".to_vec();
    let start = Instant::now();
    assert_eq!(send_to(Act::SayAndHang(head)).await, retry(Some(3), false, "HTTP 429: wait"));
    assert!(start.elapsed().as_millis() < 1_400);
    let outcome = send_to(Act::Repeat(b"HTTP/1.1 503 Away\r\n\r\n".to_vec(), vec![b'x'; 8_192])).await;
    let Outcome::Retry { is_away: true, reason, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason.len(), 200);
}

#[tokio::test]
async fn a_connection_that_closed_while_idle_sends_nothing_twice() {
    let said = http("200 OK", "", r#"{"id":"m-1"}"#);
    for idle in [Duration::ZERO, Duration::from_millis(50)] {
        for _ in 0..20 {
            let server = Server::start(vec![Act::SayAndClose(said.clone()); 2]).await;
            let adapter = adapter(settings(server.url()));
            assert_eq!(adapter.send(&envelope()).await, Outcome::Accepted { reference: "m-1".to_owned() });
            tokio::time::sleep(idle).await;
            let outcome = adapter.send(&envelope()).await;
            let is_honest = match server.requests().len() {
                1 => matches!(outcome, Outcome::Unknown { .. } | Outcome::Retry { .. }),
                2 => matches!(outcome, Outcome::Accepted { .. }),
                more => panic!("{more} requests"),
            };
            assert!(is_honest, "{outcome:?} after {} requests", server.requests().len());
        }
    }
}

#[tokio::test]
async fn a_kept_connection_that_takes_and_resets_is_unknown_and_asked_once() {
    let said = http("200 OK", "", r#"{"id":"m-1"}"#);
    let server = Server::start(vec![Act::Say(said.clone()), Act::Reset, Act::Say(said)]).await;
    let adapter = adapter(settings(server.url()));
    adapter.send(&envelope()).await;
    let outcome = adapter.send(&envelope()).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(server.requests().len(), 2);
}

async fn looked_up(act: Act) -> Found {
    let server = Server::start(vec![act]).await;
    let lookup_url = Some(format!("{}?reference={{reference}}", server.url()));
    let found = adapter(HttpSettings { lookup_url, ..settings(server.url()) }).look_up(&sought("a b/ü")).await;
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /messages?reference=a%20b%2F%C3%BC HTTP/1.1\r\n"), "{}", requests[0]);
    found
}

#[tokio::test]
async fn a_look_up_believes_an_id_or_a_404_and_nothing_else() {
    let taken = |status| Found::Taken { reference: "m-1".to_owned(), status };
    let unclear = |reason: &str| Found::Unclear { reason: reason.to_owned() };
    let say = |status, body| looked_up(Act::Say(http(status, "", body)));
    assert_eq!(say("200 OK", r#"{"id":"m-1","status":"delivered"}"#).await, taken(Some(Status::Delivered)));
    assert_eq!(say("200 OK", r#"{"id":"m-1"}"#).await, taken(None));
    for odd in ["queued", "received", "nonsense", ""] {
        let body = format!(r#"{{"id":"m-1","status":"{odd}"}}"#);
        assert_eq!(looked_up(Act::Say(http("200 OK", "", &body))).await, taken(None), "{odd}");
    }
    assert_eq!(say("404 Not Found", "").await, Found::NeverTaken);
    assert_eq!(say("200 OK", "{}").await, unclear("HTTP 200, but no id in the answer"));
    assert_eq!(say("202 Accepted", r#"{"id":"m-1"}"#).await, unclear("HTTP 202"));
    assert_eq!(say("302 Found", "").await, unclear("HTTP 302"));
    assert_eq!(say("410 Gone", "").await, unclear("HTTP 410"));
    assert_eq!(say("500 Oops", "").await, unclear("HTTP 500"));
    assert_eq!(looked_up(Act::Hang).await, unclear("no answer within 1.5s"));
    assert!(matches!(looked_up(Act::Reset).await, Found::Unclear { .. }));
    let unasked = adapter(settings("http://127.0.0.1:9/".parse().unwrap()));
    assert_eq!(unasked.look_up(&sought("r")).await, unclear("this service cannot be asked"));
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let new = |settings| Http::new(settings, wire(Duration::from_secs(1))).err();
    let url: Url = "http://127.0.0.1/".parse().unwrap();
    assert_eq!(new(settings("ftp://127.0.0.1/".parse().unwrap())), Some(HttpSettingsError::Url));
    let hasty = Http::new(settings(url.clone()), wire(Duration::ZERO)).err();
    assert_eq!(hasty, Some(HttpSettingsError::Timeout));
    for lookup in ["http://127.0.0.1/", "{reference}", "file:///{reference}"] {
        let lookup_url = Some(lookup.to_owned());
        let wrong = HttpSettings { lookup_url, ..settings(url.clone()) };
        assert_eq!(new(wrong), Some(HttpSettingsError::LookupUrl), "{lookup}");
    }
    let mut secret = settings(url);
    secret.url.set_password(Some("hunter2")).unwrap();
    assert!(!format!("{:?}", adapter(secret)).contains("hunter2"));
}
