//! Changing a conversation: where it stands with the team, and who answers.

use std::time::Duration;

use axum::Json;

use super::body::SmallJson;
use super::fields::Fields;
use super::openapi::Refuses;
use super::query::Path;
use super::rights::MayWrite;
use super::shapes::ConversationChange;
use super::{Error, State};
use crate::domain::{Conversation, ConversationId, ConversationState, Refusal, Timestamp};
use crate::messaging::{self, BenchChange};

/// How far ahead a snooze may end.
const LONGEST_SNOOZE: Duration = Duration::from_hours(366 * 24);
/// Characters of a username that is looked for.
const MAX_NAME: usize = 100;

/// Change a conversation
///
/// Agents open, snooze, close and assign conversations of numbers and mailboxes. What comes in opens them again, and so
/// does the end of a snooze.
#[utoipa::path(
    patch, path = "/api/conversations/{id}", operation_id = "changeConversation", tag = "conversations",
    params(("id" = i64, Path, description = "The conversation.")), request_body = ConversationChange,
    responses((status = 200, description = "As it is now.", body = Conversation), Refuses<400>, Refuses<404>),
    security((), ("api_key" = ["messages:send"]), ("session" = [])),
)]
pub async fn change_conversation(
    state: State,
    MayWrite(caller): MayWrite,
    path: Path,
    SmallJson(body): SmallJson,
) -> Result<Json<Conversation>, Error> {
    let id = ConversationId(path.id("id")?);
    let mut fields = Fields::json(&body)?;
    let change = bench(&mut fields, state.messaging.clock.now());
    finish(fields, &change)?;
    Ok(Json(messaging::change_bench(&state.messaging, &caller, id, change).await?))
}

/// A change that changes nothing is a mistake.
fn finish(mut fields: Fields<'_>, change: &BenchChange) -> Result<(), Refusal> {
    let is_nothing = change.state.is_none() && change.assignee.is_none();
    if is_nothing && !["state", "snoozed_until", "assignee"].iter().any(|name| fields.is_refused(name)) {
        fields.refuse("state", "required", "something to change is wanted: state or assignee");
    }
    fields.finish()
}

fn bench(fields: &mut Fields<'_>, now: Timestamp) -> BenchChange {
    let states = ConversationState::ALL.map(ConversationState::as_str).join(", ");
    let state = fields.choice("state", ConversationState::named, &states);
    let until = fields.timestamp("snoozed_until");
    let state = match (state, until) {
        (Some(ConversationState::Snoozed), until) => {
            let until = fields.require("snoozed_until", until);
            if until.is_some_and(|until| until <= now || until > now + LONGEST_SNOOZE) {
                fields.refuse("snoozed_until", "invalid", "must lie in the future, at most a year ahead");
            }
            Some((ConversationState::Snoozed, until))
        }
        (state, Some(_)) => {
            fields.refuse("snoozed_until", "invalid", "must be given with the state snoozed alone");
            state.map(|state| (state, None))
        }
        (state, None) => state.map(|state| (state, None)),
    };
    let assignee = if fields.is_null("assignee") { Some(None) } else { fields.name("assignee", MAX_NAME).map(Some) };
    BenchChange { state, assignee }
}
