//! What Twilio gets, what its codes mean, and how a message is found there.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use switchboard::domain::Status;
use switchboard::provider::{Attachment, Envelope, Found, Outcome, Provider, Sought, Twilio, TwilioSettings};

use super::server::{Act, Server};
use super::{ACCOUNT, Kind, SID, envelope, http, phone, taken, twilio_settings, wire};
use crate::harness::START;

const SERVICE: &str = "MG0123456789abcdef0123456789abcdef";

fn adapter(server: &Server) -> Twilio {
    Twilio::new(settings(server), wire(Duration::from_secs(5)))
}

fn settings(server: &Server) -> TwilioSettings {
    twilio_settings(&format!("http://{}/", server.address))
}

async fn form(
    settings: impl FnOnce(TwilioSettings) -> TwilioSettings,
    envelope: &Envelope,
) -> (String, Vec<(String, String)>) {
    let server = Server::http(Act::Say(taken(Kind::Twilio))).await;
    let adapter = Twilio::new(settings(self::settings(&server)), wire(Duration::from_secs(5)));
    assert_eq!(adapter.send(envelope).await, Outcome::Accepted { reference: SID.to_owned() });
    let got = server.got();
    let (head, body) = got[0].split_once("\r\n\r\n").unwrap();
    let pairs =
        url::form_urlencoded::parse(body.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()));
    (head.to_lowercase(), pairs.collect())
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn twilio_gets_a_form_with_our_reference_and_token_in_its_callback() {
    let link = |url: &str| Attachment { url: url.to_owned(), file: None };
    let mms = Envelope {
        body: "caf\u{e9} & more".to_owned(),
        attachments: vec![link("https://a.example/1?x=1&y=2"), link("https://a.example/2")],
        ..envelope(Kind::Twilio)
    };
    let (head, form) = form(|settings| settings, &mms).await;
    assert!(
        head.starts_with(&format!("post /2010-04-01/accounts/{}/messages.json http/1.1\r\n", ACCOUNT.to_lowercase()))
    );
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    let callback = "https://messages.example.com/api/webhooks/twilio/test?reference=e-1-0&token=tok-en_1";
    let wanted = pairs(&[
        ("To", "+12015550101"),
        ("From", "+12015550100"),
        ("Body", "caf\u{e9} & more"),
        ("MediaUrl", "https://a.example/1?x=1&y=2"),
        ("MediaUrl", "https://a.example/2"),
        ("StatusCallback", callback),
    ]);
    assert_eq!(form, wanted);
}

#[tokio::test]
async fn a_messaging_service_and_an_api_key_stand_in_for_sender_and_token() {
    let other = |settings: TwilioSettings| TwilioSettings {
        messaging_service_sid: Some(SERVICE.to_owned()),
        user: "SK1".to_owned(),
        password: "secret".to_owned(),
        ..settings
    };
    let (head, form) = form(other, &envelope(Kind::Twilio)).await;
    assert_eq!(form[1], ("MessagingServiceSid".to_owned(), SERVICE.to_owned()));
    assert!(form.iter().all(|(name, _)| name != "From"));
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "SK1:secret");
    assert!(head.contains(&format!("authorization: basic {}", basic.to_lowercase())), "{head}");
}

#[tokio::test]
async fn a_message_to_several_is_refused_and_not_sent() {
    let server = Server::http(Act::Say(taken(Kind::Twilio))).await;
    let several = Envelope { to: vec![phone("+12015550101"), phone("+12015550102")], ..envelope(Kind::Twilio) };
    let outcome = adapter(&server).send(&several).await;
    assert!(matches!(&outcome, Outcome::Rejected { code, .. } if code == "too_many_recipients"), "{outcome:?}");
    assert!(server.got().is_empty());
}

