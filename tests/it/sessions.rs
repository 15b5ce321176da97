//! Sessions: none is fixed, none outlives its end, and their owner sees and ends them.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{TestApp, hours, minutes, seconds, text};
use crate::visitor::{PASSWORD, Visitor, last_code, outcome, sign_up, wrong};

const MOBILE: &str = "+12025550161";

#[tokio::test]
async fn the_token_from_before_the_code_is_dead_after_it() {
    let app = TestApp::start().await;
    let visitor = Visitor::default();
    visitor.post(&app, "/api/users", sign_up("alice", MOBILE)).await;
    let fixed = visitor.copy();
    visitor.enter_code(&app).await;
    assert_ne!(visitor.cookies(), fixed.cookies());
    assert!(visitor.is_signed_in(&app).await);
    assert!(!fixed.is_signed_in(&app).await);
    let answer = fixed.get(&app, "/api/auth/sessions").await;
    assert_eq!(outcome(&answer), (401, "unauthorized"));
    let verified = visitor.copy();
    let code = visitor.code_for(&app, "change_profile").await;
    let body = json!({ "code": code, "purpose": "change_profile" });
    assert_eq!(visitor.post(&app, "/api/auth/verify-code", body).await.status, 200);
    assert!(visitor.is_signed_in(&app).await && !verified.is_signed_in(&app).await, "at every rise of rights");
}

#[tokio::test]
async fn nothing_is_left_of_a_session_after_its_end() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    let thief = visitor.copy();
    assert_eq!(visitor.post(&app, "/api/auth/logout", Value::Null).await.status, 204);
    assert!(visitor.cookies().is_empty());
    for (method, path) in [(Method::GET, "/api/auth/sessions"), (Method::GET, "/api/conversations")] {
        assert_eq!(thief.copy().call(&app, method, path, Value::Null).await.status, 401, "{path}");
    }
    assert_eq!(app.database().number("select count(*) from sessions").await, 0);
}

