//! The audit log: who did what to accounts, keys, members and settings. It holds ids and never an address.

use sqlx::types::Json;

use super::{Page, PageRequest, Position, Result, Tx, on};
use crate::domain::{AuditId, Timestamp, WorkspaceId};

/// An entry of the audit log.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AuditRow {
    /// Its id.
    pub id: AuditId,
    /// Whose doing it was, as [`crate::domain::Who`] is written.
    pub actor: String,
    /// What was done, such as `key.created`.
    pub action: String,
    /// To what, such as `key:7`.
    pub target: String,
    /// What else there is to know.
    pub data: Json<serde_json::Value>,
    /// When.
    pub at: Timestamp,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter<'a> {
    /// Only those of this actor.
    pub actor: Option<&'a str>,
    /// Only those of this action.
    pub action: Option<&'a str>,
}

impl Tx {
    /// Notes an act, in the unit of work that does it.
    #[expect(clippy::too_many_arguments, reason = "each is a column of one row, and every act names them all")]
    pub async fn audit(
        &mut self,
        workspace: WorkspaceId,
        actor: &str,
        action: &str,
        target: &str,
        data: serde_json::Value,
        now: Timestamp,
    ) -> Result<()> {
        const SQL: &str = "insert into audit_log (workspace_id, actor, action, target, data, at)
            values ($1, $2, $3, $4, $5, $6)";
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(actor).bind(action).bind(target);
            query.bind(Json(&data)).bind(now).execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// The acts in a workspace, newest first; in the default one, which owns the server, also those on accounts.
    pub async fn list_audit(
        &mut self,
        workspace: WorkspaceId,
        filter: AuditFilter<'_>,
        page: PageRequest,
    ) -> Result<Page<AuditRow>> {
        const SQL: &str = "select id, actor, action, target, data, at from (
                select * from (select id, actor, action, target, data, at from audit_log
                    where workspace_id = $1 and id < $2
                      and (cast($3 as text) is null or actor = $3) and (cast($4 as text) is null or action = $4)
                    order by id desc limit $5) own
                union all
                select * from (select id, actor, action, target, data, at from audit_log
                    where workspace_id = $6 and id < $2
                      and (cast($3 as text) is null or actor = $3) and (cast($4 as text) is null or action = $4)
                    order by id desc limit $5) accounts
            ) x order by id desc limit $5";
        let before = page.upper_bound().id;
        let accounts = (workspace == WorkspaceId::DEFAULT).then_some(WorkspaceId::ACCOUNTS);
        let rows: Vec<AuditRow> = on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(workspace).bind(before).bind(filter.actor).bind(filter.action);
            query.bind(page.limit + 1).bind(accounts).fetch_all(conn).await
        })?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.at, id: row.id.0 }))
    }
}
