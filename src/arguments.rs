//! What the command line may say. Nothing is decided here.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

/// One self-hosted server for every message a business or a person sends or receives.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "switchboard",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Settings come from the built-in defaults, the file of --config, the environment (SWITCHBOARD_* and \
                  DATABASE_URL), and these flags, the later over the earlier. `switchboard config` shows them all."
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Run the server for one developer: on loopback, without credentials, with a simulated carrier
    Dev(DevArguments),
    /// Run the server for the world: every request needs a key, and a master key must be given
    Serve(ServeArguments),
    /// Bring the database's schema up to date, and exit
    Migrate(StoreArguments),
    /// Add a few messages to look at to the database of a `dev` server; once more adds nothing
    Seed(StoreArguments),
    /// Print the OpenAPI document
    Openapi(OpenapiArguments),
    /// Print the effective configuration with its secrets masked
    Config(ServeArguments),
    /// Make, list and revoke API keys
    Keys(KeysArguments),
    /// Make the first admins
    Users(UsersArguments),
    /// Make and list workspaces
    Workspaces(WorkspacesArguments),
    /// Seal every address again under the current master key; the server may run meanwhile
    ///
    /// Start the server with the new key as `SWITCHBOARD_MASTER_KEY` and the old one as
    /// `SWITCHBOARD_PREVIOUS_MASTER_KEY`, then run this with the same two.
    Rekey(StoreArguments),
    /// Copy a live SQLite database to a file
    Backup(BackupArguments),
    /// Put a backup in the place of the database; the server must not run
    ///
    /// What the backup still calls queued or sending may have been sent since: it becomes `unknown` and is not sent
    /// again by itself.
    Restore(RestoreArguments),
    /// Run a carrier that takes messages, for drills and tests: nothing reaches a telephone
    Carrier(CarrierArguments),
    /// Ask a running server whether it is ready; exits with 0 when it is
    Health(HealthArguments),
}

/// Where the database is: common to every command that opens it.
#[derive(Debug, Clone, Default, Args)]
pub struct StoreArguments {
    /// The data folder [default: ./data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/NAME` [default: switchboard.db in the data folder]
    ///
    /// Other users of this machine can see a command line: give a password in `DATABASE_URL` instead.
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// A TOML file with settings
    #[arg(long, value_name = "FILE", env = "SWITCHBOARD_CONFIG")]
    pub config: Option<PathBuf>,
}

/// Where to listen, and where the database is.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArguments {
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where the database is.
    #[command(flatten)]
    pub store: StoreArguments,
}

/// How to run for one developer.
#[derive(Debug, Clone, Default, Args)]
pub struct DevArguments {
    /// Where to listen, and where the database is.
    #[command(flatten)]
    pub serve: ServeArguments,
    /// Trust every peer, because the only way in is a port published on the host's loopback: for containers
    #[arg(long)]
    pub published_on_loopback: bool,
}

/// How to print the document.
#[derive(Debug, Clone, Args)]
pub struct OpenapiArguments {
    /// As YAML instead of JSON
    #[arg(long)]
    pub yaml: bool,
}

/// What to do with API keys.
#[derive(Debug, Clone, Args)]
pub struct KeysArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What to do with API keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Make a key and print it, once, alone on standard output
    Create(KeysCreateArguments),
    /// List the keys: their names, scopes and times, never the keys themselves
    List(KeysListArguments),
    /// End a key at once
    Revoke(KeysRevokeArguments),
}

/// Whose keys to list.
#[derive(Debug, Clone, Args)]
pub struct KeysListArguments {
    /// Which workspace, as `workspaces list` shows it
    #[arg(long, value_name = "ID", default_value_t = 1)]
    pub workspace: i64,
    /// Where the database is.
    #[command(flatten)]
    pub store: StoreArguments,
}

/// What to do with accounts.
#[derive(Debug, Clone, Args)]
pub struct UsersArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: UsersCommand,
}

/// What to do with accounts.
#[derive(Debug, Clone, Subcommand)]
pub enum UsersCommand {
    /// Make an account that is an admin; its password is the first line of standard input
    CreateAdmin(CreateAdminArguments),
}

/// Who the admin is.
#[derive(Debug, Clone, Args)]
pub struct CreateAdminArguments {
    /// 5 to 32 letters, digits, `_`, `.` and `-`, a letter first
    #[arg(long, value_name = "NAME")]
    pub username: String,
    /// Where mails to them go
    #[arg(long, value_name = "ADDRESS")]
    pub email: String,
    /// Where their codes go; it is taken to be theirs
    #[arg(long, value_name = "NUMBER")]
    pub mobile: String,
    /// In which workspace, as `workspaces list` shows it
    #[arg(long, value_name = "ID", default_value_t = 1)]
    pub workspace: i64,
    /// Where the database is.
    #[command(flatten)]
    pub store: StoreArguments,
}

/// What to do with workspaces.
#[derive(Debug, Clone, Args)]
pub struct WorkspacesArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: WorkspacesCommand,
}

/// What to do with workspaces.
#[derive(Debug, Clone, Subcommand)]
pub enum WorkspacesCommand {
    /// Make a workspace and print its id, alone on standard output
    Create(WorkspacesCreateArguments),
    /// List the workspaces
    List(StoreArguments),
}

/// What to call a new workspace.
#[derive(Debug, Clone, Args)]
pub struct WorkspacesCreateArguments {
    /// What people call it
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Where the database is.
    #[command(flatten)]
    pub store: StoreArguments,
}

