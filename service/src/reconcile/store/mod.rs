//! What reconciliation reads of our books, and its own two tables.

pub mod cases;
pub mod ours;
pub mod progress;
mod work;
