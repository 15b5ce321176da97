//! The schema, embedded: both databases have the same files.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::Pools;

struct File {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

const FILES: &[File] = &[
    File {
        version: 1,
        name: "init",
        sqlite: include_str!("../../migrations/sqlite/0001_init.sql"),
        postgres: include_str!("../../migrations/postgres/0001_init.sql"),
    },
    File {
        version: 2,
        name: "people",
        sqlite: include_str!("../../migrations/sqlite/0002_people.sql"),
        postgres: include_str!("../../migrations/postgres/0002_people.sql"),
    },
    File {
        version: 3,
        name: "retention",
        sqlite: include_str!("../../migrations/sqlite/0003_retention.sql"),
        postgres: include_str!("../../migrations/postgres/0003_retention.sql"),
    },
    File {
        version: 4,
        name: "statistics",
        sqlite: include_str!("../../migrations/sqlite/0004_statistics.sql"),
        postgres: include_str!("../../migrations/postgres/0004_statistics.sql"),
    },
    File {
        version: 5,
        name: "consent",
        sqlite: include_str!("../../migrations/sqlite/0005_consent.sql"),
        postgres: include_str!("../../migrations/postgres/0005_consent.sql"),
    },
    File {
        version: 8,
        name: "inbound_media",
        sqlite: include_str!("../../migrations/sqlite/0008_inbound_media.sql"),
        postgres: include_str!("../../migrations/postgres/0008_inbound_media.sql"),
    },
];

fn migrator(sql: impl Fn(&File) -> &'static str) -> Migrator {
    let migration = |file: &File| {
        let sql = sql(file).into_sql_str();
        Migration::new(file.version, Cow::Borrowed(file.name), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(FILES.iter().map(migration).collect())
}

/// Brings the schema up to date; a newer schema than this program knows is refused.
pub(super) async fn run(pools: &Pools) -> Result<(), sqlx::migrate::MigrateError> {
    match pools {
        Pools::Sqlite { write, .. } => migrator(|file| file.sqlite).run(write).await,
        Pools::Postgres(pool) => migrator(|file| file.postgres).run(pool).await,
    }
}
