//! Secrets, and what of a configuration may be shown.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use url::Url;

use super::{Config, ProviderConfig};

const HIDDEN: &str = "***";

/// A text that is shown as `***` wherever it is shown, and wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Keeps a text.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl Config {
    /// The whole configuration as TOML, with `***` for every secret.
    pub fn masked_toml(&self) -> String {
        let mut toml = String::new();
        let mut tables = String::new();
        for (key, value) in fields(self) {
            if key == "providers" {
                write_tables(&mut tables, &key, &self.providers);
            } else if key == "senders" {
                write_tables(&mut tables, &key, &self.senders);
            } else if key == "routes" {
                write_tables(&mut tables, &key, &self.routes);
            } else if key == "webhooks" {
                tables.push_str("\n[webhooks]\n");
                write_fields(&mut tables, &self.webhooks);
            } else {
                write_field(&mut toml, &key, &value);
            }
        }
        toml + &tables
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked_toml())
    }
}

impl fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut toml = String::new();
        write_fields(&mut toml, self);
        f.write_str(&toml)
    }
}

fn fields(value: &impl Serialize) -> serde_json::Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    }
}

fn write_tables(toml: &mut String, key: &str, tables: &[impl Serialize]) {
    for table in tables {
        toml.push_str("\n[[");
        toml.push_str(key);
        toml.push_str("]]\n");
        write_fields(toml, table);
    }
}

fn write_fields(toml: &mut String, value: &impl Serialize) {
    for (key, value) in fields(value) {
        write_field(toml, &key, &value);
    }
}

/// A JSON scalar or list of scalars is a TOML value, but for null and the unescaped delete character.
fn write_field(toml: &mut String, key: &str, value: &Value) {
    let line = match value {
        Value::Null => format!("# {key} is not set\n"),
        value => format!("{key} = {value}\n").replace('\u{7f}', "\\u007F"),
    };
    toml.push_str(&line);
}

#[expect(clippy::ref_option, reason = "serde passes the field")]
pub(super) fn secret_url<S: Serializer>(url: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(|url| mask_url(url.expose())).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "serde passes the field")]
pub(super) fn optional_url<S: Serializer>(url: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_deref().map(mask_url).serialize(serializer)
}

/// A URL with `***` for its password, for a user name that stands alone (a token, on the web), and for every
/// parameter that sounds like a secret. What is no URL, or may hold a password where none belongs, is hidden whole.
pub(super) fn mask_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return HIDDEN.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    if Url::parse(text).is_err() || tail.contains('@') {
        return HIDDEN.to_owned();
    }
    let authority = match authority.rsplit_once('@') {
        None => authority.to_owned(),
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{user}:{HIDDEN}@{host}"),
            None if scheme.starts_with("http") => format!("{HIDDEN}@{host}"),
            None => format!("{user}@{host}"),
        },
    };
    let tail = match tail.split_once('?') {
        None => tail.to_owned(),
        Some((path, query)) => {
            format!("{path}?{}", query.split('&').map(mask_parameter).collect::<Vec<_>>().join("&"))
        }
    };
    format!("{scheme}://{authority}{tail}")
}

fn mask_parameter(parameter: &str) -> String {
    let sounds_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["pass", "secret", "token", "key", "auth", "sig"].iter().any(|word| name.contains(word))
    };
    match parameter.split_once('=') {
        Some((name, _)) if sounds_secret(name) => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://user:pw@host/name", "postgres://user:***@host/name"),
            ("postgres://user:p@w@host/name", "postgres://user:***@host/name"),
            ("postgres://user@host/name?password=pw", "postgres://user@host/name?password=***"),
            ("postgres://user:12/x@host/name", "***"),
            ("postgres://user:p#w@host/name", "***"),
            ("https://token@host/messages", "https://***@host/messages"),
            ("sqlite://data/switchboard.db", "sqlite://data/switchboard.db"),
            ("pw", "***"),
        ] {
            assert_eq!(mask_url(url), shown);
        }
    }

    #[test]
    fn a_secret_is_not_shown_by_accident() {
        let secret = Secret::from("hush");
        assert_eq!(format!("{secret:?}"), "***");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
        assert_eq!(secret.expose(), "hush");
    }
}
