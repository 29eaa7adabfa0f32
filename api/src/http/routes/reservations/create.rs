//! `POST /reservations`: the seats are claimed during the request.
//!
//! The cheapest checks come first: the body; then the seats, which this node remembers; then their locks in Redis, where
//! almost everybody who comes too late is refused. Only then the key is claimed and a saga is started.

use super::super::super::{
    app::App,
    auth::{Caller, Role},
    context::RequestContext,
    extract::JsonBody,
    idempotency::{self, Answer, Done, IdempotencyKey},
    problem::{FieldError, LostReason, LostSeat, Problem, ProblemType},
    store,
    views::time,
};
use super::{
    request::{NewReservation, NewReservationBody},
    view::{self, Reservation, State},
};
use axum::{Extension, extract::State as Shared, http::StatusCode, response::Response};
use orchestrator::{Cause, Reached, Rejected, SagaId};
use service::clock::now;
use std::{collections::HashSet, time::Duration};
use steps::{
    EventId, ReservationId, Reserve, SEATS_MAX, SeatId, SeatList, UserId,
    locks::Locks,
    store::seats::{LostReason as Why, Refusal},
};
use uuid::Uuid;
use workflows::{Booking, BookingRequest};

/// How long the first stretch of a saga may take. It is one commit; if it takes longer, the node is in trouble.
const RESERVE_MAX: Duration = Duration::from_secs(5);

/// Reserves seats: all of them or none.
#[utoipa::path(
    post, operation_id = "create_reservation", path = "/reservations", tag = "booking", request_body = NewReservationBody,
    responses((status = 201, description = "the seats are reserved", body = Reservation,
        headers(("Location" = String, description = "the reservation"))))
)]
pub async fn create(
    Shared(app): Shared<App>,
    caller: Caller,
    key: IdempotencyKey,
    Extension(context): Extension<RequestContext>,
    body: JsonBody<NewReservation>,
) -> Result<Response, Problem> {
    caller.may_book()?;
    let wanted = body.value;
    let user = user(&app, &caller, &wanted).await?;
    let (event, seats) = seats(&app, &wanted).await?;
    turn_losers_away(&app, event, &seats, user).await?;

    let request = idempotency::Request::new(&caller, key, "POST /reservations", &body.digest);
    let hold = app.service.config.booking.clone();
    if seats.len() > hold.seats_max {
        return Err(too_many(hold.seats_max));
    }
    let worker = app.clone();
    idempotency::once(&app, request, event.bucket(), async move |id| {
        reserve(&worker, id, event, seats, user, context.trace.to_string()).await
    })
    .await
}

/// Starts the saga under the effect's id, which is the reservation's id too, so that a repetition finds both.
async fn reserve(
    app: &App,
    id: Uuid,
    event: EventId,
    seats: SeatList,
    user: UserId,
    trace: String,
) -> Result<Done, Problem> {
    let reservation = ReservationId::from_uuid(id);
    let request = BookingRequest {
        event,
        reservation,
        user,
        seats,
        hold: None,
        payment_attempts_max: app.service.config.booking.payment_attempts_max,
    };
    let handle = app.service.client.start::<Booking>(request).id(SagaId::from_uuid(id)).trace(trace).await?;
    match handle.reached::<Reserve>(RESERVE_MAX).await? {
        Reached::Done(made) => {
            let ids: Vec<SeatId> = made.seats.iter().map(|held| held.seat).collect();
            let now = now(&mut *app.service.connection().await?).await?;
            let body = Reservation {
                reservation_id: id,
                saga_id: id,
                user_id: user.uuid(),
                event_id: made.event.uuid(),
                seats: view::seats(app, &ids).await?,
                status: State::Pending,
                amount: made.amount.into(),
                reserved_until: time(made.reserved_until),
                expires_in_ms: view::left_ms(made.reserved_until, now),
                server_time: time(now),
                payment_id: None,
                booking_id: None,
                late_payment: None,
            };
            Ok(Done::Effect(Answer::new(StatusCode::CREATED, format!("/reservations/{id}"), &body)?))
        }
        Reached::Rejected(rejected) => Err(refused(app, event, &rejected).await),
        Reached::NotYet => {
            let detail = "the reservation is still being made; repeat the request with the same key";
            Err(Problem::new(ProblemType::Unavailable, detail).retry_after(Duration::from_secs(1)))
        }
        Reached::TurnedBack(cause @ Cause::Failed { .. }) => {
            let detail =
                "nothing was reserved, because the database could not write it; try again with a new key";
            let problem = Problem::new(ProblemType::Unavailable, detail).retry_after(Duration::from_secs(1));
            Err(problem.because(format!("reserving turned back: {cause:?}")))
        }
        Reached::TurnedBack(cause) => Err(Problem::internal(format!("reserving turned back: {cause:?}"))),
        Reached::Stuck(cause) => Err(Problem::internal(format!("reserving is stuck: {cause:?}"))),
        Reached::Passed => Err(Problem::internal("the saga ended without reserving")),
    }
}

