//! People with accounts, and what they are in which workspace.

use std::fmt;

use std::collections::{BTreeSet, HashMap};

use super::{Dialect, Result, Tx, on, set};
use crate::domain::{AddressId, Role, Timestamp, UserId, WorkspaceId};

/// An account to be stored.
#[derive(Clone)]
pub struct NewUser {
    /// As they write it.
    pub username: String,
    /// First name; may be empty.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// An address of [`WorkspaceId::ACCOUNTS`].
    pub email: AddressId,
    /// An address of [`WorkspaceId::ACCOUNTS`].
    pub mobile: AddressId,
    /// In PHC string format.
    pub password_hash: String,
    /// When the mobile was verified, when it was.
    pub mobile_verified_at: Option<Timestamp>,
}

/// An account as it is stored.
#[derive(Clone, sqlx::FromRow)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// As they write it.
    pub username: String,
    /// First name; may be empty.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// An address of [`WorkspaceId::ACCOUNTS`].
    pub email_id: AddressId,
    /// An address of [`WorkspaceId::ACCOUNTS`].
    pub mobile_id: AddressId,
    /// What the email will be once the mail sent there is confirmed.
    pub pending_email_id: Option<AddressId>,
    /// In PHC string format.
    pub password_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything about it changed last.
    pub modified_at: Timestamp,
    /// When a code sent to the mobile was right first.
    pub mobile_verified_at: Option<Timestamp>,
    /// When the email was confirmed.
    pub email_verified_at: Option<Timestamp>,
    /// Failed sign-ins and codes since the last one that was right.
    pub failures: i64,
    /// Since when only a recovery lets them in.
    pub locked_at: Option<Timestamp>,
    /// Since when they have a TOTP secret that they proved to hold.
    pub totp_since: Option<Timestamp>,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser").field("username", &self.username).finish_non_exhaustive()
    }
}

impl UserRow {
    /// Whether a second factor guards their sign-in: a mobile that was verified, or an authenticator app.
    pub fn has_second_factor(&self) -> bool {
        self.mobile_verified_at.is_some() || self.totp_since.is_some()
    }
}

impl fmt::Debug for UserRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRow").field("id", &self.id).field("username", &self.username).finish_non_exhaustive()
    }
}

/// Somebody's seat in a workspace.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct MembershipRow {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// Who.
    pub user_id: UserId,
    /// As what.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

/// Somebody's seat, as they see it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct WorkspaceSeatRow {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// What the workspace is called.
    pub name: String,
    /// As what.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

macro_rules! users {
    ($rest:literal) => {
        concat!(
            "select u.id, u.username, u.first_name, u.last_name, u.email_id, u.mobile_id, u.pending_email_id,
                u.password_hash, u.created_at, u.modified_at, u.mobile_verified_at, u.email_verified_at, u.failures,
                u.locked_at, u.totp_since
            from users u ",
            $rest
        )
    };
}

/// The form by which a username is found and unique.
pub fn handle(username: &str) -> String {
    username.to_ascii_lowercase()
}

