//! Decide: the pivot of a cancellation. From here on the booking is cancelled, and its money is owed.

use crate::{
    BookingId, Money, PaymentId, ReservationId,
    announce::{BookingCancelled, announce},
    gateway::{IntentId, RefundId},
    giving_back::look_again_after,
    status::{BookingStatus, MoneyState},
    store::{
        LOCKED_WAIT,
        bookings::{self, LockOutcome, ToCancel},
        payments::{self, Applied, News, RefundTotal},
        statement_error,
    },
};
use orchestrator::{Policy, Rejected, Step, StepError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Cancels a valid booking before its event has begun, and records that its money is owed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Decide {
    /// The booking to cancel.
    pub booking: BookingId,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The reservation whose seats become free, once the money is on its way.
    pub reservation: ReservationId,
    /// The payment that paid for them.
    pub payment: PaymentId,
    /// The gateway's id of the payment.
    pub intent: IntentId,
    /// The whole amount that must have gone back in the end, including earlier refunds.
    pub total: Money,
    /// The refunds that have gone back already; empty in old journals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<RefundId>,
}

impl Step for Decide {
    const NAME: &'static str = "decide";
    /// It waits for a capture, or for a refund that is under way, and these may take long.
    const POLICY: Policy = Policy::PATIENT;
    type Output = Decided;
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, tx: &mut Tx) -> Result<Decided, StepError> {
        let now = tx.now();
        let found = bookings::lock_to_cancel(tx, self.booking).await.map_err(statement_error)?;
        let found = match found {
            LockOutcome::Locked(found) => found,
            LockOutcome::Busy => return Err(StepError::Later(LOCKED_WAIT)),
            LockOutcome::Unknown => return Err(closed("there is no such booking", "unknown")),
        };
        let ToCancel { reservation, payment, status, money, disputed, starts_at, confirmed_at, .. } = found;
        if status != BookingStatus::Confirmed {
            return Err(closed("the booking is cancelled already", "cancelled"));
        }
        if starts_at <= now {
            return Err(closed("the event has begun", "event-begun"));
        }
        if disputed {
            return Err(closed(
                "the customer's bank disputes the payment, so nothing is given back",
                "disputed",
            ));
        }
        match money {
            MoneyState::Owed => return Err(StepError::Later(look_again_after(now - confirmed_at))),
            // Voided money was never captured: nothing has to go back, and the seats become free.
            MoneyState::Captured | MoneyState::Refunded | MoneyState::Voided => {}
            MoneyState::Unsecured | MoneyState::Held => {
                return Err(StepError::Contradiction(format!(
                    "booking {} stands on payment {payment}, whose money is {money}",
                    self.booking
                )));
            }
        }
        if let Some(since) = payments::owed_since(tx, payment).await.map_err(statement_error)? {
            return Err(StepError::Later(look_again_after(now - since)));
        }
        bookings::cancel(tx, self.booking, now).await.map_err(statement_error)?;
        let owed = News::RefundOwed { by: tx.saga().to_string() };
        for applied in payments::apply_all(tx, &[(payment, owed)], now).await.map_err(statement_error)? {
            if let Applied::Contradicts(contradiction) = applied {
                return Err(StepError::Contradiction(format!("payment {payment}: {contradiction}")));
            }
        }
        let RefundTotal { total, counted } =
            payments::refund_total(tx, payment, found.amount).await.map_err(statement_error)?;
        let message = BookingCancelled {
            booking_id: self.booking,
            reservation_id: reservation,
            payment_id: payment,
            refund: total,
        };
        let saga = tx.saga();
        announce(tx, saga, &message)?;
        let intent = IntentId::new(found.gateway_reference);
        Ok(Decided { reservation, payment, intent, total, counted })
    }
}

fn closed(detail: &str, why: &str) -> StepError {
    Rejected::new("cancellation-closed", detail).with(json!({ "why": why })).into()
}
