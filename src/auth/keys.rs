//! API keys: 256 random bits, of which only the SHA-256 is kept.

use std::time::Duration;

use serde_json::json;

use super::token::{hash, new_token};
use crate::clock::Clock;
use crate::domain::{ApiKeyId, Caller, Timestamp, WorkspaceId};
use crate::store::{self, ApiKeyRow, NewApiKey, Store};

/// What every key begins with.
pub const KEY_PREFIX: &str = "sb_live_";
/// How exactly the last use is kept.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `messages:send`
    MessagesSend,
    /// `messages:read`
    MessagesRead,
    /// `metrics:read`
    MetricsRead,
    /// `admin`: everything.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::MessagesSend, Self::MessagesRead, Self::MetricsRead, Self::Admin];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MessagesSend => "messages:send",
            Self::MessagesRead => "messages:read",
            Self::MetricsRead => "metrics:read",
            Self::Admin => "admin",
        }
    }

    /// Reads a name as [`Scope::as_str`] writes it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// Whoever holds a key that is good now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// The key.
    pub id: ApiKeyId,
    /// Whose.
    pub workspace: WorkspaceId,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

impl KeyHolder {
    /// Whether the key may do that.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }
}

/// Makes a key and gives it, once, in clear.
pub async fn create_key(
    store: &Store,
    clock: &Clock,
    caller: Caller,
    (name, scopes, expires_at): (&str, &[Scope], Option<Timestamp>),
) -> store::Result<(ApiKeyId, String)> {
    let (now, token) = (clock.now(), new_token(KEY_PREFIX, clock));
    let scopes = scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
    let key = NewApiKey { name: name.to_owned(), hash: hash(&token), scopes, expires_at };
    let mut tx = store.begin().await?;
    let id = tx.insert_api_key(caller.workspace, &key, now).await?;
    let (actor, data) = (caller.who.to_string(), json!({ "scopes": key.scopes }));
    tx.audit(caller.workspace, &actor, "key.created", &format!("key:{id}"), data, now).await?;
    tx.commit().await?;
    Ok((id, token))
}

/// Every key of a workspace, without the keys themselves.
pub async fn list_keys(store: &Store, workspace: WorkspaceId) -> store::Result<Vec<ApiKeyRow>> {
    store.read().await?.list_api_keys(workspace).await
}

/// Ends a key; false when there is none, or it has ended already.
pub async fn revoke_key(store: &Store, clock: &Clock, caller: Caller, id: ApiKeyId) -> store::Result<bool> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    let was_there = tx.revoke_api_key(caller.workspace, id, now).await?;
    if was_there {
        let (actor, target) = (caller.who.to_string(), format!("key:{id}"));
        tx.audit(caller.workspace, &actor, "key.revoked", &target, json!({}), now).await?;
    }
    tx.commit().await?;
    Ok(was_there)
}

/// Who holds this key, if it is good now.
pub async fn authenticate_key(store: &Store, clock: &Clock, token: &str) -> store::Result<Option<KeyHolder>> {
    if !token.starts_with(KEY_PREFIX) {
        return Ok(None);
    }
    let now = clock.now();
    let hash = hash(token);
    let row = store.find_api_key(&hash).await?;
    let Some((row, holder)) = row.and_then(|row| holder(&row, now).map(|holder| (row, holder))) else {
        return Ok(None);
    };
    if row.last_used_at.is_none_or(|last| now.since(last) >= TOUCH_EVERY)
        && let Err(error) = touch(store, (&row, &hash), now).await
    {
        tracing::warn!(error = &error as &dyn std::error::Error, key = row.id.0, "the last use of a key is not noted");
    }
    Ok(Some(holder))
}

/// Who holds a key that is good now.
pub(super) fn holder(row: &ApiKeyRow, now: Timestamp) -> Option<KeyHolder> {
    let is_good = row.revoked_at.is_none() && row.expires_at.is_none_or(|at| now < at);
    let scopes = row.scopes.split(' ').filter_map(Scope::named).collect();
    is_good.then_some(KeyHolder { id: row.id, workspace: row.workspace_id, scopes })
}

async fn touch(store: &Store, (row, hash): (&ApiKeyRow, &[u8; 32]), now: Timestamp) -> store::Result<()> {
    let mut tx = store.begin().await?;
    tx.touch_api_key(row.workspace_id, row.id, now).await?;
    tx.commit().await?;
    store.forget_caller(hash);
    Ok(())
}
