//! What a joined conversation shows while its parts change one by one: who leaves, what begins, what is deleted.

use std::time::Duration;

use serde_json::{Value, json};
use switchboard::domain::{LabelId, Role, WorkspaceId};

use super::{ADA, ADA_MAIL, MAILBOX, NEWS, OTHER_OWN, OWN, at, come, contact, get, patch, take};
use crate::harness::{TestApp, text};

#[tokio::test]
async fn whoever_leaves_gives_up_their_part_and_the_joined_one_is_whoevers_is_left() {
    let app = TestApp::start().await;
    let (ann, bob) = (app.person("ann", Role::Agent).await, app.person("bob", Role::Agent).await);
    come(&app, "1", ADA, OWN).await;
    come(&app, "2", ADA_MAIL, MAILBOX).await;
    patch(&app, "/api/conversations/1", json!({ "assignee": ann.username })).await;
    patch(&app, "/api/conversations/2", json!({ "assignee": bob.username })).await;
    let made = contact(&app, "Ada", &[ADA, ADA_MAIL]).await;
    let joint = at(&made["conversation_id"]);
    assert_eq!(text(&get(&app, &joint).await["assignee"]), "ann");
    assert_eq!(app.delete("/api/members/ann").await.status, 204);
    assert_eq!(text(&get(&app, &joint).await["assignee"]), "bob");
    let last = app.list(&format!("{joint}/activity")).await.pop().unwrap();
    assert_eq!((text(&last["kind"]), text(&last["assignee"])), ("assignee", "bob"));
    take(&app, &made, ADA).await;
    assert_eq!(get(&app, "/api/conversations/1").await["assignee"], Value::Null);
    assert_eq!(text(&get(&app, "/api/conversations/2").await["assignee"]), "bob");
}

#[tokio::test]
async fn a_closed_joined_one_is_opened_by_what_comes_in_and_not_by_what_goes_out() {
    let app = TestApp::start().await;
    come(&app, "1", ADA, OWN).await;
    come(&app, "2", ADA_MAIL, MAILBOX).await;
    let made = contact(&app, "Ada", &[ADA, ADA_MAIL]).await;
    let joint = at(&made["conversation_id"]);
    patch(&app, &joint, json!({ "state": "closed" })).await;
    let sent = app.post("/api/messages/sms", json!({ "from": OTHER_OWN, "to": ADA, "type": "sms", "body": "x" })).await;
    assert_eq!((sent.status.as_u16(), &sent["conversation_id"]), (201, &made["conversation_id"]), "{:?}", sent.body);
    assert_eq!(text(&get(&app, &joint).await["state"]), "closed");
    let open = "select count(*) from conversations where state = 'open'";
    assert_eq!(app.database().number(open).await, 0);
    come(&app, "3", ADA, "+12016661236").await;
    assert_eq!(text(&get(&app, &joint).await["state"]), "open");
    let acts = app.list(&format!("{joint}/activity")).await;
    let last = acts.last().unwrap();
    assert_eq!((text(&last["kind"]), text(&last["state"])), ("state", "open"));
    app.leave_work();
}

#[tokio::test]
async fn a_label_that_is_deleted_meanwhile_holds_no_message_up() {
    let app = TestApp::start().await;
    come(&app, "1", ADA, OWN).await;
    come(&app, "2", ADA_MAIL, MAILBOX).await;
    assert_eq!(app.post("/api/labels", json!({ "name": "one" })).await.status, 201);
    assert_eq!(app.put("/api/conversations/1/labels/1", Value::Null).await.status, 204);
    let made = contact(&app, "Ada", &[ADA, ADA_MAIL]).await;
    let mut tx = app.store().begin().await.unwrap();
    assert!(tx.delete_label(WorkspaceId::DEFAULT, LabelId(1)).await.unwrap());
    let deleted = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        tx.commit().await.unwrap();
    };
    let (said, ()) = tokio::join!(come(&app, "3", ADA, OTHER_OWN), deleted);
    assert_eq!(said["conversation_id"], made["conversation_id"]);
    let shown = get(&app, &at(&made["conversation_id"])).await;
    assert_eq!((&shown["labels"], &shown["message_count"]), (&Value::Null, &json!(3)));
}

#[tokio::test]
async fn nothing_is_told_of_those_who_are_only_in_a_group_with_a_contact_nor_of_a_beginning_before_it() {
    let app = TestApp::start().await;
    let bob = "+18045550000";
    come(&app, "1", bob, OWN).await;
    come(&app, "2", bob, OTHER_OWN).await;
    contact(&app, "Bob", &[bob]).await;
    let group = json!({ "from": ADA, "to": [OWN, bob], "type": "sms", "body": "all", "messaging_provider_id": "3",
                        "timestamp": null });
    assert_eq!(app.post("/api/webhooks/sms", group).await.status, 200);
    let mark = app.database().number("select max(id) from events").await;
    contact(&app, "Ada", &[ADA]).await;
    assert_eq!(app.database().texts(&format!("{NEWS} {mark} order by id")).await, Vec::<String>::new());
    let first = come(&app, "4", ADA, OWN).await["conversation_id"].clone();
    let told = app.database().texts(&format!("{NEWS} {mark} order by id")).await;
    assert_eq!(told, [format!("conversation.created {first}"), format!("message.received {first}")]);
}
