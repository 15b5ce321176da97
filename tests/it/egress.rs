//! No spelling of an address leads the server into a private network: 300 of them and more, against a listener that
//! counts every connection.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::Method;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::json;
use switchboard::auth::Scope;
use switchboard::egress::{Egress, EgressError, Names, SystemNames};
use switchboard::store::WebhookTarget;
use switchboard::webhook::{Answer, Sender};
use tokio::net::TcpListener;

use crate::harness::{Setup, hours, sms, text};

/// Listens on every address of this machine, in both families, and counts.
struct Counter {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Counter {
    async fn start() -> Self {
        let bound = match TcpListener::bind("[::]:0").await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
        };
        let (port, connections) = (bound.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = connections.clone();
        tokio::spawn(async move {
            while bound.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        let started = Self { port, connections };
        tokio::net::TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.unwrap();
        while started.count() == 0 {
            tokio::task::yield_now().await;
        }
        started.connections.store(0, Ordering::SeqCst);
        started
    }

    fn count(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A name server of the test's own; what begins with `localhost` is asked of the system.
#[derive(Debug)]
struct TestNames {
    table: HashMap<&'static str, Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl TestNames {
    fn new() -> Self {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let table = HashMap::from([
            ("loopback.example", addresses(&["127.0.0.1"])),
            ("loopback6.example", addresses(&["::1"])),
            ("both.example", addresses(&["127.0.0.1", "::1", "10.0.0.1"])),
            ("any.example", addresses(&["0.0.0.0"])),
            ("any6.example", addresses(&["::"])),
            ("mapped.example", addresses(&["::ffff:127.0.0.1"])),
            ("compatible.example", addresses(&["::127.0.0.1"])),
            ("nat64.example", addresses(&["64:ff9b::7f00:1"])),
            ("metadata.example", addresses(&["169.254.169.254"])),
            ("private.example", addresses(&["192.168.0.1", "172.16.0.1"])),
            ("nobody.example", addresses(&[])),
            ("xn--bcher-kva.example", addresses(&["127.0.0.1"])),
        ]);
        Self { table, asked: AtomicUsize::new(0) }
    }
}

impl Names for TestNames {
    fn look_up<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        async move {
            if name.starts_with("localhost") {
                return SystemNames.look_up(name).await;
            }
            let name = name.trim_end_matches('.');
            self.table.get(name).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        }
        .boxed()
    }
}

/// Addresses that are nobody's on the public internet.
const CLOSED: [[u8; 4]; 14] = [
    [127, 0, 0, 1],
    [127, 1, 2, 3],
    [0, 0, 0, 0],
    [10, 0, 0, 1],
    [172, 16, 5, 4],
    [192, 168, 1, 1],
    [169, 254, 169, 254],
    [100, 64, 0, 1],
    [100, 100, 100, 200],
    [168, 63, 129, 16],
    [192, 0, 2, 1],
    [198, 18, 0, 1],
    [224, 0, 0, 1],
    [255, 255, 255, 255],
];

fn shifted(text: &str, by: impl Fn(char) -> char) -> String {
    text.chars().map(by).collect()
}

/// An IPv4 address in every form that some program reads.
fn spellings_of(ip: [u8; 4]) -> Vec<String> {
    let [a, b, c, d] = ip.map(u32::from);
    let number = u32::from(Ipv4Addr::from(ip));
    let (high, low) = (number >> 16, number & 0xffff);
    let dotted = format!("{a}.{b}.{c}.{d}");
    let full = |c: char| c.to_digit(10).and_then(|n| char::from_u32(0xff10 + n)).unwrap_or('\u{3002}');
    let mathematical = |c: char| c.to_digit(10).and_then(|n| char::from_u32(0x1d7ce + n)).unwrap_or(c);
    let percent = dotted.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    vec![
        dotted.clone(),
        format!("{number}"),
        format!("0x{number:x}"),
        format!("0X{number:X}"),
        format!("0{number:o}"),
        format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("000{a:o}.000{b:o}.{c}.{d}"),
        format!("0x00000000{a:02x}.{b}.0{c:o}.{d}"),
        format!("{a}.{b}.{}", (c << 8) | d),
        format!("{a}.{}", number & 0x00ff_ffff),
        format!("0x{a:x}.{}", number & 0x00ff_ffff),
        format!("{dotted}."),
        format!("{number}."),
        percent,
        shifted(&dotted, full),
        shifted(&dotted, mathematical),
        dotted.replace('.', "\u{ff0e}"),
        format!("[::ffff:{dotted}]"),
        format!("[::FFFF:{high:x}:{low:x}]"),
        format!("[0:0:0:0:0:ffff:{high:04x}:{low:04x}]"),
        format!("[::{dotted}]"),
        format!("[64:ff9b::{dotted}]"),
        format!("[64:ff9b:1::{dotted}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
        format!("[2001:0:4136:e378:8000:63bf:{:x}:{:x}]", !high & 0xffff, !low & 0xffff),
        format!("[fe80::5efe:{dotted}]"),
    ]
}

/// URLs with an address in them that must be told from them alone.
fn literals(port: u16) -> BTreeSet<String> {
    let hosts = CLOSED.into_iter().flat_map(spellings_of);
    let more =
        ["[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::0:1]", "[fc00::1]"];
    let further = ["[fd00:ec2::254]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]", "[100::1]"];
    let hosts = hosts.chain(more.into_iter().chain(further).map(str::to_owned));
    let mut urls: BTreeSet<String> = hosts.map(|host| format!("http://{host}:{port}/")).collect();
    for odd in [
        "http:127.0.0.1:PORT/",
        "http:/127.0.0.1:PORT/",
        "http:///127.0.0.1:PORT/",
        "http:\\\\127.0.0.1:PORT/",
        "http://127.0.0.1:PORT#@example.com/",
        "http://127.0.0.1:PORT\\@example.com/",
        "http://127.0.0.1:PORT?@example.com/",
        "http://example.com@127.0.0.1:PORT/",
        "http://example.com:80@127.0.0.1:PORT/",
        "http://u:p@[::1]:PORT/",
        "http://127.0.\t0.1:PORT/",
        "http://127.0.\n0.1:PORT/",
        " http://127.0.0.1:PORT/ ",
        "HTTP://127.0.0.1:PORT/",
        "http://127.0.0\u{ad}.1:PORT/",
        "http://127\u{200b}.0.0.1:PORT/",
        "http://127%2e0%2e0%2e1:PORT/",
        "http://\u{2460}\u{2461}\u{2466}.0.0.1:PORT/",
        "http://[::ffff:7f00:1%25lo]:PORT/",
        "http://[::1%25lo]:PORT/",
        "ftp://127.0.0.1:PORT/",
        "gopher://127.0.0.1:PORT/",
        "file:///etc/passwd",
        "unix:///var/run/docker.sock",
    ] {
        urls.insert(odd.replace("PORT", &port.to_string()));
    }
    urls
}

/// URLs with names that lead to such addresses.
fn names(port: u16) -> Vec<String> {
    let own = [
        "loopback.example",
        "loopback6.example",
        "both.example",
        "any.example",
        "any6.example",
        "mapped.example",
        "compatible.example",
        "nat64.example",
        "metadata.example",
        "private.example",
        "nobody.example",
        "LOOPBACK.example",
        "loopback.example.",
        "b\u{fc}cher.example",
        "loop\u{ad}back.example",
        "\u{ff4c}\u{ff4f}\u{ff4f}\u{ff50}\u{ff42}\u{ff41}\u{ff43}\u{ff4b}.example",
        "loopback%2eexample",
        "unheard-of.example",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "%6cocalhost",
    ];
    own.into_iter().map(|name| format!("http://{name}:{port}/")).collect()
}

fn target(url: &str) -> WebhookTarget {
    WebhookTarget { url: url.to_owned(), secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(), previous: None }
}

#[tokio::test]
async fn no_spelling_of_a_private_address_is_connected_to() {
    let counter = Counter::start().await;
    let clock = switchboard::clock::Clock::system();
    let egress = Egress::new(&[], true, Arc::new(TestNames::new()));
    let sender = Sender::new(egress.clone(), Duration::from_millis(500), clock).unwrap();
    let (literals, names) = (literals(counter.port), names(counter.port));
    assert!(literals.len() + names.len() >= 300, "{}", literals.len() + names.len());
    let mut taken = Vec::new();
    for url in literals.iter().chain(&names) {
        let is_taken = literals.contains(url) && egress.read_url(url).is_ok();
        let answer = sender.post(&target(url), "evt_1", b"{}".to_vec()).await;
        if is_taken || answer.status.is_some() || counter.count() > 0 {
            taken.push(format!("{url:?}: {answer:?}, {} connections", counter.count()));
        }
        if taken.len() == 10 {
            break;
        }
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((taken, counter.count()), (Vec::new(), 0));
}

#[tokio::test]
async fn a_name_that_leads_into_a_private_network_is_said_to() {
    let egress = Egress::new(&[], true, Arc::new(TestNames::new()));
    let sender = Sender::new(egress, Duration::from_secs(2), switchboard::clock::Clock::system()).unwrap();
    let answer = sender.post(&target("http://both.example/"), "evt_1", b"{}".to_vec()).await;
    assert_eq!(answer, Answer { status: None, after: None, text: Some(EgressError::Private.to_string()) });
}

#[tokio::test]
async fn a_name_is_looked_up_once_for_an_attempt_and_anew_for_the_next() {
    let counter = Counter::start().await;
    let names = Arc::new(TestNames::new());
    let egress = Egress::new(&["127.0.0.1".parse().unwrap()], true, names.clone());
    let sender = Sender::new(egress, Duration::from_millis(300), switchboard::clock::Clock::system()).unwrap();
    for attempt in 1..=3 {
        sender.post(&target(&format!("http://both.example:{}/", counter.port)), "evt_1", b"{}".to_vec()).await;
        assert_eq!(
            (names.asked.load(Ordering::SeqCst), counter.count()),
            (attempt, attempt),
            "what is allowed is reached"
        );
    }
}

#[tokio::test]
async fn an_endpoint_in_a_private_network_is_refused_or_never_reached() {
    let counter = Counter::start().await;
    let setup = Setup { names: Arc::new(TestNames::new()), ..Setup::serve() };
    let app = setup
        .with("SWITCHBOARD_WEBHOOKS__ALLOW_HTTP", "true")
        .with("SWITCHBOARD_KEY_REQUEST_LIMIT_PER_MINUTE", "0")
        .start()
        .await;
    let admin = app.key(&[Scope::Admin]).await;
    let create = async |url: &str| {
        let wish = json!({ "url": url, "events": ["message.accepted"] });
        app.showing(&admin, Method::POST, "/api/webhook-endpoints", Some(wish)).await
    };
    for url in literals(counter.port) {
        let answer = create(&url).await;
        assert_eq!((answer.status.as_u16(), answer.errors().len()), (400, 1), "{url:?}: {:?}", answer.body);
        assert!(answer.errors()[0].starts_with("url "), "{url:?}");
    }
    let mut made = Vec::new();
    for url in names(counter.port) {
        let answer = create(&url).await;
        assert_eq!(answer.status, 201, "{url:?}: {:?}", answer.body);
        made.push(answer.body["id"].clone());
    }
    assert_eq!(app.showing(&admin, Method::POST, "/api/messages/sms", Some(sms("hello"))).await.status, 201);
    app.run_for(hours(1)).await;
    for id in made {
        let deliveries = format!("/api/webhook-endpoints/{id}/deliveries");
        let delivery = app.showing(&admin, Method::GET, &deliveries, None).await["data"][0].clone();
        assert_eq!((text(&delivery["state"]), delivery["attempts"].as_array().unwrap().len()), ("waiting", 4));
    }
    assert_eq!(counter.count(), 0);
}