/// The database's refusal as a problem. The owners of the seats are noted in Redis, where later requests find them.
async fn refused(app: &App, event: EventId, rejected: &Rejected) -> Problem {
    let refusal = match serde_json::from_value::<Refusal>(rejected.data.clone()) {
        Ok(refusal) => refusal,
        Err(error) => return Problem::internal(error),
    };
    match refusal {
        Refusal::SaleClosed => Problem::new(ProblemType::SaleClosed, "the event is not on sale"),
        Refusal::TooMany { seats_max } => too_many(seats_max),
        Refusal::SeatsLost { seats } => {
            let owners: Vec<_> = seats.iter().filter_map(|lost| Some((lost.seat, lost.owner?))).collect();
            if !owners.is_empty() {
                // The locks' own clock is Redis'; a TTL that is some milliseconds off hurts nobody.
                let _ = app.service.locks.note_owners(event, &owners, chrono::Utc::now()).await;
            }
            let lost = seats.iter().filter_map(|lost| {
                let reason = match lost.reason {
                    Why::Held => LostReason::Held,
                    Why::Sold => LostReason::Sold,
                    Why::Blocked => LostReason::Blocked,
                    Why::Unknown => return None, // it was found before, so it was deleted meanwhile
                };
                Some(LostSeat { seat_id: lost.seat.uuid(), reason })
            });
            Problem::seats_unavailable(lost.collect())
        }
    }
}

/// Refuses without the database when somebody else's lock is on a seat. A lock of this user's own may be the first
/// try of this very request, and a lock without a note can't be told from it: those go on, and the key decides.
async fn turn_losers_away(app: &App, event: EventId, seats: &SeatList, user: UserId) -> Result<(), Problem> {
    let Locks::Answered(locked) = app.service.locks.peek(event, seats).await else { return Ok(()) };
    if locked.is_empty() {
        return Ok(());
    }
    let owners: Vec<ReservationId> = locked.iter().map(|(_, value)| value.reservation).collect();
    let Locks::Answered(holds) = app.service.locks.holds(event, &owners).await else { return Ok(()) };
    let others: HashSet<ReservationId> =
        holds.iter().filter(|hold| hold.user != user).map(|hold| hold.reservation).collect();
    let lost: Vec<LostSeat> = locked
        .iter()
        .filter(|(_, value)| others.contains(&value.reservation))
        .map(|(seat, _)| LostSeat { seat_id: seat.uuid(), reason: LostReason::Held })
        .collect();
    if lost.is_empty() { Ok(()) } else { Err(Problem::seats_unavailable(lost)) }
}

/// The user who gets the seats. A customer books for itself; a service names the user.
async fn user(app: &App, caller: &Caller, wanted: &NewReservation) -> Result<UserId, Problem> {
    match (caller.user, wanted.user) {
        (Some(own), None) => Ok(own),
        (Some(own), Some(named)) if own == named => Ok(own),
        (Some(_), Some(_)) => Err(Problem::wrong_field("/user_id", "a customer can book only for itself")),
        (None, None) if caller.role == Role::Service => Err(Problem::wrong_field(
            "/user_id",
            "is missing: a service must name the user that it books for",
        )),
        (None, named) => {
            let named = named.ok_or_else(|| Problem::wrong_field("/user_id", "is missing"))?;
            let exists = store::users::exists(&mut *app.service.connection().await?, named).await?;
            if exists { Ok(named) } else { Err(Problem::wrong_field("/user_id", "there is no such user")) }
        }
    }
}

/// The event and its seats. Every seat must exist and be named once, and there must not be too many.
async fn seats(app: &App, wanted: &NewReservation) -> Result<(EventId, SeatList), Problem> {
    if wanted.seats.is_empty() || wanted.seats.len() > SEATS_MAX {
        return Err(too_many(SEATS_MAX));
    }
    let found = app.directory.find(&app.service, &wanted.seats).await?;
    let event = wanted.event.or_else(|| found.iter().flatten().next().map(|seat| seat.event));
    let mut errors = Vec::new();
    for (index, (id, seat)) in wanted.seats.iter().zip(&found).enumerate() {
        let detail = if wanted.seats[..index].contains(id) {
            "appears twice"
        } else if seat.as_ref().is_none_or(|seat| Some(seat.event) != event) {
            "there is no such seat at this event"
        } else {
            continue;
        };
        errors.push(FieldError { pointer: wanted.pointer(index), detail: detail.into() });
    }
    match (event, SeatList::try_from(wanted.seats.clone())) {
        (Some(event), Ok(seats)) if errors.is_empty() => Ok((event, seats)),
        _ => Err(Problem::validation(errors)),
    }
}

fn too_many(most: usize) -> Problem {
    Problem::wrong_field("/seat_ids", format!("must name 1 to {most} seats"))
}
