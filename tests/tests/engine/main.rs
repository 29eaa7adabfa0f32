//! The engine alone, on real Postgres: no word of tickets.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod cancel;
mod database;
mod deadlines;
mod debts;
mod drain;
mod emitting;
mod emitting_to_a_handler;
mod explore;
mod fairness;
mod frozen;
#[allow(dead_code, reason = "the guide shows more than its tests run")]
mod guide;
mod held_rows;
mod intake;
mod killed;
mod letters;
mod long;
mod losses;
mod neighbours;
mod outside;
mod places;
mod poison;
mod repeats;
mod replay;
mod retention;
mod rolling;
mod silent;
mod starts;
mod sweep;
mod unwritable;
mod worker;

use orchestrator::Database;

/// The engine's view of a test's database.
fn at(database: &tests::support::Database) -> Database {
    Database::at(database.url()).expect("a test's URL can be read")
}
