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
    /// Its id.
    pub payment_id: Uuid,
    /// What it pays for.
    pub reservation_id: Uuid,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: State,
    /// What of it has gone back to the customer.
    pub refunded: Money,
    /// What the customer must do, while the gateway waits for that.
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

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = PaymentState)]
pub enum State {
    /// Ordered; the gateway has not secured the money yet.
    Initiated,
    /// The gateway has secured the money.
    Success,
    /// Declined, expired or let go; no money moved.
    Failed,
    /// The money went back.
    Refunded,
}

/// What the customer must do next.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NextAction)]
pub struct Action {
    /// The gateway's name of it, for example `redirect_to_url`.
    pub kind: String,
    /// Where to send the customer, if it is a page.
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

/// What the customer must do for a payment that is under way, as the gateway's answer in the journal says.
///
/// # Errors
/// The engine's.
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
