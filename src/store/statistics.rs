//! What PostgreSQL plans by, kept current while tables are young: autovacuum comes once a minute, and a table that was
//! empty when a statement was planned may hold half a million rows by then.

use sqlx::AssertSqlSafe;

use super::{Result, Store, on};

impl Store {
    /// Has the tables analysed that grew to four times of what they were planned for, as far as they are the server's.
    /// Nothing to do on SQLite, whose statements name their indexes.
    ///
    /// # Errors
    ///
    /// When the database fails; the statistics of the other tables are then as they were.
    pub async fn refresh_statistics(&self) -> Result<()> {
        const GROWN: &str = "select c.oid::regclass::text from pg_stat_user_tables t join pg_class c on c.oid = t.relid
            where t.schemaname = current_schema() and t.n_live_tup > 4 * greatest(c.reltuples, 50)
              and pg_has_role(c.relowner, 'usage')";
        if !self.is_shared() {
            return Ok(());
        }
        let mut tx = self.read().await?;
        let grown: Vec<String> = on!(tx, |conn| sqlx::query_scalar(GROWN).fetch_all(conn).await)?;
        drop(tx);
        for table in grown {
            let mut tx = self.begin().await?;
            let analyze = format!("analyze (skip_locked) {table}");
            on!(tx, |conn| sqlx::query(AssertSqlSafe(analyze.as_str()))
                .persistent(false)
                .execute(conn)
                .await
                .map(drop))?;
            tx.commit().await?;
        }
        Ok(())
    }
}
