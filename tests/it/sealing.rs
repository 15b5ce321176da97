//! Master keys: a wrong one opens nothing, two may live at once, and everything moves to the new one while servers run.

use serde_json::{Value, json};
use switchboard::clock::Clock;
use switchboard::domain::{AddressId, WorkspaceId};
use switchboard::store::{MasterKeys, OpenError, OpenOptions, Store};

use crate::database::{Database, MASTER_KEY, keys};
use crate::endpoint::Endpoint;
use crate::harness::{START, Setup, TestApp, minutes, sms, text};
use crate::receiving::inbound;
use crate::visitor::{Visitor, last_code, shown};

const NEW_KEY: [u8; 32] = [8; 32];

fn both() -> MasterKeys {
    MasterKeys { current: NEW_KEY, previous: Some(MASTER_KEY) }
}

fn only_new() -> MasterKeys {
    MasterKeys { current: NEW_KEY, previous: None }
}

async fn try_open(database: &Database, keys: MasterKeys) -> Result<Store, OpenError> {
    let clock = Clock::manual(START.parse().unwrap(), 1);
    Store::open(&OpenOptions { url: database.url.clone(), keys, is_exclusive: true }, &clock).await
}

async fn start(database: Database, keys: MasterKeys) -> TestApp {
    Setup { database: Some(database), keys, ..Setup::default() }.start().await
}

fn numbered(n: usize) -> Value {
    let mut draft = sms(&n.to_string());
    draft["to"] = json!(format!("+1202{:07}", 5_000_000 + n));
    draft
}

#[tokio::test]
async fn a_wrong_master_key_opens_nothing() {
    let app = TestApp::start().await;
    app.send_sms("hello").await;
    app.run_outbox().await;
    let database = app.stop().await;
    for wrong in [only_new(), MasterKeys { current: NEW_KEY, previous: Some([9; 32]) }] {
        assert!(matches!(try_open(&database, wrong).await, Err(OpenError::WrongKey)));
    }
    try_open(&database, keys()).await.unwrap().close().await;
}

