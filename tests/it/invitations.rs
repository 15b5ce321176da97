//! Invitations: what is sent joins a workspace, once, within a week.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::{Role, WorkspaceId};

use crate::harness::{Answer, Person, Setup, TestApp, hours, text};
use crate::traffic::invitation_in;
use crate::visitor::sign_up;

/// Invites, and gives the token that was carried.
async fn invited(app: &TestApp, admin: &str, body: Value) -> (Value, String) {
    let answer = app.showing(admin, Method::POST, "/api/invitations", Some(body)).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    assert!(!answer.text().contains("sb_invite_"));
    app.run_outbox().await;
    (answer.body, invitation_in(&app.provider.attempts().last().unwrap().envelope.body))
}

async fn accept(app: &TestApp, person: &Person, token: &str) -> Answer {
    app.as_person(person, Method::POST, "/api/invitations/accept", Some(json!({ "token": token }))).await
}

#[tokio::test]
async fn what_is_carried_joins_once() {
    let app = Setup::serve().with("SWITCHBOARD_PUBLIC_URL", "https://sms.example.com").with_senders().start().await;
    let shop = app.workspace("shop").await;
    let admin = app.key_of(shop, &[Scope::Admin]).await;
    let body = json!({ "email": "duck@pond.example", "role": "agent" });
    let (sent, token) = invited(&app, &admin, body).await;
    let carried = app.provider.attempts().last().unwrap().envelope.clone();
    assert!(carried.body.contains("https://sms.example.com/join#sb_invite_"), "{}", carried.body);
    assert!(carried.body.contains("shop") && !carried.body.contains("{secret}"), "{}", carried.body);
    let duck = app.person("duck", Role::Member).await;
    let joined = accept(&app, &duck, &token).await;
    assert_eq!((joined.status.as_u16(), text(&joined["role"])), (200, "agent"));
    assert_eq!(joined["workspace"]["id"], json!(shop.0));
    assert_eq!(accept(&app, &duck, &token).await.status, 401, "the session's token is another one");
    let duck = Person { authorization: format!("Bearer {}", text(&joined["token"])), ..duck };
    let people = app.showing(&admin, Method::GET, "/api/members", None).await;
    assert_eq!(text(&people["data"][0]["user_name"]), "duck");
    let other = app.person("porky", Role::Member).await;
    for person in [&duck, &other] {
        let again = accept(&app, person, &token).await;
        assert_eq!((again.status.as_u16(), text(&again["code"])), (404, "no_such_invitation"));
    }
    let listed = app.showing(&admin, Method::GET, "/api/invitations", None).await;
    let entry = &listed["data"][0];
    assert_eq!((text(&entry["to"]), text(&entry["state"])), ("duck@pond.example", "accepted"));
    assert_eq!(entry["id"], sent["id"]);
    let revoked = app.showing(&admin, Method::DELETE, &format!("/api/invitations/{}", sent["id"]), None).await;
    assert_eq!(revoked.status, 404, "it is used");
}

#[tokio::test]
async fn an_invitation_that_is_over_or_taken_back_joins_nobody() {
    let app = Setup::serve().with_senders().start().await;
    let admin = app.key(&[Scope::Admin]).await;
    let shop = app.workspace("shop").await;
    let stranger = app.person_of(shop, "stranger", Role::Member).await;
    let body = json!({ "mobile": "+12025550143", "role": "admin" });
    let (sent, revoked) = invited(&app, &admin, body.clone()).await;
    let foreign = app.key_of(shop, &[Scope::Admin]).await;
    let path = format!("/api/invitations/{}", sent["id"]);
    assert_eq!(app.showing(&foreign, Method::DELETE, &path, None).await.status, 404);
    assert_eq!(app.showing(&admin, Method::DELETE, &path, None).await.status, 204);
    let (_, late) = invited(&app, &admin, body.clone()).await;
    app.advance(hours(24 * 7));
    let (_, good) = invited(&app, &admin, body).await;
    let changed = format!("{}x", &good[..good.len() - 1]);
    for token in [&revoked, &late, &changed, &good.to_uppercase(), "sb_invite_", "x"] {
        assert_eq!(accept(&app, &stranger, token).await.status, 404, "{token}");
    }
    let listed = app.showing(&admin, Method::GET, "/api/invitations", None).await;
    let states: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|entry| text(&entry["state"])).collect();
    assert_eq!(states, ["pending", "expired", "revoked"]);
    let joined = accept(&app, &stranger, &good).await;
    assert_eq!(joined.status, 200);
    let stranger = Person { authorization: format!("Bearer {}", text(&joined["token"])), ..stranger };
    assert_eq!(app.as_person(&stranger, Method::GET, "/api/members", None).await.status, 200);
}

