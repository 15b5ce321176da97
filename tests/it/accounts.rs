//! Contract D: signing up and in, and changing what is one's own.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use switchboard::auth::{Accounts, Passwords, Settings, seed_people};

use crate::harness::{Setup, TestApp, hours, minutes, seconds, text};
use crate::visitor::{PASSWORD, Visitor, last_code, last_token, mails_to, outcome, sign_up};

const MOBILE: &str = "+12025550141";

#[tokio::test]
async fn a_person_signs_up_enters_the_code_and_is_signed_in() {
    let app = TestApp::start().await;
    let visitor = Visitor::default();
    let made = visitor.post(&app, "/api/users", sign_up("alice", "(202) 555-0141")).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    assert_eq!((text(&made["username"]), text(&made["email"])), ("alice", "alice@people.example"));
    assert_eq!((text(&made["mobile"]), text(&made["name"])), (MOBILE, "Ana Maria Tester"));
    assert!(made["id"].is_i64() && made["token"].is_null());
    assert_eq!((text(&made["verification"]["channel"]), text(&made["verification"]["to"])), ("sms", "...0141"));
    assert!(made.header("set-cookie").contains("HttpOnly; SameSite=Lax"), "{:?}", made.headers);
    assert!(!visitor.is_signed_in(&app).await, "a session counts when its code was right");
    let early = visitor.get(&app, "/api/auth/sessions").await;
    assert_eq!(outcome(&early), (401, "verification_required"));

    let done = visitor.enter_code(&app).await;
    assert_eq!(done["message"], "2FA completed successfully");
    assert_eq!((text(&done["user"]["first_name"]), text(&done["user"]["last_name"])), ("Ana Maria", "Tester"));
    let shown = visitor.get(&app, "/api/auth/authenticated").await;
    assert_eq!((&shown["authenticated"], &shown["user"]["username"]), (&json!(true), &json!("alice")));
    assert!(!shown.text().contains("argon2"));
    let left = visitor.post(&app, "/api/auth/logout", Value::Null).await;
    assert_eq!((left.status.as_u16(), left.header("set-cookie").contains("Max-Age=0")), (204, true));
    assert!(!visitor.is_signed_in(&app).await);
    assert_eq!(visitor.post(&app, "/api/auth/logout", Value::Null).await.status, 204);
    assert_eq!(app.get("/api/health").await.status, 200);
}

#[tokio::test]
async fn what_is_wrong_with_a_sign_up_is_named_field_by_field() {
    let app = TestApp::start().await;
    let with = |field: &str, value: Value| {
        let mut body = sign_up("alice", MOBILE);
        body[field] = value;
        body
    };
    for (body, errors) in [
        (json!({}), vec!["username required", "email required", "mobile required", "password required"]),
        (with("username", json!("abcd")), vec!["username invalid"]),
        (with("username", json!("1alice")), vec!["username invalid"]),
        (with("username", json!("system")), vec!["username invalid"]),
        (with("email", json!("alice")), vec!["email invalid"]),
        (with("mobile", json!("40404")), vec!["mobile invalid"]),
        (with("mobile", json!(5)), vec!["mobile invalid"]),
        (with("password", json!("short")), vec!["password too_short"]),
        (with("password", json!("password123")), vec!["password too_weak"]),
        (with("password", json!("my-ALICE-in-the-garden")), vec!["password holds_name"]),
        (with("password", json!("x".repeat(1_001))), vec!["password too_long"]),
        (with("name", json!("a\nb")), vec!["name invalid"]),
        (with("client", json!("fax")), vec!["client invalid"]),
    ] {
        let answer = app.post("/api/users", body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.errors()),
            (400, errors.iter().map(|e| (*e).to_owned()).collect()),
            "{body}"
        );
    }
    let weak = app.post("/api/users", with("password", json!("password123"))).await;
    assert!(weak.text().contains("would do") && !weak.text().contains("password123"), "{}", weak.text());
    assert_eq!(app.database().number("select count(*) from users").await, 0);
}

