//! Finds the sagas that work on a payment's money, by the payment's rows. A saga that decided on a refund has its id in the
//! ledger. The saga of money that came in late, or of a refund that failed, is known by its start key.

use orchestrator::{
    Bucket, SagaId, State, Workflow,
    lookup::{self, StartKey},
};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;
use workflows::{FailedRefund, LateMoney, LatePayment, Repayment};

/// The start key of the saga that takes in late money. All buckets are searched if none is named.
pub(crate) fn late_payment(gateway: &str, intent: &str, bucket: Option<Bucket>) -> StartKey {
    StartKey { workflow: LatePayment::NAME, key: LateMoney::start_key_of(gateway, intent), bucket }
}

/// The start key of the saga that sends a refund again. All buckets are searched if none is named.
pub(crate) fn repayment(refund: &str, bucket: Option<Bucket>) -> StartKey {
    StartKey { workflow: Repayment::NAME, key: FailedRefund::start_key_of(refund), bucket }
}

/// The sagas and start keys that rows of money name, each with its payment.
#[derive(Default)]
pub(crate) struct Named<T> {
    sagas: Vec<(T, SagaId)>,
    keys: Vec<(T, StartKey)>,
}

impl<T: Copy> Named<T> {
    pub fn saga(&mut self, of: T, saga: SagaId) {
        self.sagas.push((of, saga));
    }

    /// What a `refund_owed` of the ledger refers to: a saga in its bucket, or a refund made in a gateway's dashboard.
    pub fn decided_by(&mut self, of: T, reference: &str, bucket: Bucket) {
        let saga = reference.parse::<Uuid>().ok().map(SagaId::from_uuid);
        self.sagas.extend(saga.filter(|saga| saga.bucket() == bucket).map(|saga| (of, saga)));
    }

    pub fn started_under(&mut self, of: T, key: StartKey) {
        self.keys.push((of, key));
    }

    /// The sagas among them that exist, each with its state, in any order.
    pub async fn find(self, connection: &mut PgConnection) -> Result<Vec<(T, SagaId, State)>, sqlx::Error> {
        let ids: Vec<SagaId> = self.sagas.iter().map(|(_, saga)| *saga).collect();
        let (of, keys): (Vec<T>, Vec<StartKey>) = self.keys.into_iter().unzip();
        let states: BTreeMap<_, _> = match ids.is_empty() {
            true => BTreeMap::new(),
            false => lookup::states(connection, &ids).await?.into_iter().collect(),
        };
        let known = self.sagas.into_iter().filter_map(|(of, saga)| Some((of, saga, *states.get(&saga)?)));
        let mut found: Vec<_> = known.collect();
        if !keys.is_empty() {
            // Each key names its bucket, so it finds one saga at most.
            let started = lookup::started_under(connection, &keys, keys.len() as i64).await?;
            found.extend(started.into_iter().map(|started| (of[started.of], started.saga, started.state)));
        }
        Ok(found)
    }
}
