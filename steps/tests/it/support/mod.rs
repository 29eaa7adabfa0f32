//! What the tests share: servers that end with the test process, a database for each test, and a small sale.

mod redis;
mod sale;
mod server;

pub use redis::Redis;
pub use sale::{PRICE, Sale, lost_seats, moment, price_of, taken};
pub use server::{Database, database, empty_database};
