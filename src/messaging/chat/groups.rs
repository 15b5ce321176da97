//! Who is in which conversation of people: beginning one, joining, leaving, taking a request on.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::json;

use crate::domain::{
    Caller, Conversation, ConversationId, ConversationKind, EventKind, GroupHistory, MemberRole, MessageId, Relation,
    Strangers, Timestamp, UserId, WorkspaceId,
};
use crate::messaging::read::compose_conversations;
use crate::messaging::{Messaging, SendError};
use crate::store::{self, ChatRow, MemberRow, NewEvent, NewMember, Tx, handle};

use super::friends::{Parted, shut_out};
use super::people::{NoSuchUser, colleague};
use super::show::name_of;
use super::write::{Welcome, WriteError, begin, seat, welcome};

/// People in one group.
pub const MAX_MEMBERS: usize = 500;

/// Why a conversation of people is not as it was wanted.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// The conversation does not exist, or is not the caller's to see.
    #[error("no such conversation")]
    NoSuchConversation,
    /// A name that nobody has.
    #[error(transparent)]
    NoSuchUser(#[from] NoSuchUser),
    /// Nobody of that name is in it.
    #[error("no such member")]
    NoSuchMember,
    /// It is no group.
    #[error("the conversation is no group")]
    NotAGroup,
    /// Only its owner may.
    #[error("only the owner may do that")]
    NotTheOwner,
    /// With oneself.
    #[error("nobody writes to themselves")]
    ToOneself,
    /// There is no request to answer.
    #[error("the conversation is no request")]
    NotARequest,
    /// Strangers may not write, or one of the two has blocked the other: nobody is told which.
    #[error("strangers may not write")]
    MayNotWrite,
    /// It has as many members as a group may have.
    #[error("a group has at most {MAX_MEMBERS} members")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Somebody in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ChatMember {
    /// Their id.
    pub id: UserId,
    /// Their username.
    pub user_name: String,
    /// As what.
    pub role: MemberRole,
    /// Since when.
    pub joined_at: Timestamp,
    /// Whether it is a request that they have not answered.
    pub is_request: bool,
}

/// Begins a group that the caller owns.
///
/// # Errors
///
/// See [`GroupError`]. After an error nothing was stored.
pub async fn begin_group(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    (name, usernames): (&str, &[String]),
) -> Result<Conversation, GroupError> {
    let (workspace, now) = (caller.workspace, m.clock.now());
    let mut tx = m.store.begin().await?;
    let others = named(&mut tx, workspace, me, usernames).await?;
    if others.len() >= MAX_MEMBERS {
        return Err(GroupError::TooMany);
    }
    let requests = strangers_among(&mut tx, workspace, me, &others).await?;
    let joins = |user: UserId, role: MemberRole| NewMember {
        user,
        role,
        is_request: requests.contains(&user),
        first: MessageId(0),
        hidden: 0,
    };
    let key = format!("g{}", hex::encode(m.clock.bytes::<16>()));
    let id = tx.insert_chat(workspace, (ConversationKind::Group, Some(name), &key), now).await?;
    let mut members = vec![joins(me, MemberRole::Owner)];
    members.extend(others.iter().map(|user| joins(*user, MemberRole::Member)));
    tx.put_members(workspace, id, &members, now).await?;
    finish(tx, caller, id).await
}

/// The people of those names without the caller, each once.
async fn named(
    tx: &mut Tx,
    workspace: WorkspaceId,
    me: UserId,
    usernames: &[String],
) -> Result<Vec<UserId>, GroupError> {
    let known = tx.find_colleagues(workspace, usernames).await?;
    let mut seen = HashSet::from([me]);
    let mut others = Vec::new();
    for (at, name) in usernames.iter().enumerate() {
        let user = known.get(&handle(name)).copied();
        let user = user.ok_or_else(|| NoSuchUser { field: format!("members[{at}]") })?;
        if seen.insert(user) {
            others.push(user);
        }
    }
    Ok(others)
}

/// Those for whom it is a request; an error when it may not be asked of somebody at all.
async fn strangers_among(
    tx: &mut Tx,
    workspace: WorkspaceId,
    me: UserId,
    others: &[UserId],
) -> Result<HashSet<UserId>, GroupError> {
    let relations = tx.find_relations(workspace, me, others).await?;
    if relations.iter().any(|row| row.state == Relation::Blocked) {
        return Err(GroupError::MayNotWrite);
    }
    let friends: HashSet<UserId> =
        relations.iter().filter(|row| row.state == Relation::Friends).map(|row| row.other_id).collect();
    let strangers: HashSet<UserId> = others.iter().copied().filter(|user| !friends.contains(user)).collect();
    match tx.find_customs(workspace).await?.strangers {
        Strangers::Write => Ok(HashSet::new()),
        Strangers::Ask => Ok(strangers),
        Strangers::No if strangers.is_empty() => Ok(strangers),
        Strangers::No => Err(GroupError::MayNotWrite),
    }
}

