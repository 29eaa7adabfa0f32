//! Gives back money that our books have lost: an intent that carries our ids, of a payment that we don't have.
//!
//! This happens if a failover loses commits. Then no saga knows of the money, so no workflow can give it back, and a person
//! must. Money that is only held is cancelled; captured money is refunded, except for what has already gone back. The case
//! and the audit's chain record who asked before the request leaves. The keys are made from the case, and each try first
//! reads what the gateway has, so trying twice gives back once.

use super::{
    Class,
    store::{
        cases::{self, Case},
        ours,
    },
};
use crate::{Ending, transaction};
use chrono::{DateTime, Utc};
use operator::{By, Limits, audit};
use orchestrator::{SagaId, Stake};
use serde::Serialize;
use serde_json::json;
use sqlx::PgPool;
use std::fmt;
use steps::{
    PaymentId,
    gateway::{
        CancelReason, Currency, Gateway, GatewayError, Intent, IntentId, IntentStatus, Money, RefundId,
        RefundOrder,
    },
};
use tokio_util::task::TaskTracker;

/// What the gateway did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenBack {
    /// The money was held, and was released.
    Cancelled,
    /// The money goes back.
    Refunded {
        /// The gateway's id of the refund.
        refund: RefundId,
        /// The amount, in minor units of the case's currency.
        minor: i64,
        /// The case's currency.
        currency: Currency,
    },
    /// Nothing was left to give back.
    Nothing,
}

impl fmt::Display for GivenBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::Refunded { refund, minor, currency } => {
                write!(f, "refund {refund} of {}", Money::new(*minor, *currency))
            }
            Self::Nothing => f.write_str("nothing was left to give back"),
        }
    }
}

