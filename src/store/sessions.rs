//! Sessions, found by the hash of their token.

use super::{Dialect, Result, Tx, on, set};
use crate::domain::{Role, SessionId, Timestamp, UserId, WorkspaceId};

/// A session as it is stored, with what its person is in its workspace now.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// Where it acts.
    pub workspace_id: Option<WorkspaceId>,
    /// As what; absent when they are not in that workspace any more.
    pub role: Option<Role>,
    /// `sign_in` or `recovery`.
    pub purpose: String,
    /// The program that signed in, as it calls itself.
    pub client: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub seen_at: Timestamp,
    /// When it ends, however much it is used.
    pub ends_at: Timestamp,
    /// When its first code was right.
    pub verified_at: Option<Timestamp>,
    /// When a code was right last.
    pub code_right_at: Option<Timestamp>,
    /// Until when the password may be changed without another code.
    pub password_change_until: Option<Timestamp>,
}

/// A session to be stored.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose.
    pub user: UserId,
    /// Where it acts.
    pub workspace: Option<WorkspaceId>,
    /// Whether it is a recovery of the password and nothing else.
    pub is_recovery: bool,
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// The program that signs in, as it calls itself.
    pub client: String,
    /// When it ends, however much it is used.
    pub ends_at: Timestamp,
    /// When a code was right; absent: pending.
    pub verified_at: Option<Timestamp>,
}

/// What a session becomes when its rights rise, under a token of its own.
#[derive(Debug, Clone)]
pub struct Rise {
    /// SHA-256 of the new token.
    pub token_hash: [u8; 32],
    /// When it ends, however much it is used.
    pub ends_at: Timestamp,
    /// Until when the password may be changed without another code.
    pub password_change_until: Option<Timestamp>,
}