#[tokio::test]
async fn fifty_who_accept_at_once_are_one() {
    let app = Setup::serve().with_senders().start().await;
    let admin = app.key(&[Scope::Admin]).await;
    let (_, token) = invited(&app, &admin, json!({ "email": "a@b.example", "role": "member" })).await;
    let shop = app.workspace("shop").await;
    let mut people = Vec::new();
    for at in 0..10 {
        people.push(app.person_of(shop, &format!("person-{at}"), Role::Member).await);
    }
    let tries = (0..50).map(|at| accept(&app, &people[at % 10], &token));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(app.database().number("select count(*) from memberships where workspace_id = 1").await, 1);
}

#[tokio::test]
async fn whoever_is_more_already_stays_it() {
    let app = Setup::serve().with_senders().start().await;
    let admin = app.person("bugs", Role::Admin).await;
    let (_, token) = invited(&app, &admin.authorization, json!({ "email": "a@b.example", "role": "member" })).await;
    assert_eq!(accept(&app, &admin, &token).await["role"], "admin");
}

#[tokio::test]
async fn neither_token_nor_address_stands_in_clear() {
    let app = Setup::serve().with_senders().start().await;
    let admin = app.key(&[Scope::Admin]).await;
    let (_, token) = invited(&app, &admin, json!({ "email": "canary@pond.example", "role": "member" })).await;
    for sql in [
        "select cast(body as text) from messages",
        "select coalesce(subject, '') from messages",
        "select cast(data as text) from audit_log",
        "select cast(data as text) from message_events",
    ] {
        for row in app.database().texts(sql).await {
            assert!(!row.contains(&token[10..]) && !row.contains("pond.example"), "{sql}: {row}");
        }
    }
    assert_eq!(app.database().number("select count(*) from conversations where workspace_id > 0").await, 0);
    let read = app.showing(&admin, Method::GET, "/api/conversations", None).await;
    assert_eq!(read["data"], json!([]));
}

#[tokio::test]
async fn an_invitation_that_cannot_be_sent_is_not_made() {
    let app = Setup { channels: Vec::new(), ..Setup::serve() }.start().await;
    let admin = app.key_of(WorkspaceId::DEFAULT, &[Scope::Admin]).await;
    let body = json!({ "email": "a@b.example", "role": "member" });
    let refused = app.showing(&admin, Method::POST, "/api/invitations", Some(body)).await;
    assert_eq!((refused.status.as_u16(), text(&refused["code"])), (409, "no_provider"));
    assert_eq!(app.database().number("select count(*) from invitations").await, 0);
    for (body, errors) in [
        (json!({}), vec!["email required", "role required"]),
        (json!({ "mobile": "40404", "role": "member" }), vec!["mobile invalid"]),
        (
            json!({ "email": "a@b.example", "mobile": "+12025550143", "role": "x" }),
            vec!["mobile invalid", "role invalid"],
        ),
    ] {
        let refused = app.showing(&admin, Method::POST, "/api/invitations", Some(body.clone())).await;
        assert_eq!(refused.errors(), errors, "{body}");
    }
}

