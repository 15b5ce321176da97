//! A whole server in the process, with a database of its own, a clock that stands still, and a provider that answers
//! as it is told.

mod credentials;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderValue, Method, Request};
use futures_util::StreamExt;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use switchboard::app::{Parts, egress, rules, sender};
use switchboard::blob::Blobs;
use switchboard::clock::Clock;
use switchboard::config::{Config, ProviderConfig, RouteConfig, SenderConfig, Sources};
use switchboard::domain::{Channel, Timestamp};
use switchboard::egress::{Names, SystemNames};
use switchboard::http::{self, Limiter, Mode};
use switchboard::live::{self, Live};
use switchboard::messaging::{Desk, Messaging};
use switchboard::outbox::{LineSettings, Outbox};
use switchboard::provider::simulator::Receipt;
use switchboard::provider::{Abilities, Board, Provider, Simulator};
use switchboard::store::{MasterKeys, Store};
use switchboard::webhook::Sender;
use tokio::sync::mpsc;
use tower::ServiceExt;

pub use crate::answer::{Answer, text};
use crate::database::{Database, keys, open};
use crate::provider::TestProvider;
pub use crate::visitor::Person;

/// When every test begins.
pub const START: &str = "2026-03-02T12:00:00.000000Z";
/// What the test provider shows when it posts to us.
pub const WEBHOOK_SECRET: &str = "the provider's secret";

pub const DEV: Mode = Mode::Dev { published_on_loopback: false };

/// What a test wants other than the ordinary.
pub struct Setup {
    pub mode: Mode,
    /// Settings as the environment gives them.
    pub environment: Vec<(&'static str, String)>,
    pub abilities: Abilities,
    pub max_per_second: u32,
    pub max_in_flight: usize,
    /// What the test provider carries; in `dev` the simulator carries the rest.
    pub channels: Vec<Channel>,
    /// Providers that carry the same beside it, by their names.
    pub others: Vec<&'static str>,
    pub senders: Vec<SenderConfig>,
    pub routes: Vec<RouteConfig>,
    pub keys: MasterKeys,
    /// What finds the addresses of customers' endpoints.
    pub names: Arc<dyn Names>,
    /// A database that another app had.
    pub database: Option<Database>,
    /// How many may listen, and how far behind.
    pub live: live::Limits,
    /// The files of the web app; none, whatever was built.
    pub web: Vec<(&'static str, &'static [u8])>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            mode: DEV,
            environment: Vec::new(),
            abilities: Abilities::default(),
            max_per_second: 10_000,
            max_in_flight: 1_000,
            channels: vec![Channel::Sms, Channel::Mms, Channel::Email],
            others: Vec::new(),
            senders: Vec::new(),
            routes: Vec::new(),
            keys: keys(),
            names: Arc::new(SystemNames),
            database: None,
            live: live::Limits::default(),
            web: Vec::new(),
        }
    }
}

/// A server, and everything a test moves it by.
pub struct TestApp {
    pub clock: Clock,
    pub messaging: Messaging,
    pub provider: Arc<TestProvider>,
    /// Those beside it, by their names.
    pub others: HashMap<&'static str, Arc<TestProvider>>,
    pub outbox: Outbox,
    pub limiter: Arc<Limiter>,
    /// Everybody who listens; it tells them nothing until it is run.
    pub live: Live,
    /// Holds `attachments`, where uploads are.
    pub folder: tempfile::TempDir,
    _receipts: mpsc::Receiver<Receipt>,
    settings: Vec<LineSettings>,
    pub sender: Sender,
    router: Router,
    leaves_work: AtomicBool,
    database: Option<Database>,
}

