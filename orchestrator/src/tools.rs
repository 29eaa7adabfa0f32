//! Parts of the engine that only tools need: the operators' desk, `verify`, tests. No workflow and no node needs any of it.
//!
//! A tool owns its transactions. It reads the engine's tables by [`rows`], asks the [`Registry`] what this binary knows,
//! and changes a saga only through [`LockedSaga`].

pub use crate::{
    fault::point as fault_point,
    id::first_id_of,
    machine::{
        HeldBack,
        by_hand::{Aftermath, Instruction, LockedSaga, NotDone, read_journals, read_saga},
    },
    record::{Action, ActionKind, Attempt, JournalEntry, Link, Look, Trouble, digest},
    registry::{LabelsAndStakes, OwedCall, Registry},
};

use crate::{client::Client, database::Database, medium::Tx, settings::Settings};
use sqlx::{PgConnection, PgPool};
use std::sync::Arc;

/// Statements on the engine's tables, each on the connection that it is given. They read and
/// lock, and write nothing but rows of the audit.
pub mod rows {
    pub use crate::store::{
        attempts::read as attempts,
        audit::{Record as AuditRecord, add as add_to_audit},
        journal::read_rows as journal_entries,
        labels::find as find_by_label,
        mailbox::{Kind as LetterKind, Received, read as letters},
        sagas::{decode as decode_stuck, now, wait_for},
        status::{Columns as StatusColumns, decode_stakes, look as status, look_at as looks},
    };
}

/// A client with access to the engine's inside.
#[derive(Clone, Copy)]
pub struct Tools<'a>(&'a Client);

impl Client {
    /// What tools need from the client's node.
    pub fn tools(&self) -> Tools<'_> {
        Tools(self)
    }
}

impl<'a> Tools<'a> {
    /// What this binary can run.
    pub fn registry(self) -> &'a Registry {
        &self.0.parts.registry
    }

    /// The engine's bounds and times on this node.
    pub fn settings(self) -> &'a Settings {
        &self.0.parts.settings
    }

    /// The address of the database.
    pub fn database(self) -> &'a Database {
        &self.0.parts.database
    }

    /// A few connections for reads.
    pub fn pool(self) -> &'a PgPool {
        &self.0.pool
    }
}

/// The transaction of a tool, on a connection that has begun one.
pub fn tx_on(connection: PgConnection) -> Tx {
    Tx::on(connection, Arc::default())
}

/// The connection of a transaction that has ended.
pub fn connection_of(tx: Tx) -> PgConnection {
    tx.connection
}
