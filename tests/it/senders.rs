//! Whose a number or a mailbox is: who may send from it, and where what comes in for it goes.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::config::{RouteConfig, SenderConfig};
use switchboard::domain::{Channel, WorkspaceId};

use crate::harness::{Answer, Setup, TestApp, WEBHOOK_SECRET, email, minutes, path_of, sms, text};
use crate::provider::silence;
use crate::receiving::inbound;
use crate::routing::route;

const OURS: &str = "+12016661234";
const THEIRS: &str = "+12016665678";
const THEIR_MAILBOX: &str = "desk@shop.example";

fn sender(address: &str, workspace: i64, provider: Option<&str>) -> SenderConfig {
    SenderConfig { address: address.to_owned(), workspace, provider: provider.map(str::to_owned) }
}

/// A server whose second workspace has a number and a mailbox of its own; gives both workspaces' keys.
async fn start(setup: Setup) -> (TestApp, [String; 2]) {
    let senders = vec![sender(OURS, 1, None), sender(THEIRS, 2, None), sender(THEIR_MAILBOX, 2, None)];
    let app = Setup { mode: switchboard::http::Mode::Serve, senders, ..setup }.start().await;
    let shop = app.workspace("shop").await;
    assert_eq!(shop, WorkspaceId(2));
    let keys = [app.key_of(WorkspaceId::DEFAULT, &[Scope::Admin]).await, app.key_of(shop, &[Scope::Admin]).await];
    (app, keys)
}

fn from(sender: &str) -> Value {
    let mut draft = sms("hello");
    draft["from"] = json!(sender);
    draft
}

fn brought(id: &str, to: &str) -> Value {
    let mut body = inbound(id, "hello");
    body["to"] = json!(to);
    body
}

async fn hook(app: &TestApp, path: &str, body: Value) -> Answer {
    app.showing(&format!("Bearer {WEBHOOK_SECRET}"), Method::POST, path, Some(body)).await
}

async fn post(app: &TestApp, key: &str, path: &str, body: Value) -> Answer {
    app.showing(key, Method::POST, path, Some(body)).await
}

async fn count(app: &TestApp, key: &str) -> usize {
    app.showing(key, Method::GET, "/api/conversations", None).await["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_workspace_sends_from_its_own_numbers_alone_and_learns_nothing_of_others() {
    let (app, [ours, theirs]) = start(Setup::default()).await;
    assert_eq!(post(&app, &ours, "/api/messages/sms", from(OURS)).await.status, 201);
    assert_eq!(post(&app, &theirs, "/api/messages/sms", from(THEIRS)).await.status, 201);
    let refused = post(&app, &ours, "/api/messages/sms", from(THEIRS)).await;
    assert_eq!(refused.errors(), ["from not_your_sender"]);
    let unlisted = post(&app, &ours, "/api/messages/sms", from("+12016660000")).await;
    assert_eq!(unlisted["errors"], refused["errors"], "what nobody has and what others have is told the same way");
    let batch = json!({ "messages": [from(OURS), from(THEIRS)] });
    let batch = post(&app, &ours, "/api/messages/batch", batch).await;
    assert_eq!((&batch["accepted"], &batch["refused"]), (&json!(1), &json!(1)));
    assert_eq!(batch["results"][1]["errors"][0]["field"], "messages[1].from");
    let said = json!({ "senderPhone": THEIRS, "receiverPhone": "+18045551234", "messageText": "hello",
        "timestamp": 1_700_000_000, "uuid": "u-1" });
    assert_eq!(post(&app, &ours, "/api/send-sms", said).await.errors(), ["senderPhone not_your_sender"]);
    let mut absent = from(OURS);
    absent.as_object_mut().unwrap().remove("from");
    assert_eq!(post(&app, &ours, "/api/messages/sms", absent).await.errors(), ["from required"]);
    app.run_outbox().await;
}

#[tokio::test]
async fn what_comes_in_is_the_workspaces_whose_number_it_is_for() {
    let (app, [ours, theirs]) = start(Setup::default()).await;
    let message = hook(&app, "/api/webhooks/sms", brought("m-1", THEIRS)).await;
    assert_eq!(message.status, 200, "{:?}", message.body);
    let again = hook(&app, "/api/webhooks/sms", brought("m-1", THEIRS)).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &message.body));
    let mail = json!({ "from": "a@b.example", "to": ["nobody@here.example", THEIR_MAILBOX], "xillio_id": "x", "body": "hello" });
    assert_eq!(hook(&app, "/api/webhooks/email", mail).await.status, 200);
    assert_eq!((count(&app, &ours).await, count(&app, &theirs).await), (0, 2));
    let path = format!("/api/conversations/{}/messages", message["conversation_id"]);
    let reply = post(&app, &theirs, &path, json!({ "body": "an answer" })).await;
    assert_eq!((reply.status.as_u16(), text(&reply["from"])), (201, THEIRS), "the conversation keeps its sender");
    assert_eq!(post(&app, &ours, &path, json!({ "body": "an answer" })).await.status, 404);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_mail_is_answered_from_the_first_mailbox_of_its_own_workspace() {
    let (app, [_, theirs]) = start(Setup::default()).await;
    let nobody = "nobody@here.example";
    for (id, to, cc) in
        [("x", vec![nobody, THEIR_MAILBOX], vec![]), ("y", vec![nobody], vec![THEIR_MAILBOX, "c@d.example"])]
    {
        let others: Vec<&str> = cc.iter().copied().filter(|other| *other != THEIR_MAILBOX).collect();
        let mail = json!({ "from": "a@b.example", "to": to, "cc": cc, "xillio_id": id, "body": "hello" });
        let mail = hook(&app, "/api/webhooks/email", mail).await;
        assert_eq!(mail.status, 200, "{:?}", mail.body);
        let path = format!("/api/conversations/{}/messages", mail["conversation_id"]);
        let reply = post(&app, &theirs, &path, json!({ "body": "an answer" })).await;
        assert_eq!((reply.status.as_u16(), text(&reply["from"])), (201, THEIR_MAILBOX), "{:?}", reply.body);
        app.run_outbox().await;
        let envelope = app.provider.attempts().pop().unwrap().envelope;
        let to: Vec<&str> = envelope.to.iter().map(switchboard::domain::Address::as_str).collect();
        let cc: Vec<&str> = envelope.cc.iter().map(switchboard::domain::Address::as_str).collect();
        assert_eq!((to, cc), (vec!["a@b.example", nobody], others));
    }
}