impl Setup {
    /// A server that asks for credentials.
    pub fn serve() -> Self {
        Self { mode: Mode::Serve, ..Self::default() }
    }

    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((key, value.into()));
        self
    }

    /// With senders for what the server itself says, which `dev` has by itself.
    pub fn with_senders(self) -> Self {
        self.with("SWITCHBOARD_DEFAULT_SENDER", "+12015550100").with("SWITCHBOARD_MAIL_SENDER", "server@sms.example")
    }

    pub async fn start(self) -> TestApp {
        let seed = rand::random::<u32>();
        println!("seed {seed}");
        let database = match self.database {
            Some(database) => database,
            None => Database::create().await,
        };
        let clock = Clock::manual(START.parse().unwrap(), u64::from(seed));
        let store = open(&database.url, self.keys.clone(), &clock).await;
        let mut config = load(&self.environment);
        if !self.channels.is_empty() {
            let mut provider = ProviderConfig::http("test", &self.channels, "http://127.0.0.1:9/");
            provider.webhook_secret = Some(WEBHOOK_SECRET.into());
            let other =
                |name: &&str| ProviderConfig { name: (*name).to_owned(), webhook_secret: None, ..provider.clone() };
            let others: Vec<ProviderConfig> = self.others.iter().map(other).collect();
            config.providers.push(provider);
            config.providers.extend(others);
        }
        config.senders = self.senders;
        config.routes = self.routes;
        let (receipt, receipts) = mpsc::channel(1_000);
        let simulator = matches!(self.mode, Mode::Dev { .. })
            .then(|| Arc::new(Simulator::new(clock.clone(), receipt, Duration::from_secs(1))));
        let rules = Arc::new(rules(&config, simulator.is_some()).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(&folder.path().join("attachments")).unwrap();
        let messaging = Messaging { store: store.clone(), clock: clock.clone(), blobs, rules, desk: Desk::of(&store) };
        let board = Board::default();
        let provider = Arc::new(TestProvider::new(clock.clone(), self.abilities));
        let settings = LineSettings {
            name: "test".to_owned(),
            provider: Arc::clone(&provider) as Arc<dyn Provider>,
            max_per_second: self.max_per_second,
            max_in_flight: self.max_in_flight,
            vitals: board.of("test"),
        };
        let simulated = simulator.clone().map(|simulator| LineSettings {
            name: "simulator".to_owned(),
            provider: simulator as Arc<dyn Provider>,
            vitals: board.of("simulator"),
            ..settings.clone()
        });
        let other = |name: &&'static str| (*name, Arc::new(TestProvider::new(clock.clone(), self.abilities)));
        let others: HashMap<&'static str, Arc<TestProvider>> = self.others.iter().map(other).collect();
        let line = |name: &&'static str| LineSettings {
            name: (*name).to_owned(),
            provider: Arc::clone(&others[name]) as Arc<dyn Provider>,
            vitals: board.of(name),
            ..settings.clone()
        };
        let settings: Vec<LineSettings> =
            std::iter::once(settings.clone()).chain(self.others.iter().map(line)).chain(simulated).collect();
        let sender = sender(&config, egress(&config, self.mode, self.names), &clock).unwrap();
        let outbox = Outbox::new(messaging.clone(), settings.clone(), sender.clone());
        let parts = Parts { config: Arc::new(config), store, clock: clock.clone(), simulator, board };
        let web = self.web.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.into())).collect();
        let web = Arc::new(http::WebApp::of(&web));
        let telling = Live::new(parts.store.clone(), clock.clone(), self.live);
        let state = parts.state(messaging.clone(), self.mode, metrics());
        let state = http::State::from(http::Shared { web, live: telling.clone(), ..http::Shared::clone(&state) });
        let (limiter, router) = (state.limiter.clone(), http::router(state));
        let (leaves_work, database) = (AtomicBool::new(false), Some(database));
        TestApp {
            clock,
            messaging,
            provider,
            others,
            outbox,
            limiter,
            live: telling,
            folder,
            _receipts: receipts,
            settings,
            sender,
            router,
            leaves_work,
            database,
        }
    }
}

fn load(environment: &[(&str, String)]) -> Config {
    let environment: HashMap<String, String> =
        environment.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    Config::load(&Sources { environment: Some(environment), ..Sources::default() }).unwrap()
}

/// One recorder for the process, whichever test asks first.
fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap()).clone()
}

impl TestApp {
    /// A `dev` server whose texts and mails go to the test provider.
    pub async fn start() -> Self {
        Setup::default().start().await
    }

    pub fn store(&self) -> &Store {
        &self.messaging.store
    }

