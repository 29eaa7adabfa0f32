//! A payment as callers see it.

use super::super::super::{
    app::App,
    problem::Problem,
    views::{Money, time},
};
use orchestrator::{Reached, SagaId};
use serde::Serialize;
use std::time::Duration;
use steps::{Outcome, Pay, gateway::NextAction, status::PaymentStatus, store::payments::PaymentRow};
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::Booking;

/// One attempt to get a reservation paid.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Payment {
    /// The payment's id.
    pub payment_id: Uuid,
    /// The reservation that it pays for.
    pub reservation_id: Uuid,
    /// The amount to pay.
    pub amount: Money,
    /// The payment's status.
    pub status: State,
    /// The amount that has gone back to the customer.
    pub refunded: Money,
    /// What the customer must do, while the gateway waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_action: Option<Action>,
    /// The gateway's reason, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure: Option<String>,
    /// When it was ordered, in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// The status of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = PaymentState)]
pub enum State {
    /// It is ordered, and the gateway has not secured the money yet.
    Initiated,
    /// The gateway has secured the money.
    Success,
    /// It was declined, has expired or was cancelled. No money was moved.
    Failed,
    /// The money went back.
    Refunded,
}

/// What the customer must do next.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NextAction)]
pub struct Action {
    /// The gateway's name for it, for example `redirect_to_url`.
    pub kind: String,
    /// The page to send the customer to, if there is one.
    pub url: Option<String>,
}

impl Payment {
    /// The view of a row; `action` is what the customer must do.
    pub fn of(row: &PaymentRow, action: Option<NextAction>) -> Self {
        Self {
            payment_id: row.payment.uuid(),
            reservation_id: row.reservation.uuid(),
            amount: row.amount.into(),
            status: row.status.into(),
            refunded: steps::Money { amount: row.refunded_minor, ..row.amount }.into(),
            next_action: action.map(|action| Action { kind: action.kind, url: action.url }),
            failure: row.failure.clone(),
            created_at: time(row.created_at),
        }
    }
}

impl From<PaymentStatus> for State {
    fn from(status: PaymentStatus) -> Self {
        match status {
            PaymentStatus::Initiated => Self::Initiated,
            PaymentStatus::Success => Self::Success,
            PaymentStatus::Failed => Self::Failed,
            PaymentStatus::Refunded => Self::Refunded,
        }
    }
}

/// What the customer must do for a payment in progress, according to the gateway's answer in the journal.
///
/// # Errors
/// The engine failed.
pub async fn action(app: &App, saga: SagaId, row: &PaymentRow) -> Result<Option<NextAction>, Problem> {
    if row.status != PaymentStatus::Initiated {
        return Ok(None);
    }
    Ok(
        match app
            .service
            .client
            .handle::<Booking>(saga)
            .reached_by::<Pay>(Duration::ZERO, |pay| pay.payment == row.payment)
            .await?
        {
            Reached::Done(charge) => match charge.outcome {
                Outcome::Pending { next_action } => next_action,
                Outcome::Secured(_) => None,
            },
            Reached::Rejected(_)
            | Reached::TurnedBack(_)
            | Reached::Stuck(_)
            | Reached::Passed
            | Reached::NotYet => None,
        },
    )
}
