//! Consent: what somebody says of it is written in the commit that stores their word, and nothing is handed to a sender
//! afterwards.
//!
//! The other half is the claim of the outbox, which looks at it in the transaction that hands a message over.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::mails::{Answered, MailFacts};
use super::send::{store_outbound, way};
use super::{Messaging, Page, PageRequest, SINGLE};
use crate::domain::{
    Address, AddressId, Caller, Channel, ConsentChannel, ConsentId, ConsentSource, ConsentState, Draft, Keyword,
    Message, MessageId, Policy, Timestamp, Who, WorkspaceId,
};
use crate::store::{self, ConsentRow, NewConsent, Reach, Slot, Tx};

/// How long whoever opts out waits at most for what a sender has in its hands.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Nobody gets more than one automatic answer in so long.
const ANSWERS_EVERY: Duration = Duration::from_hours(24);
/// Bytes of the proof in an unsubscribe link.
const PROOF: usize = 16;

/// A change of consent.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Consent {
    /// Its id.
    pub id: ConsentId,
    /// Whose.
    #[schema(example = "+12025550199")]
    pub address: String,
    /// On what; `sms` stands for MMS too.
    pub channel: ConsentChannel,
    /// How it stood from then on.
    pub state: ConsentState,
    /// What brought it about.
    pub source: ConsentSource,
    /// Whose doing it was: `operator`, `key:7` or `user:3`; empty for the address's owner.
    pub actor: String,
    /// What shows it: the message, the word, the report.
    pub evidence: Value,
    /// When.
    pub at: Timestamp,
}

/// What somebody of the workspace knows of somebody's consent.
#[derive(Debug, Clone)]
pub struct ConsentChange {
    /// Whose.
    pub address: Address,
    /// On what.
    pub channel: ConsentChannel,
    /// How it stands.
    pub state: ConsentState,
    /// How they know.
    pub note: Option<String>,
}

/// Does what a message that came in asks for by a keyword, in its own transaction; gives who gets nothing from now on.
///
/// What a machine or a list sent asks for nothing, whatever stands in it.
pub(super) async fn obey(
    tx: &mut Tx,
    m: &Messaging,
    workspace: WorkspaceId,
    (message, draft, mail): (&Message, &Draft, Option<&MailFacts>),
    now: Timestamp,
) -> store::Result<Option<Reach>> {
    let id = message.id;
    let keyword = keyword(message).filter(|_| !mail.is_some_and(|mail| mail.is_automatic));
    let state = match keyword {
        None => return Ok(None),
        Some(Keyword::Help) => {
            answer_help(tx, m, workspace, (id, draft, mail), now).await?;
            return Ok(None);
        }
        Some(Keyword::Stop) => ConsentState::OptedOut,
        Some(Keyword::Start) => ConsentState::OptedIn,
    };
    let Some(address) = tx.find_address(workspace, &draft.from).await? else { return Ok(None) };
    let evidence = json!({ "message_id": id, "text": draft.body });
    let new = NewConsent {
        address,
        channel: ConsentChannel::Sms,
        state,
        source: ConsentSource::Keyword,
        actor: "",
        evidence,
    };
    tx.lock_consent().await?;
    tx.put_consent(workspace, &new, now).await?;
    Ok((state == ConsentState::OptedOut).then_some((address, ConsentChannel::Sms)))
}

/// The keyword that a text is. Of a mail, what is new of it may ask for help; for the rest mails have links, and their
/// words are too common in letters.
fn keyword(message: &Message) -> Option<Keyword> {
    if message.channel != Channel::Email {
        return Keyword::read(&message.body);
    }
    let said = message.new_text.as_ref().or(message.text.as_ref()).unwrap_or(&message.body);
    Keyword::read(said).filter(|keyword| *keyword == Keyword::Help)
}

/// Who was asked, and so answers: an address of the workspace. Where nobody's addresses are known it is the one that the
/// mail server named, or the only one that the question went to.
fn asked<'a>(
    m: &Messaging,
    workspace: WorkspaceId,
    question: &'a Draft,
    mail: Option<&'a MailFacts>,
) -> Option<&'a Address> {
    let routing = &m.rules.routing;
    let mut all = question.recipients();
    if routing.has_senders() {
        return all.find(|address| routing.may_send(workspace, address));
    }
    let only = all.next().filter(|_| all.next().is_none());
    mail.and_then(|mail| mail.envelope.first()).or(only)
}

