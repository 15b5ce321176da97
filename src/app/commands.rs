//! The commands beside the server.

use std::fmt::Write;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::{Parts, load, rules, say};
use crate::arguments::{
    CarrierArguments, CreateAdminArguments, KeysCommand, KeysCreateArguments, ServeArguments, StoreArguments,
    WorkspacesCommand,
};
use crate::auth::{self, Accounts, Passwords, Scope, SignUp};
use crate::carrier::{self, CarrierOptions};
use crate::clock::Clock;
use crate::config::{Config, master_keys};
use crate::domain::{Address, ApiKeyId, Caller, Timestamp, WorkspaceId, check_username};
use crate::http;
use crate::messaging::{Messaging, PageRequest, chat};
use crate::provider::Board;
use crate::store::{MasterKeys, OpenOptions, Store, restore_sqlite, sqlite_path};

/// How long a health check waits.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);

pub(super) fn load_store(store: &StoreArguments) -> anyhow::Result<Config> {
    load(&ServeArguments { listen: None, store: store.clone() })
}

/// Opens the database of a configuration. Only a server is its only process.
pub(super) async fn open(config: &Config, is_dev: bool, is_exclusive: bool, clock: &Clock) -> anyhow::Result<Store> {
    let options = OpenOptions { url: url(config), keys: keys_of(config, is_dev, clock)?, is_exclusive };
    Ok(Store::open(&options, clock).await?)
}

fn keys_of(config: &Config, is_dev: bool, clock: &Clock) -> anyhow::Result<MasterKeys> {
    let keys = master_keys(config, is_dev, clock)?;
    Ok(MasterKeys { current: keys.current, previous: keys.previous })
}

fn url(config: &Config) -> String {
    let in_folder = || format!("sqlite://{}", config.data.join("switchboard.db").display());
    config.database.as_ref().map_or_else(in_folder, |url| url.expose().to_owned())
}

fn has_key(config: &Config) -> bool {
    config.master_key.is_some() || config.master_key_command.is_some()
}

/// Opens a database that is there, beside a server; the key file of `dev` will do when no key is given.
async fn open_beside(config: &Config, clock: &Clock) -> anyhow::Result<Store> {
    if let Some(path) = sqlite_path(&url(config)) {
        anyhow::ensure!(path.exists(), "there is no database at {}; name its folder with --data", path.display());
    }
    open_or_make(config, clock).await
}

/// Opens the database beside a server, or makes it.
async fn open_or_make(config: &Config, clock: &Clock) -> anyhow::Result<Store> {
    open(config, !has_key(config), false, clock).await
}

pub(super) async fn migrate(config: &Config, clock: &Clock) -> anyhow::Result<()> {
    let store = open_or_make(config, clock).await?;
    store.close().await;
    say("the schema is up to date\n")
}

pub(super) fn print_openapi(as_yaml: bool) -> anyhow::Result<()> {
    let document = http::openapi();
    if as_yaml { say(&serde_yaml_ng::to_string(&document)?) } else { say(&format!("{}\n", document.to_pretty_json()?)) }
}

pub(super) async fn keys(command: KeysCommand, clock: &Clock) -> anyhow::Result<()> {
    match command {
        KeysCommand::Create(create) => create_key(create, clock).await,
        KeysCommand::List(list) => {
            let store = open_beside(&load_store(&list.store)?, clock).await?;
            let workspace = find_workspace(&store, list.workspace).await?;
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
            let operator = Caller::operator(find_workspace(&store, revoke.workspace).await?);
            let was_there = auth::revoke_key(&store, clock, operator, ApiKeyId(revoke.id)).await?;
            anyhow::ensure!(was_there, "there is no key {} that is still good", revoke.id);
            say(&format!("key {} is revoked\n", revoke.id))
        }
    }
}

async fn create_key(create: KeysCreateArguments, clock: &Clock) -> anyhow::Result<()> {
    let expires_at = create.expires_at.as_deref().map(str::parse::<Timestamp>).transpose().context("--expires-at")?;
    anyhow::ensure!(expires_at.is_none_or(|at| at > clock.now()), "--expires-at lies in the past");
    let scopes: Vec<Scope> = create.scopes.iter().filter_map(|name| Scope::named(name)).collect();
    let store = open_or_make(&load_store(&create.store)?, clock).await?;
    let key = (create.name.as_str(), scopes.as_slice(), expires_at);
    let operator = Caller::operator(find_workspace(&store, create.workspace).await?);
    let (_, token) = auth::create_key(&store, clock, operator, key).await?;
    say(&format!("{token}\n"))
}

/// A workspace by its number; the server's own is none.
async fn find_workspace(store: &Store, id: i64) -> anyhow::Result<WorkspaceId> {
    let found = store.read().await?.find_workspace(WorkspaceId(id)).await?;
    let found = found.filter(|row| row.id != WorkspaceId::ACCOUNTS);
    Ok(found.with_context(|| format!("there is no workspace {id}; see `switchboard workspaces list`"))?.id)
}

