//! The statements of delivery: one module for a table, one statement in a function. Nothing here begins or commits.
//!
//! A statement that locks or writes finds its rows by their keys. With `lanes.batch_scope = bucket` callers pass keys of one
//! bucket only. Statements that search for keys read across buckets without a lock.

pub mod deliveries;
pub mod subscriptions;
pub mod undelivered;
pub mod upkeep;

use orchestrator::{SagaId, outbox::MessageKey};
use uuid::Uuid;

fn key(saga: Uuid, position: i32, ordinal: i32) -> MessageKey {
    MessageKey { saga: SagaId::from_uuid(saga), position, ordinal }
}

/// Keys as columns for `unnest`.
#[derive(Default)]
struct Columns {
    sagas: Vec<Uuid>,
    buckets: Vec<i16>,
    positions: Vec<i32>,
    ordinals: Vec<i32>,
}

impl<'a> FromIterator<&'a MessageKey> for Columns {
    fn from_iter<T: IntoIterator<Item = &'a MessageKey>>(keys: T) -> Self {
        let mut columns = Self::default();
        for key in keys {
            columns.sagas.push(key.saga.uuid());
            columns.buckets.push(key.bucket().number());
            columns.positions.push(key.position);
            columns.ordinals.push(key.ordinal);
        }
        columns
    }
}
