//! Real processes for the tests: servers, carriers and databases of their own, on loopback only.
//!
//! Whatever is started here is ended by its own id when its handle goes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at what it did not foresee")]

mod carrier;

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rand::RngExt;
use reqwest::{Client, Method};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

pub use carrier::{Carrier, CarrierPlan, Kind, Stats, Taken, provider, service};

/// The longest that a process may take to answer.
const START: Duration = Duration::from_secs(30);

/// A variable of the tests' own environment.
#[expect(clippy::disallowed_methods, reason = "tests are set up by their environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The program under test: as nextest moved it, else where cargo built it.
pub fn program() -> PathBuf {
    variable("NEXTEST_BIN_EXE_switchboard").map_or_else(|| env!("CARGO_BIN_EXE_switchboard").into(), PathBuf::from)
}

/// A client for everything: no proxy, no patience beyond 30 s.
pub fn client() -> Client {
    Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap()
}

/// A port that nobody has, below those that the kernel gives to outgoing connections. It is kept from other tests, by
/// a listener on another loopback address, until this process ends.
pub fn free_port() -> u16 {
    static KEPT: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    let mut ports = (0..1_000).map(|_| rand::rng().random_range(12_000..20_000));
    let (port, guard) = ports
        .find_map(|port| {
            let guard = TcpListener::bind(("127.0.0.2", port)).ok()?;
            TcpListener::bind(("127.0.0.1", port)).ok().map(|_| (port, guard))
        })
        .expect("there is a free port");
    KEPT.lock().unwrap().push(guard);
    port
}

/// A process that ends with its handle.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program with a clean environment; what it says goes to the log.
    pub fn start(mut command: Command, log: &Path) -> Self {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name == "DATABASE_URL" || (name.starts_with("SWITCHBOARD_") && name != "SWITCHBOARD_SABOTAGE") {
                let is_set = command.get_envs().any(|(set, value)| value.is_some() && set == name.as_ref());
                if !is_set {
                    command.env_remove(name.as_ref());
                }
            }
        }
        let file = File::options().create(true).append(true).open(log).unwrap();
        command.env("RUST_BACKTRACE", "0").stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().expect("the program starts");
        Self { child, log: log.to_owned() }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets its files grow again, as when somebody makes room on its disk.
    pub fn make_room(&self) {
        let pid = self.id().to_string();
        assert!(Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:"]).status().unwrap().success());
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let order = format!("kill -{name} {}", self.id());
        assert!(Command::new("sh").args(["-c", &order]).status().unwrap().success(), "{order}");
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub async fn wait(&mut self, at_most: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(begun.elapsed() < at_most, "it has not ended within {at_most:?}:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The end of what it said.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    /// Its resident memory.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a process has memory");
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln_log(&self.log, &self.log());
        }
    }
}

#[expect(clippy::print_stderr, reason = "a test that failed says what the processes said")]
fn eprintln_log(path: &Path, text: &str) {
    eprintln!("-- the end of {}:\n{text}", path.display());
}

/// A folder and a database of a test's own, of the kind that `SWITCHBOARD_TEST_DATABASE` names.
#[derive(Debug)]
pub struct Site {
    folder: tempfile::TempDir,
    database: Option<(Url, String)>,
}

impl Site {
    /// Makes them.
    pub async fn new() -> Self {
        let kind = variable("SWITCHBOARD_TEST_DATABASE").unwrap_or_else(|| "sqlite".to_owned());
        let database = if kind == "sqlite" { None } else { Some(create_database(&kind).await) };
        Self { folder: tempfile::tempdir().unwrap(), database }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Whether the database is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.database.is_some()
    }

    /// The database, when it is PostgreSQL.
    pub fn postgres(&self) -> Option<String> {
        let (admin, name) = self.database.as_ref()?;
        Some(database_url(admin, name))
    }

    /// Runs a statement where databases are made.
    pub async fn administer(&self, statement: String) {
        let (admin, _) = self.database.as_ref().expect("this site has a PostgreSQL database");
        administer(admin, statement).await;
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let Some((admin, name)) = self.database.take() else { return };
        let drop_all = async move {
            for name in [format!("{name}_copy"), name] {
                administer(&admin, format!("drop database if exists {name} with (force)")).await;
            }
        };
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _ = std::thread::spawn(move || runtime().block_on(drop_all)).join();
    }
}

async fn create_database(admin: &str) -> (Url, String) {
    let admin = Url::parse(admin).expect("SWITCHBOARD_TEST_DATABASE is sqlite or a URL");
    let name = format!("switchboard_fault_{:016x}", rand::rng().random::<u64>());
    administer(&admin, format!("create database {name}")).await;
    (admin, name)
}

