//! A database from a backup sends nothing again, and knows none of the names that were given since.

use serde_json::json;
use switchboard::provider::{Abilities, Found};
use switchboard::store::{MasterKeys, RestoreError, restore_sqlite};

use crate::database::{Database, keys, open};
use crate::harness::{Setup, TestApp, hours, minutes, seconds, sms, text};
use crate::provider::{busy, silence};
use crate::routing::{routed, to, tried};

/// A database restored from a backup of an app's, the app's own, and how many messages became unknown in the first.
pub async fn restored(app: TestApp) -> (Database, Database, usize) {
    let clock = app.clock.clone();
    if app.database().is_postgres() {
        let original = app.stop().await;
        let copy = original.copy().await;
        let store = open(&copy.url, keys(), &clock).await;
        let unknown = store.settle_restored(&clock).await.unwrap();
        store.close().await;
        return (copy, original, unknown);
    }
    let copy = Database::in_a_file();
    let backup = copy.folder().join("backup.db");
    app.store().backup(&backup).await.unwrap();
    let unknown = restore_sqlite(&backup, &copy.file().unwrap(), &keys(), &clock).await.unwrap();
    (copy, app.stop().await, unknown)
}

#[tokio::test]
async fn what_was_under_way_is_unknown_and_is_not_sent_again() {
    let app = TestApp::start().await;
    let sent = app.send_sms("sent").await;
    app.run_outbox().await;
    app.provider.script([busy(Some(hours(1))), silence()]);
    let waiting = app.send_sms("waiting").await;
    let unknown = app.send_sms("unknown").await;
    app.run_outbox().await;
    let queued = app.send_sms("queued").await;
    let mut later = sms("later");
    later["scheduled_at"] = json!((app.now() + hours(5)).to_string());
    let later = app.send(later).await;
    let (copy, _original, unknowns) = restored(app).await;
    assert_eq!(unknowns, 2);
    let app = Setup { database: Some(copy), ..Setup::default() }.start().await;
    for (message, status) in
        [(&sent, "accepted"), (&waiting, "unknown"), (&unknown, "unknown"), (&queued, "unknown"), (&later, "scheduled")]
    {
        assert_eq!(app.reload(message).await["status"], status, "{}", message["body"]);
    }
    assert_eq!(app.reload(&queued).await["status_reason"], "restored from a backup: it may have been sent since");
    app.run_for(hours(24)).await;
    assert_eq!(app.provider.taken(), ["later"], "only what was not due yet is sent");
    let over = app.reload(&queued).await;
    assert_eq!((text(&over["status"]), &over["final"]), ("unknown", &json!(true)));
}

#[tokio::test]
async fn what_another_provider_may_have_taken_since_is_marked_when_it_is_sent_again() {
    let abilities = Abilities { idempotency: None, can_look_up: true };
    let app = Setup { abilities, ..routed() }.start().await;
    app.provider.script([silence()]);
    let unknown = app.send(to("+18045550001", "unknown")).await;
    app.run_outbox().await;
    let queued = app.send_sms("queued").await;
    let (copy, _original, _) = restored(app).await;
    let app = Setup { abilities, database: Some(copy), ..routed() }.start().await;
    app.provider.find([Found::NeverTaken, Found::NeverTaken]);
    app.run_for(minutes(2)).await;
    for message in [&unknown, &queued] {
        let tried = tried(&app, message).await;
        let (_, outcome, is_marked) = tried.last().unwrap();
        assert_eq!((outcome.as_str(), is_marked), ("accepted", &true), "{tried:?}");
    }
}

