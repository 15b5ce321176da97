//! Hostile input: refused or cut off, never a 5xx, and memory stays flat.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::judge::{draft, fired, path_of, seed};
use crate::process::{Plan, Server, Site};

/// The longest that anything may stay open: the timeouts of the configuration, and a margin.
const PATIENCE: Duration = Duration::from_secs(14);
/// What ten rounds of attacks may leave behind.
const MAX_GROWTH_KIB: u64 = 48 * 1_024;
/// What dozens of attacks at once may cost.
const MAX_KIB: u64 = 384 * 1_024;
/// How long the server may take to give memory back.
const SETTLING: Duration = Duration::from_secs(20);
/// Rounds of wrong bodies after the first.
const ROUNDS: usize = 12;
/// The most that an endless body sends before it is cut off.
const ENDLESS: usize = 80 * 1_024 * 1_024;

const CONFIG: &str = "header_timeout_ms = 1500\nbody_timeout_ms = 6000\nwrite_timeout_ms = 2000\n";
/// Clients that ask for a large list and read nothing of it.
const DEAF: usize = 6;
/// One large mail, under the limit of webhooks.
const LARGE: usize = 15 * 1_024 * 1_024;

/// How one attack is written on the wire.
enum Attack {
    /// These bytes, then an answer is waited for.
    Bytes(Vec<u8>),
    /// A head, then these bytes again and again until nobody listens.
    Endless(Vec<u8>, Vec<u8>),
    /// A head, then one byte now and then.
    Slow(Vec<u8>),
}

