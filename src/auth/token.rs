//! Secrets that are handed out once: a prefix that says what for, and 256 random bits. What is kept is their SHA-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::clock::Clock;

/// Makes one.
pub(super) fn new_token(prefix: &str, clock: &Clock) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(clock.bytes::<32>()))
}

/// What is kept of one. A token is as hard to guess as its 256 bits, so that a slow hash would add nothing.
pub(super) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
