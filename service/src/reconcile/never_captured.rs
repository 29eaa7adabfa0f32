//! Records, on a person's word, that a booking's money was never captured: the gateway doesn't know the payment, or has
//! let its money go, and no saga works on it any more.
//!
//! Nothing changes at the gateway. Our books no longer count on the money, so that the booking can be cancelled. The
//! gateway's record wins over the person's word: money that it has must be captured or cancelled there first.

use super::{
    Class,
    store::{cases::Case, ours},
};
use crate::{Ending, transaction};
use chrono::{DateTime, Utc};
use operator::{By, audit};
use orchestrator::SagaId;
use serde_json::json;
use sqlx::PgPool;
use steps::{
    PaymentId,
    gateway::{CaptureOutcome, Gateway, GatewayError, IntentId, Money},
    status::MoneyState,
    store::{
        StoreError,
        payments::{self, Applied, News, PaymentRow},
        reservations,
    },
};
use tokio_util::task::TaskTracker;

/// The reason of a payment that ended by a person's word.
const REASON: &str = "never-captured";

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum NeverCapturedError {
    /// Only a booking without money can have money that was never captured.
    #[error("case {0} is of class `{1}`: only the money of a `booking-without-money` can be given up here")]
    OtherClass(uuid::Uuid, String),
    /// The case names no payment of ours.
    #[error("no payment of ours has the name `{0}`")]
    Unknown(String),
    /// Our books don't wait for a capture.
    #[error("payment {0} is {1} in our books, which wait for no capture of it")]
    NotOwed(PaymentId, MoneyState),
    /// A saga may capture it yet.
    #[error(
        "a saga works on payment {0}: wait for it, or complete it first (`usher saga act … mark-resolved`)"
    )]
    AtWork(PaymentId),
    /// The gateway has the money.
    #[error(
        "the gateway has `{0}` as {1}: capture it or cancel it there first, and then use `usher case tell`"
    )]
    StillThere(String, String),
    /// The gateway could not be asked.
    #[error("reading `{0}` at the gateway")]
    Gateway(String, #[source] GatewayError),
    /// Something else was written meanwhile.
    #[error("payment {0} has changed meanwhile; look at it again")]
    Changed(PaymentId),
    /// Our books could not be read or written.
    #[error("writing the payment")]
    Store(#[from] StoreError),
    /// Our books could not be read or written.
    #[error("writing the payment")]
    Database(#[from] sqlx::Error),
}

/// Records that the money of a case's payment was never captured, and in the audit who says so and why. Returns the money
/// that our books no longer count on.
///
/// # Errors
/// [`NeverCapturedError`].
pub async fn record_never_captured(
    (pool, tasks): (&PgPool, &TaskTracker),
    gateway: &Gateway,
    case: &Case,
    by: By,
    now: DateTime<Utc>,
) -> Result<Money, NeverCapturedError> {
    if case.class != Class::BookingWithoutMoney.as_str() {
        return Err(NeverCapturedError::OtherClass(case.id, case.class.clone()));
    }
    let row = owed_payment(pool, case).await?;
    let id = IntentId::new(&*case.reference);
    let at_gateway = |error| NeverCapturedError::Gateway(case.reference.clone(), error);
    match gateway.read(&id).await {
        Err(GatewayError::NotFound) => {}
        Err(error) => return Err(at_gateway(error)),
        Ok(intent) => {
            let refunds = gateway.refunds(&id).await.map_err(at_gateway)?;
            if !matches!(CaptureOutcome::of(&intent, row.amount, &refunds), CaptureOutcome::Never(_)) {
                let status = format!("{:?}", intent.status);
                return Err(NeverCapturedError::StillThere(case.reference.clone(), status));
            }
        }
    }
    write((pool, tasks), case, &row, by, now).await?;
    Ok(row.amount)
}

/// The case's payment, if its capture is owed and no saga works on it.
async fn owed_payment(pool: &PgPool, case: &Case) -> Result<PaymentRow, NeverCapturedError> {
    let unknown = || NeverCapturedError::Unknown(case.reference.clone());
    let payment = case.payment_id.map(PaymentId::from_uuid).ok_or_else(unknown)?;
    let mut connection = pool.acquire().await?;
    let books = ours::load(&mut connection, &[payment]).await?;
    let work = books.get(&payment).ok_or_else(unknown)?;
    if work.in_motion || work.stuck {
        return Err(NeverCapturedError::AtWork(payment));
    }
    let row = payments::find(&mut connection, payment).await?.ok_or_else(unknown)?;
    if row.money != MoneyState::Owed {
        return Err(NeverCapturedError::NotOwed(payment, row.money));
    }
    Ok(row)
}

/// Writes payment, ledger and audit in one transaction.
async fn write(
    (pool, tasks): (&PgPool, &TaskTracker),
    case: &Case,
    row: &PaymentRow,
    by: By,
    now: DateTime<Utc>,
) -> Result<(), NeverCapturedError> {
    let (payment, reservation) = (row.payment, row.reservation);
    let detail = json!({"case": case.id, "intent": case.reference, "payment": payment});
    transaction(pool, tasks, move |tx| {
        Box::pin(async move {
            let never = News::NeverCaptured { reason: REASON.to_owned() };
            let applied = payments::apply_all(tx, &[(payment, never)], now).await?.pop();
            if !matches!(applied, Some(Applied::Changed { .. })) {
                return Err(NeverCapturedError::Changed(payment));
            }
            let saga = reservations::find(tx, reservation).await?.map(|found| found.saga);
            let saga = saga.unwrap_or_else(|| SagaId::from_uuid(payment.uuid()));
            audit::note(tx, saga, by, "case_never_captured", &detail, now).await?;
            Ok(Ending::Commit(()))
        })
    })
    .await
}
