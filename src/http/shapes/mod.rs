//! JSON shapes that are the API's own: what bodies are documented as, and what answers look like.
//!
//! Requests are read field by field; their shapes here say the same in the documentation.

mod accounts;
mod app;
mod chats;
mod consents;
mod contacts;
mod files;
mod live;
mod overview;
mod params;
mod providers;
mod team;
mod texts;
mod told;
mod webhooks;
mod workspaces;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::accounts::{
    AccountUser, AskedPurpose, Authenticated, ClientKind, CodeChannel, CodeRequest, CodeSent, ConfirmRequest,
    LoginRequest, PasswordDone, PasswordRequest, PendingCode, RecoverRequest, RecoveryBegun, RecoveryCodes,
    RecoveryRequest, Seat, SessionEntry, SignInBegun, SignInDone, SignUpRequest, SwitchRequest, Switched, TotpRequest,
    TotpSecret, UpdateRequest, UserMade, VerifyRequest,
};
pub use self::app::{AppInfo, RunMode, SignUp};
pub use self::chats::{
    ConversationRequest, EditRequest, FriendState, HistoryOfEdits, MemberList, PersonRequest, ReadRequest, SaidDraft,
};
pub use self::consents::ConsentRequest;
pub use self::contacts::{ContactAddressRequest, ContactRequest, ContactUpdate, MergeRequest};
pub use self::files::{InboundParseForm, MailAnswer, UploadForm};
pub use self::live::{LiveParams, Present, TypingRequest};
pub use self::overview::{LaneQueue, OverviewParams, Overviewed};
pub use self::params::{
    BareParams, ConsentParams, ContactParams, ConversationParams, DaysParams, IdempotencyHeader, MessageOrder,
    MessageParams, PageParams,
};
pub use self::providers::{
    BreakerState, LaneName, Provider, ProviderBreaker, ProviderLimits, ProviderQueue, ProviderState, RecentAttempts,
    kind_name,
};
pub use self::team::{
    ConversationChange, LabelRequest, NoteRequest, RenderRequest, Rendered, SavedReplyChange, SavedReplyRequest,
};
pub use self::texts::{
    Done, HistoryDirection, HistoryEntry, PhoneHistory, SentText, TextRequest, UnixSeconds, WebForm,
};
pub use self::told::{EventsAnswer, SendGridEvent, TwilioTold};
pub use self::webhooks::{
    Queued, ReplayRequest, Replayed, WebhookDelivery, WebhookEndpoint, WebhookEndpointMade, WebhookEndpointRequest,
    WebhookEndpointUpdate,
};
pub use self::workspaces::{
    AcceptRequest, AuditEntry, AuditParams, Invitation, InvitationRequest, InvitationSent, Joined, Key, Member,
    RoleRequest, SettingsRequest, Workspace, WorkspaceRequest,
};
use crate::domain::{ApiKeyId, ConversationId, FieldError, MessageId, Policy, QuarantineId, Status, Timestamp};
use crate::messaging::TimelineEntry;

/// One address, or a list of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Recipients {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// A text's two types.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextType {
    /// A text.
    Sms,
    /// A text with media.
    Mms,
}

/// A mail's only type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailType {
    /// Mail.
    Email,
}

/// The types of a batch and of replies.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SendType {
    /// A text.
    Sms,
    /// A text with media.
    Mms,
    /// Mail.
    Email,
}

/// A text to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "from": "+12016661234", "to": "+18045551234", "type": "sms", "body": "Hello! This is a test SMS message.",
    "attachments": null, "timestamp": "2024-11-01T14:00:00Z"
})))]
pub struct SmsDraft {
    /// The sender: a phone number, a short code, or a name of 1 to 11 letters and digits.
    pub from: String,
    /// The recipient; an MMS may have several.
    pub to: Recipients,
    /// `sms` or `mms`.
    #[serde(rename = "type")]
    pub kind: TextType,
    /// The text; it may be empty when there are attachments.
    #[schema(pattern = "^[^\\x00]*$")]
    pub body: String,
    /// URLs, or whatever names the provider uses.
    pub attachments: Option<Vec<Attachment>>,
    /// When it was written; absent: now. It orders and displays, nothing else.
    pub timestamp: Option<Timestamp>,
    /// Not before then, at most 35 days ahead; absent: at once.
    pub scheduled_at: Option<Timestamp>,
    /// Not after then, at most 7 days after its start; absent: 10 hours.
    pub deliver_by: Option<Timestamp>,
    /// What to do when it is not certain whether it was sent.
    pub policy: Option<Policy>,
}

/// What names an attachment.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(min_length = 1, max_length = 2048, example = "https://example.com/image.jpg")]
pub struct Attachment(pub String);

