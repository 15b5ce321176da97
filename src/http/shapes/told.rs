//! What services tell us in their own words: only what is read of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::QuarantineId;

/// What Twilio tells: with `MessageStatus`, what became of a message of ours; without, a message that came in. Further
/// parameters are signed, and passed over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(examples(
    json!({"MessageSid": "SM0123456789abcdef0123456789abcdef", "From": "+18045551234", "To": "+12016661234",
           "Body": "Is it ready?", "NumMedia": "0"}),
))]
pub struct TwilioTold {
    /// Twilio's name for the message: a repeat is known by it.
    #[schema(min_length = 1, max_length = 255)]
    pub message_sid: String,
    /// Who wrote it.
    pub from: Option<String>,
    /// To which number of ours.
    pub to: Option<String>,
    /// The text.
    pub body: Option<String>,
    /// How many pictures there are; each has its `MediaUrl0`, `MediaUrl1`, ..
    pub num_media: Option<String>,
    /// What became of a message of ours.
    #[schema(example = "delivered")]
    pub message_status: Option<String>,
    /// Why, as Twilio numbers it.
    pub error_code: Option<String>,
}

/// What became of a mail at SendGrid, for one of its recipients. Further fields are passed over.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(examples(json!({
    "event": "delivered", "email": "contact@gmail.com", "timestamp": 1_730_469_605, "sg_event_id": "ZGVsaXZlcmVkLTA",
    "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "reference": "3b5e0a52c1f84c0d8d3e"
})))]
pub struct SendGridEvent {
    /// What happened.
    pub event: String,
    /// To whom.
    pub email: String,
    /// When, in Unix seconds.
    pub timestamp: i64,
    /// SendGrid's name for the event.
    pub sg_event_id: Option<String>,
    /// SendGrid's name for the mail.
    pub sg_message_id: Option<String>,
    /// Our name for the mail, as it was given along.
    pub reference: Option<String>,
    /// Why it was not delivered.
    pub reason: Option<String>,
    /// How it bounced: `bounce`, or `blocked`, which is no reason to send no more.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// What became of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventsAnswer {
    /// How many are noted now.
    pub applied: usize,
    /// How many were noted before.
    pub repeated: usize,
    /// Those that could not be understood, or whose mail is not known.
    pub quarantined: Vec<QuarantineId>,
}
