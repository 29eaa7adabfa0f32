//! `POST /bookings`: looks whether a paid reservation has become a booking.
//!
//! The request makes no booking. The saga confirms the reservation itself as soon as it learns that the money is there.
//! If the news is late, this asks the gateway once. It waits as long as the caller wishes.

use super::{
    super::{
        super::{
            app::App,
            auth::Caller,
            extract::{Fields, FromFields, JsonBody},
            idempotency::{self, Answer, Done, IdempotencyKey},
            problem::{Problem, ProblemType},
            wait::{LOOK_AGAIN, Wait, retry_after},
        },
        payments::unknown,
        reservations::{self, Reservation},
    },
    view::Booking,
};
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use orchestrator::{Cause, Reached, Rejected};
use serde::Serialize;
use service::news::{self, Acted};
use std::time::Duration;
use steps::{
    BookingId, Confirm, PaymentId, ReservationId,
    status::{PaymentStatus, ReservationStatus},
    store::{bookings, payments, reservations::ReservationRow},
};
use utoipa::ToSchema;
use uuid::Uuid;

/// How long we wait for the saga to act on news that we have just given it.
const CONFIRM_MAX: Duration = Duration::from_secs(1);

/// What is to be booked, by its payment or by its reservation.
#[derive(Clone, Copy, Debug)]
pub enum NewBooking {
    /// By what pays for it.
    Payment(PaymentId),
    /// By the reservation.
    Reservation(ReservationId),
}

/// As the document describes it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = NewBooking)]
#[allow(dead_code, reason = "only its schema is used")]
pub enum NewBookingBody {
    /// By the payment.
    Payment(ByPayment),
    /// By the reservation.
    Reservation(ByReservation),
}

/// By the payment.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct ByPayment {
    /// The payment's id.
    payment_id: Uuid,
}

/// By the reservation.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct ByReservation {
    /// The reservation's id.
    reservation_id: Uuid,
}

impl FromFields for NewBooking {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        if fields.has("reservation_id") {
            return fields.required("reservation_id").map(Self::Reservation);
        }
        fields.required("payment_id").map(Self::Payment)
    }
}

/// Looks whether a paid reservation has become a booking.
#[utoipa::path(
    post, operation_id = "create_booking", path = "/bookings", tag = "booking", request_body = NewBookingBody,
    params(("Prefer" = Option<String>, Header, description = "`wait=10` waits up to 10 seconds for the booking")),
    responses(
        (status = 200, description = "it was booked earlier", body = Booking),
        (status = 201, description = "it was booked during this request", body = Booking),
        (status = 202, description = "it is not booked yet; follow the reservation", body = Reservation),
    )
)]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
    wait: Wait,
    body: JsonBody<NewBooking>,
) -> Result<Response, Problem> {
    caller.may_book()?;
    let id = match body.value {
        NewBooking::Reservation(reservation) => reservation,
        NewBooking::Payment(payment) => {
            let found = payments::find(&mut *app.service.connection().await?, payment).await?;
            found.ok_or_else(unknown)?.reservation
        }
    };
    let (row, _) = reservations::find(&app, &caller, id).await.map_err(|problem| match problem.kind {
        ProblemType::NotFound => unknown(),
        _ => problem,
    })?;
    let request = idempotency::Request::new(&caller, key, "POST /bookings", &body.digest);
    let worker = app.clone();
    let response =
        idempotency::once(&app, request, id.bucket(), async move |_| look(&worker, &caller, row, wait).await)
            .await?;
    Ok(if response.status() == StatusCode::CREATED { wait.applied(response) } else { response })
}

