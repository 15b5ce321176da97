//! Messages and conversations of the numbers as the API shows them, for what tells of them outside of a request.

use std::collections::HashMap;

use super::read::{compose_conversations, load_composed};
use crate::domain::{Caller, Conversation, ConversationId, Message, MessageId, WorkspaceId};
use crate::store::{Result, Tx};

/// Messages as they stand now.
pub async fn load_shown_messages(
    tx: &mut Tx,
    workspace: WorkspaceId,
    ids: &[MessageId],
) -> Result<HashMap<MessageId, Message>> {
    let rows = tx.load_messages(workspace, ids).await?;
    let messages = load_composed(tx, workspace, rows).await?;
    Ok(messages.into_iter().map(|message| (message.id, message)).collect())
}

/// Conversations as they stand now.
pub async fn load_shown_conversations(
    tx: &mut Tx,
    workspace: WorkspaceId,
    ids: &[ConversationId],
) -> Result<HashMap<ConversationId, Conversation>> {
    let rows = tx.load_conversations(workspace, ids).await?;
    let conversations = compose_conversations(tx, &Caller::operator(workspace), rows).await?;
    Ok(conversations.into_iter().map(|conversation| (conversation.id, conversation)).collect())
}