#[tokio::test]
async fn an_invitation_is_open_again_when_the_account_that_used_it_never_was_one() {
    let app = Setup::serve().with_senders().start().await;
    let admin = app.key(&[Scope::Admin]).await;
    let (_, token) = invited(&app, &admin, json!({ "email": "ducky@people.example", "role": "agent" })).await;
    let wish = |name: &str, mobile: &str| {
        let mut body = sign_up(name, mobile);
        body["invitation"] = json!(token);
        body
    };
    assert_eq!(app.post("/api/users", wish("ducky", "+12025550143")).await.status, 201);
    assert_eq!(app.post("/api/users", wish("bunny", "+13125550143")).await.status, 400);
    app.run_outbox().await;
    app.advance(hours(25));
    let mut tx = app.store().begin().await.unwrap();
    assert_eq!(tx.forget_ended_accounts(app.now()).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(app.post("/api/users", wish("bunny", "+13125550143")).await.status, 201);
    app.run_outbox().await;
}

#[tokio::test]
async fn where_sign_up_is_closed_an_invitation_opens_it_once() {
    let app = Setup::serve().with_senders().start().await;
    let shop = app.workspace("shop").await;
    let admin = app.key_of(shop, &[Scope::Admin]).await;
    let wish = sign_up("ducky", "+12025550143");
    let closed = app.post("/api/users", wish.clone()).await;
    assert_eq!((closed.status.as_u16(), text(&closed["code"])), (403, "sign_up_closed"));
    let (_, token) = invited(&app, &admin, json!({ "email": "ducky@people.example", "role": "agent" })).await;
    let invited_by = |mut body: Value, token: &str| {
        body["invitation"] = json!(token);
        body
    };
    let wrong = app.post("/api/users", invited_by(wish.clone(), "sb_invite_wrong")).await;
    assert_eq!((wrong.status.as_u16(), wrong.errors()), (400, vec!["invitation incorrect".to_owned()]));
    assert_eq!(app.post("/api/users", invited_by(wish, &token)).await.status, 201);
    let people = app.showing(&admin, Method::GET, "/api/members", None).await;
    assert_eq!((text(&people["data"][0]["user_name"]), text(&people["data"][0]["role"])), ("ducky", "agent"));
    let again = app.post("/api/users", invited_by(sign_up("bunny", "+13125550143"), &token)).await;
    assert_eq!(again.errors(), ["invitation incorrect"]);
    let nosy = app.post("/api/users", invited_by(sign_up("ducky", "+12025550143"), "sb_invite_wrong")).await;
    assert_eq!(nosy.errors(), ["invitation incorrect"], "who has no invitation learns of nobody");
    assert_eq!(app.database().number("select count(*) from users").await, 1);
    app.run_outbox().await;
}

#[tokio::test]
async fn an_invitation_carries_no_link_and_no_line_of_whoever_named_the_workspace() {
    let app = Setup::serve().with("SWITCHBOARD_PUBLIC_URL", "https://sms.example.com").with_senders().start().await;
    let shop = app.workspace("Your bank\r\n\r\nCall +1 800 555 1234 or see https://evil.example/{secret}").await;
    let admin = app.key_of(shop, &[Scope::Admin]).await;
    for to in
        [json!({ "email": "duck@pond.example", "role": "agent" }), json!({ "mobile": "+12025550143", "role": "agent" })]
    {
        let (_, token) = invited(&app, &admin, to).await;
        let carried = app.provider.attempts().last().unwrap().envelope.clone();
        let wanted = format!(
            "an administrator invites you to \"Your bank Call or see https evil example\": \
             https://sms.example.com/join#{token} (good for 7 days)"
        );
        assert_eq!(carried.body, wanted);
        assert!(carried.is_automatic, "nothing answers it");
        let subject = carried.subject.unwrap_or_default();
        assert!(subject.is_empty() || subject == "You are invited to \"Your bank Call or see https evil example\"");
    }
}
