//! The cashier: the gateway as the steps use it, with what is common to securing, settling and undoing a charge.

use crate::{
    Money, PaymentId, ReservationId,
    gateway::{CaptureMethod, Gateway, GatewayError, Intent, IntentId, Order, PaymentMethod, Trace},
    store::payments::News,
};
use orchestrator::{SagaId, StepError};
use serde::{Deserialize, Serialize};
use std::{ops::Deref, time::Duration};

/// The gateway, and how we ask it to take money. Derefs to the gateway.
#[derive(Clone, Debug)]
pub struct Cashier {
    /// The adapter.
    pub gateway: Gateway,
    /// Hold first and take later, or take at once.
    pub capture: CaptureMethod,
    /// Where the gateway sends customers back to after 3-D Secure.
    pub return_url: Option<String>,
}

/// How long Stripe remembers an idempotency key for sure: it prunes after 24 h, and a margin.
pub(crate) const KEY_REMEMBERED: Duration = Duration::from_secs(20 * 3600);

/// Money that is ours, or held for us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secured {
    /// The gateway's id of the payment.
    pub intent: IntentId,
    /// How much.
    pub money: Money,
    /// Taken already, and not only held.
    pub captured: bool,
}

impl Deref for Cashier {
    type Target = Gateway;
    fn deref(&self) -> &Gateway {
        &self.gateway
    }
}

impl Cashier {
    /// What the gateway is asked for, the same in every attempt.
    pub(crate) fn order(
        &self,
        saga: SagaId,
        payment: PaymentId,
        reservation: ReservationId,
        money: Money,
        method: &PaymentMethod,
    ) -> Order {
        let trace = Trace {
            saga_id: Some(saga.uuid()),
            payment_id: Some(payment.uuid()),
            reservation_id: Some(reservation.uuid()),
        };
        let (method, return_url) = (method.clone(), self.return_url.clone());
        Order { money, method, capture: self.capture, return_url, trace }
    }
}

impl Secured {
    /// What an intent has secured, if it has.
    pub fn of(intent: &Intent) -> Option<Self> {
        let money = intent.secured()?;
        let captured = intent.amount_received > 0;
        Some(Self { intent: intent.id.clone(), money, captured })
    }

    /// The same as news for the payment's row and the ledger.
    pub fn news(&self) -> News {
        let (reference, money) = (self.intent.as_str().to_owned(), self.money);
        if self.captured { News::Captured { reference, money } } else { News::Held { reference, money } }
    }
}

/// A gateway's error where it means nothing for the business: later, or unclear. Business answers are taken out first.
pub(crate) fn again(error: GatewayError) -> StepError {
    match error.retry_after() {
        Some(wait) => StepError::Later(wait),
        None => StepError::unclear(error),
    }
}
