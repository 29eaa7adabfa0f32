//! The endpoints, one file a thing.

pub mod events;
pub mod health;
pub mod seats;
