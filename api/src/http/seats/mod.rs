//! What this node remembers about seats, so that a crowd doesn't ask the database for it again and again.

mod directory;
mod statuses;

pub use directory::SeatDirectory;
pub use statuses::StatusCache;
