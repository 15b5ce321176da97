//! Workspaces, their settings, their people, and their keys.

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::{Role, WorkspaceId};

use crate::harness::{Setup, TestApp, text};

const ADMIN: &[Scope] = &[Scope::Admin];

#[tokio::test]
async fn only_the_servers_owner_makes_workspaces() {
    let app = Setup::serve().with_senders().start().await;
    let owner = app.key(ADMIN).await;
    let body = json!({ "name": "The shop", "admin_email": "owner@shop.example" });
    let made = app.showing(&owner, Method::POST, "/api/workspaces", Some(body.clone())).await;
    assert_eq!((made.status.as_u16(), text(&made["name"]), text(&made["strangers"])), (201, "The shop", "write"));
    let shop = WorkspaceId(made["id"].as_i64().unwrap());
    let its_admin = app.person_of(shop, "shopkeeper", Role::Admin).await;
    let its_key = app.key_of(shop, ADMIN).await;
    let agent = app.person("porky", Role::Agent).await;
    for authorization in [&its_admin.authorization, &its_key, &agent.authorization] {
        for (method, body) in [(Method::GET, None), (Method::POST, Some(body.clone()))] {
            assert_eq!(app.showing(authorization, method, "/api/workspaces", body).await.status, 403);
        }
        for path in ["/metrics", "/api/simulator/chaos", "/api/simulator/handsets"] {
            assert_eq!(app.showing(authorization, Method::GET, path, None).await.status, 403, "{path}");
        }
    }
    let admin = app.person("bugs", Role::Admin).await;
    let listed = app.as_person(&admin, Method::GET, "/api/workspaces", None).await;
    let names: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|row| text(&row["name"])).collect();
    assert_eq!(names, ["default", "The shop"]);
    let both = json!({ "admin_email": "a@b.example", "admin_mobile": "+12025550101" });
    let refused = app.showing(&owner, Method::POST, "/api/workspaces", Some(both)).await;
    assert_eq!(refused.errors(), ["name required", "admin_mobile invalid"]);
    assert_eq!(app.run_outbox().await, 1, "the invitation of its admin");
}

#[tokio::test]
async fn settings_are_changed_one_by_one() {
    let app = TestApp::start().await;
    let settings = "/api/settings";
    assert_eq!(app.get(settings).await["group_history"], "joined");
    let changed = app.call(Method::PATCH, settings, Some(json!({ "strangers": "no" }))).await;
    assert_eq!((text(&changed["strangers"]), text(&changed["group_history"])), ("no", "joined"));
    app.call(Method::PATCH, settings, Some(json!({ "name": "Hutch", "group_history": "all" }))).await;
    let now = app.get(settings).await;
    let found = [&now["name"], &now["strangers"], &now["group_history"]].map(text);
    assert_eq!(found, ["Hutch", "no", "all"]);
    let wrong = json!({ "name": "", "strangers": "maybe", "group_history": 1 });
    let refused = app.call(Method::PATCH, settings, Some(wrong)).await;
    assert_eq!(refused.errors(), ["name invalid", "strangers invalid", "group_history invalid"]);
}

#[tokio::test]
async fn a_new_role_counts_from_the_next_request_on() {
    let app = Setup::serve().start().await;
    let admin = app.person("bugs", Role::Admin).await;
    let duck = app.person("duck", Role::Member).await;
    assert_eq!(app.as_person(&duck, Method::GET, "/api/members", None).await.status, 403);
    let path = "/api/members/DUCK";
    let changed = app.as_person(&admin, Method::PATCH, path, Some(json!({ "role": "admin" }))).await;
    assert_eq!((changed.status.as_u16(), text(&changed["role"])), (200, "admin"));
    let listed = app.as_person(&duck, Method::GET, "/api/members", None).await;
    let roles: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|row| text(&row["role"])).collect();
    assert_eq!((listed.status.as_u16(), roles), (200, vec!["admin", "admin"]));
    assert_eq!(app.as_person(&duck, Method::DELETE, "/api/members/bugs", None).await.status, 204);
    let gone = app.as_person(&admin, Method::GET, "/api/members", None).await;
    assert_eq!((gone.status.as_u16(), text(&gone["code"])), (403, "no_workspace"));
    let told = app.as_person(&admin, Method::GET, "/api/app", None).await;
    assert_eq!((told["user_id"].is_i64(), &told["workspace_id"]), (true, &json!(null)), "signed in all the same");
    assert_eq!(app.as_person(&duck, Method::DELETE, "/api/members/bugs", None).await.status, 404);
    for path in ["/api/members/%00", "/api/members/a%20b", "/api/members/x%27y"] {
        let nobody = app.as_person(&duck, Method::DELETE, path, None).await;
        assert_eq!((nobody.status.as_u16(), text(&nobody["code"])), (404, "no_such_member"), "{path}");
    }
    let wrong = app.as_person(&duck, Method::PATCH, path, Some(json!({ "role": "owner" }))).await;
    assert_eq!(wrong.errors(), ["role invalid"]);
}

#[tokio::test]
async fn the_last_admin_stays_one_however_many_try_at_once() {
    let app = Setup::serve().start().await;
    let key = app.key(ADMIN).await;
    for name in ["bugs", "duck", "porky"] {
        app.person(name, Role::Admin).await;
    }
    let remove = async |name: &str| {
        let path = format!("/api/members/{name}");
        app.showing(&key, Method::DELETE, &path, None).await
    };
    let gone = futures_util::future::join_all(["bugs", "duck", "porky"].map(remove)).await;
    let mut statuses: Vec<u16> = gone.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 204, 409]);
    assert!(gone.iter().any(|answer| answer["code"] == "last_admin"));
    let last = app.showing(&key, Method::GET, "/api/members", None).await;
    let name = text(&last["data"][0]["user_name"]).to_owned();
    let demote = Some(json!({ "role": "agent" }));
    let refused = app.showing(&key, Method::PATCH, &format!("/api/members/{name}"), demote).await;
    assert_eq!((refused.status.as_u16(), text(&refused["code"])), (409, "last_admin"));
}

#[tokio::test]
async fn a_workspaces_keys_are_its_own() {
    let app = Setup::serve().start().await;
    let shop = app.workspace("shop").await;
    let (ours, theirs) = (app.key(ADMIN).await, app.key_of(shop, ADMIN).await);
    let ids = async |key: &str| -> Vec<Value> {
        let listed = app.showing(key, Method::GET, "/api/keys", None).await;
        assert!(!listed.text().contains("sb_live_"));
        listed["data"].as_array().unwrap().iter().map(|key| key["id"].clone()).collect()
    };
    assert_eq!((ids(&ours).await, ids(&theirs).await), (vec![json!(1)], vec![json!(2)]));
    let revoke = async |key: &str, id: i64| {
        let path = format!("/api/keys/{id}");
        app.showing(key, Method::DELETE, &path, None).await.status.as_u16()
    };
    assert_eq!((revoke(&theirs, 1).await, revoke(&theirs, 99).await), (404, 404));
    let spare = app.key(&[Scope::MessagesRead]).await;
    assert_eq!(app.showing(&spare, Method::GET, "/api/conversations", None).await.status, 200);
    assert_eq!((revoke(&ours, 3).await, revoke(&ours, 3).await), (204, 404));
    assert_eq!(app.showing(&spare, Method::GET, "/api/conversations", None).await.status, 401);
}
