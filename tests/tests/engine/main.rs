//! The engine alone, on real Postgres: no word of tickets.

mod explore;

use orchestrator::Database;

/// The engine's view of a test's database.
fn at(database: &tests::support::Database) -> Database {
    Database::at(database.url()).expect("a test's URL can be read")
}
