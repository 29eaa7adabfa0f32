//! Giving back money that our books have lost: an intent that carries our ids, of a payment that is nowhere here.
//!
//! It happens when a failover loses commits. No saga knows of the money any more, so no workflow can give it back, and a
//! person must: what is only held is cancelled, what was taken is refunded, less what has gone back already. Who asked is
//! written down before the request leaves, in the case and in the audit's chain. The keys are made of the case, and each
//! try begins by reading what the gateway has, so pressing twice gives back once.

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
        CancelReason, Gateway, GatewayError, Intent, IntentId, IntentStatus, Money, RefundId, RefundOrder,
    },
};
use tokio_util::task::TaskTracker;

/// What the gateway has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenBack {
    /// The money was held, and is let go.
    Cancelled,
    /// It goes back.
    Refunded {
        /// The gateway's id of the refund.
        refund: RefundId,
        /// How much, in minor units of the case's currency.
        minor: i64,
    },
    /// Nothing was left to give back.
    Nothing,
}

impl fmt::Display for GivenBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("cancelled"),
            Self::Refunded { refund, minor } => write!(f, "refund {refund} of {minor} in minor units"),
            Self::Nothing => f.write_str("nothing was left to give back"),
        }
    }
}

/// Why nothing was given back, or nobody knows whether it was: the same again is safe.
#[derive(Debug, thiserror::Error)]
pub enum GiveBackError {
    /// Only money that our books know nothing of is given back here.
    #[error(
        "case {0} is of class `{1}`: only an `unknown-payment` that names a payment of ours is given back here"
    )]
    OtherClass(uuid::Uuid, String),
    /// Somebody else may have charged it.
    #[error("`{0}` carries no ids of ours: find out who charged it, or refund it in the gateway's dashboard")]
    NotOurs(String),
    /// A saga may be at it.
    #[error("our books have payment {0} again; compare anew with `usher reconcile`, then `usher case tell`")]
    Known(PaymentId),
    /// One person may not move so much.
    #[error(
        "{0} is more than one person may move alone: refund it in the gateway's dashboard, where a second person sees it"
    )]
    TooMuch(Money),
    /// The case was resolved meanwhile.
    #[error("case {0} is not open any more")]
    Closed(uuid::Uuid),
    /// The gateway still works on the payment.
    #[error("`{0}` is {1:?}: the gateway is at it; try again in a moment")]
    InMotion(String, IntentStatus),
    /// The gateway could not be asked, or refused.
    #[error("giving `{0}` back at the gateway")]
    Gateway(String, #[source] GatewayError),
    /// Our books could not be read or written.
    #[error("writing the case")]
    Database(#[from] sqlx::Error),
}

/// Gives the money of a case back, and writes down who asked and what came of it. Pressed twice it gives back once.
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

/// Writes down who asks, before anything leaves. The saga that the audit tells it of is the one that the gateway names.
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

/// Cancels what is held, refunds what was taken.
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
                // The money came meanwhile: the next try finds it taken.
                Err(GatewayError::WrongState { intent: Some(intent), .. }) => {
                    Err(GiveBackError::InMotion(case.reference.clone(), intent.status))
                }
                Err(error) => Err(at_gateway(error)),
            }
        }
    }
}

/// What was received and has not gone back. A refund that failed has used up its key, so the key counts them.
async fn refund(gateway: &Gateway, case: &Case, intent: &Intent) -> Result<GivenBack, GiveBackError> {
    let at_gateway = |error| GiveBackError::Gateway(case.reference.clone(), error);
    let refunds = gateway.refunds(&intent.id).await.map_err(at_gateway)?;
    let failed = refunds.iter().filter(|refund| refund.status.is_owed_again()).count();
    let gone: i64 = refunds
        .iter()
        .filter(|refund| !refund.status.is_owed_again())
        .map(|refund| refund.money.amount)
        .sum();
    let minor = intent.amount_received - gone;
    if minor <= 0 {
        return Ok(GivenBack::Nothing);
    }
    let money = Money { amount: minor, ..intent.money };
    let order = RefundOrder { intent: intent.id.clone(), money, trace: intent.trace };
    let key = format!("case:{}:refund-{failed}", case.id);
    let made = gateway.refund(&order, &key).await.map_err(at_gateway)?;
    Ok(GivenBack::Refunded { refund: made.id, minor })
}
