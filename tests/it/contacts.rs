//! Contacts over the API: what they are called, which addresses are theirs, and what is refused.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::config::SenderConfig;
use switchboard::domain::{Address, Role, WorkspaceId};

use crate::harness::{Answer, Setup, TestApp, sms, text};
use crate::joining::{ADA, ADA_MAIL, ADA_TOO, OTHER_OWN, OWN, come, contact};
use crate::mails::{post_raw, raw};

async fn patch(app: &TestApp, path: &str, body: Value) -> Answer {
    app.call(Method::PATCH, path, Some(body)).await
}

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| text(&row["name"])).collect()
}

#[tokio::test]
async fn a_contact_is_written_down_found_changed_and_let_go() {
    let app = TestApp::start().await;
    let made =
        app.post("/api/contacts", json!({ "name": "Ada Byron", "addresses": ["8045551234", ADA_MAIL, ADA] })).await;
    assert_eq!((made.status.as_u16(), &made["addresses"]), (201, &json!([ADA, ADA_MAIL])));
    assert_eq!((&made["notes"], &made["conversation_id"]), (&Value::Null, &Value::Null));
    let said = come(&app, "1", ADA, OWN).await;
    let shown = app.get("/api/contacts/1").await;
    assert_eq!((&shown["id"], &shown["conversation_id"]), (&made["id"], &said["conversation_id"]));
    let conversation = app.get("/api/conversations/1").await;
    assert_eq!(conversation["contact"], json!({ "id": 1, "name": "Ada Byron" }));
    let changed = patch(&app, "/api/contacts/1", json!({ "name": "Ada Lovelace", "notes": "likes engines" })).await;
    assert_eq!((text(&changed["name"]), text(&changed["notes"])), ("Ada Lovelace", "likes engines"));
    let changed = patch(&app, "/api/contacts/1", json!({ "notes": null })).await;
    assert_eq!((text(&changed["name"]), &changed["notes"]), ("Ada Lovelace", &Value::Null));
    assert_eq!(app.list("/api/contacts?q=byron").await.len(), 0);
    assert_eq!(app.list("/api/contacts?q=LOVE%20ada").await.len(), 1);
    assert_eq!(app.delete("/api/contacts/1").await.status, 204);
    assert_eq!(app.get("/api/contacts/1").await["code"], "no_such_contact");
    assert_eq!(app.get("/api/conversations/1").await["contact"], Value::Null);
    assert_eq!(app.count_messages().await, 1);
}

#[tokio::test]
async fn a_contact_is_found_by_the_beginnings_of_its_words_and_by_its_addresses() {
    let app = TestApp::start().await;
    contact(&app, "Ada Byron", &[ADA]).await;
    contact(&app, "Charles Babbage", &[ADA_MAIL]).await;
    contact(&app, "Ärger O'Byrne", &[]).await;
    for (query, wanted) in [
        ("q=by", vec!["Ada Byron", "Ärger O'Byrne"]),
        ("q=BAB%20ch", vec!["Charles Babbage"]),
        ("q=%C3%A4r", vec!["Ärger O'Byrne"]),
        ("q=yron", vec![]),
        ("q=ada%25", vec!["Ada Byron"]),
        ("q=%2B18045551234", vec!["Ada Byron"]),
        ("q=ada%40engine.example", vec!["Charles Babbage"]),
        ("address=8045551234", vec!["Ada Byron"]),
        ("address=%2B18045551235", vec![]),
        ("", vec!["Ada Byron", "Charles Babbage", "Ärger O'Byrne"]),
    ] {
        assert_eq!(names(&app.list(&format!("/api/contacts?{query}")).await), wanted, "{query}");
    }
    let first = app.get("/api/contacts?limit=2").await;
    contact(&app, "Between", &[]).await;
    let next = app.get(&format!("/api/contacts?limit=2&cursor={}", text(&first["next_cursor"]))).await;
    assert_eq!(names(next["data"].as_array().unwrap()), ["Ärger O'Byrne", "Between"]);
    assert_eq!(app.get("/api/contacts?address=nobody").await.errors(), ["query:address invalid"]);
}