/// The one conversation with somebody, and whether it begins now.
///
/// # Errors
///
/// See [`GroupError`]. After an error nothing was stored.
pub async fn begin_direct(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    username: &str,
) -> Result<(Conversation, bool), GroupError> {
    let (workspace, now) = (caller.workspace, m.clock.now());
    let mut tx = m.store.begin().await?;
    let other = colleague(&mut tx, workspace, ("user_name", username)).await??.id;
    if other == me {
        return Err(GroupError::ToOneself);
    }
    let (id, is_new) = begin(&mut tx, workspace, [me, other], now).await.map_err(not_begun)?;
    let chat = tx.lock_chat(workspace, id).await?.ok_or(GroupError::NoSuchConversation)?;
    let members = tx.list_members(workspace, id).await?;
    seat(&mut tx, workspace, (&chat, &members), [me, other], now).await.map_err(not_begun)?;
    Ok((finish(tx, caller, id).await?, is_new))
}

fn not_begun(error: WriteError) -> GroupError {
    match error {
        WriteError::MayNotWrite => GroupError::MayNotWrite,
        WriteError::Send(SendError::Store(error)) => GroupError::Store(error),
        WriteError::NoSuchUser(error) => GroupError::NoSuchUser(error),
        WriteError::ToOneself => GroupError::ToOneself,
        WriteError::NoSuchConversation
        | WriteError::NotTheSender
        | WriteError::Refused(_)
        | WriteError::Send(SendError::KeyReused | SendError::KeyBusy | SendError::Full | SendError::Broken) => {
            GroupError::NoSuchConversation
        }
    }
}

async fn finish(mut tx: Tx, caller: &Caller, id: ConversationId) -> Result<Conversation, GroupError> {
    let row = tx.find_conversation(caller, id).await?.ok_or(GroupError::NoSuchConversation)?;
    let conversation = compose_conversations(&mut tx, caller, vec![row]).await?.pop();
    tx.commit().await?;
    conversation.ok_or(GroupError::NoSuchConversation)
}

/// A conversation of people that the caller takes part in, locked, with everybody who is there.
async fn lock(
    tx: &mut Tx,
    (caller, me): (&Caller, UserId),
    id: ConversationId,
) -> Result<(ChatRow, Vec<MemberRow>), GroupError> {
    let view = tx.view(caller, id).await?.ok_or(GroupError::NoSuchConversation)?;
    if view.kind == ConversationKind::Numbers {
        return Err(GroupError::NotAGroup);
    }
    let chat = tx.lock_chat(caller.workspace, id).await?.ok_or(GroupError::NoSuchConversation)?;
    let members = tx.list_members(caller.workspace, id).await?;
    if members.iter().any(|member| member.user_id == me) {
        Ok((chat, members))
    } else {
        Err(GroupError::NoSuchConversation)
    }
}

async fn lock_group(
    tx: &mut Tx,
    me: (&Caller, UserId),
    id: ConversationId,
) -> Result<(ChatRow, Vec<MemberRow>), GroupError> {
    let (chat, members) = lock(tx, me, id).await?;
    if chat.kind == ConversationKind::Group { Ok((chat, members)) } else { Err(GroupError::NotAGroup) }
}

/// Who owns a group: where the owner's seat in the workspace is gone, whoever has been there longest.
fn owner(members: &[MemberRow]) -> Option<UserId> {
    let owner = members.iter().find(|member| member.role == MemberRole::Owner);
    owner
        .or(members.iter().find(|member| member.accepted_at.is_some()))
        .or(members.first())
        .map(|member| member.user_id)
}

fn updated(workspace: WorkspaceId, id: ConversationId, now: Timestamp) -> NewEvent {
    NewEvent::of_conversation(workspace, EventKind::ConversationUpdated, id, now)
}

/// Gives a group another name.
///
/// # Errors
///
/// See [`GroupError`].
pub async fn rename(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    id: ConversationId,
    name: &str,
) -> Result<Conversation, GroupError> {
    let mut tx = m.store.begin().await?;
    let (_, members) = lock_group(&mut tx, (caller, me), id).await?;
    if owner(&members) != Some(me) {
        return Err(GroupError::NotTheOwner);
    }
    tx.rename_chat(caller.workspace, id, name).await?;
    tx.record(updated(caller.workspace, id, m.clock.now()).with(json!({ "user_id": me })));
    finish(tx, caller, id).await
}