#[tokio::test]
async fn references_of_the_lost_future_match_nothing() {
    let app = TestApp::start().await;
    let kept = app.send_sms("kept").await;
    app.run_outbox().await;
    let kept_reference = app.provider.attempts()[0].envelope.reference.clone();
    let (copy, original, _) = restored(app).await;

    let future = Setup { database: Some(original), ..Setup::default() }.start().await;
    let lost = future.send_sms("lost").await;
    future.run_outbox().await;
    let lost_reference = future.provider.attempts()[0].envelope.reference.clone();

    let app = Setup { database: Some(copy), ..Setup::default() }.start().await;
    let new = app.send_sms("new").await;
    assert_eq!(new["id"], lost["id"], "the id is given again");
    app.run_outbox().await;
    let new_reference = app.provider.attempts()[0].envelope.reference.clone();
    assert_ne!(new_reference, lost_reference);
    let report = |reference: &str| json!({ "reference": reference, "status": "delivered" });
    assert_eq!(app.report(report(&lost_reference)).await.status, 202);
    assert_eq!(app.reload(&new).await["status"], "accepted");
    for (message, reference) in [(&new, &new_reference), (&kept, &kept_reference)] {
        assert_eq!(app.report(report(reference)).await.status, 200);
        assert_eq!(app.reload(message).await["status"], "delivered");
    }
}

#[tokio::test]
async fn a_backup_of_a_live_database_holds_one_consistent_state() {
    let app = TestApp::start().await;
    if app.database().is_postgres() {
        let refused = app.store().backup(&app.database().folder().join("x.db")).await;
        assert!(matches!(refused, Err(RestoreError::NotSqlite)));
        return;
    }
    let file = app.database().folder().join("backup.db");
    let writing = async {
        for n in 0..200 {
            app.send_sms(&n.to_string()).await;
        }
    };
    let backing_up = async {
        while app.count_messages().await < 20 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        app.store().backup(&file).await.unwrap();
    };
    tokio::join!(writing, backing_up);
    assert!(matches!(app.store().backup(&file).await, Err(RestoreError::Exists(_))));
    let copy = Database::in_a_file();
    let there = copy.file().unwrap();
    restore_sqlite(&file, &there, &keys(), &app.clock).await.unwrap();
    let again = restore_sqlite(&file, &there, &keys(), &app.clock).await;
    assert!(matches!(again, Err(RestoreError::Exists(_))));
    let messages = copy.number("select count(*) from messages").await;
    println!("{messages} messages of 200 were in the backup");
    assert!(messages >= 20);
    for table in ["outbox", "recipients"] {
        assert_eq!(copy.number(&format!("select count(*) from {table}")).await, messages, "{table}");
    }
    assert_eq!(copy.number("select message_count from conversations").await, messages);
    assert_eq!(copy.number("select count(*) from events where kind = 'message.accepted'").await, messages);
    app.run_outbox().await;
}

#[tokio::test]
async fn what_is_no_database_or_of_another_key_leaves_nothing_to_serve() {
    let app = Setup { database: Some(Database::in_a_file()), ..Setup::default() }.start().await;
    let backup = app.database().folder().join("backup.db");
    app.store().backup(&backup).await.unwrap();
    let nonsense = app.database().folder().join("nonsense.db");
    std::fs::write(&nonsense, "this is no database").unwrap();
    let wrong = MasterKeys { current: [9; 32], previous: None };
    for (file, keys) in [(&nonsense, keys()), (&backup, wrong)] {
        let copy = Database::in_a_file();
        assert!(restore_sqlite(file, &copy.file().unwrap(), &keys, &app.clock).await.is_err());
        assert!(!copy.file().unwrap().exists(), "{}", file.display());
    }
}

#[tokio::test]
async fn a_server_that_comes_back_ends_the_leases_of_the_one_before() {
    let app = TestApp::start().await;
    let message = app.send_sms("hello").await;
    app.database().execute("update outbox set phase = 'sending', fence = 1").await;
    app.database().execute("update messages set status = 'sending'").await;
    let at = if app.database().is_postgres() { "timestamptz '2026-03-02 12:00:29Z'" } else { "1772452829000000" };
    app.database().execute(&format!("update outbox set due_at = {at}")).await;
    let ended = app.outbox.recover().await.unwrap();
    app.run_outbox().await;
    if app.database().is_postgres() {
        assert_eq!(ended, 0, "another server may still hold it");
        assert_eq!(app.reload(&message).await["status"], "sending");
        app.advance(seconds(30));
        app.run_outbox().await;
    }
    assert_eq!(app.reload(&message).await["status"], "unknown");
    assert!(app.provider.attempts().is_empty());
}
