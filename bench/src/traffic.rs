//! What is sent: the same people and the same words to the server and to the peers.

use std::io::Write as _;
use std::rc::Rc;

use crate::load::Write;

/// Recipients of single messages, each a conversation with the one sender.
pub const PEOPLE: u64 = 10_000;
/// Drafts of a batch.
pub const BATCH: u64 = 1_000;
/// The accounts of contract E.
pub const ACCOUNTS: u64 = 100;
/// Who sends.
pub const SENDER: &str = "+12015550100";
/// What a message says.
pub const WORDS: &str = "Your order has left our house and will be with you tomorrow before noon.";

/// A request with everything but its path's variable part and its body written once.
#[derive(Debug, Clone)]
pub struct Shape {
    method: &'static str,
    path: String,
    headers: String,
}

impl Shape {
    /// A request to post JSON.
    pub fn post(path: &str) -> Self {
        Self { method: "POST", path: path.to_owned(), headers: "content-type: application/json\r\n".to_owned() }
    }

    /// A request to read.
    pub fn get(path: &str) -> Self {
        Self { method: "GET", path: path.to_owned(), headers: String::new() }
    }

    /// The same with a key.
    #[must_use]
    pub fn with_key(mut self, key: Option<&str>) -> Self {
        if let Some(key) = key {
            self.headers = format!("{}authorization: Bearer {key}\r\n", self.headers);
        }
        self
    }

    /// The whole request; `rest` goes on the path.
    pub fn write(&self, rest: &str, extra: &str, body: &[u8], request: &mut Vec<u8>) {
        let Self { method, path, headers } = self;
        let length = body.len();
        // writing to memory does not fail
        write!(
            request,
            "{method} {path}{rest} HTTP/1.1\r\nhost: localhost\r\n{headers}{extra}content-length: {length}\r\n\r\n"
        )
        .unwrap_or_default();
        request.extend_from_slice(body);
    }

    /// The request as it stands.
    pub fn once(&self, body: &str) -> Vec<u8> {
        let mut request = Vec::new();
        self.write("", "", body.as_bytes(), &mut request);
        request
    }

    /// One request for each number, with a body of its own.
    pub fn each(self, body: impl Fn(u64) -> String + 'static) -> Write {
        Rc::new(move |number, request| self.write("", "", body(number).as_bytes(), request))
    }

    /// The same, each with a key by which it is known when it comes again.
    pub fn each_once(self, body: impl Fn(u64) -> String + 'static) -> Write {
        let run = unique();
        Rc::new(move |number, request| {
            let extra = format!("idempotency-key: {run:x}-{number}\r\n");
            self.write("", &extra, body(number).as_bytes(), request);
        })
    }

    /// One reading for each number, whose path goes on with what that gives.
    pub fn reading(self, rest: impl Fn(u64) -> String + 'static) -> Write {
        Rc::new(move |number, request| self.write(&rest(number), "", b"", request))
    }
}

/// A draft of contract A for somebody.
pub fn draft(number: u64) -> String {
    format!(r#"{{"from":"{SENDER}","to":"{}","type":"sms","body":"{WORDS}"}}"#, phone(number))
}

/// A message of contract B for somebody.
pub fn form(number: u64) -> String {
    format!(r#"{{"recipient_phone":"{}","message_body":"{WORDS}"}}"#, &phone(number)[2..])
}

/// A text of contract C to somebody; each has an id of its own.
pub fn text(run: u64, number: u64) -> String {
    let (sender, receiver) = (&SENDER[2..], phone(number));
    format!(
        r#"{{"senderPhone":"{sender}","receiverPhone":"{}","messageText":"{WORDS}","timestamp":1760000000,"uuid":"{run:x}-{number}"}}"#,
        &receiver[2..]
    )
}

/// A message of contract E between two.
pub fn said(number: u64) -> String {
    let (sender, recipient) = (scattered(number, ACCOUNTS), scattered(number, ACCOUNTS - 1));
    let recipient = (sender + 1 + recipient) % ACCOUNTS;
    format!(
        r#"{{"sender_user_name":"{}","recipient_user_name":"{}","body":"{WORDS}"}}"#,
        account(sender),
        account(recipient)
    )
}

/// A batch for the next of the recipients.
pub fn batch(number: u64) -> String {
    let first = number * BATCH;
    let drafts: Vec<String> = (first..first + BATCH).map(|number| draft_to(number % PEOPLE)).collect();
    batch_of(&drafts)
}

/// A batch of these.
pub fn batch_of(drafts: &[String]) -> String {
    format!(r#"{{"messages":[{}]}}"#, drafts.join(","))
}

/// A draft for that very recipient.
pub fn draft_to(person: u64) -> String {
    format!(r#"{{"from":"{SENDER}","to":"+1312{person:07}","type":"sms","body":"{WORDS}"}}"#)
}

/// The name of an account.
pub fn account(number: u64) -> String {
    format!("person{number:03}")
}

/// A number that no other run has.
pub fn unique() -> u64 {
    use std::hash::{BuildHasher, RandomState};

    RandomState::new().hash_one(0)
}

fn phone(number: u64) -> String {
    format!("+1312{:07}", scattered(number, PEOPLE))
}

/// Numbers of which neighbours lie apart, so that no order is to be made use of.
pub fn scattered(number: u64, of: u64) -> u64 {
    (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_of_contract_e_writes_to_themselves() {
        for number in 0..10_000 {
            let said: serde_json::Value = serde_json::from_str(&said(number)).unwrap();
            assert_ne!(said["sender_user_name"], said["recipient_user_name"], "{number}");
        }
    }

    #[test]
    fn ten_batches_are_for_everybody() {
        let mut people = std::collections::HashSet::new();
        for number in 0..PEOPLE / BATCH {
            let batch: serde_json::Value = serde_json::from_str(&batch(number)).unwrap();
            let drafts = batch["messages"].as_array().unwrap().clone();
            people.extend(drafts.iter().map(|draft| draft["to"].as_str().unwrap().to_owned()));
        }
        assert_eq!(people.len(), 10_000);
    }

    #[test]
    fn a_request_says_how_long_its_body_is() {
        let request = Shape::post("/a").with_key(Some("k")).once("{}");
        let expected = "POST /a HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                        authorization: Bearer k\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(String::from_utf8(request).unwrap(), expected);
    }
}
