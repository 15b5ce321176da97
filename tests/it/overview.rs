//! The overview: what became of messages minute by minute, what waits, and what it costs to say so.

use serde_json::{Value, json};
use switchboard::auth::Scope;
use switchboard::domain::Role;

use crate::harness::{Setup, TestApp, minutes, seconds, sms, text};
use crate::logs;
use crate::provider::{rejected, silence};
use crate::receiving::inbound;

async fn overview(app: &TestApp, path: &str) -> Value {
    let answer = app.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.body
}

/// What happened in the minutes in which anything did: accepted, delivered, failed, unknown.
fn busy(overview: &Value) -> Vec<(String, [i64; 4])> {
    let count = |minute: &Value, name: &str| minute[name].as_i64().unwrap();
    let shown = overview["minutes"].as_array().unwrap().iter().map(|minute| {
        let counts = ["accepted", "delivered", "failed", "unknown"].map(|name| count(minute, name));
        (text(&minute["at"])[11..16].to_owned(), counts)
    });
    shown.filter(|(_, counts)| counts.iter().any(|count| *count > 0)).collect()
}

#[tokio::test]
async fn each_minute_shows_what_became_of_messages_in_it() {
    let app = TestApp::start().await;
    app.send_sms("long ago").await;
    app.run_outbox().await;
    app.advance(minutes(90));
    app.send_sms("delivered in two seconds").await;
    app.send_sms("delivered in ten").await;
    app.run_outbox().await;
    app.advance(seconds(2));
    assert_eq!(app.report(json!({ "provider_id": "p-2", "status": "delivered" })).await["result"], "applied");
    app.advance(seconds(8));
    assert_eq!(app.report(json!({ "provider_id": "p-3", "status": "delivered" })).await["result"], "applied");
    app.advance(minutes(1));
    app.provider.script([rejected(), silence()]);
    app.send_sms("refused").await;
    app.send_sms("nobody knows").await;
    app.run_outbox().await;
    let shown = overview(&app, "/api/overview?minutes=5").await;
    assert_eq!(busy(&shown), [("13:30".to_owned(), [2, 2, 0, 0]), ("13:31".to_owned(), [2, 0, 1, 1])]);
    assert_eq!(shown["minutes"].as_array().unwrap().len(), 5);
    assert_eq!(shown["delivery"], json!({ "messages": 2, "p50_ms": 2_000, "p95_ms": 10_000 }));
    assert_eq!(shown["minutes"][3]["delivery"], shown["delivery"]);
    assert_eq!(shown["minutes"][4]["delivery"], json!({ "messages": 0, "p50_ms": null, "p95_ms": null }));
    assert_eq!(shown["is_partial"], json!(false));
    let hours = overview(&app, "/api/overview?minutes=120").await;
    assert_eq!(busy(&hours)[0], ("12:00".to_owned(), [1, 0, 0, 0]));
    assert_eq!(overview(&app, "/api/overview").await["minutes"].as_array().unwrap().len(), 60);
    app.leave_work();
}

#[tokio::test]
async fn what_waits_and_what_was_given_up_is_counted() {
    let app = TestApp::start().await;
    let mut later = sms("later");
    later["scheduled_at"] = json!("2026-03-03T12:00:00Z");
    app.send(later).await;
    app.send_sms("now").await;
    app.advance(seconds(7));
    let mut odd = inbound("m-1", "x");
    odd["from"] = json!("nobody can read this");
    assert_eq!(app.post("/api/webhooks/sms", odd).await.status, 202);
    let shown = overview(&app, "/api/overview").await;
    assert_eq!(
        shown["queue"],
        json!([
            { "lane": "codes", "due": 0, "later": 0, "oldest_seconds": null },
            { "lane": "single", "due": 1, "later": 1, "oldest_seconds": 7 },
            { "lane": "bulk", "due": 0, "later": 0, "oldest_seconds": null },
        ])
    );
    assert_eq!((&shown["quarantined"], &shown["dead_letters"]), (&json!(1), &json!(0)));
    app.database().execute("update messages set status = 'dead' where body = 'now'").await;
    assert_eq!(overview(&app, "/api/overview").await["dead_letters"], json!(1));
    for wrong in ["4", "1441", "x", "", "-5", "60.5"] {
        let refused = app.get(&format!("/api/overview?minutes={wrong}")).await;
        assert_eq!(refused.errors(), ["query:minutes invalid"], "{wrong}");
    }
    app.leave_work();
}

#[tokio::test]
async fn another_workspace_sees_its_own_and_no_queue() {
    let app = Setup::serve().start().await;
    let own = app.key(&[Scope::Admin]).await;
    let sent = app.post_with("/api/messages/sms", &[("authorization", &own)], sms("ours").to_string()).await;
    assert_eq!(sent.status, 201);
    let other = app.workspace("other").await;
    let admin = app.person_of(other, "zoe", Role::Admin).await;
    let theirs = app.get_with("/api/overview", &[("authorization", &admin.authorization)]).await;
    assert_eq!((busy(&theirs.body), &theirs["queue"]), (Vec::new(), &Value::Null));
    let ours = app.get_with("/api/overview", &[("authorization", &own)]).await;
    assert_eq!((busy(&ours.body).len(), ours["queue"].as_array().map(Vec::len)), (1, Some(3)));
    app.leave_work();
}

#[tokio::test]
async fn the_beginning_of_the_span_is_found_whatever_lies_before_it() {
    let app = TestApp::start().await;
    for span in [0, 3, 40, 41, 200] {
        app.send_sms(&format!("after {span}")).await;
        app.advance(minutes(span));
    }
    app.database().execute("delete from events where id % 3 = 1").await;
    for back in [5, 60, 200, 242, 300, 1_440] {
        let shown = overview(&app, &format!("/api/overview?minutes={back}")).await;
        let begin = text(&shown["minutes"][0]["at"]).to_owned();
        let at = if app.database().is_postgres() {
            "to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')"
        } else {
            "strftime('%Y-%m-%dT%H:%M:%S', at / 1000000, 'unixepoch')"
        };
        let sql = format!("select {at} from events where kind = 'message.accepted' order by id");
        let wanted = app.database().texts(&sql).await.iter().filter(|at| at[..16] >= begin[..16]).count();
        let shown: i64 = busy(&shown).iter().map(|(_, counts)| counts[0]).sum();
        assert_eq!(usize::try_from(shown).unwrap(), wanted, "{back}");
    }
    app.leave_work();
}

#[tokio::test]
async fn whoever_asks_again_soon_or_at_the_same_time_costs_no_more() {
    logs::keep();
    let app = TestApp::start().await;
    app.send_sms("one").await;
    let reads = || logs::statements().iter().filter(|sql| sql.contains("group by minute, status")).count();
    let asked = (0..10).map(|_| overview(&app, "/api/overview"));
    for shown in futures_util::future::join_all(asked).await {
        assert_eq!(busy(&shown), [("12:00".to_owned(), [1, 0, 0, 0])]);
    }
    assert_eq!(reads(), 1);
    app.send_sms("two").await;
    app.advance(seconds(4));
    assert_eq!(busy(&overview(&app, "/api/overview").await)[0].1, [1, 0, 0, 0]);
    assert_eq!(busy(&overview(&app, "/api/overview?minutes=5").await)[0].1, [2, 0, 0, 0], "another span");
    app.advance(seconds(1));
    assert_eq!(busy(&overview(&app, "/api/overview").await)[0].1, [2, 0, 0, 0]);
    assert_eq!(reads(), 3);
    app.leave_work();
}
