//! What the adapters that carry mail share: its text beside its HTML, its files, and its name.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Attachment, Envelope, Outcome, StoredFile};
use crate::blob::Blobs;
use crate::domain::{is_html, render};
use crate::mime::PROOF;

/// Bytes of the files of one mail; what most services take, once it is in base64.
const MAX_FILES: u64 = 20 * 1024 * 1024;
/// KiB of files that are held in memory at once, whichever mails they are for.
const ROOM_KIB: u32 = 40 * 1024;

/// Reads uploaded files for mails, so many bytes at once.
#[derive(Debug, Clone)]
pub struct Files {
    blobs: Blobs,
    room: Arc<Semaphore>,
}

/// The files of one mail, in memory.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) files: Vec<(StoredFile, Bytes)>,
    _room: Option<OwnedSemaphorePermit>,
}

/// What a mail says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// As text; the same as the HTML says, where there is HTML.
    pub(super) text: String,
    pub(super) html: Option<String>,
}

impl Files {
    /// Reads from a place.
    pub fn new(blobs: Blobs) -> Self {
        Self { blobs, room: Arc::new(Semaphore::new(ROOM_KIB as usize)) }
    }

    /// Loads what a mail carries, in so much time; nothing of it has left when that fails.
    pub(super) async fn load(&self, envelope: &Envelope, patience: Duration) -> Result<Loaded, Outcome> {
        let loaded = tokio::time::timeout(patience, self.load_all(envelope)).await;
        loaded.unwrap_or_else(|_| Err(away("the place for attachments took too long")))
    }

    async fn load_all(&self, envelope: &Envelope) -> Result<Loaded, Outcome> {
        let stored: Vec<&StoredFile> = envelope.attachments.iter().filter_map(|one| one.file.as_ref()).collect();
        let bytes: u64 = stored.iter().map(|file| file.size_bytes).sum();
        if bytes > MAX_FILES {
            let reason = format!("its attachments have more than {MAX_FILES} bytes");
            return Err(Outcome::Rejected { code: "attachments_too_large".to_owned(), reason });
        }
        if stored.is_empty() {
            return Ok(Loaded::default());
        }
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(ROOM_KIB).min(ROOM_KIB);
        let room = self.room.clone().acquire_many_owned(kib).await.ok();
        let mut files = Vec::with_capacity(stored.len());
        for file in stored {
            files.push((file.clone(), self.read(file).await?));
        }
        Ok(Loaded { files, _room: room })
    }

    async fn read(&self, file: &StoredFile) -> Result<Bytes, Outcome> {
        let gone = || Outcome::Rejected {
            code: "attachment_missing".to_owned(),
            reason: "an attachment is not where uploads are kept".to_owned(),
        };
        let content = self.blobs.get(&file.object_key, None).await.map_err(|error| away(&error.to_string()))?;
        let content = content.ok_or_else(gone)?;
        let mut bytes = Vec::with_capacity(usize::try_from(file.size_bytes).unwrap_or_default());
        let mut chunks = content.chunks;
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| away(&error.to_string()))?);
            if bytes.len() as u64 > file.size_bytes {
                return Err(gone());
            }
        }
        Ok(bytes.into())
    }
}

/// It is not the service that is away.
fn away(reason: &str) -> Outcome {
    tracing::warn!(reason, "an attachment cannot be read");
    Outcome::Retry { after: None, is_away: false, reason: "an attachment cannot be read now".to_owned() }
}

impl Content {
    /// What a mail says, with what it carries and is no upload listed under it.
    pub(super) fn of(envelope: &Envelope) -> Self {
        let listed: Vec<&str> = envelope.attachments.iter().filter_map(Attachment::listed).collect();
        let html = is_html(&envelope.body).then(|| envelope.body.clone());
        let said = if html.is_some() { render(&envelope.body).text } else { envelope.body.clone() };
        let text = if listed.is_empty() {
            said
        } else {
            format!("{}\n\n{}", said.trim_end(), listed.join("\n")).trim_start().to_owned()
        };
        let html = html.map(|html| if listed.is_empty() { html } else { with_links(html, &listed) });
        Self { text, html }
    }
}

fn with_links(mut html: String, listed: &[&str]) -> String {
    let items: Vec<String> = listed.iter().map(|url| link(url)).collect();
    let end = html.to_ascii_lowercase().rfind("</body").unwrap_or(html.len());
    html.insert_str(end, &format!("<ul><li>{}</li></ul>", items.join("</li><li>")));
    html
}

fn link(url: &str) -> String {
    let escaped: String = url.chars().map(escape).collect();
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if is_web { format!("<a href=\"{escaped}\">{escaped}</a>") } else { escaped }
}

fn escape(c: char) -> String {
    match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        c => c.to_string(),
    }
}

/// The headers that tell programs what to do about a mail: how its reader gets no more like it, by a link and by one
/// click where that is safe (RFC 8058); and that nothing is to answer what the server wrote by itself (RFC 3834).
pub(super) fn program_headers(envelope: &Envelope) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    if envelope.is_automatic {
        headers.push(("Auto-Submitted", "auto-generated".to_owned()));
    }
    if let Some(link) = &envelope.unsubscribe {
        headers.push(("List-Unsubscribe", format!("<{link}>")));
        if link.starts_with("https://") {
            headers.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
    }
    headers
}

