//! The engine's SQL: one module for each table. Functions are named by a verb and a noun, and each is one statement on the
//! connection that it gets. Nothing here begins or commits.

pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod due;
pub(crate) mod journal;
pub(crate) mod labels;
pub(crate) mod leases;
pub mod lookup;
pub(crate) mod mailbox;
pub(crate) mod nodes;
pub mod outbox;
pub mod outbox_log;
pub(crate) mod sagas;
pub(crate) mod status;
pub(crate) mod troubles;

use crate::id::SagaId;
use uuid::Uuid;

/// Ids as two columns for `unnest`.
pub(crate) fn columns(ids: impl Iterator<Item = SagaId>) -> (Vec<Uuid>, Vec<i16>) {
    ids.map(|id| (id.uuid(), id.bucket().number())).unzip()
}