#[tokio::test]
async fn what_waits_is_not_sent_from_a_number_that_has_become_anothers() {
    let (app, [ours, _]) = start(Setup::default()).await;
    let mut drafts = vec![from(OURS), from(OURS), from(OURS)];
    drafts[1]["scheduled_at"] = json!((app.now() + minutes(1)).to_string());
    drafts[2]["to"] = json!("+18045559999");
    let mut messages = Vec::new();
    app.provider.script([silence()]);
    for draft in drafts.into_iter().rev() {
        messages.push(post(&app, &ours, "/api/messages/sms", draft).await.body);
        if messages.len() == 1 {
            app.run_outbox().await;
        }
    }
    let senders = vec![sender(OURS, 2, None)];
    let app = Setup { senders, database: Some(app.stop().await), ..Setup::serve() }.start().await;
    app.run_for(minutes(2)).await;
    assert!(app.provider.attempts().is_empty());
    for message in &messages[1..] {
        let shown = app.showing(&ours, Method::GET, &path_of(message), None).await;
        let (status, reason) = (text(&shown["status"]), text(&shown["status_reason"]));
        assert_eq!((status, reason, &shown["final"]), ("rejected", "not_your_sender", &json!(true)));
    }
    let again = post(&app, &ours, &format!("{}/replay", path_of(&messages[0])), json!({})).await;
    assert_eq!((again.status.as_u16(), text(&again["code"])), (409, "not_your_sender"), "{:?}", again.body);
}

