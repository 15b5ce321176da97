//! Sessions: an opaque token, its SHA-256 in the database, ended by deleting the row.

use std::time::Duration;

use secrecy::SecretString;

use super::token::{hash, new_token};
use crate::clock::Clock;
use crate::domain::{Caller, Role, SessionId, Timestamp, UserId, Who, WorkspaceId};
use crate::store::{self, NewSession, Rise, SessionRow, Store, Tx, WorkspaceSeatRow};

/// What every session's token begins with.
pub const SESSION_PREFIX: &str = "sb_sess_";
/// How long a session lives that nobody uses.
const IDLE_LIMIT: Duration = Duration::from_hours(24 * 14);
/// How long a session lives at most.
pub const ABSOLUTE_LIMIT: Duration = Duration::from_hours(24 * 90);
/// How long a sign-in may wait for its code.
pub const PENDING_LIFE: Duration = Duration::from_mins(15);
/// How exactly the last use is kept.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// A sign-in that is good now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// In which workspace it acts, and as what; absent for somebody who is in none.
    pub seat: Option<(WorkspaceId, Role)>,
    /// Whether a code was right yet.
    pub is_verified: bool,
    /// When a code was right last.
    pub code_right_at: Option<Timestamp>,
    /// Until when the password may be changed without another code.
    pub password_change_until: Option<Timestamp>,
}

impl Session {
    /// The person in the workspace, once a code was right.
    pub fn caller(&self) -> Option<Caller> {
        let (workspace, role) = self.seat.filter(|_| self.is_verified)?;
        Some(Caller { workspace, who: Who::User(self.user, role) })
    }

    /// Whether a code was right within that span.
    pub(super) fn has_fresh_code(&self, span: Duration, now: Timestamp) -> bool {
        self.code_right_at.is_some_and(|at| now < at + span)
    }
}

/// A session that goes on under another token; the one before it is dead.
#[derive(Debug)]
pub struct Renewed {
    /// The new token, once, in clear.
    pub token: SecretString,
    /// How long the session lives at most.
    pub life: Duration,
}

/// Why a session acts where it did.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// Its person has no seat there.
    #[error("there is no seat in that workspace")]
    NoSeat,
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Begins a session in a unit of work; gives its token, once, in clear.
pub async fn begin_session(
    tx: &mut Tx,
    clock: &Clock,
    (user, workspace): (UserId, Option<WorkspaceId>),
    (client, is_verified): (&str, bool),
) -> store::Result<(SessionId, String)> {
    let now = clock.now();
    let token = new_token(SESSION_PREFIX, clock);
    let session = NewSession {
        user,
        workspace,
        is_recovery: false,
        token_hash: hash(&token),
        client: client.to_owned(),
        ends_at: now + if is_verified { ABSOLUTE_LIMIT } else { PENDING_LIFE },
        verified_at: is_verified.then_some(now),
    };
    Ok((tx.insert_session(&session, now).await?, token))
}

/// Begins the recovery of somebody's password: a session that is good for nothing else.
pub(super) async fn begin_recovery(tx: &mut Tx, clock: &Clock, user: UserId) -> store::Result<(SessionId, String)> {
    let now = clock.now();
    let token = new_token(SESSION_PREFIX, clock);
    let session = NewSession {
        user,
        workspace: None,
        is_recovery: true,
        token_hash: hash(&token),
        client: String::new(),
        ends_at: now + PENDING_LIFE,
        verified_at: None,
    };
    Ok((tx.insert_session(&session, now).await?, token))
}

/// Raises a session's rights, and with them changes its token; gives the new one, once, in clear. Nothing when the
/// session has ended meanwhile.
pub(super) async fn raise_session(
    tx: &mut Tx,
    clock: &Clock,
    id: SessionId,
    password_change_until: Option<Timestamp>,
) -> store::Result<Option<String>> {
    let now = clock.now();
    let token = new_token(SESSION_PREFIX, clock);
    let rise = Rise { token_hash: hash(&token), ends_at: now + ABSOLUTE_LIMIT, password_change_until };
    Ok(tx.raise_session(id, &rise, now).await?.then_some(token))
}

