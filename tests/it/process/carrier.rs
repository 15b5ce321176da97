//! The carrier as a process: what it is told to do wrong, and its ledger.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Process, Site, client, free_port, program, wait_for};

/// A running carrier. Its ledger is the judge.
#[derive(Debug)]
pub struct Carrier {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub port: u16,
    ledger: PathBuf,
}

/// A line of the ledger.
#[derive(Debug, Clone, Deserialize)]
pub struct Taken {
    /// When, in RFC 3339.
    pub at: String,
    /// Our name for the message.
    pub reference: String,
    /// Its text.
    pub body: String,
}

/// What a carrier was asked, and what it did wrong.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Stats {
    /// Messages taken.
    pub taken: u64,
    /// Requests that drew a fate.
    pub requests: u64,
    /// Faults that fired, by name.
    pub faults: BTreeMap<String, u64>,
}

impl Stats {
    /// How many faults fired.
    pub fn fired(&self) -> u64 {
        self.faults.values().sum()
    }

    /// How many of those left the sender without an answer that can be read.
    pub fn silent(&self) -> u64 {
        let is_silent = |name: &str| !name.starts_with(['4', '5']) && name != "reject";
        self.faults.iter().filter(|(name, _)| is_silent(name)).map(|(_, count)| count).sum()
    }
}

impl Carrier {
    /// Starts a carrier that reports nowhere.
    pub async fn start(site: &Site, name: &str) -> Self {
        Self::start_at(site, name, free_port(), None).await
    }

    /// Starts a carrier on a port, with the ledger of its name; it may report.
    pub async fn start_at(site: &Site, name: &str, port: u16, callback: Option<&str>) -> Self {
        let ledger = site.path(&format!("{name}.jsonl"));
        let mut command = Command::new(program());
        command.args(["carrier", "--listen", &format!("127.0.0.1:{port}"), "--ledger"]).arg(&ledger);
        if let Some(callback) = callback {
            command.args(["--callback", callback]);
        }
        let mut process = Process::start(command, &site.path(&format!("{name}.log")));
        wait_for(&mut process, &format!("http://127.0.0.1:{port}/stats")).await;
        Self { process, port, ledger }
    }

    /// Says what is to go wrong from now on.
    pub async fn set_chaos(&self, chaos: Value) {
        let url = format!("http://127.0.0.1:{}/chaos", self.port);
        let answer = client().put(url).json(&chaos).send().await.unwrap();
        assert!(answer.status().is_success(), "{chaos}");
    }

    /// Lets nothing go wrong any more.
    pub async fn calm(&self) {
        self.set_chaos(json!({})).await;
    }

    /// What went wrong so far.
    pub async fn stats(&self) -> Stats {
        let url = format!("http://127.0.0.1:{}/stats", self.port);
        client().get(url).send().await.unwrap().json().await.unwrap()
    }

    /// Everything it ever took.
    pub fn ledger(&self) -> Vec<Taken> {
        let text = std::fs::read_to_string(&self.ledger).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A provider of the configuration that leads here.
    pub fn provider(&self, name: &str, channels: &[&str], more: &str) -> String {
        provider(name, channels, &format!("http://127.0.0.1:{}/messages", self.port), more)
    }

    /// The line of a configuration with which a provider can be asked.
    pub fn lookup(&self) -> String {
        format!("lookup_url = \"http://127.0.0.1:{}/messages?reference={{reference}}\"\n", self.port)
    }
}

/// A provider of the configuration.
pub fn provider(name: &str, channels: &[&str], url: &str, more: &str) -> String {
    format!("[[providers]]\nname = \"{name}\"\nkind = \"http\"\nchannels = {channels:?}\nurl = \"{url}\"\n{more}\n")
}
