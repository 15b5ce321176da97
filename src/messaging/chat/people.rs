//! The people of a workspace, and what one of them and others said to each other (contract E).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{AddressId, Caller, MessageId, Timestamp, UserId, Who, WorkspaceId};
use crate::messaging::{Messaging, Page, PageRequest};
use crate::store::{self, SaidRow, Tx, UserRow};

use super::receipts::note_delivered;

/// Somebody of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Their username.
    #[schema(example = "bugs")]
    pub user_name: String,
    /// First name; may be empty.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// Their email address; `null` where it is none of the caller's business.
    #[schema(required = true)]
    pub email: Option<String>,
    /// Whether a second factor guards their sign-in: a mobile that was verified, or an authenticator app.
    pub mfa: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When anything about it changed last.
    pub modified_at: Timestamp,
}

/// What one person said to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Said {
    /// The message.
    pub id: MessageId,
    /// Who said it.
    pub sender_id: UserId,
    /// To whom.
    pub recipient_id: UserId,
    /// What.
    pub body: String,
    /// What came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<String>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was said.
    pub timestamp_sent: Timestamp,
    /// When the recipient's client fetched it.
    #[schema(required = true)]
    pub timestamp_delivered: Option<Timestamp>,
    /// When the recipient read it.
    #[schema(required = true)]
    pub timestamp_read: Option<Timestamp>,
}

/// There is nobody of that username in the workspace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no user of the name in {field}")]
pub struct NoSuchUser {
    /// In which field it stood.
    pub field: String,
}

/// Why somebody's messages were not listed.
#[derive(Debug, thiserror::Error)]
pub enum SaidError {
    /// They are somebody else's.
    #[error("these are somebody else's messages")]
    NotYours,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The person of a username, for a field of a request.
pub(super) async fn colleague(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (field, name): (&str, &str),
) -> store::Result<Result<UserRow, NoSuchUser>> {
    let found = tx.find_colleague(workspace, name).await?;
    Ok(found.ok_or_else(|| NoSuchUser { field: field.to_owned() }))
}

/// The people of the workspace by their ids. Their email addresses are the operator's to see, and their own.
pub async fn list_people(m: &Messaging, caller: &Caller, page: PageRequest) -> store::Result<Page<Person>> {
    let mut tx = m.store.read().await?;
    let rows = tx.list_colleagues(caller.workspace, page).await?;
    let sees = |row: &&UserRow| caller.who == Who::Operator || caller.user() == Some(row.id);
    let wanted: Vec<AddressId> = rows.data.iter().filter(sees).map(|row| row.email_id).collect();
    let emails = tx.load_addresses(WorkspaceId::ACCOUNTS, &wanted).await?;
    Ok(rows.map(|row| Person {
        id: row.id,
        email: emails.get(&row.email_id).map(|address| address.as_str().to_owned()),
        mfa: row.has_second_factor(),
        user_name: row.username,
        first_name: row.first_name,
        last_name: row.last_name,
        created_at: row.created_at,
        modified_at: row.modified_at,
    }))
}

/// What somebody said to others one by one, and these to them, the newest first; nothing for nobody. When they ask
/// themselves, what they had not fetched before is delivered to them now.
///
/// # Errors
///
/// [`SaidError::NotYours`] when the caller is neither that person nor the operator.
pub async fn list_said(
    m: &Messaging,
    caller: &Caller,
    (username, days): (&str, Option<u32>),
    page: PageRequest,
) -> Result<Page<Said>, SaidError> {
    let mut tx = m.store.read().await?;
    let Some(user) = tx.find_colleague(caller.workspace, username).await? else {
        return Ok(Page { data: Vec::new(), next: None });
    };
    if caller.who != Who::Operator && caller.user() != Some(user.id) {
        return Err(SaidError::NotYours);
    }
    let days = days.unwrap_or(m.rules.chat_history_days);
    let since = m.clock.now() - Duration::from_hours(24) * days;
    let is_theirs = caller.user() == Some(user.id);
    let rows = tx.list_said(caller.workspace, (user.id, since, is_theirs), page).await?;
    let is_waiting = |row: &&SaidRow| Some(row.recipient_id) == caller.user() && row.delivered_at.is_none();
    let waiting: Vec<MessageId> = rows.data.iter().filter(is_waiting).map(|row| row.id).collect();
    let next = rows.next;
    let data = said(&mut tx, caller.workspace, rows.data).await?;
    drop(tx);
    note_delivered(m, caller, &waiting).await;
    Ok(Page { data, next })
}

/// Rows with what came with them.
pub(super) async fn said(tx: &mut Tx, workspace: WorkspaceId, rows: Vec<SaidRow>) -> store::Result<Vec<Said>> {
    let ids: Vec<MessageId> = rows.iter().map(|row| row.id).collect();
    let mut attachments = std::collections::HashMap::<MessageId, Vec<String>>::new();
    for row in tx.load_content(workspace, &ids).await?.attachments {
        attachments.entry(row.message_id).or_default().push(row.url);
    }
    let one = |row: SaidRow| Said {
        attachments: attachments.remove(&row.id).unwrap_or_default(),
        id: row.id,
        sender_id: row.author_id,
        recipient_id: row.recipient_id,
        body: row.body,
        created_at: row.created_at,
        timestamp_sent: row.occurred_at,
        timestamp_delivered: row.delivered_at,
        timestamp_read: row.read_at,
    };
    Ok(rows.into_iter().map(one).collect())
}
