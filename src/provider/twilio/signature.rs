//! `X-Twilio-Signature`: whether a request is Twilio's.
//!
//! HMAC-SHA-1 under the account's token over the URL that Twilio was given and, of a form, every parameter in the order
//! of their names. A JSON body stands in the URL as `bodySHA256`.
//! <https://www.twilio.com/docs/usage/security#validating-requests>

use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use url::Url;

use super::told::Params;

/// The header that holds it.
pub const SIGNATURE: &str = "x-twilio-signature";
/// Characters of one: 20 bytes in base64.
const LENGTH: usize = 28;
/// The parameter of the URL that holds the hash of a JSON body.
const BODY_HASH: &str = "bodySHA256";

/// A request, as far as it is signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Where the world reaches this server.
    pub public_url: &'a Url,
    /// The path and the query, as they were asked for.
    pub target: &'a str,
    /// What was posted.
    pub body: SignedBody<'a>,
}

/// What was posted, as far as it is signed.
#[derive(Debug, Clone, Copy)]
pub enum SignedBody<'a> {
    /// A form.
    Form(&'a Params),
    /// JSON.
    Json(&'a [u8]),
}

/// Whether a header can be a signature at all.
pub fn is_signature(text: &str) -> bool {
    text.len() == LENGTH && STANDARD.decode(text).is_ok()
}

impl Signed<'_> {
    /// Whether a signature is that of this request under one of the tokens, found in a time that does not tell which.
    pub fn is_proven<'t>(&self, tokens: impl IntoIterator<Item = &'t str>, signature: &str) -> bool {
        let parameters = match self.body {
            SignedBody::Form(params) => joined(params),
            SignedBody::Json(body) => {
                if !self.names_hash_of(body) {
                    return false;
                }
                String::new()
            }
        };
        let texts = self.urls().map(|url| url + &parameters);
        let mut found = Choice::from(0);
        for token in tokens {
            let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
            for text in &texts {
                let wanted = STANDARD.encode(sign(&key, text.as_bytes()));
                found |= wanted.as_bytes().ct_eq(signature.as_bytes());
            }
        }
        found.into()
    }

    /// The URL without a port and with one: Twilio signs either.
    fn urls(&self) -> [String; 2] {
        let (scheme, host) = (self.public_url.scheme(), self.public_url.host_str().unwrap_or_default());
        let port = self.public_url.port_or_known_default().unwrap_or_default();
        [format!("{scheme}://{host}{}", self.target), format!("{scheme}://{host}:{port}{}", self.target)]
    }

    fn names_hash_of(&self, body: &[u8]) -> bool {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let mut named = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == BODY_HASH);
        let (Some((_, hash)), None) = (named.next(), named.next()) else { return false };
        hex::encode(Sha256::digest(body)).as_bytes().ct_eq(hash.to_ascii_lowercase().as_bytes()).into()
    }
}

