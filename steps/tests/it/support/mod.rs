//! What the tests stand on: servers that die with the test process, a database a test, a small sale.

mod sale;
mod server;

pub use sale::{Sale, add_event, add_seats, lost, moment, price_of, taken};
pub use server::{Database, database, empty_database};
