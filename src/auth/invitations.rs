//! Invitations into a workspace: a link by mail or SMS, good for a week and once. What is kept of its token is the
//! SHA-256.

use std::time::Duration;

use serde_json::json;

use super::budgets::{GuardError, take};
use super::sessions::{Renewed, move_session};
use super::token::{hash, new_token};
use crate::domain::{Address, Caller, InvitationId, Role, SessionId, Timestamp, UserId, Who, WorkspaceId};
use crate::messaging::{Messaging, Notice, NoticeError, notify};
use crate::store::{
    self, InvitationRow, NewInvitation, Page, PageRequest, SECRET_MARK, TakenInvitation, Tx, WorkspaceRow,
};

/// What every invitation's token begins with.
pub const INVITATION_PREFIX: &str = "sb_invite_";
/// How long an invitation is good.
const LIFE: Duration = Duration::from_hours(24 * 7);
/// Characters of a workspace's name that stand in an invitation.
const SHOWN_NAME: usize = 40;
/// Digits that may stand there: a year, and no number to call.
const MOST_DIGITS: usize = 4;
/// Invitations of one workspace in a day.
const A_DAY: i64 = 500;

/// An invitation that was sent.
#[derive(Debug, Clone)]
pub struct Invited {
    /// Which.
    pub id: InvitationId,
    /// Not after then.
    pub expires_at: Timestamp,
}

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The invitation cannot be sent.
    #[error(transparent)]
    Notice(#[from] NoticeError),
    /// Too many were sent.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why an invitation was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// It was never made, is used, taken back, or over.
    #[error("this invitation is not good any more")]
    NotGood,
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Invites whoever reads what is sent there into the caller's workspace.
pub async fn invite(
    m: &Messaging,
    caller: Caller,
    (to, role): (&Address, Role),
    base: Option<&str>,
) -> Result<Invited, InviteError> {
    let mut tx = m.store.begin().await?;
    let invited = invite_into(&mut tx, m, caller, (caller.workspace, to, role), base).await?;
    tx.commit().await?;
    Ok(invited)
}

/// Invites into any workspace, in a unit of work; `base` is the URL under which people reach this server.
pub async fn invite_into(
    tx: &mut Tx,
    m: &Messaging,
    caller: Caller,
    (workspace, to, role): (WorkspaceId, &Address, Role),
    base: Option<&str>,
) -> Result<Invited, InviteError> {
    let now = m.clock.now();
    take(tx, &[("invitation_workspace", &workspace.0.to_be_bytes(), A_DAY, Duration::from_hours(24))], now).await?;
    let token = new_token(INVITATION_PREFIX, &m.clock);
    let new = NewInvitation {
        token_hash: hash(&token),
        role,
        to: to.as_str().to_owned(),
        invited_by: caller.who.to_string(),
        expires_at: now + LIFE,
    };
    let id = tx.insert_invitation(workspace, &new, now).await?;
    let row = tx.find_workspace(workspace).await?.ok_or(store::Error::Corrupt("no row for a workspace"))?;
    let inviter = inviter(tx, caller).await?;
    notify(tx, m, notice(to, &row, &inviter, (&token, base)), now).await?;
    let target = format!("invitation:{id}");
    tx.audit(workspace, &new.invited_by, "invitation.created", &target, json!({ "role": role }), now).await?;
    Ok(Invited { id, expires_at: new.expires_at })
}

async fn inviter(tx: &mut Tx, caller: Caller) -> store::Result<String> {
    match caller.who {
        Who::User(id, _) => Ok(tx.find_user(id).await?.map(|user| user.username).unwrap_or_default()),
        Who::Operator | Who::Key(_) => Ok("an administrator".to_owned()),
    }
}

/// A workspace's name as it may stand in what the server itself sends: short, on one line, and nothing that a mail or a
/// phone makes a link of. Its admins write it, and whoever is invited has not asked for a word of theirs.
fn shown(name: &str) -> String {
    let has_number = name.chars().filter(|c| c.is_numeric()).count() > MOST_DIGITS;
    let may_stand = |c: &char| (c.is_alphanumeric() && !(has_number && c.is_numeric())) || "'&-".contains(*c);
    let plain: String = name.chars().map(|c| if may_stand(&c) { c } else { ' ' }).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = plain.chars().take(SHOWN_NAME).collect();
    if short.is_empty() { "a workspace".to_owned() } else { format!("\"{}\"", short.trim_end()) }
}

/// The token stands behind the `#`, which no browser sends and no server logs.
fn notice(to: &Address, workspace: &WorkspaceRow, inviter: &str, (token, base): (&str, Option<&str>)) -> Notice {
    let link = base.map_or_else(|| token.to_owned(), |base| format!("{}/join#{token}", base.trim_end_matches('/')));
    let name = shown(&workspace.name);
    Notice {
        to: to.clone(),
        subject: Some(format!("You are invited to {name}")),
        body: format!("{inviter} invites you to {name}: {SECRET_MARK} (good for 7 days)"),
        secret: Some(link),
        life: LIFE,
        is_code: false,
    }
}

/// The invitations of a workspace, newest first.
pub async fn list_invitations(
    m: &Messaging,
    workspace: WorkspaceId,
    page: PageRequest,
) -> store::Result<Page<InvitationRow>> {
    m.store.read().await?.list_invitations(workspace, page).await
}

/// Takes an invitation back; false when there is none, or it was used or taken back already.
pub async fn revoke_invitation(m: &Messaging, caller: Caller, id: InvitationId) -> store::Result<bool> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    let was_there = tx.revoke_invitation(caller.workspace, id, now).await?;
    if was_there {
        let (actor, target) = (caller.who.to_string(), format!("invitation:{id}"));
        tx.audit(caller.workspace, &actor, "invitation.revoked", &target, json!({}), now).await?;
        tx.commit().await?;
    }
    Ok(was_there)
}

