//! The endpoints, one folder or file for each resource.

pub mod bookings;
pub mod events;
pub mod health;
pub mod operator;
pub mod payments;
pub mod reservations;
pub mod seats;
pub mod webhooks;
