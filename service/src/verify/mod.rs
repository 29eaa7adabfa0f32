//! Every invariant as a query that returns what breaks it.
//!
//! Reads only and takes no locks that anyone would feel. What is still in motion is no violation: the queries look
//! at what is committed, not at work under way, so they hold on a busy database too.

mod gateway;
mod invariants;
mod locks;

pub use gateway::check_gateway;
pub use invariants::{INVARIANTS, Invariant};
pub use locks::{LocksError, check_locks};

use serde::Serialize;
use sqlx::{PgConnection, Row};

/// Violations that are listed of one invariant; one is bad enough.
const LISTED_MAX: usize = 100;

/// What the check of one invariant found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The invariant's name.
    pub invariant: &'static str,
    /// What must not be.
    pub about: &'static str,
    /// How often it is.
    pub violations: usize,
    /// The first of them.
    pub listed: Vec<Violation>,
}

/// One thing that breaks an invariant.
#[derive(Clone, Debug, Serialize)]
pub struct Violation {
    /// Which seat, saga, payment, …
    pub subject: String,
    /// What is wrong with it.
    pub detail: String,
}

/// Checks one invariant.
///
/// # Errors
/// The database's.
pub async fn check(connection: &mut PgConnection, invariant: &Invariant) -> Result<Finding, sqlx::Error> {
    let rows = sqlx::query(invariant.sql).fetch_all(connection).await?;
    let listed = rows
        .iter()
        .take(LISTED_MAX)
        .map(|row| Ok(Violation { subject: row.try_get("subject")?, detail: row.try_get("detail")? }))
        .collect::<Result<_, sqlx::Error>>()?;
    Ok(Finding { invariant: invariant.name, about: invariant.about(), violations: rows.len(), listed })
}
