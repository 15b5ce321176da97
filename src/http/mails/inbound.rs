//! From a mail that was read to a message: its addresses, its name, and what it hangs together with.

use std::collections::HashSet;

use axum::body::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::OwnedSemaphorePermit;

use super::{envelope, read_aside, unreadable};
use crate::domain::{Address, Channel, Draft, FieldError, Policy, Refusal};
use crate::messaging::{Endpoint, Inbound, IncomingMail, MailFacts, MailFile};
use crate::mime::{self, Head, Mail};

/// Recipients of one mail that are kept.
const MOST_RECIPIENTS: usize = 1_000;
/// Mails that one answers by which its conversation is looked for.
const MOST_ANSWERED: usize = 30;

/// A mail that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) mail: Mail,
    /// To whom the envelope had it go, as far as it is known.
    pub(super) envelope: Vec<String>,
    /// Its bytes; absent, when it came in pieces.
    pub(super) raw: Option<Bytes>,
    /// What stands for its name, where it has none: of its bytes.
    pub(super) hash: Option<[u8; 32]>,
}

/// Reads a mail as it is. Whom its mail server named with it counts; without that what stands in its header, which
/// anybody may have written there.
pub(super) async fn read_raw(body: Bytes, place: OwnedSemaphorePermit) -> Result<Read, Refusal> {
    read_aside("mail", place, move || {
        let (named, raw) = envelope::split(&body);
        let mail = mime::read(&raw).map_err(|error| unreadable("mail", error.to_string()))?;
        let envelope = if named.is_empty() { mail.head.delivered_to.clone() } else { named };
        let hash = Some(Sha256::digest(&raw).into());
        Ok(Read { mail, envelope, raw: Some(raw), hash })
    })
    .await
}

/// Makes a message of a mail.
pub(super) fn incoming(read: Read) -> Result<IncomingMail, Refusal> {
    let Read { mail, envelope, raw, hash } = read;
    let Mail { head, body, files, report: _ } = mail;
    let mut errors = Refusal::new();
    let from = head.from.iter().find_map(|text| Address::email(text).ok());
    if from.is_none() {
        let code = if head.from.is_empty() { "required" } else { "invalid" };
        errors.push(FieldError::new("from", code, "must hold the address of a mailbox"));
    }
    let people = Recipients::of(&head, &envelope);
    if people.to.is_empty() {
        let code = if head.to.is_empty() && envelope.is_empty() { "required" } else { "invalid" };
        errors.push(FieldError::new("to", code, "must hold the address of a mailbox, or be given in the query"));
    }
    let (Some(from), true) = (from, errors.is_empty()) else { return Err(errors) };
    let files: Vec<MailFile> = files.into_iter().map(named).collect();
    let external_id = external_id(&head, (&from, &people.hidden), (&body, &files), hash);
    let notes = people.notes();
    let reply_to = head.reply_to.iter().find_map(|text| Address::email(text).ok()).filter(|address| *address != from);
    let facts = MailFacts {
        name: head.message_id.clone(),
        answers: answers(&head),
        thread: thread(&head),
        is_automatic: head.is_automatic,
        notes,
        kept: Vec::new(),
        envelope: people.ours,
        hidden: people.hidden,
    };
    let draft = Draft {
        channel: Channel::Email,
        from,
        to: people.to,
        cc: people.cc,
        reply_to,
        subject: head.subject.filter(|subject| !subject.is_empty()),
        body,
        attachments: Vec::new(),
        timestamp: head.date,
        scheduled_at: None,
        deliver_by: None,
        policy: Policy::default(),
    };
    let inbound = Inbound { endpoint: Endpoint::Mail, external_id, draft, media_of: None, mail: Some(Box::new(facts)) };
    Ok(IncomingMail { inbound, files, raw })
}

/// Whom a mail goes to. Those of the envelope come first: they are ours, and so who answers.
#[derive(Debug, Default)]
struct Recipients {
    to: Vec<Address>,
    cc: Vec<Address>,
    /// Those of the envelope.
    ours: Vec<Address>,
    /// Those of the envelope whom the header does not name.
    hidden: Vec<Address>,
    /// Addresses that cannot be read, and those that are too many.
    unread: usize,
    left_out: usize,
}

