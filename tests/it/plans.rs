//! Every statement that the server runs finds its rows by an index.
//!
//! The statements are those that the database logs while everything the server can be asked is asked once.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection};

use crate::database::{Database, postgres, sqlite};
use crate::harness::{Setup, TestApp, sms};
use crate::receiving::inbound;
use crate::{live, logs, routing, traffic};

/// Statements that read a whole table, and why they may. Each is named by a part of its text.
const MAY_SCAN: &[(&str, &str)] = &[
    ("from master_keys", "one row, or two while rotating; read at start"),
    ("from epochs", "one row for each restore; read at start"),
    ("from workspaces", "one row; read at start"),
    ("insert into master_keys", "once for each key: SQLite looks for rows that waited for their parent"),
    ("insert into workspaces", "once: SQLite looks for rows that waited for their parent"),
    ("from api_keys where workspace_id", "a few rows; read when somebody lists them"),
    ("delete from sessions where seen_at", "cleaning, once a minute, beside the server's other work"),
    ("update users set mobile_verified_at", "by the index of those who wait for it, a day at most"),
    ("from sqlite_sequence", "a row for each table"),
    ("from events_id_seq", "a sequence is one row"),
    ("from provider_pauses", "a row for each provider that is held back; read once a second"),
    ("select min(x.at)", "the tests' own"),
    ("select cast(e.id as text) from events e", "the tests' own"),
];

/// Statements that walk a whole workspace on SQLite, and why they may. Each is named by a part of its text.
const MAY_WALK: &[(&str, &str)] = &[
    ("select count(*) from labels", "two hundred at most; read when one is made"),
    ("(select max(e.id) from events e", "the newest of a workspace, which is the last of the index"),
    ("from webhook_endpoints where workspace_id", "fifty at most; read when somebody lists them or makes one"),
    ("from quarantine where id > 0 order by id limit", "the oldest few, in the order of their ids"),
    ("where id > $1 and id <= $3 order by id limit $2", "events, read by what follows the whole log, a page at a time"),
    ("from saved_replies", "a few rows; read when somebody lists them"),
    ("p.role = 'admin'", "the people of one workspace, when its administrators are told of something"),
    ("select x.id, x.conversation_id from (select m.id", "the first hundred of the server's own, in the index's order"),
    ("delete from addresses", "of the server's own workspace, which holds thirty days; a few at a time"),
    ("insert into addresses", "SQLite would look for rows that wait for their parent: no key is deferred, so none do"),
    (
        "insert into conversations",
        "SQLite would look for rows that wait for their parent: no key is deferred, so none do",
    ),
    ("insert into messages", "SQLite would look for rows that wait for their parent: no key is deferred, so none do"),
];

/// Rows enough that reading them all is worse than asking for a hundred of them: copies of one of the first workspace.
/// What they refer to need not be there.
const MANY: &[(&str, &str)] = &[
    ("workspaces", "'id', 1000000 + n"),
    ("addresses", "'id', 1000000 + n, 'blind_index', '\\x' || md5(n::text)"),
    ("messages", "'id', 1000000 + n"),
    ("conversations", "'id', 1000000 + n, 'participants_key', 'x' || n"),
    ("users", "'id', 1000000 + n, 'handle', 'h' || n, 'email_id', 1000000 + n, 'mobile_id', 1000000 + n"),
    ("memberships", "'user_id', 1000000 + n"),
    ("members", "'conversation_id', 1000000 + n"),
    ("receipts", "'message_id', 1000000 + n"),
    ("reactions", "'message_id', 1000000 + n"),
    ("message_edits", "'message_id', 1000000 + n"),
    ("friendships", "'other_id', 1000000 + n"),
    (
        "outbox",
        "'id', 1000000 + n, 'message_id', 1000000 + n, 'delivery_id', null, 'provider', 'p' || n % 100,
         'phase', 'send', 'route', case n % 2 when 0 then 'p' || n % 100 || ',q' || n % 7 else '' end,
         'conversation_id', 1000000 + n",
    ),
    ("attempts", "'message_id', 1000000 + n"),
    ("webhook_endpoints", "'id', 1000000 + n"),
    ("webhook_deliveries", "'id', 1000000 + n, 'event_id', 1000000 + n"),
    ("webhook_attempts", "'delivery_id', 1000000 + n"),
    ("quarantine", "'id', 1000000 + n, 'match_hash', null"),
    ("contacts", "'id', 1000000 + n"),
    ("contact_words", "'contact_id', 1000000 + n, 'word', 'w' || n"),
    ("contact_addresses", "'address_id', 1000000 + n, 'contact_id', 1000000 + n % 1000"),
    ("conversation_parts", "'part_id', 1000000 + n"),
    ("events", "'id', 1000000 + n"),
    ("inbound_events", "'key_hash', '\\x' || md5(n::text)"),
    ("idempotency_keys", "'key_hash', '\\x' || md5(n::text)"),
    ("files", "'id', 1000000 + n"),
    ("mails", "'message_id', 1000000 + n, 'name', 'x' || n"),
    ("attachments", "'message_id', 1000000 + n, 'position', 0"),
    ("inbound_media", "'id', 1000000 + n, 'message_id', 1000000 + n, 'position', 0"),
    ("budgets", "'period', 1000000 + n"),
    ("sessions", "'id', 1000000 + n, 'token_hash', '\\x' || md5(n::text)"),
];

