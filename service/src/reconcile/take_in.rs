//! Takes in refunds of more than was left of a payment. They are made at the gateway by hand, beside ours, and some gateways
//! let that happen.
//!
//! The money is gone, and our books must say so. Nobody here decided on these refunds, so a person must decide
//! to record them: the excess is then written down as paid by ourselves. No money moves.

use super::{Class, store::cases::Case};
use crate::{Ending, ServiceError, news, transaction};
use chrono::{DateTime, Utc};
use operator::{By, audit};
use orchestrator::SagaId;
use serde_json::json;
use sqlx::PgPool;
use steps::{
    PaymentId,
    gateway::{Gateway, GatewayError, IntentId},
    store::payments::{self, Applied, ChargeRecord},
};
use tokio_util::task::TaskTracker;

/// Why nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum TakeInError {
    /// Only refunds of more than was taken are recorded here.
    #[error("case {0} is of class `{1}`: only a `refund-too-much` is taken in here")]
    OtherClass(uuid::Uuid, String),
    /// The case names no payment of ours.
    #[error("case {0} names no payment of ours")]
    Nobody(uuid::Uuid),
    /// The case was resolved meanwhile.
    #[error("case {0} is no longer open")]
    Closed(uuid::Uuid),
    /// The gateway could not be asked.
    #[error("reading the refunds of `{0}` at the gateway")]
    Gateway(String, #[source] GatewayError),
    /// Without the amount that was captured nobody can say what is too much.
    #[error("the gateway doesn't say how much of `{0}` was captured")]
    NoAmount(String),
    /// Another amount was captured than was ordered, a refund is of another currency, or of a payment that has no money.
    #[error("a refund of `{0}` contradicts the payment in another way: compare both books")]
    Contradicts(String),
    /// Our books could not be read or written.
    #[error("writing the ledger")]
    Database(#[from] sqlx::Error),
    /// Our books could not be read or written.
    #[error("writing the ledger")]
    Service(#[from] ServiceError),
}

/// Writes down all refunds of a case's payment that the gateway lists, and who asked for it. Returns how many were new.
/// Doing it twice writes nothing the second time.
///
/// # Errors
/// [`TakeInError`].
pub async fn take_in(
    (pool, tasks): (&PgPool, &TaskTracker),
    gateway: &Gateway,
    case: &Case,
    by: By,
    now: DateTime<Utc>,
) -> Result<usize, TakeInError> {
    if case.class != Class::RefundTooMuch.as_str() {
        return Err(TakeInError::OtherClass(case.id, case.class.clone()));
    }
    if case.state != "OPEN" {
        return Err(TakeInError::Closed(case.id));
    }
    let payment = case.payment_id.map(PaymentId::from_uuid).ok_or(TakeInError::Nobody(case.id))?;
    let intent = IntentId::new(&*case.reference);
    let at_gateway = |error| TakeInError::Gateway(case.reference.clone(), error);
    let found = gateway.read(&intent).await.map_err(at_gateway)?;
    let no_amount = || TakeInError::NoAmount(case.reference.clone());
    let charge = ChargeRecord::of(&found).ok_or_else(no_amount)?;
    let refunds = gateway.refunds(&intent).await.map_err(at_gateway)?;
    let detail = json!({"case": case.id, "intent": intent, "payment": payment});
    transaction(pool, tasks, move |tx| {
        Box::pin(async move {
            let taken_in = payments::take_in_refunds(tx, payment, &charge, &refunds, now)
                .await
                .map_err(ServiceError::from)?;
            if taken_in.applied.iter().any(|applied| matches!(applied, Applied::Contradicts(_))) {
                return Err(TakeInError::Contradicts(intent.to_string()));
            }
            news::start_telling(tx, payment, &taken_in).await?;
            audit::note(tx, SagaId::from_uuid(payment.uuid()), by, "case_take_in", &detail, now).await?;
            let new = taken_in.applied.iter().filter(|applied| matches!(applied, Applied::Changed { .. }));
            Ok(Ending::Commit(new.count()))
        })
    })
    .await
}