/// What a new key may do.
#[derive(Debug, Clone, Args)]
pub struct KeysCreateArguments {
    /// What the key is for, for people
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// What it may do; may be given several times
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        required = true,
        num_args = 1..,
        action = ArgAction::Append,
        value_parser = ["messages:send", "messages:read", "metrics:read", "admin"]
    )]
    pub scopes: Vec<String>,
    /// When it ends, in RFC 3339, such as 2027-01-31T00:00:00Z [default: never]
    #[arg(long, value_name = "TIME")]
    pub expires_at: Option<String>,
    /// In which workspace, as `workspaces list` shows it
    #[arg(long, value_name = "ID", default_value_t = 1)]
    pub workspace: i64,
    /// Where the database is.
    #[command(flatten)]
    pub store: StoreArguments,
}

/// Which key to end.
#[derive(Debug, Clone, Args)]
pub struct KeysRevokeArguments {
    /// The key's id, as `keys list` shows it
    #[arg(value_name = "ID")]
    pub id: i64,
    /// In which workspace, as `workspaces list` shows it
    #[arg(long, value_name = "ID", default_value_t = 1)]
    pub workspace: i64,
    /// Where the database is.
    #[command(flatten)]
    pub store: StoreArguments,
}

/// Where to copy the database to.
#[derive(Debug, Clone, Args)]
pub struct BackupArguments {
    /// The file to write; it must not exist
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where the database is.
    #[command(flatten)]
    pub store: StoreArguments,
}

/// Which backup to take back.
#[derive(Debug, Clone, Args)]
pub struct RestoreArguments {
    /// The backup to read; none for a PostgreSQL database that its own tools have restored already
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Where the database is.
    #[command(flatten)]
    pub store: StoreArguments,
}

/// How the carrier behaves.
#[derive(Debug, Clone, Args)]
pub struct CarrierArguments {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The file that gets one line of JSON for every message taken, on disk before the answer
    #[arg(long, value_name = "FILE")]
    pub ledger: PathBuf,
    /// Where to post what becomes of messages, such as `http://127.0.0.1:8080/api/webhooks/status`
    #[arg(long, value_name = "URL")]
    pub callback: Option<String>,
    /// What to show there: the provider's `webhook_secret`
    #[arg(long, value_name = "SECRET", env = "SWITCHBOARD_CARRIER_CALLBACK_SECRET", hide_env_values = true)]
    pub callback_secret: Option<String>,
    /// Where to listen as a mail server, without TLS
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub smtp: Option<SocketAddr>,
    /// What signs callbacks as Twilio, to each message's `StatusCallback`: the provider's `auth_token`
    #[arg(long, value_name = "TOKEN", env = "SWITCHBOARD_CARRIER_TWILIO_TOKEN", hide_env_values = true)]
    pub twilio_token: Option<String>,
    /// Where to post events as SendGrid, such as `http://127.0.0.1:8080/api/webhooks/sendgrid/sg/events`
    #[arg(long, value_name = "URL")]
    pub sendgrid_events: Option<String>,
    /// A file with the P-256 private key that signs these, in PEM (PKCS #8)
    #[arg(long, value_name = "FILE", requires = "sendgrid_events")]
    pub sendgrid_key: Option<PathBuf>,
    /// A JSON file with the failures to play, shaped as PUT /api/simulator/chaos takes it
    #[arg(long, value_name = "FILE")]
    pub chaos: Option<PathBuf>,
}

/// Whom to ask.
#[derive(Debug, Clone, Args)]
pub struct HealthArguments {
    /// Where the server listens; an address of every interface is asked on loopback
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", env = "SWITCHBOARD_LISTEN")]
    pub listen: SocketAddr,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command)
    }

    #[test]
    fn the_commands_are_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_manual_is_read() {
        for line in [
            "switchboard dev",
            "switchboard dev --listen 0.0.0.0:8080 --published-on-loopback --data d --database sqlite://x --config c",
            "switchboard serve --listen [::1]:80",
            "switchboard migrate --database postgres://u@h/d",
            "switchboard seed --data d",
            "switchboard openapi --yaml",
            "switchboard config --config c",
            "switchboard keys list --data d",
            "switchboard keys revoke 7 --workspace 2",
            "switchboard workspaces create shop --data d",
            "switchboard workspaces list",
            "switchboard users create-admin --username alice --email a@b.example --mobile +12025550143 --workspace 2",
            "switchboard rekey",
            "switchboard backup f --data d",
            "switchboard restore f",
            "switchboard carrier --listen 127.0.0.1:9101 --ledger l --callback http://h/ --callback-secret s --chaos c",
            "switchboard carrier --listen 127.0.0.1:1 --ledger l --smtp 127.0.0.1:2 --twilio-token t --sendgrid-events http://h/ --sendgrid-key k",
            "switchboard health --listen 127.0.0.1:1",
        ] {
            assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
        }
    }

    #[test]
    fn scopes_may_be_listed_or_repeated() {
        for line in [
            "switchboard keys create --name a --scope messages:send messages:read",
            "switchboard keys create --scope messages:send --name a --scope messages:read",
        ] {
            let Command::Keys(KeysArguments { command: KeysCommand::Create(create) }) = parse(line).unwrap() else {
                panic!("{line}")
            };
            assert_eq!(create.scopes, ["messages:send", "messages:read"]);
        }
        assert!(parse("switchboard keys create --name a --scope everything").is_err());
        assert!(parse("switchboard keys create --name a").is_err());
    }

    #[test]
    fn only_dev_may_trust_a_published_port() {
        assert!(parse("switchboard serve --published-on-loopback").is_err());
    }
}
