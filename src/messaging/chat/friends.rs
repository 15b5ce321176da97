//! Friends: asking, accepting, declining, and wanting nothing of somebody.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::{Caller, Relation, Timestamp, UserId, WorkspaceId};
use crate::messaging::{Messaging, Page, PageRequest};
use crate::store::{self, FriendshipRow, Tx, UserRow};

use super::people::{NoSuchUser, colleague};

/// Why two people stand to each other as before.
#[derive(Debug, thiserror::Error)]
pub enum FriendError {
    /// A name that nobody has.
    #[error(transparent)]
    NoSuchUser(#[from] NoSuchUser),
    /// Oneself.
    #[error("this is yourself")]
    ToOneself,
    /// One of the two has blocked the other: nobody is told which.
    #[error("this person cannot be asked")]
    MayNotWrite,
    /// That person asks for nothing.
    #[error("there is no such request")]
    NoSuchRequest,
    /// There is nothing to end.
    #[error("you are no friends")]
    NotFriends,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Two who might know until now whether the other is there, and may not any more; nothing when they might not.
pub type Parted = Option<[UserId; 2]>;

/// Somebody who is a friend, or is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Friend {
    /// Their id.
    pub id: UserId,
    /// Their username.
    pub user_name: String,
    /// First name; may be empty.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// Since when.
    pub since: Timestamp,
}

/// Somebody who asks to be friends, or is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FriendRequest {
    /// Their id.
    pub id: UserId,
    /// Their username.
    pub user_name: String,
    /// Whether they ask (`in`) or are asked (`out`).
    pub direction: &'static str,
    /// Since when.
    pub created_at: Timestamp,
}

/// Takes the lock of the caller and somebody else, and then that of their conversation, as whoever writes in it does.
async fn pair(tx: &mut Tx, (caller, me): (&Caller, UserId), username: &str) -> Result<UserId, FriendError> {
    let other = colleague(tx, caller.workspace, ("user_name", username)).await??.id;
    if other == me {
        return Err(FriendError::ToOneself);
    }
    tx.lock_pair(caller.workspace, [me, other]).await?;
    if let Some(conversation) = tx.find_direct(caller.workspace, [me, other]).await? {
        tx.lock_chat(caller.workspace, conversation).await?;
    }
    Ok(other)
}

/// Asks somebody to be friends; accepts when they have asked already.
///
/// # Errors
///
/// See [`FriendError`].
pub async fn ask_friend(m: &Messaging, me: (&Caller, UserId), username: &str) -> Result<Relation, FriendError> {
    let (caller, user) = me;
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let other = pair(&mut tx, me, username).await?;
    let relations = tx.find_relations(caller.workspace, user, &[other]).await?;
    let has = |state: Relation| relations.iter().any(|row| row.state == state);
    if has(Relation::Blocked) {
        return Err(FriendError::MayNotWrite);
    }
    let has_asked = relations.iter().any(|row| row.user_id == other && row.state == Relation::Asked);
    let state = if has(Relation::Friends) || has_asked { Relation::Friends } else { Relation::Asked };
    if has_asked {
        befriend(&mut tx, caller.workspace, [user, other], now).await?;
    } else if state == Relation::Asked {
        tx.put_relation(caller.workspace, [user, other], Relation::Asked, now).await?;
    }
    tx.commit().await?;
    Ok(state)
}

/// Friends take each other's requests on.
async fn befriend(
    tx: &mut Tx,
    workspace: WorkspaceId,
    [one, other]: [UserId; 2],
    now: Timestamp,
) -> Result<(), FriendError> {
    tx.put_relation(workspace, [one, other], Relation::Friends, now).await?;
    tx.put_relation(workspace, [other, one], Relation::Friends, now).await?;
    if let Some(conversation) = tx.find_direct(workspace, [one, other]).await? {
        for user in [one, other] {
            tx.accept_member(workspace, conversation, user, now).await?;
        }
    }
    Ok(())
}

