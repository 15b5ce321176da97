//! The same thing said many times at once is one thing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::judge::{draft, fired, is_settled, path_of, seed};
use crate::process::{Answer, Carrier, Plan, Server, Site, client, request};

const WEBHOOKS: usize = 50;
const KEYED: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_webhook_fifty_times_at_once_is_one_message() {
    seed("one event");
    let site = Site::new().await;
    let server = Plan::dev(&site, "").start().await;
    let rounds = 5_usize;
    for round in 0..rounds {
        let body = json!({ "from": "+12025550111", "to": "+12015550100", "type": "sms", "body": format!("round {round}"),
            "messaging_provider_id": format!("event-{round}"), "timestamp": "2024-11-01T14:00:00Z" });
        let answers = join_all((0..WEBHOOKS).map(|_| server.post("/api/webhooks/sms", &body))).await;
        let answers: Vec<Answer> = answers.into_iter().map(Result::unwrap).collect();
        for answer in &answers {
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.body, answers[0].body, "every answer is the same");
        }
    }
    let messages = server.messages().await;
    assert_eq!(messages.len(), rounds, "one message an event");
    let conversations = server.get("/api/conversations").await["data"].clone();
    assert_eq!(conversations.as_array().unwrap().len(), 1, "{conversations}");
    assert_eq!(conversations[0]["message_count"], rounds);
    fired("repeated webhook", u64::try_from(rounds * (WEBHOOKS - 1)).unwrap());
}

/// Posts with a key; whoever is told that the first one is still under way asks again.
async fn post_keyed(server: &Server, key: &str, body: &Value) -> reqwest::Result<Answer> {
    loop {
        let builder = server.build(Method::POST, path_of("sms")).header("Idempotency-Key", key).json(body);
        let answer = request(&client(), builder).await?;
        if answer.status != 409 {
            return Ok(answer);
        }
        assert_eq!(answer.retry_after.as_deref(), Some("1"), "{}", answer.body);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_a_hundred_times_at_once_is_one_message_also_after_a_kill() {
    seed("one key");
    let site = Site::new().await;
    let carrier = Carrier::start(&site, "carrier").await;
    let plan = Plan::dev(&site, &carrier.provider("p", &["sms"], ""));
    let mut server = plan.start().await;
    let body = draft("sms", "one key", 1);
    let answers = join_all((0..KEYED).map(|_| post_keyed(&server, "key-1", &body))).await;
    let answers: Vec<Answer> = answers.into_iter().map(Result::unwrap).collect();
    for answer in &answers {
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.body, answers[0].body, "every answer is the same");
    }
    let others = join_all((0..10).map(|n| {
        let other = draft("sms", &format!("another body {n}"), 1);
        let server = &server;
        async move { post_keyed(server, "key-1", &other).await.unwrap() }
    }));
    for answer in others.await {
        assert_eq!(answer.status, 422, "{}", answer.body);
    }
    server.process.kill();
    server = plan.start().await;
    let again = post_keyed(&server, "\"key-1\"", &body).await.unwrap();
    assert_eq!((again.status, &again.body), (201, &answers[0].body), "the same answer after a kill");

    let killed = killed_in_the_middle(&plan, server).await;
    server = plan.start().await;
    let mut texts = vec!["one key".to_owned()];
    for (key, text) in killed {
        let answer = post_keyed(&server, &key, &draft("sms", &text, 2)).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
        texts.push(text);
    }
    server.wait_until(Duration::from_mins(1), is_settled).await;
    let mut held: Vec<_> = server.messages().await.iter().map(|m| m["body"].as_str().unwrap().to_owned()).collect();
    held.sort();
    texts.sort();
    assert_eq!(held, texts, "one message a key");
    let ledger = carrier.ledger();
    assert!(ledger.len() <= texts.len(), "sent more often than there are messages: {ledger:?}");
    assert_eq!(ledger.iter().filter(|line| line.body == "one key").count(), 1);
    fired("repeated key", u64::try_from(KEYED - 1).unwrap());
}

/// Twenty keys, five times each, while the server is killed: whoever asks again gets one message.
async fn killed_in_the_middle(plan: &Plan, mut server: Server) -> Vec<(String, String)> {
    let pairs: Vec<_> = (0..20).map(|n| (format!("killed-{n}"), format!("killed {n}"))).collect();
    let (answered, client) = (Arc::new(AtomicUsize::new(0)), client());
    let posts = pairs.iter().flat_map(|pair| std::iter::repeat_n(pair.clone(), 5)).map(|(key, text)| {
        let url = format!("{}{}", plan.base(), path_of("sms"));
        let (answered, client) = (answered.clone(), client.clone());
        tokio::spawn(async move {
            let builder = client.post(url).header("Idempotency-Key", key).json(&draft("sms", &text, 2));
            let answer = request(&client, builder).await;
            answered.fetch_add(1, Ordering::SeqCst);
            answer.map(|answer| answer.status)
        })
    });
    let posts: Vec<_> = posts.collect();
    while answered.load(Ordering::SeqCst) < 10 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.process.kill();
    let mut cut_off = 0;
    for post in posts {
        match post.await.unwrap() {
            Ok(status) => assert!(matches!(status, 201 | 409), "{status}"),
            Err(_) => cut_off += 1,
        }
    }
    fired("request cut off by a kill", cut_off);
    pairs
}
