//! Switchboard: one server for every message a business or a person sends or receives.
//!
//! The modules, from the bottom up; arrows go down only, and a test holds them to it.

pub mod clock;
pub mod domain;
