//! Whether events are SendGrid's: ECDSA over P-256 and SHA-256, of the time in a header and the body as it came.
//!
//! <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features>

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::Timestamp;

/// The header that holds the signature, in base64.
pub const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
/// The header that holds its time, in Unix seconds.
pub const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";
/// How old a signature may be: SendGrid tries for a day. What is repeated within it is known by its events.
const OLDEST: Duration = Duration::from_hours(25);
/// How far SendGrid's clock may be before ours.
const AHEAD: Duration = Duration::from_mins(5);

/// A key that proves events.
#[derive(Debug, Clone)]
pub struct VerifyingKey(ParsedPublicKey);

/// What the two headers claim.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    timestamp: &'a str,
    signature: Vec<u8>,
}

impl VerifyingKey {
    /// Reads a key as SendGrid shows it: the base64 of its DER form; nothing when it is none of P-256.
    pub fn read(text: &str) -> Option<Self> {
        let der = STANDARD.decode(text).ok()?;
        ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, der).ok().map(Self)
    }
}

impl<'a> Claim<'a> {
    /// What the headers claim, when their time is near enough to be believed.
    pub fn read((signature, timestamp): (&str, &'a str), now: Timestamp) -> Option<Self> {
        let is_number = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let at = Timestamp::from_seconds(timestamp.parse().ok().filter(|_| is_number)?)?;
        let is_fresh = now.since(at) <= OLDEST && at.since(now) <= AHEAD;
        let signature = STANDARD.decode(signature).ok().filter(|bytes| !bytes.is_empty())?;
        is_fresh.then_some(Self { timestamp, signature })
    }

    /// Whether it is the signature of this body under one of the keys.
    pub fn is_proven(&self, keys: &[VerifyingKey], body: &[u8]) -> bool {
        let signed = [self.timestamp.as_bytes(), body].concat();
        keys.iter().any(|VerifyingKey(key)| key.verify_sig(&signed, &self.signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn shown(pair: &EcdsaKeyPair) -> String {
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        STANDARD.encode(der.as_ref())
    }

    fn sign(pair: &EcdsaKeyPair, timestamp: &str, body: &[u8]) -> String {
        let signed = [timestamp.as_bytes(), body].concat();
        STANDARD.encode(pair.sign(&SystemRandom::new(), &signed).unwrap())
    }

    fn is_proven(signature: &str, timestamp: &str, body: &[u8], keys: &[VerifyingKey]) -> bool {
        let now = Timestamp::from_seconds(NOW).unwrap();
        Claim::read((signature, timestamp), now).is_some_and(|claim| claim.is_proven(keys, body))
    }

    #[test]
    fn a_body_is_proven_by_its_own_signature_time_and_key_alone() {
        let [one, other] = [(); 2].map(|()| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap());
        let [key, other_key] = [&one, &other].map(|pair| VerifyingKey::read(&shown(pair)).unwrap());
        let (timestamp, body) = (NOW.to_string(), b"[{\"event\":\"open\"}]\r\n");
        let signature = sign(&one, &timestamp, body);
        let both = [other_key.clone(), key.clone()];
        assert!(is_proven(&signature, &timestamp, body, &both));
        assert!(!is_proven(&signature, &timestamp, body, &[other_key]));
        assert!(!is_proven(&signature, &timestamp, body, &[]));
        assert!(!is_proven(&signature, &timestamp, &body[..body.len() - 1], &both));
        assert!(!is_proven(&signature, &(NOW + 1).to_string(), body, &both));
        for odd in ["", "!", &signature[1..], &format!("{signature}AAAA")] {
            assert!(!is_proven(odd, &timestamp, body, &both), "{odd}");
        }
    }

    #[test]
    fn a_signature_is_good_for_a_day_and_an_hour() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let keys = [VerifyingKey::read(&shown(&pair)).unwrap()];
        for (at, is_good) in [(-90_001, false), (-90_000, true), (0, true), (300, true), (301, false)] {
            let timestamp = (NOW + at).to_string();
            assert_eq!(is_proven(&sign(&pair, &timestamp, b"[]"), &timestamp, b"[]", &keys), is_good, "{at}");
        }
        for odd in ["", "+1700000000", " 1700000000", "1700000000.0", "99999999999999999999", "soon"] {
            assert!(!is_proven(&sign(&pair, odd, b"[]"), odd, b"[]", &keys), "{odd}");
        }
    }

    #[test]
    fn only_a_key_of_the_right_curve_is_one() {
        let right = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        assert!(VerifyingKey::read(&shown(&right)).is_some());
        let wrong = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap();
        for text in [shown(&wrong).as_str(), "", "AAAA", "MFkw...", "!"] {
            assert!(VerifyingKey::read(text).is_none(), "{text}");
        }
    }
}
