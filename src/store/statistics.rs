//! What PostgreSQL plans by, kept current while tables are young: autovacuum comes once a minute, and a table that was
//! empty when a statement was planned may hold half a million rows by then.

use sqlx::AssertSqlSafe;

use super::{Result, Store, on};

impl Store {
    /// Has the tables analysed that grew to four times of what they were planned for. Nothing to do on SQLite, whose
    /// statements name their indexes.
    ///
    /// # Errors
    ///
    /// When the database fails; the statistics are then as they were.
    pub async fn refresh_statistics(&self) -> Result<()> {
        const GROWN: &str =
            "select quote_ident(t.relname) from pg_stat_user_tables t join pg_class c on c.oid = t.relid
            where t.schemaname = current_schema() and t.n_live_tup > 4 * greatest(c.reltuples, 50)";
        if !self.is_shared() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let grown: Vec<String> = on!(tx, |conn| sqlx::query_scalar(GROWN).fetch_all(conn).await)?;
        if grown.is_empty() {
            return Ok(());
        }
        let analyze = format!("analyze (skip_locked) {}", grown.join(", "));
        on!(tx, |conn| sqlx::query(AssertSqlSafe(analyze.as_str())).persistent(false).execute(conn).await.map(drop))?;
        tx.commit().await
    }
}
