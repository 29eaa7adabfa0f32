//! Messages to the outside: real receivers on loopback, and what they were told.

mod disabled;
mod failures;
mod guarded;
mod nodes;
mod order;
mod post;
pub mod receiver;