/// The headers by which a mail's reader finds the mails that it goes on after (RFC 5322, section 3.6.4).
pub(super) fn thread_headers(envelope: &Envelope) -> Vec<(&'static str, String)> {
    let Some(last) = envelope.references.last() else { return Vec::new() };
    let all: Vec<String> = envelope.references.iter().map(|name| format!("<{name}>")).collect();
    vec![("In-Reply-To", format!("<{last}>")), ("References", all.join(" "))]
}

/// What proves a mail of ours to be one, when a mail server sends it back: our reference and the token that goes with it.
pub(super) fn proof(envelope: &Envelope) -> (&'static str, String) {
    (PROOF, envelope.callback_token.clone())
}

/// The `Message-ID` of a mail: the same over every attempt, so that what arrives twice is known for it.
pub(super) fn message_id(reference: &str, host: &str) -> String {
    format!("<{reference}@{host}>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::{Address, AddressKind, Channel, Timestamp};

    const PATIENCE: Duration = Duration::from_secs(5);

    fn mail(body: &str, attachments: Vec<Attachment>) -> Envelope {
        let mailbox = |text: &str| Address::from_stored(AddressKind::Email, text.to_owned());
        Envelope {
            reference: "ref-1".to_owned(),
            channel: Channel::Email,
            from: mailbox("a@example.com"),
            to: vec![mailbox("b@example.com")],
            cc: Vec::new(),
            reply_to: None,
            unsubscribe: None,
            is_automatic: false,
            references: Vec::new(),
            subject: None,
            body: body.to_owned(),
            attachments,
            timestamp: Timestamp::from_micros(0),
            callback_token: String::new(),
        }
    }

    fn stored(key: &str, size_bytes: u64) -> Attachment {
        let (name, media_type) = ("note.txt".to_owned(), "text/plain".to_owned());
        let file = StoredFile { name, media_type, size_bytes, object_key: key.to_owned() };
        Attachment { url: "https://messages.example.com/x".to_owned(), file: Some(file) }
    }

    fn link_to(url: &str) -> Attachment {
        Attachment { url: url.to_owned(), file: None }
    }

    #[test]
    fn programs_are_told_what_to_do_about_a_mail() {
        let named =
            |mail: &Envelope| -> Vec<&str> { program_headers(mail).into_iter().map(|(name, _)| name).collect() };
        let mut mail = mail("hello", Vec::new());
        assert_eq!(named(&mail), [""; 0]);
        mail.unsubscribe = Some("http://a.example/u".to_owned());
        assert_eq!(named(&mail), ["List-Unsubscribe"]);
        mail.unsubscribe = Some("https://a.example/u".to_owned());
        assert_eq!(named(&mail), ["List-Unsubscribe", "List-Unsubscribe-Post"]);
        mail.is_automatic = true;
        assert_eq!(program_headers(&mail)[0], ("Auto-Submitted", "auto-generated".to_owned()));
    }

    #[test]
    fn html_is_told_as_text_too_and_links_stand_under_both() {
        let plain = mail("hello\n", Vec::new());
        assert_eq!(Content::of(&plain), Content { text: "hello\n".to_owned(), html: None });
        let html = mail("<html><body><p>hi <b>you</b></p></body></html>", vec![link_to("https://a.example/x?a=1&b=2")]);
        let content = Content::of(&html);
        assert_eq!(content.text, "hi you\n\nhttps://a.example/x?a=1&b=2");
        assert_eq!(
            content.html.unwrap(),
            "<html><body><p>hi <b>you</b></p><ul><li><a href=\"https://a.example/x?a=1&amp;b=2\">\
             https://a.example/x?a=1&amp;b=2</a></li></ul></body></html>"
        );
        let odd = Content::of(&mail("<p>x</p>", vec![link_to("\"><script>"), link_to("javascript:alert(1)")]));
        assert_eq!(odd.html.unwrap(), "<p>x</p><ul><li>&quot;&gt;&lt;script&gt;</li><li>javascript:alert(1)</li></ul>");
        assert_eq!(Content::of(&mail("", vec![link_to("https://a.example/")])).text, "https://a.example/");
    }

    #[tokio::test]
    async fn uploads_are_read_and_too_many_bytes_or_none_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(folder.path()).unwrap();
        let key = Blobs::new_key(&Clock::manual(Timestamp::from_micros(0), 1));
        blobs.put(&key, Bytes::from_static(b"bytes")).await.unwrap();
        let files = Files::new(blobs);
        let loaded =
            files.load(&mail("x", vec![stored(&key, 5), link_to("https://a.example/")]), PATIENCE).await.unwrap();
        assert_eq!(loaded.files.len(), 1);
        assert_eq!((&loaded.files[0].1[..], loaded.files[0].0.name.as_str()), (&b"bytes"[..], "note.txt"));
        for (attachment, code) in [
            (stored(&key, MAX_FILES + 1), "attachments_too_large"),
            (stored("00/none", 5), "attachment_missing"),
            (stored(&key, 4), "attachment_missing"),
        ] {
            let Err(Outcome::Rejected { code: said, .. }) = files.load(&mail("x", vec![attachment]), PATIENCE).await
            else {
                panic!("{code}")
            };
            assert_eq!(said, code);
        }
    }
}