#[tokio::test]
async fn a_session_that_waits_for_its_code_waits_fifteen_minutes() {
    let app = TestApp::start().await;
    let visitor = Visitor::default();
    visitor.post(&app, "/api/users", sign_up("alice", MOBILE)).await;
    last_code(&app).await;
    app.advance(seconds(15 * 60 - 1));
    let fresh = visitor.code_for(&app, "login").await;
    let waiting = visitor.post(&app, "/api/auth/verify-code", json!({ "code": wrong(&fresh) })).await;
    assert_eq!(outcome(&waiting), (401, "incorrect_code"));
    app.advance(seconds(1));
    let late = visitor.post(&app, "/api/auth/verify-code", json!({ "code": fresh })).await;
    assert_eq!(outcome(&late), (401, "unauthorized"));
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_or_old() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    for _ in 0..6 {
        app.advance(seconds(14 * 24 * 3_600 - 1));
        assert!(visitor.is_signed_in(&app).await);
    }
    app.advance(hours(24 * 6) + seconds(6));
    assert!(!visitor.is_signed_in(&app).await, "after ninety days");
    let idle = Visitor::default();
    idle.login(&app, "alice").await;
    idle.enter_code(&app).await;
    app.advance(hours(24 * 14));
    assert!(!idle.is_signed_in(&app).await, "after fourteen days without use");
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions_and_nobody_elses() {
    let app = TestApp::start().await;
    let one = Visitor::new(&app, "alice", MOBILE).await;
    let stranger = Visitor::new(&app, "other", "+12025550162").await;
    let two = Visitor::default();
    two.login(&app, "alice").await;
    two.enter_code(&app).await;
    Visitor::default().login(&app, "alice").await;
    let list = one.get(&app, "/api/auth/sessions").await;
    let list = list["data"].as_array().unwrap().clone();
    assert_eq!(list.len(), 2, "one that waits for its code is none: {list:?}");
    let current: Vec<bool> = list.iter().map(|entry| entry["is_current"].as_bool().unwrap()).collect();
    assert_eq!(current, [false, true]);
    let path = format!("/api/auth/sessions/{}", list[0]["id"]);
    assert_eq!(outcome(&stranger.call(&app, Method::DELETE, &path, Value::Null).await), (404, "no_such_session"));
    assert!(two.is_signed_in(&app).await);
    assert_eq!(one.call(&app, Method::DELETE, &path, Value::Null).await.status, 204);
    assert!(!two.is_signed_in(&app).await && one.is_signed_in(&app).await);
    assert_eq!(one.call(&app, Method::DELETE, &path, Value::Null).await.status, 404);
    app.advance(minutes(11));
    two.login(&app, "alice").await;
    two.enter_code(&app).await;
    assert_eq!(one.call(&app, Method::DELETE, "/api/auth/sessions", Value::Null).await.status, 204);
    assert!(!two.is_signed_in(&app).await && one.is_signed_in(&app).await && stranger.is_signed_in(&app).await);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_client_that_says_so_gets_a_bearer_token_and_no_cookie() {
    let app = TestApp::start().await;
    Visitor::new(&app, "alice", MOBILE).await;
    let body = json!({ "login": "alice", "password": PASSWORD, "client": "bearer" });
    let begun = app.post("/api/auth/login", body).await;
    assert!(begun.header("set-cookie").is_empty() && text(&begun["token"]).starts_with("sb_sess_"));
    let bearer = |token: &Value| format!("Bearer {}", text(token));
    let code = json!({ "code": last_code(&app).await });
    let pending = bearer(&begun["token"]);
    let done = app.post_with("/api/auth/verify-code", &[("authorization", &pending)], code.to_string()).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert!(done.header("set-cookie").is_empty());
    let verified = bearer(&done["token"]);
    assert_ne!(verified, pending);
    for (token, status) in [(pending, 401), (verified, 200)] {
        let answer = app.get_with("/api/auth/sessions", &[("authorization", &token)]).await;
        assert_eq!(answer.status.as_u16(), status);
    }
}

#[tokio::test]
async fn a_session_acts_only_where_its_person_has_a_seat() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    let switch = async |body: Value| visitor.post(&app, "/api/auth/switch-workspace", body).await;
    assert_eq!(switch(json!({ "workspace_id": 1 })).await.status, 200);
    for workspace in [0, 2, -1] {
        assert_eq!(outcome(&switch(json!({ "workspace_id": workspace })).await), (404, "no_such_workspace"));
    }
    assert_eq!(switch(json!({})).await.errors(), ["workspace_id required"]);
    assert_eq!(switch(json!({ "workspace_id": "x" })).await.errors(), ["workspace_id invalid"]);
    assert!(visitor.is_signed_in(&app).await);
}

#[tokio::test]
async fn the_token_is_another_one_where_the_session_acts_from_now_on() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    let shop = app.workspace("shop").await;
    let join = format!(
        "insert into memberships (workspace_id, user_id, role, created_at)
            select {shop}, id, 'agent', created_at from users where username = 'alice'"
    );
    let ends = "select cast(ends_at as text) from sessions";
    let (before, end) = (visitor.copy(), app.database().texts(ends).await);
    let switch = async |visitor: &Visitor| {
        visitor.post(&app, "/api/auth/switch-workspace", json!({ "workspace_id": shop })).await
    };
    assert_eq!(outcome(&switch(&visitor).await), (404, "no_such_workspace"));
    assert_eq!(visitor.cookies(), before.cookies(), "nothing has changed");
    let place = async |visitor: &Visitor| visitor.get(&app, "/api/app").await["workspace_id"].clone();
    assert_eq!(place(&visitor).await, json!(1));
    app.database().execute(&join).await;
    app.advance(hours(1));
    let switched = switch(&visitor).await;
    assert_eq!((switched.status.as_u16(), &switched["token"]), (200, &Value::Null), "a browser gets a cookie");
    assert!(switched.header("set-cookie").contains(&format!("Max-Age={};", 90 * 24 * 3_600 - 3_600)));
    let seats = visitor.get(&app, "/api/auth/workspaces").await["data"].clone();
    let seats: Vec<_> = seats.as_array().unwrap().iter().collect();
    let shown =
        |at: usize| json!([seats[at]["workspace_id"], seats[at]["name"], seats[at]["role"], seats[at]["is_current"]]);
    assert_eq!(
        (shown(0), shown(1), seats.len()),
        (json!([1, "default", "member", false]), json!([shop, "shop", "agent", true]), 2)
    );
    assert!(visitor.is_signed_in(&app).await && !before.is_signed_in(&app).await);
    assert_eq!(place(&visitor).await, json!(shop));
    assert_eq!(app.database().texts(ends).await, end, "it lives no longer for that");
}

#[tokio::test]
async fn a_code_that_is_right_and_a_sign_out_at_once_do_not_wait_for_each_other() {
    let app = TestApp::start().await;
    Visitor::new(&app, "alice", MOBILE).await;
    for _ in 0..20 {
        app.advance(hours(25));
        let visitor = Visitor::default();
        visitor.login(&app, "alice").await;
        let body = json!({ "code": last_code(&app).await });
        let (one, other, third) = (visitor.copy(), visitor.copy(), visitor.copy());
        let (right, again, out) = tokio::join!(
            one.post(&app, "/api/auth/verify-code", body.clone()),
            other.post(&app, "/api/auth/verify-code", body),
            third.post(&app, "/api/auth/logout", Value::Null),
        );
        let statuses = [right, again, out].map(|answer| answer.status.as_u16());
        assert!(statuses.iter().all(|status| [200, 204, 401].contains(status)), "{statuses:?}");
    }
}
