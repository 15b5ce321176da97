//! Messages as adapters get them: put together in sets, without those who want none, and told which wait for the morning.

use std::collections::{HashMap, HashSet};

use super::{Line, Outbox};
use crate::domain::{
    Address, AddressId, Channel, ConsentChannel, FileId, MessageId, QuietHours, RecipientKind, Status, Timestamp,
    WorkspaceId,
};
use crate::fault::is_sabotaged;
use crate::messaging::{callback_token, default_span, sign_link, unsubscribe_link};
use crate::provider::{Attachment, Envelope, StoredFile};
use crate::store::{
    self, AttachmentRow, Claimed, FileRow, LeftOut, MessageContent, MessageRow, Reach, RecipientRow, SECRET_MARK, Tx,
};

/// What envelopes are wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be handed to a sender.
    Send,
    /// To be asked for: they were handed over before.
    LookUp,
}

/// The messages of a claim, made ready.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// As an adapter gets them. One that is left with nobody, or whose addresses cannot be opened, is not among them.
    pub(super) envelopes: HashMap<MessageId, Envelope>,
    /// The recipients that are left out because they want none.
    pub(super) left_out: Vec<LeftOut>,
    /// Those that wait for the end of quiet hours.
    pub(super) held: HashMap<MessageId, Held>,
}

/// Until when a message is held back, and how long it is tried then when that is longer than before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) until: Timestamp,
    pub(super) deadline: Option<Timestamp>,
}

/// What the envelopes of one workspace's messages are made of.
struct Loaded {
    workspace: WorkspaceId,
    content: MessageContent,
    addresses: HashMap<AddressId, Address>,
    files: HashMap<FileId, FileRow>,
    /// What mails go on after.
    threads: HashMap<MessageId, Vec<String>>,
}

impl Outbox {
    /// Puts messages together; nothing is left out or held back of those that are asked for.
    pub(super) async fn prepare(
        &self,
        tx: &mut Tx,
        line: &Line,
        rows: &[Claimed],
        purpose: Purpose,
    ) -> store::Result<Prepared> {
        let mut by_workspace: HashMap<WorkspaceId, Vec<MessageId>> = HashMap::new();
        for row in rows {
            by_workspace.entry(row.workspace_id).or_default().push(row.message_id);
        }
        let mut prepared = Prepared::default();
        for (workspace, ids) in by_workspace {
            let messages = tx.load_messages(workspace, &ids).await?;
            let mut content = tx.load_content(workspace, &ids).await?;
            content.recipients.retain(|row| row.status != Some(Status::Rejected));
            let is_asked = purpose == Purpose::Send && workspace != WorkspaceId::ACCOUNTS;
            if is_asked && !is_sabotaged("consent_off") {
                prepared.left_out.extend(take_opted_out(tx, workspace, &messages, &mut content).await?);
            }
            let senders = messages.iter().flat_map(|row| row.from_id.into_iter().chain(row.reply_to_id));
            let wanted: Vec<AddressId> = senders.chain(content.recipients.iter().map(|row| row.address_id)).collect();
            let addresses = tx.load_addresses(workspace, &wanted).await?;
            let uploads: Vec<FileId> = content.attachments.iter().filter_map(|row| row.file_id).collect();
            let files = tx.load_files(workspace, &uploads).await?.into_iter().map(|row| (row.id, row)).collect();
            let mails: Vec<MessageId> =
                messages.iter().filter(|row| row.channel == Channel::Email).map(|row| row.id).collect();
            let threads = match mails[..] {
                [] => HashMap::new(),
                _ => tx.load_mail_threads(workspace, &mails).await?,
            };
            let loaded = Loaded { workspace, content, addresses, files, threads };
            let mut secrets = match workspace {
                WorkspaceId::ACCOUNTS => tx.load_message_secrets(workspace, &ids).await?,
                WorkspaceId(_) => HashMap::new(),
            };
            let envelope = |mut row: MessageRow| {
                if let Some(secret) = secrets.remove(&row.id) {
                    row.body = row.body.replace(SECRET_MARK, &secret);
                }
                Some((row.id, self.envelope(line, row, &loaded)?))
            };
            let firm: HashSet<MessageId> = messages.iter().filter(|row| is_firm(row)).map(|row| row.id).collect();
            let envelopes: HashMap<MessageId, Envelope> = messages.into_iter().filter_map(envelope).collect();
            if is_asked {
                let quiet = tx.find_workspace(workspace).await?.and_then(|row| row.quiet_hours);
                prepared.held.extend(quiet.into_iter().flat_map(|quiet| held(&quiet.0, &envelopes, &firm, self.now())));
            }
            prepared.envelopes.extend(envelopes);
        }
        Ok(prepared)
    }

