//! Idempotency keys (draft-ietf-httpapi-idempotency-key-header): written in the message's own transaction.

use std::time::Duration;

use super::{Result, Sealed, Tx, on};
use crate::domain::{Timestamp, WorkspaceId};

/// How long a first answer is given again.
pub(super) const KEPT: Duration = Duration::from_hours(24);

/// What a key got the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Whether the request was the same.
    pub is_same_request: bool,
    /// As it was kept.
    pub answer: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Row {
    fingerprint: Vec<u8>,
    key_id: i64,
    sealed: Vec<u8>,
}

impl Tx {
    /// Takes a key for this unit of work, or gives the answer that it got before.
    ///
    /// Whoever meets it uncommitted on PostgreSQL waits for that commit.
    ///
    /// # Errors
    ///
    /// [`super::Error::Busy`] when the other one takes too long.
    pub async fn take_key(
        &mut self,
        workspace: WorkspaceId,
        (caller, key): (&str, &str),
        fingerprint: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<KeptAnswer>> {
        const FORGET: &str = "delete from idempotency_keys
            where workspace_id = $1 and caller = $2 and key_hash = $3 and created_at <= $4";
        const TAKE: &str = "insert into idempotency_keys
                (workspace_id, caller, key_hash, fingerprint, key_id, sealed, created_at)
            values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
        let hash = self.vault().fingerprint(&[key.as_bytes()]).to_vec();
        let fingerprint = self.vault().fingerprint(&[fingerprint]);
        let oldest = now - KEPT;
        on!(self, |conn| {
            let query = sqlx::query(FORGET).bind(workspace).bind(caller).bind(&hash).bind(oldest);
            query.execute(conn).await.map(drop)
        })?;
        let current = self.vault().current_key();
        let taken = on!(self, |conn| {
            let query = sqlx::query(TAKE).bind(workspace).bind(caller).bind(&hash).bind(&fingerprint[..]);
            let query = query.bind(current).bind(&b""[..]).bind(now);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        if taken == 1 { Ok(None) } else { self.find_answer(workspace, caller, &hash, &fingerprint).await }
    }

    async fn find_answer(
        &mut self,
        workspace: WorkspaceId,
        caller: &str,
        hash: &[u8],
        fingerprint: &[u8; 32],
    ) -> Result<Option<KeptAnswer>> {
        const FIND: &str = "select fingerprint, key_id, sealed from idempotency_keys
            where workspace_id = $1 and caller = $2 and key_hash = $3";
        let row: Option<Row> =
            on!(self, |conn| sqlx::query_as(FIND).bind(workspace).bind(caller).bind(hash).fetch_optional(conn).await)?;
        let Some(row) = row else { return Ok(None) };
        let sealed = Sealed { key_id: row.key_id, sealed: row.sealed };
        let answer = self.vault().open("idempotency_keys", workspace, hash, &sealed)?;
        Ok(Some(KeptAnswer { is_same_request: row.fingerprint == fingerprint, answer }))
    }

    /// Keeps the answer of a key that this unit of work has taken.
    pub async fn keep_answer(
        &mut self,
        workspace: WorkspaceId,
        (caller, key): (&str, &str),
        answer: &[u8],
    ) -> Result<()> {
        const KEEP: &str = "update idempotency_keys set key_id = $4, sealed = $5
            where workspace_id = $1 and caller = $2 and key_hash = $3";
        let hash = self.vault().fingerprint(&[key.as_bytes()]).to_vec();
        let sealed = self.vault().seal("idempotency_keys", workspace, &hash, answer)?;
        on!(self, |conn| {
            let query = sqlx::query(KEEP).bind(workspace).bind(caller).bind(&hash).bind(sealed.key_id);
            query.bind(&sealed.sealed).execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Counts messages of a sender into this minute; gives how many there are now.
    pub async fn count_sender(
        &mut self,
        workspace: WorkspaceId,
        sender: crate::domain::AddressId,
        messages: i64,
        now: Timestamp,
    ) -> Result<i64> {
        const SQL: &str = "insert into sender_usage (workspace_id, address_id, minute, used) values ($1, $2, $3, $4)
            on conflict (workspace_id, address_id, minute) do update set used = sender_usage.used + excluded.used
            returning used";
        let minute = now.seconds() / 60;
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(sender).bind(minute).bind(messages);
            query.fetch_one(conn).await
        })?)
    }
}
