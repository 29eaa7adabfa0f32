//! Every invariant as a query that returns its violations.
//!
//! It only reads, and takes no locks that would hold up anybody. Work in progress is not a violation: the queries look at
//! what is committed, so the invariants hold on a busy database too.

mod amounts;
mod gateway;
mod invariants;
mod locks;

pub use gateway::check_gateway;
pub use invariants::{INVARIANTS, Invariant};
pub use locks::{LocksError, check_locks};

use serde::Serialize;
use sqlx::{PgConnection, Row};

/// The most violations of one invariant that are listed; one is bad enough.
const LISTED_MAX: usize = 100;

/// The result of checking one invariant.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The invariant's name.
    pub invariant: &'static str,
    /// What must not be.
    pub about: &'static str,
    /// The number of violations.
    pub violations: usize,
    /// The first violations.
    pub listed: Vec<Violation>,
}

/// One violation of an invariant.
#[derive(Clone, Debug, Serialize)]
pub struct Violation {
    /// The seat, saga, payment and so on that violates it.
    pub subject: String,
    /// What is wrong with it.
    pub detail: String,
}

/// Checks one invariant.
///
/// # Errors
/// The database failed.
pub async fn check(connection: &mut PgConnection, invariant: &Invariant) -> Result<Finding, sqlx::Error> {
    let rows = sqlx::query(invariant.sql).fetch_all(connection).await?;
    let listed = rows
        .iter()
        .take(LISTED_MAX)
        .map(|row| {
            let detail = amounts::in_words(row.try_get("detail")?);
            Ok(Violation { subject: row.try_get("subject")?, detail })
        })
        .collect::<Result<_, sqlx::Error>>()?;
    Ok(Finding { invariant: invariant.name, about: invariant.about(), violations: rows.len(), listed })
}