#[tokio::test]
async fn what_somebody_else_has_is_named() {
    let app = TestApp::start().await;
    Visitor::new(&app, "alice", MOBILE).await;
    for (username, email, mobile, field) in [
        ("ALICE", "other@people.example", "+12025550142", "username"),
        ("other", "Alice@People.example", "+12025550142", "email"),
        ("other", "other@people.example", MOBILE, "mobile"),
    ] {
        let mut body = sign_up(username, mobile);
        body["email"] = json!(email);
        let answer = app.post("/api/users", body).await;
        assert_eq!((answer.status.as_u16(), answer.errors()), (409, vec![format!("{field} taken")]));
    }
    app.run_outbox().await;
}

#[tokio::test]
async fn a_login_is_by_username_or_email_in_any_case() {
    let app = TestApp::start().await;
    Visitor::new(&app, "alice", MOBILE).await;
    for body in [
        json!({ "login": "Alice", "password": PASSWORD }),
        json!({ "login": "ALICE@people.example", "password": PASSWORD }),
        json!({ "username": "alice", "password": PASSWORD }),
        json!({ "email": "alice@people.example", "password": PASSWORD }),
    ] {
        app.advance(minutes(11));
        let visitor = Visitor::default();
        let begun = visitor.post(&app, "/api/auth/login", body).await;
        assert_eq!(begun.status, 200, "{:?}", begun.body);
        assert_eq!((text(&begun["username"]), text(&begun["email"])), ("alice", "alice@people.example"));
        assert_eq!(begun["verification"]["to"], "...0141");
        assert_eq!(begun["verification"]["expires_at"], (app.now() + minutes(10)).to_string());
        visitor.enter_code(&app).await;
        assert!(visitor.is_signed_in(&app).await);
    }
}

#[tokio::test]
async fn somebody_unknown_is_answered_as_a_wrong_password_is() {
    let app = TestApp::start().await;
    Visitor::new(&app, "alice", MOBILE).await;
    let mut answers = Vec::new();
    for login in ["alice", "nobody-here", "alice@people.example", "nobody@people.example", "a@b@c"] {
        let body = json!({ "login": login, "password": "not the right one" });
        let mut answer = app.post("/api/auth/login", body).await;
        assert_eq!(outcome(&answer), (401, "incorrect_credentials"));
        assert!(answer.header("set-cookie").is_empty());
        answer.body.as_object_mut().unwrap().remove("request_id");
        answers.push((answer.body, answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>()));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
    app.run_outbox().await;
}

#[tokio::test]
async fn where_only_the_invited_sign_up_nobody_else_does() {
    let app = Setup::serve().start().await;
    assert_eq!(outcome(&app.post("/api/users", sign_up("alice", MOBILE)).await), (403, "sign_up_closed"));
    let open = Setup::serve().with("SWITCHBOARD_SIGN_UP", "open").with("SWITCHBOARD_DEFAULT_SENDER", "+12015550100");
    let app = open.start().await;
    let made = Visitor::default().post(&app, "/api/users", sign_up("alice", MOBILE)).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let cookie = made.header("set-cookie");
    assert!(cookie.starts_with("__Host-sb_session=sb_sess_") && cookie.ends_with("; Secure"), "{cookie}");
    app.leave_work();
}

#[tokio::test]
async fn without_a_carrier_of_texts_no_account_is_made() {
    let app = Setup::serve().with("SWITCHBOARD_SIGN_UP", "open").start().await;
    let answer = app.post("/api/users", sign_up("alice", MOBILE)).await;
    assert_eq!(outcome(&answer), (503, "no_provider"));
    assert_eq!(app.database().number("select count(*) from users").await, 0);
}

#[tokio::test]
async fn names_change_at_once_and_an_email_when_it_is_confirmed() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    let wish =
        json!({ "desired_username": "alice.l", "desired_email": "Alice@Other.example", "name": "Alice Liddell" });
    let answer = visitor.call(&app, Method::PUT, "/api/users/update", wish).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!((text(&answer["username"]), text(&answer["name"])), ("alice.l", "Alice Liddell"));
    assert_eq!(
        (text(&answer["email"]), text(&answer["pending_email"])),
        ("alice@people.example", "alice@other.example")
    );
    let told = mails_to(&app, "alice@people.example").await;
    assert!(told.iter().any(|(subject, _)| subject.contains("is to change")), "{told:?}");
    let token = last_token(&app, "alice@other.example").await;
    let confirmed = app.post("/api/auth/confirm-email", json!({ "token": token })).await;
    assert_eq!(confirmed.status, 200, "{:?}", confirmed.body);
    let shown = visitor.get(&app, "/api/auth/authenticated").await;
    assert_eq!((text(&shown["user"]["email"]), &shown["user"]["pending_email"]), ("alice@other.example", &Value::Null));
    assert_eq!(shown["user"]["email_verified"], true);
    for address in ["alice@people.example", "alice@other.example"] {
        let told = mails_to(&app, address).await;
        assert!(told.iter().any(|(subject, _)| subject.contains("has changed")), "{address}: {told:?}");
    }
    let again = app.post("/api/auth/confirm-email", json!({ "token": token })).await;
    assert_eq!(outcome(&again), (400, "incorrect_token"), "a token counts once");
    let other_spelling = json!({ "username": "alice2", "email": "alice@third.example" });
    let answer = visitor.call(&app, Method::PUT, "/api/users/update", other_spelling).await;
    assert_eq!((text(&answer["username"]), text(&answer["pending_email"])), ("alice2", "alice@third.example"));
    let token = last_token(&app, "alice@third.example").await;
    app.advance(hours(24));
    assert_eq!(
        outcome(&app.post("/api/auth/confirm-email", json!({ "token": token })).await),
        (400, "incorrect_token")
    );
    app.leave_work();
}