/// Statements that move nothing of the server's own.
fn is_of_interest(sql: &str) -> bool {
    let own = ["select ", "insert ", "update ", "delete ", "with "].iter().any(|verb| sql.starts_with(verb));
    let foreign =
        ["_sqlx_migrations", "pg_catalog", "sqlite_schema", "pg_database", "advisory_xact_lock(", "server_version"];
    own && !foreign.iter().any(|name| sql.contains(name)) && !MAY_SCAN.iter().any(|(part, _)| sql.contains(part))
}

async fn statements(app: &TestApp) -> Vec<String> {
    traffic::run(app).await;
    routing::traffic().await;
    live::traffic().await;
    let kept = app.post_with("/api/messages/sms", &[("idempotency-key", "kept")], sms("kept").to_string()).await;
    assert_eq!(kept.status, 201, "a key that no cleaning has taken");
    let run: BTreeSet<String> = logs::statements().into_iter().filter(|sql| is_of_interest(sql)).collect();
    let run: Vec<String> = run.into_iter().collect();
    let lists = ["m.conversation_id = $6", "p.address_id = $6", "c.activity_at, c.id", "b.sealed", "m.status = 'dead'"];
    let old = ["events", "quarantine", "inbound_events", "idempotency_keys", "sender_usage"];
    let old = old.map(|table| format!("delete from {table} where"));
    let others = [
        "update outbox set phase = 'sending'",
        "message_search",
        "m.direction = 'outbound'",
        "members y cross join conversations",
        "m.recipient_id = $2",
        "update receipts set read_at",
        "update receipts set delivered_at",
        "min(o.route)",
        "min(o.provider)",
        "not doubt_under_key",
        "from outbox e",
        "and (due_at, id) > (",
        "and o.lane in (0, 1, 2)",
        "from contact_words",
        "group by p.conversation_id having",
        "and joined_to = $2",
        "and id <= $3 order by id limit $4) x",
        "select min(id) from events",
        "select max(id) from events",
        "from members where workspace_id = $1 and left_at is null",
        "select user_id, other_id from friendships where workspace_id = $1 and state = 'blocked'",
        "union select f.other_id, f.user_id from",
    ];
    for wanted in others.into_iter().chain(lists).chain(old.iter().map(String::as_str)) {
        assert!(run.iter().any(|sql| sql.contains(wanted)), "the traffic runs no statement with {wanted}");
    }
    assert!(run.len() > 60, "{}", run.len());
    run
}

