//! The engine alone, on real Postgres: no word of tickets.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod cancel;
mod database;
mod deadlines;
mod debts;
mod drain;
mod emitting;
mod explore;
mod frozen;
mod intake;
mod killed;
mod letters;
mod neighbours;
mod outside;
mod poison;
mod retention;
mod starts;
mod worker;

use orchestrator::Database;

/// The engine's view of a test's database.
fn at(database: &tests::support::Database) -> Database {
    Database::at(database.url()).expect("a test's URL can be read")
}
