//! The cashier: the steps' interface to the gateway, shared by securing, settling and undoing a charge.

use crate::{
    Money, PaymentId, ReservationId,
    gateway::{
        CancelReason, CaptureMethod, Doubt, Gateway, GatewayError, Intent, IntentId, IntentStatus, Mismatch,
        Order, PaymentMethod, Trace,
    },
    store::{
        payments::{self, DisputeStanding, News},
        statement_error,
    },
};
use orchestrator::{SagaId, StepError};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::{ops::Deref, time::Duration};

/// The gateway, and how we ask it to take money. It derefs to the gateway.
#[derive(Clone, Debug)]
pub struct Cashier {
    /// The adapter.
    pub gateway: Gateway,
    /// Whether money is held first and captured later, or taken at once.
    pub capture: CaptureMethod,
    /// The address to which the gateway sends customers back after 3-D Secure.
    pub return_url: Option<String>,
    /// Our own books. Before a refund leaves, a call asks there by one statement whether a dispute has settled it.
    pub books: PgPool,
    /// How often refunds that come to nothing are sent again.
    pub repayments: Repayments,
}

/// The bounds on sending a payment's refunds again. Beyond them a person is needed: a refund that has failed three times
/// fails again, and each try is told to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repayments {
    /// How many refunds of a payment may follow those that came to nothing.
    pub max: u32,
    /// The least time between two of them. The first follows at once.
    pub apart: Duration,
}

/// How long Stripe certainly remembers an idempotency key: it prunes after 24 h; this has a margin.
pub(crate) const KEY_REMEMBERED: Duration = Duration::from_secs(20 * 3600);

/// Money that is captured, or held for us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secured {
    /// The gateway's id of the payment.
    pub intent: IntentId,
    /// The amount that is secured.
    pub money: Money,
    /// Whether it is already captured, and not only held.
    pub captured: bool,
}

impl Default for Repayments {
    /// Two, a day apart.
    fn default() -> Self {
        Self { max: 2, apart: Duration::from_secs(24 * 3600) }
    }
}

impl Deref for Cashier {
    type Target = Gateway;
    fn deref(&self) -> &Gateway {
        &self.gateway
    }
}

impl Cashier {
    /// How disputes stand with this payment, by our books.
    pub(crate) async fn find_dispute(
        &self,
        payment: PaymentId,
    ) -> Result<Option<DisputeStanding>, StepError> {
        let mut books = self.books.acquire().await?;
        Ok(payments::find_dispute(&mut books, payment).await.map_err(statement_error)?)
    }

    /// The order to the gateway, the same in every attempt.
    pub(crate) fn order(
        &self,
        saga: SagaId,
        payment: PaymentId,
        reservation: ReservationId,
        money: Money,
        method: &PaymentMethod,
    ) -> Order {
        let trace = trace(saga, payment, reservation);
        let (method, return_url) = (method.clone(), self.return_url.clone());
        Order { money, method, capture: self.capture, return_url, trace }
    }

    /// Creates the intent and confirms it, each under its own key. Returns it as it is now.
    ///
    /// From the second attempt on it is read before it is confirmed: an answer that was lost, or a stored 500, must not
    /// hide that the money is there. What only the object's own state can let happen once may be asked for under a
    /// second key, where the first one is blocked by a stored 500.
    pub(crate) async fn secure(
        &self,
        order: &Order,
        key: &str,
        attempt: u32,
    ) -> Result<Intent, GatewayError> {
        let made = self.create(order, key).await?;
        let made = if attempt > 1 { self.read(&made.id).await? } else { made }.or_declined()?;
        if made.status.is_confirmed() {
            return Ok(made);
        }
        let blocked = match self.confirm(&made.id, order, key).await {
            Err(GatewayError::Unclear(Doubt::Server { replayed: true, .. })) => made.id,
            answer => return confirmed(answer),
        };
        let found = self.read(&blocked).await?.or_declined()?;
        if found.status.is_confirmed() {
            return Ok(found);
        }
        confirmed(self.confirm(&blocked, order, &format!("{key}:again")).await)
    }

    /// Asks to cancel an intent. Returns it as it is now, also if the gateway refuses because it is cancelled already or its
    /// money is there: a caller decides by its status and amounts, because a gateway that refuses seldom says why.
    pub(crate) async fn cancel_and_look(
        &self,
        id: &IntentId,
        reason: CancelReason,
        key: &str,
    ) -> Result<Intent, StepError> {
        let is_decided = |status: IntentStatus| status.has_money() || status == IntentStatus::Canceled;
        as_it_is(self, id, self.cancel(id, reason, key).await, is_decided).await
    }

