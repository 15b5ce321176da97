//! Lists of large bodies: a page ends early rather than fill the memory, and the next one goes on exactly there.

use serde_json::{Value, json};

use crate::harness::{Answer, TestApp, hours, seconds};
use crate::provider::busy;

const MIB: usize = 1024 * 1024;
/// What a page of bodies may have, and what stands around them.
const PAGE: usize = 4 * MIB + 64 * 1024;

fn large(n: usize, size: usize) -> String {
    format!("{n} {}", "x".repeat(size))
}

async fn receive_mail(app: &TestApp, n: usize, from: &str, size: usize) {
    let mail = json!({ "from": from, "to": "us@example.org", "xillio_id": format!("x-{n}"), "subject": n.to_string(),
                       "body": large(n, size) });
    assert_eq!(app.post("/api/webhooks/email", mail).await.status, 200);
    app.advance(seconds(1));
}

/// The first word of each body on each page, by `next_cursor`.
async fn walk(app: &TestApp, path: &str, key: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), path.to_owned());
    loop {
        let answer = app.get(&next).await;
        assert_eq!(answer.status, 200, "{next}");
        pages.push(page(&answer.body["data"], &answer, |row| row.pointer(key)));
        let Some(cursor) = answer["next_cursor"].as_str() else { return pages };
        next = format!("{path}{}cursor={cursor}", if path.contains('?') { '&' } else { '?' });
    }
}

/// The same by the `Link` header.
async fn follow(app: &TestApp, path: &str, list: &str, key: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), path.to_owned());
    loop {
        let answer = app.get(&next).await;
        assert_eq!(answer.status, 200, "{next}");
        pages.push(page(answer.body.pointer(list).unwrap(), &answer, |row| row.pointer(key)));
        let link = answer.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        let Some(link) = link else { return pages };
        link.clone_into(&mut next);
    }
}

fn page<'a>(rows: &'a Value, answer: &Answer, body: impl Fn(&'a Value) -> Option<&'a Value>) -> Vec<String> {
    let rows = rows.as_array().unwrap();
    assert!(rows.len() == 1 || answer.bytes.len() < PAGE, "{} rows have {} bytes", rows.len(), answer.bytes.len());
    let first_word =
        |row| body(row).and_then(Value::as_str).and_then(|text| text.split(' ').next()).unwrap().to_owned();
    rows.iter().map(first_word).collect()
}

fn numbers(pages: &[&[usize]]) -> Vec<Vec<String>> {
    pages.iter().map(|page| page.iter().map(ToString::to_string).collect()).collect()
}

#[tokio::test]
async fn a_thread_of_large_mails_comes_in_pages_of_a_few_mebibytes() {
    let app = TestApp::start().await;
    for (n, size) in [10, 2 * MIB, MIB, MIB, 6 * MIB, 10, 5 * MIB, 3 * MIB].into_iter().enumerate() {
        receive_mail(&app, n, "them@example.com", size).await;
    }
    let thread = "/api/conversations/1/messages";
    let up = [&[0, 1, 2][..], &[3], &[4], &[5], &[6], &[7]];
    assert_eq!(walk(&app, thread, "/body").await, numbers(&up));
    let down = [&[7][..], &[6], &[5], &[4], &[3, 2], &[1, 0]];
    assert_eq!(walk(&app, &format!("{thread}?order=desc"), "/body").await, numbers(&down));
    let by_two = [&[0, 1][..], &[2, 3], &[4], &[5], &[6], &[7]];
    assert_eq!(walk(&app, &format!("{thread}?limit=2"), "/body").await, numbers(&by_two));
}

#[tokio::test]
async fn conversations_are_cut_by_their_last_messages() {
    let app = TestApp::start().await;
    for n in 0..6 {
        receive_mail(&app, n, &format!("them{n}@example.com"), [MIB, 5 * MIB][n % 2]).await;
    }
    app.index().await;
    let pages = numbers(&[&[5], &[4], &[3], &[2], &[1], &[0]]);
    for filter in ["channel=email", "q=us@example.org", "participant=us@example.org"] {
        assert_eq!(walk(&app, &format!("/api/conversations?{filter}"), "/last_message/body").await, pages, "{filter}");
    }
    let small = "/api/conversations?participant=them0@example.com";
    assert_eq!(walk(&app, small, "/last_message/body").await, numbers(&[&[0]]));
}

#[tokio::test]
async fn what_stands_beside_a_body_counts_too() {
    let app = TestApp::start().await;
    for n in 0..3 {
        let mms = json!({ "from": "+18045551234", "to": "+12016661234", "type": "mms", "body": large(n, 10),
                          "messaging_provider_id": format!("m-{n}"), "attachments": vec!["y".repeat(2_000); 1_500] });
        assert_eq!(app.post("/api/webhooks/sms", mms).await.status, 200);
        app.advance(seconds(1));
    }
    assert_eq!(walk(&app, "/api/conversations/1/messages", "/body").await, numbers(&[&[0], &[1], &[2]]));
}

#[tokio::test]
async fn bare_arrays_that_end_early_say_where_they_go_on() {
    let app = TestApp::start().await;
    for n in 0..6 {
        let mms = json!({ "from": "+12016661234", "to": "+18045551234", "type": "mms", "body": large(n, MIB - 500) });
        app.send(mms).await;
        app.advance(seconds(1));
    }
    assert_eq!(follow(&app, "/messages", "", "/message_body").await, numbers(&[&[5, 4, 3, 2], &[1, 0]]));
    let history = "/api/get-conversation/8045551234";
    assert_eq!(follow(&app, history, "/messages", "/message_text").await, numbers(&[&[2, 3, 4, 5], &[0, 1]]));
    app.provider.always(Some(busy(None)));
    app.run_for(hours(11)).await;
    let mut dead = walk(&app, "/api/dead-letters", "/body").await;
    assert_eq!(dead.iter().map(Vec::len).collect::<Vec<_>>(), [4, 2]);
    let mut dead: Vec<String> = dead.drain(..).flatten().collect();
    dead.sort();
    assert_eq!(dead, ["0", "1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn the_quarantine_is_cut_by_its_bodies() {
    let app = TestApp::start().await;
    for (n, size) in [MIB, 10, 5 * MIB, MIB, 2 * MIB, 10].into_iter().enumerate() {
        let unreadable = format!("{{\"{n}\": \"{}\"}}", "x".repeat(size));
        assert_eq!(app.post_with("/api/webhooks/sms", &[], unreadable).await.status, 202);
        app.advance(seconds(1));
    }
    let keys = |pages: &[&[usize]]| -> Vec<Vec<String>> {
        pages.iter().map(|page| page.iter().map(|n| format!("{{\"{n}\":")).collect()).collect()
    };
    assert_eq!(walk(&app, "/api/quarantine", "/raw").await, keys(&[&[5, 4, 3], &[2], &[1, 0]]));
    assert_eq!(walk(&app, "/api/quarantine?limit=2", "/raw").await, keys(&[&[5, 4], &[3], &[2], &[1, 0]]));
}
