//! Faults on purpose, for the tests that must survive them. Compiled only with the `faults` feature.

use std::sync::OnceLock;

/// Ends the process at once, as a crash would, when `SWITCHBOARD_FAULT` names this point.
pub fn point(name: &str) {
    if chosen("SWITCHBOARD_FAULT") == Some(name) {
        std::process::abort();
    }
}

/// Whether `SWITCHBOARD_SABOTAGE` names this rule to be broken, so that its test is seen to fail.
pub fn is_sabotaged(name: &str) -> bool {
    chosen("SWITCHBOARD_SABOTAGE") == Some(name)
}

#[expect(clippy::disallowed_methods, reason = "a fault is no part of the configuration")]
fn chosen(variable: &'static str) -> Option<&'static str> {
    static FAULT: OnceLock<Option<String>> = OnceLock::new();
    static SABOTAGE: OnceLock<Option<String>> = OnceLock::new();
    let cell = if variable == "SWITCHBOARD_FAULT" { &FAULT } else { &SABOTAGE };
    cell.get_or_init(|| std::env::var(variable).ok()).as_deref()
}
