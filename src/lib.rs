//! Switchboard: one server for every message a business or a person sends or receives.
//!
//! The modules, from the bottom up; arrows go down only, and a test holds them to it.

pub mod app;
pub mod arguments;
pub mod auth;
pub mod blob;
pub mod carrier;
pub mod clock;
pub mod config;
pub mod domain;
pub mod egress;
pub mod fault;
pub mod http;
pub mod live;
pub mod messaging;
pub mod mime;
pub mod outbox;
pub mod provider;
pub mod signature;
pub mod store;
pub mod webhook;