#[tokio::test]
async fn each_code_of_twilios_has_its_outcome() {
    for (status, code, wanted) in [
        (400, 21211, "rejected 21211"),
        (400, 21610, "rejected opted_out"),
        (429, 21611, "retry"),
        (400, 21611, "retry"),
        (429, 20429, "retry"),
        (401, 20003, "away"),
        (400, 30001, "retry"),
        (400, 30003, "rejected 30003"),
        (400, 21408, "rejected 21408"),
        (400, 99999, "rejected 99999"),
        (404, 20404, "rejected 20404"),
        (500, 20500, "doubtful"),
        (503, 20503, "doubtful"),
        (500, 21211, "doubtful"),
        (503, 20429, "retry"),
        (408, 0, "unknown"),
    ] {
        let body = json!({ "code": code, "message": "said by Twilio", "status": status }).to_string();
        let server = Server::http(Act::Say(http(status, "retry-after: 9\r\n", &body))).await;
        let outcome = adapter(&server).send(&envelope(Kind::Twilio)).await;
        let said = match &outcome {
            Outcome::Rejected { code, reason } => {
                assert!(reason.len() > 20, "{reason}");
                format!("rejected {code}")
            }
            Outcome::Retry { after, is_away, .. } => {
                assert_eq!(*after, Some(Duration::from_secs(9)));
                if *is_away { "away" } else { "retry" }.to_owned()
            }
            other => super::name(other).to_owned(),
        };
        assert_eq!(said, wanted, "{status} {code}: {outcome:?}");
    }
}

fn listed(changes: &[(&str, Value)]) -> Value {
    let mut listed: BTreeMap<&str, Value> = BTreeMap::from([
        ("sid", json!(SID)),
        ("direction", json!("outbound-api")),
        ("to", json!("+12015550101")),
        ("from", json!("+12015550100")),
        ("body", json!("hello")),
        ("status", json!("delivered")),
        ("date_created", json!("Mon, 02 Mar 2026 12:00:03 +0000")),
        ("error_code", Value::Null),
    ]);
    listed.extend(changes.iter().cloned());
    json!(listed)
}

async fn look_up(answer: String) -> (Found, String) {
    let server = Server::http(Act::Say(answer)).await;
    let since = START.parse().unwrap();
    let sought = Sought { envelope: envelope(Kind::Twilio), since, until: since + Duration::from_secs(10) };
    let found = adapter(&server).look_up(&sought).await;
    (found, server.got()[0].lines().next().unwrap().to_owned())
}

#[tokio::test]
async fn the_one_message_that_fits_is_found_by_recipient_sender_text_and_time() {
    let others = [
        listed(&[("body", json!("another")), ("sid", json!("SM1"))]),
        listed(&[("to", json!("+12015550199")), ("sid", json!("SM2"))]),
        listed(&[("direction", json!("inbound")), ("sid", json!("SM3"))]),
        listed(&[("date_created", json!("Mon, 02 Mar 2026 11:58:59 +0000")), ("sid", json!("SM4"))]),
        listed(&[("date_created", json!("Mon, 02 Mar 2026 12:01:11 +0000")), ("sid", json!("SM5"))]),
        listed(&[("date_created", Value::Null), ("sid", json!("SM6"))]),
    ];
    for one in [listed(&[]), listed(&[("body", json!("Sent from your Twilio trial account - hello"))])] {
        let list = [&others[..], &[one]].concat();
        let (found, line) = look_up(http(200, "", &json!({ "messages": list }).to_string())).await;
        assert_eq!(found, Found::Taken { reference: SID.to_owned(), status: Some(Status::Delivered) });
        let wanted = format!(
            "GET /2010-04-01/Accounts/{ACCOUNT}/Messages.json?To=%2B12015550101&PageSize=50&From=%2B12015550100 HTTP/1.1"
        );
        assert_eq!(line, wanted);
    }
}

#[tokio::test]
async fn none_or_several_or_too_many_messages_or_no_list_say_nothing() {
    let old = listed(&[("body", json!("another"))]);
    let full: Vec<Value> = std::iter::once(listed(&[])).chain(vec![old; 49]).collect();
    for (status, body) in [
        (200, json!({ "messages": [] }).to_string()),
        (200, json!({ "messages": [listed(&[]), listed(&[("sid", json!("SM7"))])] }).to_string()),
        (200, json!({ "messages": full }).to_string()),
        (200, json!({ "messages": [listed(&[("sid", json!(""))])] }).to_string()),
        (200, "<html>".to_owned()),
        (404, "{}".to_owned()),
        (500, "{}".to_owned()),
    ] {
        let (found, _) = look_up(http(status, "", &body)).await;
        assert!(matches!(found, Found::Unclear { .. }), "{status} {body:.80}: {found:?}");
    }
}
