//! The parts of a mail, found line by line: every line is looked at once, whatever boundaries are open.

use std::ops::Range;

use super::Unreadable;
use super::decode::{ContentType, content_type};
use super::header::{Fields, Name};

/// How deep parts may lie within each other.
pub(super) const MOST_DEPTH: usize = 30;
/// How many parts there may be.
pub(super) const MOST_PARTS: usize = 1_000;
/// Characters of a boundary (RFC 2046 allows 70); a longer one is none.
const LONGEST_BOUNDARY: usize = 200;

/// A part of a mail, or the whole.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) fields: Fields,
    pub(super) kind: ContentType,
    /// Where its content stands.
    pub(super) body: Range<usize>,
    /// The parts of a multipart.
    pub(super) children: Vec<Self>,
}

/// Reads the parts of a mail.
pub(super) fn read(raw: &[u8]) -> Result<Part, Unreadable> {
    let mut reader = Reader::over(raw);
    reader.skip_envelope();
    let (root, _) = reader.part("text/plain")?;
    if root.fields.is_empty() && !reader.has_field { Err(Unreadable::NoHeader) } else { Ok(root) }
}

/// Reads the fields at the beginning.
pub(super) fn read_fields(raw: &[u8]) -> Fields {
    let mut reader = Reader::over(raw);
    reader.skip_envelope();
    reader.fields().0
}

/// A line that ends a part: of which of the open boundaries, and whether it is their last.
#[derive(Debug, Clone, Copy)]
struct Delimiter {
    level: usize,
    is_last: bool,
    /// Where the content before it ends.
    before: usize,
}

struct Reader<'a> {
    raw: &'a [u8],
    at: usize,
    open: Vec<Vec<u8>>,
    parts: usize,
    /// Whether any line was a header field, wanted or not.
    has_field: bool,
}

impl<'a> Reader<'a> {
    fn over(raw: &'a [u8]) -> Self {
        Self { raw, at: 0, open: Vec::new(), parts: 0, has_field: false }
    }

    /// Passes over what mail stores and pipes put before a mail: a byte order mark, empty lines, and a `From ` line.
    fn skip_envelope(&mut self) {
        if self.raw.starts_with(b"\xef\xbb\xbf") {
            self.at = 3;
        }
        while let Some((line, next)) = self.peek() {
            if !line.is_empty() && !line.starts_with(b"From ") && !line.starts_with(b">From ") {
                break;
            }
            self.at = next;
        }
    }

    /// The next line without its end, and where the one after it begins.
    fn peek(&self) -> Option<(&'a [u8], usize)> {
        let rest = self.raw.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = rest.iter().position(|byte| *byte == b'\n');
        let line = &rest[..end.unwrap_or(rest.len())];
        let next = self.at + end.map_or(rest.len(), |end| end + 1);
        Some((line.strip_suffix(b"\r").unwrap_or(line), next))
    }

    /// Whether a line is a delimiter of one of the open boundaries; the innermost comes first.
    fn delimiter(&self, line: &[u8]) -> Option<Delimiter> {
        let rest = line.strip_prefix(b"--").filter(|_| !self.open.is_empty())?;
        let rest = rest.trim_ascii_end();
        let of = |(level, boundary): (usize, &Vec<u8>)| {
            let after = rest.strip_prefix(boundary.as_slice())?;
            let before = self.content_end();
            (after.is_empty() || after == b"--").then_some(Delimiter { level, is_last: !after.is_empty(), before })
        };
        self.open.iter().enumerate().rev().find_map(of)
    }

    /// The line end before a delimiter belongs to it.
    fn content_end(&self) -> usize {
        let before = &self.raw[..self.at];
        let before = before.strip_suffix(b"\n").map_or(before, |line| line.strip_suffix(b"\r").unwrap_or(line));
        before.len()
    }

    /// Reads header fields, up to the empty line, a line that is none, or the end of the part.
    fn fields(&mut self) -> (Fields, Option<Delimiter>) {
        let mut fields = Fields::default();
        let mut current: Option<Name> = None;
        while let Some((line, next)) = self.peek() {
            if let Some(delimiter) = self.delimiter(line) {
                self.at = next;
                return (fields, Some(delimiter));
            }
            if line.is_empty() {
                self.at = next;
                break;
            }
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                if let Some(name) = current {
                    fields.go_on(name, line);
                }
            } else {
                let Some((name, value)) = split_field(line) else { break };
                self.has_field = true;
                current = Name::read(name).filter(|name| fields.begin(*name, value));
            }
            self.at = next;
        }
        (fields, None)
    }

    /// Reads a part, with those within it, and the delimiter that ended it.
    fn part(&mut self, default: &str) -> Result<(Part, Option<Delimiter>), Unreadable> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(Unreadable::TooManyParts);
        }
        let (fields, end) = self.fields();
        let kind = fields.get(Name::ContentType).map_or_else(ContentType::default, content_type);
        let kind = if kind.essence.is_empty() { ContentType::of(default) } else { kind };
        let begin = self.at;
        if let Some(end) = end {
            let body = end.before..end.before;
            return Ok((Part { fields, kind, body, children: Vec::new() }, Some(end)));
        }
        let boundary = kind.boundary().filter(|boundary| (1..=LONGEST_BOUNDARY).contains(&boundary.len()));
        let (children, end) = match boundary {
            Some(boundary) => self.children(boundary.as_bytes().to_vec(), kind.essence == "multipart/digest")?,
            None => (Vec::new(), self.skip()),
        };
        let body = begin..end.map_or(self.raw.len(), |end| end.before).max(begin);
        Ok((Part { fields, kind, body, children }, end))
    }

    /// Passes over content, up to the next delimiter.
    fn skip(&mut self) -> Option<Delimiter> {
        while let Some((line, next)) = self.peek() {
            let delimiter = self.delimiter(line);
            self.at = next;
            if delimiter.is_some() {
                return delimiter;
            }
        }
        None
    }

    /// Reads what lies within a boundary.
    fn children(&mut self, boundary: Vec<u8>, is_digest: bool) -> Result<(Vec<Part>, Option<Delimiter>), Unreadable> {
        let level = self.open.len();
        if level >= MOST_DEPTH {
            return Err(Unreadable::TooDeep);
        }
        let default = if is_digest { "message/rfc822" } else { "text/plain" };
        self.open.push(boundary);
        let mut children = Vec::new();
        let mut end = self.skip();
        while end.is_some_and(|end| end.level == level && !end.is_last) {
            let (child, next) = self.part(default)?;
            children.push(child);
            end = next;
        }
        self.open.truncate(level);
        if end.is_some_and(|end| end.level == level) {
            // what stands behind the last delimiter is for nobody
            end = self.skip();
        }
        Ok((children, end))
    }
}

/// The name and the value of a header field.
fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    is_name.then(|| (name, &line[colon + 1..]))
}
