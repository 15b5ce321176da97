//! One-time codes: nobody guesses one, and each counts once, where it belongs, while it is fresh.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, minutes, seconds};
use crate::visitor::{Visitor, last_code, outcome, wrong};

const MOBILE: &str = "+12025550151";

async fn enter(app: &TestApp, visitor: &Visitor, code: &str) -> Answer {
    visitor.post(app, "/api/auth/verify-code", json!({ "code": code })).await
}

/// Somebody with an account, who has given the password again, with the code that was sent then.
async fn waiting(app: &TestApp) -> (Visitor, String) {
    Visitor::new(app, "alice", MOBILE).await;
    app.advance(minutes(11));
    let visitor = Visitor::default();
    assert_eq!(visitor.login(app, "alice").await.status, 200);
    let code = last_code(app).await;
    (visitor, code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_guesses_at_once_exactly_five_are_looked_at() {
    let app = Arc::new(TestApp::start().await);
    let (visitor, code) = waiting(&app).await;
    let visitor = Arc::new(visitor);
    let guesses = (0..200).map(|n| {
        let (app, visitor) = (app.clone(), visitor.clone());
        let guess = (code.parse::<u32>().unwrap() + 1 + n) % 1_000_000;
        tokio::spawn(async move { enter(&app, &visitor, &format!("{guess:06}")).await.status.as_u16() })
    });
    let mut looked_at = 0;
    for guess in guesses.collect::<Vec<_>>() {
        match guess.await.unwrap() {
            401 => looked_at += 1,
            429 => {}
            other => panic!("{other}"),
        }
    }
    assert_eq!(looked_at, 5);
    assert_eq!(app.database().number("select failures from users").await, 5);
    assert_eq!(
        outcome(&enter(&app, &visitor, &code).await),
        (429, "too_many_attempts"),
        "the right one comes too late"
    );
}

#[tokio::test]
async fn after_five_wrong_codes_another_one_is_wanted_and_brings_five_more() {
    let app = TestApp::start().await;
    let (visitor, code) = waiting(&app).await;
    for left in [4, 3, 2, 1, 0] {
        let answer = enter(&app, &visitor, &wrong(&code)).await;
        assert_eq!(outcome(&answer), (401, "incorrect_code"));
        let tries = if left == 1 { "1 try is left".to_owned() } else { format!("{left} tries are left") };
        assert!(answer.text().contains(&tries), "{}", answer.text());
    }
    let answer = enter(&app, &visitor, &code).await;
    assert_eq!(outcome(&answer), (429, "too_many_attempts"));
    assert_eq!(answer.header("retry-after"), "30");
    app.advance(seconds(30));
    let fresh = visitor.code_for(&app, "login").await;
    assert_eq!(enter(&app, &visitor, &fresh).await.status, 200);
    assert_eq!(app.database().number("select failures from users").await, 0, "success begins the count anew");
}

#[tokio::test]
async fn a_code_counts_once() {
    let app = TestApp::start().await;
    let (visitor, code) = waiting(&app).await;
    assert_eq!(enter(&app, &visitor, &code).await.status, 200);
    assert_eq!(outcome(&enter(&app, &visitor, &code).await), (401, "incorrect_code"));
}

#[tokio::test]
async fn a_code_counts_in_its_own_session_alone() {
    let app = TestApp::start().await;
    let (visitor, code) = waiting(&app).await;
    let other = Visitor::default();
    assert_eq!(other.login(&app, "alice").await.status, 200);
    assert_eq!(outcome(&enter(&app, &other, &code).await), (401, "incorrect_code"));
    assert_eq!(enter(&app, &visitor, &code).await.status, 200);
    app.run_outbox().await;
}

#[tokio::test]
async fn a_code_counts_for_its_own_purpose_alone() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    app.advance(minutes(11));
    let code = visitor.code_for(&app, "change_profile").await;
    for purpose in ["change_password", "login"] {
        let answer = visitor.post(&app, "/api/auth/verify-code", json!({ "code": code, "purpose": purpose })).await;
        assert_eq!(outcome(&answer), (401, "incorrect_code"), "{purpose}");
    }
    let body = json!({ "new_password": "other words nobody joins", "code": code });
    let answer = visitor.call(&app, Method::PATCH, "/api/users/update-password", body).await;
    assert_eq!(outcome(&answer), (401, "incorrect_code"));
    let fresh = visitor.code_for(&app, "change_password").await;
    let answer =
        visitor.post(&app, "/api/auth/verify-code", json!({ "code": fresh, "purpose": "change_profile" })).await;
    assert_eq!(outcome(&answer), (401, "incorrect_code"));
    let answer =
        visitor.post(&app, "/api/auth/verify-code", json!({ "code": code, "purpose": "change_profile" })).await;
    assert_eq!(answer.status, 200);
    let odd = visitor.post(&app, "/api/auth/verify-code", json!({ "code": code, "purpose": "recovery" })).await;
    assert_eq!(odd.errors(), ["purpose invalid"]);
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    let app = TestApp::start().await;
    let (visitor, code) = waiting(&app).await;
    app.advance(seconds(10 * 60 - 1));
    assert_eq!(outcome(&enter(&app, &visitor, &wrong(&code)).await), (401, "incorrect_code"));
    app.advance(seconds(1));
    assert_eq!(outcome(&enter(&app, &visitor, &code).await), (401, "incorrect_code"), "its time is over");
}

#[tokio::test]
async fn a_code_that_was_not_sent_in_time_is_not_sent_at_all() {
    let app = TestApp::start().await;
    Visitor::new(&app, "alice", MOBILE).await;
    app.advance(minutes(11));
    let before = app.provider.attempts().len();
    app.provider.always(Some(crate::provider::away()));
    assert_eq!(Visitor::default().login(&app, "alice").await.status, 200);
    app.run_for(minutes(11)).await;
    app.provider.always(None);
    let tried = app.provider.attempts().len();
    assert!(tried > before);
    app.run_for(minutes(60)).await;
    assert_eq!(app.provider.attempts().len(), tried);
}

#[tokio::test]
async fn another_code_voids_the_one_before() {
    let app = TestApp::start().await;
    let (visitor, code) = waiting(&app).await;
    app.advance(seconds(31));
    let fresh = visitor.code_for(&app, "login").await;
    if fresh != code {
        assert_eq!(outcome(&enter(&app, &visitor, &code).await), (401, "incorrect_code"));
    }
    assert_eq!(enter(&app, &visitor, &fresh).await.status, 200);
}

#[tokio::test]
async fn another_code_comes_after_thirty_seconds_and_five_of_them_in_ten_minutes() {
    let app = TestApp::start().await;
    let (visitor, _) = waiting(&app).await;
    let send = async |visitor: &Visitor| visitor.post(&app, "/api/auth/send-code", json!({})).await;
    app.advance(seconds(10));
    let early = send(&visitor).await;
    assert_eq!((outcome(&early), early.header("retry-after")), ((429, "too_many_codes"), "20"));
    let other = Visitor::default();
    assert_eq!(other.login(&app, "alice").await.status, 200, "a new sign-in need not wait");
    assert_eq!(outcome(&send(&other).await), (429, "too_many_codes"), "whatever the session");
    for _ in 0..3 {
        app.advance(seconds(30));
        assert_eq!(send(&visitor).await.status, 202);
    }
    app.advance(seconds(30));
    let sixth = send(&visitor).await;
    assert_eq!((outcome(&sixth), sixth.header("retry-after")), ((429, "too_many_codes"), "470"));
    let login = Visitor::default().login(&app, "alice").await;
    assert_eq!(outcome(&login), (429, "too_many_codes"), "nor by signing in again");
    app.advance(seconds(470));
    assert_eq!(send(&visitor).await.status, 202);
    assert_eq!(outcome(&Visitor::default().login(&app, "alice").await), (429, "too_many_codes"));
    app.run_outbox().await;
}

#[tokio::test]
async fn a_session_that_waits_for_its_code_gets_no_other_codes() {
    let app = TestApp::start().await;
    let (visitor, _) = waiting(&app).await;
    for purpose in ["change_password", "change_profile"] {
        let answer = visitor.post(&app, "/api/auth/send-code", json!({ "purpose": purpose })).await;
        assert_eq!(outcome(&answer), (401, "verification_required"), "{purpose}");
    }
    assert_eq!(app.post("/api/auth/send-code", json!({})).await.status, 401, "nor does anybody without a session");
    assert_eq!(app.post("/api/auth/verify-code", json!({ "code": "123456" })).await.status, 401);
}

#[tokio::test]
async fn a_mobile_in_the_body_must_be_the_sessions_own() {
    let app = TestApp::start().await;
    let (visitor, code) = waiting(&app).await;
    let with = |mobile: &str| json!({ "code": code, "mobile": mobile });
    let answer = visitor.post(&app, "/api/auth/verify-code", with("+12025550199")).await;
    assert_eq!(outcome(&answer), (401, "incorrect_code"));
    assert_eq!(visitor.post(&app, "/api/auth/verify-code", with("(202) 555-0151")).await.status, 200);
}

#[tokio::test]
async fn a_code_stands_nowhere_but_on_the_phone() {
    crate::logs::keep();
    let app = TestApp::start().await;
    let (visitor, code) = waiting(&app).await;
    enter(&app, &visitor, &code).await;
    let mail = crate::visitor::last_token(&app, "alice@people.example").await;
    let token = visitor.cookies().split('=').nth(1).unwrap().to_owned();
    let secrets = [crate::visitor::PASSWORD.to_owned(), mail, token];
    let logged = crate::logs::kept().join("\n");
    let metrics = app.get("/metrics").await;
    let bodies = app.database().texts("select body from messages where channel = 'sms'").await;
    assert!(bodies.iter().all(|body| body.contains("{secret}") && !body.contains(&code)), "{bodies:?}");
    for secret in &secrets {
        assert!(!logged.contains(secret.as_str()) && !metrics.text().contains(secret.as_str()));
    }
    let said = format!("{code} is your");
    assert!(!logged.contains(&said));
    if let Some(file) = app.database().file() {
        for suffix in ["", "-wal"] {
            let bytes = std::fs::read(format!("{}{suffix}", file.display())).unwrap();
            let clear = String::from_utf8_lossy(&bytes);
            for secret in secrets.iter().chain([&said, &format!("\"{code}\"")]) {
                assert!(!clear.contains(secret.as_str()), "{suffix}");
            }
        }
    }
    for path in ["/api/conversations", "/messages", "/api/conversations/1/messages", "/api/dead-letters"] {
        assert!(!app.get(path).await.text().contains("{secret}"), "{path}");
    }
    let list: Vec<Value> = app.list("/api/conversations").await;
    assert!(list.is_empty(), "nobody sees the server's own conversations: {list:?}");
}
