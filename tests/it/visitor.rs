//! Somebody in front of a browser: keeps cookies, and reads their phone and their mail.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use switchboard::domain::{AddressKind, Channel, Timestamp, UserId};

use crate::harness::{Answer, TestApp, text};

pub const PASSWORD: &str = "four words nobody joins";

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: UserId,
    pub username: String,
    /// The `Authorization` that shows their session.
    pub authorization: String,
}

/// A browser.
#[derive(Debug, Default)]
pub struct Visitor {
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Visitor {
    /// Somebody who has signed up and entered the code.
    pub async fn new(app: &TestApp, username: &str, mobile: &str) -> Self {
        let visitor = Self::default();
        let made = visitor.post(app, "/api/users", sign_up(username, mobile)).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        visitor.enter_code(app).await;
        visitor
    }

    /// Signs in with the password, and enters no code.
    pub async fn login(&self, app: &TestApp, username: &str) -> Answer {
        self.post(app, "/api/auth/login", json!({ "login": username, "password": PASSWORD })).await
    }

    /// Enters the code of the last text.
    pub async fn enter_code(&self, app: &TestApp) -> Answer {
        let code = last_code(app).await;
        let answer = self.post(app, "/api/auth/verify-code", json!({ "code": code })).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer
    }

    /// Asks for a code for a purpose and gives it.
    pub async fn code_for(&self, app: &TestApp, purpose: &str) -> String {
        let sent = self.post(app, "/api/auth/send-code", json!({ "purpose": purpose })).await;
        assert_eq!(sent.status, 202, "{:?}", sent.body);
        last_code(app).await
    }

    pub async fn is_signed_in(&self, app: &TestApp) -> bool {
        let answer = self.get(app, "/api/auth/authenticated").await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer["authenticated"].as_bool().unwrap()
    }

    pub async fn get(&self, app: &TestApp, path: &str) -> Answer {
        self.call(app, Method::GET, path, Value::Null).await
    }

    pub async fn post(&self, app: &TestApp, path: &str, body: Value) -> Answer {
        self.call(app, Method::POST, path, body).await
    }

    pub async fn call(&self, app: &TestApp, method: Method, path: &str, body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let cookies = self.cookies();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        let answer = app.raw(request.body(Body::from(body.to_string())).unwrap()).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let mut kept = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert(name.to_owned(), value.to_owned());
            kept.retain(|_, value| !value.is_empty());
        }
        answer
    }

    /// What it would send as `Cookie`.
    pub fn cookies(&self) -> String {
        let kept = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Another browser with the same cookies: a thief's.
    pub fn copy(&self) -> Self {
        let kept = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        Self { cookies: Mutex::new(kept.clone()) }
    }
}

pub fn sign_up(username: &str, mobile: &str) -> Value {
    json!({ "username": username, "email": format!("{username}@people.example"), "mobile": mobile,
            "password": PASSWORD, "name": "Ana Maria Tester" })
}

/// The code of the last text that the provider was given.
pub async fn last_code(app: &TestApp) -> String {
    app.run_outbox().await;
    let attempts = app.provider.attempts();
    let mut texts = attempts.iter().filter(|attempt| attempt.envelope.channel == Channel::Sms);
    let body = texts.next_back().map(|attempt| attempt.envelope.body.clone()).unwrap();
    let code = body.split(' ').next().unwrap().to_owned();
    assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{body}");
    code
}

/// Another code than this one.
pub fn wrong(code: &str) -> String {
    let digit = if code.ends_with('0') { '1' } else { '0' };
    format!("{}{digit}", &code[..5])
}

/// Subjects and bodies of the mails to an address, the oldest first.
pub async fn mails_to(app: &TestApp, address: &str) -> Vec<(String, String)> {
    app.run_outbox().await;
    let attempts = app.provider.attempts();
    let is_to = |to: &switchboard::domain::Address| to.kind() == AddressKind::Email && to.as_str() == address;
    let mails = attempts.iter().filter(|attempt| attempt.envelope.to.iter().any(is_to));
    mails.map(|mail| (mail.envelope.subject.clone().unwrap(), mail.envelope.body.clone())).collect()
}

/// The token of the last mail with a link to an address.
pub async fn last_token(app: &TestApp, address: &str) -> String {
    let mails = mails_to(app, address).await;
    let body = mails.iter().rev().find(|(_, body)| body.contains('#')).map(|(_, body)| body.clone()).unwrap();
    body.split('#').nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
}

/// Status and code of an answer.
pub fn outcome(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), text(&answer["code"]))
}

/// The code that a device shows at a time.
pub fn shown(secret: &str, at: Timestamp) -> String {
    const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<u8> = secret
        .chars()
        .flat_map(|c| {
            let value = u8::try_from(BASE32.find(c).unwrap()).unwrap();
            (0..5).rev().map(move |bit| value >> bit & 1)
        })
        .collect();
    let bytes: Vec<u8> = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect();
    let secret: [u8; 20] = bytes.try_into().unwrap();
    let builder = totp_rs::Builder::new().with_secret(totp_rs::Secret::new_stack(secret));
    builder.build_noncompliant().generate(u64::try_from(at.seconds()).unwrap()).to_string()
}
