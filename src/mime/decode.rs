//! Values of headers, transfer encodings and charsets. What is wrongly encoded is read as well as it can be.

use mail_parser::HeaderValue;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::parsers::MessageStream;

use crate::domain::Timestamp;

/// Bytes of one field that are read.
pub(super) const LONGEST_VALUE: usize = 64 * 1024;
/// Encoded words of one field that are decoded.
const MOST_ENCODED_WORDS: usize = 200;
/// Addresses of one field that are read.
const MOST_ADDRESSES: usize = 1_000;
/// Characters of a `Message-ID`; a longer one is none.
const LONGEST_ID: usize = 500;

/// What a part says it is.
#[derive(Debug, Clone, Default)]
pub(super) struct ContentType {
    /// `text/plain`, in lower case; of a disposition its one word.
    pub(super) essence: String,
    parameters: Vec<(String, String)>,
}

impl ContentType {
    /// One without parameters.
    pub(super) fn of(essence: &str) -> Self {
        Self { essence: essence.to_owned(), parameters: Vec::new() }
    }

    /// A parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What stands between the parts of a multipart.
    pub(super) fn boundary(&self) -> Option<&str> {
        self.parameter("boundary").filter(|_| self.essence.starts_with("multipart/")).map(str::trim_end)
    }
}

/// Text in a charset; one that is not named or not known is UTF-8, or else Windows-1252, of which every byte is a
/// character. It holds no NUL, and its lines end in LF.
pub fn decode_text(bytes: &[u8], charset: Option<&str>) -> String {
    let is_plain = |name: &&str| !["utf-8", "utf8", "us-ascii", "ascii"].contains(&name.to_ascii_lowercase().as_str());
    let named = charset.map(str::trim).filter(is_plain).and_then(|name| charset_decoder(name.as_bytes()));
    let text = match (named, std::str::from_utf8(bytes)) {
        (Some(decode), _) => decode(bytes),
        (None, Ok(text)) => text.to_owned(),
        (None, Err(_)) if charset.is_some_and(|name| name.trim().to_ascii_lowercase().starts_with("utf")) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        (None, Err(_)) => match charset_decoder(b"windows-1252") {
            Some(decode) => decode(bytes),
            None => String::from_utf8_lossy(bytes).into_owned(),
        },
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    text.replace("\r\n", "\n").replace('\0', "\u{fffd}")
}

/// Content without its transfer encoding.
pub(super) fn transfer_decode(bytes: &[u8], encoding: &str) -> Vec<u8> {
    match encoding {
        "base64" => {
            let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
            let mut digits: Vec<u8> = bytes.iter().copied().filter(is_digit).collect();
            digits.push(b'=');
            base64_decode(&digits).unwrap_or_else(|| bytes.to_vec())
        }
        "quoted-printable" => quoted_printable(bytes),
        _ => bytes.to_vec(),
    }
}

/// Quoted-printable, in which some equals signs may mean themselves.
fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'=' {
            decoded.push(*byte);
        } else if let (Some(high), Some(low)) = (digit(after.first()), digit(after.get(1))) {
            decoded.push(high * 16 + low);
            rest = &after[2..];
        } else if let Some(next) = soft_break(after) {
            rest = next;
        } else {
            decoded.push(b'=');
        }
    }
    decoded
}

/// What follows the line end behind an equals sign; some servers leave spaces before it.
fn soft_break(after: &[u8]) -> Option<&[u8]> {
    const MOST_SPACES: usize = 100;
    let spaces = after.iter().take(MOST_SPACES).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let rest = &after[spaces..];
    rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))
}

/// A field's value as its parsers want it: UTF-8, of bounded length, and ended by a line end.
fn line(value: &[u8]) -> Vec<u8> {
    let mut text = decode_text(value, None).replace(['\n', '\r'], " ");
    if text.len() >= LONGEST_VALUE {
        text.truncate(text.floor_char_boundary(LONGEST_VALUE));
        // half of an address would be another one
        text.truncate(text.rfind([',', ' ']).unwrap_or(text.len()));
    }
    let mut line = with_few_encoded_words(text).into_bytes();
    line.extend_from_slice(b"\r\n");
    line
}

/// What begins an encoded word is looked for to the end of the line when it never ends; so no more than some may begin.
fn with_few_encoded_words(text: String) -> String {
    match text.match_indices("=?").nth(MOST_ENCODED_WORDS) {
        Some((at, _)) => [&text[..at], &text[at..].replace("=?", "= ?")].concat(),
        None => text,
    }
}

/// A text with encoded words, in one line.
pub(super) fn unstructured(value: &[u8]) -> String {
    let line = line(value);
    let text = match MessageStream::new(&line).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        _ => String::new(),
    };
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

/// The addresses of a list, without the names that stand beside them.
pub(super) fn addresses(value: &[u8]) -> Vec<String> {
    let line = line(value);
    let HeaderValue::Address(found) = MessageStream::new(&line).parse_address() else { return Vec::new() };
    let text = found.iter().filter_map(|one| one.address.as_deref()).map(|text| text.trim().to_owned());
    text.filter(|text| !text.is_empty()).take(MOST_ADDRESSES).collect()
}

/// When a mail says it was written.
pub(super) fn date(value: &[u8]) -> Option<Timestamp> {
    let line = line(value);
    let HeaderValue::DateTime(date) = MessageStream::new(&line).parse_date() else { return None };
    if date.is_valid() { Timestamp::from_seconds(date.to_timestamp()) } else { None }
}

/// The names of mails, without their brackets. Only what may stand in a header again is one.
pub(super) fn message_ids(value: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(value);
    let is_id = |id: &&str| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    if !text.contains('<') {
        let bare = text.split_whitespace().filter(|id| id.contains('@'));
        return bare.filter(is_id).take(1).map(str::to_owned).collect();
    }
    let bracketed = text.split('<').skip(1).filter_map(|rest| rest.split_once('>'));
    bracketed.map(|(id, _)| id.trim()).filter(is_id).map(str::to_owned).collect()
}

/// A `Content-Type` or `Content-Disposition`.
pub(super) fn content_type(value: &[u8]) -> ContentType {
    let line = line(value);
    let HeaderValue::ContentType(found) = MessageStream::new(&line).parse_content_type() else {
        return ContentType::default();
    };
    let essence = match &found.c_subtype {
        Some(subtype) => format!("{}/{subtype}", found.c_type),
        None => found.c_type.to_string(),
    };
    let parameters = found.attributes.into_iter().flatten();
    let parameters = parameters.map(|one| (one.name.to_ascii_lowercase(), one.value.into_owned())).collect();
    ContentType { essence: essence.trim().to_ascii_lowercase(), parameters }
}
