//! A database that comes back from a backup does not send again what it still calls queued.

use std::time::Duration;

use super::judge::{draft, fired, is_settled, path_of, seed, status};
use crate::process::{Carrier, Plan, Server, Site, free_port, provider};

const MESSAGES: u64 = 10;

/// Backs the database up while it calls everything queued; gives a plan for a server on the copy.
async fn back_up(site: &Site, plan: &Plan, mut server: Server) -> Server {
    let Some(database) = plan.database.as_ref() else {
        plan.run(&["backup", site.path("backup.db").to_str().unwrap()]).await;
        return server;
    };
    let name = database.rsplit('/').next().unwrap();
    server.process.kill();
    tokio::time::sleep(Duration::from_millis(300)).await;
    site.administer(format!("create database {name}_copy template {name}")).await;
    plan.start().await
}

async fn restore(site: &Site, plan: &Plan) -> Plan {
    let Some(database) = plan.database.as_ref() else {
        for ending in ["", "-wal", "-shm"] {
            let mut file = plan.sqlite().into_os_string();
            file.push(ending);
            let _ = std::fs::remove_file(file);
        }
        let said = plan.run(&["restore", site.path("backup.db").to_str().unwrap()]).await;
        assert!(said.contains("10 messages were not finished"), "{said}");
        return plan.clone();
    };
    let plan = Plan { database: Some(format!("{database}_copy")), ..plan.clone() };
    let said = plan.run(&["restore"]).await;
    assert!(said.contains("10 messages were not finished"), "{said}");
    plan
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_does_not_send_again_what_it_calls_queued() {
    seed("restore");
    let site = Site::new().await;
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/messages");
    let plan = Plan::dev(&site, &provider("p", &["sms"], &url, "idempotency_header = \"Idempotency-Key\"\n"));
    let server = plan.start().await;
    for n in 0..MESSAGES {
        let answer = server.post(path_of("sms"), &draft("sms", &format!("queued {n}"), n)).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    let mut server = back_up(&site, &plan, server).await;
    let carrier = Carrier::start_at(&site, "carrier", port, None).await;
    server.wait_until(Duration::from_mins(1), |message| status(message) == "accepted").await;
    server.process.kill();
    let sent = carrier.ledger();
    assert_eq!(sent.len(), 10);
    let requests = carrier.stats().await.requests;

    let server = restore(&site, &plan).await.start().await;
    let answer = server.post(path_of("sms"), &draft("sms", "after the restore", 1)).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    // Long enough for a second and a third attempt, had there been any.
    tokio::time::sleep(Duration::from_secs(8)).await;
    // The carrier knows a key again and would not write it down twice: so what it was asked counts, too.
    assert_eq!(carrier.stats().await.requests, requests + 1, "asked for the new message, and for nothing again");
    let messages = server.wait_until(Duration::from_secs(5), is_settled).await;
    assert_eq!(messages.len(), 11);
    for message in &messages {
        let wanted = if message["body"] == "after the restore" { "accepted" } else { "unknown" };
        assert_eq!(status(message), wanted, "{message}");
    }
    let ledger = carrier.ledger();
    assert_eq!(ledger.len(), 11, "nothing is sent again, and a new message has a name of its own");
    assert!(!sent.iter().any(|line| line.reference == ledger[10].reference));
    fired("message that a backup called queued", MESSAGES);
}
