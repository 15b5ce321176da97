//! The adapters against our own carrier: it plays each service as that service would, and its ledger says what it has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Uri};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use switchboard::carrier::{Bound, CarrierOptions};
use switchboard::clock::Clock;
use switchboard::provider::{Envelope, Found, Outcome, Provider, Sought, Twilio, TwilioSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{KINDS, Kind, PATIENCE, adapter, envelope, name, twilio_settings, wire};

const TIMEOUT: Duration = Duration::from_millis(1_500);
const TOKEN: &str = "a token";

struct Running {
    folder: tempfile::TempDir,
    http: u16,
    smtp: u16,
    serving: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn start(chaos: Value, change: impl FnOnce(CarrierOptions) -> CarrierOptions) -> Running {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("chaos.json"), chaos.to_string()).unwrap();
    let options = CarrierOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        ledger: folder.path().join("ledger.jsonl"),
        callback: None,
        callback_secret: None,
        smtp: Some("127.0.0.1:0".parse().unwrap()),
        twilio_token: None,
        sendgrid_events: None,
        sendgrid_key: None,
        chaos: Some(folder.path().join("chaos.json")),
    };
    let bound = Bound::bind(change(options), Clock::system()).await.unwrap();
    let (http, smtp) = (bound.address().port(), bound.smtp_address().unwrap().port());
    let serving = tokio::spawn(bound.serve(std::future::pending()));
    Running { folder, http, smtp, serving }
}

impl Running {
    /// An adapter of a kind with no connection open.
    fn adapter(&self, kind: Kind, timeout: Duration) -> Arc<dyn Provider> {
        let port = if kind == Kind::Smtp { self.smtp } else { self.http };
        adapter(kind, ("http", port), timeout, self.folder.path())
    }

