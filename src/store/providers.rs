//! What is kept of providers: which of them an admin holds back.

use super::{Result, Tx, on};
use crate::domain::Timestamp;

/// A provider that is held back.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PauseRow {
    /// Its name in the configuration.
    pub provider: String,
    /// Whose doing it was, as [`crate::domain::Who`] is written.
    pub paused_by: String,
    /// Since when.
    pub paused_at: Timestamp,
}

impl Tx {
    /// Every provider that is held back.
    pub async fn list_pauses(&mut self) -> Result<Vec<PauseRow>> {
        const SQL: &str = "select provider, paused_by, paused_at from provider_pauses";
        Ok(on!(self, |conn| sqlx::query_as(SQL).fetch_all(conn).await)?)
    }

    /// Holds a provider back; false when it was held back already.
    pub async fn pause_provider(&mut self, provider: &str, actor: &str, now: Timestamp) -> Result<bool> {
        const SQL: &str = "insert into provider_pauses (provider, paused_by, paused_at) values ($1, $2, $3)
            on conflict (provider) do nothing";
        let changed = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(provider).bind(actor).bind(now);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        if changed == 1 {
            self.work.insert(provider.to_owned());
        }
        Ok(changed == 1)
    }

    /// Lets a provider go on; false when nobody held it back.
    pub async fn resume_provider(&mut self, provider: &str) -> Result<bool> {
        const SQL: &str = "delete from provider_pauses where provider = $1";
        let changed =
            on!(self, |conn| sqlx::query(SQL).bind(provider).execute(conn).await.map(|done| done.rows_affected()))?;
        if changed == 1 {
            self.work.insert(provider.to_owned());
        }
        Ok(changed == 1)
    }
}
