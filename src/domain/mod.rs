//! What things are: ids, addresses, drafts, messages, states and the moves allowed between them. No I/O.

mod address;
mod chat;
mod draft;
mod event;
mod html;
mod id;
mod message;
mod people;
mod refusal;
mod segments;
mod status;
mod time;

pub use address::{Address, AddressError, AddressKind, PhoneRules, mask};
pub use chat::{ChatDraft, GroupHistory, MemberRole, Relation, Strangers, emoji};
pub use draft::{Draft, Limits};
pub use event::{Event, EventKind};
pub use html::{Rendered, is_html, render};
pub use id::{
    AddressId, ApiKeyId, AuditId, ConversationId, EventId, FileId, InvitationId, LabelId, MessageId, NoteId, OutboxId,
    QuarantineId, SavedReplyId, SessionId, UserId, WorkspaceId,
};
pub use message::{
    Channel, Conversation, ConversationKind, Direction, LastMessage, Message, OneOrMany, Policy, Reaction, Recipient,
    RecipientKind, SegmentSummary,
};
pub use people::{Caller, Role, Sight, Who, is_username};
pub use refusal::{FieldError, Refusal};
pub use segments::{Encoding, Segments};
pub use status::{Report, Standing, Status};
pub use time::Timestamp;
