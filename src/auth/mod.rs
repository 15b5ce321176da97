//! Who is calling: API keys, sessions, passwords and one-time codes.

mod keys;
mod sessions;
mod token;

pub use keys::{KEY_PREFIX, KeyHolder, Scope, authenticate_key, create_key, list_keys, revoke_key};
pub use sessions::{SESSION_PREFIX, Session, authenticate_session, begin_session};