impl Tx {
    /// Stores a session.
    pub async fn insert_session(&mut self, session: &NewSession, now: Timestamp) -> Result<SessionId> {
        const SQL: &str =
            "insert into sessions (user_id, workspace_id, purpose, token_hash, client, created_at, seen_at,
                ends_at, verified_at, code_right_at)
            values ($1, $2, $3, $4, $5, $6, $6, $7, $8, $8) returning id";
        let purpose = if session.is_recovery { "recovery" } else { "sign_in" };
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(session.user).bind(session.workspace).bind(purpose);
            let query = query.bind(&session.token_hash[..]).bind(&session.client).bind(now).bind(session.ends_at);
            query.bind(session.verified_at).fetch_one(conn).await
        })?)
    }

    /// The session with that token: without a workspace, because the session is what names it.
    pub async fn find_session(&mut self, token_hash: &[u8; 32]) -> Result<Option<SessionRow>> {
        const SQL: &str =
            "select s.id, s.user_id, s.workspace_id, (select p.role from memberships p
                    where p.workspace_id = s.workspace_id and p.user_id = s.user_id) as role, s.purpose, s.client, s.created_at, s.seen_at,
                s.ends_at, s.verified_at, s.code_right_at, s.password_change_until
            from sessions s where s.token_hash = $1";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(&token_hash[..]).fetch_optional(conn).await)?)
    }

    /// Lets nobody else end a session of somebody, or work on its codes, before this unit of work ends; false when it has
    /// ended already. Everybody locks the account, then the session, and then what hangs on it.
    pub async fn lock_session(&mut self, user: UserId, id: SessionId) -> Result<bool> {
        const SQL: Dialect = Dialect {
            sqlite: "select id from sessions where user_id = $1 and id = $2",
            postgres: "select id from sessions where user_id = $1 and id = $2 for update",
        };
        if self.lock_user(user).await?.is_none() {
            return Ok(false);
        }
        let sql = SQL.pick(self);
        let found: Option<SessionId> =
            on!(self, |conn| sqlx::query_scalar(sql).bind(user).bind(id).fetch_optional(conn).await)?;
        Ok(found.is_some())
    }

    /// Notes that a session was used.
    pub async fn touch_session(&mut self, id: SessionId, now: Timestamp) -> Result<()> {
        const SQL: &str = "update sessions set seen_at = $2 where id = $1 and seen_at < $2";
        on!(self, |conn| sqlx::query(SQL).bind(id).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Gives a session another token, because a code was right: the one before it finds nothing any more. False when
    /// the session has ended meanwhile.
    pub async fn raise_session(&mut self, id: SessionId, rise: &Rise, now: Timestamp) -> Result<bool> {
        const SQL: &str = "update sessions set token_hash = $2, ends_at = $3, password_change_until = $4, seen_at = $5,
                verified_at = coalesce(verified_at, $5), code_right_at = $5
            where id = $1";
        self.has_rights = true;
        let done = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(id).bind(&rise.token_hash[..]).bind(rise.ends_at);
            let query = query.bind(rise.password_change_until).bind(now);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }

    /// Spends the leave to change the password, once.
    pub async fn spend_password_change(&mut self, id: SessionId, now: Timestamp) -> Result<bool> {
        const SQL: &str =
            "update sessions set password_change_until = null where id = $1 and password_change_until > $2";
        self.has_rights = true;
        let done = on!(self, |conn| {
            sqlx::query(SQL).bind(id).bind(now).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }

    /// Where a session acts from now on, and the SHA-256 of its token there: the one before it finds nothing any more.
    /// Gives when it ends; nothing when it has ended meanwhile.
    pub async fn move_session(
        &mut self,
        id: SessionId,
        workspace: WorkspaceId,
        token_hash: &[u8; 32],
    ) -> Result<Option<Timestamp>> {
        const SQL: &str = "update sessions set workspace_id = $2, token_hash = $3 where id = $1 returning ends_at";
        self.has_rights = true;
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(id).bind(workspace).bind(&token_hash[..]);
            query.fetch_optional(conn).await
        })?)
    }

    /// Those of the sessions that are there still.
    pub async fn load_sessions(&mut self, ids: &[SessionId]) -> Result<Vec<SessionRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select s.id, s.user_id, s.workspace_id, p.role, s.purpose, s.client, s.created_at, s.seen_at,
                    s.ends_at, s.verified_at, s.code_right_at, s.password_change_until
                from jsonb_each($1) x cross join sessions s on s.id = x.value
                left join memberships p on p.workspace_id = s.workspace_id and p.user_id = s.user_id",
            // a join might read every membership into a hash
            postgres: "select s.id, s.user_id, s.workspace_id, (select p.role from memberships p
                      where p.workspace_id = s.workspace_id and p.user_id = s.user_id) as role,
                    s.purpose, s.client, s.created_at, s.seen_at,
                    s.ends_at, s.verified_at, s.code_right_at, s.password_change_until
                from sessions s
                where s.id = any(array(select value::bigint from jsonb_array_elements_text($1::jsonb)))",
        };
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, ids) = (SQL.pick(self), set(&ids)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(ids).fetch_all(conn).await)?)
    }

    /// Somebody's sign-ins that a code has confirmed, the newest first.
    pub async fn list_sessions(&mut self, user: UserId) -> Result<Vec<SessionRow>> {
        const SQL: &str =
            "select s.id, s.user_id, s.workspace_id, p.role, s.purpose, s.client, s.created_at, s.seen_at,
                s.ends_at, s.verified_at, s.code_right_at, s.password_change_until
            from sessions s left join memberships p on p.workspace_id = s.workspace_id and p.user_id = s.user_id
            where s.user_id = $1 and s.purpose = 'sign_in' and s.verified_at is not null order by s.id desc";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(user).fetch_all(conn).await)?)
    }

    /// Ends one of somebody's sessions; false when there is none of that id.
    pub async fn end_session(&mut self, user: UserId, id: SessionId) -> Result<bool> {
        const SQL: &str = "delete from sessions where user_id = $1 and id = $2";
        self.has_rights = true;
        let done = on!(self, |conn| {
            sqlx::query(SQL).bind(user).bind(id).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }

    /// Ends somebody's sessions, but for one; gives how many.
    pub async fn end_sessions(&mut self, user: UserId, but: Option<SessionId>) -> Result<u64> {
        const SQL: &str = "delete from sessions where user_id = $1 and id <> $2";
        self.has_rights = true;
        let but = but.unwrap_or(SessionId(0));
        Ok(on!(self, |conn| {
            sqlx::query(SQL).bind(user).bind(but).execute(conn).await.map(|done| done.rows_affected())
        })?)
    }

    /// Ends sign-ins of somebody that no code has confirmed yet.
    pub async fn end_pending_sessions(&mut self, user: UserId) -> Result<()> {
        const SQL: &str = "delete from sessions where user_id = $1 and purpose = 'sign_in' and verified_at is null";
        self.has_rights = true;
        on!(self, |conn| sqlx::query(SQL).bind(user).execute(conn).await.map(drop))?;
        Ok(())
    }
}
