//! Reconciliation as a job: everything is compared twice, soon after it happened and again a day later, when none
//! of it should be in flight any more.
//!
//! After every slice the database holds how far each look has come. So a run may end at any time, the next one may
//! continue on any node, and only one node works at a time.

use crate::{
    Service, ServiceError,
    clock::now,
    reconcile::{
        Class, Options, ReconcileError, Walk,
        store::{
            cases,
            progress::{self, Look},
        },
    },
};
use chrono::{DateTime, TimeDelta, Utc};

/// Differences that wait for a person, by `class`.
const CASES_OPEN: &str = "usher_cases_open";
/// Everything before this time was compared at least once; unix seconds, by `look`.
const RECONCILED_UNTIL: &str = "usher_reconciled_until_seconds";

/// A payment that changed within this span is in flight.
const SETTLED_AFTER: TimeDelta = TimeDelta::minutes(15);
/// How far back the first run begins.
const BEGIN: TimeDelta = TimeDelta::days(1);
/// How long a run has the work for itself: longer than it may take, so nobody else begins meanwhile.
const CLAIM: TimeDelta = TimeDelta::seconds(90);
/// The looks, each with its delay after the facts.
const LOOKS: [(Look, TimeDelta); 2] = [(Look::Soon, SETTLED_AFTER), (Look::DayAfter, TimeDelta::days(1))];

/// Compares what has not been compared yet, and counts the open cases.
pub async fn compare(service: Service) -> Result<(), ServiceError> {
    // A look that breaks off continues at the next tick. Meanwhile the other look has its turn, and cases are counted.
    let mut broken = Ok(());
    for (look, lag) in LOOKS {
        let went = go_on(&service, look, lag).await;
        broken = broken.and(went);
    }
    let open = cases::count_open(&mut *service.connection().await?).await?;
    for class in Class::ALL.into_iter().filter(|class| class.is_difference()) {
        let count = open.iter().find(|(word, _)| word == class.as_str()).map_or(0, |(_, count)| *count);
        metrics::gauge!(CASES_OPEN, "class" => class.as_str()).set(count as f64);
    }
    let all: i64 = open.iter().map(|(_, count)| count).sum();
    if all > 0 {
        tracing::error!(cases = all, "our books and the gateway's differ; `usher case list` shows where");
    }
    broken
}

async fn go_on(service: &Service, look: Look, lag: TimeDelta) -> Result<(), ServiceError> {
    let provider = service.gateway.provider();
    let mut connection = service.connection().await?;
    let now = now(&mut connection).await?;
    let until = now - lag;
    let claimed = progress::claim(&mut connection, provider, look, until - BEGIN, now, CLAIM).await?;
    drop(connection);
    let Some(since) = claimed else { return Ok(()) };
    let ended = walk(service, look, since, until).await;
    progress::release(&mut *service.connection().await?, provider, look).await?;
    // It is tried again at the next tick; the books don't run away.
    ended.map_err(ServiceError::internal)
}

async fn walk(
    service: &Service,
    look: Look,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<(), ReconcileError> {
    let options = Options { since, until, settled_after: SETTLED_AFTER, write_cases: true };
    let mut walk = Walk::begin(service.pool.clone(), service.gateway.clone(), options).await?;
    walk.prepare().await?;
    while walk.slice().await? {
        let reached = walk.report().reached;
        progress::advance(&mut *service.pool.acquire().await?, service.gateway.provider(), look, reached)
            .await?;
        metrics::gauge!(RECONCILED_UNTIL, "look" => look.as_str()).set(reached.timestamp() as f64);
    }
    walk.finish().await
}
