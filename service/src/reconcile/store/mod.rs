//! What reconciliation reads of our books, and how far it has come.

pub mod ours;
pub mod progress;
mod work;

pub use crate::cases;
