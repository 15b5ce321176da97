//! What stands in for a code by SMS: a TOTP secret, sealed, and recovery codes, as keyed hashes.

use serde::Serialize;

use super::{Dialect, Result, Sealed, Tx, on, set};
use crate::domain::{Timestamp, UserId, WorkspaceId};

/// A TOTP secret.
#[derive(Clone)]
pub struct TotpRow {
    /// The secret itself.
    pub secret: Vec<u8>,
    /// Since when its holder has proved to have it.
    pub since: Option<Timestamp>,
}

impl std::fmt::Debug for TotpRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TotpRow(since {:?})", self.since)
    }
}

#[derive(sqlx::FromRow)]
struct SealedTotp {
    key_id: Option<i64>,
    sealed: Option<Vec<u8>>,
    since: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Kept {
    id: UserId,
    #[sqlx(flatten)]
    old: Sealed,
}

#[derive(Serialize)]
struct Hash {
    hash: String,
}

impl Tx {
    /// Seals a secret that its holder has yet to prove to have; false when one was proved already.
    pub async fn put_totp(&mut self, user: UserId, secret: &[u8], now: Timestamp) -> Result<bool> {
        const SQL: &str = "update users set totp_key_id = $2, totp_sealed = $3, totp_since = null,
            totp_last_step = null, modified_at = $4 where id = $1 and totp_since is null";
        let about = user.0.to_be_bytes();
        let Sealed { key_id, sealed } = self.vault().seal("users", WorkspaceId::ACCOUNTS, &about, secret)?;
        let done = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(user).bind(key_id).bind(sealed).bind(now);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }

    /// The secret of an account, proved or not.
    pub async fn find_totp(&mut self, user: UserId) -> Result<Option<TotpRow>> {
        const SQL: &str =
            "select totp_key_id as key_id, totp_sealed as sealed, totp_since as since from users where id = $1";
        let row: Option<SealedTotp> = on!(self, |conn| sqlx::query_as(SQL).bind(user).fetch_optional(conn).await)?;
        let Some(SealedTotp { key_id: Some(key_id), sealed: Some(sealed), since }) = row else {
            return Ok(None);
        };
        let sealed = Sealed { key_id, sealed };
        let secret = self.vault().open("users", WorkspaceId::ACCOUNTS, &user.0.to_be_bytes(), &sealed)?;
        Ok(Some(TotpRow { secret, since }))
    }

    /// Turns on what was proved.
    pub async fn confirm_totp(&mut self, user: UserId, now: Timestamp) -> Result<()> {
        const SQL: &str = "update users set totp_since = $2, modified_at = $2 where id = $1";
        on!(self, |conn| sqlx::query(SQL).bind(user).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Forgets a secret; false when there was none.
    pub async fn clear_totp(&mut self, user: UserId, now: Timestamp) -> Result<bool> {
        const SQL: &str = "update users set totp_key_id = null, totp_sealed = null, totp_since = null,
            totp_last_step = null, modified_at = $2 where id = $1 and totp_sealed is not null";
        let done = on!(self, |conn| {
            sqlx::query(SQL).bind(user).bind(now).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }

    /// Uses the code of a time step, once, and none of an earlier one after it (RFC 6238, section 5.2).
    pub async fn use_totp_step(&mut self, user: UserId, step: i64) -> Result<bool> {
        const SQL: &str = "update users set totp_last_step = $2
            where id = $1 and (totp_last_step is null or totp_last_step < $2)";
        let done = on!(self, |conn| {
            sqlx::query(SQL).bind(user).bind(step).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }

    /// Puts recovery codes in the place of those before them.
    pub async fn replace_recovery_codes(&mut self, user: UserId, hashes: &[[u8; 32]]) -> Result<()> {
        const FORGET: &str = "delete from recovery_codes where user_id = $1";
        const INSERT: Dialect = Dialect {
            sqlite: "insert into recovery_codes (user_id, hash) select $1, unhex(value ->> 'hash') from jsonb_each($2)",
            postgres: "insert into recovery_codes (user_id, hash)
                select $1, decode(hash, 'hex') from jsonb_to_recordset($2::jsonb) as x (hash text)",
        };
        on!(self, |conn| sqlx::query(FORGET).bind(user).execute(conn).await.map(drop))?;
        let rows: Vec<Hash> = hashes.iter().map(|hash| Hash { hash: hex::encode(hash) }).collect();
        let rows = set(&rows)?;
        let sql = INSERT.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(user).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Uses a recovery code, once.
    pub async fn use_recovery_code(&mut self, user: UserId, hash: &[u8; 32], now: Timestamp) -> Result<bool> {
        const SQL: &str = "update recovery_codes set used_at = $3 where user_id = $1 and hash = $2 and used_at is null";
        let done = on!(self, |conn| {
            sqlx::query(SQL).bind(user).bind(&hash[..]).bind(now).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }

    /// Re-seals secrets that another master key sealed; gives how many there were. What was changed or removed
    /// meanwhile stays as it is.
    pub(super) async fn rekey_totp(&mut self, limit: i64) -> Result<u64> {
        const LIST: &str = "select id, totp_key_id as key_id, totp_sealed as sealed from users
            where totp_key_id <> $1 limit $2";
        const SQL: &str = "update users set totp_key_id = $2, totp_sealed = $3
            where id = $1 and totp_key_id = $4 and totp_sealed = $5";
        let current = self.vault().current_key();
        let rows: Vec<Kept> = on!(self, |conn| sqlx::query_as(LIST).bind(current).bind(limit).fetch_all(conn).await)?;
        for row in &rows {
            let about = row.id.0.to_be_bytes();
            let secret = self.vault().open("users", WorkspaceId::ACCOUNTS, &about, &row.old)?;
            let new = self.vault().seal("users", WorkspaceId::ACCOUNTS, &about, &secret)?;
            on!(self, |conn| {
                let query = sqlx::query(SQL).bind(row.id).bind(new.key_id).bind(new.sealed);
                query.bind(row.old.key_id).bind(&row.old.sealed).execute(conn).await.map(drop)
            })?;
        }
        Ok(rows.len() as u64)
    }
}
