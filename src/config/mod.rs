//! One struct, one embedded commented file of defaults, environment on top; fails at start, not later.

mod check;
mod environment;
mod keys;
mod mask;
mod provider;
mod routing;
mod services;
mod settle;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

pub use keys::{MasterKeys, master_keys};
pub use mask::Secret;
pub use provider::{ProviderConfig, ProviderKind};
pub use routing::{RouteConfig, SenderConfig};

use crate::domain::Network;
use environment::Environment;

/// The defaults: every key, commented.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// Everything that can be set. The meaning of each key stands in `config.default.toml`.
///
/// Its `Debug` form is [`Config::masked_toml`].
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// `sqlite://..` or `postgres://..`; without it SQLite in the data folder.
    #[serde(serialize_with = "mask::secret_url")]
    pub database: Option<Secret>,
    /// Where the bytes of uploaded files are: `file:///..` or `s3://..`; without it in the data folder.
    #[serde(default, deserialize_with = "read_url", serialize_with = "write_url")]
    pub attachments: Option<Url>,
    /// The calling code that ten bare digits get, with its plus.
    pub default_country: String,
    /// Who sends a text that names no sender.
    pub default_sender: Option<String>,
    /// Who sends the mails of the server itself.
    pub mail_sender: Option<String>,
    /// Under which URL the world reaches this server.
    #[serde(default, deserialize_with = "read_url", serialize_with = "write_url")]
    pub public_url: Option<Url>,
    /// Origins whose web pages may call the API, as a browser writes them.
    pub allowed_origins: Vec<String>,
    /// Whose `X-Forwarded-For` and `X-Forwarded-Proto` count.
    pub trusted_proxies: Vec<Network>,
    /// The longest SMS, in segments.
    pub max_segments: i64,
    /// How many messages one sender may send in a minute; 0 for no limit.
    pub sender_limit_per_minute: u32,
    /// How many requests a key may make in a minute, in `serve`; 0 for no limit.
    pub key_request_limit_per_minute: u32,
    /// How many requests a session, or an address without credentials, may make in a minute, in `serve`; 0 for no limit.
    pub request_limit_per_minute: u32,
    /// Calling codes, each with its plus, whose numbers may get codes; none: that of `default_country` alone.
    pub code_countries: Vec<String>,
    /// Codes to one number in 10 minutes; 0 for no limit, here and below.
    pub code_limit_per_number: u32,
    /// Codes to one number in a day.
    pub code_limit_per_number_a_day: u32,
    /// Codes an hour to numbers that differ in their last four digits alone.
    pub code_limit_per_ten_thousand_numbers: u32,
    /// Codes an hour to numbers that differ in their last six digits alone.
    pub code_limit_per_million_numbers: u32,
    /// Codes an hour asked for from one address.
    pub code_limit_per_origin: u32,
    /// Codes a day in one workspace.
    pub code_limit_per_workspace: u32,
    /// Sign-ins tried in 10 minutes from one address.
    pub login_limit_per_origin: u32,
    /// Sign-ins tried in 10 minutes for one account.
    pub login_limit_per_account: u32,
    /// Accounts asked for in an hour from one address.
    pub sign_up_limit_per_origin: u32,
    /// Bytes that one person or key uploads in a day.
    pub upload_limit_bytes_a_day: u64,
    /// Bytes of files that one workspace stores.
    pub storage_limit_bytes: u64,
    /// How many days back the list of a person's messages goes when nobody says so.
    pub chat_history_days: u32,
    /// The largest request body.
    pub body_limit_bytes: usize,
    /// The largest body of a batch or a webhook.
    pub large_body_limit_bytes: usize,
    /// How long a connection may take to send a request's header.
    pub header_timeout_ms: u64,
    /// How long a request may take to send its body.
    pub body_timeout_ms: u64,
    /// How long a connection may take to read the next part of an answer.
    pub write_timeout_ms: u64,
    /// For how many days the log of events is kept; 0 for ever.
    pub events_days: u32,
    /// For how many days a body stays in quarantine; 0 for ever.
    pub quarantine_days: u32,
    /// For how many days a repeat from outside is known; 0 for ever.
    pub inbound_events_days: u32,
    /// For how many days what the server itself sent is kept; 0 for ever.
    pub own_messages_days: u32,
    /// Who may sign up; without it anybody in `dev`, and whoever is invited in `serve`.
    pub sign_up: Option<SignUpPolicy>,
    /// Outside services; the first of a channel carries it, where no route says otherwise.
    #[serde(default)]
    pub providers: Vec<ProviderConfig>,
    /// Numbers and mailboxes, and whose they are.
    #[serde(default)]
    pub senders: Vec<SenderConfig>,
    /// Which providers carry what.
    #[serde(default)]
    pub routes: Vec<RouteConfig>,
    /// What customers' endpoints may be, and how long it is kept what they were told.
    pub webhooks: WebhookConfig,
    /// 64 hex digits.
    pub master_key: Option<Secret>,
    /// A command that prints the master key.
    pub master_key_command: Option<Secret>,
    /// The master key before this one, 64 hex digits.
    pub previous_master_key: Option<Secret>,
}

