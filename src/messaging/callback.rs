//! What a provider shows when it calls back to a URL that we gave it with a message: a token for that message alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::Messaging;

/// Bytes of a token.
const TOKEN_BYTES: usize = 16;

/// The token for a provider's callbacks about one reference of ours. It is the same at every attempt, and outlives every
/// master key.
pub fn callback_token(m: &Messaging, provider: &str, reference: &str) -> String {
    URL_SAFE_NO_PAD.encode(mac(m, provider, reference))
}

/// Whether a token is that of this provider and reference, found in a time that does not tell.
pub fn is_callback_token(m: &Messaging, (provider, reference): (&str, &str), token: &str) -> bool {
    let given = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    mac(m, provider, reference)[..].ct_eq(&given).into()
}

fn mac(m: &Messaging, provider: &str, reference: &str) -> [u8; TOKEN_BYTES] {
    let whole = m.store.vault().fingerprint(&[b"callback token", provider.as_bytes(), reference.as_bytes()]);
    let mut token = [0; TOKEN_BYTES];
    token.copy_from_slice(&whole[..TOKEN_BYTES]);
    token
}
