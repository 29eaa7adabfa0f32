//! The numbers that operators look at first: four that must be zero, and the health of the nodes.
//!
//! The four are read from the database whenever they are shown, through small partial indexes and to a bound, so that a page
//! never counts a table. Health comes from samples: every ten seconds each node with lanes records what it has counted since
//! the last one, and the state of the database. So plots survive restarts, cover all nodes, and need no other system.
//! Prometheus gets the same at `/metrics`.

mod quantile;
mod sample;
mod store;

pub use quantile::StepTime;
pub use sample::take_sample;
pub(crate) use store::held_past_time;
pub use store::{DatabaseHealth, LongReader, SAMPLES_KEPT};

use crate::Service;
use chrono::{DateTime, TimeDelta, Utc};
use operator::numbers::{self as desk, InDoubt};
use serde::Serialize;

/// Counts stop here and are shown with a `+`: a larger number would not tell more.
pub const COUNTED_TO: i64 = 10_000;

/// The word that finds the sagas which hold seats past their time.
pub const HELD_PAST_TIME: &str = "seats:overdue";

/// The time that the present values cover.
const LATELY: TimeDelta = TimeDelta::minutes(5);

/// Everything of the first page.
#[derive(Clone, Debug, Serialize)]
pub struct Numbers {
    /// The time, by the database's clock.
    pub at: DateTime<Utc>,
    /// The four numbers.
    pub zero: MustBeZero,
    /// Sagas that ended per second lately, on all nodes. `None` before the first sample.
    pub ended_per_s: Option<f64>,
    /// How long steps took lately, the slowest first.
    pub steps: Vec<StepTime>,
    /// Seconds for which the oldest due saga has waited for a lane.
    pub oldest_due_s: f64,
    /// Sagas that were taken over from a node that went silent, in the last hour.
    pub takeovers: i64,
    /// Degraded modes that any node had lately.
    pub degraded: Vec<String>,
    /// Nodes that have reported lately.
    pub nodes: Vec<String>,
    /// The state of the database.
    pub database: DatabaseHealth,
}

/// The numbers that must be zero, counted to [`COUNTED_TO`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MustBeZero {
    /// Sagas that can't progress: stuck, or overdue. None is both.
    pub stuck: i64,
    /// Those of them that are overdue: due for more than a minute, not paused, and taken by no lane.
    pub overdue: i64,
    /// Sagas with a call whose outcome is unknown.
    pub in_doubt: InDoubt,
    /// Seats that are held past their time.
    pub seats_overdue: i64,
    /// Sagas that owe a compensation which has failed.
    pub owed: i64,
}

/// One minute of the last hours, over all nodes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Minute {
    /// The beginning of the minute.
    pub at: DateTime<Utc>,
    /// Sagas that ended per second.
    pub ended_per_s: f64,
    /// Sagas taken over from silent nodes.
    pub takeovers: i64,
    /// The most sagas that were stuck.
    pub stuck: i64,
    /// The most sagas that were in doubt.
    pub in_doubt: i64,
    /// The most seats that were held past their time.
    pub seats_overdue: i64,
    /// The most compensations that were owed.
    pub owed: i64,
    /// The longest time that a due saga had waited.
    pub oldest_due_s: f64,
    /// The slowest answer of the database.
    pub database_ms: f64,
}

/// The numbers as they are.
///
/// # Errors
/// The database failed.
pub async fn now(service: &Service) -> Result<Numbers, sqlx::Error> {
    let mut connection = service.pool.acquire().await?;
    let database = store::health(&mut connection).await?;
    let at = store::now(&mut connection).await?;
    let zero = store::must_be_zero(&mut connection).await?;
    let oldest_due_s = desk::oldest_due_s(&mut connection).await?;
    let lately = store::read_counts(&mut connection, at - LATELY).await?;
    Ok(Numbers {
        at,
        zero,
        ended_per_s: lately.ended_per_s,
        steps: quantile::slowest_first(lately.steps),
        oldest_due_s,
        takeovers: store::takeovers(&mut connection, at - TimeDelta::hours(1)).await?,
        degraded: lately.degraded,
        nodes: lately.nodes,
        database,
    })
}

/// The last hours by the minute, oldest first.
///
/// # Errors
/// The database failed.
pub async fn history(service: &Service, hours: i64) -> Result<Vec<Minute>, sqlx::Error> {
    let mut connection = service.pool.acquire().await?;
    let since = store::now(&mut connection).await? - TimeDelta::hours(hours);
    store::minutes(&mut connection, since).await
}
