//! A mail as RFC 5322 and MIME write it.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

use super::super::Envelope;
use super::super::mail::{Content, Loaded, message_id, program_headers, proof, thread_headers};
use crate::domain::{Address, Timestamp};

/// Writes a mail, with every line ended by CR LF.
pub(super) fn write(envelope: &Envelope, loaded: &Loaded, (host, now): (&str, Timestamp)) -> Result<Vec<u8>, String> {
    let since = Duration::from_micros(u64::try_from(now.micros()).unwrap_or_default());
    let mut builder = lettre::Message::builder()
        .message_id(Some(message_id(&envelope.reference, host)))
        .date(UNIX_EPOCH + since)
        .from(mailbox(&envelope.from)?);
    for to in &envelope.to {
        builder = builder.to(mailbox(to)?);
    }
    for cc in &envelope.cc {
        builder = builder.cc(mailbox(cc)?);
    }
    if let Some(reply_to) = &envelope.reply_to {
        builder = builder.reply_to(mailbox(reply_to)?);
    }
    if let Some(subject) = &envelope.subject {
        builder = builder.subject(subject.as_str());
    }
    for (name, value) in program_headers(envelope).into_iter().chain([proof(envelope)]) {
        let name = HeaderName::new_from_ascii_str(name);
        builder = builder.raw_header(HeaderValue::dangerous_new_pre_encoded(name, value.clone(), value));
    }
    for (name, value) in thread_headers(envelope) {
        let name = HeaderName::new_from_ascii_str(name);
        // a line for each name: one alone may be as long as a line may be
        let folded = value.replace(' ', "\r\n ");
        builder = builder.raw_header(HeaderValue::dangerous_new_pre_encoded(name, value, folded));
    }
    let message = match (body(Content::of(envelope)), loaded.files.is_empty()) {
        (Body::Text(part), true) => builder.singlepart(part),
        (Body::Both(part), true) => builder.multipart(part),
        (Body::Text(part), false) => builder.multipart(with_files(MultiPart::mixed().singlepart(part), loaded)?),
        (Body::Both(part), false) => builder.multipart(with_files(MultiPart::mixed().multipart(part), loaded)?),
    };
    Ok(with_crlf(&message.map_err(|error| error.to_string())?.formatted()))
}

/// What a mail says: text, or text beside HTML.
enum Body {
    Text(SinglePart),
    Both(MultiPart),
}

/// lettre inserts each CR by itself, in a time that grows with the square of a text's length; here they are there.
fn body(content: Content) -> Body {
    let whole = |text: String| String::from_utf8_lossy(&with_crlf(text.as_bytes())).into_owned();
    let text = whole(content.text);
    match content.html {
        Some(html) => Body::Both(MultiPart::alternative_plain_html(text, whole(html))),
        None => Body::Text(SinglePart::plain(text)),
    }
}

fn with_files(mut whole: MultiPart, loaded: &Loaded) -> Result<MultiPart, String> {
    for (file, bytes) in &loaded.files {
        let kind = ContentType::parse(&file.media_type).map_err(|error| error.to_string())?;
        whole = whole.singlepart(Attachment::new(file.name.clone()).body(bytes.to_vec(), kind));
    }
    Ok(whole)
}

fn mailbox(address: &Address) -> Result<Mailbox, String> {
    let address = address.as_str().parse().map_err(|_| "an address cannot stand in a mail".to_owned())?;
    Ok(Mailbox::new(None, address))
}

/// Every line end as CR LF: a bare one is read as the end of a line by some servers and not by others.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(bytes.len() + 64);
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'\r' => {
                let _ = rest.next_if_eq(&b'\n');
                whole.extend_from_slice(b"\r\n");
            }
            b'\n' => whole.extend_from_slice(b"\r\n"),
            byte => whole.push(byte),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_end_stands_bare() {
        assert_eq!(with_crlf(b"a\nb\rc\r\nd\r\r\n\n"), b"a\r\nb\r\nc\r\nd\r\n\r\n\r\n");
    }
}
