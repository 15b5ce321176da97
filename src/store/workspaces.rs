//! Workspaces, what they decide, and who is in them.

use sqlx::types::Json;

use super::{Dialect, Page, PageRequest, Position, Result, Tx, on};
use crate::domain::{
    Address, AddressId, GroupHistory, QuietHours, QuietHoursChange, Role, Strangers, Timestamp, UserId, WorkspaceId,
};

/// A workspace as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct WorkspaceRow {
    /// Its id.
    pub id: WorkspaceId,
    /// What people call it.
    pub name: String,
    /// Whether people who are no friends may write to each other.
    pub strangers: Strangers,
    /// What somebody who joins a group sees of what was said before.
    pub group_history: GroupHistory,
    /// What is answered to somebody who asks for help by a text.
    pub help_text: Option<String>,
    /// When texts wait for the morning.
    pub quiet_hours: Option<Json<QuietHours>>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What of a workspace is to be changed; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct SettingsChange {
    /// What people call it.
    pub name: Option<String>,
    /// Whether people who are no friends may write to each other.
    pub strangers: Option<Strangers>,
    /// What somebody who joins a group sees of what was said before.
    pub group_history: Option<GroupHistory>,
    /// What is answered to somebody who asks for help by a text; empty: nothing.
    pub help_text: Option<String>,
    /// When texts wait for the morning.
    pub quiet_hours: Option<QuietHoursChange>,
}

/// Somebody of a workspace, as its admins see them.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ColleagueRow {
    /// Who.
    pub user_id: UserId,
    /// As they write it.
    pub username: String,
    /// First name; may be empty.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// As what they are here.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

impl Tx {
    /// Makes a workspace with the settings that one begins with.
    pub async fn insert_workspace(&mut self, name: &str, now: Timestamp) -> Result<WorkspaceRow> {
        const SQL: &str = "insert into workspaces (name, strangers, group_history, created_at)
            values ($1, 'write', 'joined', $2) returning id, name, strangers, group_history, help_text, quiet_hours, created_at";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(name).bind(now).fetch_one(conn).await)?)
    }

    /// One workspace.
    pub async fn find_workspace(&mut self, id: WorkspaceId) -> Result<Option<WorkspaceRow>> {
        const SQL: &str = "select id, name, strangers, group_history, help_text, quiet_hours, created_at from workspaces where id = $1";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(id).fetch_optional(conn).await)?)
    }

    /// Lets nobody else count what a workspace may have so many of before this unit of work ends.
    pub async fn lock_workspace(&mut self, id: WorkspaceId) -> Result<()> {
        const SQL: &str = "select id from workspaces where id = $1 for no key update";
        if self.is_postgres() {
            on!(self, |conn| sqlx::query(SQL).bind(id).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// Every workspace but the server's own, the oldest first: for its owner.
    pub async fn list_workspaces(&mut self, page: PageRequest) -> Result<Page<WorkspaceRow>> {
        const SQL: &str =
            "select id, name, strangers, group_history, help_text, quiet_hours, created_at from workspaces
            where id > $1 order by id limit $2";
        let after = page.lower_bound().id.max(WorkspaceId::ACCOUNTS.0);
        let rows: Vec<WorkspaceRow> =
            on!(self, |conn| sqlx::query_as(SQL).bind(after).bind(page.limit + 1).fetch_all(conn).await)?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.created_at, id: row.id.0 }))
    }

    /// Changes what a workspace decides. Gives what it is now.
    pub async fn update_workspace(&mut self, id: WorkspaceId, change: &SettingsChange) -> Result<Option<WorkspaceRow>> {
        const SQL: &str = "update workspaces set name = coalesce($2, name), strangers = coalesce($3, strangers),
                group_history = coalesce($4, group_history), help_text = nullif(coalesce($5, help_text), ''),
                quiet_hours = case when $6 then $7 else quiet_hours end
            where id = $1 returning id, name, strangers, group_history, help_text, quiet_hours, created_at";
        Ok(on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(id).bind(&change.name).bind(change.strangers);
            let query = query.bind(change.group_history).bind(&change.help_text);
            let query = query
                .bind(change.quiet_hours.is_some())
                .bind(change.quiet_hours.as_ref().and_then(QuietHoursChange::hours).map(Json));
            query.fetch_optional(conn).await
        })?)
    }

    /// The people of a workspace, by their ids.
    pub async fn list_seats(&mut self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<ColleagueRow>> {
        const SQL: &str = "select p.user_id, u.username, u.first_name, u.last_name, p.role, p.created_at
            from memberships p join users u on u.id = p.user_id
            where p.workspace_id = $1 and p.user_id > $2 and u.id > $2 order by p.user_id limit $3";
        let after = page.lower_bound().id;
        let rows: Vec<ColleagueRow> = on!(self, |conn| {
            sqlx::query_as(SQL).bind(workspace).bind(after).bind(page.limit + 1).fetch_all(conn).await
        })?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.created_at, id: row.user_id.0 }))
    }

    /// The admins of a workspace who can sign in, their mobile being verified, whom nobody else can change until this unit of work ends.
    pub async fn lock_admins(&mut self, workspace: WorkspaceId) -> Result<Vec<UserId>> {
        const SQL: Dialect = Dialect {
            sqlite: "select p.user_id from memberships p join users u on u.id = p.user_id
                where p.workspace_id = $1 and p.role = 'admin' and u.mobile_verified_at is not null
                order by p.user_id",
            postgres: "select p.user_id from memberships p join users u on u.id = p.user_id
                where p.workspace_id = $1 and p.role = 'admin' and u.mobile_verified_at is not null
                order by p.user_id for update of p",
        };
        let sql = SQL.pick(self);
        Ok(on!(self, |conn| sqlx::query_scalar(sql).bind(workspace).fetch_all(conn).await)?)
    }

    /// Where the admins of a workspace who can sign in get their mail.
    pub async fn list_admin_mailboxes(&mut self, workspace: WorkspaceId) -> Result<Vec<Address>> {
        const SQL: &str = "select u.email_id from memberships p join users u on u.id = p.user_id
            where p.workspace_id = $1 and p.role = 'admin' and u.mobile_verified_at is not null order by p.user_id";
        let ids: Vec<AddressId> = on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).fetch_all(conn).await)?;
        let mut found = self.load_addresses(WorkspaceId::ACCOUNTS, &ids).await?;
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// Takes somebody's seat; false when they had none.
    pub async fn delete_membership(&mut self, workspace: WorkspaceId, user: UserId) -> Result<bool> {
        const SQL: &str = "delete from memberships where workspace_id = $1 and user_id = $2";
        self.has_rights = true;
        let gone = on!(self, |conn| {
            sqlx::query(SQL).bind(workspace).bind(user).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(gone == 1)
    }
}
