//! The carrier as a process: the services that it plays, what it is told to do wrong, and its ledger.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Process, Site, client, free_port, program, wait_for};

/// The account and the token of every carrier that plays Twilio.
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "the-token-of-a-test";
/// What a carrier shows where it reports as an `http` service.
const SECRET: &str = "what a carrier shows";

/// The kinds of provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// JSON by HTTP.
    Http,
    /// Texts by Twilio.
    Twilio,
    /// Mails by SendGrid.
    SendGrid,
    /// Mails by a mail server.
    Smtp,
}

/// A running carrier. Its ledger is the judge.
#[derive(Debug)]
pub struct Carrier {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub port: u16,
    /// Where it listens as a mail server.
    pub smtp: u16,
    ledger: PathBuf,
    event_key: Option<String>,
}

/// How a carrier is started.
#[derive(Debug, Default)]
pub struct CarrierPlan<'a> {
    /// Where it listens; absent: anywhere.
    pub port: Option<u16>,
    /// The same as a mail server.
    pub smtp: Option<u16>,
    /// Where it reports as an `http` service.
    pub callback: Option<&'a str>,
    /// On which port the server is to which it reports in every manner, under its own name.
    pub server: Option<u16>,
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
        Self::launch(site, name, CarrierPlan::default()).await
    }

    /// Starts a carrier on a port, with the ledger of its name; it may report.
    pub async fn start_at(site: &Site, name: &str, port: u16, callback: Option<&str>) -> Self {
        Self::launch(site, name, CarrierPlan { port: Some(port), callback, ..CarrierPlan::default() }).await
    }

    /// Starts a carrier that reports to a server in the manner of whatever it is asked as, each report signed.
    pub async fn start_reporting(site: &Site, name: &str, server: u16) -> Self {
        Self::launch(site, name, CarrierPlan { server: Some(server), ..CarrierPlan::default() }).await
    }

    /// Starts a carrier with the ledger of its name.
    pub async fn launch(site: &Site, name: &str, plan: CarrierPlan<'_>) -> Self {
        let (port, smtp) = (plan.port.unwrap_or_else(free_port), plan.smtp.unwrap_or_else(free_port));
        let ledger = site.path(&format!("{name}.jsonl"));
        let mut command = Command::new(program());
        command.args(["carrier", "--listen", &format!("127.0.0.1:{port}"), "--ledger"]).arg(&ledger);
        command.args(["--smtp", &format!("127.0.0.1:{smtp}")]);
        if let Some(callback) = plan.callback {
            command.args(["--callback", callback]);
        }
        let event_key = plan.server.map(|server| {
            let file = site.path(&format!("{name}.pem"));
            let base = format!("http://127.0.0.1:{server}/api/webhooks");
            command.args(["--callback", &format!("{base}/status"), "--callback-secret", SECRET]);
            command.args(["--twilio-token", TOKEN, "--sendgrid-events", &format!("{base}/sendgrid/{name}/events")]);
            command.arg("--sendgrid-key").arg(&file);
            make_key(&file)
        });
        let mut process = Process::start(command, &site.path(&format!("{name}.log")));
        wait_for(&mut process, &format!("http://127.0.0.1:{port}/stats")).await;
        Self { process, port, smtp, ledger, event_key }
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

    /// A provider of a kind that leads here and knows this carrier's signatures.
    pub fn service(&self, kind: Kind, name: &str, channels: &[&str], more: &str) -> String {
        let mut more = more.to_owned();
        match &self.event_key {
            Some(key) if kind == Kind::SendGrid => writeln!(more, "webhook_public_key = \"{key}\"").unwrap(),
            Some(_) if kind == Kind::Http => writeln!(more, "webhook_secret = \"{SECRET}\"").unwrap(),
            _ => {}
        }
        service(kind, name, channels, (&format!("http://127.0.0.1:{}", self.port), &more), self.smtp)
    }

    /// The line of a configuration with which a provider can be asked.
    pub fn lookup(&self) -> String {
        format!("lookup_url = \"http://127.0.0.1:{}/messages?reference={{reference}}\"\n", self.port)
    }
}

/// Writes a key that signs events; gives its public half as the configuration wants it.
fn make_key(file: &Path) -> String {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref()).unwrap();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8));
    std::fs::write(file, pem).unwrap();
    STANDARD.encode(key.public_key().as_der().unwrap().as_ref())
}

/// A provider of the configuration.
pub fn provider(name: &str, channels: &[&str], url: &str, more: &str) -> String {
    format!("[[providers]]\nname = \"{name}\"\nkind = \"http\"\nchannels = {channels:?}\nurl = \"{url}\"\n{more}\n")
}

/// A provider of a kind: by HTTP under a base URL, or a mail server on a port of this machine.
pub fn service(kind: Kind, name: &str, channels: &[&str], (base, more): (&str, &str), smtp: u16) -> String {
    let head = |kind: &str| format!("[[providers]]\nname = \"{name}\"\nkind = \"{kind}\"\nchannels = {channels:?}\n");
    match kind {
        Kind::Http => provider(name, channels, &format!("{base}/messages"), more),
        Kind::Twilio => {
            let account = format!("account_sid = \"{ACCOUNT}\"\nauth_token = \"{TOKEN}\"\nbase_url = \"{base}\"\n");
            format!("{}{account}{more}\n", head("twilio"))
        }
        Kind::SendGrid => format!("{}api_key = \"SG.key\"\nbase_url = \"{base}\"\n{more}\n", head("sendgrid")),
        Kind::Smtp => format!("{}url = \"smtp://127.0.0.1:{smtp}\"\n{more}\n", head("smtp")),
    }
}