/// The lines of a SQLite plan that read a whole table or index, all that a workspace has in one, or all after a row.
async fn scans_of_sqlite(database: &Database, sql: &str) -> Vec<String> {
    let mut conn = sqlite(&database.url).await;
    let explain = AssertSqlSafe(format!("explain query plan {sql}"));
    let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut conn).await.unwrap();
    let lines: Vec<String> = plan.into_iter().map(|(_, _, _, line)| line).collect();
    println!("{sql}\n    {}", lines.join("\n    "));
    let is_made_here = |name: &str| {
        ["CO-ROUTINE", "MATERIALIZE"].iter().any(|way| lines.iter().any(|line| *line == format!("{way} {name}")))
    };
    let may_walk = MAY_WALK.iter().any(|(part, _)| sql.contains(part));
    let is_walk = |line: &str| !may_walk && line.starts_with("SEARCH ") && is_walk_of(line);
    let is_scan = |line: &&String| {
        let name = line.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
        name.is_some_and(|name| !is_made_here(name) && !name.starts_with('(') && name != "CONSTANT")
            && !line.contains("VIRTUAL TABLE")
            || is_walk(line)
    };
    lines.iter().filter(is_scan).cloned().collect()
}

/// Whether a search goes through all that a workspace has, or through everything after a row.
fn is_walk_of(line: &str) -> bool {
    line.contains("(workspace_id=?)") || line.contains("USING INTEGER PRIMARY KEY (rowid>?")
}

async fn fill(database: &Database) {
    for (table, fields) in MANY {
        let sql = format!(
            "set session_replication_role = replica; insert into {table} select r.* from (select x.* from {table} x
                    order by (to_jsonb(x) ->> 'workspace_id')::bigint = 1 desc nulls last limit 1) one, generate_series(1, 20000) n,
                 lateral jsonb_populate_record(one::{table}, jsonb_build_object({fields})) r"
        );
        database.execute(&sql).await;
        assert!(database.number(&format!("select count(*) from {table}")).await > 20_000, "{table}");
    }
    database.execute("analyze").await;
}

/// The nodes of a PostgreSQL plan that read a whole table or index, when it would rather do anything else.
async fn scans_of_postgres(database: &Database, sql: &str) -> Vec<String> {
    let mut conn = postgres(&database.url).await;
    let settings = "set enable_seqscan = off; set random_page_cost = 1.1; set plan_cache_mode = force_generic_plan;";
    let (types, sql) = with_limit(sql);
    sqlx::raw_sql(AssertSqlSafe(format!("{settings} prepare asked{types} as {sql}"))).execute(&mut conn).await.unwrap();
    let count = "select cardinality(parameter_types)::bigint from pg_prepared_statements where name = 'asked'";
    let count: i64 = sqlx::query_scalar(count).fetch_one(&mut conn).await.unwrap();
    let nulls = vec!["null"; usize::try_from(count).unwrap()].join(", ");
    let bound = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
    let explain = AssertSqlSafe(format!("explain (format json) execute asked{bound}"));
    let plan: sqlx::types::Json<Value> =
        sqlx::query_scalar(explain).persistent(false).fetch_one(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let mut scans = Vec::new();
    println!("{sql}");
    walk(&plan.0[0]["Plan"], 1, &mut scans);
    scans
}

/// The statement with a limit that the planner can see, as it does when it knows the parameter: the types of its
/// parameters up to there, and its text.
fn with_limit(sql: &str) -> (String, String) {
    let Some((before, after)) = sql.split_once("limit $") else { return (String::new(), sql.to_owned()) };
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let number: usize = digits.parse().unwrap();
    let types = ["unknown"].repeat(number - 1).into_iter().chain(["bigint"]).collect::<Vec<_>>().join(", ");
    (format!(" ({types})"), format!("{before}limit 50{}", &after[digits.len()..]))
}

fn walk(node: &Value, depth: usize, scans: &mut Vec<String>) {
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let (table, index) = (node["Relation Name"].as_str(), node["Index Name"].as_str());
    println!("{}{kind} {} {}", "    ".repeat(depth), table.unwrap_or_default(), index.unwrap_or_default());
    let is_blind = matches!(kind, "Index Scan" | "Index Only Scan") && node["Index Cond"].is_null();
    if kind == "Seq Scan" || is_blind {
        scans.push(format!("{kind} on {}", table.unwrap_or_default()));
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, depth + 1, scans);
    }
}

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    logs::keep();
    let app = TestApp::start().await;
    let mut guilty = Vec::new();
    let statements = statements(&app).await;
    if app.database().is_postgres() {
        app.send_sms("one that is still to be carried").await;
        fill(app.database()).await;
    }
    for sql in statements {
        let scans = if app.database().is_postgres() {
            scans_of_postgres(app.database(), &sql).await
        } else {
            scans_of_sqlite(app.database(), &sql).await
        };
        if !scans.is_empty() {
            guilty.push(format!("{sql}\n    -> {}", scans.join(", ")));
        }
    }
    assert!(guilty.is_empty(), "{}", guilty.join("\n"));
    app.leave_work();
}

