//! The append-only log: ids come into sight in their own order, and search follows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use switchboard::domain::{EventId, EventKind};

use crate::harness::{TestApp, sms, text};
use crate::receiving::inbound;

#[tokio::test]
async fn every_step_of_a_message_is_an_event_and_none_holds_an_address() {
    let app = TestApp::start().await;
    app.send_sms("hello").await;
    app.run_outbox().await;
    app.post("/api/webhooks/sms", inbound("m-1", "back")).await;
    let events = app.store().read().await.unwrap().list_events(EventId(0), 100).await.unwrap();
    let shown: Vec<(EventKind, Option<i64>, &str)> =
        events.iter().map(|e| (e.kind, e.message_id.map(|id| id.0), text(&e.data["status"]))).collect();
    assert_eq!(
        shown,
        [
            (EventKind::ConversationCreated, None, ""),
            (EventKind::MessageAccepted, Some(1), "queued"),
            (EventKind::MessageStatus, Some(1), "sending"),
            (EventKind::MessageStatus, Some(1), "accepted"),
            (EventKind::MessageReceived, Some(2), "received"),
        ]
    );
    let all = serde_json::to_string(&events).unwrap();
    assert!(!all.contains("8045551234") && !all.contains("2016661234"), "{all}");
}

/// Keeps every commit of events open for a while after they got their ids, so that others may overtake it if they can.
const SLOW_COMMITS: &str = "create function dawdle() returns trigger language plpgsql as
        $$ begin perform pg_sleep(random() * 0.004); return null; end $$;
    create constraint trigger dawdle after insert on events deferrable initially deferred
        for each row execute function dawdle()";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_that_has_seen_an_event_meets_a_lower_one_later() {
    let app = Arc::new(TestApp::start().await);
    if app.database().is_postgres() {
        app.database().execute(SLOW_COMMITS).await;
    }
    let is_done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (store, is_done) = (app.store().clone(), is_done.clone());
        async move {
            let mut seen: Vec<i64> = Vec::new();
            loop {
                let was_done = is_done.load(Ordering::SeqCst);
                let after = EventId(seen.last().copied().unwrap_or(0));
                let more = store.read().await.unwrap().list_events(after, 100_000).await.unwrap();
                seen.extend(more.iter().map(|event| event.id.0));
                if was_done {
                    return seen;
                }
            }
        }
    });
    let writers = (0..8).map(|writer| {
        let app = app.clone();
        tokio::spawn(async move {
            for n in 0..20 {
                if n % 2 == 0 {
                    let mut draft = sms("x");
                    draft["to"] = json!(format!("+1202555{:04}", writer * 100 + n));
                    app.send(draft).await;
                } else {
                    app.post("/api/webhooks/sms", inbound(&format!("m-{writer}-{n}"), "x")).await;
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    is_done.store(true, Ordering::SeqCst);
    let seen = reader.await.unwrap();
    let all = app.database().texts("select cast(id as text) from events order by id").await;
    assert_eq!(seen.iter().map(i64::to_string).collect::<Vec<_>>(), all, "each was met, in order, and none twice");
    assert!(seen.len() >= 160 + 80, "{}", seen.len());
    app.leave_work();
}

#[tokio::test]
async fn search_takes_in_what_several_indexers_at_once_find_exactly_once() {
    let app = TestApp::start().await;
    for n in 0..30 {
        app.send_sms(&format!("word{n} common")).await;
    }
    let indexers = (0..4).map(|_| {
        let store = app.store().clone();
        tokio::spawn(async move { while store.index_step().await.unwrap() {} })
    });
    for indexer in indexers.collect::<Vec<_>>() {
        indexer.await.unwrap();
    }
    assert_eq!(app.list("/api/conversations?q=word7").await.len(), 1);
    assert_eq!(app.database().number("select count(*) from message_search").await, 30);
    app.run_outbox().await;
    app.index().await;
    assert_eq!(app.database().number("select count(*) from message_search").await, 30);
}