/// Every parameter in the order of their names, name and value; one that is repeated in the order of its values, and
/// each of them once.
fn joined(params: &Params) -> String {
    let mut pairs: Vec<(&str, &str)> = params.pairs().collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "12345";
    const FORM: &[u8] =
        b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
    const PUBLISHED: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    const TARGET: &str = "/myapp.php?foo=1&bar=2";

    fn is_proven(url: &str, target: &str, form: &[u8], tokens: &[&str], signature: &str) -> bool {
        let (public_url, params) = (url.parse().unwrap(), Params::form(form));
        let signed = Signed { public_url: &public_url, target, body: SignedBody::Form(&params) };
        signed.is_proven(tokens.iter().copied(), signature)
    }

    fn signature(text: &str) -> String {
        STANDARD.encode(sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, TOKEN.as_bytes()), text.as_bytes()))
    }

    #[test]
    fn the_published_request_has_the_published_signature() {
        let url = "https://mycompany.com";
        assert!(is_signature(PUBLISHED));
        assert!(is_proven(url, TARGET, FORM, &[TOKEN], PUBLISHED));
        assert!(is_proven(url, TARGET, FORM, &["other", TOKEN], PUBLISHED));
        assert!(!is_proven(url, TARGET, FORM, &["other"], PUBLISHED));
        assert!(!is_proven(url, TARGET, FORM, &[], PUBLISHED));
        assert!(!is_proven(url, "/myapp.php?foo=1", FORM, &[TOKEN], PUBLISHED));
        assert!(!is_proven("http://mycompany.com", TARGET, FORM, &[TOKEN], PUBLISHED));
        assert!(!is_proven("https://mycompany.org", TARGET, FORM, &[TOKEN], PUBLISHED));
        assert!(!is_proven(url, TARGET, &FORM[..FORM.len() - 1], &[TOKEN], PUBLISHED));
    }

    #[test]
    fn the_url_is_signed_with_its_port_or_without() {
        for (url, signed) in [
            ("https://h.example", "https://h.example/x"),
            ("https://h.example", "https://h.example:443/x"),
            ("http://h.example:80", "http://h.example/x"),
            ("http://h.example", "http://h.example:80/x"),
            ("https://h.example:8443", "https://h.example:8443/x"),
            ("https://h.example:8443", "https://h.example/x"),
        ] {
            assert!(is_proven(url, "/x", b"", &[TOKEN], &signature(signed)), "{url} {signed}");
        }
        for signed in ["https://h.example:8443/x", "https://h.example:80/x", "http://h.example/x"] {
            assert!(!is_proven("https://h.example", "/x", b"", &[TOKEN], &signature(signed)), "{signed}");
        }
    }

    #[test]
    fn a_repeated_parameter_counts_each_of_its_values_once_and_in_order() {
        let wanted = signature("https://h.example/xA1B1B2a");
        for form in [&b"B=2&B=1&A=1&B=2&a="[..], b"A=1&B=1&B=2&a=", b"a=&B=1&B=2&B=1&A=1"] {
            assert!(is_proven("https://h.example", "/x", form, &[TOKEN], &wanted));
        }
        assert!(!is_proven("https://h.example", "/x", b"A=1&B=1&a=", &[TOKEN], &wanted));
    }

    #[test]
    fn a_json_body_is_proven_by_its_hash_in_the_url_and_the_url_by_its_signature() {
        let body = br#"{"MessageSid":"SM1"}"#;
        let hash = hex::encode(Sha256::digest(body));
        let public_url: Url = "https://h.example".parse().unwrap();
        let proven = |target: &str, body: &[u8]| {
            let signature = signature(&format!("https://h.example{target}"));
            Signed { public_url: &public_url, target, body: SignedBody::Json(body) }.is_proven([TOKEN], &signature)
        };
        assert!(proven(&format!("/x?bodySHA256={hash}"), body));
        assert!(proven(&format!("/x?a=1&bodySHA256={}", hash.to_uppercase()), body));
        assert!(!proven(&format!("/x?bodySHA256={hash}"), b"{}"));
        assert!(!proven(&format!("/x?bodySHA256={hash}&bodySHA256={hash}"), body));
        assert!(!proven("/x?bodySHA256=", body));
        assert!(!proven("/x", body));
        let target = format!("/x?bodySHA256={hash}");
        let signed = Signed { public_url: &public_url, target: &target, body: SignedBody::Json(body) };
        assert!(!signed.is_proven([TOKEN], PUBLISHED));
    }

    proptest! {
        #[test]
        fn what_was_changed_on_the_way_is_not_proven(
            pairs in proptest::collection::vec(("[A-Za-z]{1,8}", ".{0,12}"), 0..6), at in 0..28_usize, other in 0..64_u8,
        ) {
            let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let params = Params::form(form.as_bytes());
            let right = signature(&format!("https://h.example/x{}", joined(&params)));
            prop_assert!(is_proven("https://h.example", "/x", form.as_bytes(), &[TOKEN], &right));
            let letter = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[usize::from(other)];
            let mut wrong = right.clone().into_bytes();
            wrong[at] = letter;
            let wrong = String::from_utf8(wrong).unwrap();
            prop_assume!(wrong != right);
            prop_assert!(!is_proven("https://h.example", "/x", form.as_bytes(), &[TOKEN], &wrong));
        }
    }
}