#[tokio::test]
async fn an_address_is_one_contacts_and_the_refusal_names_the_other() {
    let app = TestApp::start().await;
    contact(&app, "Ada", &[ADA]).await;
    contact(&app, "Bob", &[ADA_MAIL]).await;
    let taken = app.post("/api/contacts/2/addresses", json!({ "address": ADA })).await;
    assert_eq!((taken.status.as_u16(), text(&taken["code"])), (409, "address_taken"));
    assert_eq!(text(&taken["errors"][0]["message"]), "this address belongs to contact 1, Ada");
    assert_eq!(taken.errors(), ["address address_taken"]);
    let taken = app.post("/api/contacts", json!({ "name": "Cyd", "addresses": [ADA_TOO, ADA_MAIL] })).await;
    assert_eq!((taken.status.as_u16(), taken.errors()), (409, vec!["addresses[1] address_taken".to_owned()]));
    assert_eq!(app.list("/api/contacts").await.len(), 2, "nothing of it was stored");
    let again = app.post("/api/contacts/1/addresses", json!({ "address": ADA })).await;
    assert_eq!((again.status.as_u16(), &again["addresses"]), (200, &json!([ADA])));
    let gone = app.delete(&format!("/api/contacts/2/addresses/{ADA}")).await;
    assert_eq!((gone.status.as_u16(), text(&gone["code"])), (404, "no_such_address"));
}

#[tokio::test]
async fn the_workspaces_own_number_is_nobodys() {
    let app = TestApp::start().await;
    app.send(sms("out")).await;
    for own in [OWN, "+12025550199"] {
        come(&app, own, ADA_TOO, own).await;
        let refused = app.post("/api/contacts", json!({ "name": "Us", "addresses": [own] })).await;
        assert_eq!((refused.status.as_u16(), text(&refused["code"])), (409, "own_address"), "{own}");
    }
    app.run_outbox().await;
}

#[tokio::test]
async fn an_address_that_the_configuration_names_as_a_sender_is_nobodys_before_anything_was_sent() {
    let sender = |address: &str, workspace| SenderConfig { address: address.to_owned(), workspace, provider: None };
    let senders = vec![sender(OWN, 1), sender(OTHER_OWN, 2)];
    for (app, own) in [
        (Setup { senders, ..Setup::default() }.start().await, vec![OWN]),
        (Setup::default().with_senders().start().await, vec!["+12015550100", "server@sms.example"]),
    ] {
        for own in own {
            let refused = app.post("/api/contacts", json!({ "name": "Us", "addresses": [ADA, own] })).await;
            assert_eq!((refused.status.as_u16(), refused.errors()), (409, vec!["addresses[1] own_address".to_owned()]));
        }
        contact(&app, "Another workspace", &[OTHER_OWN]).await;
    }
}

#[tokio::test]
async fn whoever_answers_from_another_address_of_theirs_can_be_written_down() {
    let app = TestApp::start().await;
    let mut conversations = Vec::new();
    for (id, from, further) in [
        ("1@x.example", "ada@engine.example", &["Subject: hello"][..]),
        ("2@x.example", "ada@engine.example", &["In-Reply-To: <1@x.example>", "Cc: ada@home.example"]),
        ("3@x.example", "ada@home.example", &["In-Reply-To: <2@x.example>"]),
    ] {
        let (id, from) = (format!("Message-ID: <{id}>"), format!("From: {from}"));
        let mail = raw(&[&[&from[..], "To: us@shop.example", &id], further, &["", "hello"]].concat());
        conversations.push(post_raw(&app, "", mail).await["conversation_id"].clone());
    }
    assert_eq!(conversations, [json!(1), json!(1), json!(1)]);
    let refused = app.post("/api/contacts", json!({ "name": "Us", "addresses": ["us@shop.example"] })).await;
    assert_eq!((refused.status.as_u16(), text(&refused["code"])), (409, "own_address"));
    contact(&app, "Ada", &["ada@engine.example", "ada@home.example"]).await;
}

