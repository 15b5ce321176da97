//! Getting back in: without the password, without the phone, and out of a lock.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Setup, TestApp, minutes, seconds, text};
use crate::visitor::{PASSWORD, Visitor, last_code, last_token, mails_to, outcome, shown, wrong};

const MOBILE: &str = "+12025550171";
const MAIL: &str = "alice@people.example";
const NEW: &str = "other words nobody joins";

async fn complete(app: &TestApp, visitor: &Visitor, (code, token): (&str, &str)) -> Answer {
    let body = json!({ "code": code, "mail_token": token, "new_password": NEW });
    visitor.post(app, "/api/auth/recover/complete", body).await
}

async fn begin(app: &TestApp, login: &str) -> Visitor {
    let visitor = Visitor::default();
    let begun = visitor.post(app, "/api/auth/recover", json!({ "login": login })).await;
    assert_eq!(begun.status, 202, "{:?}", begun.body);
    visitor
}

#[tokio::test]
async fn a_password_is_recovered_with_the_code_and_the_mail_both() {
    let app = TestApp::start().await;
    let signed_in = Visitor::new(&app, "alice", MOBILE).await;
    let visitor = begin(&app, "alice").await;
    let (code, token) = (last_code(&app).await, last_token(&app, MAIL).await);
    assert!(!visitor.is_signed_in(&app).await);
    assert_eq!(visitor.get(&app, "/api/auth/sessions").await.status, 401);
    assert_eq!(outcome(&complete(&app, &visitor, (&code, "sb_mail_wrong")).await), (401, "incorrect_code"));
    assert_eq!(outcome(&complete(&app, &visitor, (&wrong(&code), &token)).await), (401, "incorrect_code"));
    let other = begin(&app, "nobody-here").await;
    assert_eq!(outcome(&complete(&app, &other, (&code, &token)).await), (401, "incorrect_code"));
    assert_eq!(outcome(&complete(&app, &Visitor::default(), (&code, &token)).await), (401, "incorrect_code"));
    let weak = json!({ "code": code, "mail_token": token, "new_password": "password1" });
    let weak = visitor.post(&app, "/api/auth/recover/complete", weak).await;
    assert_eq!(weak.errors(), ["new_password too_weak"]);
    let named = json!({ "code": code, "mail_token": token, "new_password": "the-ALICE-of-the-garden" });
    let named = visitor.post(&app, "/api/auth/recover/complete", named).await;
    assert_eq!(named.errors(), ["new_password holds_name"]);
    let done = complete(&app, &visitor, (&code, &token)).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert!(!signed_in.is_signed_in(&app).await, "every session has ended");
    assert_eq!(app.database().number("select count(*) from sessions").await, 0);
    assert_eq!(outcome(&complete(&app, &visitor, (&code, &token)).await), (401, "incorrect_code"), "once");
    assert_eq!(outcome(&Visitor::default().login(&app, "alice").await), (401, "incorrect_credentials"));
    let begun = Visitor::default().post(&app, "/api/auth/login", json!({ "login": "alice", "password": NEW })).await;
    assert_eq!(begun.status, 200);
    let told = mails_to(&app, MAIL).await;
    assert!(told.iter().any(|(subject, _)| subject == "Your password was recovered"), "{told:?}");
}

