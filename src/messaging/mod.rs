//! What the product does: send, receive, read. One function, one unit of work.

mod accept;
mod callback;
pub mod chat;
mod consent;
mod contacts;
mod desk;
mod files;
mod mails;
mod media;
mod notes;
mod notice;
mod overview;
mod providers;
mod read;
mod receive;
mod rehearse;
mod reply;
mod routing;
mod saved_replies;
mod send;
mod shown;
mod state;
mod status;
mod team;
mod text;
mod together;

use std::sync::Arc;
use std::time::Duration;

use crate::blob::Blobs;
use crate::clock::Clock;
use crate::domain::{Address, Channel, Guards, Limits, PhoneRules, WorkspaceId};
use crate::store::{Retention, Store};

pub use crate::store::{AssigneeFilter, ConversationFilter, Order, Page, PageRequest, Position};
pub use callback::{callback_token, is_callback_token};
pub use consent::{
    Consent, ConsentChange, change_consent, is_unsubscribe_token, list_consents, load_consents, unsubscribe,
    unsubscribe_link,
};
pub(crate) use consent::{Unwanted, note_unwanted};
pub use contacts::{
    ContactChange, ContactError, ContactQuery, MAX_CONTACT_NOTES, NewContact, add_address, change_contact,
    create_contact, delete_contact, find_contact, list_contacts, merge_contacts, remove_address,
};
pub use desk::Desk;
pub use files::{
    OpenFile, ReadFileError, UploadError, check_attachments, open_file, open_linked_file, read_file, sign_link,
    sweep_files, upload,
};
pub use mails::{IncomingMail, KeptFile, MailFacts, MailFile, receive_mail};
pub use media::{Media, end_media, keep_media};
pub use notes::{list_notes, write_note};
pub use notice::{Notice, NoticeError, notify};
pub use overview::{Minute, Overview, Overviews, Spread, find_overview};
pub use providers::{list_provider_pauses, list_provider_queues, pause_provider, resume_provider};
pub use read::{
    Quarantined, TimelineEntry, find_conversation, find_message, find_quarantined, find_timeline, list_conversations,
    list_dead_letters, list_messages, list_phone_history, list_quarantine, list_sent_texts, release_quarantined,
};
pub use receive::{Endpoint, Inbound, ReceiveError, Received, quarantine, receive};
pub use rehearse::rehearse;
pub use reply::{Reply, ReplyError, reply};
pub(crate) use routing::NOT_YOUR_SENDER;
pub use routing::{Route, Routing, Sender, Share, Way};
pub use saved_replies::{
    SavedReplyError, change_saved_reply, create_saved_reply, delete_saved_reply, list_saved_replies, render_saved_reply,
};
pub use send::{Once, SendError, Sent, send, send_batch};
pub use shown::{load_shown_conversations, load_shown_messages};
pub(crate) use state::load_ways;
pub use state::{MoveError, cancel, replay};
pub(crate) use status::moved;
pub use status::{
    Aside, Recorded, StatusReport, Why, apply_waiting, park_status, put_aside, record_status, record_statuses,
};
pub use team::{
    BenchChange, ChangeError, LabelError, change_bench, create_label, delete_label, end_snoozes, label_conversation,
    list_activity, list_labels, rename_label,
};
pub use text::{Text, TextError, receive_text, send_text};

/// What every use case needs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Messaging {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The bytes of uploaded files.
    pub blobs: Blobs,
    /// What the configuration says.
    pub rules: Arc<Rules>,
    /// Where sends wait to be stored together.
    pub desk: Desk,
}

/// What the configuration says of messages.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How digits become numbers.
    pub phone: PhoneRules,
    /// What a draft may be at most.
    pub limits: Limits,
    /// The sender of what names none (contract B).
    pub default_sender: Option<Address>,
    /// The sender of mails of the server itself.
    pub mail_sender: Option<Address>,
    /// Messages a minute of one sender; 0 is no limit.
    pub sender_limit_per_minute: u32,
    /// How often codes, sign-ins and accounts may be asked for.
    pub guards: Guards,
    /// Bytes that one person or key uploads in a day; 0 is no limit.
    pub upload_limit_bytes_a_day: i64,
    /// Bytes of files that one workspace stores; 0 is no limit.
    pub storage_limit_bytes: i64,
    /// Where the world reaches this server, without a slash at the end.
    pub base_url: String,
    /// How far back the list of a person's messages goes when nobody says so (contract E), in days.
    pub chat_history_days: u32,
    /// Whose the senders are, and which providers carry what.
    pub routing: Routing,
    /// How long what is kept for a while is kept.
    pub retention: Retention,
}

impl Rules {
    /// The provider that carries a channel where no route says so.
    pub fn provider_of(&self, channel: Channel) -> Option<&str> {
        self.routing.provider_of(channel)
    }

    /// The sender of a workspace's texts that name none: `default_sender`, where that is not somebody else's, or the
    /// first of its own numbers.
    pub fn default_sender_of(&self, workspace: WorkspaceId) -> Option<&Address> {
        let default = self.default_sender.as_ref().filter(|sender| self.routing.may_send(workspace, sender));
        default.or_else(|| self.routing.first_number(workspace))
    }

    /// The numbers and mailboxes that the configuration names as a workspace's own; where it says of none whose they are,
    /// what stands for a sender.
    pub fn senders_of(&self, workspace: WorkspaceId) -> impl Iterator<Item = &Address> {
        let standing = [&self.default_sender, &self.mail_sender].into_iter().flatten();
        let standing = standing.filter(|_| !self.routing.has_senders());
        self.routing.senders_of(workspace).chain(standing)
    }

    /// Whether the configuration says that a workspace writes from an address: one of its senders or of its routes, or
    /// what stands for a sender, unless that is somebody else's.
    pub fn is_own(&self, workspace: WorkspaceId, address: &Address) -> bool {
        self.routing.is_of(workspace, address).unwrap_or_else(|| {
            [&self.default_sender, &self.mail_sender].into_iter().flatten().any(|sender| sender == address)
        })
    }
}

/// How long a message of a channel is tried when nobody says so.
pub(crate) fn default_span(channel: Channel) -> Duration {
    const HOUR: Duration = Duration::from_hours(1);
    match channel {
        Channel::Sms | Channel::Mms | Channel::Chat => HOUR * 10,
        Channel::Email => HOUR * 48,
    }
}

/// The lanes: codes, single messages, bulk.
const CODE: i64 = 0;
const SINGLE: i64 = 1;
const BULK: i64 = 2;