    fn ledger(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("ledger.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

const FATES: [&str; 18] = [
    "ok",
    "429",
    "503",
    "reject",
    "500_taken",
    "500_not_taken",
    "502_taken",
    "502_not_taken",
    "504_taken",
    "504_not_taken",
    "hang_taken",
    "hang_not_taken",
    "reset_taken",
    "reset_not_taken",
    "half_body_taken",
    "html_taken",
    "endless_taken",
    "ok",
];

fn wanted(kind: Kind, fate: &str) -> &'static str {
    match (fate, kind) {
        ("ok", _) => "accepted",
        ("429", _) | ("500_not_taken" | "502_not_taken" | "504_not_taken", Kind::Smtp) => "retry",
        // Twilio does not say of a 503 that nothing was sent.
        ("503", Kind::Twilio) => "doubtful",
        ("503", _) => "away",
        ("reject", _) => "rejected",
        (fate, kind) if fate.starts_with('5') && kind != Kind::Smtp => "doubtful",
        _ => "unknown",
    }
}

async fn check_fates(kind: Kind) {
    let carrier = start(json!({ "script": FATES, "receipts": "off" }), |options| options).await;
    let mut lines = 0;
    for (n, fate) in FATES.iter().enumerate() {
        let text = format!("{n} {fate}\n.a line that begins with a dot\n\n.\ncaf\u{e9}");
        let envelope = Envelope { reference: format!("e-{n}-0"), body: text.clone(), ..envelope(kind) };
        let timeout = if fate.starts_with("hang") { TIMEOUT } else { PATIENCE };
        let outcome = carrier.adapter(kind, timeout).send(&envelope).await;
        assert_eq!(name(&outcome), wanted(kind, fate), "{kind:?} {fate}: {outcome:?}");
        let is_taken = *fate == "ok" || (fate.ends_with("_taken") && !fate.ends_with("not_taken"));
        lines += usize::from(is_taken);
        let ledger = carrier.ledger();
        assert_eq!(ledger.len(), lines, "{kind:?} {fate}");
        if is_taken {
            let last = &ledger[lines - 1];
            let seen = (&last["reference"], &last["body"], &last["from"], &last["to"]);
            let (from, to) = (json!(envelope.from.as_str()), json!(envelope.to[0].as_str()));
            assert_eq!(seen, (&json!(envelope.reference), &json!(text), &from, &to), "{kind:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_carrier_plays_every_fate_as_each_service_would() {
    for kind in KINDS {
        check_fates(kind).await;
    }
}

async fn look_up(carrier: &Running, envelope: &Envelope) -> Found {
    let now = Clock::system().now();
    let sought = Sought { envelope: envelope.clone(), since: now - Duration::from_secs(5), until: now };
    carrier.adapter(Kind::Twilio, PATIENCE).look_up(&sought).await
}

#[tokio::test]
async fn what_the_carrier_took_as_twilio_is_found_in_its_list_also_after_a_restart() {
    let carrier = start(json!({ "script": ["reset_taken", "reset_not_taken"] }), |options| options).await;
    let taken = Envelope { reference: "e-1-0".to_owned(), body: "taken".to_owned(), ..envelope(Kind::Twilio) };
    let lost = Envelope { reference: "e-2-0".to_owned(), body: "lost".to_owned(), ..envelope(Kind::Twilio) };
    let adapter = carrier.adapter(Kind::Twilio, PATIENCE);
    for envelope in [&taken, &lost] {
        assert_eq!(name(&adapter.send(envelope).await), "unknown");
    }
    let Found::Taken { reference, status: Some(_) } = look_up(&carrier, &taken).await else { panic!("not found") };
    assert_eq!(json!(reference), carrier.ledger()[0]["id"]);
    assert!(reference.len() == 34 && reference.starts_with("SM"), "{reference}");
    assert!(matches!(look_up(&carrier, &lost).await, Found::Unclear { .. }));

    let text = std::fs::read_to_string(carrier.folder.path().join("ledger.jsonl")).unwrap();
    let again = start(json!({}), |options| {
        std::fs::write(&options.ledger, text).unwrap();
        options
    })
    .await;
    assert!(matches!(look_up(&again, &taken).await, Found::Taken { reference: found, .. } if found == reference));
}

/// A request that the carrier made: path and query, headers, body.
type Told = Arc<Mutex<Vec<(String, HeaderMap, Vec<u8>)>>>;

async fn hear() -> (u16, Told) {
    let told = Told::default();
    let heard = Arc::clone(&told);
    let handler = move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
        heard.lock().unwrap().push((uri.to_string(), headers, body.to_vec()));
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/{*path}", post(handler));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (port, told)
}

async fn wait_for(told: &Told, count: usize) -> Vec<(String, HeaderMap, Vec<u8>)> {
    let waiting = async {
        while told.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    told.lock().unwrap().clone()
}

#[tokio::test]
async fn the_carrier_calls_back_as_twilio_does_with_its_signature() {
    let (port, told) = hear().await;
    let signed = |options| CarrierOptions { twilio_token: Some(TOKEN.into()), ..options };
    let carrier = start(json!({ "script": ["reset_taken"] }), signed).await;
    let callback_url = format!("http://127.0.0.1:{port}/hooks/tw");
    let settings = TwilioSettings {
        callback_url: callback_url.clone(),
        ..twilio_settings(&format!("http://127.0.0.1:{}", carrier.http))
    };
    let outcome = Twilio::new(settings, wire(PATIENCE)).send(&envelope(Kind::Twilio)).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }));
    let told = wait_for(&told, 2).await;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, TOKEN.as_bytes());
    for ((uri, headers, body), status) in told.iter().zip(["sent", "delivered"]) {
        assert_eq!(uri, "/hooks/tw?reference=e-1-0&token=tok-en_1");
        let fields: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        assert_eq!((fields["MessageStatus"].as_str(), fields["To"].as_str()), (status, "+12015550101"));
        assert_eq!(json!(fields["MessageSid"]), carrier.ledger()[0]["id"]);
        let mut signed = format!("{callback_url}?reference=e-1-0&token=tok-en_1");
        signed.extend(fields.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
        assert_eq!(headers["x-twilio-signature"], STANDARD.encode(hmac::sign(&key, signed.as_bytes())));
    }
}

#[tokio::test]
async fn the_carrier_tells_events_as_sendgrid_does_signed_and_each_under_one_name() {
    let (port, told) = hear().await;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8));
    let chaos = json!({ "script": ["half_body_taken"], "receipts": "repeated" });
    let carrier = start(chaos, |options| {
        let file = options.ledger.with_extension("pem");
        std::fs::write(&file, pem).unwrap();
        let events = format!("http://127.0.0.1:{port}/events").parse().ok();
        CarrierOptions { sendgrid_events: events, sendgrid_key: Some(file), ..options }
    })
    .await;
    let outcome = carrier.adapter(Kind::SendGrid, PATIENCE).send(&envelope(Kind::SendGrid)).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    wait_for(&told, 3).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let public = key.public_key().as_der().unwrap();
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, headers, body) in told.lock().unwrap().iter() {
        let at = headers["x-twilio-email-event-webhook-timestamp"].as_bytes();
        let signature = STANDARD.decode(&headers["x-twilio-email-event-webhook-signature"]).unwrap();
        let verifier = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public.as_ref());
        verifier.verify(&[at, body].concat(), &signature).unwrap();
        for event in serde_json::from_slice::<Vec<Value>>(body).unwrap() {
            assert_eq!((&event["reference"], &event["email"]), (&json!("e-1-0"), &json!("someone@people.example")));
            let text = |key: &str| event[key].as_str().unwrap().to_owned();
            let id = carrier.ledger()[0]["id"].as_str().unwrap().to_owned();
            assert!(text("sg_message_id").starts_with(&format!("{id}.")));
            names.entry(text("event")).or_default().push(text("sg_event_id"));
        }
    }
    assert_eq!(names.keys().collect::<Vec<_>>(), ["delivered", "open", "processed"]);
    for (event, mut ids) in names {
        assert!(ids.len() >= 2, "{event} is repeated");
        ids.dedup();
        assert_eq!(ids.len(), 1, "{event} has one name");
    }
}