async fn look(app: &App, caller: &Caller, row: ReservationRow, wait: Wait) -> Result<Done, Problem> {
    if let Some(booking) = row.booking {
        return booked(app, &row, booking, StatusCode::OK).await;
    }
    let has_news = match row.status {
        ReservationStatus::Pending => ask_if_unsettled(app, &row).await?,
        ReservationStatus::Cancelled => return Err(cancelled()),
        ReservationStatus::Expired | ReservationStatus::Confirmed => false,
    };
    let within = wait.or_zero().max(if has_news { CONFIRM_MAX } else { Duration::ZERO });
    let handle = app.service.client.handle::<workflows::Booking>(row.saga);
    let Some(reached) = app.service.while_staying(handle.reached::<Confirm>(within)).await else {
        return unfinished(app, caller, &row).await; // another node will answer
    };
    match reached? {
        Reached::Done(made) => booked(app, &row, made.booking, StatusCode::CREATED).await,
        Reached::Rejected(rejected) => Err(refused(&rejected)),
        Reached::TurnedBack(cause) => Err(turned_back(&cause)),
        Reached::Stuck(_) | Reached::Passed | Reached::NotYet => unfinished(app, caller, &row).await,
    }
}

/// Asks the gateway if the payment is unsettled. Returns whether the saga has something new to act on.
async fn ask_if_unsettled(app: &App, row: &ReservationRow) -> Result<bool, Problem> {
    let Some(payment) = row.payment else {
        return Err(Problem::new(
            ProblemType::PaymentRequired,
            "no payment has been ordered for the reservation",
        ));
    };
    let payment = payments::find(&mut *app.service.connection().await?, payment).await?;
    match payment.map(|payment| payment.status) {
        Some(PaymentStatus::Initiated) => Ok(news::ask(&app.service, row.saga).await? == Acted::Done),
        Some(PaymentStatus::Success | PaymentStatus::Failed | PaymentStatus::Refunded) | None => Ok(false),
    }
}

async fn booked(
    app: &App,
    reservation: &ReservationRow,
    booking: BookingId,
    status: StatusCode,
) -> Result<Done, Problem> {
    let found = bookings::find(&mut *app.service.connection().await?, booking).await?;
    let row =
        found.ok_or_else(|| Problem::internal(format!("booking {booking} was made but does not exist")))?;
    let body = Booking::of(app, &row, reservation).await?;
    Ok(Done::Effect(Answer::new(status, format!("/bookings/{booking}"), &body)?))
}

/// 202 with the reservation as it is now. Nothing was decided, so the key stays free.
async fn unfinished(app: &App, caller: &Caller, row: &ReservationRow) -> Result<Done, Problem> {
    let (row, now) = reservations::find(app, caller, row.reservation).await?;
    let body = Reservation::of(app, &row, now).await?;
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    let location = format!("/reservations/{}", row.reservation);
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(&location).expect("ids are ASCII"));
    Ok(Done::NoEffect(retry_after(response, LOOK_AGAIN)))
}

/// Why the saga unwound, for its customer.
fn turned_back(cause: &Cause) -> Problem {
    match cause {
        Cause::Cancelled { .. } => cancelled(),
        Cause::Rejected(rejected) => refused(rejected),
        Cause::Expired { .. } => expired("the reservation's time was over before it was paid"),
        Cause::InDoubt { .. } | Cause::Failed { .. } | Cause::Operator { .. } => {
            expired("the payment could not be settled; any money that was charged goes back")
        }
    }
}

fn refused(rejected: &Rejected) -> Problem {
    match rejected.code.as_str() {
        "payment-expired" => expired("the payment did not arrive in time and was cancelled"),
        "seat-lost" => {
            Problem::new(ProblemType::SeatLost, "somebody else has the seats; the money goes back in full")
        }
        "payment-required" => Problem::new(ProblemType::PaymentRequired, rejected.detail.as_str()),
        // To the customer a decline by the bank and a refusal by the gateway are the same.
        _ => Problem::new(ProblemType::PaymentDeclined, rejected.detail.as_str()),
    }
}

fn expired(detail: &str) -> Problem {
    Problem::new(ProblemType::ReservationExpired, detail)
}

fn cancelled() -> Problem {
    let (state, pending) = (ReservationStatus::Cancelled.as_str(), ReservationStatus::Pending.as_str());
    Problem::invalid_state("the reservation was cancelled", state, &[pending])
}
