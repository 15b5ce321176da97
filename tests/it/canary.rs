//! No address and no secret stands in clear: not in the database, not in a log, not in a metric, not in a path.

use std::fs;
use std::path::Path;

use crate::harness::TestApp;
use crate::logs;
use crate::traffic::{self, EMAILS, PHONES};

/// What must not be found: digits without their plus, and both parts of a mail address.
fn needles() -> Vec<String> {
    let digits = PHONES.iter().map(|phone| phone.trim_start_matches('+').trim_start_matches('1').to_owned());
    let locals = EMAILS.iter().map(|email| email.split('@').next().unwrap().to_owned());
    let domains = ["feathers.example", "plumage.example", "nest.example"].map(str::to_owned);
    digits.chain(locals.filter(|local| local.contains('.'))).chain(domains).collect()
}

/// The part of a secret that nobody can guess.
fn core(secret: &str) -> String {
    ["sb_live_", "sb_sess_", "sb_invite_", "sb_mail_", "whsec_"]
        .iter()
        .fold(secret.to_owned(), |rest, prefix| rest.replace(prefix, ""))
        .to_lowercase()
}

/// Where a needle is found in bytes: as itself, or as the hex that a dump shows.
fn found_in(needles: &[String], haystack: &[u8], place: &str) -> Vec<String> {
    let haystack: String = haystack.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    let find = |needle: &String| {
        let is_found = haystack.contains(needle) || haystack.contains(&hex::encode(needle));
        is_found.then(|| format!("{needle} in {place}"))
    };
    needles.iter().filter_map(find).collect()
}

/// Where a needle stands in clear in the database.
pub async fn found_in_database(app: &TestApp, needles: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(file) = app.database().file() {
        for suffix in ["", "-wal"] {
            let path = format!("{}{suffix}", file.display());
            let bytes = fs::read(Path::new(&path)).unwrap();
            assert!(!bytes.is_empty(), "{path}");
            found.extend(found_in(needles, &bytes, suffix));
        }
        return found;
    }
    let tables = app.database().texts("select tablename::text from pg_tables where schemaname = 'public'").await;
    assert!(tables.len() > 15, "{tables:?}");
    for table in tables {
        for row in app.database().texts(&format!("select t::text from {table} t")).await {
            found.extend(found_in(needles, row.as_bytes(), &table));
        }
    }
    found
}

#[tokio::test]
async fn no_address_and_no_secret_is_found_in_the_database_a_log_or_a_metric() {
    logs::keep();
    let app = TestApp::start().await;
    let secrets = traffic::run(&app).await;
    assert!(secrets.len() >= 3 && secrets.iter().all(|secret| core(secret).len() >= 6), "{secrets:?}");
    let needles: Vec<String> = needles().into_iter().chain(secrets.iter().map(|secret| core(secret))).collect();
    let in_database = found_in_database(&app, &needles).await;
    assert!(in_database.is_empty(), "{in_database:#?}");
    let metrics = app.get("/metrics").await;
    assert!(metrics.text().contains("switchboard_http_requests_total"));
    assert_eq!(found_in(&needles, &metrics.bytes, "/metrics"), Vec::<String>::new());
    let logged = logs::kept();
    assert!(logged.iter().filter(|line| line.contains("request")).count() > 50);
    let guilty = found_in(&needles, logged.join("\n").as_bytes(), "the log");
    let lines = || logged.iter().filter(|line| !found_in(&needles, line.as_bytes(), "").is_empty()).collect::<Vec<_>>();
    assert!(guilty.is_empty(), "{guilty:?}: {:#?}", lines());
    app.leave_work();
}

#[tokio::test]
async fn the_canaries_would_be_found_if_they_were_there() {
    let app = TestApp::start().await;
    let secret = "sb_sess_aSecretOfNobody0123456789";
    let needles: Vec<String> = needles().into_iter().chain([core(secret)]).collect();
    for clear in [PHONES[0], EMAILS[0], secret] {
        let sql = format!("insert into settings (name, value) values ('{clear}', 'x')");
        app.database().execute(&sql).await;
        assert!(!found_in_database(&app, &needles).await.is_empty(), "{clear}");
        app.database().execute("delete from settings where value = 'x'").await;
    }
    assert!(!found_in(&needles, b"..\\x32303235353530313837..", "hex").is_empty());
}