/// A mail to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "from": "user@usehatchapp.com", "to": "contact@gmail.com", "subject": "Hello",
    "body": "Hello! This is a test email message with <b>HTML</b> formatting.",
    "attachments": ["https://example.com/document.pdf"], "timestamp": "2024-11-01T14:00:00Z"
})))]
pub struct EmailDraft {
    /// The sender; `[any label](mailto:user@example.com)` is read as `user@example.com`.
    pub from: String,
    /// The recipient or recipients.
    pub to: Recipients,
    /// Absent, or `email`.
    #[serde(rename = "type")]
    pub kind: Option<MailType>,
    /// Text or HTML.
    #[schema(pattern = "^[^\\x00]*$")]
    pub body: String,
    /// The subject, on one line.
    #[schema(max_length = 998, pattern = "^[^\\x00\\r\\n]*$")]
    pub subject: Option<String>,
    /// Further recipients.
    pub cc: Option<Recipients>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// URLs, or whatever names the provider uses.
    pub attachments: Option<Vec<Attachment>>,
    /// When it was written; absent: now.
    pub timestamp: Option<Timestamp>,
    /// Not before then, at most 35 days ahead; absent: at once.
    pub scheduled_at: Option<Timestamp>,
    /// Not after then, at most 7 days after its start; absent: 48 hours.
    pub deliver_by: Option<Timestamp>,
    /// What to do when it is not certain whether it was sent.
    pub policy: Option<Policy>,
}

/// One draft of a batch: a text or a mail.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchDraft {
    /// The sender.
    pub from: String,
    /// The recipient or recipients.
    pub to: Recipients,
    /// How it travels.
    #[serde(rename = "type")]
    pub kind: SendType,
    /// The text, or a mail's HTML.
    pub body: String,
    /// A mail's subject.
    pub subject: Option<String>,
    /// Further recipients of a mail.
    pub cc: Option<Recipients>,
    /// Where a mail's answers go.
    pub reply_to: Option<String>,
    /// URLs, or whatever names the provider uses.
    pub attachments: Option<Vec<Attachment>>,
    /// When it was written; absent: now.
    pub timestamp: Option<Timestamp>,
    /// Not before then.
    pub scheduled_at: Option<Timestamp>,
    /// Not after then.
    pub deliver_by: Option<Timestamp>,
    /// What to do when it is not certain whether it was sent.
    pub policy: Option<Policy>,
}

/// Drafts to send together.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"messages": [
    {"from": "+12016661234", "to": "+18045551234", "type": "sms", "body": "One"},
    {"from": "user@usehatchapp.com", "to": "contact@gmail.com", "type": "email", "body": "Two"}
]})))]
pub struct BatchRequest {
    /// 1 to 10,000 drafts.
    #[schema(min_items = 1, max_items = 10_000)]
    pub messages: Vec<BatchDraft>,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// How many were accepted.
    pub accepted: usize,
    /// How many were refused.
    pub refused: usize,
    /// One for each draft, in their order.
    pub results: Vec<BatchResult>,
}

/// What became of one draft.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum BatchResult {
    /// It is a message now.
    Accepted {
        /// The draft's place in the batch, from 0.
        index: usize,
        /// The message.
        id: MessageId,
        /// Its conversation.
        conversation_id: ConversationId,
        /// Where it stands.
        status: Status,
    },
    /// It is not.
    Refused {
        /// The draft's place in the batch, from 0.
        index: usize,
        /// Every field that was not as it should be.
        errors: Vec<FieldError>,
    },
}

/// An answer in a conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"body": "On my way"})))]
pub struct ReplyRequest {
    /// Among people, who says it: only the operator of `dev` names anybody.
    pub sender_user_name: Option<String>,
    /// The text, or a mail's HTML; among people at most 10,000 characters.
    #[schema(pattern = "^[^\\x00]*$")]
    pub body: String,
    /// URLs, or whatever names the provider uses.
    pub attachments: Option<Vec<Attachment>>,
    /// A mail's subject.
    #[schema(max_length = 998, pattern = "^[^\\x00\\r\\n]*$")]
    pub subject: Option<String>,
    /// Among numbers, which message is answered: its addresses are taken; absent: the last one's.
    pub in_reply_to: Option<MessageId>,
    /// How it travels; absent: as the message that is answered.
    #[serde(rename = "type")]
    pub kind: Option<SendType>,
    /// Not before then, at most 35 days ahead; absent: at once.
    pub scheduled_at: Option<Timestamp>,
    /// What to do when it is not certain whether it was sent.
    pub policy: Option<Policy>,
    /// Not after then, at most 7 days after its start.
    pub deliver_by: Option<Timestamp>,
}