    /// Asks to capture an intent. Returns it as it is now, also if the gateway refuses because it has ended.
    pub(crate) async fn capture_and_look(
        &self,
        id: &IntentId,
        money: Money,
        key: &str,
    ) -> Result<Intent, StepError> {
        let is_decided = |status| matches!(status, IntentStatus::Succeeded | IntentStatus::Canceled);
        as_it_is(self, id, self.capture(id, money, key).await, is_decided).await
    }
}

/// The intent after a request that its state may have forbidden. A refusal that its status doesn't explain is tried again.
async fn as_it_is(
    gateway: &Gateway,
    id: &IntentId,
    answer: Result<Intent, GatewayError>,
    is_decided: impl Fn(IntentStatus) -> bool,
) -> Result<Intent, StepError> {
    let refusal = match answer {
        Ok(intent) => return Ok(intent),
        Err(refusal) => refusal,
    };
    let now = match refusal.intent() {
        Some(intent) => intent.clone(),
        None if matches!(refusal, GatewayError::WrongState { .. }) => {
            gateway.read(id).await.map_err(retryable)?
        }
        None => return Err(retryable(refusal)),
    };
    if is_decided(now.status) { Ok(now) } else { Err(retryable(refusal)) }
}

/// Handles a confirmation under a key that the gateway has forgotten: the intent itself is the answer. It may also show a
/// decline.
fn confirmed(answer: Result<Intent, GatewayError>) -> Result<Intent, GatewayError> {
    let refusal = match answer {
        Ok(intent) => return intent.or_declined(),
        Err(refusal) => refusal,
    };
    match refusal.intent() {
        Some(intent) if intent.status.is_confirmed() => Ok(intent.clone()),
        Some(intent) => Err(intent.clone().or_declined().err().unwrap_or(refusal)),
        None => Err(refusal),
    }
}

impl Secured {
    /// The money that an intent has secured, if it has. `None` also if the gateway doesn't say how much: see
    /// [`Intent::is_amount_unknown`].
    pub fn of(intent: &Intent) -> Option<Self> {
        let money = intent.secured()?;
        let captured = intent.status == IntentStatus::Succeeded;
        Some(Self { intent: intent.id.clone(), money, captured })
    }

    /// The same as news for the payment's row and the ledger.
    pub fn news(&self) -> News {
        let (reference, money) = (self.intent.as_str().to_owned(), self.money);
        if self.captured { News::Captured { reference, money } } else { News::Held { reference, money } }
    }
}

/// Our ids, as an intent carries them.
pub(crate) fn trace(saga: SagaId, payment: PaymentId, reservation: ReservationId) -> Trace {
    Trace {
        saga_id: Some(saga.uuid()),
        payment_id: Some(payment.uuid()),
        reservation_id: Some(reservation.uuid()),
    }
}

/// Refuses an intent that isn't of this payment, or of another amount or currency: a lie is never a booking.
pub(crate) fn check(intent: &Intent, payment: PaymentId, money: Money) -> Result<(), StepError> {
    let theirs = [Some(intent.money), intent.secured()].into_iter().flatten().find(|theirs| *theirs != money);
    let mismatch = match theirs {
        Some(theirs) => Mismatch::Money { ours: money, theirs },
        None if intent.trace.payment_id != Some(payment.uuid()) => Mismatch::Trace,
        None => return Ok(()),
    };
    Err(StepError::Contradiction(format!("payment {} at the gateway: {mismatch}", intent.id)))
}

/// Refuses an intent of which the gateway doesn't say how much money it has: nobody knows what it is worth, and it is read
/// again.
pub(crate) fn check_known(intent: &Intent) -> Result<(), StepError> {
    match intent.is_amount_unknown() {
        false => Ok(()),
        true => {
            let (id, status) = (&intent.id, intent.status);
            let what = format!("payment {id} is {status:?}, and the gateway doesn't say of how much");
            Err(StepError::unclear_with_code("gateway names no amount", what))
        }
    }
}

/// A gateway's error where it means nothing for the business: later, or unclear. Business answers are taken out first.
pub(crate) fn retryable(error: GatewayError) -> StepError {
    match error.retry_after() {
        Some(wait) => StepError::Later(wait),
        None => StepError::unclear_with_code(error.in_short(), error),
    }
}
