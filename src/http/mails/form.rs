//! The form of SendGrid's Inbound Parse: a mail taken apart into fields, or the whole mail in one of them.
//! <https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook>

use std::collections::HashMap;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedSemaphorePermit;

use super::inbound::Read;
use super::{read_aside, unreadable};
use crate::domain::Refusal;
use crate::mime::{self, File, Mail};

/// Fields of one form.
const MOST_FIELDS: usize = 1_000;
/// Characters of a boundary.
const LONGEST_BOUNDARY: usize = 200;

/// A field of the form.
#[derive(Debug)]
struct Field {
    name: Option<String>,
    media_type: Option<String>,
    bytes: Bytes,
}

type Form = HashMap<String, Field>;

/// What SendGrid says of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    filename: Option<String>,
    name: Option<String>,
    #[serde(rename = "type")]
    media_type: Option<String>,
    #[serde(rename = "content-id")]
    content_id: Option<String>,
}

/// Between whom the mail server had it go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope {
    to: Vec<String>,
    from: String,
}

/// Reads a form. Its boundary is that of its first line, so that it is read alike when it comes out of quarantine.
pub(super) async fn read(body: Bytes, place: OwnedSemaphorePermit) -> Result<Read, Refusal> {
    let form = fields(body).await.ok_or_else(|| unreadable("form", "must be a form of several parts"))?;
    read_aside("mail", place, move || of_form(&form)).await
}

async fn fields(body: Bytes) -> Option<Form> {
    let line = body.split(|byte| *byte == b'\n').next()?;
    let boundary = std::str::from_utf8(line).ok()?.trim_end().strip_prefix("--")?.to_owned();
    if boundary.is_empty() || boundary.len() > LONGEST_BOUNDARY || boundary.contains(['"', '\\']) {
        return None;
    }
    let declared = format!("multipart/form-data; boundary=\"{boundary}\"");
    let mut request = Request::builder().header(CONTENT_TYPE, declared).body(Body::from(body)).ok()?;
    DefaultBodyLimit::disable().apply(&mut request);
    let mut parts = Multipart::from_request(request, &()).await.ok()?;
    let mut form = Form::new();
    while let Some(part) = parts.next_field().await.ok()? {
        let Some(key) = part.name().map(str::to_owned) else { continue };
        if form.len() >= MOST_FIELDS {
            return None;
        }
        let (name, media_type) = (part.file_name().map(str::to_owned), part.content_type().map(str::to_owned));
        let bytes = part.bytes().await.ok()?;
        form.entry(key).or_insert(Field { name, media_type, bytes });
    }
    Some(form)
}

fn of_form(form: &Form) -> Result<Read, Refusal> {
    let envelope: Envelope = json(form, "envelope");
    if let Some(whole) = form.get("email") {
        let mut mail = mime::read(&whole.bytes).map_err(|error| unreadable("email", error.to_string()))?;
        mail.head.is_automatic |= has_no_sender(form, &envelope);
        let raw = Some(whole.bytes.clone());
        return Ok(Read { mail, envelope: envelope.to, raw, hash: Some(Sha256::digest(&whole.bytes).into()) });
    }
    let charsets: HashMap<String, String> = json(form, "charsets");
    let text = |name: &str| {
        let bytes = &form.get(name)?.bytes;
        Some(mime::decode_text(bytes, charsets.get(name).map(String::as_str)))
    };
    let mut head = form.get("headers").map(|field| mime::read_head(&field.bytes)).unwrap_or_default();
    let addresses = |name: &str| text(name).map(|text| mime::read_addresses(&text)).unwrap_or_default();
    for (known, name) in [(&mut head.from, "from"), (&mut head.to, "to"), (&mut head.cc, "cc")] {
        let given = addresses(name);
        if !given.is_empty() {
            *known = given;
        }
    }
    head.subject = text("subject").map(|text| text.replace(['\r', '\n'], " ").chars().take(990).collect());
    head.is_automatic |= has_no_sender(form, &envelope);
    let html = text("html").filter(|html| !html.trim().is_empty());
    let body = html.or_else(|| text("text")).unwrap_or_default().trim_end().to_owned();
    let files = files(form);
    let raw = (!files.is_empty()).then(|| whole(form));
    let mail = Mail { head, body, files, report: None };
    Ok(Read { mail, envelope: envelope.to, raw, hash: Some(hash(form)) })
}

