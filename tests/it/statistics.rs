//! What PostgreSQL plans by follows young tables at once.

use std::time::Duration;

use serde_json::json;

use crate::harness::{TestApp, sms};

const KNOWN: &str = "select reltuples::bigint from pg_class where oid = 'messages'::regclass";
const LONG: usize = 60;

#[tokio::test]
async fn a_table_that_grew_is_analysed_before_autovacuum_comes() {
    let app = TestApp::start().await;
    if !app.database().is_postgres() {
        app.store().refresh_statistics().await.unwrap();
        return;
    }
    app.database().execute("alter table messages set (autovacuum_enabled = off)").await;
    let drafts: Vec<_> = (0..250).map(|n| sms(&format!("number {n}"))).collect();
    let answer = app.post("/api/messages/batch", json!({ "messages": drafts })).await;
    assert_eq!(answer["accepted"], 250);
    let mut known = 0;
    for _ in 0..LONG {
        app.store().refresh_statistics().await.unwrap();
        known = app.database().number(KNOWN).await;
        if known > 0 {
            break;
        }
        // sessions tell what they wrote about once a second, and at the latest after ten
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    assert_eq!(known, 250);
    app.leave_work();
}