#[tokio::test]
async fn nobody_learns_from_a_recovery_who_has_an_account() {
    let app = TestApp::start().await;
    Visitor::new(&app, "alice", MOBILE).await;
    let sent = app.provider.attempts().len();
    let mut stories = Vec::new();
    for login in ["alice", "nobody-here"] {
        let visitor = Visitor::default();
        let mut story = Vec::new();
        let mut note = |mut answer: Answer| {
            answer.body.as_object_mut().map(|body| body.remove("request_id"));
            let headers: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            story.push((answer.status.as_u16(), answer.body, headers));
        };
        note(visitor.post(&app, "/api/auth/recover", json!({ "login": login })).await);
        note(visitor.get(&app, "/api/auth/authenticated").await);
        note(visitor.post(&app, "/api/auth/send-code", json!({ "purpose": "login" })).await);
        for _ in 0..7 {
            note(complete(&app, &visitor, ("000000", "sb_mail_wrong")).await);
        }
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
    let last = stories[0].last().unwrap();
    assert_eq!((last.0, text(&last.1["code"])), (429, "too_many_attempts"));
    app.run_outbox().await;
    assert_eq!(app.provider.attempts().len(), sent + 2, "one text and one mail, to the one who has an account");
}

#[tokio::test]
async fn a_recovery_ends_after_fifteen_minutes_and_a_mail_is_good_for_its_own() {
    let app = TestApp::start().await;
    Visitor::new(&app, "alice", MOBILE).await;
    let first = begin(&app, "alice").await;
    let (first_code, first_token) = (last_code(&app).await, last_token(&app, MAIL).await);
    app.advance(minutes(1));
    let second = begin(&app, MAIL).await;
    let (code, token) = (last_code(&app).await, last_token(&app, MAIL).await);
    assert_eq!(outcome(&complete(&app, &first, (&first_code, &token)).await), (401, "incorrect_code"));
    assert_eq!(outcome(&complete(&app, &second, (&code, &first_token)).await), (401, "incorrect_code"));
    app.advance(minutes(10));
    assert_eq!(outcome(&complete(&app, &second, (&code, &token)).await), (401, "incorrect_code"), "the code is old");
}

#[tokio::test]
async fn whoever_recovers_in_somebodys_name_keeps_them_from_nothing() {
    let app = TestApp::start().await;
    Visitor::new(&app, "alice", MOBILE).await;
    app.advance(minutes(11));
    let own = begin(&app, "alice").await;
    let (code, token) = (last_code(&app).await, last_token(&app, MAIL).await);
    let ask = async |login: &str| app.post("/api/auth/recover", json!({ "login": login })).await.status.as_u16();
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(ask("alice").await);
    }
    assert_eq!((answers[0], answers[29]), (202, 429), "recoveries have a budget of their own");
    assert_eq!(ask(MAIL).await, 429, "an account is one, however it is named");
    let visitor = Visitor::default();
    assert_eq!(visitor.login(&app, "alice").await.status, 200);
    visitor.enter_code(&app).await;
    assert!(visitor.is_signed_in(&app).await, "who knows the password signs in");
    assert_eq!(complete(&app, &own, (&code, &token)).await.status, 200, "a recovery is void by no other one");
    app.run_outbox().await;
}

#[tokio::test]
async fn a_hundred_failures_lock_an_account_until_it_is_recovered() {
    let app = Setup::default().with("SWITCHBOARD_LOGIN_LIMIT_PER_ACCOUNT", "0");
    let app = app.with("SWITCHBOARD_LOGIN_LIMIT_PER_ORIGIN", "0").start().await;
    let signed_in = Visitor::new(&app, "alice", MOBILE).await;
    app.advance(minutes(11));
    let wrong_login = json!({ "login": "alice", "password": "not the right one" });
    for _ in 0..99 {
        assert_eq!(app.post("/api/auth/login", wrong_login.clone()).await.status, 401);
    }
    let pending = Visitor::default();
    assert_eq!(pending.login(&app, "alice").await.status, 200, "not locked yet");
    let code = last_code(&app).await;
    let answer = pending.post(&app, "/api/auth/verify-code", json!({ "code": wrong(&code) })).await;
    assert_eq!(outcome(&answer), (401, "incorrect_code"));
    let answer = pending.post(&app, "/api/auth/verify-code", json!({ "code": code })).await;
    assert_eq!(answer.status, 401, "what waited for its code has ended");
    app.advance(minutes(11));
    let answer = Visitor::default().login(&app, "alice").await;
    assert_eq!(outcome(&answer), (401, "incorrect_credentials"), "the right password does not help");
    assert!(signed_in.is_signed_in(&app).await, "who is in, is in");
    let told = mails_to(&app, MAIL).await;
    assert_eq!(told.iter().filter(|(subject, _)| subject == "Your account is locked").count(), 1, "{told:?}");

    let visitor = begin(&app, "alice").await;
    let (code, token) = (last_code(&app).await, last_token(&app, MAIL).await);
    assert_eq!(complete(&app, &visitor, (&code, &token)).await.status, 200);
    let visitor = Visitor::default();
    let begun = visitor.post(&app, "/api/auth/login", json!({ "login": "alice", "password": NEW })).await;
    assert_eq!(begun.status, 200, "{:?}", begun.body);
    visitor.enter_code(&app).await;
    assert!(visitor.is_signed_in(&app).await);
}

