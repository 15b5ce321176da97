//! What services tell us in their own words, proven by their own signatures: nothing forged comes in, nothing that is
//! proven is lost, and what repeats is one.

mod media;
mod sendgrid;
mod twilio;
mod validator;

pub use media::traffic as pictures;

use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt;
use rand::rngs::StdRng;
use url::form_urlencoded::Serializer;

use crate::harness::{Answer, Setup, TestApp};

const PUBLIC: &str = "https://messages.example.com";
const HOOK: &str = "/api/webhooks/twilio/test";
const TOKEN: &str = "the token of a test's account";
const NEXT: &str = "the token after that one";
const FORM: &str = "application/x-www-form-urlencoded";
const FORGED: usize = 10_000;

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// With Twilio as the provider whose line the test provider stands at.
fn with_twilio(setup: Setup) -> Setup {
    Setup { channels: Vec::new(), ..setup }
        .with("SWITCHBOARD_PUBLIC_URL", PUBLIC)
        .with("SWITCHBOARD_REQUEST_LIMIT_PER_MINUTE", "0")
        .with("SWITCHBOARD_PROVIDERS__0__NAME", "test")
        .with("SWITCHBOARD_PROVIDERS__0__KIND", "twilio")
        .with("SWITCHBOARD_PROVIDERS__0__CHANNELS", "sms,mms")
        .with("SWITCHBOARD_PROVIDERS__0__ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef")
        .with("SWITCHBOARD_PROVIDERS__0__AUTH_TOKEN", TOKEN)
        .with("SWITCHBOARD_PROVIDERS__0__AUTH_TOKEN_NEXT", NEXT)
}

fn form(pairs: Pairs<'_>) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// As Twilio signs: the URL, and each parameter by its name.
fn signature(token: &str, url: &str, pairs: Pairs<'_>) -> String {
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let text = sorted.iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
    STANDARD.encode(sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes()), text.as_bytes()))
}

/// Posts what Twilio tells, with any signature.
async fn post_form(app: &TestApp, target: &str, signature: Option<&str>, body: String) -> Answer {
    let mut request = Request::post(target).header("content-type", FORM);
    if let Some(signature) = signature {
        request = request.header("x-twilio-signature", signature);
    }
    app.raw(request.body(body.into()).unwrap()).await
}

/// Posts what Twilio tells, as it signs it.
async fn tell(app: &TestApp, target: &str, pairs: Pairs<'_>) -> Answer {
    post_form(app, target, Some(&signature(TOKEN, &format!("{PUBLIC}{target}"), pairs)), form(pairs)).await
}

/// Another text of the same kind of letters, never the same one.
fn mutated(random: &mut StdRng, text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    loop {
        let mut bytes = text.as_bytes().to_vec();
        let at = random.random_range(0..bytes.len());
        let letter = LETTERS[random.random_range(0..LETTERS.len())];
        match random.random_range(0..8) {
            0..=3 => bytes[at] = letter,
            4 => bytes.insert(at, letter),
            5 => drop(bytes.remove(at)),
            6 => bytes.truncate(at),
            _ => {
                let other = random.random_range(0..bytes.len());
                bytes.swap(at, other);
            }
        }
        if bytes != text.as_bytes() {
            return String::from_utf8(bytes).unwrap();
        }
    }
}

/// What nobody may have left behind.
async fn is_untouched(app: &TestApp) -> bool {
    let mut rows = 0;
    for table in ["messages", "quarantine", "inbound_events", "message_events", "inbound_media", "consents"] {
        rows += app.database().number(&format!("select count(*) from {table}")).await;
    }
    rows == 0
}