/// Answers with the workspace's text, when it has one, once a day to everybody.
async fn answer_help(
    tx: &mut Tx,
    m: &Messaging,
    workspace: WorkspaceId,
    (id, question, mail): (MessageId, &Draft, Option<&MailFacts>),
    now: Timestamp,
) -> store::Result<()> {
    let text = tx.find_workspace(workspace).await?.and_then(|row| row.help_text);
    let (Some(body), Some(from)) = (text, asked(m, workspace, question, mail)) else { return Ok(()) };
    let channel = if question.channel.is_text() { Channel::Sms } else { question.channel };
    let key = m.store.vault().fingerprint(&[b"answer", &workspace.0.to_be_bytes(), question.from.as_str().as_bytes()]);
    if let Slot::Full(_) = tx.take_slot(("automatic_answer", &key), (1, ANSWERS_EVERY), now).await? {
        return Ok(());
    }
    let draft = Draft {
        channel,
        from: from.clone(),
        to: vec![question.from.clone()],
        cc: Vec::new(),
        reply_to: None,
        subject: question.subject.clone(),
        body,
        attachments: Vec::new(),
        timestamp: None,
        scheduled_at: None,
        deliver_by: None,
        policy: Policy::NoDuplicates,
    };
    if way(m, &draft).is_none() {
        return Ok(());
    }
    let server = Caller { workspace, who: Who::Operator };
    let row = tx.load_messages(workspace, &[id]).await?.pop();
    let answered = match &row {
        Some(row) => Answered::find(tx, workspace, row).await?,
        None => None,
    };
    store_outbound(tx, m, &server, (vec![(draft, Vec::new())], SINGLE, answered.as_ref()), now).await?;
    Ok(())
}

/// What shows that a message should not have gone to somebody.
#[derive(Debug, Clone)]
pub(crate) struct Unwanted {
    /// The message.
    pub(crate) message: MessageId,
    /// To whom; absent: to the only one it went to.
    pub(crate) about: Option<AddressId>,
    /// What brought it about.
    pub(crate) source: ConsentSource,
    /// What shows it.
    pub(crate) evidence: Value,
}

/// Writes down who wants nothing more, or cannot be reached; what the server itself sends is not stopped. It comes last in its unit of work: whoever holds consent
/// may wait for rows that this one has locked.
pub(crate) async fn note_unwanted(
    tx: &mut Tx,
    workspace: WorkspaceId,
    unwanted: &[Unwanted],
    now: Timestamp,
) -> store::Result<()> {
    if unwanted.is_empty() || workspace == WorkspaceId::ACCOUNTS {
        return Ok(());
    }
    let ids: Vec<MessageId> = unwanted.iter().map(|one| one.message).collect();
    let channels: HashMap<MessageId, Channel> =
        tx.load_messages(workspace, &ids).await?.into_iter().map(|row| (row.id, row.channel)).collect();
    let recipients = tx.load_recipients(workspace, &ids).await?;
    tx.lock_consent().await?;
    for Unwanted { message, about, source, evidence } in unwanted.iter().cloned() {
        let channel = channels.get(&message).copied().and_then(ConsentChannel::of);
        let Some(channel) = channel.filter(|channel| fits(source, *channel)) else { continue };
        let of_message = recipients.iter().filter(|row| row.message_id == message);
        let mut meant = of_message.filter(|row| about.is_none_or(|about| row.address_id == about));
        let (Some(row), None) = (meant.next(), meant.next()) else { continue };
        let state = ConsentState::OptedOut;
        let new = NewConsent { address: row.address_id, channel, state, source, actor: "", evidence };
        tx.put_consent(workspace, &new, now).await?;
    }
    Ok(())
}

/// Only mailboxes bounce.
fn fits(source: ConsentSource, channel: ConsentChannel) -> bool {
    source != ConsentSource::Bounce || channel == ConsentChannel::Email
}

/// Waits, a few seconds at most, until no sender has anything in its hands for somebody who has just opted out.
pub(super) async fn settle(m: &Messaging, workspace: WorkspaceId, reach: Option<Reach>) -> store::Result<()> {
    let Some(reach) = reach else { return Ok(()) };
    let is_quiet = async {
        while m.store.read().await?.is_under_way(workspace, reach).await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, is_quiet).await.unwrap_or(Ok(()))
}

/// Writes down what somebody of the workspace knows; gives the entry that counts from now on.
pub async fn change_consent(m: &Messaging, caller: &Caller, change: ConsentChange) -> store::Result<Consent> {
    let (now, workspace) = (m.clock.now(), caller.workspace);
    let mut tx = m.store.begin().await?;
    let ids = tx.ensure_addresses(workspace, std::slice::from_ref(&change.address), now).await?;
    let address = ids[&change.address];
    let evidence = change.note.map_or_else(|| json!({}), |note| json!({ "note": note }));
    let actor = caller.who.to_string();
    let ConsentChange { channel, state, .. } = change;
    tx.lock_consent().await?;
    let new = NewConsent { address, channel, state, source: ConsentSource::Api, actor: &actor, evidence };
    tx.put_consent(workspace, &new, now).await?;
    let row = tx.find_consent(workspace, (address, channel)).await?;
    tx.commit().await?;
    settle(m, workspace, (state == ConsentState::OptedOut).then_some((address, channel))).await?;
    let row = row.ok_or(store::Error::Corrupt("no row for a consent that was just given"))?;
    Ok(shown(row, change.address.as_str().to_owned()))
}