/// The columns of an index of SQLite, and the figures that the planner is told of it.
const FIGURES: &str = "select i.name || ': ' || (select count(*) from pragma_index_info(i.name)) || ' '
        || coalesce((select s.stat from sqlite_stat1 s where s.tbl = t.name
            and s.idx = case i.origin when 'pk' then t.name else i.name end), '')
    from sqlite_schema t join pragma_index_list(t.name) i where t.type = 'table'
      and (select name from pragma_index_info(i.name) where seqno = 0) = 'workspace_id'
      and t.name not in ('invitations', 'labels', 'saved_replies', 'audit_log', 'sender_usage')";

#[tokio::test]
async fn the_planner_of_sqlite_is_told_of_every_index_that_begins_with_the_workspace() {
    let app = Setup { database: Some(Database::in_a_file()), ..Setup::default() }.start().await;
    let figures = app.database().texts(FIGURES).await;
    assert!(figures.len() > 40, "{figures:#?}");
    for index in figures {
        let (_, rest) = index.split_once(": ").unwrap();
        let (columns, stat) = rest.split_once(' ').unwrap();
        let numbers: Vec<i64> = stat.split(' ').filter_map(|word| word.parse().ok()).collect();
        assert_eq!(numbers.len(), columns.parse::<usize>().unwrap() + 1, "{index}");
        assert!(numbers.is_sorted_by(|more, fewer| more >= fewer), "{index}");
        assert!(numbers[1] * 10 >= numbers[0], "{index}");
    }
}

#[tokio::test]
async fn a_backup_keeps_what_the_planner_is_told() {
    const COUNT: &str = "select count(*) from sqlite_stat1";
    let app = Setup { database: Some(Database::in_a_file()), ..Setup::default() }.start().await;
    let copy = Database::in_a_file();
    app.messaging.store.backup(&copy.file().unwrap()).await.unwrap();
    assert_eq!(copy.number(COUNT).await, app.database().number(COUNT).await);
    assert!(copy.number(COUNT).await > 40);
}

#[tokio::test]
async fn a_filter_of_the_inbox_walks_an_index_that_holds_only_what_it_asks_for() {
    logs::keep();
    let app = Setup { database: Some(Database::in_a_file()), ..Setup::default() }.start().await;
    let mut conn = sqlite(&app.database().url).await;
    for (filter, wanted) in [
        ("state=open", "conversations_state_idx (workspace_id=? AND kind=? AND state=? AND activity_at<?)"),
        ("state=closed", "conversations_state_idx (workspace_id=? AND kind=? AND state=? AND activity_at<?)"),
        ("state=snoozed", "conversations_state_idx (workspace_id=? AND kind=? AND state=? AND activity_at<?)"),
        ("unread=true", "conversations_unread_idx (workspace_id=? AND state=? AND activity_at<?)"),
        ("state=closed&unread=true", "conversations_unread_idx (workspace_id=? AND state=? AND activity_at<?)"),
        ("participant=%2B12016661234", "INTEGER PRIMARY KEY (rowid=?)"),
        ("q=hello", "INTEGER PRIMARY KEY (rowid=?)"),
    ] {
        app.post("/api/webhooks/sms", inbound(filter, "hello")).await;
        let before = logs::statements().len();
        let answer = app.get(&format!("/api/conversations?{filter}")).await;
        assert_eq!(answer.status, 200, "{filter}: {:?}", answer.body);
        let run = logs::statements().split_off(before);
        let list = run.iter().find(|sql| sql.contains("as above")).unwrap();
        let explain = AssertSqlSafe(format!("explain query plan {list}"));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut conn).await.unwrap();
        let walk = plan.iter().find(|row| row.3.starts_with("SEARCH c ")).unwrap();
        assert!(walk.3.ends_with(wanted), "{filter}: {}", walk.3);
    }
}