#[tokio::test]
async fn an_address_counts_once_however_often_it_is_given() {
    let app = TestApp::start().await;
    contact(&app, "Ada", &[ADA; 50]).await;
    let most: Vec<String> = (0..20).map(|n| format!("+120255502{n:02}")).collect();
    let twice: Vec<&str> = most.iter().chain(&most).map(String::as_str).collect();
    contact(&app, "Bob", &twice).await;
    let more = app.post("/api/contacts/2/addresses", json!({ "address": ADA_TOO })).await;
    assert_eq!((more.status.as_u16(), text(&more["code"])), (409, "too_many_addresses"));
    let many: Vec<String> = (0..21).map(|n| format!("+120255503{n:02}")).collect();
    let addresses = "select count(*) from addresses";
    let before = app.database().number(addresses).await;
    assert_eq!(app.post("/api/contacts", json!({ "name": "Cyd", "addresses": many })).await.status, 409);
    assert_eq!(app.database().number(addresses).await, before);
}

#[tokio::test]
async fn a_contact_and_the_first_message_from_its_address_do_not_wait_for_each_other() {
    let app = TestApp::start().await;
    let address = Address::any(ADA, &app.messaging.rules.phone).unwrap();
    let mut tx = app.store().begin().await.unwrap();
    tx.ensure_addresses(WorkspaceId::DEFAULT, &[address], app.now()).await.unwrap();
    let message = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        tx.lock_contacts(WorkspaceId::DEFAULT).await.unwrap();
        tx.commit().await.unwrap();
    };
    let made = app.post("/api/contacts", json!({ "name": "Ada", "addresses": [ADA] }));
    let (made, ()) = tokio::join!(made, message);
    assert_eq!(made.status, 201, "{:?}", made.body);
}

#[tokio::test]
async fn a_search_without_a_word_finds_nobody_and_notes_of_two_that_are_too_long_are_not_merged() {
    let app = TestApp::start().await;
    contact(&app, "Ada", &[ADA]).await;
    for query in ["--", "%2B", "..."] {
        assert!(app.list(&format!("/api/contacts?q={query}")).await.is_empty(), "{query}");
    }
    assert_eq!(app.list("/api/contacts?q=%20").await.len(), 1);
    assert_eq!(app.post("/api/contacts", json!({ "name": "A.", "notes": "n".repeat(9_990) })).await.status, 201);
    let merge = async || app.post("/api/contacts/1/merge", json!({ "contact_id": 2 })).await;
    assert_eq!(patch(&app, "/api/contacts/1", json!({ "notes": "n".repeat(9) })).await.status, 200);
    let refused = merge().await;
    assert_eq!((refused.status.as_u16(), text(&refused["code"])), (409, "notes_too_long"));
    assert_eq!(patch(&app, "/api/contacts/1", json!({ "notes": "n".repeat(8) })).await.status, 200);
    assert_eq!(merge().await["notes"].as_str().unwrap().chars().count(), 10_000);
}

