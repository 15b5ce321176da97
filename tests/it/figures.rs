//! Figures for `docs/benchmarks.md` that need no server of their own. They are ignored unless asked for:
//! `cargo nextest run --release --run-ignored only figures --no-capture`.

use std::time::{Duration, Instant};

use crate::chats::{people, say};
use crate::harness::TestApp;

/// One message in a hundred is the person's own, over a year.
fn million(is_postgres: bool, person: i64) -> String {
    let (yes, no, at) = if is_postgres {
        ("true", "false", "timestamptz '2026-03-02 12:00:00Z' - n * interval '30 seconds'")
    } else {
        ("1", "0", "1772452800000000 - n * 30000000")
    };
    format!(
        "with recursive n (n) as (select 1 union all select n + 1 from n where n < 1000000)
         insert into messages (id, workspace_id, conversation_id, direction, channel, author_id, recipient_id, body,
            status, is_final, possible_duplicate, generation, occurred_at, created_at, updated_at)
         select 1000000 + n, 1, 1, 'outbound', 'chat',
            case when n % 200 = 0 then {person} else 1000 + n % 500 end,
            case when n % 200 = 100 then {person} else 1000 + (n + 7) % 500 end,
            'message number ' || n, 'accepted', {yes}, {no}, 0, {at}, {at}, {at} from n"
    )
}

#[tokio::test]
#[ignore = "a figure, with a million rows"]
async fn listing_a_persons_messages_with_a_million_rows_in_the_table() {
    let app = TestApp::start().await;
    let people = people(&app).await;
    say(&app, &people[1], &people[2], "hello").await;
    let begun = Instant::now();
    app.database().execute(&million(app.database().is_postgres(), people[1].id.0)).await;
    app.database().execute("analyze").await;
    println!("a million messages in {:?}", begun.elapsed());
    for query in ["?limit=50", "", "?days=365&limit=50", "?days=365"] {
        let mut spans: Vec<Duration> = Vec::new();
        let mut rows = 0;
        for _ in 0..200 {
            let begun = Instant::now();
            let answer = app.get(&format!("/api/messages/bugs{query}")).await;
            spans.push(begun.elapsed());
            rows = answer.body.as_array().unwrap().len();
        }
        spans.sort();
        println!("{query:>20}: {rows} rows, p50 {:?}, p95 {:?}", spans[100], spans[190]);
    }
}
