//! `POST /payments`: stores the order, and answers when the gateway has answered, or after a while.

use super::super::super::{
    app::App,
    auth::Caller,
    extract::{Fields, FromFields, JsonBody},
    idempotency::{self, Answer, Done, IdempotencyKey},
    problem::{Problem, ProblemType},
    views,
    wait::Wait,
};
use super::{
    super::reservations,
    order::{order, unknown},
    view::{Payment, State},
};
use axum::{extract::State as Shared, http::StatusCode, response::Response};
use orchestrator::{Reached, SagaId};
use std::time::Duration;
use steps::{
    Confirm, Money, Outcome, Pay, PaymentId, ReservationId, Settle,
    gateway::PaymentMethod,
    store::payments::{self, PaymentRow},
};
use tokio::time::Instant;
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::Booking;

/// How long to wait for the gateway's first answer if the caller doesn't say.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(5);

/// The reservation to pay for, and the payment method.
#[derive(Clone, Debug)]
pub struct NewPayment {
    reservation: ReservationId,
    amount: Option<Money>,
    method: PaymentMethod,
}

/// As the document describes it.
#[derive(ToSchema)]
#[schema(as = NewPayment)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct NewPaymentBody {
    /// The reservation to pay for.
    reservation_id: Uuid,
    /// The amount that the caller expects. The request is refused if the reservation costs something else.
    amount: Option<views::Money>,
    /// The token that the gateway gave for the customer's payment method. It is never a card number.
    #[schema(example = "pm_card_visa", min_length = 1, max_length = 128)]
    method: String,
}

impl FromFields for NewPayment {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let reservation = fields.required("reservation_id");
        let (amount, method) = (fields.optional("amount"), fields.required("method"));
        Some(Self { reservation: reservation?, amount: amount?, method: method? })
    }
}

/// Orders a payment for a reservation.
#[utoipa::path(
    post, operation_id = "create_payment", path = "/payments", tag = "booking", request_body = NewPaymentBody,
    params(("Prefer" = Option<String>, Header, description = "`wait=10` waits up to 10 seconds for the end")),
    responses(
        (status = 201, description = "paid; only with `Prefer: wait`", body = Payment),
        (status = 202, description = "ordered", body = Payment),
    )
)]
pub async fn create(
    Shared(app): Shared<App>,
    caller: Caller,
    key: IdempotencyKey,
    wait: Wait,
    body: JsonBody<NewPayment>,
) -> Result<Response, Problem> {
    caller.may_book()?;
    let NewPayment { reservation, amount, method } = body.value;
    let (row, _) =
        reservations::find(&app, &caller, reservation).await.map_err(|problem| match problem.kind {
            ProblemType::NotFound => unknown(),
            _ => problem,
        })?;
    let request = idempotency::Request::new(&caller, key, "POST /payments", &body.digest);
    let worker = app.clone();
    let response = idempotency::once(&app, request, reservation.bucket(), async move |id| {
        let payment = PaymentId::from_uuid(id);
        order(&worker, payment, (reservation, row.saga), amount, method).await?;
        answer(&worker, row.saga, payment, wait).await
    })
    .await?;
    Ok(if response.status() == StatusCode::CREATED { wait.applied(response) } else { response })
}

/// The order is stored. From here on the answer is good or says how the payment ended; it never says that nobody knows.
async fn answer(app: &App, saga: SagaId, payment: PaymentId, wait: Wait) -> Result<Done, Problem> {
    let action = settled(app, saga, payment, wait).await?;
    let row = find(app, payment).await?;
    let body = Payment::of(&row, action);
    let status = match (wait.0, body.status) {
        (Some(_), State::Success) => StatusCode::CREATED,
        (Some(_), State::Failed | State::Refunded) => {
            let reason = row.failure.as_deref().unwrap_or("no reason was given");
            return Ok(Done::Refusal(Problem::new(ProblemType::PaymentDeclined, reason)));
        }
        (Some(_), State::Initiated) | (None, _) => StatusCode::ACCEPTED,
    };
    Ok(Done::Effect(Answer::new(status, format!("/payments/{payment}"), &body)?))
}

/// Waits for the gateway's first answer, or for the end if the caller wants it. Returns what the customer must do.
async fn settled(
    app: &App,
    saga: SagaId,
    payment: PaymentId,
    wait: Wait,
) -> Result<Option<steps::gateway::NextAction>, Problem> {
    let deadline = Instant::now() + wait.0.unwrap_or(FIRST_ANSWER_MAX);
    let handle = app.service.client.handle::<Booking>(saga);
    let left = || deadline.saturating_duration_since(Instant::now());
    // A node that leaves stops waiting: the order is stored, and another node can tell what became of it.
    let pay = handle.reached_by::<Pay>(left(), |pay| pay.payment == payment);
    let Some(reached) = app.service.while_staying(pay).await else { return Ok(None) };
    match reached? {
        Reached::Done(charge) => match charge.outcome {
            Outcome::Secured(_) => Ok(None),
            Outcome::Pending { next_action } => {
                // Only a webhook will tell more, and the customer must act before it comes.
                if wait.0.is_some() && next_action.is_none() {
                    let settle = handle.reached_by::<Settle>(left(), |settle| settle.payment == payment);
                    let either = async {
                        tokio::select! {
                            confirmed = handle.reached::<Confirm>(left()) => confirmed.map(drop),
                            settled = settle => settled.map(drop),
                        }
                    };
                    app.service.while_staying(either).await.transpose()?;
                }
                Ok(next_action)
            }
        },
        Reached::Rejected(_)
        | Reached::TurnedBack(_)
        | Reached::Stuck(_)
        | Reached::Passed
        | Reached::NotYet => Ok(None),
    }
}

async fn find(app: &App, payment: PaymentId) -> Result<PaymentRow, Problem> {
    let found = payments::find(&mut *app.service.connection().await?, payment).await?;
    found.ok_or_else(|| Problem::internal(format!("payment {payment} was ordered but does not exist")))
}
