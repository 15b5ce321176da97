//! The log: everything once and in order, now and for whoever comes back.

use std::sync::Arc;

use serde_json::json;
use switchboard::auth::Scope;
use switchboard::live::Limits;

use super::{Station, ids};
use crate::harness::{Setup, sms, text};

#[tokio::test]
async fn what_happens_is_told_as_the_log_has_it() {
    let station = Station::open(Setup::default()).await;
    let mut ear = station.knock("/api/live", &[]).await.unwrap();
    let begin = ear.hello().await;
    let message = station.app.send_sms("hello").await;
    let heard = ear.hear_until(station.log_after(begin).await[1]).await;
    assert_eq!(ids(&heard), station.log_after(begin).await);
    let kinds: Vec<&str> = heard.iter().map(|frame| text(&frame["type"])).collect();
    assert_eq!(kinds, ["conversation.created", "message.accepted"]);
    let accepted = &heard[1];
    let wanted =
        json!({ "conversation_id": message["conversation_id"], "message_id": message["id"], "status": "queued" });
    assert_eq!(accepted["data"], wanted, "{message}");
    assert_eq!(accepted["at"], message["created_at"]);
    assert!(!accepted.to_string().contains("hello") && !accepted.to_string().contains("+1804"), "{accepted}");
}

#[tokio::test]
async fn many_who_write_at_once_are_heard_once_and_in_order() {
    let station = Arc::new(Station::open(Setup::default()).await);
    let mut ear = station.knock("/api/live", &[]).await.unwrap();
    let begin = ear.hello().await;
    let writers = (0..6).map(|writer| {
        let station = Arc::clone(&station);
        tokio::spawn(async move {
            for n in 0..25 {
                let mut draft = sms(&format!("{writer} {n}"));
                draft["to"] = json!(format!("+1202555{:04}", writer * 100 + n % 5));
                station.app.send(draft).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let log = station.log_after(begin).await;
    assert_eq!(log.len(), 6 * (25 + 5));
    assert_eq!(ids(&ear.hear_until(*log.last().unwrap()).await), log);
}

#[tokio::test]
async fn whoever_comes_back_again_and_again_misses_nothing_and_hears_nothing_twice() {
    let station = Arc::new(Station::open(Setup::default()).await);
    let key = station.app.key(&[Scope::MessagesRead]).await;
    let mut ear = station.listen(&key).await;
    let begin = ear.hello().await;
    let writing = tokio::spawn({
        let station = Arc::clone(&station);
        async move {
            for n in 0..120 {
                station.app.send_sms(&format!("message {n}")).await;
            }
        }
    });
    let mut heard = Vec::new();
    while heard.len() < 110 {
        let wanted = 1 + usize::from(rand::random::<u8>() % 9);
        for _ in 0..wanted {
            heard.push(ear.hear().await["id"].as_i64().unwrap());
        }
        drop(ear);
        ear = station.resume(&key, *heard.last().unwrap()).await;
    }
    writing.await.unwrap();
    let log = station.log_after(begin).await;
    heard.extend(ids(&ear.hear_until(*log.last().unwrap()).await));
    assert_eq!(heard, log);
}

#[tokio::test]
async fn whoever_missed_little_gets_it_and_whoever_missed_much_begins_anew() {
    let limits = Limits { missed: 6, ..Limits::default() };
    let station = Station::open(Setup { live: limits, ..Setup::default() }).await;
    for n in 0..10 {
        station.app.send_sms(&format!("message {n}")).await;
    }
    let log = station.log_after(0).await;
    let newest = *log.last().unwrap();
    let resumed = async |after: i64| station.knock(&format!("/api/live?after={after}"), &[]).await.unwrap();
    let mut ear = resumed(log[log.len() - 7]).await;
    assert_eq!(ids(&ear.hear_until(newest).await), log[log.len() - 6..]);
    let mut ear = resumed(log[log.len() - 8]).await;
    assert_eq!(ear.hear().await, json!({ "type": "reload", "id": newest }));
    station.app.send_sms("one more").await;
    assert_eq!(ear.hear().await["id"], json!(station.log_after(newest).await[0]));
    let mut ahead = resumed(newest + 1_000).await;
    assert_eq!(ahead.hear().await["type"], "reload", "of another database");
}

#[tokio::test]
async fn a_commit_that_was_taken_back_makes_nobody_begin_anew() {
    let station = Station::open(Setup::default()).await;
    station.app.send_sms("hello").await;
    if station.app.database().is_postgres() {
        station.app.database().execute("select nextval('events_id_seq') from generate_series(1, 3)").await;
    }
    let begin = station.knock("/api/live", &[]).await.unwrap().hello().await;
    let mut back = station.knock(&format!("/api/live?after={begin}"), &[]).await.unwrap();
    station.app.send_sms("one more").await;
    assert_eq!(back.hear().await["id"], json!(station.log_after(begin).await[0]));
}

#[tokio::test]
async fn many_who_come_back_at_once_wait_for_their_turn_and_get_everything() {
    let limits = Limits { catching_up: 1, ..Limits::default() };
    let station = Station::open(Setup { live: limits, ..Setup::default() }).await;
    for n in 0..5 {
        station.app.send_sms(&format!("message {n}")).await;
    }
    let log = station.log_after(0).await;
    let path = format!("/api/live?after={}", log[0]);
    let all = (0..20).map(async |_| {
        let mut ear = station.knock(&path, &[]).await.unwrap();
        ids(&ear.hear_until(*log.last().unwrap()).await)
    });
    for heard in futures_util::future::join_all(all).await {
        assert_eq!(heard, log[1..]);
    }
}

#[tokio::test]
async fn whoever_comes_back_after_the_log_was_cut_begins_anew() {
    let station = Station::open(Setup::default()).await;
    for n in 0..5 {
        station.app.send_sms(&format!("message {n}")).await;
    }
    let log = station.log_after(0).await;
    station.app.database().execute(&format!("delete from events where id <= {}", log[2])).await;
    let resumed = async |after: i64| station.knock(&format!("/api/live?after={after}"), &[]).await.unwrap();
    assert_eq!(resumed(log[1]).await.hear().await["type"], "reload");
    assert_eq!(resumed(log[2]).await.hear().await["id"], json!(log[3]), "nothing is missing here");
    for path in ["/api/live?after=x", "/api/live?after=-1", "/api/live?after=1.5"] {
        let refused = station.knock(path, &[]).await.err().unwrap();
        assert_eq!(refused, (400, "invalid_request".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_stream_of_events_says_the_same_and_is_resumed_by_the_browser_itself() {
    let station = Station::open(Setup::default()).await;
    let mut stream = station.stream("/api/live", &[]).await;
    let hello = stream.hear().await.unwrap();
    assert_eq!((text(&hello.data["type"]), hello.id), ("hello", Some(hello.data["id"].to_string())));
    station.app.send_sms("first").await;
    let begun = stream.hear().await.unwrap();
    assert_eq!((begun.event, begun.id), (None, Some(begun.data["id"].to_string())));
    let last = stream.hear().await.unwrap().id.unwrap();
    drop(stream);
    station.app.send_sms("second").await;
    let headers = [("last-event-id", last.as_str())];
    let mut stream = station.stream("/api/live?after=0", &headers).await;
    let missed = stream.hear().await.unwrap();
    assert_eq!(missed.data["id"], json!(station.log_after(last.parse().unwrap()).await[0]));
    station.stop.cancel();
    let end = stream.hear().await.unwrap();
    assert_eq!((end.event.as_deref(), text(&end.data["reason"])), (Some("end"), "restarting"));
    assert_eq!(stream.hear().await, None);
    station.close().await;
}

#[tokio::test]
async fn somebody_who_does_not_keep_up_is_let_go_and_comes_back() {
    let limits = Limits { queue: 600, missed: 100_000, ..Limits::default() };
    let station = Station::open(Setup { live: limits, ..Setup::default() }).await;
    let mut slow = station.knock("/api/live", &[]).await.unwrap();
    let mut quick = station.knock("/api/live", &[]).await.unwrap();
    let begin = slow.hello().await;
    assert_eq!(quick.hello().await, begin);
    let mut heard_by_quick = Vec::new();
    for batch in 0..20 {
        let draft = |n: usize| {
            let mut draft = sms("x");
            draft["to"] = json!(format!("+1202{batch:03}{n:04}"));
            draft
        };
        let drafts: Vec<_> = (0..200).map(draft).collect();
        let sent = station.app.post("/api/messages/batch", json!({ "messages": drafts })).await;
        assert_eq!(sent["accepted"], 200, "{:?}", sent.body);
        let newest = *station.log_after(begin).await.last().unwrap();
        heard_by_quick.extend(ids(&quick.hear_until(newest).await));
    }
    let log = station.log_after(begin).await;
    assert_eq!(heard_by_quick, log, "another one is not held up");
    let mut heard = Vec::new();
    let end = loop {
        match tokio::time::timeout(std::time::Duration::from_secs(20), slow.next_or_end()).await.unwrap() {
            Ok(frame) => heard.push(frame["id"].as_i64().unwrap()),
            Err(end) => break end,
        }
    };
    assert!(end.is_none_or(|end| end == (4408, "too_slow".to_owned())));
    assert!(!heard.is_empty() && heard.len() < log.len(), "{} of {}", heard.len(), log.len());
    let mut back = station.knock(&format!("/api/live?after={}", heard.last().unwrap()), &[]).await.unwrap();
    heard.extend(ids(&back.hear_until(*log.last().unwrap()).await));
    assert_eq!(heard, log);
}
