//! Standard Webhooks 1.0.0: signing what is posted, and proving what was.
//!
//! HMAC-SHA-256 over `id.timestamp.body`, in base64 after `v1,`. A signature is good for five minutes around its time.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::domain::Timestamp;

/// The header that names a message, the same over every attempt.
pub const ID: &str = "webhook-id";
/// The header with the time of the attempt, in Unix seconds.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with one or more signatures, with spaces between them.
pub const SIGNATURE: &str = "webhook-signature";

/// What a secret begins with, before its base64.
pub const PREFIX: &str = "whsec_";

/// How far the time of a signature may be from now, either way.
const TOLERANCE: Duration = Duration::from_mins(5);
/// Bytes of a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Signatures of one message that are looked at.
const MAX_SIGNATURES: usize = 16;

/// A key that signs and proves. Its `Debug` form hides it.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

/// A text is no secret of Standard Webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {PREFIX} and the base64 of 24 to 64 bytes")]
pub struct NotASecret;

/// What a message's headers claim.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    id: &'a str,
    timestamp: &'a str,
    signatures: &'a str,
}

impl SigningKey {
    /// Reads a secret: `whsec_` and base64.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn read(secret: &str) -> Result<Self, NotASecret> {
        let key = secret.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
        key.filter(|key| KEY_BYTES.contains(&key.len())).map(Self).ok_or(NotASecret)
    }

    /// The signature of a message, as its header holds it.
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.mac(id, &at.seconds().to_string(), body)))
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl<'a> Claim<'a> {
    /// What three headers claim, when their time is near enough to be believed.
    pub fn read((id, timestamp, signatures): (&'a str, &'a str, &'a str), now: Timestamp) -> Option<Self> {
        let is_number = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let at = Timestamp::from_seconds(timestamp.parse().ok().filter(|_| is_number)?)?;
        let is_fresh = now.since(at) <= TOLERANCE && at.since(now) <= TOLERANCE;
        (is_fresh && !id.is_empty()).then_some(Self { id, timestamp, signatures })
    }

    /// Whether one of the signatures is that of this body under one of the keys, found in a time that does not tell
    /// which.
    pub fn is_proven(&self, keys: &[SigningKey], body: &[u8]) -> bool {
        let wanted: Vec<[u8; 32]> = keys.iter().map(|key| key.mac(self.id, self.timestamp, body)).collect();
        let given = self.signatures.split(' ').take(MAX_SIGNATURES).filter_map(|signature| {
            let bytes = STANDARD.decode(signature.strip_prefix("v1,")?).ok()?;
            <[u8; 32]>::try_from(bytes).ok()
        });
        let is_same = given.fold(Choice::from(0), |found, given| {
            wanted.iter().fold(found, |found, wanted| found | wanted.ct_eq(&given))
        });
        is_same.into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assume, proptest};

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER: &str = "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH";
    const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const PUBLISHED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    fn key(secret: &str) -> SigningKey {
        SigningKey::read(secret).unwrap()
    }

    fn is_proven(headers: (&str, &str, &str), keys: &[SigningKey], body: &[u8], now: i64) -> bool {
        Claim::read(headers, at(now)).is_some_and(|claim| claim.is_proven(keys, body))
    }

    #[test]
    fn the_published_message_has_the_published_signature() {
        assert_eq!(key(SECRET).sign(MESSAGE, at(1_614_265_330), BODY), PUBLISHED);
        let headers = (MESSAGE, "1614265330", PUBLISHED);
        assert!(is_proven(headers, &[key(SECRET)], BODY, 1_614_265_330));
        assert!(!is_proven(headers, &[key(OTHER)], BODY, 1_614_265_330));
        assert!(!is_proven(headers, &[], BODY, 1_614_265_330));
    }

    #[test]
    fn a_signature_is_good_for_five_minutes_around_its_time() {
        for (now, is_good) in [(-301, false), (-300, true), (0, true), (300, true), (301, false)] {
            let headers = (MESSAGE, "1614265330", PUBLISHED);
            assert_eq!(is_proven(headers, &[key(SECRET)], BODY, 1_614_265_330 + now), is_good, "{now}");
        }
        for odd in ["", "+1614265330", " 1614265330", "1614265330.0", "99999999999999999999", "-1"] {
            assert!(Claim::read((MESSAGE, odd, PUBLISHED), at(1_614_265_330)).is_none(), "{odd}");
        }
    }

    #[test]
    fn one_good_signature_under_one_good_key_is_enough() {
        let other = key(OTHER).sign(MESSAGE, at(1_614_265_330), BODY);
        let keys = [key(OTHER), key(SECRET)];
        for signatures in [PUBLISHED.to_owned(), other.clone(), format!("v1a,xx {PUBLISHED}"), format!("v1,! {other}")]
        {
            assert!(is_proven((MESSAGE, "1614265330", &signatures), &keys, BODY, 1_614_265_330), "{signatures}");
        }
        let bare = &PUBLISHED[3..];
        let many = format!("{}{PUBLISHED}", "v1,AAAA ".repeat(16));
        for signatures in ["", bare, "v1,", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", &many] {
            assert!(!is_proven((MESSAGE, "1614265330", signatures), &keys, BODY, 1_614_265_330), "{signatures}");
        }
    }

    #[test]
    fn a_secret_is_a_prefix_and_24_to_64_bytes() {
        let of = |length| format!("{PREFIX}{}", STANDARD.encode(vec![7; length]));
        for length in [24, 32, 64] {
            assert!(SigningKey::read(&of(length)).is_ok(), "{length}");
        }
        for secret in [of(23), of(65), "whsec_".to_owned(), "whsec_!".to_owned(), STANDARD.encode([7; 24])] {
            assert_eq!(SigningKey::read(&secret).err(), Some(NotASecret), "{secret}");
        }
        assert_eq!(format!("{:?}", key(SECRET)), "SigningKey(***)");
    }

    proptest! {
        #[test]
        fn what_was_changed_on_the_way_is_not_proven(body in any::<Vec<u8>>(), other in any::<Vec<u8>>()) {
            let signature = key(SECRET).sign(MESSAGE, at(1_614_265_330), &body);
            prop_assert!(is_proven((MESSAGE, "1614265330", &signature), &[key(SECRET)], &body, 1_614_265_330));
            prop_assume!(body != other);
            prop_assert!(!is_proven((MESSAGE, "1614265330", &signature), &[key(SECRET)], &other, 1_614_265_330));
            prop_assert!(!is_proven(("other", "1614265330", &signature), &[key(SECRET)], &body, 1_614_265_330));
            prop_assert!(!is_proven((MESSAGE, "1614265331", &signature), &[key(SECRET)], &body, 1_614_265_330));
        }
    }
}