#[tokio::test]
async fn what_is_wrong_with_a_contact_is_named() {
    let app = TestApp::start().await;
    contact(&app, "Ada", &[ADA]).await;
    let many: Vec<String> = (0..21).map(|n| format!("+120255502{n:02}")).collect();
    for (path, body, status, errors) in [
        ("", json!({}), 400, vec!["name required"]),
        ("", json!({ "name": "", "addresses": ["x", ADA] }), 400, vec!["name invalid", "addresses[0] invalid"]),
        ("", json!({ "name": "x".repeat(201) }), 400, vec!["name invalid"]),
        ("", json!({ "name": "x", "notes": "x".repeat(10_001) }), 400, vec!["notes too_long"]),
        ("", json!({ "name": "x", "addresses": many }), 409, vec![]),
        ("/1/addresses", json!({}), 400, vec!["address required"]),
        ("/1/addresses", json!({ "address": "nobody" }), 400, vec!["address invalid"]),
        ("/9/addresses", json!({ "address": ADA_TOO }), 404, vec![]),
        ("/1/merge", json!({}), 400, vec!["contact_id required"]),
        ("/1/merge", json!({ "contact_id": 1 }), 400, vec!["contact_id invalid"]),
        ("/1/merge", json!({ "contact_id": 9 }), 404, vec![]),
    ] {
        let answer = app.post(&format!("/api/contacts{path}"), body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.errors()),
            (status, errors.into_iter().map(str::to_owned).collect()),
            "{path} {body}"
        );
    }
    assert_eq!(patch(&app, "/api/contacts/1", json!({})).await.errors(), ["name required"]);
    assert_eq!(app.delete("/api/contacts/1/addresses/nobody").await.errors(), ["path:address invalid"]);
}

#[tokio::test]
async fn two_contacts_become_one_and_every_act_is_in_the_audit_log() {
    let app = TestApp::start().await;
    let admin = app.person("boss", Role::Admin).await;
    come(&app, "1", ADA, OWN).await;
    come(&app, "2", ADA_TOO, OWN).await;
    let act = async |method: Method, path: &str, body: Value| {
        let answer = app.as_person(&admin, method, path, Some(body)).await;
        assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
        answer
    };
    act(Method::POST, "/api/contacts", json!({ "name": "Ada", "addresses": [ADA], "notes": "one" })).await;
    act(Method::POST, "/api/contacts", json!({ "name": "A. B.", "addresses": [ADA_TOO], "notes": "two" })).await;
    let merged = act(Method::POST, "/api/contacts/1/merge", json!({ "contact_id": 2 })).await;
    assert_eq!((text(&merged["name"]), text(&merged["notes"])), ("Ada", "one\n\ntwo"));
    assert_eq!(merged["addresses"], json!([ADA, ADA_TOO]));
    assert_eq!(app.list("/api/conversations").await.len(), 1);
    assert_eq!(app.get("/api/contacts/2").await.status, 404);
    act(Method::DELETE, &format!("/api/contacts/1/addresses/{ADA_TOO}"), Value::Null).await;
    assert_eq!(app.list("/api/conversations").await.len(), 2);
    act(Method::DELETE, "/api/contacts/1", Value::Null).await;
    let log = app.list("/api/audit").await;
    let acts: Vec<(&str, &str)> = log.iter().map(|row| (text(&row["action"]), text(&row["target"]))).rev().collect();
    let wanted = [
        ("contact.created", "contact:1"),
        ("contact.created", "contact:2"),
        ("contact.merged", "contact:1"),
        ("contact.address_removed", "contact:1"),
        ("contact.deleted", "contact:1"),
    ];
    assert_eq!(acts[acts.len() - 5..], wanted);
    assert!(!json!(log).to_string().contains("804555"));
}

#[tokio::test]
async fn a_saved_reply_greets_a_contact_by_name() {
    let app = TestApp::start().await;
    come(&app, "1", ADA, OWN).await;
    app.post("/api/saved-replies", json!({ "name": "hi", "body": "Hello {{contact}}" })).await;
    let render = async || app.post("/api/saved-replies/1/render", json!({ "conversation_id": 1 })).await;
    assert_eq!(text(&render().await["text"]), format!("Hello {ADA}"));
    contact(&app, "Ada Byron", &[ADA, ADA_MAIL]).await;
    come(&app, "2", ADA_MAIL, "us@shop.example").await;
    assert_eq!(text(&render().await["text"]), "Hello Ada Byron");
}
