//! What things are: ids, addresses, drafts, messages, states and the moves allowed between them. No I/O.

mod account;
mod address;
mod chat;
mod consent;
mod contact;
mod draft;
mod event;
mod file;
mod guards;
mod html;
mod id;
mod message;
mod nesting;
mod network;
mod people;
mod quiet;
mod quote;
mod refusal;
mod segments;
mod status;
mod team;
mod time;
mod webhook;
mod workspace;

pub use account::{CodePurpose, UsernameError, check_username, join_name, split_name};
pub use address::{Address, AddressError, AddressKind, PhoneRules, mask};
pub use chat::{ChatDraft, MemberRole, Relation, emoji};
pub use consent::{ConsentChannel, ConsentSource, ConsentState, Keyword};
pub use contact::{Contact, ContactName};
pub use draft::{Draft, Limits};
pub use event::{Event, EventKind};
pub use file::{MAX_FILE_BYTES, MediaType, UploadedFile, clean_file_name, file_of_url, file_url};
pub use guards::Guards;
pub use html::{Rendered, is_html, render, render_with};
pub use id::{
    AddressId, ApiKeyId, AuditId, ConsentId, ContactId, ConversationId, EventId, FileId, InboundMediaId, InvitationId,
    LabelId, MessageId, NoteId, OutboxId, QuarantineId, SavedReplyId, SessionId, UserId, WebhookDeliveryId,
    WebhookEndpointId, WorkspaceId,
};
pub use message::{
    Channel, Conversation, ConversationKind, Direction, LastMessage, Message, OneOrMany, Policy, Reaction,
    ReceiptTotals, Recipient, RecipientKind, SegmentSummary,
};
pub use network::{Network, NetworkError};
pub use people::{Caller, Role, Sight, Who, is_username};
pub use quiet::{QuietHours, QuietHoursChange, QuietHoursError};
pub use quote::new_part;
pub use refusal::{FieldError, Refusal};
pub use segments::{Encoding, Segments};
pub use status::{Report, Standing, Status};
pub use team::{
    ActKind, Activity, Actor, ConversationState, Label, LabelName, Note, PLACEHOLDERS, SavedReply, fill_placeholders,
    unknown_placeholders,
};
pub use time::Timestamp;
pub use webhook::{DeliveryState, WebhookEvent};
pub use workspace::{GroupHistory, Strangers};
