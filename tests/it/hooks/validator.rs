//! Signatures judged by Twilio's own SDK (`twilio` from PyPI): it and the server say the same of each.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use sha2::Digest;

use super::{HOOK, PUBLIC, TOKEN, mutated, post_form, signature, with_twilio};
use crate::harness::Setup;

/// A form, as it is posted, and where to.
struct Case {
    url: String,
    target: String,
    pairs: Vec<(String, String)>,
}

fn judge(cases: &[Value]) -> Vec<Value> {
    let made = Command::new("bin/python-tools.sh").output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let python = String::from_utf8(made.stdout).unwrap();
    let mut command = Command::new(python.trim());
    command.arg("tests/it/hooks/validator.py").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = json!(cases).to_string();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

impl Case {
    fn draw(random: &mut StdRng, n: usize) -> Self {
        let words = ["", "a", "caf\u{e9}", "+12025550111", "x y", "&=%", "\u{1f600}", "B1", "1"];
        let mut word = || words[random.random_range(0..words.len())].to_owned();
        let mut pairs = vec![("MessageSid".to_owned(), format!("SM{n}")), ("Body".to_owned(), word())];
        pairs.extend([("From".to_owned(), "+18045551234".to_owned()), ("To".to_owned(), "+12016661234".to_owned())]);
        pairs.extend((0..4).map(|at| (format!("Extra{}", at % 2), word())));
        let at = random.random_range(0..pairs.len());
        pairs.rotate_left(at);
        let port = if random.random_bool(0.5) { ":443" } else { "" };
        let query = ["", "?a=1&b=2", "?a=%20%2B"][random.random_range(0..3)];
        let target = format!("{HOOK}{query}");
        Self { url: format!("{PUBLIC}{port}{target}"), target, pairs }
    }

    fn asked(&self, signature: &str) -> Value {
        let mut params: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in &self.pairs {
            params.entry(name).or_default().push(value);
        }
        json!({ "token": TOKEN, "url": self.url, "params": params, "signature": signature })
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

#[tokio::test]
async fn twilios_own_validator_and_the_server_say_the_same() {
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let cases: Vec<Case> = (0..200).map(|n| Case::draw(&mut random, n)).collect();
    let ours: Vec<String> = cases.iter().map(|case| signature(TOKEN, &case.url, &case.pairs())).collect();
    let shown: Vec<String> = ours
        .iter()
        .map(|right| if random.random_bool(0.5) { right.clone() } else { mutated(&mut random, right) })
        .collect();
    let asked: Vec<Value> = cases.iter().zip(&shown).map(|(case, shown)| case.asked(shown)).collect();
    let said = judge(&asked);
    let app = with_twilio(Setup::serve()).start().await;
    let mut taken = 0;
    for (((case, ours), shown), said) in cases.iter().zip(&ours).zip(&shown).zip(said) {
        assert_eq!(said["made"], json!(ours), "{}", case.url);
        let form = super::form(&case.pairs());
        let answer = post_form(&app, &case.target, Some(shown), form).await;
        let is_taken = answer.status.is_success();
        assert_eq!(said["valid"], json!(is_taken), "{} {shown}: {}", case.url, answer.text());
        taken += usize::from(is_taken);
    }
    assert!((50..150).contains(&taken), "{taken}");
}

#[tokio::test]
async fn twilios_own_validator_takes_json_as_the_server_does() {
    let body = r#"{"MessageSid":"SM1","From":"+18045551234","To":"+12016661234","Body":"caf\u00e9"}"#;
    let hash = hex::encode(sha2::Sha256::digest(body));
    let app = with_twilio(Setup::serve()).start().await;
    let wrong = hash.replace(['0', '1'], "2");
    for (hash, is_right) in [(&hash, true), (&wrong, false)] {
        let target = format!("{HOOK}?bodySHA256={hash}");
        let url = format!("{PUBLIC}{target}");
        let signature = signature(TOKEN, &url, &[]);
        let said = judge(&[json!({ "token": TOKEN, "url": url, "body": body, "signature": signature })]);
        assert_eq!((&said[0]["made"], &said[0]["valid"]), (&json!(signature), &json!(is_right)));
        let answer = app.post_with(&target, &[("x-twilio-signature", &signature)], body).await;
        assert_eq!(answer.status.is_success(), is_right);
    }
}
