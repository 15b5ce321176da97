//! Workspaces, what they decide, and who is what in them.

use serde_json::{Map, json};

use super::invitations::{InviteError, invite_into};
use crate::domain::{Address, Caller, Role, UserId, WorkspaceId};
use crate::messaging::Messaging;
use crate::store::{self, ColleagueRow, Page, PageRequest, SettingsChange, Tx, WorkspaceRow};

/// Why somebody's seat was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// Nobody of that name is in the workspace.
    #[error("there is nobody of that name here")]
    NoSuchMember,
    /// Nobody would be left who may do anything about it.
    #[error("the workspace would be left without an admin")]
    LastAdmin,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Makes a workspace, for the server's owner, and invites its first admin; `base` is the URL under which people reach
/// this server.
pub async fn create_workspace(
    m: &Messaging,
    caller: Caller,
    (name, admin): (&str, Option<&Address>),
    base: Option<&str>,
) -> Result<WorkspaceRow, InviteError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let made = tx.insert_workspace(name, now).await?;
    let target = format!("workspace:{}", made.id);
    tx.audit(caller.workspace, &caller.who.to_string(), "workspace.created", &target, json!({}), now).await?;
    if let Some(admin) = admin {
        invite_into(&mut tx, m, caller, (made.id, admin, Role::Admin), base).await?;
    }
    tx.commit().await?;
    Ok(made)
}

/// Every workspace; for the server's owner.
pub async fn list_workspaces(m: &Messaging, page: PageRequest) -> store::Result<Page<WorkspaceRow>> {
    m.store.read().await?.list_workspaces(page).await
}

/// A workspace and what it decides.
pub async fn find_settings(m: &Messaging, workspace: WorkspaceId) -> store::Result<WorkspaceRow> {
    let found = m.store.read().await?.find_workspace(workspace).await?;
    found.ok_or(store::Error::Corrupt("no row for a workspace that somebody is in"))
}

/// Changes what a workspace decides.
pub async fn change_settings(m: &Messaging, caller: Caller, change: SettingsChange) -> store::Result<WorkspaceRow> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let row = tx.update_workspace(caller.workspace, &change).await?;
    let row = row.ok_or(store::Error::Corrupt("no row for a workspace that somebody is in"))?;
    let mut changed = Map::new();
    if let Some(name) = change.name {
        changed.insert("name".to_owned(), json!(name));
    }
    if let Some(strangers) = change.strangers {
        changed.insert("strangers".to_owned(), json!(strangers));
    }
    if let Some(history) = change.group_history {
        changed.insert("group_history".to_owned(), json!(history));
    }
    if let Some(text) = change.help_text {
        changed.insert("help_text".to_owned(), json!(text));
    }
    if let Some(hours) = change.quiet_hours {
        changed.insert("quiet_hours".to_owned(), json!(hours.hours()));
    }
    let (actor, target) = (caller.who.to_string(), format!("workspace:{}", row.id));
    tx.audit(caller.workspace, &actor, "settings.changed", &target, changed.into(), now).await?;
    tx.commit().await?;
    Ok(row)
}

/// The people of a workspace.
pub async fn list_members(
    m: &Messaging,
    workspace: WorkspaceId,
    page: PageRequest,
) -> store::Result<Page<ColleagueRow>> {
    m.store.read().await?.list_seats(workspace, page).await
}

/// Gives somebody another role. Their sessions have it with their next request. A member answers nothing: what they
/// were answering is nobody's.
pub async fn change_role(m: &Messaging, caller: Caller, username: &str, role: Role) -> Result<ColleagueRow, SeatError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let mut member = find_member(&mut tx, caller.workspace, username).await?;
    if role != Role::Admin {
        keep_an_admin(&mut tx, caller.workspace, member.user_id).await?;
    }
    tx.lock_membership(caller.workspace, member.user_id).await?.ok_or(SeatError::NoSuchMember)?;
    let data = json!({ "from": member.role, "to": role });
    tx.put_membership(caller.workspace, member.user_id, role, now).await?;
    let (actor, target) = (caller.who.to_string(), format!("user:{}", member.user_id));
    if role < Role::Agent {
        tx.free_conversations(caller.workspace, (member.user_id, &actor), now).await?;
    }
    tx.audit(caller.workspace, &actor, "member.role_changed", &target, data, now).await?;
    tx.commit().await?;
    member.role = role;
    Ok(member)
}

/// Takes somebody's seat. Their sessions reach nothing of the workspace any more, and what they were answering is
/// nobody's.
pub async fn remove_member(m: &Messaging, caller: Caller, username: &str) -> Result<(), SeatError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let member = find_member(&mut tx, caller.workspace, username).await?;
    keep_an_admin(&mut tx, caller.workspace, member.user_id).await?;
    tx.lock_membership(caller.workspace, member.user_id).await?.ok_or(SeatError::NoSuchMember)?;
    let (actor, target) = (caller.who.to_string(), format!("user:{}", member.user_id));
    tx.free_conversations(caller.workspace, (member.user_id, &actor), now).await?;
    tx.delete_membership(caller.workspace, member.user_id).await?;
    tx.audit(caller.workspace, &actor, "member.removed", &target, json!({}), now).await?;
    Ok(tx.commit().await?)
}

async fn find_member(tx: &mut Tx, workspace: WorkspaceId, username: &str) -> Result<ColleagueRow, SeatError> {
    let user = tx.find_colleague(workspace, username).await?.ok_or(SeatError::NoSuchMember)?;
    let seat = tx.find_membership(workspace, user.id).await?.ok_or(SeatError::NoSuchMember)?;
    Ok(ColleagueRow {
        user_id: user.id,
        username: user.username,
        first_name: user.first_name,
        last_name: user.last_name,
        role: seat.role,
        created_at: seat.created_at,
    })
}

/// Two admins who go at once are looked at one after the other.
async fn keep_an_admin(tx: &mut Tx, workspace: WorkspaceId, leaving: UserId) -> Result<(), SeatError> {
    let admins = tx.lock_admins(workspace).await?;
    if admins == [leaving] { Err(SeatError::LastAdmin) } else { Ok(()) }
}
