//! Telling customers what happens: where, of what, signed how, and in which words.
//!
//! An endpoint follows the log of events from a place of its own. What it reads there becomes deliveries in the commit
//! that moves it on, so that none is lost and none is made twice; the outbox carries them.

mod derive;
mod endpoints;
mod notices;
mod payload;
mod sender;

pub use derive::derive_step;
pub use endpoints::{
    Delivery, EndpointError, EndpointWish, change_endpoint, create_endpoint, delete_endpoint, find_endpoint,
    list_deliveries, list_endpoints, ping, replay, replay_span, rotate_secret,
};
pub use notices::tell_admins;
pub use payload::load_payloads;
pub use sender::{Answer, Sender};