/// An attack's name, the attack, and the answers that are right.
type Planned = (String, Attack, &'static [u16]);

/// What is seen of one: the codes of the answers, and whether the connection was closed in time.
struct Seen {
    codes: Vec<u16>,
}

fn head(path: &str, lines: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n").into_bytes()
}

fn post(path: &str, media: &str, body: &[u8]) -> Attack {
    let head = head(path, &format!("Content-Type: {media}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len()));
    Attack::Bytes([&head, body].concat())
}

/// Bodies that are wrong in every way a body can be.
fn bodies(path: &str) -> Vec<Planned> {
    let good = draft("sms", "hostile", 1).to_string();
    let deep = |n: usize| ["[".repeat(n), "]".repeat(n)].concat();
    let wide = format!("{{{}}}", (0..50_000).map(|n| format!("\"k{n}\":{n}")).collect::<Vec<_>>().join(","));
    let with_body = |text: &str| good.replace("hostile", text);
    let json = "application/json";
    let mut attacks: Vec<(&str, &str, Vec<u8>, &'static [u16])> = vec![
        ("empty", json, Vec::new(), &[400]),
        ("no object", json, b"[]".to_vec(), &[400]),
        ("deep arrays", json, deep(100_000).into_bytes(), &[400]),
        ("deep inside", json, format!("{{\"body\":{}}}", deep(10_000)).into_bytes(), &[400, 202]),
        ("wide", json, wide.into_bytes(), &[400, 202]),
        ("cut off", json, good.as_bytes()[..good.len() - 3].to_vec(), &[400]),
        ("two values", json, format!("{good}{good}").into_bytes(), &[400]),
        ("NUL in the text", json, with_body("a\\u0000b").into_bytes(), &[400, 202]),
        ("bare NUL", json, with_body("a\0b").into_bytes(), &[400]),
        ("half a surrogate pair", json, with_body("a\\ud800b").into_bytes(), &[400, 202]),
        (
            "bad UTF-8",
            json,
            good.replace("hostile", "a#b").bytes().map(|b| if b == b'#' { 0xff } else { b }).collect(),
            &[400, 202],
        ),
        ("a huge number", json, good.replace("\"hostile\"", "1e999999").into_bytes(), &[400, 202]),
        ("XML", "application/xml", b"<a/>".to_vec(), &[415]),
        ("a form", "application/x-www-form-urlencoded", b"from=1".to_vec(), &[415]),
        ("multipart", "multipart/form-data; boundary=x", b"--x--".to_vec(), &[415]),
        ("text", "text/plain", good.clone().into_bytes(), &[415]),
    ];
    attacks.push(("oversized", json, vec![b' '; 18 * 1_024 * 1_024], &[413]));
    let name = |name: &str| format!("{path}: {name}");
    attacks.into_iter().map(|(of, media, body, codes)| (name(of), post(path, media, &body), codes)).collect()
}

/// Requests that are wrong before any body counts.
fn wires() -> Vec<Planned> {
    let path = path_of("sms");
    let chunked = head(path, "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n");
    let lengthy = |n: u64| head(path, &format!("Content-Type: application/json\r\nContent-Length: {n}\r\n"));
    let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 0x10000], b"\r\n"].concat();
    let many = (0..2_000).map(|n| format!("X-{n}: y")).collect::<Vec<_>>().join("\r\n");
    let get = b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_vec();
    let get_with = |line: &str| format!("GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n{line}\r\n\r\n").into_bytes();
    let refused: &'static [u16] = &[400, 413, 414, 431, 501, 505];
    let attacks: Vec<(&str, Attack, &'static [u16])> = vec![
        ("silence", Attack::Bytes(Vec::new()), &[408]),
        ("half a head", Attack::Bytes(get[..30].to_vec()), &[408]),
        ("a slow head", Attack::Slow(b"GET /api/health HTTP/1.1\r\nX: ".to_vec()), &[408]),
        ("a slow body", Attack::Slow(lengthy(1_000)), &[408]),
        ("half a body", Attack::Bytes([lengthy(1_000), b"{".to_vec()].concat()), &[408]),
        ("an endless body", Attack::Endless(chunked.clone(), chunk), &[413, 408]),
        ("a body of 10 GB", Attack::Endless(lengthy(10_000_000_000), vec![b'x'; 0x10000]), &[413, 408]),
        ("garbage", Attack::Bytes(b"\0\x01\x02\xff\xfe\r\n\r\n".to_vec()), refused),
        ("TLS", Attack::Bytes(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()), refused),
        ("HTTP/2", Attack::Bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()), refused),
        ("a huge header", Attack::Bytes(get_with(&format!("X: {}", "y".repeat(200_000)))), refused),
        ("many headers", Attack::Bytes(get_with(&many)), refused),
        ("a huge path", Attack::Bytes(format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(200_000)).into_bytes()), refused),
        ("a bad chunk", Attack::Bytes([chunked.clone(), b"zz\r\n{}\r\n0\r\n\r\n".to_vec()].concat()), &[400]),
        ("a huge chunk", Attack::Bytes([chunked, b"ffffffffffffffffff\r\n{}".to_vec()].concat()), &[400]),
        ("two lengths", Attack::Bytes(head(path, "Content-Length: 2\r\nContent-Length: 3\r\n")), refused),
        ("no length", Attack::Bytes(head(path, "Content-Length: -2\r\n")), refused),
        ("garbage behind a request", Attack::Bytes([get, b"\0\0garbage\r\n\r\n".to_vec()].concat()), &[200, 400]),
    ];
    attacks.into_iter().map(|(name, attack, codes)| (name.to_owned(), attack, codes)).collect()
}

async fn play(port: u16, attack: Attack) -> Seen {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let writing = tokio::spawn(async move {
        match attack {
            Attack::Bytes(bytes) => drop(to.write_all(&bytes).await),
            Attack::Endless(head, more) => {
                let mut sent = 0;
                let mut written = to.write_all(&head).await;
                while written.is_ok() && sent < ENDLESS {
                    written = to.write_all(&more).await;
                    sent += more.len();
                }
            }
            Attack::Slow(head) => {
                let mut written = to.write_all(&head).await;
                while written.is_ok() {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    written = to.write_all(b"x").await;
                }
            }
        }
        // The way out stays open: whoever hangs up, it is not this side.
        tokio::time::sleep(PATIENCE).await;
        drop(to);
    });
    let mut answer = Vec::new();
    let begun = Instant::now();
    let mut chunk = vec![0; 65_536];
    while let Ok(read) = tokio::time::timeout(PATIENCE.saturating_sub(begun.elapsed()), from.read(&mut chunk)).await {
        match read {
            Ok(0) | Err(_) => break,
            Ok(read) => answer.extend_from_slice(&chunk[..read]),
        }
    }
    writing.abort();
    assert!(begun.elapsed() < PATIENCE, "still open after {PATIENCE:?}: {}", String::from_utf8_lossy(&answer));
    let text = String::from_utf8_lossy(&answer);
    let codes = text.match_indices("HTTP/1.1 ").map(|(at, _)| text[at + 9..at + 12].parse().unwrap()).collect();
    Seen { codes }
}