#[tokio::test]
async fn what_is_for_nobody_waits_in_quarantine_until_it_is_somebodys() {
    let (app, [ours, _]) = start(Setup::default()).await;
    let kept = hook(&app, "/api/webhooks/sms", brought("m-1", "+12016660000")).await;
    assert_eq!((kept.status.as_u16(), kept.errors()), (202, vec!["to belongs_nowhere".to_owned()]));
    assert_eq!(app.count_messages().await, 0);
    let listed = app.showing(&ours, Method::GET, "/api/quarantine", None).await;
    assert_eq!(text(&listed["data"][0]["reason"]), "to: belongs_nowhere");
    let replay = format!("/api/quarantine/{}/replay", kept["quarantined"]);
    let still = post(&app, &ours, &replay, json!({})).await;
    assert_eq!((still.status.as_u16(), still.errors()), (409, vec!["to belongs_nowhere".to_owned()]));

    let senders = vec![sender(OURS, 1, None), sender("+12016660000", 2, None)];
    let database = app.stop().await;
    let app = Setup { senders, database: Some(database), ..Setup::serve() }.start().await;
    let taken = post(&app, &ours, &replay, json!({})).await;
    assert_eq!((taken.status.as_u16(), &taken["message"]["body"]), (200, &json!("hello")), "{:?}", taken.body);
    let theirs = app.key_of(WorkspaceId(2), &[Scope::Admin]).await;
    assert_eq!((count(&app, &ours).await, count(&app, &theirs).await), (0, 1));
}

#[tokio::test]
async fn a_text_between_two_of_our_own_numbers_arrives_once() {
    let (app, [ours, theirs]) = start(Setup::default()).await;
    let said = json!({ "senderPhone": OURS, "receiverPhone": THEIRS, "messageText": "hello",
        "timestamp": 1_700_000_000, "uuid": "u-1" });
    assert_eq!(post(&app, &ours, "/api/send-sms", said.clone()).await.status, 200);
    app.run_outbox().await;
    assert_eq!(hook(&app, "/api/receive-sms", said.clone()).await.status, 200);
    assert_eq!(app.count_messages().await, 1);
    let mut other = said.clone();
    other["uuid"] = json!("u-2");
    assert_eq!(hook(&app, "/api/receive-sms", other.clone()).await.status, 200);
    assert_eq!((count(&app, &ours).await, count(&app, &theirs).await), (1, 1));
    other["uuid"] = json!("u-3");
    other["receiverPhone"] = json!("+12016660000");
    let kept = hook(&app, "/api/receive-sms", other).await;
    assert_eq!((kept.status.as_u16(), &kept["errors"][0]["code"]), (202, &json!("belongs_nowhere")));
    let replay = post(&app, &ours, &format!("/api/quarantine/{}/replay", kept["quarantined"]), json!({})).await;
    assert_eq!((replay.status.as_u16(), text(&replay["errors"][0]["field"])), (409, "to"), "it is looked at again");
}

#[tokio::test]
async fn the_form_sends_from_a_number_of_its_own_workspace() {
    let setup = Setup::default().with("SWITCHBOARD_DEFAULT_SENDER", OURS);
    let (app, [ours, theirs]) = start(setup).await;
    let form = json!({ "recipient_phone": "8045551234", "message_body": "hello" });
    for key in [&ours, &theirs] {
        assert_eq!(post(&app, key, "/send-message", form.clone()).await.status, 201);
    }
    app.run_outbox().await;
    let from: Vec<String> =
        app.provider.attempts().iter().map(|attempt| attempt.envelope.from.as_str().to_owned()).collect();
    assert_eq!(from, [OURS, THEIRS]);
    let third = app.workspace("without a number").await;
    let key = app.key_of(third, &[Scope::Admin]).await;
    let refused = post(&app, &key, "/send-message", form).await;
    assert_eq!((refused.status.as_u16(), text(&refused["code"])), (400, "no_default_sender"));
}

#[tokio::test]
async fn a_sender_goes_by_its_own_provider_unless_a_route_names_it() {
    let named = RouteConfig { sender: Some(THEIRS.to_owned()), ..route(&[Channel::Sms], &["test"], &[]) };
    let setup = Setup {
        others: vec!["second"],
        routes: vec![route(&[Channel::Sms], &["test"], &[]), named],
        senders: vec![sender(OURS, 1, Some("second")), sender(THEIRS, 1, Some("second"))],
        ..Setup::default()
    };
    let app = setup.start().await;
    for number in [OURS, THEIRS] {
        app.send(from(number)).await;
    }
    app.run_outbox().await;
    let from = |attempts: Vec<crate::provider::Attempted>| {
        attempts.iter().map(|attempt| attempt.envelope.from.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(from(app.others["second"].attempts()), [OURS]);
    assert_eq!(from(app.provider.attempts()), [THEIRS]);
    let unknown = app.post("/api/messages/email", email("no mailbox is ours")).await;
    assert_eq!(unknown.errors(), ["from not_your_sender"]);
}