/// Somebody's sign-ins that are good now, the newest first.
pub async fn list_sessions(store: &Store, clock: &Clock, user: UserId) -> store::Result<Vec<SessionRow>> {
    let now = clock.now();
    let mut rows = store.read().await?.list_sessions(user).await?;
    rows.retain(|row| is_good(row, now));
    Ok(rows)
}

/// Ends one of somebody's sessions; false when there is none of that id.
pub async fn end_session(store: &Store, clock: &Clock, user: UserId, id: SessionId) -> store::Result<bool> {
    let mut tx = store.begin().await?;
    let was_there = tx.end_session(user, id).await?;
    if was_there {
        note_end(&mut tx, user, "session.ended", clock.now()).await?;
        tx.commit().await?;
    }
    Ok(was_there)
}

/// Ends somebody's sessions, but for the one that asks.
pub async fn end_other_sessions(store: &Store, clock: &Clock, session: &Session) -> store::Result<()> {
    let mut tx = store.begin().await?;
    tx.lock_user(session.user).await?;
    tx.end_sessions(session.user, Some(session.id)).await?;
    note_end(&mut tx, session.user, "session.others_ended", clock.now()).await?;
    tx.commit().await
}

/// Somebody's seats, the oldest first.
pub async fn list_seats(store: &Store, user: UserId) -> store::Result<Vec<WorkspaceSeatRow>> {
    store.read().await?.list_memberships(user).await
}

/// Lets a session act in another workspace, under another token.
///
/// # Errors
///
/// See [`SwitchError`].
pub async fn switch_workspace(
    store: &Store,
    clock: &Clock,
    session: &Session,
    workspace: WorkspaceId,
) -> Result<Renewed, SwitchError> {
    let mut tx = store.begin().await?;
    tx.find_membership(workspace, session.user).await?.ok_or(SwitchError::NoSeat)?;
    let renewed = move_session(&mut tx, clock, session.id, workspace).await?.ok_or(SwitchError::Ended)?;
    tx.commit().await?;
    Ok(renewed)
}

/// Lets a session act in a workspace, where its rights are others, and so under another token; nothing when it has ended
/// meanwhile. Its life stays what it was.
pub(super) async fn move_session(
    tx: &mut Tx,
    clock: &Clock,
    id: SessionId,
    workspace: WorkspaceId,
) -> store::Result<Option<Renewed>> {
    let token = new_token(SESSION_PREFIX, clock);
    let ends_at = tx.move_session(id, workspace, &hash(&token)).await?;
    Ok(ends_at.map(|ends_at| Renewed { token: token.into(), life: ends_at.since(clock.now()) }))
}

async fn note_end(tx: &mut Tx, user: UserId, action: &str, now: Timestamp) -> store::Result<()> {
    let person = format!("user:{user}");
    tx.audit(WorkspaceId::ACCOUNTS, &person, action, &person, serde_json::json!({}), now).await
}

pub(super) fn is_good(row: &SessionRow, now: Timestamp) -> bool {
    now < row.ends_at && now.since(row.seen_at) < IDLE_LIMIT
}

/// The session of this token, if it is good now; a recovery is none.
pub async fn authenticate_session(store: &Store, clock: &Clock, token: &str) -> store::Result<Option<Session>> {
    if !token.starts_with(SESSION_PREFIX) {
        return Ok(None);
    }
    let now = clock.now();
    let hash = hash(token);
    let row = store.find_session(&hash).await?;
    let Some(row) = row.filter(|row| row.purpose == "sign_in" && is_good(row, now)) else { return Ok(None) };
    if now.since(row.seen_at) >= TOUCH_EVERY
        && let Err(error) = touch(store, (row.id, &hash), now).await
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "the last use of a session is not noted");
    }
    Ok(Some(Session {
        id: row.id,
        user: row.user_id,
        seat: row.workspace_id.zip(row.role),
        is_verified: row.verified_at.is_some(),
        code_right_at: row.code_right_at,
        password_change_until: row.password_change_until,
    }))
}

async fn touch(store: &Store, (id, hash): (SessionId, &[u8; 32]), now: Timestamp) -> store::Result<()> {
    let mut tx = store.begin().await?;
    tx.touch_session(id, now).await?;
    tx.commit().await?;
    store.forget_caller(hash);
    Ok(())
}