async fn round(port: u16, mut attacks: Vec<Planned>) -> u64 {
    for path in ["/api/messages/sms", "/api/messages/batch", "/api/webhooks/sms", "/api/webhooks/status"] {
        attacks.extend(bodies(path));
    }
    let count = attacks.len();
    let playing = attacks.into_iter().map(|(name, attack, codes)| {
        tokio::spawn(async move {
            let seen = play(port, attack).await;
            assert!(seen.codes.iter().all(|code| codes.contains(code)), "{name}: {:?}, wanted {codes:?}", seen.codes);
        })
    });
    for one in playing.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    u64::try_from(count).unwrap()
}

/// What the server holds once it has had time to give back what the last round needed: an allocator returns memory
/// while it works. What is leaked stays however long it is waited for.
async fn settled(server: &Server, mut least: u64, wanted: u64) -> u64 {
    let begun = Instant::now();
    while least >= wanted && begun.elapsed() < SETTLING {
        server.get("/api/health").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        least = least.min(server.process.resident_kib());
    }
    least
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_input_is_refused_and_costs_nothing() {
    seed("hostile");
    let site = Site::new().await;
    let plan = Plan::dev(&site, CONFIG);
    let server = plan.start().await;
    let mut attacks = round(plan.port, wires()).await;
    let mut resident = Vec::new();
    for _ in 0..ROUNDS {
        attacks += round(plan.port, Vec::new()).await;
        resident.push(server.process.resident_kib());
    }
    println!("resident memory in KiB, round by round: {resident:?}");
    // What several bodies of 16 MiB at once need comes and goes; what stays must not grow.
    let least = |rounds: &[u64]| *rounds.iter().min().unwrap();
    let early = least(&resident[..4]);
    let late = settled(&server, least(&resident[ROUNDS - 4..]), early + MAX_GROWTH_KIB).await;
    assert!(late < early + MAX_GROWTH_KIB, "memory grows from {early} to {late} KiB");
    assert!(resident.iter().all(|kib| *kib < MAX_KIB), "more than {MAX_KIB} KiB");
    let answer = server.post(path_of("sms"), &draft("sms", "still here", 1)).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    let texts: Vec<_> = server.messages().await.iter().map(|message| message["body"].clone()).collect();
    assert_eq!(texts, [json!("still here")], "nothing hostile is stored as a message");
    fired("hostile request", attacks);
}

/// How many connections a process has on a port, as the kernel counts them.
fn established(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let end = format!(":{port:04X}");
    let is_ours = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        words.next().is_some_and(|local| local.ends_with(&end)) && words.nth(1) == Some("01")
    };
    table.lines().filter(is_ours).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reads_nothing_of_a_large_list_is_left() {
    seed("hostile deaf");
    let site = Site::new().await;
    let plan = Plan::dev(&site, CONFIG);
    let server = plan.start().await;
    let mail =
        json!({ "from": "them@example.com", "to": "us@example.org", "xillio_id": "x-1", "body": "x".repeat(LARGE) });
    assert_eq!(server.post("/api/webhooks/email", &mail).await.unwrap().status, 200);
    let mut deaf = Vec::new();
    for _ in 0..DEAF {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8_192).unwrap();
        let mut stream = socket.connect(([127, 0, 0, 1], plan.port).into()).await.unwrap();
        let head = b"GET /api/conversations/1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        stream.write_all(head).await.unwrap();
        deaf.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(established(plan.port) >= DEAF, "they are being answered");
    let begun = Instant::now();
    while established(plan.port) > 0 {
        assert!(begun.elapsed() < PATIENCE, "{} are still held", established(plan.port));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for mut stream in deaf {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.len() < LARGE, "the answer broke off: {}", answer.len());
    }
    assert_eq!(
        server.get("/api/conversations/1/messages").await["data"][0]["body"],
        mail["body"],
        "whoever reads gets it"
    );
    fired("deaf client", DEAF.try_into().unwrap());
}
