//! SQL of the booking's tables: one module for each table, one statement in a function, outcomes as types.
//!
//! Functions take a connection and never begin or commit; whoever owns the transaction does. They take time
//! as a parameter too, the transaction's own by the database's clock, so that all that one transaction writes
//! is of one moment. The forms named `…_all` do for a batch in a few statements what would otherwise be a few
//! statements each; they answer in the order they were asked.
//!
//! Isolation is READ COMMITTED. Each decision is made on rows that the same transaction has locked, or by the
//! `where` of the write itself, and the unique indexes are the last word.
//!
//! Rows are locked in one order: sagas, reservations, seats, payments, bookings; within a table by key. A step that meets
//! a reservation or a seat that somebody else has locked does not wait for it but is put off: whoever has a
//! batch of sagas must not wait for another batch.

pub mod bookings;
pub mod events;
pub mod gateway_references;
pub mod inbox;
pub mod ledger;
pub mod payments;
pub mod reservations;
pub mod seats;

use orchestrator::Bucket;
use std::time::Duration;
use uuid::Uuid;

/// When a step asks again for rows that another transaction has locked. Those of nodes are locked for one batch, which is
/// shorter; whoever holds them longer, a person or a migration, is met by one saga at a time and not by a loop.
pub(crate) const LOCKED_WAIT: Duration = Duration::from_millis(250);

/// Why a store function could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or can't be reached.
    #[error("asking the database")]
    Database(#[from] sqlx::Error),
    /// A row changed between the look at it and the write, against the locks: the transaction must go.
    #[error("writing {what}: {written} of {expected} rows took it; roll back and repeat")]
    Raced {
        /// What was written.
        what: &'static str,
        /// How many rows should have changed.
        expected: usize,
        /// How many did.
        written: usize,
    },
}

/// Ids as the two columns of every key, for `unnest`.
fn keys(ids: impl IntoIterator<Item = Uuid>) -> (Vec<Uuid>, Vec<i16>) {
    ids.into_iter().map(|id| (id, Bucket::of_id(id).number())).unzip()
}

fn expect_rows(what: &'static str, expected: usize, written: i64) -> Result<(), StoreError> {
    let written = usize::try_from(written).unwrap_or_default();
    if written == expected { Ok(()) } else { Err(StoreError::Raced { what, expected, written }) }
}

/// A store's refusal as a set-based step reports it: the set goes back to its savepoint and is run one by one.
pub(crate) fn statement_error(error: StoreError) -> sqlx::Error {
    match error {
        StoreError::Database(error) => error,
        raced @ StoreError::Raced { .. } => sqlx::Error::InvalidArgument(raced.to_string()),
    }
}
