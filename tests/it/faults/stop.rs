//! SIGTERM: nothing new begins, what is in flight finishes within ten seconds, and no lease stays behind.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::judge::{draft, fired, is_settled, path_of, seed, status};
use crate::process::{Carrier, Plan, Server, Site};

async fn send(server: &Server, count: u64) {
    for n in 0..count {
        let answer = server.post(path_of("sms"), &draft("sms", &format!("stop {n}"), n)).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
}

async fn wait_for_requests(carrier: &Carrier, count: u64) {
    let begun = Instant::now();
    while carrier.stats().await.requests < count {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", carrier.stats().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A request whose body is still on its way.
async fn half_a_post(plan: &Plan) -> (TcpStream, Vec<u8>) {
    let body = draft("sms", "half a post", 9).to_string().into_bytes();
    let mut stream = TcpStream::connect(("127.0.0.1", plan.port)).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        path_of("sms"),
        plan.port,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (now, later) = body.split_at(10);
    stream.write_all(now).await.unwrap();
    (stream, later.to_vec())
}

async fn what_is_in_flight_finishes() {
    let site = Site::new().await;
    let carrier = Carrier::start(&site, "slow").await;
    carrier.set_chaos(json!({ "latency_ms": [3_000, 3_000] })).await;
    let more = "timeout_ms = 20000\nmax_in_flight = 5\n";
    let plan = Plan::dev(&site, &carrier.provider("p", &["sms"], more));
    let mut server = plan.start().await;
    send(&server, 12).await;
    wait_for_requests(&carrier, 5).await;
    let (mut stream, rest) = half_a_post(&plan).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    server.process.signal("TERM");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(TcpStream::connect(("127.0.0.1", plan.port)).await.is_err(), "it accepts nothing new");
    stream.write_all(&rest).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "a request that had begun is finished: {answer}");
    let ended = server.process.wait(Duration::from_secs(12)).await;
    println!("stopped {:?} after SIGTERM", begun.elapsed());
    assert!(ended.success(), "{ended}");
    let stats = carrier.stats().await;
    assert_eq!((stats.requests, stats.taken), (5, 5), "nothing new began");

    carrier.calm().await;
    let server = plan.start().await;
    let messages = server.wait_until(Duration::from_secs(5), is_settled).await;
    assert_eq!(messages.len(), 13);
    for message in &messages {
        assert_eq!((status(message), &message["possible_duplicate"]), ("accepted", &json!(false)), "{message}");
    }
    assert_eq!(carrier.ledger().len(), 13, "each once");
}

async fn what_hangs_is_unknown() {
    let site = Site::new().await;
    let carrier = Carrier::start(&site, "hangs").await;
    carrier.set_chaos(json!({ "script": ["hang_taken", "hang_not_taken"] })).await;
    let plan = Plan::dev(&site, &carrier.provider("p", &["sms"], "timeout_ms = 60000\nmax_in_flight = 2\n"));
    let mut server = plan.start().await;
    send(&server, 2).await;
    wait_for_requests(&carrier, 2).await;
    let begun = Instant::now();
    server.process.signal("TERM");
    let ended = server.process.wait(Duration::from_secs(14)).await;
    let took = begun.elapsed();
    println!("stopped {took:?} after SIGTERM, with two that hung");
    assert!(ended.success(), "{ended}");
    assert!(took > Duration::from_secs(9), "what is in flight gets its ten seconds, not {took:?}");

    let server = plan.start().await;
    let messages = server.messages().await;
    for message in &messages {
        assert_eq!(status(message), "unknown", "its lease was given back: {message}");
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let stats = carrier.stats().await;
    assert_eq!((messages.len(), stats.requests, stats.taken), (2, 2, 1), "asked once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_finishes_what_is_in_flight_and_leaves_no_lease() {
    seed("stop");
    let (finishes, hangs) = (tokio::spawn(what_is_in_flight_finishes()), tokio::spawn(what_hangs_is_unknown()));
    finishes.await.unwrap();
    hangs.await.unwrap();
    fired("SIGTERM with messages in flight", 2);
}
