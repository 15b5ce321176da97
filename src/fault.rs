//! Faults on purpose, for the tests that must survive them, and rules broken on purpose, so that their tests are seen
//! to fail. Without the feature `faults` nothing here does anything, and no release has it.

use std::time::Duration;

/// Ends the process at once, as a crash would, when `SWITCHBOARD_FAULT` names this point.
#[cfg(feature = "faults")]
pub fn point(name: &str) {
    if chosen("SWITCHBOARD_FAULT") == Some(name) {
        std::process::abort();
    }
}

/// Names a point at which a fault test may end the process.
#[cfg(not(feature = "faults"))]
pub const fn point(_name: &str) {}

/// Whether `SWITCHBOARD_SABOTAGE` names this rule to be broken.
#[cfg(feature = "faults")]
pub fn is_sabotaged(rule: &str) -> bool {
    chosen("SWITCHBOARD_SABOTAGE") == Some(rule)
}

/// Names a rule that a fault test may see broken; here it never is.
#[cfg(not(feature = "faults"))]
pub const fn is_sabotaged(_rule: &str) -> bool {
    false
}

/// How long a lease holds: its own span, unless `SWITCHBOARD_FAULT_LEASE_MS` says otherwise.
#[cfg(feature = "faults")]
pub fn lease(own: Duration) -> Duration {
    static LEASE: std::sync::OnceLock<Option<Duration>> = std::sync::OnceLock::new();
    LEASE.get_or_init(|| span("SWITCHBOARD_FAULT_LEASE_MS")).unwrap_or(own)
}

/// How often the log is looked at by itself: its own span, unless `SWITCHBOARD_FAULT_POLL_MS` says otherwise.
#[cfg(feature = "faults")]
pub fn poll(own: Duration) -> Duration {
    static POLL: std::sync::OnceLock<Option<Duration>> = std::sync::OnceLock::new();
    POLL.get_or_init(|| span("SWITCHBOARD_FAULT_POLL_MS")).unwrap_or(own)
}

#[cfg(feature = "faults")]
#[expect(clippy::disallowed_methods, reason = "a fault is no part of the configuration")]
fn span(variable: &str) -> Option<Duration> {
    Some(Duration::from_millis(std::env::var(variable).ok()?.parse().ok()?))
}

/// How long a lease holds.
#[cfg(not(feature = "faults"))]
pub const fn lease(own: Duration) -> Duration {
    own
}

/// How often the log is looked at by itself.
#[cfg(not(feature = "faults"))]
pub const fn poll(own: Duration) -> Duration {
    own
}

#[cfg(feature = "faults")]
#[expect(clippy::disallowed_methods, reason = "a fault is no part of the configuration")]
fn chosen(variable: &'static str) -> Option<&'static str> {
    use std::sync::OnceLock;
    static FAULT: OnceLock<Option<String>> = OnceLock::new();
    static SABOTAGE: OnceLock<Option<String>> = OnceLock::new();
    let cell = if variable == "SWITCHBOARD_FAULT" { &FAULT } else { &SABOTAGE };
    cell.get_or_init(|| std::env::var(variable).ok()).as_deref()
}