/// Changes of consent, the newest first: of one address, or of all.
pub async fn list_consents(
    m: &Messaging,
    workspace: WorkspaceId,
    address: Option<&Address>,
    page: PageRequest,
) -> store::Result<Page<Consent>> {
    let mut tx = m.store.read().await?;
    let id = match address {
        None => None,
        Some(address) => match tx.find_address(workspace, address).await? {
            None => return Ok(Page { data: Vec::new(), next: None }),
            found => found,
        },
    };
    let page = tx.list_consents(workspace, id, page).await?;
    let next = page.next;
    Ok(Page { data: show_all(&mut tx, workspace, page.data).await?, next })
}

/// Changes of consent by their ids, as they are shown.
pub async fn load_consents(
    tx: &mut Tx,
    workspace: WorkspaceId,
    ids: &[ConsentId],
) -> store::Result<HashMap<ConsentId, Consent>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = tx.load_consents(workspace, ids).await?;
    let shown = show_all(tx, workspace, rows).await?;
    Ok(shown.into_iter().map(|consent| (consent.id, consent)).collect())
}

/// Rows with their addresses.
async fn show_all(tx: &mut Tx, workspace: WorkspaceId, rows: Vec<ConsentRow>) -> store::Result<Vec<Consent>> {
    let wanted: BTreeSet<AddressId> = rows.iter().map(|row| row.address_id).collect();
    let addresses = tx.load_addresses(workspace, &wanted.into_iter().collect::<Vec<_>>()).await?;
    let text = |id: AddressId| addresses.get(&id).map(|address| address.as_str().to_owned()).unwrap_or_default();
    let show = |row: ConsentRow| {
        let address = text(row.address_id);
        shown(row, address)
    };
    Ok(rows.into_iter().map(show).collect())
}

fn shown(row: ConsentRow, address: String) -> Consent {
    Consent {
        id: row.id,
        address,
        channel: row.channel,
        state: row.state,
        source: row.source,
        actor: row.actor,
        evidence: row.evidence.0,
        at: row.at,
    }
}

/// The link by which whoever has a mailbox gets no more mails of a workspace (RFC 8058). It is good for ever.
pub fn unsubscribe_link(m: &Messaging, workspace: WorkspaceId, address: AddressId) -> String {
    let (workspace, address) = (workspace.0.to_be_bytes(), address.0.to_be_bytes());
    let proof = proof(m, workspace, address);
    let token = URL_SAFE_NO_PAD.encode([&workspace[..], &address, &proof].concat());
    format!("{}/unsubscribe/{token}", m.rules.base_url)
}

/// Whether a link to unsubscribe is one of ours.
pub fn is_unsubscribe_token(m: &Messaging, token: &str) -> bool {
    read_token(m, token).is_some()
}

/// Lets a mailbox get no more mails of a workspace; false when the link is none of ours.
pub async fn unsubscribe(m: &Messaging, token: &str) -> store::Result<bool> {
    let Some((workspace, address)) = read_token(m, token) else { return Ok(false) };
    let reach = (address, ConsentChannel::Email);
    let mut tx = m.store.begin().await?;
    if tx.load_addresses(workspace, &[address]).await?.is_empty() {
        return Ok(false);
    }
    tx.lock_consent().await?;
    let (state, source) = (ConsentState::OptedOut, ConsentSource::OneClick);
    let new = NewConsent { address, channel: reach.1, state, source, actor: "", evidence: json!({}) };
    tx.put_consent(workspace, &new, m.clock.now()).await?;
    tx.commit().await?;
    settle(m, workspace, Some(reach)).await?;
    Ok(true)
}

fn read_token(m: &Messaging, token: &str) -> Option<(WorkspaceId, AddressId)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (workspace, rest) = bytes.split_first_chunk::<8>()?;
    let (address, given) = rest.split_first_chunk::<8>()?;
    let is_ours = bool::from(proof(m, *workspace, *address)[..].ct_eq(given));
    is_ours.then(|| (WorkspaceId(i64::from_be_bytes(*workspace)), AddressId(i64::from_be_bytes(*address))))
}

fn proof(m: &Messaging, workspace: [u8; 8], address: [u8; 8]) -> [u8; PROOF] {
    let mac = m.store.vault().fingerprint(&[b"unsubscribe link", &workspace, &address]);
    std::array::from_fn(|at| mac[at])
}