async fn administer(admin: &Url, statement: String) {
    let mut conn = PgConnection::connect(admin.as_str()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

/// The URL of another database on the same server.
pub fn database_url(admin: &Url, name: &str) -> String {
    let mut url = admin.clone();
    url.set_path(name);
    url.into()
}

/// How a server is started, again and again.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `dev` or `serve`.
    pub mode: &'static str,
    /// Where it listens.
    pub port: u16,
    /// Its data folder.
    pub data: PathBuf,
    /// Its database; absent: SQLite in the data folder.
    pub database: Option<String>,
    /// Its configuration file.
    pub config: PathBuf,
    /// What its environment says besides.
    pub environment: Vec<(&'static str, String)>,
    /// The largest file it may write, in units of 512 bytes.
    pub file_blocks: Option<u64>,
}

impl Plan {
    /// A `dev` server at a site, with a configuration.
    pub fn dev(site: &Site, config: &str) -> Self {
        let file = site.path("config.toml");
        std::fs::write(&file, config).unwrap();
        Self {
            mode: "dev",
            port: free_port(),
            data: site.path("data"),
            database: site.postgres(),
            config: file,
            environment: Vec::new(),
            file_blocks: None,
        }
    }

    /// A `dev` server on a port that services call back to.
    pub fn public(site: &Site, port: u16, providers: &str) -> Self {
        let config = format!("public_url = \"http://127.0.0.1:{port}\"\n{providers}");
        Self { port, ..Self::dev(site, &config) }
    }

    /// The same with one more variable.
    pub fn with(&self, name: &'static str, value: &str) -> Self {
        let mut plan = self.clone();
        plan.environment.push((name, value.to_owned()));
        plan
    }

    /// Where it answers.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The file of its SQLite database.
    pub fn sqlite(&self) -> PathBuf {
        self.data.join("switchboard.db")
    }

    /// A command on its database.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = match self.file_blocks {
            None => Command::new(program()),
            Some(blocks) => {
                let mut shell = Command::new("sh");
                let script = format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" \"$@\"");
                shell.arg("-c").arg(script).arg(program());
                shell
            }
        };
        command.args(words).arg("--config").arg(&self.config).arg("--data").arg(&self.data);
        if let Some(database) = &self.database {
            command.arg("--database").arg(database);
        }
        command.envs(self.environment.iter().cloned());
        command
    }

    /// Starts the process and does not wait.
    pub fn launch(&self) -> Process {
        std::fs::create_dir_all(&self.data).unwrap();
        let address = format!("127.0.0.1:{}", self.port);
        Process::start(self.command(&[self.mode, "--listen", &address]), &self.config.with_extension("log"))
    }

    /// Starts a server and waits until it is ready.
    pub async fn start(&self) -> Server {
        let begun = Instant::now();
        let mut process = self.launch();
        wait_for(&mut process, &format!("{}/api/ready", self.base())).await;
        Server { process, base: self.base(), client: client(), ready_in: begun.elapsed(), key: None }
    }

    /// Runs a command to its end; gives what it printed.
    pub async fn run(&self, words: &[&str]) -> String {
        let mut command = self.command(words);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

async fn wait_for(process: &mut Process, url: &str) {
    let begun = Instant::now();
    let client = client();
    loop {
        let answer = client.get(url).timeout(Duration::from_secs(2)).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        assert!(process.ended().is_none(), "it ended instead of getting ready:\n{}", process.log());
        assert!(begun.elapsed() < START, "it is not ready after {START:?}:\n{}", process.log());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Its process.
    pub process: Process,
    /// Where it answers.
    pub base: String,
    /// How long it took to be ready.
    pub ready_in: Duration,
    /// What is shown as a bearer token.
    pub key: Option<String>,
    client: Client,
}

/// An answer: its status, the seconds of its `Retry-After`, its body.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// The body; null when it is no JSON.
    pub body: Value,
}

/// Makes one request.
pub async fn request(client: &Client, request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = client.execute(request.build()?).await?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let body = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
    Ok(Answer { status, retry_after, body })
}

impl Server {
    /// Asks for something that must be there.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.try_get(path).await.unwrap();
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.body);
        answer.body
    }

    /// Asks for something.
    pub async fn try_get(&self, path: &str) -> reqwest::Result<Answer> {
        request(&self.client, self.build(Method::GET, path)).await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: &Value) -> reqwest::Result<Answer> {
        request(&self.client, self.build(Method::POST, path).json(body)).await
    }

    /// Begins a request.
    pub fn build(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let builder = self.client.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => builder.bearer_auth(key),
            None => builder,
        }
    }

    /// The value of a metric's line, 0 when it is not there.
    pub async fn metric(&self, line: &str) -> f64 {
        let response = self.build(Method::GET, "/metrics").send().await.unwrap();
        let text = response.text().await.unwrap();
        let value = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Every message of every conversation.
    pub async fn messages(&self) -> Vec<Value> {
        let mut messages = Vec::new();
        for conversation in self.pages("/api/conversations?limit=200").await {
            let path = format!("/api/conversations/{}/messages?limit=200", conversation["id"]);
            messages.extend(self.pages(&path).await);
        }
        messages
    }

    /// The timeline of a message.
    pub async fn timeline(&self, message: &Value) -> Vec<Value> {
        let (conversation, id) = (&message["conversation_id"], &message["id"]);
        let timeline = self.get(&format!("/api/conversations/{conversation}/messages/{id}/timeline")).await;
        timeline["data"].as_array().unwrap().clone()
    }

    /// The attempts of a message.
    pub async fn attempts(&self, message: &Value) -> Vec<Value> {
        self.timeline(message).await.into_iter().filter(|entry| entry["kind"] == "attempt").collect()
    }

    /// Waits until every message is as wanted; gives them all.
    pub async fn wait_until(&self, at_most: Duration, is_done: impl Fn(&Value) -> bool) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let messages = self.messages().await;
            let rest: Vec<_> = messages.iter().filter(|message| !is_done(message)).collect();
            if rest.is_empty() {
                return messages;
            }
            let first = &rest[..rest.len().min(3)];
            assert!(begun.elapsed() < at_most, "{} messages wait after {at_most:?}: {first:#?}", rest.len());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn pages(&self, path: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let next = cursor.as_ref().map_or_else(|| path.to_owned(), |cursor| format!("{path}&cursor={cursor}"));
            let page = self.get(&next).await;
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return all,
            }
        }
    }
}
