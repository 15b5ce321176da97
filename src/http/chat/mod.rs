//! People writing to each other: contract E, conversations of two and groups, what becomes of messages, friends.

mod error;
mod friends;
pub mod groups;
mod messages;
mod people;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Error;
use super::State;
use super::fields::Fields;
use super::query::Path;
use crate::domain::{ChatDraft, ConversationId, MessageId, Refusal, is_username};

/// The routes of this module.
pub fn routes() -> OpenApiRouter<State> {
    OpenApiRouter::new()
        .routes(routes!(people::list_people))
        .routes(routes!(people::write_to))
        .routes(routes!(people::list_said))
        .routes(routes!(groups::begin_conversation))
        .routes(routes!(groups::list_members, groups::add_member))
        .routes(routes!(groups::remove_member))
        .routes(routes!(groups::accept_conversation))
        .routes(routes!(groups::decline_conversation))
        .routes(routes!(messages::mark_read))
        .routes(routes!(messages::edit_message, messages::delete_message))
        .routes(routes!(messages::list_edits))
        .routes(routes!(messages::add_reaction, messages::remove_reaction))
        .routes(routes!(friends::list_friends, friends::ask_friend))
        .routes(routes!(friends::delete_friend))
        .routes(routes!(friends::accept_friend))
        .routes(routes!(friends::decline_friend))
        .routes(routes!(friends::list_friend_requests))
        .routes(routes!(friends::list_blocks))
        .routes(routes!(friends::block_person, friends::unblock_person))
}

/// What is said in a conversation of people, and who says it where that is told.
pub fn answer(mut fields: Fields<'_>) -> Result<(Option<String>, ChatDraft), Refusal> {
    for name in ["type", "subject", "scheduled_at", "deliver_by", "policy"] {
        if fields.has(name) {
            fields.refuse(name, "invalid", "must be absent: this is a conversation of people");
        }
    }
    let sender = fields.text("sender_user_name");
    let draft = said(&mut fields);
    fields.finish().map(|()| (sender, draft))
}

fn said(fields: &mut Fields<'_>) -> ChatDraft {
    let body = fields.text("body");
    let body = if fields.has("attachments") { body } else { fields.require("body", body) };
    ChatDraft { body: body.unwrap_or_default(), attachments: fields.texts("attachments").unwrap_or_default() }
}

/// The username in the path; one that nobody can have is nobody's.
fn user_name(path: &Path) -> Result<&str, Error> {
    let name = path.text("user_name");
    if is_username(name) { Ok(name) } else { Err(error::no_such_user("path:user_name")) }
}

fn conversation(path: &Path) -> Result<ConversationId, Error> {
    Ok(ConversationId(path.id("id")?))
}

fn place(path: &Path) -> Result<(ConversationId, MessageId), Error> {
    Ok((conversation(path)?, MessageId(path.id("mid")?)))
}
