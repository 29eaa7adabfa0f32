//! Ordering a payment: the payment's row and the signal that tells the saga, in one transaction.

use super::super::super::{
    app::App,
    problem::{Problem, ProblemType},
};
use orchestrator::{Client, SagaId};
use service::{Ending, clock::now};
use sqlx::PgConnection;
use steps::{
    Money, PaymentId, ReservationId,
    gateway::PaymentMethod,
    status::ReservationStatus,
    store::payments::{self, Order, OrderOutcome, OrderRefusal},
};
use workflows::PaymentOrder;

/// Orders `payment` and tells the reservation's saga. Ordering the same again changes nothing.
///
/// # Errors
/// The reservation can't be paid for (any more), or the database failed.
pub async fn order(
    app: &App,
    payment: PaymentId,
    (reservation, saga): (ReservationId, SagaId),
    amount: Option<Money>,
    method: PaymentMethod,
) -> Result<(), Problem> {
    let gateway = app.service.gateway.provider().to_owned();
    // Afterwards it is too late to refuse: a stored order is carried out, however long that takes.
    if let Some(wait) = app.service.gateway.held_back()
        && payments::find(&mut *app.service.connection().await?, payment).await?.is_none()
    {
        let detail = "the payment gateway is down; nothing was ordered";
        return Err(Problem::new(ProblemType::GatewayUnavailable, detail).retry_after(wait));
    }
    let signal = PaymentOrder { payment, method, gateway: gateway.clone() };
    let order = Order { payment, reservation, amount, gateway };
    let write =
        app.service.in_transaction(move |tx| Box::pin(async move { write(tx, saga, &order, &signal).await }));
    if write.await? == Written::Now {
        app.service.client.nudge(saga).await; // so that the saga need not wait for the sweep
    }
    Ok(())
}

/// When an order was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Now,
    /// An earlier try of this request wrote it. Row and signal were one commit.
    Before,
}

/// Locks the saga before its reservation, as lanes do. So we hold no lock while we wait for a lane that has the saga.
async fn write(
    tx: &mut PgConnection,
    saga: SagaId,
    order: &Order,
    signal: &PaymentOrder,
) -> Result<Ending<Written>, Problem> {
    Client::signal_in(tx, saga, &order.payment.to_string(), signal).await?;
    let now = now(tx).await?;
    match payments::order(tx, order, now).await? {
        OrderOutcome::Ordered { .. } => Ok(Ending::Commit(Written::Now)),
        OrderOutcome::Refused(_) if payments::find(tx, order.payment).await?.is_some() => {
            Ok(Ending::RollBack(Written::Before))
        }
        // A signal that is not committed was never sent.
        OrderOutcome::Refused(refusal) => Err(refused(refusal)),
    }
}

fn refused(refusal: OrderRefusal) -> Problem {
    match refusal {
        OrderRefusal::Unknown => unknown(),
        OrderRefusal::Expired => Problem::new(
            ProblemType::ReservationExpired,
            "the reservation's time was over when the order arrived",
        ),
        OrderRefusal::NotPending { status } => Problem::invalid_state(
            "only a pending reservation can be paid for",
            status.as_str(),
            &[ReservationStatus::Pending.as_str()],
        ),
        OrderRefusal::InProgress { payment } => {
            let which = payment.map(|payment| format!(", payment {payment}")).unwrap_or_default();
            Problem::new(
                ProblemType::PaymentInProgress,
                format!("the reservation already has a payment{which}"),
            )
        }
        OrderRefusal::AmountDiffers { expected } => {
            Problem::new(ProblemType::AmountMismatch, format!("the reservation costs {expected}"))
        }
    }
}

/// The problem if there is no such reservation, or it is somebody else's.
pub fn unknown() -> Problem {
    Problem::new(ProblemType::ReservationUnknown, "you have no such reservation")
}
