//! Uploaded files: what they are by their content, and what they may be called.

use serde::{Deserialize, Serialize};

use super::FileId;

/// The largest upload, in bytes.
pub const MAX_FILE_BYTES: usize = 10 * 1024 * 1024;

/// Characters of a file's name.
const MAX_NAME: usize = 255;

/// What an upload begins with in a message's `attachments`.
const PATH: &str = "/api/attachments/";

/// What a file can be; nothing else is taken, and nothing else is ever said of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// A PNG picture.
    Png,
    /// A JPEG picture.
    Jpeg,
    /// A GIF picture.
    Gif,
    /// A WebP picture.
    WebP,
    /// A PDF document.
    Pdf,
    /// UTF-8 text, whatever language it is written in: HTML and SVG are text here.
    Text,
    /// A whole mail as it came in. No upload is ever taken for one.
    Mail,
}

impl MediaType {
    /// Every one.
    pub const ALL: [Self; 7] = [Self::Png, Self::Jpeg, Self::Gif, Self::WebP, Self::Pdf, Self::Text, Self::Mail];

    /// Its name in headers, JSON and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain",
            Self::Mail => "message/rfc822",
        }
    }

    /// Reads a name as [`MediaType::as_str`] writes it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What these bytes are, by themselves: neither a name nor a header counts.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let found = infer::get(bytes).and_then(|found| Self::named(found.mime_type()));
        found.filter(|kind| kind.is_signed(bytes)).or_else(|| is_text(bytes).then_some(Self::Text))
    }

    /// Whether a browser may show it in place.
    pub fn is_image(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Gif | Self::WebP)
    }

    /// The whole signature at its very place, where a part of it, or one further in, would do for a guess.
    fn is_signed(self, bytes: &[u8]) -> bool {
        match self {
            Self::Png => bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16) == Some(b"IHDR"),
            Self::Jpeg => bytes.starts_with(b"\xff\xd8\xff"),
            Self::Gif => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
            Self::WebP => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
            Self::Pdf => bytes.starts_with(b"%PDF-"),
            Self::Text | Self::Mail => false,
        }
    }
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UploadedFile {
    /// Its id.
    pub id: FileId,
    /// What a message names it by, and where it is read.
    #[schema(example = "/api/attachments/7")]
    pub url: String,
    /// What it is, by its content.
    #[schema(example = "image/png")]
    pub media_type: String,
    /// How long it is.
    pub size_bytes: i64,
    /// What it is called: the uploader's name for it, without path, control and direction characters.
    #[schema(example = "photo.png")]
    pub name: String,
}

/// The path of an upload.
pub fn file_url(id: FileId) -> String {
    format!("{PATH}{id}")
}

/// Which upload an attachment names, when it names one.
pub fn file_of_url(url: &str) -> Option<FileId> {
    let id = FileId(url.strip_prefix(PATH)?.parse().ok()?);
    (id.0 > 0 && file_url(id) == url).then_some(id)
}

/// A name for a file that harms nobody who sees or keeps it.
pub fn clean_file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let cut: String = kept.trim_matches(|c: char| c.is_whitespace() || c == '.').chars().take(MAX_NAME).collect();
    if cut.is_empty() { "attachment".to_owned() } else { cut }
}

/// What turns the direction of writing, breaks lines, or cannot be seen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_says_what_a_file_is() {
        let png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0; 20]].concat();
        let webp = [b"RIFF\x20\0\0\0WEBPVP8 ".as_slice(), &[0; 20]].concat();
        for (bytes, kind) in [
            (png.as_slice(), Some(MediaType::Png)),
            (&[b"\xff\xd8\xff\xe0\0\x10JFIF\0".as_slice(), &[0; 20]].concat(), Some(MediaType::Jpeg)),
            (b"GIF89a\x01\0\x01\0\0\0\0", Some(MediaType::Gif)),
            (&webp, Some(MediaType::WebP)),
            (b"%PDF-1.7\n\xff", Some(MediaType::Pdf)),
            ("na\u{ef}ve text".as_bytes(), Some(MediaType::Text)),
            (b"GIFs are text", Some(MediaType::Text)),
            (b"<!doctype html><script>alert(1)</script>", Some(MediaType::Text)),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", Some(MediaType::Text)),
            (b"<html><!-- %PDF-1.7 --></html>", Some(MediaType::Text)),
            (b"\x89PNG and then anything\0", None),
            (b"<html>%PDF-1.7 \xff</html>", None),
            (b"PK\x03\x04\0\0\0\0", None),
            (b"MZ\x90\0", None),
            (b"text with \0 in it", None),
            (b"\xff\xfe half", None),
        ] {
            assert_eq!(MediaType::of(bytes), kind, "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(MediaType::named("text/html"), None);
    }

    #[test]
    fn a_name_keeps_no_path_and_no_tricks() {
        for (name, clean) in [
            ("photo.png", "photo.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\a b.pdf", "a b.pdf"),
            ("gpj.\u{202e}exe.png", "gpj.exe.png"),
            ("a\u{0}\r\nSet-Cookie: x", "aSet-Cookie: x"),
            ("..", "attachment"),
            ("", "attachment"),
            (" \u{200b} ", "attachment"),
            ("Z\u{fc}rich \u{1f600}.txt", "Z\u{fc}rich \u{1f600}.txt"),
        ] {
            assert_eq!(clean_file_name(name), clean, "{name:?}");
        }
        assert_eq!(clean_file_name(&"x".repeat(1_000)).chars().count(), 255);
    }

    #[test]
    fn only_the_exact_path_names_an_upload() {
        assert_eq!(file_of_url("/api/attachments/7"), Some(FileId(7)));
        for url in [
            "/api/attachments/07",
            "/api/attachments/+7",
            "/api/attachments/0",
            "/api/attachments/-1",
            "/api/attachments/7/",
            "/api/attachments/99999999999999999999",
            "https://example.com/api/attachments/7",
            "attachment-url",
        ] {
            assert_eq!(file_of_url(url), None, "{url}");
        }
    }
}
