//! The server that is measured: `switchboard dev` on a database, with a carrier behind it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::client::Connection;
use crate::database::Place;
use crate::process::{Process, output};
use crate::traffic::{BATCH, Shape, batch};

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_mins(1);
/// Any will do; a database that is kept is opened with it again.
const MASTER_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";
/// What is not limited.
const NO_LIMITS: [&str; 9] = [
    "CODE_LIMIT_PER_NUMBER",
    "CODE_LIMIT_PER_NUMBER_A_DAY",
    "CODE_LIMIT_PER_TEN_THOUSAND_NUMBERS",
    "CODE_LIMIT_PER_MILLION_NUMBERS",
    "CODE_LIMIT_PER_ORIGIN",
    "CODE_LIMIT_PER_WORKSPACE",
    "LOGIN_LIMIT_PER_ORIGIN",
    "LOGIN_LIMIT_PER_ACCOUNT",
    "SIGN_UP_LIMIT_PER_ORIGIN",
];
/// What a key of ours may do.
const SCOPES: [&str; 3] = ["messages:send", "messages:read", "admin"];

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// A key to it.
    pub key: String,
    /// How long it took to be ready.
    pub took: Duration,
}

/// How servers are started.
#[derive(Debug, Clone)]
pub struct Program {
    /// The binary.
    pub binary: PathBuf,
    /// What is loaded into it, where something is.
    pub preload: Option<PathBuf>,
    /// Where the messages go.
    pub carrier: SocketAddr,
}

impl Program {
    /// Starts a server on a database, and makes a key.
    pub async fn start(&self, place: &Place) -> Result<Server> {
        let key = self.make_key(place, 1)?;
        let config = place.folder.join("config.toml");
        fs::write(&config, self.config())?;
        let log = place.folder.join("log");
        if log.exists() {
            fs::remove_file(&log)?;
        }
        let mut command = self.command(place, "dev");
        command.args(["--listen", "127.0.0.1:0", "--config"]).arg(&config);
        if let Some(preload) = &self.preload {
            command.env("LD_PRELOAD", preload);
        }
        let begun = Instant::now();
        let process = Process::start(&mut command, &log)?;
        let mut server = Server { process, address: self.carrier, key, took: Duration::ZERO };
        server.address = listening(&mut server.process, &log).await?;
        server.took = begun.elapsed();
        Ok(server)
    }

    /// Makes a key to a workspace.
    pub fn make_key(&self, place: &Place, workspace: i64) -> Result<String> {
        let mut command = self.command(place, "keys");
        command.args(["--name", "bench", "--workspace", &workspace.to_string()]);
        for scope in SCOPES {
            command.args(["--scope", scope]);
        }
        output(&mut command)
    }

    /// Makes one more workspace.
    pub fn make_workspace(&self, place: &Place) -> Result<i64> {
        let mut command = self.command(place, "workspaces");
        Ok(output(command.arg("bench"))?.parse()?)
    }

    fn command(&self, place: &Place, what: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.env_clear().env("SWITCHBOARD_MASTER_KEY", MASTER_KEY).env("RUST_LOG", "error");
        for name in NO_LIMITS {
            command.env(format!("SWITCHBOARD_{name}"), "0");
        }
        command.arg(what);
        if what != "dev" {
            command.arg("create");
        }
        command.arg("--data").arg(&place.folder).args(["--database", &place.url]);
        command
    }

    fn config(&self) -> String {
        format!(
            "default_sender = \"{}\"\n[[providers]]\nname = \"carrier\"\nkind = \"http\"\n\
             channels = [\"sms\", \"mms\", \"email\"]\nurl = \"http://{}/messages\"\nmax_per_second = 10000\n\
             max_in_flight = 1000\n",
            crate::traffic::SENDER,
            self.carrier
        )
    }
}

async fn listening(process: &mut Process, log: &Path) -> Result<SocketAddr> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let said = fs::read_to_string(log)?;
        let address = said.lines().find_map(|line| line.strip_prefix("listening on http://"));
        if let Some(address) = address.filter(|_| said.ends_with('\n')) {
            return Ok(address.parse()?);
        }
        process.check().with_context(|| said)?;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bail!("the server does not start; see {}", log.display())
}

impl Server {
    /// Posts JSON with the key, and gives the answer.
    pub async fn post(&self, path: &str, body: &str) -> Result<Value> {
        let request = Shape::post(path).with_key(Some(&self.key)).once(body);
        let mut connection = Connection::to(self.address);
        let answer = connection.exchange(&request).await?.check().with_context(|| path.to_owned())?;
        if answer.body.is_empty() { Ok(Value::Null) } else { answer.json() }
    }

    /// Lets nothing go to the carrier, so that accepting alone is measured.
    pub async fn pause(&self) -> Result<()> {
        self.post("/api/providers/carrier/pause", "").await.map(drop)
    }

    /// Lets everything go to the carrier.
    pub async fn resume(&self) -> Result<()> {
        self.post("/api/providers/carrier/resume", "").await.map(drop)
    }

    /// Accepts messages, each for the next of the recipients.
    pub async fn fill(&self, messages: u64) -> Result<()> {
        for number in 0..messages / BATCH {
            let answer = self.post("/api/messages/batch", &batch(number)).await?;
            if answer["accepted"] != BATCH {
                bail!("a batch was not accepted as a whole: {answer}");
            }
        }
        Ok(())
    }
}
