//! What changes in an account, and what is forgotten of those that never became one.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Dialect, Error, Gone, Result, Tx, on, set};
use crate::domain::{AddressId, Timestamp, UserId, WorkspaceId};

/// After so many failures in a row only a recovery lets somebody in.
pub const MOST_FAILURES: i64 = 100;
/// How long a mobile may stay unverified.
const UNVERIFIED: Duration = Duration::from_hours(24);
/// A session that nobody has used for so long is over.
const IDLE: Duration = Duration::from_hours(24 * 14);

/// What is to be different in a profile; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    /// The username.
    pub username: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// What the email will be once it is confirmed.
    pub pending_email: Option<AddressId>,
}

impl Tx {
    /// Whether there is any account.
    pub async fn has_users(&mut self) -> Result<bool> {
        const SQL: &str = "select id from users order by id limit 1";
        let first: Option<UserId> = on!(self, |conn| sqlx::query_scalar(SQL).fetch_optional(conn).await)?;
        Ok(first.is_some())
    }

    /// Counts a failure; gives how many there are in a row. The hundredth locks.
    pub async fn count_failure(&mut self, user: UserId, now: Timestamp) -> Result<Option<i64>> {
        const SQL: &str = "update users set failures = failures + 1,
                locked_at = case when failures + 1 >= $3 then coalesce(locked_at, $2) else locked_at end
            where id = $1 returning failures";
        Ok(on!(self, |conn| {
            sqlx::query_scalar(SQL).bind(user).bind(now).bind(MOST_FAILURES).fetch_optional(conn).await
        })?)
    }