/// Why nothing was given back, or why nobody knows whether it was. Trying again is safe.
#[derive(Debug, thiserror::Error)]
pub enum GiveBackError {
    /// Only money that our books don't know is given back here.
    #[error(
        "case {0} is of class `{1}`: only an `unknown-payment` that names a payment of ours is given back here"
    )]
    OtherClass(uuid::Uuid, String),
    /// Somebody else may have charged it.
    #[error("`{0}` does not carry our ids: find out who charged it, or refund it in the gateway's dashboard")]
    NotOurs(String),
    /// A saga may be giving it back.
    #[error(
        "our books have payment {0} again; compare again with `usher reconcile`, then use `usher case tell`"
    )]
    Known(PaymentId),
    /// One person may not move this much money.
    #[error(
        "{0} is more than one person may move alone: refund it in the gateway's dashboard, where a second person sees it"
    )]
    TooMuch(Money),
    /// The case was resolved meanwhile.
    #[error("case {0} is no longer open")]
    Closed(uuid::Uuid),
    /// The gateway still works on the payment.
    #[error("`{0}` is {1:?}: the gateway is still working on it; try again in a moment")]
    InMotion(String, IntentStatus),
    /// The gateway doesn't say how much it has.
    #[error(
        "the gateway doesn't say how much of `{0}` it has taken: look into its dashboard, and refund it there"
    )]
    AmountUnknown(String),
    /// The gateway could not be asked, or refused.
    #[error("giving `{0}` back at the gateway")]
    Gateway(String, #[source] GatewayError),
    /// Our books could not be read or written.
    #[error("writing the case")]
    Database(#[from] sqlx::Error),
}

/// Gives back the money of a case, and records who asked and what the gateway did. Doing it twice gives back once.
///
/// # Errors
/// [`GiveBackError`].
pub async fn give_back(
    (pool, tasks): (&PgPool, &TaskTracker),
    gateway: &Gateway,
    case: &Case,
    by: By,
    limits: Limits,
    now: DateTime<Utc>,
) -> Result<GivenBack, GiveBackError> {
    if case.class != Class::UnknownPayment.as_str() {
        return Err(GiveBackError::OtherClass(case.id, case.class.clone()));
    }
    let at_gateway = |error| GiveBackError::Gateway(case.reference.clone(), error);
    let intent = gateway.read(&IntentId::new(&*case.reference)).await.map_err(at_gateway)?;
    let payment = intent.trace.payment_id.map(PaymentId::from_uuid);
    let payment = payment.ok_or_else(|| GiveBackError::NotOurs(case.reference.clone()))?;
    if ours::load(&mut *pool.acquire().await?, &[payment]).await?.contains_key(&payment) {
        return Err(GiveBackError::Known(payment));
    }
    let stake = Stake::Money { minor: intent.money.amount, currency: intent.money.currency.to_string() };
    if limits.exceeded_by(&[stake]) {
        return Err(GiveBackError::TooMuch(intent.money));
    }
    ask((pool, tasks), case, (&intent, payment), by, now).await?;
    let given = send(gateway, case, &intent).await?;
    cases::note_given_back(&mut *pool.acquire().await?, case.id, &given.to_string()).await?;
    Ok(given)
}

/// Records who asks, before any request leaves. In the audit it belongs to the saga that the gateway's record names.
async fn ask(
    (pool, tasks): (&PgPool, &TaskTracker),
    case: &Case,
    (intent, payment): (&Intent, PaymentId),
    by: By,
    now: DateTime<Utc>,
) -> Result<(), GiveBackError> {
    let saga = SagaId::from_uuid(intent.trace.saga_id.unwrap_or(payment.uuid()));
    let detail = json!({"case": case.id, "intent": intent.id, "payment": payment});
    let case = case.id;
    transaction(pool, tasks, move |tx| {
        Box::pin(async move {
            if !cases::ask_to_give_back(tx, case, &by, now).await? {
                return Err(GiveBackError::Closed(case));
            }
            audit::note(tx, saga, by, "case_give_back", &detail, now).await?;
            Ok(Ending::Commit(()))
        })
    })
    .await
}

/// Cancels held money, or refunds captured money.
async fn send(gateway: &Gateway, case: &Case, intent: &Intent) -> Result<GivenBack, GiveBackError> {
    let at_gateway = |error| GiveBackError::Gateway(case.reference.clone(), error);
    match intent.status {
        IntentStatus::Canceled => Ok(GivenBack::Nothing),
        IntentStatus::Succeeded => refund(gateway, case, intent).await,
        IntentStatus::RequiresPaymentMethod
        | IntentStatus::RequiresConfirmation
        | IntentStatus::RequiresAction
        | IntentStatus::Processing
        | IntentStatus::RequiresCapture => {
            let key = format!("case:{}:cancel", case.id);
            match gateway.cancel(&intent.id, CancelReason::Abandoned, &key).await {
                Ok(intent) if intent.status == IntentStatus::Canceled => Ok(GivenBack::Cancelled),
                Ok(intent) => Err(GiveBackError::InMotion(case.reference.clone(), intent.status)),
                // The money was captured meanwhile: the next try finds it so.
                Err(
                    GatewayError::WrongState { intent: Some(intent), .. }
                    | GatewayError::Invalid { intent: Some(intent), .. },
                ) => Err(GiveBackError::InMotion(case.reference.clone(), intent.status)),
                Err(error) => Err(at_gateway(error)),
            }
        }
    }
}

/// The amount that was received and has not gone back. A failed refund has used its key, so the key contains their number.
async fn refund(gateway: &Gateway, case: &Case, intent: &Intent) -> Result<GivenBack, GiveBackError> {
    let at_gateway = |error| GiveBackError::Gateway(case.reference.clone(), error);
    let refunds = gateway.refunds(&intent.id).await.map_err(at_gateway)?;
    let failed = refunds.iter().filter(|refund| refund.status.is_owed_again()).count();
    let gone: i64 = refunds
        .iter()
        .filter(|refund| !refund.status.is_owed_again())
        .map(|refund| refund.money.amount)
        .sum();
    let received = intent.amount_received;
    let minor = received.ok_or_else(|| GiveBackError::AmountUnknown(case.reference.clone()))? - gone;
    if minor <= 0 {
        return Ok(GivenBack::Nothing);
    }
    let money = Money { amount: minor, ..intent.money };
    let order = RefundOrder { intent: intent.id.clone(), money, trace: intent.trace };
    let key = format!("case:{}:refund-{failed}", case.id);
    let made = gateway.refund(&order, &key).await.map_err(at_gateway)?;
    Ok(GivenBack::Refunded { refund: made.id, minor, currency: money.currency })
}
