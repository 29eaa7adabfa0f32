//! Which payment a fact is about: by our id in it, else by the gateway's name for the payment, else by asking.

use super::gateway;
use crate::http::{App, Problem};
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

/// What is known of the payment that a fact names.
pub(super) struct About {
    /// The payment that the metadata names: where the money was ordered.
    pub named: PaymentRow,
    /// The reservation that it was ordered for, and its saga.
    pub reservation: ReservationRow,
    /// Money for the same reservation that came too late or twice, each a payment of its own.
    pub late: Vec<PaymentRow>,
}

impl About {
    /// The payment that an intent's money is written down under, if it is.
    pub fn owner(&self, intent: &IntentId) -> Option<&PaymentRow> {
        let of = |row: &&PaymentRow| row.gateway_reference.as_deref() == Some(intent.as_str());
        self.late.iter().rev().find(of).or_else(|| Some(&self.named).filter(of))
    }
}

/// `None` while we don't know the payment: its row may be on its way.
pub(super) async fn find(app: &App, fact: &Fact) -> Result<Option<About>, Problem> {
    let Some(payment) = payment(app, fact).await? else { return Ok(None) };
    let mut connection = app.connection().await?;
    let Some(named) = payments::find(&mut connection, payment).await? else { return Ok(None) };
    // Refunds of late money carry the id of its own payment.
    let meant_for = named.late_for.unwrap_or(named.reservation);
    let Some(reservation) = reservations::find(&mut connection, meant_for).await? else { return Ok(None) };
    let late = payments::list_late(&mut connection, meant_for).await?;
    Ok(Some(About { named, reservation, late }))
}

/// Whether a booking's saga is over, owing nothing. One that is gone has been over for long.
pub(super) async fn is_at_rest(app: &App, saga: SagaId) -> Result<bool, Problem> {
    match app.client.handle::<Booking>(saga).status().await {
        Ok(snapshot) => Ok(snapshot.state.at_rest()),
        Err(ClientError::NotFound(_)) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

async fn payment(app: &App, fact: &Fact) -> Result<Option<PaymentId>, Problem> {
    let mut connection = app.connection().await?;
    let told = fact.trace.payment_id.map(PaymentId::from_uuid);
    let Some(intent) = &fact.intent else { return Ok(told) };
    if let Some(payment) = told {
        // Both in one place: later events may name only the gateway's.
        gateway_references::remember(&mut connection, &fact.provider, intent.as_str(), payment).await?;
        return Ok(Some(payment));
    }
    let known = gateway_references::find(&mut connection, &fact.provider, intent.as_str()).await?;
    if known.is_some() {
        return Ok(known);
    }
    drop(connection); // the gateway may take its time
    let asked = gateway::read(app, intent).await.and_then(|intent| intent.trace.payment_id);
    let Some(payment) = asked.map(PaymentId::from_uuid) else { return Ok(None) };
    let mut connection = app.connection().await?;
    gateway_references::remember(&mut connection, &fact.provider, intent.as_str(), payment).await?;
    Ok(Some(payment))
}