/// What customers' endpoints may be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Networks that are not public and that endpoints may be in.
    pub allow_private: Vec<Network>,
    /// Whether endpoints may do without TLS, in `serve`.
    pub allow_http: bool,
    /// How long one attempt may take.
    pub timeout_ms: u64,
    /// For how many days it is kept what endpoints were told; 0 for ever.
    pub days: u32,
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUpPolicy {
    /// Anybody, into the default workspace.
    Open,
    /// Whoever is invited.
    Invited,
}

/// Where a configuration comes from, besides the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file that must be there.
    pub file: Option<PathBuf>,
    /// Stands in for the process's environment, in tests.
    pub environment: Option<HashMap<String, String>>,
    /// Over everything else: where to listen.
    pub listen: Option<SocketAddr>,
    /// Over everything else: the data folder.
    pub data: Option<PathBuf>,
    /// Over everything else: the database.
    pub database: Option<String>,
}

/// Why there is no configuration to start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A source could not be read, a key is unknown, or a value has the wrong type.
    #[error(
        "the configuration cannot be read: {0}\n\
         (a key stands in the file of --config, or in the environment as SWITCHBOARD_ and the key in capitals; \
         config.default.toml explains them all)"
    )]
    Unreadable(String),
    /// Keys with values that cannot be.
    #[error("the configuration cannot be used:{}", .0.iter().map(ToString::to_string).collect::<String>())]
    Invalid(Vec<InvalidKey>),
    /// No master key where one must be given.
    #[error(
        "there is no master key, and `serve` does not start without one. Make one with `openssl rand -hex 32`, keep \
         it outside this machine too (without it the addresses in the database cannot be read), and give it as \
         SWITCHBOARD_MASTER_KEY, or name a command that prints it as SWITCHBOARD_MASTER_KEY_COMMAND"
    )]
    NoMasterKey,
    /// The command for the master key did not print one.
    #[error("master_key_command {0}")]
    MasterKeyCommand(String),
    /// The key file of `dev` cannot be used.
    #[error("the key file {}: {reason}", path.display())]
    KeyFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// One key whose value cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidKey {
    /// The key, such as `providers[0].url`.
    pub key: String,
    /// What is wanted.
    pub wanted: String,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n  {}: {}", self.key, self.wanted)
    }
}

impl Config {
    /// Reads all sources, the later over the earlier: defaults, file, environment, command line.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with any value is said at once, by key.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let unreadable = |error: config::ConfigError| ConfigError::Unreadable(without_source(&error.to_string()));
        let mut builder =
            config::Config::builder().add_source(config::File::from_str(DEFAULTS, config::FileFormat::Toml));
        if let Some(file) = &sources.file {
            builder = builder.add_source(config::File::from(file.as_path()).format(config::FileFormat::Toml));
        }
        builder = builder.add_source(Environment(sources.environment.clone()));
        let overrides = [
            ("listen", sources.listen.map(|listen| listen.to_string())),
            ("data", sources.data.as_ref().map(|data| data.to_string_lossy().into_owned())),
            ("database", sources.database.clone()),
        ];
        for (key, value) in overrides {
            builder = builder.set_override_option(key, value).map_err(unreadable)?;
        }
        let loaded: Self = builder.build().and_then(config::Config::try_deserialize).map_err(unreadable)?;
        let invalid = loaded.check();
        if invalid.is_empty() { Ok(loaded) } else { Err(ConfigError::Invalid(invalid)) }
    }
}

