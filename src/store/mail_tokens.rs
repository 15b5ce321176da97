//! Proofs of an email address: what a mail's link holds, as its SHA-256.

use super::{Result, Tx, on};
use crate::domain::{AddressId, SessionId, Timestamp, UserId};

/// What following a mail's link proves an address for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MailPurpose {
    /// It is the account's.
    ConfirmEmail,
    /// Getting back in without the password.
    Recovery,
}

/// A token to be stored.
#[derive(Debug, Clone)]
pub struct NewMailToken {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Whose.
    pub user: UserId,
    /// What for.
    pub purpose: MailPurpose,
    /// The address it goes to.
    pub address: AddressId,
    /// The session it belongs to, where it belongs to one.
    pub session: Option<SessionId>,
    /// Not after then.
    pub expires_at: Timestamp,
}

impl Tx {
    /// Stores a token; those of the same person and purpose that were not used are void from now on. One that belongs
    /// to a session voids only those of that session: whoever begins another one takes nothing away.
    pub async fn put_mail_token(&mut self, token: &NewMailToken, now: Timestamp) -> Result<()> {
        const SQL: &str = "insert into mail_tokens
                (hash, user_id, purpose, address_id, session_id, created_at, expires_at)
            values ($1, $2, $3, $4, $5, $6, $7)";
        const VOID: &str = "delete from mail_tokens where session_id = $1 and used_at is null";
        match token.session {
            Some(session) => on!(self, |conn| sqlx::query(VOID).bind(session).execute(conn).await.map(drop))?,
            None => self.void_mail_tokens(token.user, token.purpose).await?,
        }
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(&token.hash[..]).bind(token.user).bind(token.purpose);
            let query = query.bind(token.address).bind(token.session).bind(now).bind(token.expires_at);
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Uses a token, once; gives whose it is and which address it proves.
    pub async fn use_mail_token(
        &mut self,
        hash: &[u8; 32],
        purpose: MailPurpose,
        now: Timestamp,
    ) -> Result<Option<(UserId, AddressId)>> {
        const SQL: &str = "update mail_tokens set used_at = $3
            where hash = $1 and purpose = $2 and used_at is null and expires_at > $3 and session_id is null
            returning user_id, address_id";
        Ok(on!(self, |conn| {
            sqlx::query_as(SQL).bind(&hash[..]).bind(purpose).bind(now).fetch_optional(conn).await
        })?)
    }

    /// Whether a token is good for a session, without using it.
    pub async fn has_mail_token(
        &mut self,
        hash: &[u8; 32],
        (purpose, session): (MailPurpose, SessionId),
        now: Timestamp,
    ) -> Result<bool> {
        const SQL: &str = "select user_id from mail_tokens
            where hash = $1 and purpose = $2 and session_id = $3 and used_at is null and expires_at > $4";
        let found: Option<UserId> = on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(&hash[..]).bind(purpose).bind(session).bind(now);
            query.fetch_optional(conn).await
        })?;
        Ok(found.is_some())
    }

    /// Voids what was not used.
    pub async fn void_mail_tokens(&mut self, user: UserId, purpose: MailPurpose) -> Result<()> {
        const SQL: &str = "delete from mail_tokens where user_id = $1 and purpose = $2 and used_at is null";
        on!(self, |conn| sqlx::query(SQL).bind(user).bind(purpose).execute(conn).await.map(drop))?;
        Ok(())
    }
}
