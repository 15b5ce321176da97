//! What is measured: one function for each, on one database.

mod accept;
mod carry;
mod live;
mod memory;
mod peers;
mod reads;
mod slow_disk;
mod soak;

pub use accept::{accept, own_cost, sends};
pub use carry::carry;
pub use live::live;
pub use memory::memory;
pub use peers::peers;
pub use reads::reads;
pub use slow_disk::slow_disk;
pub use soak::soak;