/// Accepts or declines somebody's request.
///
/// # Errors
///
/// See [`FriendError`].
pub async fn answer_friend(
    m: &Messaging,
    me: (&Caller, UserId),
    username: &str,
    is_accepted: bool,
) -> Result<(), FriendError> {
    let (caller, user) = me;
    let mut tx = m.store.begin().await?;
    let other = pair(&mut tx, me, username).await?;
    if !tx.delete_relation(caller.workspace, [other, user], Relation::Asked).await? {
        return Err(FriendError::NoSuchRequest);
    }
    if is_accepted {
        befriend(&mut tx, caller.workspace, [user, other], m.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ends a friendship, or takes back one's own request.
///
/// # Errors
///
/// See [`FriendError`].
pub async fn unfriend(m: &Messaging, me: (&Caller, UserId), username: &str) -> Result<(), FriendError> {
    let (caller, user) = me;
    let mut tx = m.store.begin().await?;
    let other = pair(&mut tx, me, username).await?;
    let were_friends = tx.delete_relation(caller.workspace, [user, other], Relation::Friends).await?;
    tx.delete_relation(caller.workspace, [other, user], Relation::Friends).await?;
    let has_asked = tx.delete_relation(caller.workspace, [user, other], Relation::Asked).await?;
    if !were_friends && !has_asked {
        return Err(FriendError::NotFriends);
    }
    tx.commit().await?;
    Ok(())
}

/// Wants nothing of somebody any more; what was between the two ends.
///
/// # Errors
///
/// See [`FriendError`].
pub async fn block(m: &Messaging, me: (&Caller, UserId), username: &str) -> Result<Parted, FriendError> {
    let (caller, user) = me;
    let mut tx = m.store.begin().await?;
    let other = pair(&mut tx, me, username).await?;
    let parted = shut_out(&mut tx, caller.workspace, [user, other], m.clock.now()).await?;
    tx.commit().await?;
    Ok(parted)
}

/// Blocks somebody; what they asked for, or were to whoever blocks them, ends. Gives the two when they might know of each
/// other until now.
pub(super) async fn shut_out(
    tx: &mut Tx,
    workspace: WorkspaceId,
    [user, other]: [UserId; 2],
    now: Timestamp,
) -> store::Result<Parted> {
    let known = tx.load_acquaintances(workspace, (&[user], &[other])).await?;
    tx.put_relation(workspace, [user, other], Relation::Blocked, now).await?;
    for state in [Relation::Asked, Relation::Friends] {
        tx.delete_relation(workspace, [other, user], state).await?;
    }
    Ok((!known.is_empty()).then_some([user, other]))
}

/// Hears somebody again; nothing happens when they were not blocked.
///
/// # Errors
///
/// See [`FriendError`].
pub async fn unblock(m: &Messaging, me: (&Caller, UserId), username: &str) -> Result<(), FriendError> {
    let (caller, user) = me;
    let mut tx = m.store.begin().await?;
    let other = pair(&mut tx, me, username).await?;
    tx.delete_relation(caller.workspace, [user, other], Relation::Blocked).await?;
    tx.commit().await?;
    Ok(())
}

/// The caller's friends, the newest first.
pub async fn list_friends(m: &Messaging, me: (&Caller, UserId), page: PageRequest) -> store::Result<Page<Friend>> {
    list_related(m, me, Relation::Friends, page).await
}

/// Whom the caller has blocked, the newest first.
pub async fn list_blocked(m: &Messaging, me: (&Caller, UserId), page: PageRequest) -> store::Result<Page<Friend>> {
    list_related(m, me, Relation::Blocked, page).await
}

async fn list_related(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    state: Relation,
    page: PageRequest,
) -> store::Result<Page<Friend>> {
    let mut tx = m.store.read().await?;
    let rows = tx.list_relations(caller.workspace, (me, state), page).await?;
    let people = people(&mut tx, caller.workspace, rows.data.iter().map(|row| row.other_id).collect()).await?;
    let friend = |row: FriendshipRow| {
        let user = people.get(&row.other_id)?;
        Some(Friend {
            id: user.id,
            user_name: user.username.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            since: row.created_at,
        })
    };
    Ok(Page { data: rows.data.into_iter().filter_map(friend).collect(), next: rows.next })
}

/// Who asks the caller to be friends, and whom the caller asks, the newest first.
pub async fn list_friend_requests(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    page: PageRequest,
) -> store::Result<Page<FriendRequest>> {
    let mut tx = m.store.read().await?;
    let rows = tx.list_friend_requests(caller.workspace, me, page).await?;
    let other = |row: &FriendshipRow| if row.user_id == me { row.other_id } else { row.user_id };
    let people = people(&mut tx, caller.workspace, rows.data.iter().map(other).collect()).await?;
    let request = |row: FriendshipRow| {
        let user = people.get(&other(&row))?;
        let direction = if row.user_id == me { "out" } else { "in" };
        Some(FriendRequest { id: user.id, user_name: user.username.clone(), direction, created_at: row.created_at })
    };
    Ok(Page { data: rows.data.into_iter().filter_map(request).collect(), next: rows.next })
}

async fn people(tx: &mut Tx, workspace: WorkspaceId, ids: Vec<UserId>) -> store::Result<HashMap<UserId, UserRow>> {
    let rows = tx.load_colleagues(workspace, &ids).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}