/// What tells two mails without a name apart: their headers, which bear when and how each came.
fn hash(form: &Form) -> [u8; 32] {
    let mut fields: Vec<(&String, &Field)> = form.iter().collect();
    fields.retain(|(name, _)| *name == "headers" || !form.contains_key("headers"));
    fields.sort_unstable_by_key(|(name, _)| *name);
    let mut digest = Sha256::new();
    for (name, field) in fields {
        for part in [name.as_bytes(), &field.bytes[..]] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
    }
    digest.finalize().into()
}

/// The form as a mail that any program reads: its header, and every field as a part. It is kept beside the message when
/// something of it is not, so that nothing is lost.
fn whole(form: &Form) -> Bytes {
    let mut fields: Vec<(&String, &Field)> = form.iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    let boundary = hex::encode(hash(form));
    let mut mail = form.get("headers").map(|field| without_kind(&field.bytes)).unwrap_or_default();
    mail.extend(
        format!("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n").into_bytes(),
    );
    let clean = |text: &str| text.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect::<String>();
    for (name, Field { name: file, media_type, bytes }) in fields {
        let file = file.as_ref().map(|file| format!("; filename=\"{}\"", clean(file))).unwrap_or_default();
        let kind = media_type.as_deref().filter(|_| !file.is_empty()).unwrap_or("text/plain");
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {}\r\nContent-Disposition: attachment; name=\"{}\"{file}\r\n\
             Content-Transfer-Encoding: binary\r\n\r\n",
            clean(kind),
            clean(name)
        );
        mail.extend(head.into_bytes());
        mail.extend_from_slice(bytes);
    }
    mail.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    mail.into()
}

/// A header without what it says of the mail's parts.
fn without_kind(header: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(header.len());
    let mut is_kept = false;
    for line in header.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default().to_ascii_lowercase();
            is_kept = line.contains(&b':') && !name.starts_with(b"content-") && name != b"mime-version";
        }
        if is_kept && !line.is_empty() {
            kept.extend_from_slice(line);
            kept.extend_from_slice(b"\r\n");
        }
    }
    kept
}

/// Whether nobody is told when it does not arrive (RFC 5321, section 4.5.5).
fn has_no_sender(form: &Form, envelope: &Envelope) -> bool {
    form.contains_key("envelope") && envelope.from.is_empty()
}

fn json<T: Default + for<'a> Deserialize<'a>>(form: &Form, name: &str) -> T {
    form.get(name).and_then(|field| serde_json::from_slice(&field.bytes).ok()).unwrap_or_default()
}

/// The files, in their order.
fn files(form: &Form) -> Vec<File> {
    let mut infos: HashMap<String, Info> = json(form, "attachment-info");
    let number = |key: &String| key.strip_prefix("attachment")?.parse::<u32>().ok();
    let mut keys: Vec<(u32, &String)> = form.keys().filter_map(|key| Some((number(key)?, key))).collect();
    keys.sort_unstable();
    let file = |(_, key): (u32, &String)| {
        let (field, info) = (&form[key], infos.remove(key).unwrap_or_default());
        let media_type = info.media_type.or_else(|| field.media_type.clone());
        let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_lowercase();
        let bytes = if media_type.starts_with("text/") && std::str::from_utf8(&field.bytes).is_err() {
            mime::decode_text(&field.bytes, None).into_bytes()
        } else {
            field.bytes.to_vec()
        };
        let content_id = info.content_id.map(|id| id.trim_matches(['<', '>', ' ']).to_owned());
        let content_id =
            content_id.filter(|id| (1..=255).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()));
        File { name: info.filename.or(info.name).or_else(|| field.name.clone()), media_type, content_id, bytes }
    };
    keys.into_iter().map(file).collect()
}
