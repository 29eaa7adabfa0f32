//! The sagas that work on a payment: the one that ordered it, the one that took it in late, and those that decided to give
//! it back or to try again.

use crate::sagas_of_money::{self, Named};
use orchestrator::{SagaId, State};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// The state of a payment's sagas.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Work {
    /// Whether one of them is under way.
    pub in_motion: bool,
    /// Whether one of them is stuck.
    pub stuck: bool,
}

/// The state of these payments' sagas. A payment without a saga has no entry.
pub(super) async fn load(
    connection: &mut PgConnection,
    ids: &[Uuid],
    buckets: &[i16],
) -> Result<HashMap<Uuid, Work>, sqlx::Error> {
    let rows = sqlx::query_file!("src/reconcile/store/load_links.sql", ids, buckets)
        .fetch_all(&mut *connection)
        .await?;
    let mut named = Named::default();
    for row in rows {
        let bucket = orchestrator::Bucket::of_id(row.id);
        if let Some(saga) = row.saga_id {
            named.saga(row.id, SagaId::from_uuid(saga));
        }
        if let Some(reference) = row.gateway_reference {
            let key = sagas_of_money::late_payment(&row.gateway, &reference, Some(bucket));
            named.started_under(row.id, key);
        }
        for reference in row.decided_by.unwrap_or_default() {
            named.decided_by(row.id, &reference, bucket);
        }
        for refund in row.failed_refunds.unwrap_or_default() {
            named.started_under(row.id, sagas_of_money::repayment(&refund, Some(bucket)));
        }
    }
    let mut works: HashMap<Uuid, Work> = HashMap::new();
    for (payment, _, state) in named.find(connection).await? {
        let work = works.entry(payment).or_default();
        match state {
            State::Running | State::Waiting | State::Unwinding => work.in_motion = true,
            State::Stuck => work.stuck = true,
            State::Completed | State::Unwound => {}
        }
    }
    Ok(works)
}
