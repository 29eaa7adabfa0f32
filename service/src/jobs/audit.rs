//! Checks the invariants again and again: what `usher verify` shows, as a metric.
//!
//! A query gets little time and a run gets not much more; the next run goes on where this one ended. So a small database
//! is checked completely every few minutes. In a large one the queries that look at everything are cut off, so that they
//! are no burden; `usher verify` runs them to their end.

use crate::{
    Service, ServiceError,
    verify::{INVARIANTS, check},
};
use orchestrator::sqlstate;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// Violations of each invariant; not set for an invariant that could not be checked.
const VIOLATIONS: &str = "usher_invariant_violations";
/// Invariants whose query was cut off, by `invariant`.
const UNFINISHED: &str = "usher_invariants_unfinished_total";

/// How long one query may take.
const QUERY_MAX: &str = "set statement_timeout = '1s'";
/// How long one run may take: a fraction of the time between two runs.
const RUN_MAX: Duration = Duration::from_secs(15);
/// The SQLSTATE of a statement that `statement_timeout` cancelled.
const TIMED_OUT: &str = "57014";

/// The invariant with which the next run begins.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Checks invariants for [`RUN_MAX`], each at most once.
pub async fn check_some(service: Service) -> Result<(), ServiceError> {
    let began = Instant::now();
    let mut connection = service.connection().await?.detach();
    sqlx::query(QUERY_MAX).execute(&mut connection).await?;
    sqlx::query("set default_transaction_read_only = on").execute(&mut connection).await?;
    for _ in INVARIANTS {
        if began.elapsed() > RUN_MAX {
            break;
        }
        let invariant = &INVARIANTS[NEXT.fetch_add(1, Ordering::Relaxed) % INVARIANTS.len()];
        match check(&mut connection, invariant).await {
            Ok(found) => {
                metrics::gauge!(VIOLATIONS, "invariant" => invariant.name).set(found.violations as f64);
                if found.violations > 0 {
                    tracing::error!(
                        invariant = invariant.name,
                        violations = found.violations,
                        "an invariant is broken; `usher verify` shows where"
                    );
                }
            }
            Err(error) if sqlstate(&error).as_deref() == Some(TIMED_OUT) => {
                metrics::counter!(UNFINISHED, "invariant" => invariant.name).increment(1);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
