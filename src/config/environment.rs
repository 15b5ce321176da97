//! The environment as a source of keys: `SWITCHBOARD_*`, nested with two underscores, and `DATABASE_URL`.

use std::collections::HashMap;

use config::{ConfigError, Map, Source, Value, ValueKind};

/// More of a list than this are a typing error.
const MAX_INDEX: usize = 100;

/// The lists of tables.
const LISTS: [&str; 3] = ["providers", "senders", "routes"];

/// Begins of names that are not configuration: what the tests and the command line read, and what Kubernetes sets for
/// a service called `switchboard`.
const NOT_OURS: [&str; 7] = ["test_", "fault_", "sabotage_", "service_", "port_", "config_", "carrier_"];

/// The process's environment, or a map that stands in for it.
#[derive(Debug, Clone)]
pub(super) struct Environment(pub Option<HashMap<String, String>>);

impl Environment {
    fn source(&self, prefix: &str) -> config::Environment {
        let replacement = self.0.as_ref().map(|map| map.iter().map(|(k, v)| (k.clone(), v.clone())).collect());
        config::Environment::with_prefix(prefix).prefix_separator("_").ignore_empty(true).source(replacement)
    }
}

impl Source for Environment {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let mut keys = Map::new();
        if let Some(url) = self.source("DATABASE").collect()?.remove("url") {
            keys.insert("database".to_owned(), url);
        }
        for (name, value) in self.source("SWITCHBOARD").separator("__").collect()? {
            if NOT_OURS.iter().any(|begin| format!("{name}_").starts_with(begin)) {
                continue;
            }
            let key = indexed(&name);
            let value = if is_list(&key) { split(value)? } else { value };
            keys.insert(key, value);
        }
        Ok(keys)
    }
}

/// `providers.0.url` as the path `providers[0].url`.
fn indexed(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    match parts[..] {
        [list, number, rest]
            if LISTS.contains(&list) && number.parse::<usize>().is_ok_and(|number| number < MAX_INDEX) =>
        {
            format!("{list}[{number}].{rest}")
        }
        _ => name.to_owned(),
    }
}

fn is_list(key: &str) -> bool {
    matches!(key, "allowed_origins" | "trusted_proxies" | "code_countries" | "webhooks.allow_private")
        || ["].channels", "].providers", "].weights"].iter().any(|end| key.ends_with(end))
}

fn split(value: Value) -> Result<Value, ConfigError> {
    let origin = value.origin().map(ToOwned::to_owned);
    let text = value.into_string()?;
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let items = items.map(|item| Value::new(origin.as_ref(), ValueKind::String(item.to_owned())));
    Ok(Value::new(origin.as_ref(), ValueKind::Array(items.collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_providers_number_becomes_an_index() {
        assert_eq!(indexed("providers.0.url"), "providers[0].url");
        assert_eq!(indexed("providers.999999999.url"), "providers.999999999.url");
        assert_eq!(indexed("routes.1.weights"), "routes[1].weights");
        assert_eq!(indexed("max_segments"), "max_segments");
    }
}
