//! What of a changed configuration counts at once, and what only after a restart.

use super::Config;

impl Config {
    /// Puts a configuration in the place of another one while the server runs: gives the keys that were changed and count
    /// only after a restart. They stay as they were.
    pub fn settle(&mut self, running: &Self) -> Vec<&'static str> {
        let mut kept = Vec::new();
        macro_rules! keep {
            ($($key:ident),* $(,)?) => {
                $(if self.$key != running.$key {
                    self.$key = running.$key.clone();
                    kept.push(stringify!($key));
                })*
            };
        }
        keep!(
            listen,
            data,
            database,
            attachments,
            master_key,
            master_key_command,
            previous_master_key,
            header_timeout_ms,
            write_timeout_ms,
            key_request_limit_per_minute,
            request_limit_per_minute,
            sign_up,
            webhooks,
        );
        kept
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::Sources;
    use super::*;

    #[test]
    fn what_the_server_was_started_with_stays_and_everything_else_is_new() {
        let sources = Sources { environment: Some(HashMap::new()), ..Sources::default() };
        let running = Config::load(&sources).unwrap();
        let mut changed = running.clone();
        changed.data = "/elsewhere".into();
        changed.master_key = Some("ab".repeat(32).as_str().into());
        changed.webhooks.days += 1;
        changed.max_segments = 3;
        assert_eq!(changed.settle(&running), ["data", "master_key", "webhooks"]);
        assert_eq!((changed.data, changed.max_segments), (running.data, 3));
        assert!(changed.master_key.is_none());
    }
}
