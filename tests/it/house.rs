//! What stands around the code is true: the links of the pages, the metrics of the alerts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::database::Database;
use crate::harness::sms;
use crate::process::program;

/// Every page that people read.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![PathBuf::from("README.md"), PathBuf::from("CONTRIBUTING.md")];
    for folder in ["docs", "docs/decisions"] {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    pages
}

#[test]
fn every_link_of_a_page_leads_to_a_file() {
    let mut links = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for after in text.split("](").skip(1) {
            let target = after.split([')', '#', ' ']).next().unwrap();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let path = page.parent().unwrap_or(Path::new("")).join(target);
            assert!(path.exists(), "{}: {target}", page.display());
            links += 1;
        }
    }
    assert!(links > 5, "{links}");
}

#[test]
fn every_make_target_that_a_page_names_is_there() {
    let makefile = fs::read_to_string("Makefile").unwrap();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let Some(target) = quoted.strip_prefix("make ") else { continue };
            let target = target.split_whitespace().next().unwrap();
            let is_there = makefile.lines().any(|line| line.starts_with(&format!("{target}:")));
            assert!(is_there || target.contains('='), "{}: make {target}", page.display());
        }
    }
}

/// The binary itself, serving on a port of its own; killed when dropped.
async fn start(database: &Database) -> (Child, String) {
    let mut command = Command::new(program());
    command.args(["dev", "--listen", "127.0.0.1:0", "--data"]).arg(database.folder());
    command.args(["--database", &database.url]).env("SWITCHBOARD_MASTER_KEY", "07".repeat(32));
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    (server, line.strip_prefix("listening on ").unwrap().to_owned())
}

/// The metrics that stand in a text, by their prefix.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let names = text.match_indices("switchboard_").map(|(at, _)| {
        let rest = &text[at..];
        rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())].to_owned()
    });
    names.collect()
}

#[tokio::test]
async fn every_metric_that_an_alert_names_is_there_after_some_traffic() {
    let database = Database::create().await;
    let (_server, url) = start(&database).await;
    let client = switchboard::provider::client().unwrap();
    let post = async |path: &str, body: String| {
        let request = client.post(format!("{url}{path}")).header("content-type", "application/json");
        request.body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(post("/api/messages/sms", sms("hello").to_string()).await, 201);
    assert_eq!(post("/api/webhooks/sms", json!({ "odd": true }).to_string()).await, 202);
    let wanted = metrics_in(&fs::read_to_string("ops/alerts.yml").unwrap());
    assert!(wanted.len() > 6, "{wanted:?}");
    let mut missing = wanted.clone();
    for _ in 0..100 {
        let text = client.get(format!("{url}/metrics")).send().await.unwrap().text().await.unwrap();
        let there = metrics_in(&text);
        missing = wanted.difference(&there).cloned().collect();
        if missing.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn the_walk_with_curl_finds_every_answer_as_it_is_told() {
    let database = Database::create().await;
    let (_server, url) = start(&database).await;
    let mut walk = Command::new("sh");
    let output = walk.arg("bin/test.sh").env("BASE_URL", &url).kill_on_drop(true).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong: Vec<&str> = said.lines().filter(|line| line.contains("WRONG")).collect();
    assert!(output.status.success(), "{wrong:#?}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(" checks passed"), "{said}");
}

#[tokio::test]
async fn a_command_that_is_refused_says_why_in_one_line() {
    let database = Database::create().await;
    let mut command = Command::new(program());
    command.args(["users", "create-admin", "--username", "somebody", "--email", "some@example.com"]);
    command.args(["--mobile", "+12015550199", "--database", &database.url, "--data"]).arg(database.folder());
    command.env("SWITCHBOARD_MASTER_KEY", "07".repeat(32)).env("RUST_BACKTRACE", "1").stdin(Stdio::null());
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("Error: the password must have at least 8 characters"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
