//! One-time codes: one row a session and purpose, its tries counted before they are looked at.

use std::time::Duration;

use super::{Result, Tx, on};
use crate::domain::{CodePurpose, SessionId, Timestamp, UserId};
use crate::fault::is_sabotaged;

/// How often one code is looked at.
pub const CODE_TRIES: i64 = 5;

/// A code to be stored, as its keyed hash.
#[derive(Debug, Clone)]
pub struct NewCode {
    /// In which session it counts.
    pub session: SessionId,
    /// For what.
    pub purpose: CodePurpose,
    /// Its keyed hash.
    pub hash: [u8; 32],
    /// Not after then.
    pub expires_at: Timestamp,
}

/// How a code stands.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct CodeRow {
    /// Its keyed hash.
    pub hash: Vec<u8>,
    /// How often it was looked at.
    pub tries: i64,
    /// Not after then.
    pub expires_at: Timestamp,
    /// When it was right.
    pub used_at: Option<Timestamp>,
}

/// One of a few things that may happen in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// It may happen now; it was counted.
    Taken {
        /// How many more may follow at once.
        left: i64,
    },
    /// Not before then.
    Full(Timestamp),
}

#[derive(sqlx::FromRow)]
struct Taken {
    period: i64,
    ends_at: Timestamp,
}

impl Tx {
    /// Stores a code in the place of the one before it, whose tries and time are over with it.
    pub async fn put_code(&mut self, code: &NewCode, now: Timestamp) -> Result<()> {
        const SQL: &str = "insert into codes (session_id, purpose, hash, created_at, expires_at, tries)
            values ($1, $2, $3, $4, $5, 0)
            on conflict (session_id, purpose) do update set hash = excluded.hash, created_at = excluded.created_at,
                expires_at = excluded.expires_at, tries = 0, used_at = null";
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(code.session).bind(code.purpose).bind(&code.hash[..]);
            query.bind(now).bind(code.expires_at).execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Counts a try and gives what it is compared with; nothing when there is no code that may be looked at.
    ///
    /// The count and the look are one statement, so that however many guess at once, [`CODE_TRIES`] are looked at.
    pub async fn try_code(
        &mut self,
        (session, user): (SessionId, UserId),
        purpose: CodePurpose,
        now: Timestamp,
    ) -> Result<Option<CodeRow>> {
        const SQL: &str = "update codes set tries = tries + $5
            where session_id = $1 and purpose = $2 and tries < $4 and used_at is null and expires_at > $3
            returning hash, tries, expires_at, used_at";
        const OF_ANY_SESSION: &str = "select hash, tries, expires_at, used_at from codes
            where session_id in (select id from sessions where user_id = $1) and purpose = $2 and expires_at > $3
            order by created_at limit 1";
        if is_sabotaged("code_unbound") {
            return Ok(on!(self, |conn| {
                let query = sqlx::query_as(OF_ANY_SESSION).bind(user).bind(purpose).bind(now);
                query.fetch_optional(conn).await
            })?);
        }
        let count = i64::from(!is_sabotaged("tries_uncounted"));
        Ok(on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(session).bind(purpose).bind(now).bind(CODE_TRIES).bind(count);
            query.fetch_optional(conn).await
        })?)
    }

    /// How the code of a session stands.
    pub async fn find_code(&mut self, session: SessionId, purpose: CodePurpose) -> Result<Option<CodeRow>> {
        const SQL: &str = "select hash, tries, expires_at, used_at from codes where session_id = $1 and purpose = $2";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(session).bind(purpose).fetch_optional(conn).await)?)
    }

    /// Marks a code as used: it is not looked at again.
    pub async fn use_code(&mut self, session: SessionId, purpose: CodePurpose, now: Timestamp) -> Result<()> {
        const SQL: &str = "update codes set used_at = $3 where session_id = $1 and purpose = $2";
        on!(self, |conn| sqlx::query(SQL).bind(session).bind(purpose).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Takes one of so many slots of a name and key, each for so long: in no span of that length are more taken.
    pub async fn take_slot(
        &mut self,
        (name, key): (&str, &[u8; 32]),
        (slots, span): (i64, Duration),
        now: Timestamp,
    ) -> Result<Slot> {
        const TAKE: &str = "insert into budgets (name, key_hash, period, used, ends_at) values ($1, $2, $3, 1, $4)
            on conflict (name, key_hash, period) do update set used = budgets.used + 1, ends_at = excluded.ends_at
            where budgets.ends_at <= $5";
        let live = self.list_slots(name, key, now).await?;
        let is_free = |slot: &i64| live.iter().all(|taken| taken.period != *slot);
        let first = live.iter().map(|taken| taken.ends_at).min();
        let Some(free) = (0..slots).find(is_free) else { return Ok(Slot::Full(first.unwrap_or(now + span))) };
        let done = on!(self, |conn| {
            let query = sqlx::query(TAKE).bind(name).bind(&key[..]).bind(free).bind(now + span).bind(now);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        let taken = i64::try_from(live.len()).unwrap_or(i64::MAX).saturating_add(1);
        Ok(if done == 1 { Slot::Taken { left: slots - taken } } else { Slot::Full(now + Duration::from_secs(1)) })
    }

    /// Until when the last slot that was taken is; nothing when all are free.
    pub async fn find_last_slot(&mut self, name: &str, key: &[u8; 32], now: Timestamp) -> Result<Option<Timestamp>> {
        Ok(self.list_slots(name, key, now).await?.into_iter().map(|taken| taken.ends_at).max())
    }

    async fn list_slots(&mut self, name: &str, key: &[u8; 32], now: Timestamp) -> Result<Vec<Taken>> {
        const SQL: &str = "select period, ends_at from budgets where name = $1 and key_hash = $2 and ends_at > $3";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(name).bind(&key[..]).bind(now).fetch_all(conn).await)?)
    }
}
