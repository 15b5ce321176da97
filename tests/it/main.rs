//! The integration tests: one binary, run once on SQLite and once on PostgreSQL.
//!
//! `SWITCHBOARD_TEST_DATABASE` is `sqlite` (the default) or the URL of a superuser's database on a PostgreSQL server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a test that fails shows its seed and its figures")]

mod accounts;
mod adapters;
mod answer;
mod architecture;
mod attachments;
mod audit;
mod bulk;
mod callbacks;
mod canary;
mod carrying;
mod chats;
mod codes;
mod consent;
mod contacts;
mod conversations;
mod database;
mod dev;
mod doubt;
mod egress;
mod endpoint;
mod faults;
mod figures;
mod friends;
mod gone;
mod groups;
mod guards;
mod harness;
mod hooks;
mod house;
mod idempotency;
mod invitations;
mod joining;
mod joining_model;
mod json_schema;
mod keeping;
mod log;
mod logs;
mod mails;
mod notes;
mod older_contracts;
mod openapi;
mod outage;
mod paging;
mod people;
mod plans;
mod process;
mod provider;
mod receipts;
mod receiving;
mod recovery;
mod rerouting;
mod restoring;
mod rights;
mod rights_matrix;
mod routing;
mod scheduling;
mod schema;
mod sealing;
mod senders;
mod sending;
mod sessions;
mod signed;
mod statistics;
mod team;
mod traffic;
mod uploads;
mod visitor;
mod web;
mod webhook_endpoints;
mod webhook_telling;
mod workspaces;
