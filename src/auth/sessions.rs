//! Sessions: an opaque token, its SHA-256 in the database, ended by deleting the row.

use std::time::Duration;

use super::token::{hash, new_token};
use crate::clock::Clock;
use crate::domain::{Caller, Role, SessionId, Timestamp, UserId, Who, WorkspaceId};
use crate::store::{self, NewSession, SessionRow, Store, Tx};

/// What every session's token begins with.
pub const SESSION_PREFIX: &str = "sb_sess_";
/// How long a session lives that nobody uses.
const IDLE_LIMIT: Duration = Duration::from_hours(24 * 14);
/// How long a session lives at most.
const ABSOLUTE_LIMIT: Duration = Duration::from_hours(24 * 90);
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
    /// Whether it began as a recovery of the password, and can do nothing else.
    pub is_recovery: bool,
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
        ends_at: now + ABSOLUTE_LIMIT,
        verified_at: is_verified.then_some(now),
    };
    Ok((tx.insert_session(&session, now).await?, token))
}

/// The session of this token, if it is good now.
pub async fn authenticate_session(store: &Store, clock: &Clock, token: &str) -> store::Result<Option<Session>> {
    if !token.starts_with(SESSION_PREFIX) {
        return Ok(None);
    }
    let now = clock.now();
    let row = store.read().await?.find_session(&hash(token)).await?;
    let is_good = |row: &SessionRow| now < row.ends_at && now.since(row.seen_at) < IDLE_LIMIT;
    let Some(row) = row.filter(is_good) else { return Ok(None) };
    if now.since(row.seen_at) >= TOUCH_EVERY
        && let Err(error) = touch(store, row.id, now).await
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "the last use of a session is not noted");
    }
    Ok(Some(Session {
        id: row.id,
        user: row.user_id,
        seat: row.workspace_id.zip(row.role),
        is_verified: row.verified_at.is_some() && row.purpose == "sign_in",
        is_recovery: row.purpose == "recovery",
        code_right_at: row.code_right_at,
        password_change_until: row.password_change_until,
    }))
}

async fn touch(store: &Store, id: SessionId, now: Timestamp) -> store::Result<()> {
    let mut tx = store.begin().await?;
    tx.touch_session(id, now).await?;
    tx.commit().await
}
