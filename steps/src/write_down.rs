//! Records what the gateway told a call, from the step's `record`: payments' rows, the ledger, and messages to the outside.

use crate::{
    PaymentId,
    announce::{PaymentRefunded, announce},
    store::{
        payments::{self, Applied, News},
        statement_error,
    },
    telemetry,
};
use orchestrator::{DbError, SagaId, Tx};

/// News of a payment, and the saga that got it.
pub(crate) struct PaymentUpdate {
    pub saga: SagaId,
    pub payment: PaymentId,
    pub news: News,
    /// A refund that this saga asked for. It is announced even if a webhook was faster and has recorded it.
    pub ours: bool,
}

impl PaymentUpdate {
    pub fn new(saga: SagaId, payment: PaymentId, news: News) -> Self {
        Self { saga, payment, news, ours: false }
    }
}

/// Applies news. A `record` can't refuse, so news that contradicts a payment's row is not written; it is logged and counted
/// instead.
pub(crate) async fn write_down(tx: &mut Tx, updates: &[PaymentUpdate]) -> Result<(), DbError> {
    let news: Vec<_> = updates.iter().map(|update| (update.payment, update.news.clone())).collect();
    let now = tx.now();
    let applied = payments::apply_all(tx, &news, now).await.map_err(statement_error)?;
    for (PaymentUpdate { saga, payment, news, ours }, applied) in updates.iter().zip(applied) {
        let is_new = matches!(applied, Applied::Changed { .. });
        match (applied, news) {
            (Applied::Changed { .. } | Applied::Nothing { .. }, News::Refunded { refund, money, .. })
                if is_new || *ours =>
            {
                let message =
                    PaymentRefunded { payment_id: *payment, refund_id: refund.clone(), amount: *money };
                announce(tx, *saga, &message)?;
            }
            (Applied::Contradicts(contradiction), _) => {
                metrics::counter!(telemetry::MONEY_CONTRADICTIONS).increment(1);
                tracing::error!(%saga, %payment, ?news, %contradiction, "news contradicts the payment; nothing was written");
            }
            (Applied::Unknown, _) => {
                metrics::counter!(telemetry::MONEY_CONTRADICTIONS).increment(1);
                tracing::error!(%saga, %payment, ?news, "news of a payment that has no row; nothing was written");
            }
            (Applied::Changed { .. } | Applied::Nothing { .. }, _) => {}
        }
    }
    Ok(())
}
