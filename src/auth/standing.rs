//! Who, of those that were let in a while ago, would be let in now: asked for many at once.

use std::collections::HashMap;

use super::sessions::is_good;
use super::{KeyHolder, keys};
use crate::clock::Clock;
use crate::domain::{ApiKeyId, Caller, SessionId, Who};
use crate::store::{self, Store};

/// The credentials of a set that are good now, and whose they are.
#[derive(Debug, Default)]
pub struct Standing {
    /// Sessions, each with the person in the workspace where it acts.
    pub sessions: HashMap<SessionId, Caller>,
    /// Keys.
    pub keys: HashMap<ApiKeyId, KeyHolder>,
}

/// Looks up which of those credentials are good now.
pub async fn find_standing(
    store: &Store,
    clock: &Clock,
    (sessions, keys): (&[SessionId], &[ApiKeyId]),
) -> store::Result<Standing> {
    let now = clock.now();
    let mut tx = store.read().await?;
    let sessions = tx.load_sessions(sessions).await?;
    let keys = tx.load_api_keys(keys).await?;
    let session = |row: store::SessionRow| {
        let is_sign_in = row.purpose == "sign_in" && row.verified_at.is_some();
        let (workspace, role) = row.workspace_id.zip(row.role).filter(|_| is_sign_in && is_good(&row, now))?;
        Some((row.id, Caller { workspace, who: Who::User(row.user_id, role) }))
    };
    Ok(Standing {
        sessions: sessions.into_iter().filter_map(session).collect(),
        keys: keys.into_iter().filter_map(|row| keys::holder(&row, now)).map(|holder| (holder.id, holder)).collect(),
    })
}
