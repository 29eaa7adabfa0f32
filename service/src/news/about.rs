//! Finds the payment that a fact is about: by our id in it, then by the gateway's name for it, then by asking the gateway.

use super::gateway;
use crate::{Service, ServiceError};
use orchestrator::{ClientError, SagaId};
use steps::{
    PaymentId,
    gateway::{Fact, IntentId},
    store::{
        gateway_references,
        payments::{self, PaymentRow},
        reservations::{self, ReservationRow},
    },
};
use workflows::Booking;

/// What we know about the payment that a fact names.
pub(super) struct About {
    /// The payment that the metadata names, for which the money was ordered.
    pub named: PaymentRow,
    /// The reservation that it was ordered for, and its saga.
    pub reservation: ReservationRow,
    /// Payments for the same reservation whose money came too late or twice.
    pub late: Vec<PaymentRow>,
}

impl About {
    /// The payment under which an intent's money is recorded, if it is recorded.
    pub fn owner(&self, intent: &IntentId) -> Option<&PaymentRow> {
        let of = |row: &&PaymentRow| row.gateway_reference.as_deref() == Some(intent.as_str());
        self.late.iter().rev().find(of).or_else(|| Some(&self.named).filter(of))
    }
}

/// Finds the payment. `None` as long as we don't know it: its row may not be committed yet.
pub(super) async fn find(service: &Service, fact: &Fact) -> Result<Option<About>, ServiceError> {
    let Some(payment) = payment(service, fact).await? else { return Ok(None) };
    let mut connection = service.connection().await?;
    let Some(named) = payments::find(&mut connection, payment).await? else { return Ok(None) };
    // Refunds of late money carry the id of the late money's own payment.
    let meant_for = named.late_for.unwrap_or(named.reservation);
    let Some(reservation) = reservations::find(&mut connection, meant_for).await? else { return Ok(None) };
    let late = payments::list_late(&mut connection, meant_for).await?;
    Ok(Some(About { named, reservation, late }))
}

/// Whether a booking's saga is over and owes nothing. A saga that was removed has been over for long.
pub(super) async fn is_at_rest(service: &Service, saga: SagaId) -> Result<bool, ServiceError> {
    match service.client.handle::<Booking>(saga).status().await {
        Ok(snapshot) => Ok(snapshot.state.at_rest()),
        Err(ClientError::NotFound(_)) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

async fn payment(service: &Service, fact: &Fact) -> Result<Option<PaymentId>, ServiceError> {
    let mut connection = service.connection().await?;
    let told = fact.trace.payment_id.map(PaymentId::from_uuid);
    let Some(intent) = &fact.intent else { return Ok(told) };
    if let Some(payment) = told {
        // Both names are stored together, because later events may carry only the gateway's.
        gateway_references::remember(&mut connection, &fact.provider, intent.as_str(), payment).await?;
        return Ok(Some(payment));
    }
    let known = gateway_references::find(&mut connection, &fact.provider, intent.as_str()).await?;
    if known.is_some() {
        return Ok(known);
    }
    drop(connection); // the gateway may be slow
    let asked = gateway::read(service, intent).await.and_then(|intent| intent.trace.payment_id);
    let Some(payment) = asked.map(PaymentId::from_uuid) else { return Ok(None) };
    let mut connection = service.connection().await?;
    gateway_references::remember(&mut connection, &fact.provider, intent.as_str(), payment).await?;
    Ok(Some(payment))
}