impl Recipients {
    fn of(head: &Head, envelope: &[String]) -> Self {
        let mut people = Self::default();
        let mut known = HashSet::new();
        let read = |texts: &[String], unread: &mut usize| -> Vec<Address> {
            let read: Vec<Option<Address>> = texts.iter().map(|text| Address::email(text).ok()).collect();
            *unread += read.iter().filter(|address| address.is_none()).count();
            read.into_iter().flatten().collect()
        };
        let mut ignored = 0;
        let ours = read(envelope, &mut ignored);
        let to = read(&head.to, &mut people.unread);
        let cc = read(&head.cc, &mut people.unread);
        let named: HashSet<&Address> = to.iter().chain(&cc).collect();
        people.hidden = ours.iter().filter(|address| !named.contains(*address)).cloned().collect();
        people.hidden.sort();
        people.hidden.dedup();
        people.to = ours.iter().chain(&to).filter(|address| known.insert((*address).clone())).cloned().collect();
        people.cc = cc.iter().filter(|address| known.insert((*address).clone())).cloned().collect();
        if people.to.is_empty() {
            people.to = std::mem::take(&mut people.cc);
        }
        people.ours = ours;
        people.left_out = (people.to.len() + people.cc.len()).saturating_sub(MOST_RECIPIENTS);
        people.to.truncate(MOST_RECIPIENTS);
        people.cc.truncate(MOST_RECIPIENTS - people.to.len());
        people
    }

    fn notes(&self) -> Vec<Value> {
        let note = |count: usize, text: &str| (count > 0).then(|| json!({ "note": text, "count": count }));
        let unread = note(self.unread, "recipients that cannot be read are left out");
        let left_out = note(self.left_out, "recipients beyond the thousandth are left out");
        unread.into_iter().chain(left_out).collect()
    }
}

/// By what a repeat is known: its name, its sender, whom of us only the envelope names, and what it says. A mail of
/// another content under the same name is another mail: nobody takes another's place by its name.
fn external_id(
    head: &Head,
    (from, hidden): (&Address, &[Address]),
    (body, files): (&str, &[MailFile]),
    hash: Option<[u8; 32]>,
) -> String {
    let name = head.message_id.clone().or_else(|| hash.map(hex::encode)).unwrap_or_default();
    let mut digest = Sha256::new();
    let mut take = |part: &[u8]| {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    take(from.as_str().as_bytes());
    take(head.subject.as_deref().unwrap_or_default().as_bytes());
    take(body.as_bytes());
    for file in files {
        take(&Sha256::digest(&file.bytes));
    }
    for address in hidden {
        take(address.as_str().as_bytes());
    }
    format!("{name} {}", hex::encode(digest.finalize()))
}

/// The mails before it, the nearest first.
fn answers(head: &Head) -> Vec<String> {
    let mut known = HashSet::new();
    let all = head.answers.iter().chain(head.references.iter().rev());
    all.filter(|name| known.insert(*name)).take(MOST_ANSWERED).cloned().collect()
}

/// What an answer refers to (RFC 5322, section 3.6.4).
fn thread(head: &Head) -> Vec<String> {
    let before = if head.references.is_empty() && head.answers.len() == 1 { &head.answers } else { &head.references };
    before.iter().chain(&head.message_id).cloned().collect()
}

/// What a mail carries; what has no name is called by what it is.
fn named(file: mime::File) -> MailFile {
    let mime::File { name, media_type, content_id, bytes } = file;
    let is_word = |text: &&str| (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let unnamed = || {
        let (main, sub) = media_type.split_once('/').unwrap_or((&media_type, ""));
        let (main, sub) = (Some(main).filter(is_word).unwrap_or("attachment"), Some(sub).filter(is_word));
        sub.map_or_else(|| main.to_owned(), |sub| format!("{main}.{}", if sub == "plain" { "txt" } else { sub }))
    };
    let name = name.unwrap_or_else(unnamed);
    MailFile { name, media_type, content_id, bytes: bytes.into() }
}
