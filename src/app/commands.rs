//! The commands beside the server.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::{load, say};
use crate::arguments::{CarrierArguments, KeysCommand, KeysCreateArguments, ServeArguments, StoreArguments};
use crate::auth::{self, Scope};
use crate::carrier::{self, CarrierOptions};
use crate::clock::Clock;
use crate::config::{Config, master_keys};
use crate::domain::{ApiKeyId, Timestamp, WorkspaceId};
use crate::http;
use crate::store::{MasterKeys, OpenOptions, Store, restore_sqlite};

/// How long a health check waits.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) fn load_store(store: &StoreArguments) -> anyhow::Result<Config> {
    load(&ServeArguments { listen: None, store: store.clone() })
}

/// Opens the database of a configuration. Only a server is its only process.
pub(super) async fn open(config: &Config, is_dev: bool, is_exclusive: bool, clock: &Clock) -> anyhow::Result<Store> {
    let keys = master_keys(config, is_dev, clock)?;
    let keys = MasterKeys { current: keys.current, previous: keys.previous };
    let url = config.database.as_ref().map_or_else(|| default_url(config), |url| url.expose().to_owned());
    Ok(Store::open(&OpenOptions { url, keys, is_exclusive }, clock).await?)
}

fn default_url(config: &Config) -> String {
    format!("sqlite://{}", config.data.join("switchboard.db").display())
}

/// Opens the database beside a server; the key file of `dev` will do when no key is given.
async fn open_beside(config: &Config, clock: &Clock) -> anyhow::Result<Store> {
    let has_key = config.master_key.is_some() || config.master_key_command.is_some();
    open(config, !has_key, false, clock).await
}

pub(super) async fn migrate(config: &Config, clock: &Clock) -> anyhow::Result<()> {
    let store = open_beside(config, clock).await?;
    store.close().await;
    say("the schema is up to date\n")
}

pub(super) fn print_openapi(as_yaml: bool) -> anyhow::Result<()> {
    let document = http::openapi();
    if as_yaml { say(&serde_yaml_ng::to_string(&document)?) } else { say(&format!("{}\n", document.to_pretty_json()?)) }
}

pub(super) async fn keys(command: KeysCommand, clock: &Clock) -> anyhow::Result<()> {
    let workspace = WorkspaceId::DEFAULT;
    match command {
        KeysCommand::Create(create) => create_key(create, clock).await,
        KeysCommand::List(store) => {
            let store = open_beside(&load_store(&store)?, clock).await?;
            let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
            let mut lines = String::from("id\tname\tscopes\tcreated\texpires\tlast used\trevoked\n");
            for key in auth::list_keys(&store, workspace).await? {
                let times =
                    [Some(key.created_at), key.expires_at, key.last_used_at, key.revoked_at].map(time).join("\t");
                writeln!(lines, "{}\t{}\t{}\t{times}", key.id, key.name, key.scopes)?;
            }
            say(&lines)
        }
        KeysCommand::Revoke(revoke) => {
            let store = open_beside(&load_store(&revoke.store)?, clock).await?;
            let was_there = auth::revoke_key(&store, clock, workspace, ApiKeyId(revoke.id)).await?;
            anyhow::ensure!(was_there, "there is no key {} that is still good", revoke.id);
            say(&format!("key {} is revoked\n", revoke.id))
        }
    }
}

async fn create_key(create: KeysCreateArguments, clock: &Clock) -> anyhow::Result<()> {
    let expires_at = create.expires_at.as_deref().map(str::parse::<Timestamp>).transpose().context("--expires-at")?;
    anyhow::ensure!(expires_at.is_none_or(|at| at > clock.now()), "--expires-at lies in the past");
    let scopes: Vec<Scope> = create.scopes.iter().filter_map(|name| Scope::named(name)).collect();
    let store = open_beside(&load_store(&create.store)?, clock).await?;
    let key = (create.name.as_str(), scopes.as_slice(), expires_at);
    let (_, token) = auth::create_key(&store, clock, WorkspaceId::DEFAULT, key).await?;
    say(&format!("{token}\n"))
}

pub(super) async fn rekey(config: &Config, clock: &Clock) -> anyhow::Result<()> {
    let store = open_beside(config, clock).await?;
    let moved = store.rekey().await?;
    store.close().await;
    say(&format!("{moved} rows are sealed under the current master key, and no row under another\n"))
}

pub(super) async fn backup(config: &Config, file: &Path, clock: &Clock) -> anyhow::Result<()> {
    let store = open_beside(config, clock).await?;
    store.backup(file).await?;
    store.close().await;
    say(&format!("{} holds the database as it was a moment ago\n", file.display()))
}

pub(super) async fn restore(config: &Config, file: Option<&Path>, clock: &Clock) -> anyhow::Result<()> {
    let has_key = config.master_key.is_some() || config.master_key_command.is_some();
    match (file, sqlite_path(config)) {
        (Some(file), Some(database)) => restore_sqlite(file, &database).await?,
        (None, None) => {}
        (Some(_), None) => anyhow::bail!("restore PostgreSQL with pg_restore first, then run this without a file"),
        (None, Some(_)) => anyhow::bail!("which backup? name the file"),
    }
    let store = open(config, !has_key, true, clock).await?;
    let unknown = store.settle_restored(clock).await?;
    store.close().await;
    say(&format!("restored; {unknown} messages were not finished and are unknown now: they may have been sent since\n"))
}

fn sqlite_path(config: &Config) -> Option<PathBuf> {
    let url = config.database.as_ref().map_or_else(|| default_url(config), |url| url.expose().to_owned());
    url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).map(PathBuf::from)
}

pub(super) async fn carrier(arguments: CarrierArguments, clock: Clock, stop: CancellationToken) -> anyhow::Result<()> {
    let callback = arguments.callback.as_deref().map(str::parse).transpose().context("--callback")?;
    let options = CarrierOptions {
        listen: arguments.listen,
        ledger: arguments.ledger,
        callback,
        callback_secret: arguments.callback_secret.map(Into::into),
        chaos: arguments.chaos,
    };
    carrier::run(options, clock, stop.cancelled_owned()).await?;
    Ok(())
}

pub(super) async fn health(listen: SocketAddr) -> anyhow::Result<()> {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let url = format!("http://{}/api/ready", SocketAddr::new(ip, listen.port()));
    let answer = crate::provider::client()?.get(&url).timeout(HEALTH_TIMEOUT).send().await?;
    anyhow::ensure!(answer.status().is_success(), "the server answers {}", answer.status());
    say("ready\n")
}
