//! How a team answers: notes and acts, labels, saved replies.

pub mod labels;
pub mod notes;
pub mod saved_replies;
