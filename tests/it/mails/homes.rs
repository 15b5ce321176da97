//! A mail for the mailboxes of several workspaces reaches each of them, and each answers from its own.

use axum::http::{Method, Request};
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::config::SenderConfig;
use switchboard::domain::WorkspaceId;

use super::sendgrid::{self, with_sendgrid};
use super::{raw, with_files};
use crate::harness::{Answer, Setup, TestApp, WEBHOOK_SECRET, text};

const OURS: &str = "support@example.org";
const THEIRS: &str = "desk@shop.example";

async fn start(setup: Setup) -> (TestApp, [String; 2]) {
    let sender = |address: &str, workspace| SenderConfig { address: address.to_owned(), workspace, provider: None };
    let senders = vec![sender(OURS, 1), sender(THEIRS, 2)];
    let app = Setup { mode: switchboard::http::Mode::Serve, senders, ..setup }.start().await;
    let shop = app.workspace("shop").await;
    let keys = [app.key_of(WorkspaceId::DEFAULT, &[Scope::Admin]).await, app.key_of(shop, &[Scope::Admin]).await];
    (app, keys)
}

async fn post(app: &TestApp, query: &str, mail: Vec<u8>) -> Answer {
    let request = Request::post(format!("{}{query}", super::RAW)).header("content-type", "message/rfc822");
    let request = request.header("authorization", format!("Bearer {WEBHOOK_SECRET}"));
    app.raw(request.body(mail.into()).unwrap()).await
}

/// All messages of a workspace.
async fn messages(app: &TestApp, key: &str) -> Vec<Value> {
    let conversations = app.showing(key, Method::GET, "/api/conversations", None).await;
    let mut all = Vec::new();
    for conversation in conversations["data"].as_array().unwrap() {
        let path = format!("/api/conversations/{}/messages", conversation["id"]);
        all.extend(app.showing(key, Method::GET, &path, None).await["data"].as_array().unwrap().clone());
    }
    all
}

fn mail(id: &str, to: &str, body: &str) -> Vec<u8> {
    let (to, id) = (format!("To: {to}"), format!("Message-ID: <{id}@example.com>"));
    raw(&["From: ann@example.com", &to, &id, "", body])
}

#[tokio::test]
async fn a_mail_for_two_workspaces_is_a_message_in_each_and_one_however_often_it_comes() {
    let (app, [ours, theirs]) = start(Setup::default()).await;
    let query = "?to=support@example.org&to=desk@shop.example";
    let first = post(&app, query, mail("1", "support@example.org, bo@example.com", "hello")).await;
    assert_eq!(first.status, 200, "{:?}", first.body);
    assert_eq!(post(&app, query, mail("1", "support@example.org, bo@example.com", "hello")).await["id"], first["id"]);
    let (here, there) = (messages(&app, &ours).await, messages(&app, &theirs).await);
    assert_eq!((here.len(), &here[0]["id"], there.len()), (1, &first["id"], 1));
    assert_eq!(here[0]["to"], json!([OURS, "bo@example.com"]), "a blind copy to others is not ours to see");
    assert_eq!(there[0]["to"], json!([THEIRS, OURS, "bo@example.com"]), "whoever answers comes first");
    let path = format!("/api/conversations/{}/messages", there[0]["conversation_id"]);
    let reply = app.showing(&theirs, Method::POST, &path, Some(json!({ "body": "hi" }))).await;
    assert_eq!((reply.status.as_u16(), text(&reply["from"])), (201, THEIRS), "{:?}", reply.body);

    let named = post(&app, "?to=desk@shop.example", mail("2", "support@example.org, desk@shop.example", "x")).await;
    assert_eq!(named.status, 200);
    assert_eq!((messages(&app, &ours).await.len(), messages(&app, &theirs).await.len()), (1, 3), "the envelope counts");
    let unnamed = post(&app, "", mail("3", "desk@shop.example, support@example.org", "y")).await;
    assert_eq!(unnamed.status, 200);
    assert_eq!((messages(&app, &ours).await.len(), messages(&app, &theirs).await.len()), (2, 4));
    app.run_outbox().await;
}

#[tokio::test]
async fn each_workspace_keeps_what_a_mail_of_sendgrids_carries_as_its_own() {
    let (app, [ours, theirs]) = start(with_sendgrid(Setup::default())).await;
    let whole = with_files();
    let envelope = json!({ "to": [THEIRS, OURS], "from": "ann@example.com" }).to_string();
    let form = sendgrid::form(&[("envelope", envelope.as_bytes()), ("email", &whole)], &[]);
    let answer = sendgrid::post(&app, sendgrid::PATH, Some(sendgrid::SECRET), form).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    for key in [&ours, &theirs] {
        let all = messages(&app, key).await;
        assert_eq!(all.len(), 1);
        for url in all[0]["attachments"].as_array().unwrap() {
            assert_eq!(app.showing(key, Method::GET, text(url), None).await.status, 200);
        }
        assert_eq!(all[0]["attachments"].as_array().unwrap().len(), 4);
    }
}

#[tokio::test]
async fn a_question_for_help_is_answered_by_a_mailbox_of_the_workspace_and_by_nobody_elses() {
    let (app, [_, theirs]) = start(Setup::default()).await;
    let settings = json!({ "help_text": "We are the shop." });
    assert_eq!(app.showing(&theirs, Method::PATCH, "/api/settings", Some(settings)).await.status, 200);
    assert_eq!(post(&app, "", mail("1", "bo@example.com, desk@shop.example", "HELP")).await.status, 200);
    assert_eq!(app.run_outbox().await, 1);
    assert_eq!(app.provider.attempts()[0].envelope.from.as_str(), THEIRS);
}

#[tokio::test]
async fn without_senders_nobody_answers_for_a_mailbox_that_may_be_a_strangers() {
    let app = TestApp::start().await;
    let settings = json!({ "help_text": "We are the shop." });
    assert_eq!(app.call(Method::PATCH, "/api/settings", Some(settings)).await.status, 200);
    let two = "bo@example.com, support@example.org";
    assert_eq!(super::post_raw(&app, "", mail("1", two, "HELP")).await.status, 200);
    assert_eq!(app.run_outbox().await, 0);
    assert_eq!(super::post_raw(&app, "?to=support@example.org", mail("2", two, "HELP")).await.status, 200);
    assert_eq!(app.run_outbox().await, 1);
    assert_eq!(app.provider.attempts()[0].envelope.from.as_str(), OURS);
}