/// Gives somebody the seat that an invitation is good for, in a unit of work; nobody can use it a second time. Whoever
/// is there already, as more, stays what they are.
pub async fn use_invitation(
    tx: &mut Tx,
    token: &str,
    user: UserId,
    now: Timestamp,
) -> store::Result<Option<(WorkspaceId, Role)>> {
    if !token.starts_with(INVITATION_PREFIX) {
        return Ok(None);
    }
    let Some(TakenInvitation { id, workspace_id, role }) = tx.take_invitation(&hash(token), user, now).await? else {
        return Ok(None);
    };
    let seat = tx.find_membership(workspace_id, user).await?;
    let role = seat.map_or(role, |seat| seat.role.max(role));
    tx.put_membership(workspace_id, user, role, now).await?;
    let (actor, target) = (format!("user:{user}"), format!("invitation:{id}"));
    tx.audit(workspace_id, &actor, "invitation.accepted", &target, json!({ "role": role }), now).await?;
    Ok(Some((workspace_id, role)))
}

/// Joins the workspace of an invitation; the session acts there from now on, under another token.
pub async fn accept_invitation(
    m: &Messaging,
    (session, user): (SessionId, UserId),
    token: &str,
) -> Result<(WorkspaceRow, Role, Renewed), AcceptError> {
    let mut tx = m.store.begin().await?;
    let (workspace, role) = use_invitation(&mut tx, token, user, m.clock.now()).await?.ok_or(AcceptError::NotGood)?;
    let renewed = move_session(&mut tx, &m.clock, session, workspace).await?.ok_or(AcceptError::Ended)?;
    let row = tx.find_workspace(workspace).await?.ok_or(store::Error::Corrupt("no row for a workspace"))?;
    tx.commit().await?;
    Ok((row, role, renewed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspaces_name_carries_no_link_no_number_and_no_second_line() {
        for (name, wanted) in [
            ("Acme & Sons - O'Hara 2024", "Acme & Sons - O'Hara 2024"),
            ("Caf\u{e9} \u{5bff}\u{53f8}", "Caf\u{e9} \u{5bff}\u{53f8}"),
            ("your bank: https://evil.example/x?y", "your bank https evil example x y"),
            ("evil\u{ff0e}example\u{3002}com", "evil example com"),
            ("a\r\nBcc: b@c.example\u{2028}\u{202e}{secret}", "a Bcc b c example secret"),
            ("call 1 800 555 1234 now", "call now"),
        ] {
            assert_eq!(shown(name), format!("\"{wanted}\""));
        }
        assert_eq!(shown("..."), "a workspace");
        assert_eq!(shown(&"long ".repeat(20)), format!("\"{}\"", "long ".repeat(8).trim_end()));
    }
}
