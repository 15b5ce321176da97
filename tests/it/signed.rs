//! What a provider signs is taken in; what somebody else signed, or changed, or kept too long, is not.

use switchboard::domain::Timestamp;
use switchboard::signature::SigningKey;

use crate::harness::{Answer, Setup, TestApp, seconds};
use crate::receiving::inbound;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEXT: &str = "whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH";
const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

fn signing(setup: Setup) -> Setup {
    setup
        .with("SWITCHBOARD_PROVIDERS__0__NAME", "signer")
        .with("SWITCHBOARD_PROVIDERS__0__KIND", "http")
        .with("SWITCHBOARD_PROVIDERS__0__CHANNELS", "mms")
        .with("SWITCHBOARD_PROVIDERS__0__URL", "http://127.0.0.1:9/")
        .with("SWITCHBOARD_PROVIDERS__0__WEBHOOK_SECRET", SECRET)
        .with("SWITCHBOARD_PROVIDERS__0__WEBHOOK_SECRET_NEXT", NEXT)
}

/// Posts a body with the signature of another, or of the same, made at a time.
async fn post(app: &TestApp, path: &str, (secret, signed): (&str, &str), at: Timestamp, body: &str) -> Answer {
    let signature = SigningKey::read(secret).unwrap().sign("msg_1", at, signed.as_bytes());
    let timestamp = at.seconds().to_string();
    let headers =
        [("webhook-id", "msg_1"), ("webhook-timestamp", timestamp.as_str()), ("webhook-signature", signature.as_str())];
    app.post_with(path, &headers, body.to_owned()).await
}

#[tokio::test]
async fn a_webhook_may_be_proven_by_its_providers_signature_under_either_secret() {
    let app = signing(Setup::serve()).start().await;
    for (n, secret) in [SECRET, NEXT].into_iter().enumerate() {
        let sms = inbound(&format!("m-{n}"), "hello").to_string();
        let answer = post(&app, "/api/webhooks/sms", (secret, &sms), app.now(), &sms).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let text = format!(
            r#"{{"senderPhone":"2025550111","receiverPhone":"2015550100","messageText":"x","timestamp":1730469600,"uuid":"u-{n}"}}"#
        );
        let answer = post(&app, "/api/receive-sms", (secret, &text), app.now(), &text).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let report = r#"{"provider_id":"p-1","status":"sent"}"#;
        let answer = post(&app, "/api/webhooks/status", (secret, report), app.now(), report).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        let bearer = format!("Bearer {secret}");
        let sms = inbound(&format!("b-{n}"), "hello").to_string();
        let answer = app.post_with("/api/webhooks/sms", &[("authorization", &bearer)], sms).await;
        assert_eq!(answer.status, 200, "the secret itself is good too");
    }
    assert_eq!(app.count_messages().await, 6);
}

#[tokio::test]
async fn a_signature_of_another_body_time_or_secret_opens_nothing_in_dev_too() {
    for setup in [Setup::serve(), Setup::default()] {
        let app = signing(setup).start().await;
        let (sms, other) = (inbound("m-1", "hello").to_string(), inbound("m-2", "hello").to_string());
        for path in ["/api/webhooks/sms", "/api/webhooks/email", "/api/webhooks/status", "/api/receive-sms"] {
            for (secret, signed, at) in [
                (SECRET, other.as_str(), app.now()),
                (OTHER, &sms, app.now()),
                (SECRET, &sms, app.now() - seconds(301)),
                (SECRET, &sms, app.now() + seconds(301)),
            ] {
                let answer = post(&app, path, (secret, signed), at, &sms).await;
                assert_eq!((answer.status.as_u16(), &answer["code"]), (401, &"unauthorized".into()), "{path}");
            }
            let answer = app.post_with(path, &[("webhook-signature", "v1,")], sms.clone()).await;
            assert_eq!(answer.status, 401, "{path}");
        }
        assert_eq!(app.count_messages().await, 0);
        assert_eq!(app.database().number("select count(*) from quarantine").await, 0);
    }
}

#[tokio::test]
async fn signatures_that_prove_nothing_use_up_a_budget_and_good_ones_do_not() {
    let app = signing(Setup::serve()).with("SWITCHBOARD_REQUEST_LIMIT_PER_MINUTE", "3").start().await;
    for n in 0..5 {
        let sms = inbound(&format!("m-{n}"), "hello").to_string();
        assert_eq!(post(&app, "/api/webhooks/sms", (SECRET, &sms), app.now(), &sms).await.status, 200);
    }
    let sms = inbound("m-9", "hello").to_string();
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(post(&app, "/api/webhooks/sms", (OTHER, &sms), app.now(), &sms).await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert_eq!(post(&app, "/api/webhooks/sms", (NEXT, &sms), app.now(), &sms).await.status, 200);
}