#[tokio::test]
async fn under_two_keys_everything_old_is_read_and_found() {
    let app = TestApp::start().await;
    let before = app.send_sms("before").await;
    app.post("/api/webhooks/sms", json!({ "from": "+12025550001", "odd": true })).await;
    app.run_outbox().await;
    let app = start(app.stop().await, both()).await;
    assert_eq!(app.reload(&before).await["from"], "+12016661234");
    let after = app.send_sms("after").await;
    assert_eq!(after["conversation_id"], before["conversation_id"], "the same people are found under either key");
    assert_eq!(app.list("/api/conversations?participant=8045551234").await.len(), 1);
    let kept = app.list("/api/quarantine").await;
    assert!(text(&kept[0]["raw"]).contains("+12025550001"));
    assert_eq!(app.database().number("select count(*) from addresses").await, 2);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_rekey_moves_everything_while_others_write_and_loses_nobody() {
    let app = TestApp::start().await;
    let drafts: Vec<Value> = (0..1_200).map(numbered).collect();
    let answer = app.post("/api/messages/batch", json!({ "messages": drafts })).await;
    assert_eq!(answer["accepted"], 1_200);
    let known: Vec<Value> =
        answer["results"].as_array().unwrap().iter().map(|result| result["conversation_id"].clone()).collect();
    let key = [("idempotency-key", "before-the-rekey")];
    let kept = app.post_with("/api/messages/sms", &key, sms("kept").to_string()).await;
    app.post("/api/webhooks/sms", json!({ "from": "+12025550001", "odd": true })).await;
    app.leave_work();

    let app = start(app.stop().await, both()).await;
    let writing = async {
        for n in 0..60 {
            let again = app.send(numbered(n * 7)).await;
            assert_eq!(again["conversation_id"], known[n * 7], "whoever is known stays known");
            app.post("/api/webhooks/sms", inbound(&format!("m-{n}"), "in")).await;
            let mut fresh = numbered(10_000 + n);
            fresh["from"] = json!(format!("+1303{:07}", 5_000_000 + n));
            app.send(fresh).await;
        }
    };
    let (moved, ()) = tokio::join!(app.store().rekey(), writing);
    assert!(moved.unwrap() >= 1_200, "every old row is moved");
    assert_eq!(app.database().number("select count(*) from master_keys").await, 1);
    for table in ["addresses", "idempotency_keys", "quarantine"] {
        let old = format!("select count(*) from {table} where key_id <> (select max(id) from master_keys)");
        assert_eq!(app.database().number(&old).await, 0, "{table}");
    }
    assert_eq!(app.store().rekey().await.unwrap(), 0);
    app.leave_work();

    let database = app.stop().await;
    assert!(matches!(try_open(&database, keys()).await, Err(OpenError::WrongKey)), "the old key is of no use now");
    let app = start(database, only_new()).await;
    assert_eq!(app.database().number("select count(*) from addresses").await, 1_200 + 2 + 60 + 60);
    let pairs = "select count(*) from (select participants_key from conversations group by 1 having count(*) > 1) x";
    assert_eq!(app.database().number(pairs).await, 0);
    let again = app.post_with("/api/messages/sms", &key, sms("kept").to_string()).await;
    assert_eq!(again.bytes, kept.bytes, "a kept answer is opened by the new key");
    assert_eq!(app.list("/api/conversations?participant=%2B12025000700").await.len(), 1);
    assert!(text(&app.list("/api/quarantine").await[0]["raw"]).contains("+12025550001"));
    app.leave_work();
}

#[tokio::test]
async fn a_rekey_moves_what_accounts_have_sealed() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", "+12025550191").await;
    let begun = visitor.post(&app, "/api/auth/totp", Value::Null).await;
    let secret = text(&begun["secret"]).to_owned();
    let code = json!({ "code": shown(&secret, app.now()) });
    assert_eq!(visitor.post(&app, "/api/auth/totp/confirm", code).await.status, 200);
    app.run_outbox().await;
    visitor.post(&app, "/api/auth/send-code", json!({ "purpose": "change_profile" })).await;
    let endpoint = Endpoint::start().await;
    let made = endpoint.subscribe(&app, &["message.received"]).await;
    app.leave_work();

    let app = start(app.stop().await, both()).await;
    app.store().rekey().await.unwrap();
    for (table, key) in [("message_secrets", "key_id"), ("users", "totp_key_id"), ("webhook_endpoints", "key_id")] {
        let moved = format!("select count(*) from {table} where {key} = (select max(id) from master_keys)");
        assert!(app.database().number(&moved).await >= 1, "{table}");
        let old = format!("select count(*) from {table} where {key} <> (select max(id) from master_keys)");
        assert_eq!(app.database().number(&old).await, 0, "{table}");
    }
    assert_eq!(last_code(&app).await.len(), 6, "a code that was queued before is opened by the new key");
    app.post("/api/webhooks/sms", inbound("after-the-rekey", "in")).await;
    app.run_outbox().await;
    assert!(endpoint.told()[0].is_signed_with(text(&made["secret"])), "the secret is opened by the new key");
    app.advance(minutes(11));
    let visitor = Visitor::default();
    assert_eq!(visitor.login(&app, "alice").await["verification"]["channel"], "totp");
    let code = json!({ "code": shown(&secret, app.now()) });
    assert_eq!(visitor.post(&app, "/api/auth/verify-code", code).await.status, 200);
    app.leave_work();
}

#[tokio::test]
async fn one_sqlite_file_has_one_server() {
    let app = TestApp::start().await;
    let second = try_open(app.database(), keys()).await;
    if app.database().is_postgres() {
        second.unwrap().close().await;
    } else {
        assert!(matches!(second, Err(OpenError::InUse(_))));
        let beside = OpenOptions { url: app.database().url.clone(), keys: keys(), is_exclusive: false };
        Store::open(&beside, &app.clock).await.unwrap().close().await;
    }
}

#[tokio::test]
async fn an_address_that_was_put_in_another_ones_place_does_not_open() {
    let app = TestApp::start().await;
    app.send_sms("hello").await;
    app.run_outbox().await;
    let swap = "update addresses set sealed = (select sealed from addresses where id = 2) where id = 1";
    app.database().execute(swap).await;
    // the server knows them still: one that reads them now does not
    let beside = OpenOptions { url: app.database().url.clone(), keys: keys(), is_exclusive: false };
    let store = Store::open(&beside, &app.clock).await.unwrap();
    let mut tx = store.read().await.unwrap();
    let opened = tx.load_addresses(WorkspaceId::DEFAULT, &[AddressId(1), AddressId(2)]).await.unwrap();
    assert_eq!(opened.into_keys().collect::<Vec<_>>(), [AddressId(2)], "one is left out, the other is itself");
    drop(tx);
    store.close().await;
}