impl Tx {
    /// Stores an account. A username, email or mobile that is taken is a conflict by the name of its constraint.
    pub async fn insert_user(&mut self, user: &NewUser, now: Timestamp) -> Result<UserId> {
        const SQL: &str = "insert into users (username, handle, first_name, last_name, email_id, mobile_id,
                password_hash, mobile_verified_at, created_at, modified_at, failures)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 0) returning id";
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(&user.username).bind(handle(&user.username));
            let query = query.bind(&user.first_name).bind(&user.last_name).bind(user.email).bind(user.mobile);
            query.bind(&user.password_hash).bind(user.mobile_verified_at).bind(now).fetch_one(conn).await
        })?)
    }

    /// One account. Whoever shows it to others asks [`Tx::find_membership`] first.
    pub async fn find_user(&mut self, id: UserId) -> Result<Option<UserRow>> {
        const SQL: &str = users!("where u.id = $1");
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(id).fetch_optional(conn).await)?)
    }

    /// One account, which nobody else can change until this unit of work ends.
    pub async fn lock_user(&mut self, id: UserId) -> Result<Option<UserRow>> {
        const SQL: Dialect =
            Dialect { sqlite: users!("where u.id = $1"), postgres: users!("where u.id = $1 for no key update") };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(id).fetch_optional(conn).await)?)
    }

    /// The account of that username, whatever its case: for signing in.
    pub async fn find_user_by_name(&mut self, username: &str) -> Result<Option<UserRow>> {
        const SQL: &str = users!("where u.handle = $1");
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(handle(username)).fetch_optional(conn).await)?)
    }

    /// The account with that email address: for signing in.
    pub async fn find_user_by_email(&mut self, email: AddressId) -> Result<Option<UserRow>> {
        const SQL: &str = users!("where u.email_id = $1");
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(email).fetch_optional(conn).await)?)
    }

    /// The person of that username in a workspace.
    pub async fn find_colleague(&mut self, workspace: WorkspaceId, username: &str) -> Result<Option<UserRow>> {
        const SQL: &str = users!("join memberships p on p.workspace_id = $1 and p.user_id = u.id where u.handle = $2");
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(handle(username)).fetch_optional(conn).await)?)
    }

    /// People of a workspace by their ids, in the order of these.
    pub async fn load_colleagues(&mut self, workspace: WorkspaceId, ids: &[UserId]) -> Result<Vec<UserRow>> {
        const SQL: Dialect = Dialect {
            sqlite: users!(
                "join memberships p on p.workspace_id = $1 and p.user_id = u.id
                 where u.id in (select value from jsonb_each($2)) order by u.id"
            ),
            postgres: users!(
                "join memberships p on p.workspace_id = $1 and p.user_id = u.id
                 where u.id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb))) order by u.id"
            ),
        };
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// The names of those accounts, each asked for once, also of people who have left the workspace: what they wrote
    /// stays theirs. Where nobody is meant, the database is not asked.
    pub async fn load_usernames(&mut self, ids: impl IntoIterator<Item = UserId>) -> Result<HashMap<UserId, String>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, username from users where id in (select value from jsonb_each($1))",
            postgres: "select id, username from users
                where id = any(array(select value::bigint from jsonb_array_elements_text($1::jsonb)))",
        };
        let ids: BTreeSet<UserId> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        let rows: Vec<(UserId, String)> = on!(self, |conn| sqlx::query_as(sql).bind(ids).fetch_all(conn).await)?;
        Ok(rows.into_iter().collect())
    }

    /// Gives somebody a seat in a workspace, or another role in it.
    pub async fn put_membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        role: Role,
        now: Timestamp,
    ) -> Result<()> {
        const SQL: &str = "insert into memberships (workspace_id, user_id, role, created_at) values ($1, $2, $3, $4)
            on conflict (workspace_id, user_id) do update set role = excluded.role";
        self.has_rights = true;
        on!(self, |conn| {
            sqlx::query(SQL).bind(workspace).bind(user).bind(role).bind(now).execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// What a workspace is called.
    pub async fn find_workspace_name(&mut self, workspace: WorkspaceId) -> Result<Option<String>> {
        const SQL: &str = "select name from workspaces where id = $1";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).fetch_optional(conn).await)?)
    }

    /// Somebody's seat in a workspace.
    pub async fn find_membership(&mut self, workspace: WorkspaceId, user: UserId) -> Result<Option<MembershipRow>> {
        const SQL: &str = "select workspace_id, user_id, role, created_at from memberships
            where workspace_id = $1 and user_id = $2";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(user).fetch_optional(conn).await)?)
    }

    /// Somebody's seat, which nobody else changes before this unit of work ends.
    pub async fn lock_membership(&mut self, workspace: WorkspaceId, user: UserId) -> Result<Option<MembershipRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select workspace_id, user_id, role, created_at from memberships
                where workspace_id = $1 and user_id = $2",
            postgres: "select workspace_id, user_id, role, created_at from memberships
                where workspace_id = $1 and user_id = $2 for no key update",
        };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(user).fetch_optional(conn).await)?)
    }

    /// Every seat that somebody has, with what the workspace is called, the oldest first.
    pub async fn list_memberships(&mut self, user: UserId) -> Result<Vec<WorkspaceSeatRow>> {
        const SQL: &str =
            "select p.workspace_id, (select w.name from workspaces w where w.id = p.workspace_id) as name,
                p.role, p.created_at
            from memberships p where p.user_id = $1 order by p.created_at, p.workspace_id";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(user).fetch_all(conn).await)?)
    }
}
