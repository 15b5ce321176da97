//! Two databases, one schema.

use std::collections::BTreeSet;
use std::fs;

use crate::database::{Database, admin_url};
use crate::harness::Setup;

/// Each column of a SQLite database with what it may hold; the full-text index aside.
const SQLITE: &str = "select t.name || '.' || c.name || ' ' || c.type || case when c.\"notnull\" = 1 or c.pk > 0 then ' not null' else '' end
    from sqlite_schema t join pragma_table_info(t.name) c
    where t.type = 'table' and t.name not like 'sqlite_%' and t.name not like '_sqlx%' and t.name not like 'message_search%'";

/// Each column of a PostgreSQL database, by the names that SQLite has for types.
const POSTGRES: &str = "select table_name || '.' || column_name || ' '
        || case data_type when 'bigint' then 'INTEGER' when 'timestamp with time zone' then 'INTEGER'
            when 'boolean' then 'INTEGER' when 'bytea' then 'BLOB' when 'jsonb' then 'TEXT' when 'text' then 'TEXT'
            else data_type end
        || case is_nullable when 'NO' then ' not null' else '' end
    from information_schema.columns
    where table_schema = 'public' and table_name not like '\\_sqlx%' and table_name <> 'message_search'";

const FOLDERS: [&str; 2] = ["migrations/sqlite", "migrations/postgres"];

fn files(folder: &str) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn both_databases_have_the_same_migrations() {
    let [sqlite, postgres] = FOLDERS.map(files);
    assert_eq!(sqlite, postgres);
    assert!(!sqlite.is_empty());
    let migrate = fs::read_to_string("src/store/migrate.rs").unwrap();
    for (folder, names) in FOLDERS.into_iter().zip([sqlite, postgres]) {
        for name in names {
            assert!(migrate.contains(&format!("../../{folder}/{name}")), "{folder}/{name} is not embedded");
        }
    }
}

#[test]
fn every_unique_constraint_is_named_by_its_table_and_columns() {
    for folder in FOLDERS {
        let mut found = 0;
        for file in files(folder) {
            let sql = fs::read_to_string(format!("{folder}/{file}")).unwrap();
            let mut table = "";
            for line in sql.lines().map(str::trim) {
                if let Some(rest) = line.strip_prefix("create table ") {
                    table = rest.split_whitespace().next().unwrap();
                }
                assert!(!line.starts_with("create unique index"), "{folder}/{file}: {line}");
                if let Some((before, after)) = line.split_once("unique (") {
                    let columns = after.split(')').next().unwrap().replace(", ", "_");
                    assert_eq!(before, format!("constraint {table}_{columns}_key "), "{folder}/{file}");
                    found += 1;
                } else {
                    assert!(line.starts_with("--") || !line.contains(" unique"), "{folder}/{file}: {line}");
                }
            }
        }
        assert!(found > 3, "{folder}: {found}");
    }
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    if admin_url().is_none() {
        println!("looked at when the tests run on PostgreSQL");
        return;
    }
    let postgres = Database::create().await;
    let sqlite = Database::in_a_file();
    let app = Setup { database: Some(sqlite), ..Setup::default() }.start().await;
    let sort = |rows: Vec<String>| rows.into_iter().collect::<BTreeSet<_>>();
    let (one, other) = (sort(app.database().texts(SQLITE).await), sort(postgres.texts(POSTGRES).await));
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    assert!(one == other, "only in SQLite: {:#?}\nonly in PostgreSQL: {:#?}", only(&one, &other), only(&other, &one));
    assert!(one.len() > 100, "{}", one.len());
}

#[tokio::test]
async fn a_row_cannot_point_into_another_workspace() {
    let app = crate::harness::TestApp::start().await;
    app.send_sms("hello").await;
    let at = if app.database().is_postgres() { "now()" } else { "1" };
    app.database()
        .execute(&format!(
            "insert into workspaces (name, strangers, group_history, created_at)
        values ('other', 'write', 'joined', {at})"
        ))
        .await;
    let intruder = "insert into participants (workspace_id, conversation_id, address_id) values (2, 1, 1)";
    let outcome = app.database().try_execute(intruder).await;
    assert!(outcome.unwrap_err().to_lowercase().contains("foreign key"));
    app.run_outbox().await;
}
