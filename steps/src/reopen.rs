//! Reopen: a refund that had been acknowledged failed, so its money is owed again, unless nobody here had decided it.

use crate::{
    Money, PaymentId, ReservationId,
    announce::{PaymentRefundFailed, announce},
    gateway::{IntentId, RefundId},
    giving_back::look_again_after,
    status::BookingStatus,
    store::{
        bookings,
        payments::{self, Applied, News, RefundTotal},
        reservations, statement_error,
    },
};
use orchestrator::{Policy, Rejected, Step, StepError, Tx};
use serde::{Deserialize, Serialize};

/// Records that a refund failed after all: the pivot of a repayment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reopen {
    /// Our id of the payment.
    pub payment: PaymentId,
    /// The gateway's id of the refund.
    pub refund: RefundId,
    /// It was made at the gateway by a person, and not asked for by us.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub elsewhere: bool,
}

/// The money that is owed now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopened {
    /// What the payment paid for.
    pub reservation: ReservationId,
    /// The gateway's id of the payment.
    pub intent: IntentId,
    /// The whole amount that must have gone back in the end, including earlier refunds.
    pub total: Money,
    /// The refunds that have gone back already; empty in old journals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<RefundId>,
}

impl Step for Reopen {
    const NAME: &'static str = "reopen";
    const POLICY: Policy = Policy::PATIENT;
    type Output = Reopened;
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, tx: &mut Tx) -> Result<Reopened, StepError> {
        let now = tx.now();
        let owed_since = payments::owed_since(tx, self.payment).await.map_err(statement_error)?;
        // Two who give back at once would each send what the other has not sent yet. What was made elsewhere isn't sent.
        if let (Some(since), false) = (owed_since, self.elsewhere) {
            return Err(StepError::Later(look_again_after(now - since)));
        }
        let refund = self.refund.to_string();
        let mut news = vec![(self.payment, News::RefundFailed { refund: refund.clone() })];
        // The booking is still worth its money: whoever made the refund decides whether the customer gets it.
        let kept = self.elsewhere && self.is_booked(tx).await?;
        if kept {
            news.push((self.payment, News::RefundWithdrawn { refund }));
        }
        let applied = payments::apply_all(tx, &news, now).await.map_err(statement_error)?.into_iter().next();
        match applied {
            Some(Applied::Changed { .. }) => {}
            Some(Applied::Nothing { .. } | Applied::Unknown) | None => {
                let detail = "the refund is unknown, or its failure is known already";
                return Err(Rejected::new("nothing-owed", detail).into());
            }
            Some(Applied::Contradicts(contradiction)) => {
                return Err(StepError::Contradiction(format!("payment {}: {contradiction}", self.payment)));
            }
        }
        let row = payments::find(tx, self.payment).await.map_err(statement_error)?;
        let row = row.ok_or_else(|| StepError::unclear("a payment that was just written is there"))?;
        let RefundTotal { mut total, counted } =
            payments::refund_total(tx, self.payment, row.amount).await.map_err(statement_error)?;
        if kept {
            let failed =
                payments::refunded_by(tx, self.payment, &self.refund).await.map_err(statement_error)?;
            total.amount += failed;
        }
        let message = PaymentRefundFailed {
            payment_id: self.payment,
            reservation_id: row.reservation,
            refund_id: self.refund.clone(),
        };
        let saga = tx.saga();
        announce(tx, saga, &message)?;
        let intent = IntentId::new(row.gateway_reference.unwrap_or_default());
        Ok(Reopened { reservation: row.reservation, intent, total, counted })
    }
}

impl Reopen {
    /// Whether this payment still pays for a booking. The payment is locked, so nobody cancels it meanwhile.
    async fn is_booked(&self, tx: &mut Tx) -> Result<bool, StepError> {
        let payment = payments::find(tx, self.payment).await.map_err(statement_error)?;
        let Some(payment) = payment else { return Ok(false) };
        let reservation = reservations::find(tx, payment.reservation).await.map_err(statement_error)?;
        let Some(booking) = reservation.and_then(|reservation| reservation.booking) else { return Ok(false) };
        let booking = bookings::find(tx, booking).await.map_err(statement_error)?;
        Ok(booking.is_some_and(|row| row.payment == self.payment && row.status == BookingStatus::Confirmed))
    }
}