#[tokio::test]
async fn an_email_that_is_to_change_is_given_up_by_naming_ones_own_and_with_another_password() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    let update = async |body: Value| visitor.call(&app, Method::PUT, "/api/users/update", body).await;
    let confirm = async |token: &str| app.post("/api/auth/confirm-email", json!({ "token": token })).await;
    assert_eq!(update(json!({ "email": "thief@people.example" })).await.status, 200);
    let token = last_token(&app, "thief@people.example").await;
    let back = update(json!({ "email": "alice@people.example" })).await;
    assert_eq!((back.status.as_u16(), &back["pending_email"]), (200, &Value::Null));
    assert_eq!(outcome(&confirm(&token).await), (400, "incorrect_token"));
    assert_eq!(update(json!({ "email": "thief@people.example" })).await.status, 200);
    let token = last_token(&app, "thief@people.example").await;
    let code = visitor.code_for(&app, "change_password").await;
    let body = json!({ "new_password": "other words nobody joins", "code": code });
    let done = visitor.call(&app, Method::PATCH, "/api/users/update-password", body).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert_eq!(outcome(&confirm(&token).await), (400, "incorrect_token"));
    let shown = visitor.get(&app, "/api/auth/authenticated").await;
    assert_eq!(
        (&shown["user"]["pending_email"], &shown["user"]["email"]),
        (&Value::Null, &json!("alice@people.example"))
    );
    app.run_outbox().await;
}

#[tokio::test]
async fn another_email_is_asked_for_five_times_an_hour_and_changed_names_are_told() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    let update = async |body: Value| visitor.call(&app, Method::PUT, "/api/users/update", body).await;
    assert_eq!(update(json!({ "name": "Ana Maria Tester" })).await.status, 200);
    assert_eq!(update(json!({ "name": "Alice Liddell" })).await.status, 200);
    let told = mails_to(&app, "alice@people.example").await;
    assert_eq!(told.iter().filter(|(subject, _)| subject == "Your names were changed").count(), 1, "{told:?}");
    for number in 0..5 {
        assert_eq!(update(json!({ "email": format!("n{number}@people.example") })).await.status, 200);
    }
    let refused = update(json!({ "email": "n5@people.example" })).await;
    assert_eq!((outcome(&refused), refused.header("retry-after")), ((429, "too_many_changes"), "3600"));
    app.run_outbox().await;
}

