//! What a mail says and what it carries: one body out of its alternatives, and everything else as files.

use super::decode::{ContentType, content_type, decode_text, transfer_decode};
use super::header::Name;
use super::part::{Part, read_fields};
use super::{DeliveryReport, File, Head};

/// What is in a mail.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) body: String,
    pub(super) files: Vec<File>,
    pub(super) report: Option<DeliveryReport>,
}

/// A piece of what a mail says.
#[derive(Debug)]
enum Piece {
    Text(String),
    Html(String),
}

impl Piece {
    fn is_empty(&self) -> bool {
        let (Self::Text(text) | Self::Html(text)) = self;
        text.is_empty()
    }
}

/// What was found in a part.
#[derive(Debug, Default)]
struct Found {
    pieces: Vec<Piece>,
    files: Vec<File>,
}

/// Sorts what is in a mail.
pub(super) fn of(raw: &[u8], root: &Part) -> Content {
    let found = find(raw, root, true);
    Content { body: join(found.pieces), files: found.files, report: report(raw, root) }
}

/// What is in a part; text of it is the mail's own where that is its place.
fn find(raw: &[u8], part: &Part, is_body: bool) -> Found {
    if part.children.is_empty() {
        return leaf(raw, part, is_body);
    }
    let mut found = Found::default();
    let inner = |child: &Part, is_body: bool| find(raw, child, is_body);
    match part.kind.essence.as_str() {
        "multipart/alternative" => {
            let mut versions: Vec<Found> = part.children.iter().map(|child| inner(child, is_body)).collect();
            let chosen = best(&versions).map(|at| versions[at].pieces.drain(..).collect());
            found.pieces = chosen.unwrap_or_default();
            found.files = versions.into_iter().flat_map(|version| version.files).collect();
        }
        kind => {
            let is_first_only = matches!(kind, "multipart/related" | "multipart/report" | "multipart/signed");
            for (at, child) in part.children.iter().enumerate() {
                let one = inner(child, is_body && (at == 0 || !is_first_only));
                found.pieces.extend(one.pieces);
                found.files.extend(one.files);
            }
        }
    }
    found
}

/// The richest version: the last with HTML, else the last with text.
fn best(versions: &[Found]) -> Option<usize> {
    let has_html = |found: &Found| found.pieces.iter().any(|piece| matches!(piece, Piece::Html(_)));
    let last = |is_it: &dyn Fn(&Found) -> bool| versions.iter().rposition(is_it);
    last(&has_html).or_else(|| last(&|found| !found.pieces.is_empty()))
}

fn leaf(raw: &[u8], part: &Part, is_body: bool) -> Found {
    let disposition = part.fields.get(Name::ContentDisposition).map(content_type).unwrap_or_default();
    let name = disposition.parameter("filename").or_else(|| part.kind.parameter("name"));
    let encoding = part.fields.token(Name::TransferEncoding).unwrap_or_default();
    let bytes = transfer_decode(&raw[part.body.clone()], &encoding);
    let essence = essence(&part.kind);
    let is_said = is_body && disposition.essence != "attachment" && name.is_none();
    let mut found = Found::default();
    match essence {
        "text/html" if is_said => found.pieces.push(Piece::Html(text(&bytes, &part.kind))),
        "text/plain" if is_said => found.pieces.push(Piece::Text(text(&bytes, &part.kind))),
        _ => found.files.push(file(part, essence, name, bytes)),
    }
    found.pieces.retain(|piece| !piece.is_empty());
    found
}

/// What a part is; a multipart without parts is text.
fn essence(kind: &ContentType) -> &str {
    if kind.essence.starts_with("multipart/") { "text/plain" } else { &kind.essence }
}

fn text(bytes: &[u8], kind: &ContentType) -> String {
    decode_text(bytes, kind.parameter("charset")).trim_end().to_owned()
}

fn file(part: &Part, essence: &str, name: Option<&str>, bytes: Vec<u8>) -> File {
    let name = name.map(unwrapped).filter(|name| !name.trim().is_empty());
    let name = name.or_else(|| forwarded_name(essence, &bytes));
    let is_foreign = essence.starts_with("text/") && std::str::from_utf8(&bytes).is_err();
    let bytes = if is_foreign { decode_text(&bytes, part.kind.parameter("charset")).into_bytes() } else { bytes };
    let content_id = part.fields.get(Name::ContentId).map(|id| String::from_utf8_lossy(id).trim().to_owned());
    let content_id = content_id.map(|id| id.trim_start_matches('<').trim_end_matches('>').to_owned());
    File { name, media_type: essence.to_owned(), content_id: content_id.filter(|id| is_content_id(id)), bytes }
}

/// A name in which encoded words were not read, because no header that carries one may hold them.
fn unwrapped(name: &str) -> String {
    if name.contains("=?") { super::decode::unstructured(name.as_bytes()) } else { name.to_owned() }
}

fn is_content_id(id: &str) -> bool {
    (1..=255).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

/// A forwarded mail is called by its subject.
fn forwarded_name(essence: &str, bytes: &[u8]) -> Option<String> {
    if !matches!(essence, "message/rfc822" | "message/global") {
        return None;
    }
    let subject = Head::of(&read_fields(bytes)).subject.filter(|subject| !subject.is_empty());
    let subject: String = subject.unwrap_or_else(|| "mail".to_owned()).replace(['/', '\\'], " ");
    Some(format!("{}.eml", subject.chars().take(100).collect::<String>()))
}

/// One body: text as text, and HTML when any of it is HTML.
fn join(pieces: Vec<Piece>) -> String {
    let is_html = pieces.iter().any(|piece| matches!(piece, Piece::Html(_)));
    let show = |piece: Piece| match piece {
        Piece::Text(text) if is_html => format!("<p>{}</p>", escaped(&text).replace('\n', "<br>\n")),
        Piece::Text(text) | Piece::Html(text) => text,
    };
    pieces.into_iter().map(show).collect::<Vec<_>>().join("\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What a mail server reports, when the mail is a report of one.
fn report(raw: &[u8], root: &Part) -> Option<DeliveryReport> {
    let is_report = root.kind.essence == "multipart/report"
        && root.kind.parameter("report-type").is_some_and(|kind| kind.eq_ignore_ascii_case("delivery-status"));
    if !is_report {
        return None;
    }
    let mut report = DeliveryReport::default();
    for part in &root.children {
        let encoding = part.fields.token(Name::TransferEncoding).unwrap_or_default();
        let bytes = || transfer_decode(&raw[part.body.clone()], &encoding);
        match part.kind.essence.as_str() {
            "message/delivery-status" | "message/global-delivery-status" => {
                report.read_status(&decode_text(&bytes(), None));
            }
            "message/rfc822" | "message/global" | "text/rfc822-headers" | "message/global-headers" => {
                report.read_original(&bytes());
            }
            _ => {}
        }
    }
    report.read_answered(&root.fields);
    Some(report)
}
