//! Saved replies, and the text of one for a conversation.

use super::read::load_composed;
use super::team::view_numbers;
use super::{Messaging, Page, PageRequest};
use crate::domain::{
    Caller, ConversationId, Direction, Message, SavedReply, SavedReplyId, WorkspaceId, fill_placeholders,
};
use crate::store::{self, Tx};

/// Replies of one workspace.
const MAX_REPLIES: i64 = 1_000;

/// Why nothing was done with a saved reply.
#[derive(Debug, thiserror::Error)]
pub enum SavedReplyError {
    /// There is no such reply.
    #[error("no such saved reply")]
    NoSuchReply,
    /// There is no such conversation, or it is not the caller's to see.
    #[error("no such conversation")]
    NoSuchConversation,
    /// Another reply has the name.
    #[error("another saved reply has this name")]
    Taken,
    /// The workspace has as many as it may have.
    #[error("a workspace has at most {MAX_REPLIES} saved replies")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for SavedReplyError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Conflict(name) if name == "saved_replies_workspace_id_name_key" => Self::Taken,
            error => Self::Store(error),
        }
    }
}

/// The replies of a workspace, oldest first.
pub async fn list_saved_replies(
    m: &Messaging,
    workspace: WorkspaceId,
    page: PageRequest,
) -> store::Result<Page<SavedReply>> {
    m.store.read().await?.list_saved_replies(workspace, page).await
}

/// Keeps a reply.
pub async fn create_saved_reply(
    m: &Messaging,
    workspace: WorkspaceId,
    name: &str,
    body: &str,
) -> Result<SavedReply, SavedReplyError> {
    let mut tx = m.store.begin().await?;
    tx.lock_workspace(workspace).await?;
    let reply = tx.insert_saved_reply(workspace, (name, body), m.clock.now()).await?;
    if tx.count_saved_replies(workspace).await? > MAX_REPLIES {
        return Err(SavedReplyError::TooMany);
    }
    tx.commit().await?;
    Ok(reply)
}

/// Changes what is given of a reply.
pub async fn change_saved_reply(
    m: &Messaging,
    workspace: WorkspaceId,
    id: SavedReplyId,
    (name, body): (Option<&str>, Option<&str>),
) -> Result<SavedReply, SavedReplyError> {
    let mut tx = m.store.begin().await?;
    let reply = tx.change_saved_reply(workspace, id, (name, body), m.clock.now()).await?;
    tx.commit().await?;
    reply.ok_or(SavedReplyError::NoSuchReply)
}

/// Lets a reply go.
pub async fn delete_saved_reply(
    m: &Messaging,
    workspace: WorkspaceId,
    id: SavedReplyId,
) -> Result<(), SavedReplyError> {
    let mut tx = m.store.begin().await?;
    if !tx.delete_saved_reply(workspace, id).await? {
        return Err(SavedReplyError::NoSuchReply);
    }
    Ok(tx.commit().await?)
}

/// The text of a reply for a conversation: `contact` is who is written to, by name where
/// that is known, `agent` who asks, `workspace` its name.
pub async fn render_saved_reply(
    m: &Messaging,
    caller: &Caller,
    id: SavedReplyId,
    conversation: ConversationId,
) -> Result<String, SavedReplyError> {
    let workspace = caller.workspace;
    let mut tx = m.store.read().await?;
    let reply = tx.find_saved_reply(workspace, id).await?.ok_or(SavedReplyError::NoSuchReply)?;
    let view = view_numbers(&mut tx, caller, conversation).await?.ok_or(SavedReplyError::NoSuchConversation)?;
    let last = tx.find_last_message(workspace, view.id).await?;
    let last = load_composed(&mut tx, workspace, last.into_iter().collect()).await?.pop();
    let named = tx.find_contact_with(workspace, view.id).await?;
    let contact = named.or_else(|| last.as_ref().map(contact)).unwrap_or_default();
    let name = tx.find_workspace_name(workspace).await?.unwrap_or_default();
    let agent = agent_name(&mut tx, caller).await?.unwrap_or_else(|| name.clone());
    Ok(fill_placeholders(&reply.body, |placeholder| match placeholder {
        "contact" => Some(contact.clone()),
        "agent" => Some(agent.clone()),
        "workspace" => Some(name.clone()),
        _ => None,
    }))
}

/// Whom an answer goes to.
fn contact(last: &Message) -> String {
    match last.direction {
        Direction::Inbound => last.from.clone(),
        Direction::Outbound => last.to.as_slice().first().cloned().unwrap_or_default(),
    }
}

/// How the person who asks signs: by their first name, or else by their username. A program does not.
async fn agent_name(tx: &mut Tx, caller: &Caller) -> store::Result<Option<String>> {
    let Some(user) = caller.user() else { return Ok(None) };
    let found = tx.load_colleagues(caller.workspace, &[user]).await?.pop();
    Ok(found.map(|row| if row.first_name.is_empty() { row.username } else { row.first_name }))
}
