//! How much of each limit is used, shared by every server process. What a limit is about stands here as a keyed hash.
//!
//! A budget's period begins with its first use. A set of budgets is taken in one statement, whole or not at all.

use std::time::Duration;

use serde::Serialize;

use super::{Dialect, Result, Tx, on, set};
use crate::domain::Timestamp;

/// One limit: so much of something in a period.
#[derive(Debug, Clone)]
pub struct Budget<'a> {
    /// Its name, which metrics show.
    pub name: &'static str,
    /// What it is about; kept as a keyed hash alone.
    pub about: Vec<&'a [u8]>,
    /// How much there is.
    pub most: i64,
    /// For how long.
    pub period: Duration,
    /// How much of it is taken at once.
    pub amount: i64,
}

/// Whether budgets were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// What was wanted of each.
    Yes,
    /// None of any.
    No {
        /// Which budget was used up; of several the one that is renewed last.
        budget: &'static str,
        /// After how long it is renewed.
        after: Duration,
    },
}

/// What one process has counted by itself of something.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Of what: a keyed hash.
    pub key_hash: [u8; 32],
    /// How much was added.
    pub added: i64,
}

#[derive(Serialize)]
struct Use<'a> {
    name: &'a str,
    hash: String,
    period: i64,
    used: i64,
    ends: i64,
}

#[derive(sqlx::FromRow)]
struct Level {
    name: String,
    key_hash: Vec<u8>,
    used: i64,
    ends_at: Timestamp,
}

impl Tx {
    /// Takes from each of these budgets what is wanted, or from none of them when one is used up.
    pub async fn take_budgets(&mut self, budgets: &[Budget<'_>], now: Timestamp) -> Result<Taken> {
        let row = |budget: &Budget<'_>| Use {
            name: budget.name,
            hash: hex::encode(self.vault().fingerprint(&budget.about)),
            period: seconds(budget.period),
            used: budget.amount,
            ends: (now + budget.period).micros(),
        };
        let rows: Vec<Use<'_>> = budgets.iter().map(row).collect();
        if rows.is_empty() {
            return Ok(Taken::Yes);
        }
        let used = self.use_budgets(&rows, now).await?;
        let over = |row: &&Level| budgets.iter().any(|budget| budget.name == row.name && row.used > budget.most);
        let Some(last) = used.iter().filter(over).max_by_key(|row| row.ends_at) else { return Ok(Taken::Yes) };
        self.give_back(&rows).await?;
        let name = budgets.iter().find(|budget| budget.name == last.name).map_or("", |budget| budget.name);
        Ok(Taken::No { budget: name, after: last.ends_at.since(now) })
    }

    /// Adds what this process counted until `ends_at`; gives what all processes together have counted of each.
    pub async fn add_tallies(
        &mut self,
        name: &str,
        tallies: &[Tally],
        (period, ends_at): (Duration, Timestamp),
        now: Timestamp,
    ) -> Result<Vec<([u8; 32], i64)>> {
        let row = |tally: &Tally| Use {
            name,
            hash: hex::encode(tally.key_hash),
            period: seconds(period),
            used: tally.added,
            ends: ends_at.micros(),
        };
        let rows: Vec<Use<'_>> = tallies.iter().map(row).collect();
        let used = self.use_budgets(&rows, now).await?;
        Ok(used.into_iter().filter_map(|row| Some((row.key_hash.try_into().ok()?, row.used))).collect())
    }

    async fn use_budgets(&mut self, rows: &[Use<'_>], now: Timestamp) -> Result<Vec<Level>> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into budgets (name, key_hash, period, used, ends_at)
                select value ->> 'name', unhex(value ->> 'hash'), value ->> 'period', value ->> 'used', value ->> 'ends'
                from jsonb_each($1) where true
                on conflict (name, key_hash, period) do update set
                    used = case when budgets.ends_at <= $2 then 0 else budgets.used end + excluded.used,
                    ends_at = case when budgets.ends_at <= $2 then excluded.ends_at else budgets.ends_at end
                returning name, key_hash, used, ends_at",
            postgres: "insert into budgets (name, key_hash, period, used, ends_at)
                select name, decode(hash, 'hex'), period, used,
                    timestamptz 'epoch' + ends * interval '1 microsecond'
                from jsonb_to_recordset($1::jsonb) as x (name text, hash text, period bigint, used bigint, ends bigint)
                order by name, hash, period
                on conflict (name, key_hash, period) do update set
                    used = case when budgets.ends_at <= $2 then 0 else budgets.used end + excluded.used,
                    ends_at = case when budgets.ends_at <= $2 then excluded.ends_at else budgets.ends_at end
                returning name, key_hash, used, ends_at",
        };
        let sql = SQL.pick(self);
        let rows = set(&rows)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(rows).bind(now).fetch_all(conn).await)?)
    }

    /// The rows are this unit of work's until it ends: nobody else has counted on them.
    async fn give_back(&mut self, rows: &[Use<'_>]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update budgets set used = used - (x.value ->> 'used')
                from (select value from jsonb_each($1) limit -1) x
                where name = x.value ->> 'name' and key_hash = unhex(x.value ->> 'hash')
                  and period = x.value ->> 'period'",
            postgres: "update budgets b set used = b.used - x.used
                from jsonb_to_recordset($1::jsonb) as x (name text, hash text, period bigint, used bigint)
                where b.name = x.name and b.key_hash = decode(x.hash, 'hex') and b.period = x.period",
        };
        let sql = SQL.pick(self);
        let rows = set(&rows)?;
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }
}

fn seconds(period: Duration) -> i64 {
    i64::try_from(period.as_secs()).unwrap_or(i64::MAX)
}