#[tokio::test]
async fn a_device_signs_in_once_a_step_and_a_text_still_does() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    app.advance(minutes(10));
    assert_eq!(outcome(&visitor.post(&app, "/api/auth/totp", Value::Null).await), (403, "verification_required"));
    let code = visitor.code_for(&app, "change_profile").await;
    visitor.post(&app, "/api/auth/verify-code", json!({ "code": code, "purpose": "change_profile" })).await;
    let begun = visitor.post(&app, "/api/auth/totp", Value::Null).await;
    assert_eq!(begun.status, 201, "{:?}", begun.body);
    let secret = text(&begun["secret"]).to_owned();
    assert_eq!(secret.len(), 32);
    assert!(text(&begun["url"]).starts_with("otpauth://totp/Switchboard:alice?secret="));
    assert!(text(&begun["qr_svg"]).contains("<svg"));
    let confirm = async |code: &str| visitor.post(&app, "/api/auth/totp/confirm", json!({ "code": code })).await;
    let right = shown(&secret, app.now());
    assert_eq!(outcome(&confirm(&wrong(&right)).await), (401, "incorrect_code"));
    assert_eq!(confirm(&right).await.status, 200);
    assert_eq!(outcome(&confirm(&right).await), (409, "totp_is_on"));
    assert_eq!(outcome(&visitor.post(&app, "/api/auth/totp", Value::Null).await), (409, "totp_is_on"));

    let texts = app.provider.attempts().len();
    let device = Visitor::default();
    let login = device.login(&app, "alice").await;
    assert_eq!((text(&login["verification"]["channel"]), &login["verification"]["to"]), ("totp", &Value::Null));
    let again = device.post(&app, "/api/auth/verify-code", json!({ "code": right })).await;
    assert_eq!(outcome(&again), (401, "incorrect_code"), "a step counts once");
    app.advance(seconds(30));
    let next = shown(&secret, app.now());
    let done = device.post(&app, "/api/auth/verify-code", json!({ "code": next })).await;
    assert_eq!((done.status.as_u16(), &done["user"]["mfa"]), (200, &json!(true)));
    app.run_outbox().await;
    let mails = app.provider.attempts().len() - texts;
    assert_eq!(mails, 1, "no text, and one mail that tells of the device");
    let phone = Visitor::default();
    phone.login(&app, "alice").await;
    let code = phone.code_for(&app, "login").await;
    assert_eq!(phone.post(&app, "/api/auth/verify-code", json!({ "code": code })).await.status, 200);
    assert_eq!(phone.call(&app, Method::DELETE, "/api/auth/totp", Value::Null).await.status, 204);
    assert_eq!(outcome(&phone.call(&app, Method::DELETE, "/api/auth/totp", Value::Null).await), (409, "totp_is_off"));
    let user = &phone.get(&app, "/api/auth/authenticated").await["user"];
    assert_eq!((&user["mfa"], &user["totp"]), (&json!(true), &json!(false)), "her mobile is a second factor still");
    app.advance(minutes(11));
    let login = Visitor::default().login(&app, "alice").await;
    assert_eq!(login["verification"]["channel"], "sms");
    app.run_outbox().await;
}

#[tokio::test]
async fn each_of_ten_recovery_codes_signs_in_once() {
    let app = TestApp::start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    let old = visitor.post(&app, "/api/auth/recovery-codes", Value::Null).await;
    let made = visitor.post(&app, "/api/auth/recovery-codes", Value::Null).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let codes: Vec<String> = made["codes"].as_array().unwrap().iter().map(|code| text(code).to_owned()).collect();
    assert_eq!(codes.len(), 10);
    app.advance(minutes(11));
    let signing_in = Visitor::default();
    assert_eq!(signing_in.login(&app, "alice").await.status, 200);
    let enter = async |visitor: &Visitor, code: &str| {
        visitor.post(&app, "/api/auth/verify-code", json!({ "code": code })).await
    };
    let void = text(&old["codes"][0]).to_owned();
    assert_eq!(outcome(&enter(&signing_in, &void).await), (401, "incorrect_code"), "new ones void the old");
    assert_eq!(enter(&signing_in, &codes[3].to_uppercase()).await.status, 200);
    assert!(signing_in.is_signed_in(&app).await);
    let next = Visitor::default();
    next.login(&app, "alice").await;
    assert_eq!(outcome(&enter(&next, &codes[3]).await), (401, "incorrect_code"), "each counts once");
    assert_eq!(enter(&next, &codes[4]).await.status, 200);
    app.run_outbox().await;
}

#[tokio::test]
async fn without_a_carrier_of_mails_an_act_happens_and_a_recovery_does_not() {
    let serve = Setup::serve().with("SWITCHBOARD_SIGN_UP", "open").with("SWITCHBOARD_DEFAULT_SENDER", "+12015550100");
    let app = serve.start().await;
    let visitor = Visitor::new(&app, "alice", MOBILE).await;
    let wish = json!({ "email": "alice@other.example" });
    assert_eq!(visitor.call(&app, Method::PUT, "/api/users/update", wish).await.status, 200);
    let answer = app.post("/api/auth/recover", json!({ "login": "alice" })).await;
    assert_eq!(outcome(&answer), (503, "no_provider"));
    let begun = visitor.login(&app, "alice").await;
    assert_eq!((begun.status.as_u16(), PASSWORD.len() > 8), (200, true));
    app.run_outbox().await;
}