#[tokio::test]
async fn a_change_wants_a_code_of_the_last_ten_minutes_and_the_mobile_never_changes() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    let wish = || json!({ "name": "Alice Liddell" });
    let update = async |body: Value| visitor.call(&app, Method::PUT, "/api/users/update", body).await;
    let answer = update(json!({ "mobile": "+12025550199", "name": "x" })).await;
    assert_eq!(
        (outcome(&answer), answer.errors()),
        ((400, "mobile_is_immutable"), vec!["mobile immutable".to_owned()])
    );
    app.advance(seconds(10 * 60 - 1));
    assert_eq!(update(wish()).await.status, 200);
    app.advance(seconds(1));
    assert_eq!(outcome(&update(wish()).await), (403, "verification_required"));
    let code = visitor.code_for(&app, "change_profile").await;
    let body = json!({ "code": code, "purpose": "change_profile" });
    assert_eq!(visitor.post(&app, "/api/auth/verify-code", body).await.status, 200);
    assert_eq!(update(wish()).await.status, 200);
    assert_eq!(update(json!({ "username": "x" })).await.errors(), ["username invalid"]);
    let other = Visitor::new(&app, "other", "+12025550142").await;
    let taken = other.call(&app, Method::PUT, "/api/users/update", json!({ "username": "Alice" })).await;
    assert_eq!((taken.status.as_u16(), taken.errors()), (409, vec!["username taken".to_owned()]));
    let taken = other.call(&app, Method::PUT, "/api/users/update", json!({ "email": "alice@people.example" })).await;
    assert_eq!((taken.status.as_u16(), taken.errors()), (409, vec!["email taken".to_owned()]));
    assert_eq!(app.put("/api/users/update", wish()).await.status, 401, "the local operator has no account");
    app.run_outbox().await;
}

#[tokio::test]
async fn an_address_that_somebody_else_got_meanwhile_is_not_confirmed() {
    let app = TestApp::start().await;
    let one = Visitor::new(&app, "alice", MOBILE).await;
    let other = Visitor::new(&app, "other", "+12025550142").await;
    let mut tokens = Vec::new();
    for visitor in [&one, &other] {
        let wish = json!({ "email": "wanted@people.example" });
        assert_eq!(visitor.call(&app, Method::PUT, "/api/users/update", wish).await.status, 200);
        tokens.push(last_token(&app, "wanted@people.example").await);
    }
    assert_eq!(app.post("/api/auth/confirm-email", json!({ "token": tokens[1] })).await.status, 200);
    let late = app.post("/api/auth/confirm-email", json!({ "token": tokens[0] })).await;
    assert_eq!((late.status.as_u16(), late.errors()), (409, vec!["email taken".to_owned()]));
    app.run_outbox().await;
}

