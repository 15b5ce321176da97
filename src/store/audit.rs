//! The audit log: who did what to accounts, keys, members and settings. It holds ids and never an address.

use sqlx::types::Json;

use super::{Result, Tx, on};
use crate::domain::{Timestamp, WorkspaceId};

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
}