    fn envelope(&self, line: &Line, row: MessageRow, loaded: &Loaded) -> Option<Envelope> {
        let find = |id: AddressId| loaded.addresses.get(&id).cloned();
        let of_kind = |kind: RecipientKind| {
            let rows = loaded.content.recipients.iter().filter(|to| to.message_id == row.id && to.kind == kind);
            rows.map(|to| find(to.address_id)).collect::<Option<Vec<_>>>()
        };
        let reply_to = match row.reply_to_id {
            Some(id) => Some(find(id)?),
            None => None,
        };
        let to = of_kind(RecipientKind::To)?;
        let cc = of_kind(RecipientKind::Cc)?;
        let (to, cc) = if to.is_empty() { (cc, to) } else { (to, cc) };
        if to.is_empty() {
            return None;
        }
        let unsubscribe = self.unsubscribe(&row, loaded, to.len() + cc.len());
        let reference = self.m().store.reference(row.id, row.generation);
        let last_moment = row.deliver_by.unwrap_or(row.created_at);
        let attached = loaded.content.attachments.iter().filter(|attached| attached.message_id == row.id);
        Some(Envelope {
            channel: row.channel,
            from: find(row.from_id?)?,
            to,
            cc,
            reply_to,
            unsubscribe,
            is_automatic: loaded.workspace == WorkspaceId::ACCOUNTS,
            attachments: attached.map(|attached| self.attachment(attached, loaded, last_moment)).collect(),
            timestamp: row.occurred_at,
            references: loaded.threads.get(&row.id).cloned().unwrap_or_default(),
            subject: row.subject,
            body: row.body,
            callback_token: callback_token(&self.m(), line.name(), &reference),
            reference,
        })
    }

    /// The link by which the one who gets a mail that no person wrote gets no more of them.
    fn unsubscribe(&self, row: &MessageRow, loaded: &Loaded, recipients: usize) -> Option<String> {
        let is_bulk = row.channel == Channel::Email && row.author_id.is_none() && recipients == 1;
        if !is_bulk || loaded.workspace == WorkspaceId::ACCOUNTS {
            return None;
        }
        let to = loaded.content.recipients.iter().find(|to| to.message_id == row.id)?;
        Some(unsubscribe_link(&self.m(), loaded.workspace, to.address_id))
    }

    /// What goes along as a provider gets it: an upload with a signed link to it, anything else as it is.
    fn attachment(&self, attached: &AttachmentRow, loaded: &Loaded, last_moment: Timestamp) -> Attachment {
        let file = attached.file_id.and_then(|id| loaded.files.get(&id)).map(|row| StoredFile {
            name: row.name.clone(),
            media_type: row.media_type.clone(),
            size_bytes: u64::try_from(row.size_bytes).unwrap_or_default(),
            object_key: row.object_key.clone(),
        });
        let url = match attached.file_id {
            Some(id) => sign_link(&self.m(), loaded.workspace, id, last_moment),
            None => attached.url.clone(),
        };
        Attachment { url, file }
    }
}

/// Takes the recipients away that want nothing on their message's channel.
async fn take_opted_out(
    tx: &mut Tx,
    workspace: WorkspaceId,
    messages: &[MessageRow],
    content: &mut MessageContent,
) -> store::Result<Vec<LeftOut>> {
    let channels: HashMap<MessageId, ConsentChannel> =
        messages.iter().filter_map(|row| Some((row.id, ConsentChannel::of(row.channel)?))).collect();
    let reach = |row: &RecipientRow| Some((row.address_id, *channels.get(&row.message_id)?));
    let mut reaches: Vec<Reach> = content.recipients.iter().filter_map(reach).collect();
    reaches.sort_unstable();
    reaches.dedup();
    let opted_out = tx.find_opt_outs(workspace, &reaches).await?;
    let is_out = |row: &mut RecipientRow| reach(row).is_some_and(|reach| opted_out.contains(&reach));
    let taken = content.recipients.extract_if(.., is_out);
    Ok(taken.map(|row| (workspace, row.message_id, row.position)).collect())
}

/// Whether its client gave it less time than it gets by itself.
fn is_firm(row: &MessageRow) -> bool {
    let start = row.scheduled_at.unwrap_or(row.created_at);
    row.deliver_by.is_some_and(|deliver_by| deliver_by < start + default_span(row.channel))
}

/// Which texts may not be sent now, because it is night where they go.
fn held(
    quiet: &QuietHours,
    envelopes: &HashMap<MessageId, Envelope>,
    firm: &HashSet<MessageId>,
    now: Timestamp,
) -> Vec<(MessageId, Held)> {
    let held = |(id, envelope): (&MessageId, &Envelope)| {
        let until = quiet.end_for(&envelope.to, now).filter(|_| envelope.channel.is_text())?;
        let deadline = (!firm.contains(id)).then(|| until + default_span(envelope.channel));
        Some((*id, Held { until, deadline }))
    };
    envelopes.iter().filter_map(held).collect()
}
