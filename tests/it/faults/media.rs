//! The server ends at a named point of fetching a picture: afterwards the picture is there, once, and nothing else is.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use super::judge::{fired, seed};
use crate::endpoint::Endpoint;
use crate::harness::text;
use crate::process::{Plan, Site, client};

const GIF: &str = "GIF89a\u{1}\0\u{1}\0\0\0\0;";
const POINTS: [&str; 4] = ["after_media_claim", "after_media_reply", "after_media_row", "after_media_bytes"];

fn twilio(service: &Endpoint) -> String {
    format!(
        "[[providers]]\nname = \"tw\"\nkind = \"twilio\"\nchannels = [\"mms\"]\n\
         account_sid = \"AC0123456789abcdef0123456789abcdef\"\nauth_token = \"token\"\n\
         base_url = \"http://127.0.0.1:{}\"\n",
        service.port
    )
}

async fn crash_at(point: &'static str) {
    let site = Site::new().await;
    let service = Endpoint::start().await;
    service.always(&format!("200 OK\r\ncontent-length: {}\r\n\r\n{GIF}", GIF.len()));
    let plan = Plan::dev(&site, &twilio(&service)).with("SWITCHBOARD_PUBLIC_URL", "https://messages.example.com");
    let mut server = plan.with("SWITCHBOARD_FAULT", point).start().await;
    let url = format!("http://127.0.0.1:{}/media", service.port);
    let form = [
        ("MessageSid", "MM1"),
        ("From", "+18045551234"),
        ("To", "+12016661234"),
        ("NumMedia", "1"),
        ("MediaUrl0", url.as_str()),
    ];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let posted = client().post(format!("{}/api/webhooks/twilio/tw", server.base));
    let posted = posted.header("content-type", "application/x-www-form-urlencoded").body(form);
    assert_eq!(posted.send().await.unwrap().status(), 200);
    let ended = server.process.wait(Duration::from_secs(20)).await;
    assert_eq!(ended.signal(), Some(6), "it aborts at {point}, but ended with {ended}");

    let server = plan.start().await;
    let is_here = |message: &serde_json::Value| text(&message["attachments"][0]).starts_with("/api/attachments/");
    let messages = server.wait_until(Duration::from_mins(2), is_here).await;
    assert_eq!(messages.len(), 1, "{point}");
    let timeline = server.timeline(&messages[0]).await;
    let notes: Vec<_> = timeline.iter().filter(|entry| entry["kind"] == "note").collect();
    assert_eq!((notes.len(), &notes[0]["tries"]), (1, &1.into()), "{point}: {notes:?}");
    let path = text(&messages[0]["attachments"][0]);
    let read = client().get(format!("{}{path}", server.base)).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(read, GIF.as_bytes(), "{point}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_fetched_though_the_server_ends_at_any_point_of_fetching_it() {
    seed("media");
    let all = POINTS.map(|point| tokio::spawn(crash_at(point)));
    let mut crashes = 0;
    for one in all {
        one.await.unwrap();
        crashes += 1;
    }
    fired("crashes", crashes);
}
