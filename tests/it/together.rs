//! Sends that come at once are stored together, and none fails for another's sake.

use futures_util::future::join_all;
use serde_json::{Value, json};
use switchboard::domain::{Caller, WorkspaceId};
use switchboard::store::KeyTry;

use crate::harness::{Answer, TestApp, sms, text};

const PATH: &str = "/api/messages/sms";

fn draft(n: usize) -> Value {
    let mut draft = sms(&format!("message {n}"));
    draft["to"] = json!(format!("+1202555{n:04}"));
    draft
}

async fn send(app: &TestApp, key: &str, draft: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    app.post_with(PATH, &headers, draft.to_string()).await
}

#[tokio::test]
async fn sends_that_come_at_once_share_a_commit() {
    let app = TestApp::start().await;
    app.leave_work();
    let told = app.messaging.store.told();
    let before = *told.borrow();
    let sent = join_all((0..200).map(|n| app.post(PATH, draft(n)))).await;
    let mut ids: Vec<i64> = sent.iter().map(|answer| answer["id"].as_i64().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 200);
    for (n, answer) in sent.iter().enumerate() {
        assert_eq!((answer.status.as_u16(), text(&answer["body"])), (201, format!("message {n}").as_str()));
    }
    let commits = *told.borrow() - before;
    assert!(commits <= 10, "{commits} commits");
}

#[tokio::test]
async fn one_that_is_refused_leaves_its_neighbours_alone_and_its_key_free() {
    let app = TestApp::start().await;
    app.leave_work();
    let is_bad = |n: usize| n.is_multiple_of(5);
    let drafts: Vec<Value> = (0..50)
        .map(|n| {
            let mut draft = draft(n);
            if is_bad(n) {
                draft["attachments"] = json!(["/api/attachments/4000000"]);
            }
            draft
        })
        .collect();
    let keys: Vec<String> = (0..50).map(|n| format!("key-{n}")).collect();
    let sent = join_all(keys.iter().zip(&drafts).map(|(key, draft)| send(&app, key, draft))).await;
    for (n, answer) in sent.iter().enumerate() {
        assert_eq!(answer.status.as_u16(), if is_bad(n) { 400 } else { 201 }, "{n}: {:?}", answer.body);
    }
    for n in 0..50 {
        let again = send(&app, &keys[n], &draft(n)).await;
        assert_eq!(again.status, 201, "{n}: {:?}", again.body);
        assert_eq!(again["id"] == sent[n]["id"], !is_bad(n), "{n}");
    }
}

#[tokio::test]
async fn one_whose_key_somebody_holds_fails_alone() {
    let app = TestApp::start().await;
    // SQLite has one writer: nobody else holds anything.
    if !app.database().is_postgres() {
        return;
    }
    app.leave_work();
    let caller = Caller::operator(WorkspaceId::DEFAULT);
    let mut held = app.messaging.store.begin().await.unwrap();
    let other = KeyTry { key: "key-7", fingerprint: &[7; 32] };
    held.take_keys(caller.workspace, &caller.who.to_string(), &[other], app.clock.now()).await.unwrap();
    let keys: Vec<String> = (0..20).map(|n| format!("key-{n}")).collect();
    let drafts: Vec<Value> = (0..20).map(draft).collect();
    let sent = join_all(keys.iter().zip(&drafts).map(|(key, draft)| send(&app, key, draft))).await;
    for (n, answer) in sent.iter().enumerate() {
        let wanted = if n == 7 { (409, "idempotency_key_in_use") } else { (201, "") };
        assert_eq!((answer.status.as_u16(), answer["code"].as_str().unwrap_or_default()), wanted, "{n}");
    }
    drop(held);
    assert_eq!(send(&app, "key-7", &drafts[7]).await.status, 201);
}

#[tokio::test]
async fn more_than_may_wait_are_told_to_come_again_and_leave_nothing() {
    let app = TestApp::start().await;
    app.leave_work();
    let sent = join_all((0..2_000).map(|n| app.post(PATH, draft(n)))).await;
    let taken = sent.iter().filter(|answer| answer.status == 201).count();
    assert!((1..2_000).contains(&taken), "{taken}");
    for answer in sent.iter().filter(|answer| answer.status != 201) {
        assert_eq!((answer.status.as_u16(), text(&answer["code"])), (503, "too_many_waiting"));
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(app.count_messages().await, i64::try_from(taken).unwrap());
    assert_eq!(app.post(PATH, draft(0)).await.status, 201, "there is room again");
}
