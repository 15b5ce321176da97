//! Uploads, and mails that come in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::StatusAnswer;
use crate::domain::Message;

/// A form with a file.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UploadForm {
    /// 1 to 10,485,760 bytes.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    pub file: Vec<u8>,
}

/// What a mail that came in has become.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum MailAnswer {
    /// This message, now or before.
    Received(Box<Message>),
    /// A line on the timeline of a mail of ours: it was a mail server's report of that.
    Noted(StatusAnswer),
}

/// What SendGrid's Inbound Parse posts. Further fields are passed over.
#[derive(Debug, Deserialize, ToSchema)]
pub struct InboundParseForm {
    /// The whole mail, in the raw form. Then only `envelope` is read besides.
    #[schema(nullable = false)]
    pub email: Option<String>,
    /// The header of the mail.
    #[schema(nullable = false)]
    pub headers: Option<String>,
    /// The sender.
    #[schema(nullable = false)]
    pub from: Option<String>,
    /// The recipients.
    #[schema(nullable = false)]
    pub to: Option<String>,
    /// Further recipients.
    #[schema(nullable = false)]
    pub cc: Option<String>,
    /// The subject.
    #[schema(nullable = false)]
    pub subject: Option<String>,
    /// What it says, as text.
    #[schema(nullable = false)]
    pub text: Option<String>,
    /// What it says, as HTML.
    #[schema(nullable = false)]
    pub html: Option<String>,
    /// Between whom the mail server had it go: `{"to":["support@example.org"],"from":"ann@example.com"}`.
    #[schema(nullable = false)]
    pub envelope: Option<String>,
    /// In which charset each field is: `{"text":"iso-8859-1"}`.
    #[schema(nullable = false)]
    pub charsets: Option<String>,
    /// What the files `attachment1`, `attachment2` and so on are called, and what they are.
    #[serde(rename = "attachment-info")]
    #[schema(nullable = false)]
    pub attachment_info: Option<String>,
    /// The first of the files.
    #[schema(value_type = Option<String>, format = Binary, content_media_type = "application/octet-stream", nullable = false)]
    pub attachment1: Option<Vec<u8>>,
}
