//! The integration tests: one binary, run once on SQLite and once on PostgreSQL.
//!
//! `SWITCHBOARD_TEST_DATABASE` is `sqlite` (the default) or the URL of a superuser's database on a PostgreSQL server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a test that fails shows its seed and its figures")]

mod architecture;
mod bulk;
mod callbacks;
mod canary;
mod carrying;
mod chats;
mod conversations;
mod database;
mod doubt;
mod faults;
mod figures;
mod friends;
mod groups;
mod harness;
mod house;
mod idempotency;
mod json_schema;
mod log;
mod logs;
mod older_contracts;
mod openapi;
mod outage;
mod people;
mod plans;
mod process;
mod provider;
mod receipts;
mod receiving;
mod restoring;
mod rights;
mod scheduling;
mod schema;
mod sealing;
mod sending;
mod traffic;
