//! Contract A's sends, the batch, and one message: its timeline, calling it back, sending it again.

use axum::Json;
use axum::http::StatusCode;

use super::body::{LargeJson, SmallJson};
use super::draft::{self, Checks, Wanted};
use super::error::not_moved;
use super::fields::Fields;
use super::idempotency::IdempotencyKey;
use super::openapi::Refuses;
use super::query::Path;
use super::rights::{MayRead, MaySend};
use super::shapes::{BatchAnswer, BatchRequest, BatchResult, EmailDraft, IdempotencyHeader, SmsDraft, Timeline};
use super::{Error, State, error};
use crate::domain::{Caller, ConversationId, FieldError, Message, MessageId, Refusal};
use crate::messaging::{self, Once, Sent};

/// Drafts in one batch.
const MAX_BATCH: usize = 10_000;

/// Send an SMS or MMS
///
/// Answered once the message and its delivery are stored for good; what became of it is told by its status and its
/// timeline.
#[utoipa::path(
    post, path = "/api/messages/sms", operation_id = "sendSms", tag = "messages",
    params(IdempotencyHeader), request_body = SmsDraft,
    responses((status = 201, description = "Accepted.", body = Message), Refuses<400>, Refuses<409>, Refuses<422>, Refuses<429>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn send_sms(
    state: State,
    MaySend(caller): MaySend,
    key: IdempotencyKey,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Message>), Error> {
    send_one(&state, &caller, draft::TEXT, &body, key.over(&body)).await
}

/// Send an email
///
/// Answered once the message and its delivery are stored for good.
#[utoipa::path(
    post, path = "/api/messages/email", operation_id = "sendEmail", tag = "messages",
    params(IdempotencyHeader), request_body = EmailDraft,
    responses((status = 201, description = "Accepted.", body = Message), Refuses<400>, Refuses<409>, Refuses<422>, Refuses<429>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn send_email(
    state: State,
    MaySend(caller): MaySend,
    key: IdempotencyKey,
    SmallJson(body): SmallJson,
) -> Result<(StatusCode, Json<Message>), Error> {
    send_one(&state, &caller, draft::MAIL, &body, key.over(&body)).await
}

/// Send up to 10,000 messages
///
/// Each draft is accepted or refused by itself; the accepted ones are stored together.
#[utoipa::path(
    post, path = "/api/messages/batch", operation_id = "sendBatch", tag = "messages",
    params(IdempotencyHeader), request_body = BatchRequest,
    responses((status = 200, description = "What became of each draft.", body = BatchAnswer), Refuses<400>, Refuses<409>, Refuses<422>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn send_batch(
    state: State,
    MaySend(caller): MaySend,
    key: IdempotencyKey,
    LargeJson(body): LargeJson,
) -> Result<Json<BatchAnswer>, Error> {
    let mut fields = Fields::json(&body)?;
    let elements = fields.elements("messages");
    let elements = fields.require("messages", elements).unwrap_or_default();
    if !fields.is_refused("messages") && !(1..=MAX_BATCH).contains(&elements.len()) {
        fields.refuse("messages", "invalid", format!("must hold 1 to {MAX_BATCH} messages"));
    }
    fields.finish()?;
    let drafts = draft::batch(&elements, &Checks::of(&state.messaging));
    let sent = messaging::send(&state.messaging, &caller, drafts, key.over(&body)).await?;
    Ok(Json(batch_answer(sent)))
}

/// Read one message
#[utoipa::path(
    get, path = "/api/conversations/{id}/messages/{mid}", operation_id = "getMessage", tag = "messages",
    params(("id" = i64, Path, description = "The conversation."), ("mid" = i64, Path, description = "The message.")),
    responses((status = 200, description = "The message.", body = Message), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn get_message(state: State, MayRead(caller): MayRead, path: Path) -> Result<Json<Message>, Error> {
    let (conversation, message) = ids(&path)?;
    let found = messaging::find_message(&state.messaging, &caller, conversation, message).await?;
    found.map(Json).ok_or_else(error::no_such_message)
}

/// Read how a message fared
///
/// Its acceptance, attempts, callbacks, look-ups and status changes, oldest first.
#[utoipa::path(
    get, path = "/api/conversations/{id}/messages/{mid}/timeline", operation_id = "getTimeline", tag = "messages",
    params(("id" = i64, Path, description = "The conversation."), ("mid" = i64, Path, description = "The message.")),
    responses((status = 200, description = "The timeline.", body = Timeline), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:read"]), ("session" = [])),
)]
pub async fn get_timeline(state: State, MayRead(caller): MayRead, path: Path) -> Result<Json<Timeline>, Error> {
    let (conversation, message) = ids(&path)?;
    let found = messaging::find_timeline(&state.messaging, &caller, conversation, message).await?;
    found.map(|data| Json(Timeline { data })).ok_or_else(error::no_such_message)
}

/// Call a message back
///
/// Possible as long as it is `scheduled` or `queued`.
#[utoipa::path(
    post, path = "/api/conversations/{id}/messages/{mid}/cancel", operation_id = "cancelMessage", tag = "messages",
    params(("id" = i64, Path, description = "The conversation."), ("mid" = i64, Path, description = "The message.")),
    responses((status = 200, description = "Canceled.", body = Message), Refuses<400>, Refuses<404>, Refuses<409>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn cancel_message(state: State, MaySend(caller): MaySend, path: Path) -> Result<Json<Message>, Error> {
    let (conversation, message) = ids(&path)?;
    let canceled = messaging::cancel(&state.messaging, &caller, conversation, message).await;
    canceled.map(Json).map_err(|error| not_moved(error, "not_cancelable"))
}

/// Send a message once more
///
/// Possible when it is `dead`, `failed`, `undelivered`, `bounced` or, declared a possible duplicate, `unknown`.
#[utoipa::path(
    post, path = "/api/conversations/{id}/messages/{mid}/replay", operation_id = "replayMessage", tag = "messages",
    params(("id" = i64, Path, description = "The conversation."), ("mid" = i64, Path, description = "The message.")),
    responses((status = 202, description = "Queued again.", body = Message), Refuses<400>, Refuses<404>, Refuses<409>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn replay_message(
    state: State,
    MaySend(caller): MaySend,
    path: Path,
) -> Result<(StatusCode, Json<Message>), Error> {
    let (conversation, message) = ids(&path)?;
    let replayed = messaging::replay(&state.messaging, &caller, conversation, message).await;
    let message = replayed.map_err(|error| not_moved(error, "not_replayable"))?;
    Ok((StatusCode::ACCEPTED, Json(message)))
}

/// What one send is answered with.
pub fn accepted(sent: Sent) -> Result<Message, Error> {
    match sent {
        Sent::Accepted(message) => Ok(*message),
        Sent::Refused(refusal) => Err(Error::invalid(refusal)),
        Sent::Limited { after_seconds } => Err(Error::limited(after_seconds)),
    }
}

/// Sends a single draft, or its refusal, through the same door as any number of them.
pub async fn send_draft(
    state: &State,
    caller: &Caller,
    draft: crate::domain::Draft,
    once: Option<Once>,
) -> Result<Message, Error> {
    let sent = messaging::send(&state.messaging, caller, vec![Ok(draft)], once).await?;
    let first = sent.into_iter().next().ok_or_else(Error::panicked)?;
    accepted(first)
}

async fn send_one(
    state: &State,
    caller: &Caller,
    wanted: Wanted,
    body: &[u8],
    once: Option<Once>,
) -> Result<(StatusCode, Json<Message>), Error> {
    let draft = draft::outbound(Fields::json(body)?, wanted, &Checks::of(&state.messaging))?;
    let message = send_draft(state, caller, draft, once).await?;
    Ok((StatusCode::CREATED, Json(message)))
}

fn ids(path: &Path) -> Result<(ConversationId, MessageId), Error> {
    Ok((ConversationId(path.id("id")?), MessageId(path.id("mid")?)))
}

fn batch_answer(sent: Vec<Sent>) -> BatchAnswer {
    let results: Vec<BatchResult> = sent.into_iter().enumerate().map(|(at, sent)| batch_result(at, sent)).collect();
    let accepted = results.iter().filter(|result| matches!(result, BatchResult::Accepted { .. })).count();
    BatchAnswer { accepted, refused: results.len() - accepted, results }
}

fn batch_result(index: usize, sent: Sent) -> BatchResult {
    match sent {
        Sent::Accepted(message) => BatchResult::Accepted {
            index,
            id: message.id,
            conversation_id: message.conversation_id,
            status: message.status,
        },
        Sent::Refused(refusal) => BatchResult::Refused { index, errors: placed(index, refusal) },
        Sent::Limited { after_seconds } => {
            let message = format!("this sender has reached its limit; try again in {after_seconds} s");
            BatchResult::Refused {
                index,
                errors: placed(index, vec![FieldError::new("from", "rate_limited", message)]),
            }
        }
    }
}

/// The same errors, with the draft's place in the batch before each field.
fn placed(index: usize, refusal: Refusal) -> Refusal {
    let place = |mut error: FieldError| {
        let dot = if error.field.is_empty() { "" } else { "." };
        error.field = format!("messages[{index}]{dot}{}", error.field);
        error
    };
    refusal.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_where_in_the_batch_it_is() {
        let errors = placed(3, vec![FieldError::new("to", "invalid", "x"), FieldError::new("", "invalid", "x")]);
        assert_eq!(errors[0].field, "messages[3].to");
        assert_eq!(errors[1].field, "messages[3]");
    }

    #[test]
    fn a_limited_draft_counts_as_refused() {
        let answer = batch_answer(vec![Sent::Limited { after_seconds: 5 }, Sent::Refused(Vec::new())]);
        assert_eq!((answer.accepted, answer.refused), (0, 2));
    }
}