    pub fn database(&self) -> &Database {
        self.database.as_ref().unwrap()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Does everything that is due now; gives how many attempts were made.
    pub async fn run_outbox(&self) -> usize {
        self.outbox.run_due().await.unwrap()
    }

    /// Lets time pass, and does everything exactly when it is due.
    pub async fn run_for(&self, span: Duration) {
        let end = self.now() + span;
        self.run_outbox().await;
        while let Some(next) = self.database().next_work(self.now()).await.filter(|next| *next <= end) {
            self.advance(next.since(self.now()));
            self.run_outbox().await;
        }
        self.advance(end.since(self.now()));
        self.run_outbox().await;
    }

    /// Lets time pass in steps, and after each does what is due and what the provider may be given.
    pub async fn run_in_steps(&self, span: Duration, step: Duration) {
        let end = self.now() + span;
        while self.now() < end {
            self.advance(step);
            self.run_outbox().await;
        }
    }

    /// Makes everything stored so far searchable.
    pub async fn index(&self) {
        while self.store().index_step().await.unwrap() {}
    }

    /// A second worker on the same database: another process that knows nothing of the first one's leases.
    pub fn second_worker(&self) -> Outbox {
        let fresh = |line: &LineSettings| LineSettings { vitals: Arc::default(), ..line.clone() };
        let lines = self.settings.iter().map(fresh).collect();
        Outbox::new(self.messaging.clone(), lines, self.sender.clone())
    }

    /// Says that work may be left when this test ends.
    pub fn leave_work(&self) {
        self.leaves_work.store(true, Ordering::Relaxed);
    }

    /// Stops the server and gives its database to the next one.
    pub async fn stop(mut self) -> Database {
        self.leave_work();
        self.store().close().await;
        self.database.take().unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Posts with further headers.
    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::post(path).header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.raw(request.body(body.into()).unwrap()).await
    }

    /// Gets with further headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.raw(request.body(Body::empty()).unwrap()).await
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.raw(request.body(body).unwrap()).await
    }

    /// Sends any request, from a loopback peer unless it says otherwise.
    pub async fn raw(&self, mut request: Request<Body>) -> Answer {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 40_000));
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        request.headers_mut().entry(HOST).or_insert(HeaderValue::from_static("localhost:8080"));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let mut bytes = Vec::new();
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.unwrap());
        }
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, body, bytes: bytes.into() }
    }

    /// Accepts one SMS and gives it.
    pub async fn send_sms(&self, body: &str) -> Value {
        self.send(sms(body)).await
    }

    /// Accepts one text and gives it.
    pub async fn send(&self, draft: Value) -> Value {
        let path = if draft["type"] == "email" { "/api/messages/email" } else { "/api/messages/sms" };
        let answer = self.post(path, draft).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.body
    }

    /// How a message stands now.
    pub async fn reload(&self, message: &Value) -> Value {
        let answer = self.get(&path_of(message)).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer.body
    }

    /// What happened to a message.
    pub async fn timeline(&self, message: &Value) -> Vec<Value> {
        let answer = self.get(&format!("{}/timeline", path_of(message))).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer["data"].as_array().unwrap().clone()
    }

    /// The attempts of a message.
    pub async fn attempts(&self, message: &Value) -> Vec<Value> {
        let mut entries = self.timeline(message).await;
        entries.retain(|entry| entry["kind"] == "attempt");
        entries
    }

    /// Reports as the provider does.
    pub async fn report(&self, report: Value) -> Answer {
        self.post("/api/webhooks/status", report).await
    }

    /// What a list holds.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
        answer["data"].as_array().unwrap().clone()
    }

    /// Where requests go.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Calls as a person: `GET` without a body.
    pub async fn as_person(&self, person: &Person, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.showing(&person.authorization, method, path, body).await
    }

    /// Calls with an `Authorization`.
    pub async fn showing(&self, authorization: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        let request = request.header("authorization", authorization);
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.raw(request.body(body).unwrap()).await
    }

    /// How many messages are stored.
    pub async fn count_messages(&self) -> i64 {
        self.database().number("select count(*) from messages").await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let is_excused = std::thread::panicking() || self.leaves_work.load(Ordering::Relaxed);
        if let Some(database) = self.database.as_ref().filter(|_| !is_excused) {
            let left = database.due_work(self.clock.now());
            assert_eq!(left, 0, "work is left that is due; run the outbox, or say that the test leaves it");
        }
    }
}

/// The path of a message.
pub fn path_of(message: &Value) -> String {
    format!("/api/conversations/{}/messages/{}", message["conversation_id"], message["id"])
}

/// An SMS as contract A has it.
pub fn sms(body: &str) -> Value {
    json!({ "from": "+12016661234", "to": "+18045551234", "type": "sms", "body": body })
}

/// An email as contract A has it.
pub fn email(body: &str) -> Value {
    json!({ "from": "user@usehatchapp.com", "to": "contact@gmail.com", "type": "email", "body": body })
}

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

pub fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3_600)
}
