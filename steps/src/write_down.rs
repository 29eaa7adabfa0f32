//! Writing down what the gateway told a call, from its `record`: payments' rows, the ledger, and what the world is told.

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

/// Applies news, each with the saga that heard it. A `record` can't refuse: what contradicts a payment's row is written
/// nowhere, so it is said loudly instead.
pub(crate) async fn write_down(tx: &mut Tx, told: &[(SagaId, PaymentId, News)]) -> Result<(), DbError> {
    let news: Vec<_> = told.iter().map(|(_, payment, news)| (*payment, news.clone())).collect();
    let now = tx.now();
    let applied = payments::apply_all(tx, &news, now).await.map_err(statement_error)?;
    for ((saga, payment, news), applied) in told.iter().zip(applied) {
        match (applied, news) {
            (Applied::Changed { .. }, News::Refunded { refund, money, .. }) => {
                let message =
                    PaymentRefunded { payment_id: *payment, refund_id: refund.clone(), amount: *money };
                announce(tx, *saga, &message)?;
            }
            (Applied::Contradicts(contradiction), _) => {
                metrics::counter!(telemetry::MONEY_CONTRADICTIONS).increment(1);
                tracing::error!(%saga, %payment, ?news, ?contradiction, "news contradicts the payment; nothing was written");
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