/// Takes somebody into a group; nothing happens when they are in it. What they see of what was said before is for the
/// workspace to say.
///
/// # Errors
///
/// See [`GroupError`].
pub async fn add_member(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    id: ConversationId,
    username: &str,
) -> Result<Conversation, GroupError> {
    let (workspace, now) = (caller.workspace, m.clock.now());
    let mut tx = m.store.begin().await?;
    let (chat, members) = lock_group(&mut tx, (caller, me), id).await?;
    let user = colleague(&mut tx, workspace, ("user_name", username)).await??.id;
    if members.iter().any(|member| member.user_id == user) {
        return finish(tx, caller, id).await;
    }
    if members.len() >= MAX_MEMBERS {
        return Err(GroupError::TooMany);
    }
    let welcome = welcome(&mut tx, workspace, [me, user], false).await?.ok_or(GroupError::MayNotWrite)?;
    let (first, hidden) = match tx.find_customs(workspace).await?.group_history {
        GroupHistory::All => (MessageId(0), 0),
        GroupHistory::Joined => (MessageId(chat.last_message_id.map_or(0, |last| last.0 + 1)), chat.message_count),
    };
    let is_request = welcome == Welcome::Asks;
    let joining = NewMember { user, role: MemberRole::Member, is_request, first, hidden };
    tx.put_members(workspace, id, &[joining], now).await?;
    tx.record(updated(workspace, id, now).with(json!({ "user_id": me, "joined": [user] })));
    finish(tx, caller, id).await
}

/// Puts somebody out of a group: its owner anybody, and everybody themselves. Who has been there longest owns it when
/// its owner leaves; one that nobody is in any more stays closed.
///
/// # Errors
///
/// See [`GroupError`].
pub async fn remove_member(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    id: ConversationId,
    username: &str,
) -> Result<(), GroupError> {
    let mut tx = m.store.begin().await?;
    let (_, members) = lock_group(&mut tx, (caller, me), id).await?;
    let user = tx.find_colleague(caller.workspace, username).await?.map(|row| row.id);
    let user = user.filter(|user| members.iter().any(|member| member.user_id == *user));
    let user = user.ok_or(GroupError::NoSuchMember)?;
    if user != me && owner(&members) != Some(me) {
        return Err(GroupError::NotTheOwner);
    }
    leave(&mut tx, caller.workspace, (id, &members), user, m.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

async fn leave(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (id, members): (ConversationId, &[MemberRow]),
    user: UserId,
    now: Timestamp,
) -> Result<(), GroupError> {
    tx.remove_member(workspace, id, user, now).await?;
    let was_owner = owner(members) == Some(user);
    let left: Vec<MemberRow> = members.iter().filter(|member| member.user_id != user).cloned().collect();
    match owner(&left) {
        Some(next) if was_owner => tx.make_owner(workspace, id, next).await?,
        Some(_) => {}
        None => tx.close_chat(workspace, id).await?,
    }
    tx.record(updated(workspace, id, now).with(json!({ "left": [user] })));
    Ok(())
}

/// Who is in a conversation of people, the longest there first; nothing when the caller does not see it. Numbers have
/// no members.
pub async fn list_members(
    m: &Messaging,
    caller: &Caller,
    id: ConversationId,
) -> store::Result<Option<Vec<ChatMember>>> {
    let mut tx = m.store.read().await?;
    if !tx.sees(caller, id).await? {
        return Ok(None);
    }
    let members = tx.list_members(caller.workspace, id).await?;
    let names = tx.load_usernames(members.iter().map(|member| member.user_id)).await?;
    let member = |row: MemberRow| ChatMember {
        id: row.user_id,
        user_name: name_of(&names, row.user_id),
        role: row.role,
        joined_at: row.joined_at,
        is_request: row.accepted_at.is_none(),
    };
    Ok(Some(members.into_iter().map(member).collect()))
}

/// Takes a request on.
///
/// # Errors
///
/// See [`GroupError`].
pub async fn accept_request(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    id: ConversationId,
) -> Result<Conversation, GroupError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    lock(&mut tx, (caller, me), id).await?;
    if !tx.accept_member(caller.workspace, id, me, now).await? {
        return Err(GroupError::NotARequest);
    }
    tx.record(updated(caller.workspace, id, now).with(json!({ "user_id": me })));
    finish(tx, caller, id).await
}

/// Turns a request down: whoever wrote it is blocked, and the conversation is not the caller's to see any more. From a
/// group one simply stays away.
///
/// # Errors
///
/// See [`GroupError`].
pub async fn decline_request(
    m: &Messaging,
    (caller, me): (&Caller, UserId),
    id: ConversationId,
) -> Result<Parted, GroupError> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let other = tx.find_pair(caller.workspace, id).await?.into_iter().find(|user| *user != me);
    if let Some(other) = other {
        tx.lock_pair(caller.workspace, [me, other]).await?;
    }
    let (_, members) = lock(&mut tx, (caller, me), id).await?;
    let is_request = members.iter().any(|member| member.user_id == me && member.accepted_at.is_none());
    if !is_request {
        return Err(GroupError::NotARequest);
    }
    let parted = if let Some(other) = other {
        let parted = shut_out(&mut tx, caller.workspace, [me, other], now).await?;
        tx.remove_member(caller.workspace, id, me, now).await?;
        parted
    } else {
        leave(&mut tx, caller.workspace, (id, &members), me, now).await?;
        None
    };
    tx.commit().await?;
    Ok(parted)
}