    /// Begins to count anew, after something was right; what is locked stays locked.
    pub async fn clear_failures(&mut self, user: UserId) -> Result<()> {
        const SQL: &str = "update users set failures = 0 where id = $1 and failures > 0 and locked_at is null";
        on!(self, |conn| sqlx::query(SQL).bind(user).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Notes that a code that went to the mobile was right.
    pub async fn verify_mobile(&mut self, user: UserId, now: Timestamp) -> Result<()> {
        const SQL: &str = "update users set mobile_verified_at = $2 where id = $1 and mobile_verified_at is null";
        on!(self, |conn| sqlx::query(SQL).bind(user).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Gives an account another password; one that was locked is open again.
    pub async fn set_password(&mut self, user: UserId, (hash, unlocks): (&str, bool), now: Timestamp) -> Result<()> {
        const SQL: &str = "update users set password_hash = $2, modified_at = $3 where id = $1";
        const UNLOCK: &str = "update users set failures = 0, locked_at = null where id = $1";
        on!(self, |conn| sqlx::query(SQL).bind(user).bind(hash).bind(now).execute(conn).await.map(drop))?;
        if unlocks {
            on!(self, |conn| sqlx::query(UNLOCK).bind(user).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// Changes a profile. A username that is taken is a conflict by the name of its constraint.
    pub async fn change_profile(&mut self, user: UserId, change: &ProfileChange, now: Timestamp) -> Result<()> {
        const SQL: &str = "update users set username = coalesce($2, username), handle = coalesce($3, handle),
                first_name = coalesce($4, first_name), last_name = coalesce($5, last_name),
                pending_email_id = coalesce($6, pending_email_id), modified_at = $7
            where id = $1";
        let handle = change.username.as_deref().map(super::handle);
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(user).bind(&change.username).bind(handle).bind(&change.first_name);
            let query = query.bind(&change.last_name).bind(change.pending_email).bind(now);
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Notes that an address was proved, and makes it the account's when it was to become that. One that somebody
    /// else has by now is a conflict; false when it is neither the account's nor to become it.
    pub async fn confirm_email(&mut self, user: UserId, address: AddressId, now: Timestamp) -> Result<bool> {
        const SQL: &str = "update users set email_id = $2, email_verified_at = $3, modified_at = $3,
                pending_email_id = case when pending_email_id = $2 then null else pending_email_id end
            where id = $1 and (pending_email_id = $2 or email_id = $2)";
        let done = on!(self, |conn| {
            sqlx::query(SQL).bind(user).bind(address).bind(now).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }

    /// Gives up the change of an email address: what was to become the account's is not, and no link makes it so.
    pub async fn cancel_email_change(&mut self, user: UserId) -> Result<bool> {
        const TOKENS: &str = "delete from mail_tokens where user_id = $1 and purpose = 'confirm_email'
            and used_at is null and address_id <> (select email_id from users where id = $1)";
        const PENDING: &str = "update users set pending_email_id = null where id = $1 and pending_email_id is not null";
        on!(self, |conn| sqlx::query(TOKENS).bind(user).execute(conn).await.map(drop))?;
        let done =
            on!(self, |conn| sqlx::query(PENDING).bind(user).execute(conn).await.map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// Forgets accounts whose mobile was never verified, and sessions, codes and tokens whose time is over. Their invitations can be used again. Gives how many accounts
    /// that were.
    pub async fn forget_ended_accounts(&mut self, now: Timestamp) -> Result<u64> {
        const USERS: &str = "delete from users where mobile_verified_at is null and created_at <= $1";
        const INVITATIONS: Dialect = Dialect {
            sqlite: "update invitations set accepted_at = null, accepted_by = null where accepted_by in
                (select id from users where mobile_verified_at is null and created_at <= $1)",
            postgres: "update invitations set accepted_at = null, accepted_by = null where accepted_by = any(array(
                select id from users where mobile_verified_at is null and created_at <= $1 for update))",
        };
        const SESSIONS: &str = "delete from sessions where ends_at <= $1";
        const IDLE_SESSIONS: &str = "delete from sessions where seen_at <= $1";
        const TOKENS: &str = "delete from mail_tokens where expires_at <= $1";
        self.has_rights = true;
        let oldest = now - UNVERIFIED;
        let sql = INVITATIONS.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(oldest).execute(conn).await.map(drop))?;
        let dropped =
            on!(self, |conn| sqlx::query(USERS).bind(oldest).execute(conn).await.map(|done| done.rows_affected()))?;
        let idle = now - IDLE;
        for (sql, at) in [(SESSIONS, now), (IDLE_SESSIONS, idle), (TOKENS, now)] {
            on!(self, |conn| sqlx::query(sql).bind(at).execute(conn).await.map(drop))?;
        }
        Ok(dropped)
    }

    /// Holds addresses for an account that is about to have them: nobody lets them go before this unit of work ends.
    pub async fn hold_addresses(&mut self, ids: &[AddressId]) -> Result<()> {
        const SQL: &str = "select id from addresses where workspace_id = $1
            and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb))) order by id for key share";
        if self.is_postgres() {
            let (wanted, workspace) = (set(&ids)?, WorkspaceId::ACCOUNTS);
            let held: Vec<AddressId> =
                on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(wanted).fetch_all(conn).await)?;
            if held.len() != ids.iter().collect::<BTreeSet<_>>().len() {
                return Err(Error::Gone(Gone::Other));
            }
        }
        Ok(())
    }

    /// Lets addresses of accounts go that no account, conversation or message has. Whoever holds one is waited for
    /// before it is looked whose it is.
    pub(super) async fn forget_addresses(&mut self, ids: &[AddressId]) -> Result<()> {
        const LOCK: &str = "select id from addresses where workspace_id = $1
            and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb))) order by id for update";
        const SQL: Dialect = Dialect {
            sqlite: "delete from addresses where workspace_id = $1 and id in (select value from jsonb_each($2))
                and not exists (select 1 from users u where u.email_id = addresses.id)
                and not exists (select 1 from users u where u.mobile_id = addresses.id)
                and not exists (select 1 from users u where u.pending_email_id = addresses.id)
                and not exists (select 1 from participants p
                    where p.workspace_id = addresses.workspace_id and p.address_id = addresses.id)",
            postgres: "delete from addresses a where workspace_id = $1
                and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                and not exists (select 1 from users u where u.email_id = a.id)
                and not exists (select 1 from users u where u.mobile_id = a.id)
                and not exists (select 1 from users u where u.pending_email_id = a.id)
                and not exists (select 1 from participants p where p.workspace_id = a.workspace_id and p.address_id = a.id)",
        };
        if ids.is_empty() {
            return Ok(());
        }
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        if self.is_postgres() {
            let workspace = WorkspaceId::ACCOUNTS;
            on!(self, |conn| sqlx::query(LOCK).bind(workspace).bind(&ids).execute(conn).await.map(drop))?;
        }
        on!(self, |conn| sqlx::query(sql).bind(WorkspaceId::ACCOUNTS).bind(ids).execute(conn).await.map(drop))?;
        Ok(())
    }
}
