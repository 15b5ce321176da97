//! Mails as they come: RFC 5322 and MIME, read in one pass, in bounded time, depth and memory.
//!
//! Of what parts a mail is made is found out here; what stands in them is decoded by `mail-parser`, whose own walk over
//! the parts of a hostile mail is neither bounded in depth nor linear (`docs/decisions/mails-read-in-one-pass.md`).

mod content;
mod decode;
mod header;
mod part;
mod report;

pub use self::decode::decode_text;
pub use self::header::Head;
pub use self::report::{Delivery, DeliveryAction, DeliveryReport};

/// The header by which a mail of ours proves to be one, in what a mail server sends back of it.
pub const PROOF: &str = "X-Switchboard-Proof";

/// A mail, read.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// What its header says.
    pub head: Head,
    /// What it says: HTML where it has any, else text.
    pub body: String,
    /// Whatever else it carries.
    pub files: Vec<File>,
    /// What a mail server reports in it of a mail of before.
    pub report: Option<DeliveryReport>,
}

/// Something that a mail carries.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// What its sender calls it, as it stands there; absent: nothing.
    pub name: Option<String>,
    /// What its sender says it is; its content may say otherwise.
    pub media_type: String,
    /// By what the HTML of the mail names it.
    pub content_id: Option<String>,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Why bytes are no mail that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It does not begin with a header.
    #[error("this is no mail: it does not begin with a header field")]
    NoHeader,
    /// Parts within parts within parts.
    #[error("its parts lie deeper than {} within each other", part::MOST_DEPTH)]
    TooDeep,
    /// Too many parts.
    #[error("it has more than {} parts", part::MOST_PARTS)]
    TooManyParts,
}

/// Reads a mail.
///
/// # Errors
///
/// It is none, or none that anybody writes. What is merely broken is read as far as it goes.
pub fn read(raw: &[u8]) -> Result<Mail, Unreadable> {
    let root = part::read(raw)?;
    let content = content::of(raw, &root);
    let mut head = Head::of(&root.fields);
    head.is_automatic |= content.report.is_some();
    Ok(Mail { head, body: content.body, files: content.files, report: content.report })
}

/// Reads the header of a mail by itself.
pub fn read_head(raw: &[u8]) -> Head {
    Head::of(&part::read_fields(raw))
}

/// The addresses in a text as it may stand in a header: `Ann <ann@example.com>, bo@example.com`.
pub fn read_addresses(text: &str) -> Vec<String> {
    decode::addresses(text.as_bytes())
}

#[cfg(test)]
mod tests;