/// A text that came in. Further fields are passed over.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({
    "from": "+18045551234", "to": "+12016661234", "type": "sms", "messaging_provider_id": "message-1",
    "body": "This is an incoming SMS message", "attachments": null, "timestamp": "2024-11-01T14:00:00Z"
})))]
pub struct SmsReceived {
    /// The sender.
    pub from: String,
    /// The recipient or recipients.
    pub to: Recipients,
    /// `sms` or `mms`.
    #[serde(rename = "type")]
    pub kind: TextType,
    /// The provider's name for it: a repeat is known by it.
    #[schema(min_length = 1, max_length = 255)]
    pub messaging_provider_id: String,
    /// The text.
    pub body: String,
    /// URLs, or whatever names the provider uses.
    pub attachments: Option<Vec<String>>,
    /// When it was written; absent: now.
    pub timestamp: Option<Timestamp>,
}

/// A mail that came in. Further fields are passed over.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({
    "from": "contact@gmail.com", "to": "user@usehatchapp.com", "xillio_id": "message-3",
    "body": "<html><body>This is an incoming email with <b>HTML</b> content</body></html>",
    "attachments": ["https://example.com/received-document.pdf"], "timestamp": "2024-11-01T14:00:00Z"
})))]
pub struct EmailReceived {
    /// The sender.
    pub from: String,
    /// The recipient or recipients.
    pub to: Recipients,
    /// Absent, or `email`.
    #[serde(rename = "type")]
    pub kind: Option<MailType>,
    /// The provider's name for it: a repeat is known by it.
    #[schema(min_length = 1, max_length = 255)]
    pub xillio_id: String,
    /// Text or HTML.
    pub body: String,
    /// The subject.
    pub subject: Option<String>,
    /// Further recipients.
    pub cc: Option<Recipients>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// URLs, or whatever names the provider uses.
    pub attachments: Option<Vec<String>>,
    /// When it was written; absent: now.
    pub timestamp: Option<Timestamp>,
}

/// What a provider may report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportedStatus {
    /// The provider has it.
    Accepted,
    /// The provider passed it on.
    Sent,
    /// It arrived.
    Delivered,
    /// It was read.
    Read,
    /// It could not be delivered.
    Undelivered,
    /// The provider gave up on it.
    Failed,
    /// The mailbox sent it back.
    Bounced,
}

/// RFC 3339, or Unix seconds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Moment {
    /// RFC 3339, or Unix seconds as digits.
    Text(String),
    /// Unix seconds.
    Seconds(i64),
}

/// What became of a message of ours. Further fields are passed over.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({
    "reference": "3b5e0a52c1f84c0d8d3e", "status": "delivered", "timestamp": "2024-11-01T14:00:05Z"
})))]
pub struct StatusReceived {
    /// Our name for it, as the provider was given it; this or `provider_id` is required.
    #[schema(min_length = 1, max_length = 255)]
    pub reference: Option<String>,
    /// The provider's name for it.
    #[schema(min_length = 1, max_length = 255)]
    pub provider_id: Option<String>,
    /// What became of it.
    pub status: ReportedStatus,
    /// When; absent: now.
    pub timestamp: Option<Moment>,
    /// Why, when it went wrong.
    pub error: Option<String>,
    /// For which of several recipients; absent: for all.
    pub recipient: Option<String>,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusResult {
    /// It is noted.
    Applied,
    /// It was noted before.
    Repeated,
}

/// A report was understood.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusAnswer {
    /// Whether it was new.
    pub result: StatusResult,
}

/// An inbound body is in quarantine.
#[derive(Debug, Serialize, ToSchema)]
pub struct Parked {
    /// Under which id.
    pub quarantined: QuarantineId,
    /// What could not be understood.
    pub errors: Vec<FieldError>,
}

/// A body that left quarantine, and what it turned out to be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Released {
    /// A message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<crate::domain::Message>,
    /// A report.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub result: Option<StatusResult>,
}

/// What happened to a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Timeline {
    /// Oldest first.
    pub data: Vec<TimelineEntry>,
}

/// A message written on a simulated handset.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({"to": "+12015550100", "body": "Hello from the handset"})))]
pub struct HandsetMessage {
    /// To whom: an address of ours.
    pub to: String,
    /// The text.
    pub body: String,
    /// URLs, or any names.
    pub attachments: Option<Vec<String>>,
}

/// The server is alive, or ready.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: &'static str,
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({ "name": "the shop", "scopes": ["messages:send", "messages:read"] })))]
pub struct KeyRequest {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100, pattern = "^[^\\x00]*$")]
    pub name: String,
    /// `messages:send`, `messages:read`, `metrics:read`, or `admin`, which is all of them.
    #[schema(min_items = 1)]
    pub scopes: Vec<String>,
    /// Not after then; absent: until it is revoked.
    pub expires_at: Option<Timestamp>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyMade {
    /// Its id, by which it is revoked.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Not after then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The key itself. It is not kept: whoever loses it makes another.
    pub key: String,
}
