//! Changing a conversation: where it stands with the team, and who answers; what a group is called.

use std::time::Duration;

use axum::Json;

use super::body::SmallJson;
use super::fields::Fields;
use super::openapi::Refuses;
use super::query::Path;
use super::rights::{MayWrite, session_required};
use super::shapes::ConversationChange;
use super::{Error, State, chat};
use crate::domain::{Caller, Conversation, ConversationId, ConversationState, Refusal, Timestamp};
use crate::messaging::{self, BenchChange};

/// How far ahead a snooze may end.
const LONGEST_SNOOZE: Duration = Duration::from_hours(366 * 24);
/// Characters of a username that is looked for.
const MAX_NAME: usize = 100;

/// Change a conversation
///
/// Agents open, snooze, close and assign conversations of numbers and mailboxes. What comes in opens them again, and so
/// does the end of a snooze. The owner of a group gives it another name.
#[utoipa::path(
    patch, path = "/api/conversations/{id}", operation_id = "changeConversation", tag = "conversations",
    params(("id" = i64, Path, description = "The conversation.")), request_body = ConversationChange,
    responses((status = 200, description = "As it is now.", body = Conversation), Refuses<400>, Refuses<404>, Refuses<409>),
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
    if fields.has("name") {
        return rename(&state, &caller, id, fields).await;
    }
    let change = bench(&mut fields, state.messaging.clock.now());
    finish(fields, &change)?;
    Ok(Json(messaging::change_bench(&state.messaging, &caller, id, change).await?))
}

async fn rename(
    state: &State,
    caller: &Caller,
    id: ConversationId,
    mut fields: Fields<'_>,
) -> Result<Json<Conversation>, Error> {
    let name = chat::groups::name(&mut fields);
    for other in ["state", "snoozed_until", "assignee"] {
        if fields.has(other) || fields.is_null(other) {
            fields.refuse(other, "invalid", "is for conversations of numbers; a group has a name");
        }
    }
    fields.finish()?;
    let me = caller.user().ok_or_else(session_required)?;
    Ok(Json(messaging::chat::rename(&state.messaging, (caller, me), id, &name).await?))
}

/// A change that changes nothing is a mistake.
fn finish(mut fields: Fields<'_>, change: &BenchChange) -> Result<(), Refusal> {
    let is_nothing = change.state.is_none() && change.assignee.is_none();
    if is_nothing && !["state", "snoozed_until", "assignee"].iter().any(|name| fields.is_refused(name)) {
        fields.refuse("state", "required", "something to change is wanted: state or assignee, or the name of a group");
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
