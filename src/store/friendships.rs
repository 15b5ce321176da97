//! Who asks whom to be friends, who is, and who wants nothing of whom.

use super::{Dialect, Page, PageRequest, Position, Result, Tx, on, set};
use crate::domain::{Relation, Timestamp, UserId, WorkspaceId};

/// How one person stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct FriendshipRow {
    /// Who.
    pub user_id: UserId,
    /// To whom.
    pub other_id: UserId,
    /// How.
    pub state: Relation,
    /// Since when.
    pub created_at: Timestamp,
}

impl Tx {
    /// Lets nobody else change how two people stand to each other before this unit of work ends.
    pub async fn lock_pair(&mut self, workspace: WorkspaceId, [one, other]: [UserId; 2]) -> Result<()> {
        const SQL: &str = "select pg_advisory_xact_lock(7302, hashtext($1))";
        if self.is_postgres() {
            let key = format!("{workspace}:{}:{}", one.min(other), one.max(other));
            on!(self, |conn| sqlx::query(SQL).bind(key).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// How somebody stands to others, and these to them.
    pub async fn find_relations(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        others: &[UserId],
    ) -> Result<Vec<FriendshipRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select user_id, other_id, state, created_at from friendships
                where workspace_id = $1 and user_id = $2 and other_id in (select value from jsonb_each($3))
                union all select user_id, other_id, state, created_at from friendships
                where workspace_id = $1 and other_id = $2 and user_id in (select value from jsonb_each($3))",
            postgres: "select user_id, other_id, state, created_at from friendships where workspace_id = $1
                  and user_id = $2
                  and other_id = any(array(select value::bigint from jsonb_array_elements_text($3::jsonb)))
                union all select user_id, other_id, state, created_at from friendships where workspace_id = $1
                  and other_id = $2
                  and user_id = any(array(select value::bigint from jsonb_array_elements_text($3::jsonb)))",
        };
        let sql = SQL.pick(self);
        let others = set(&others)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(user).bind(others).fetch_all(conn).await)?)
    }

    /// Writes how somebody stands to another from now on.
    pub async fn put_relation(
        &mut self,
        workspace: WorkspaceId,
        [user, other]: [UserId; 2],
        state: Relation,
        now: Timestamp,
    ) -> Result<()> {
        const SQL: &str = "insert into friendships (workspace_id, user_id, other_id, state, created_at)
            values ($1, $2, $3, $4, $5)
            on conflict (workspace_id, user_id, other_id) do update set state = excluded.state,
                created_at = excluded.created_at
            where friendships.state <> excluded.state";
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(user).bind(other).bind(state).bind(now);
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Forgets how somebody stands to another, when it is so; false when it is not.
    pub async fn delete_relation(
        &mut self,
        workspace: WorkspaceId,
        [user, other]: [UserId; 2],
        state: Relation,
    ) -> Result<bool> {
        const SQL: &str =
            "delete from friendships where workspace_id = $1 and user_id = $2 and other_id = $3 and state = $4";
        let deleted = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(user).bind(other).bind(state);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(deleted == 1)
    }

    /// To whom somebody stands so, the newest first.
    pub async fn list_relations(
        &mut self,
        workspace: WorkspaceId,
        (user, state): (UserId, Relation),
        page: PageRequest,
    ) -> Result<Page<FriendshipRow>> {
        const SQL: &str = "select user_id, other_id, state, created_at from friendships
            where workspace_id = $1 and user_id = $2 and state = $3 and (created_at, other_id) < ($4, $5)
            order by created_at desc, other_id desc limit $6";
        let before = page.upper_bound();
        let limit = page.limit + 1;
        let rows: Vec<FriendshipRow> = on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(workspace).bind(user).bind(state).bind(before.at).bind(before.id);
            query.bind(limit).fetch_all(conn).await
        })?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.created_at, id: row.other_id.0 }))
    }

    /// Who asks somebody to be friends, and whom they ask, the newest first.
    pub async fn list_friend_requests(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        page: PageRequest,
    ) -> Result<Page<FriendshipRow>> {
        const SQL: &str = "select user_id, other_id, state, created_at from (
                select user_id, other_id, state, created_at, other_id as who from friendships
                where workspace_id = $1 and user_id = $2 and state = 'asked'
                union all select user_id, other_id, state, created_at, user_id as who from friendships
                where workspace_id = $1 and other_id = $2 and state = 'asked') x
            where (created_at, who) < ($3, $4) order by created_at desc, who desc limit $5";
        let before = page.upper_bound();
        let limit = page.limit + 1;
        let rows: Vec<FriendshipRow> = on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(workspace).bind(user).bind(before.at).bind(before.id);
            query.bind(limit).fetch_all(conn).await
        })?;
        let who = |row: &FriendshipRow| if row.user_id == user { row.other_id } else { row.user_id };
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.created_at, id: who(row).0 }))
    }
}