/// Says everything at once and reads until the connection ends; gives the first three characters of each line.
async fn talk(carrier: &Running, said: &str) -> Vec<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", carrier.smtp)).await.unwrap();
    stream.write_all(said.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut heard)).await.unwrap();
    String::from_utf8_lossy(&heard).lines().map(|line| line.chars().take(3).collect()).collect()
}

#[tokio::test]
async fn the_carriers_mail_server_keeps_the_order_of_a_dialogue_and_its_bounds() {
    let carrier = start(json!({}), |options| options).await;
    let mail = "MAIL FROM:<a@b.example> SIZE=10\r\nRCPT TO:<c@d.example>\r\nDATA\r\nMessage-ID: <e-7-0@h>\r\n\r\nhi\r\n..\r\n.\r\n";
    let twice = format!("EHLO me\r\n{mail}{mail}QUIT\r\n");
    let one = ["250", "250", "354", "250"];
    let wanted = [&["220", "250", "250", "250", "250"], &one[..], &one[..], &["221"]].concat();
    assert_eq!(talk(&carrier, &twice).await, wanted, "what comes in one piece is taken one by one");
    let ledger = carrier.ledger();
    assert_eq!((ledger.len(), &ledger[1]["body"], &ledger[1]["reference"]), (2, &json!("hi\n."), &json!("e-7-0")));
    let out_of_order = "DATA\r\nRCPT TO:<a@b>\r\nMAIL nobody\r\nMAIL FROM:<a@b> SIZE=999999999\r\nMAIL FROM:<a@b>\r\n\
                        MAIL FROM:<a@b>\r\nDATA\r\nRSET\r\nRCPT TO:<a@b>\r\nWHAT\r\nNOOP\r\nQUIT\r\n";
    let wanted = ["220", "503", "503", "501", "552", "250", "503", "503", "250", "503", "502", "250", "221"];
    assert_eq!(talk(&carrier, out_of_order).await, wanted);
    assert_eq!(talk(&carrier, &"x".repeat(5_000)).await, ["220"], "a line without an end ends the connection");
    let many = format!("MAIL FROM:<a@b>\r\n{}QUIT\r\n", "RCPT TO:<c@d>\r\n".repeat(101));
    assert_eq!(talk(&carrier, &many).await[101..], ["250", "452", "221"], "a hundred recipients are enough");
    assert_eq!(carrier.ledger().len(), 2);
}
