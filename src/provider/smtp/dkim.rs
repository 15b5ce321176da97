//! DKIM (RFC 6376): signs a mail, so that whoever gets it can ask the DNS of its domain who sent it.
//!
//! `rsa-sha256` with both canonicalizations relaxed, which every verifier knows.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::domain::Timestamp;

/// The headers that are signed, those of them that a mail has.
const SIGNED: [&str; 13] = [
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
];

/// What signs the mails of one domain. Its `Debug` form hides the key.
#[derive(Clone)]
pub struct Dkim {
    domain: String,
    selector: String,
    key: Arc<KeyPair>,
}

/// A file holds no private key that can sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must hold an RSA private key of 2048 bits or more, in PEM (PKCS #8 or PKCS #1)")]
pub struct NotAKey;

impl Dkim {
    /// Takes a key in PEM, and under which name of which domain its public half stands.
    ///
    /// # Errors
    ///
    /// The text is no such key.
    pub fn new(domain: &str, selector: &str, pem: &str) -> Result<Self, NotAKey> {
        let lines: String = pem.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(lines).map_err(|_| NotAKey)?;
        let key = KeyPair::from_pkcs8(&der).or_else(|_| KeyPair::from_der(&der)).map_err(|_| NotAKey)?;
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), key: Arc::new(key) })
    }

    /// The mail with its signature in front; it must have CR LF for every line end.
    pub(super) fn sign(&self, mail: &[u8], now: Timestamp) -> Result<Vec<u8>, NotAKey> {
        let text = String::from_utf8_lossy(mail);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let headers = unfolded(head);
        let present: Vec<&(String, String)> = SIGNED
            .iter()
            .filter_map(|name| headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)))
            .collect();
        let names: Vec<&str> = present.iter().map(|(name, _)| name.as_str()).collect();
        let unsigned = format!(
            "v=1; a=rsa-sha256; c=relaxed/relaxed; d={}; s={};\r\n\tt={}; h={};\r\n\tbh={};\r\n\tb=",
            self.domain,
            self.selector,
            now.seconds(),
            names.join(":"),
            STANDARD.encode(Sha256::digest(relaxed_body(body))),
        );
        let mut input: String = present.iter().map(|(name, value)| relaxed_header(name, value) + "\r\n").collect();
        input.push_str(&relaxed_header("DKIM-Signature", &unsigned));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
            .map_err(|_| NotAKey)?;
        let header = format!("DKIM-Signature: {unsigned}{}\r\n", STANDARD.encode(signature));
        Ok([header.as_bytes(), mail].concat())
    }
}

/// The headers of a head, each with its value as it stands, line ends in it included.
fn unfolded(head: &str) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.split("\r\n") {
        match (line.starts_with([' ', '\t']), headers.last_mut()) {
            (true, Some((_, value))) => {
                value.push_str("\r\n");
                value.push_str(line);
            }
            (true, None) => {}
            (false, _) => headers.extend(line.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()))),
        }
    }
    headers
}

/// Section 3.4.2.
fn relaxed_header(name: &str, value: &str) -> String {
    let words: Vec<&str> = value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
    format!("{}:{}", name.trim_end().to_ascii_lowercase(), words.join(" "))
}

/// Section 3.4.4.
fn relaxed_body(body: &str) -> String {
    let mut relaxed = String::with_capacity(body.len());
    for line in body.split("\r\n") {
        let mut was_space = false;
        for c in line.trim_end_matches([' ', '\t']).chars() {
            let is_space = matches!(c, ' ' | '\t');
            if !is_space {
                relaxed.push(c);
            } else if !was_space {
                relaxed.push(' ');
            }
            was_space = is_space;
        }
        relaxed.push_str("\r\n");
    }
    let kept = relaxed.trim_end_matches("\r\n").len();
    relaxed.truncate(kept);
    if !relaxed.is_empty() {
        relaxed.push_str("\r\n");
    }
    relaxed
}

impl fmt::Debug for Dkim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dkim").field("domain", &self.domain).field("selector", &self.selector).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_canonical_as_it_says() {
        assert_eq!(relaxed_header("A", " X"), "a:X");
        assert_eq!(relaxed_header("B ", " Y\t\r\n\tZ  "), "b:Y Z");
        assert_eq!(relaxed_body(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
        assert_eq!(relaxed_body(""), "");
        assert_eq!(relaxed_body("\r\n\r\n"), "");
        assert_eq!(relaxed_body("x"), "x\r\n");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for pem in ["", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "AAAA", "no key"] {
            assert!(Dkim::new("example.com", "s", pem).is_err(), "{pem}");
        }
    }
}
