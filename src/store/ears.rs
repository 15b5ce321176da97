//! What server processes on one database call out to each other: PostgreSQL's `NOTIFY`, outside of every unit of work.
//!
//! `NOTIFY` makes commits wait for each other, so none of those that hold messages does it. What is called out is only
//! that something is new, or what nobody keeps; whoever misses it finds the log, or hears it again.

use sqlx::postgres::{PgListener, PgPoolOptions};

use super::{Pools, Result, Store};

const CHANNEL: &str = "switchboard_live";

/// Hears what the other processes call out.
#[derive(Debug)]
pub struct Ears(PgListener);

impl Store {
    /// Listens, on a connection of its own that no work waits for; nothing where there can be no other process.
    pub async fn listen(&self) -> Result<Option<Ears>> {
        let Pools::Postgres(pool) = &self.shared.pools else { return Ok(None) };
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with((*pool.connect_options()).clone())
            .await?;
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(Ears(listener)))
    }

    /// Calls out to the other processes; where there can be none, to nobody.
    pub async fn call_out(&self, calls: &[String]) -> Result<()> {
        const SQL: &str = "select pg_notify($1, value) from jsonb_array_elements_text($2::jsonb)";
        let Pools::Postgres(pool) = &self.shared.pools else { return Ok(()) };
        sqlx::query(SQL).bind(CHANNEL).bind(super::set(&calls)?).execute(pool).await?;
        Ok(())
    }
}

impl Ears {
    /// The next call; nothing when the connection was lost and is there again, so that calls may have been missed.
    pub async fn hear(&mut self) -> Result<Option<String>> {
        Ok(self.0.try_recv().await?.map(|call| call.payload().to_owned()))
    }
}
