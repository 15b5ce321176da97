//! What the header of a mail says, as far as anybody here asks for it. Every other field is passed over.

use super::decode::{self, LONGEST_VALUE};
use crate::domain::Timestamp;

/// How often a field counts that may stand there several times.
const MOST_REPEATS: usize = 50;
/// Characters of a subject (RFC 5322 line limit, with room for `Re:`).
const LONGEST_SUBJECT: usize = 990;
/// Mails of before that are remembered of one mail.
const MOST_IDS: usize = 50;

macro_rules! names {
    ($($name:ident => $text:literal,)*) => {
        /// The fields that are read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Name {
            $($name,)*
        }

        impl Name {
            /// Reads a name, however it is capitalised.
            pub(super) fn read(name: &[u8]) -> Option<Self> {
                const ALL: &[(Name, &[u8])] = &[$((Name::$name, $text),)*];
                ALL.iter().find(|(_, text)| name.eq_ignore_ascii_case(text)).map(|(name, _)| *name)
            }
        }
    };
}

names! {
    From => b"from",
    Sender => b"sender",
    To => b"to",
    Cc => b"cc",
    ReplyTo => b"reply-to",
    Subject => b"subject",
    Date => b"date",
    MessageId => b"message-id",
    InReplyTo => b"in-reply-to",
    References => b"references",
    ReturnPath => b"return-path",
    DeliveredTo => b"delivered-to",
    OriginalTo => b"x-original-to",
    EnvelopeTo => b"envelope-to",
    AutoSubmitted => b"auto-submitted",
    Precedence => b"precedence",
    ListId => b"list-id",
    ContentType => b"content-type",
    ContentDisposition => b"content-disposition",
    ContentId => b"content-id",
    TransferEncoding => b"content-transfer-encoding",
    Proof => b"x-switchboard-proof",
}

/// The fields of a header, unfolded.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(Name, Vec<u8>)>);

impl Fields {
    /// Whether nothing that is asked for stands there.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a field; false when it is passed over because it stands there already.
    pub(super) fn begin(&mut self, name: Name, value: &[u8]) -> bool {
        let most = match name {
            Name::To | Name::Cc | Name::DeliveredTo | Name::OriginalTo | Name::EnvelopeTo => MOST_REPEATS,
            _ => 1,
        };
        let is_new = self.all(name).count() < most;
        if is_new {
            self.0.push((name, value[..value.len().min(LONGEST_VALUE)].to_vec()));
        }
        is_new
    }

    /// Takes the next line of the field that was begun last.
    pub(super) fn go_on(&mut self, name: Name, line: &[u8]) {
        if let Some((_, value)) = self.0.last_mut().filter(|(last, _)| *last == name) {
            let room = LONGEST_VALUE.saturating_sub(value.len());
            value.extend_from_slice(&line[..line.len().min(room)]);
        }
    }

    /// A field, the first of its name.
    pub(super) fn get(&self, name: Name) -> Option<&[u8]> {
        self.all(name).next()
    }

    fn all(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_slice())
    }

    fn addresses(&self, name: Name) -> Vec<String> {
        self.all(name).flat_map(decode::addresses).collect()
    }

    fn ids(&self, name: Name) -> Vec<String> {
        self.get(name).map(decode::message_ids).unwrap_or_default()
    }

    /// A field as a short text in lower case.
    pub(super) fn token(&self, name: Name) -> Option<String> {
        self.text(name).map(|text| text.to_ascii_lowercase())
    }

    fn text(&self, name: Name) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).trim().to_owned())
    }
}

/// What the header of a mail says.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// Who wrote it.
    pub from: Vec<String>,
    /// To whom it says it goes.
    pub to: Vec<String>,
    /// And to whom besides.
    pub cc: Vec<String>,
    /// Where answers are to go.
    pub reply_to: Vec<String>,
    /// To whom a mail server has delivered it.
    pub delivered_to: Vec<String>,
    /// Its subject, in one line.
    pub subject: Option<String>,
    /// When it says it was written.
    pub date: Option<Timestamp>,
    /// Its `Message-ID`, without brackets.
    pub message_id: Option<String>,
    /// The mails that it answers, as `In-Reply-To` has them.
    pub answers: Vec<String>,
    /// The mails before it, the oldest first, as `References` has them.
    pub references: Vec<String>,
    /// Whether a machine wrote it, or a list spread it: it must not be answered by a machine (RFC 3834).
    pub is_automatic: bool,
    /// The proof that we wrote it, when it is there.
    pub proof: Option<String>,
}

impl Head {
    pub(super) fn of(fields: &Fields) -> Self {
        let mut from = fields.addresses(Name::From);
        from.extend(fields.addresses(Name::Sender));
        let delivered = [Name::EnvelopeTo, Name::OriginalTo, Name::DeliveredTo];
        let subject = fields.get(Name::Subject).map(decode::unstructured);
        let mut references = fields.ids(Name::References);
        references.drain(..references.len().saturating_sub(MOST_IDS));
        let mut answers = fields.ids(Name::InReplyTo);
        answers.truncate(MOST_IDS);
        Self {
            is_automatic: is_automatic(fields, &from),
            from,
            to: fields.addresses(Name::To),
            cc: fields.addresses(Name::Cc),
            reply_to: fields.addresses(Name::ReplyTo),
            delivered_to: delivered.iter().flat_map(|name| fields.addresses(*name)).collect(),
            subject: subject.map(|subject| subject.chars().take(LONGEST_SUBJECT).collect()),
            date: fields.get(Name::Date).and_then(decode::date),
            message_id: fields.ids(Name::MessageId).into_iter().next(),
            answers,
            references,
            proof: fields.text(Name::Proof),
        }
    }
}

/// The signs of RFC 3834, section 2, and of lists.
fn is_automatic(fields: &Fields, from: &[String]) -> bool {
    let first_word = |text: String| text.split([';', ' ', '\t', '(']).next().unwrap_or_default().to_owned();
    let is_submitted = fields.token(Name::AutoSubmitted).is_some_and(|text| first_word(text) != "no");
    let is_bulk = fields
        .token(Name::Precedence)
        .is_some_and(|text| ["bulk", "list", "junk"].contains(&first_word(text).as_str()));
    let is_of_nobody =
        fields.token(Name::ReturnPath).is_some_and(|text| text.split_whitespace().collect::<String>() == "<>");
    let is_daemon = |address: &str| {
        let local = address.split('@').next().unwrap_or_default();
        ["mailer-daemon", "postmaster"].iter().any(|name| local.eq_ignore_ascii_case(name))
    };
    let sender = fields.token(Name::From).unwrap_or_default();
    is_submitted
        || is_bulk
        || is_of_nobody
        || fields.get(Name::ListId).is_some()
        || from.iter().any(|address| is_daemon(address))
        || is_daemon(&sender)
}
