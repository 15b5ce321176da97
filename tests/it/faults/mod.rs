//! Faults on purpose, against real processes. The judge is the carrier's ledger, never our own database.
//!
//! Every test prints its seed and how many faults fired, and fails when none did. `bin/sabotage.sh` runs each against
//! a server that breaks the rule it watches, and wants to see it fail.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at what it did not foresee, and says what it saw"
)]

mod ambiguity;
mod callbacks;
mod certainty;
mod consent;
mod database;
mod failover;
mod fence;
mod forged;
mod hostile;
mod judge;
mod kill;
mod media;
mod order;
mod outage;
mod paused;
mod points;
mod repeats;
mod restore;
mod stop;
mod webhooks;