#[tokio::test]
async fn a_password_changes_with_a_code_and_every_other_session_ends() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    let elsewhere = Visitor::default();
    elsewhere.login(&app, "alice").await;
    elsewhere.enter_code(&app).await;
    let change = async |body: Value| visitor.call(&app, Method::PATCH, "/api/users/update-password", body).await;
    let new = "other words nobody joins";
    let asked = change(json!({ "desired_password": new })).await;
    assert_eq!(outcome(&asked), (403, "verification_required"));
    let code = last_code(&app).await;
    let weak = change(json!({ "desired_password": "password1", "code": code })).await;
    assert_eq!(weak.errors(), ["desired_password too_weak"]);
    let refused = change(json!({ "new_password": new, "code": crate::visitor::wrong(&code) })).await;
    assert_eq!(outcome(&refused), (401, "incorrect_code"));
    let thief = visitor.copy();
    let done = change(json!({ "new_password": new, "code": code })).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert!(visitor.is_signed_in(&app).await);
    assert!(!elsewhere.is_signed_in(&app).await, "every other session has ended");
    assert!(!thief.is_signed_in(&app).await, "the token before the change is dead");
    assert_eq!(outcome(&Visitor::default().login(&app, "alice").await), (401, "incorrect_credentials"));
    let again = change(json!({ "new_password": PASSWORD, "code": code })).await;
    assert_eq!(outcome(&again), (401, "incorrect_code"), "a code counts once");
    let told = mails_to(&app, "alice@people.example").await;
    assert!(told.iter().any(|(subject, _)| subject == "Your password was changed"), "{told:?}");
    let begun = Visitor::default().post(&app, "/api/auth/login", json!({ "login": "alice", "password": new })).await;
    assert_eq!(begun.status, 200, "{:?}", begun.body);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_code_that_was_checked_before_allows_one_change_of_the_password() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    let code = visitor.code_for(&app, "change_password").await;
    let body = json!({ "code": code, "purpose": "change_password" });
    assert_eq!(visitor.post(&app, "/api/auth/verify-code", body).await.status, 200);
    let change = async |password: &str| {
        visitor.call(&app, Method::PATCH, "/api/users/update-password", json!({ "password": password })).await
    };
    assert_eq!(change("other words nobody joins").await.status, 200);
    assert_eq!(outcome(&change("third words nobody joins").await), (403, "verification_required"));
    app.run_outbox().await;
}

#[tokio::test]
async fn an_account_whose_mobile_was_never_verified_is_dropped_after_a_day() {
    let app = TestApp::start().await;
    let forget = async || {
        let mut tx = app.store().begin().await.unwrap();
        let dropped = tx.forget_ended_accounts(app.now()).await.unwrap();
        tx.commit().await.unwrap();
        dropped
    };
    Visitor::new(&app, "alice", MOBILE).await;
    let squatter = Visitor::default();
    assert_eq!(squatter.post(&app, "/api/users", sign_up("squatter", "+12025550142")).await.status, 201);
    app.run_outbox().await;
    app.advance(seconds(24 * 3_600 - 1));
    assert_eq!(forget().await, 0);
    app.advance(seconds(1));
    assert_eq!(forget().await, 1);
    assert_eq!(app.database().texts("select username from users").await, ["alice"]);
    for table in ["sessions", "mail_tokens", "codes"] {
        let left = format!("select count(*) from {table}");
        assert!(app.database().number(&left).await <= 1, "{table}");
    }
    let again = Visitor::default().post(&app, "/api/users", sign_up("squatter", "+12025550142")).await;
    assert_eq!(again.status, 201, "{:?}", again.body);
    app.run_outbox().await;
}

#[tokio::test]
async fn the_people_of_dev_are_made_once_and_sign_in() {
    let app = TestApp::start().await;
    let settings = Arc::new(Settings { is_open: true });
    let accounts =
        Accounts { m: app.messaging.clone(), passwords: Passwords::new(app.clock.clone()), settings, origin: None };
    for _ in 0..2 {
        seed_people(&accounts).await.unwrap();
    }
    let names = app.database().texts("select username from users order by id").await;
    assert_eq!(names, ["rdibari", "bugs", "duck", "porky"]);
    assert_eq!(app.database().number("select count(*) from conversations").await, 0);
    let visitor = Visitor::default();
    let body = json!({ "username": "bugs", "password": "switchboard-dev" });
    let begun = visitor.post(&app, "/api/auth/login", body).await;
    assert_eq!((begun.status.as_u16(), text(&begun["verification"]["to"])), (200, "...0102"));
    visitor.enter_code(&app).await;
    let shown = visitor.get(&app, "/api/auth/authenticated").await;
    assert_eq!((text(&shown["user"]["name"]), text(&shown["user"]["mobile"])), ("Bugs Bunny", "+12025550102"));
}
