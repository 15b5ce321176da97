//! Idempotency keys (draft-ietf-httpapi-idempotency-key-header): written in the message's own transaction.

use std::collections::HashSet;
use std::time::Duration;

use super::{Dialect, Result, Sealed, Tx, on, set};
use crate::domain::{Timestamp, WorkspaceId};

/// How long a first answer is given again.
pub(super) const KEPT: Duration = Duration::from_hours(24);

/// A key that a request came with.
#[derive(Debug, Clone, Copy)]
pub struct KeyTry<'a> {
    /// Itself, unquoted.
    pub key: &'a str,
    /// SHA-256 of the method, the path and the body.
    pub fingerprint: &'a [u8; 32],
}

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
        let kept = self.take_keys(workspace, caller, &[KeyTry { key, fingerprint }], now).await?;
        Ok(kept.into_iter().next().flatten())
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
        self.keep_answers(workspace, caller, &[(key, answer.to_vec())]).await
    }

    /// Takes keys of one caller for this unit of work, each named once, or gives the answers that they got before.
    ///
    /// # Errors
    ///
    /// [`super::Error::Busy`] when another unit of work holds one of them for too long.
    pub async fn take_keys(
        &mut self,
        workspace: WorkspaceId,
        caller: &str,
        tries: &[KeyTry<'_>],
        now: Timestamp,
    ) -> Result<Vec<Option<KeptAnswer>>> {
        const TAKE: Dialect = Dialect {
            sqlite: "insert into idempotency_keys
                    (workspace_id, caller, key_hash, fingerprint, key_id, sealed, created_at)
                select $1, $2, unhex(value ->> 0), unhex(value ->> 1), $4, x'', $5 from jsonb_each($3)
                where true order by value ->> 0
                on conflict (workspace_id, caller, key_hash) do update set fingerprint = excluded.fingerprint,
                    key_id = excluded.key_id, sealed = excluded.sealed, created_at = excluded.created_at
                where idempotency_keys.created_at <= $6
                returning key_hash",
            postgres: "insert into idempotency_keys
                    (workspace_id, caller, key_hash, fingerprint, key_id, sealed, created_at)
                select $1, $2, decode(value ->> 0, 'hex'), decode(value ->> 1, 'hex'), $4, ''::bytea, $5
                from jsonb_array_elements($3::jsonb) order by value ->> 0
                on conflict (workspace_id, caller, key_hash) do update set fingerprint = excluded.fingerprint,
                    key_id = excluded.key_id, sealed = excluded.sealed, created_at = excluded.created_at
                where idempotency_keys.created_at <= $6
                returning key_hash",
        };
        if tries.is_empty() {
            return Ok(Vec::new());
        }
        let prints: Vec<_> =
            tries.iter().map(|one| (self.key_hash(one.key), self.vault().fingerprint(&[one.fingerprint]))).collect();
        let rows: Vec<_> = prints.iter().map(|(key, print)| (hex::encode(key), hex::encode(print))).collect();
        let (sql, rows, current) = (TAKE.pick(self), set(&rows)?, self.vault().current_key());
        let taken: Vec<Vec<u8>> = on!(self, |conn| {
            let query = sqlx::query_scalar(sql).bind(workspace).bind(caller).bind(rows).bind(current).bind(now);
            query.bind(now - KEPT).fetch_all(conn).await
        })?;
        if taken.len() == tries.len() {
            return Ok(tries.iter().map(|_| None).collect());
        }
        let taken: HashSet<Vec<u8>> = taken.into_iter().collect();
        let mut kept = Vec::with_capacity(tries.len());
        for (key, print) in prints {
            kept.push(if taken.contains(&key[..]) {
                None
            } else {
                self.find_answer(workspace, caller, &key, &print).await?
            });
        }
        Ok(kept)
    }

    /// Keeps the answers of keys of one caller that this unit of work has taken.
    pub async fn keep_answers(
        &mut self,
        workspace: WorkspaceId,
        caller: &str,
        answers: &[(&str, Vec<u8>)],
    ) -> Result<()> {
        const KEEP: Dialect = Dialect {
            sqlite: "update idempotency_keys set key_id = $4, sealed = x.sealed
                from (select unhex(value ->> 0) as hash, unhex(value ->> 1) as sealed from jsonb_each($3) limit -1) as x
                where workspace_id = $1 and caller = $2 and key_hash = x.hash",
            postgres: "update idempotency_keys set key_id = $4, sealed = x.sealed
                from (select decode(value ->> 0, 'hex') as hash, decode(value ->> 1, 'hex') as sealed
                    from jsonb_array_elements($3::jsonb)) as x
                where workspace_id = $1 and caller = $2 and key_hash = x.hash",
        };
        if answers.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(answers.len());
        for (key, answer) in answers {
            let hash = self.key_hash(key);
            let sealed = self.vault().seal("idempotency_keys", workspace, &hash, answer)?;
            rows.push((hex::encode(hash), hex::encode(sealed.sealed)));
        }
        let (sql, rows, current) = (KEEP.pick(self), set(&rows)?, self.vault().current_key());
        on!(self, |conn| {
            let query = sqlx::query(sql).bind(workspace).bind(caller).bind(rows).bind(current);
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Frees keys of one caller that this unit of work has taken, and that got no answer to keep.
    pub async fn free_keys(&mut self, workspace: WorkspaceId, caller: &str, keys: &[&str]) -> Result<()> {
        const FREE: Dialect = Dialect {
            sqlite: "delete from idempotency_keys where workspace_id = $1 and caller = $2
                and key_hash in (select unhex(value) from jsonb_each($3))",
            postgres: "delete from idempotency_keys where workspace_id = $1 and caller = $2
                and key_hash = any(array(select decode(value, 'hex') from jsonb_array_elements_text($3::jsonb)))",
        };
        if keys.is_empty() {
            return Ok(());
        }
        let hashes: Vec<String> = keys.iter().map(|key| hex::encode(self.key_hash(key))).collect();
        let (sql, hashes) = (FREE.pick(self), set(&hashes)?);
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(caller).bind(hashes).execute(conn).await.map(drop))?;
        Ok(())
    }

    fn key_hash(&self, key: &str) -> [u8; 32] {
        self.vault().fingerprint(&[key.as_bytes()])
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