/// What is wrong with a file, without the line that it stands in: there may be a secret in it.
fn without_source(error: &str) -> String {
    let is_source =
        |line: &&str| line.trim_start_matches([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).starts_with('|');
    error.lines().filter(|line| !is_source(line)).collect::<Vec<_>>().join("\n")
}

fn read_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    Url::parse(&text).map(Some).map_err(|error| serde::de::Error::custom(format!("is no URL: {error}")))
}

#[expect(clippy::ref_option, reason = "serde passes the field")]
fn write_url<S: Serializer>(url: &Option<Url>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(|url| mask::mask_url(url.as_str())).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Sources {
        let environment = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Sources { environment: Some(environment), ..Sources::default() }
    }

    fn load(pairs: &[(&str, &str)]) -> Result<Config, String> {
        Config::load(&environment(pairs)).map_err(|error| error.to_string())
    }

    fn load_file(text: &str, pairs: &[(&str, &str)]) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("switchboard.conf");
        std::fs::write(&file, text).unwrap();
        Config::load(&Sources { file: Some(file), ..environment(pairs) }).map_err(|error| error.to_string())
    }

    const PROVIDER: &str = r#"
        [[providers]]
        name = "primary"
        kind = "http"
        channels = ["sms", "mms"]
        url = "http://127.0.0.1:9101/messages"
    "#;

    #[test]
    fn the_defaults_alone_are_a_configuration() {
        let config = load(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.max_segments, 10);
        assert!(config.providers.is_empty() && config.database.is_none() && config.master_key.is_none());
    }

    const ROUTING: &str = r#"
        [[senders]]
        address = "+12015550100"
        workspace = 2
        provider = "primary"
        [[routes]]
        channels = ["sms"]
        sender = "+12015550100"
        prefix = "+44"
        providers = ["primary"]
        weights = [1]
    "#;

    #[test]
    fn the_file_of_defaults_explains_every_key() {
        let shown = load_file(&format!("{PROVIDER}{ROUTING}"), &[]).unwrap().masked_toml();
        let keys = shown.lines().filter_map(|line| line.trim_start_matches("# ").split(' ').next());
        for key in keys.filter(|key| !key.is_empty()) {
            let is_there = DEFAULTS.lines().any(|line| {
                let line = line.trim_start_matches("# ");
                line == key || line.strip_prefix(key).is_some_and(|rest| rest.starts_with(" ="))
            });
            assert!(is_there, "{key}");
        }
    }

    #[test]
    fn the_later_source_wins() {
        let config = load_file("max_segments = 3\nlisten = \"127.0.0.1:1\"", &[("SWITCHBOARD_LISTEN", "127.0.0.1:2")]);
        let config = config.unwrap();
        assert_eq!((config.max_segments, config.listen.port()), (3, 2));
        let sources = Sources {
            listen: Some("127.0.0.1:3".parse().unwrap()),
            database: Some("sqlite://flag.db".to_owned()),
            ..environment(&[("SWITCHBOARD_LISTEN", "127.0.0.1:2"), ("DATABASE_URL", "sqlite://env.db")])
        };
        let config = Config::load(&sources).unwrap();
        assert_eq!((config.listen.port(), config.database.unwrap().expose()), (3, "sqlite://flag.db"));
    }

    #[test]
    fn a_providers_secret_may_come_from_the_environment() {
        let secret = ("SWITCHBOARD_PROVIDERS__0__WEBHOOK_SECRET", "a secret of length");
        let config = load_file(PROVIDER, &[secret, ("SWITCHBOARD_PROVIDERS__0__TIMEOUT_MS", "500")]).unwrap();
        let provider = &config.providers[0];
        assert_eq!(provider.webhook_secret.as_ref().unwrap().expose(), "a secret of length");
        assert_eq!((provider.timeout_ms, provider.max_per_second, provider.idempotency_hours), (500, 100, 24));
    }

    #[test]
    fn senders_and_routes_are_shown_as_they_are_written_and_may_come_from_the_environment() {
        let from_file = load_file(&format!("{PROVIDER}{ROUTING}"), &[]).unwrap();
        let environment = [
            ("SWITCHBOARD_SENDERS__0__ADDRESS", "+12015550100"),
            ("SWITCHBOARD_SENDERS__0__WORKSPACE", "2"),
            ("SWITCHBOARD_SENDERS__0__PROVIDER", "primary"),
            ("SWITCHBOARD_ROUTES__0__CHANNELS", "sms"),
            ("SWITCHBOARD_ROUTES__0__SENDER", "+12015550100"),
            ("SWITCHBOARD_ROUTES__0__PREFIX", "+44"),
            ("SWITCHBOARD_ROUTES__0__PROVIDERS", "primary"),
            ("SWITCHBOARD_ROUTES__0__WEIGHTS", "1"),
        ];
        let from_environment = load_file(PROVIDER, &environment).unwrap();
        let again = load_file(&from_file.masked_toml(), &[]).unwrap();
        for config in [from_environment, again] {
            assert_eq!((config.senders, config.routes), (from_file.senders.clone(), from_file.routes.clone()));
        }
    }

    #[test]
    fn numbers_with_a_plus_stay_text_and_lists_are_split() {
        let config = load(&[
            ("SWITCHBOARD_DEFAULT_SENDER", "+12015550123"),
            ("SWITCHBOARD_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
            ("SWITCHBOARD_PUBLIC_URL", ""),
        ])
        .unwrap();
        assert_eq!(config.default_sender.as_deref(), Some("+12015550123"));
        assert_eq!(config.trusted_proxies.len(), 2);
        assert!(config.public_url.is_none());
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        assert!(load(&[("SWITCHBOARD_LISTENN", "x")]).unwrap_err().contains("`listenn`"));
        assert!(load_file("colour = 1", &[]).unwrap_err().contains("`colour`"));
        let nested = load_file(&PROVIDER.replace("url =", "uri ="), &[]).unwrap_err();
        assert!(nested.contains("`uri`") && nested.contains("providers[0]"), "{nested}");
    }

    #[test]
    fn a_variable_that_is_not_ours_is_passed_over() {
        for name in ["SWITCHBOARD_TEST_DATABASE", "SWITCHBOARD_FAULT_CYCLES", "SWITCHBOARD_PORT_8080_TCP_ADDR"] {
            load(&[(name, "x")]).unwrap();
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_names_its_key() {
        for (name, value, key) in [
            ("SWITCHBOARD_LISTEN", "here", "listen"),
            ("SWITCHBOARD_MAX_SEGMENTS", "ten", "max_segments"),
            ("SWITCHBOARD_TRUSTED_PROXIES", "10.0.0.0/33", "trusted_proxies"),
            ("SWITCHBOARD_PUBLIC_URL", "messages", "public_url"),
        ] {
            let error = load(&[(name, value)]).unwrap_err();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_shown() {
        let error = load_file("[[providers]]\nauth_token = \"hush hush\nname = 1", &[]).unwrap_err();
        assert!(error.contains("line 2") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn a_missing_file_is_said() {
        let sources = Sources { file: Some(PathBuf::from("/nowhere/switchboard.toml")), ..environment(&[]) };
        assert!(Config::load(&sources).unwrap_err().to_string().contains("/nowhere/switchboard.toml"));
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        let file = format!(
            "{PROVIDER}\nwebhook_secret = \"hush-hush-hush-hush\"\nlookup_url = \"http://u:hush@h/m?token=hush&r={{reference}}\""
        );
        let config = load_file(
            &file,
            &[
                ("DATABASE_URL", "postgres://user:hush@db.example.com:5432/name?sslmode=require"),
                ("SWITCHBOARD_MASTER_KEY", &"ab".repeat(32)),
                ("SWITCHBOARD_PUBLIC_URL", "https://messages.example.com/"),
            ],
        )
        .unwrap();
        let shown = config.masked_toml();
        assert!(!shown.contains("hush") && !shown.contains("abab"), "{shown}");
        assert!(
            shown.contains("database = \"postgres://user:***@db.example.com:5432/name?sslmode=require\""),
            "{shown}"
        );
        assert!(shown.contains("lookup_url = \"http://u:***@h/m?token=***&r={reference}\""), "{shown}");
        assert!(shown.contains("master_key = \"***\"") && shown.contains("# default_sender is not set"), "{shown}");
        assert!(!format!("{config:?}").contains("hush") && !format!("{:?}", config.providers).contains("hush"));
        let without_secrets: String =
            shown.lines().filter(|line| !line.ends_with("\"***\"")).flat_map(|l| [l, "\n"]).collect();
        load_file(&without_secrets, &[]).unwrap();
    }
}