pub(super) async fn workspaces(command: WorkspacesCommand, clock: &Clock) -> anyhow::Result<()> {
    match command {
        WorkspacesCommand::Create(create) => {
            let name = create.name.trim();
            anyhow::ensure!((1..=100).contains(&name.chars().count()), "a name has 1 to 100 characters");
            let m = use_cases(&create.store, clock).await?;
            let operator = Caller::operator(WorkspaceId::DEFAULT);
            let made = auth::create_workspace(&m, operator, (name, None), None).await?;
            say(&format!("{}\n", made.id))
        }
        WorkspacesCommand::List(store) => {
            let m = use_cases(&store, clock).await?;
            let mut lines = String::from("id\tname\tcreated\n");
            let mut page = PageRequest { after: None, limit: 200 };
            loop {
                let part = auth::list_workspaces(&m, page).await?;
                for row in part.data {
                    writeln!(lines, "{}\t{}\t{}", row.id, row.name, row.created_at)?;
                }
                page.after = part.next;
                if page.after.is_none() {
                    return say(&lines);
                }
            }
        }
    }
}

/// The password comes by standard input: what stands in a command line, others can see.
pub(super) async fn create_admin(admin: CreateAdminArguments, clock: &Clock) -> anyhow::Result<()> {
    let m = use_cases(&admin.store, clock).await?;
    let workspace = find_workspace(&m.store, admin.workspace).await?;
    check_username(&admin.username).context("--username")?;
    let mobile = Address::phone(&admin.mobile, &m.rules.phone).context("--mobile")?;
    anyhow::ensure!(mobile.as_str().starts_with('+'), "--mobile must be a number of a mobile, not a short code");
    let email = Address::email(&admin.email.to_lowercase()).context("--email")?;
    if std::io::stdin().is_terminal() {
        say("Password (it is shown while you type): ")?;
    }
    let mut password = String::new();
    std::io::stdin().read_line(&mut password)?;
    let wish = SignUp {
        username: admin.username,
        email,
        mobile,
        password: password.trim_end_matches(['\r', '\n']).to_owned().into(),
        first_name: String::new(),
        last_name: String::new(),
        client: String::new(),
        invitation: None,
    };
    let settings = Arc::new(auth::Settings { is_open: false });
    let accounts = Accounts { m, passwords: Passwords::new(clock.clone()), settings, origin: None };
    let username = wish.username.clone();
    auth::create_admin(&accounts, wish, workspace).await?;
    say(&format!("{username} is an admin of workspace {workspace}, and signs in with a code by SMS\n"))
}

/// The use cases over a database beside a server.
async fn use_cases(store: &StoreArguments, clock: &Clock) -> anyhow::Result<Messaging> {
    let config = load_store(store)?;
    let store = open_or_make(&config, clock).await?;
    Parts { config: Arc::new(config), store, clock: clock.clone(), simulator: None, board: Board::default() }
        .messaging()
}

/// Only a `dev` server makes the people between whom there is something to say; its simulator carries the rest.
pub(super) async fn seed(config: Config, clock: Clock) -> anyhow::Result<()> {
    let store = open_beside(&config, &clock).await?;
    let parts =
        Parts { config: Arc::new(config), store: store.clone(), clock, simulator: None, board: Board::default() };
    let messaging = Messaging { rules: Arc::new(rules(&parts.config, true)?), ..parts.messaging()? };
    let added = chat::seed(&messaging).await?;
    store.close().await;
    say(&format!("{added} messages were added\n"))
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
    let unknown = match (file, sqlite_path(&url(config))) {
        (Some(file), Some(database)) => {
            let keys = keys_of(config, !has_key(config), clock)?;
            restore_sqlite(file, &database, &keys, clock).await?
        }
        (None, None) => {
            let store = open_beside(config, clock).await?;
            let unknown = store.settle_restored(clock).await?;
            store.close().await;
            unknown
        }
        (Some(_), None) => anyhow::bail!("restore PostgreSQL with pg_restore first, then run this without a file"),
        (None, Some(_)) => anyhow::bail!("which backup? name the file"),
    };
    say(&format!("restored; {unknown} messages were not finished and are unknown now: they may have been sent since\n"))
}

pub(super) async fn carrier(arguments: CarrierArguments, clock: Clock, stop: CancellationToken) -> anyhow::Result<()> {
    let callback = arguments.callback.as_deref().map(str::parse).transpose().context("--callback")?;
    let events = arguments.sendgrid_events.as_deref().map(str::parse).transpose().context("--sendgrid-events")?;
    let options = CarrierOptions {
        listen: arguments.listen,
        ledger: arguments.ledger,
        callback,
        callback_secret: arguments.callback_secret.map(Into::into),
        smtp: arguments.smtp,
        twilio_token: arguments.twilio_token.map(Into::into),
        sendgrid_events: events,
        sendgrid_key: arguments.sendgrid_key,
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
