//! `POST /bookings/{id}/cancellation`: cancels a booking. The money goes back first, then the seats are freed.

use super::{
    super::{
        super::{
            app::App,
            auth::Caller,
            context::RequestContext,
            extract::{Expected, Fields, FromFields, Id, JsonBody},
            idempotency::{self, Answer, Done, IdempotencyKey},
            problem::{Problem, ProblemType},
            wait::{LOOK_AGAIN, Wait, retry_after},
        },
        reservations,
    },
    view::Booking,
};
use axum::{Extension, extract::State, http::StatusCode, response::Response};
use orchestrator::{Ended, Reached, Rejected, SagaId};
use std::{str::FromStr, time::Duration};
use steps::{BookingId, Decide, store::bookings};
use utoipa::ToSchema;
use workflows::{Cancellation, CancellationRequest};

/// How long to wait for the decision if the caller doesn't say: longer than a commit of a busy lane.
const DECIDE_MAX: Duration = Duration::from_secs(5);
/// The longest reason that is kept, in characters.
const REASON_CHARS_MAX: usize = 500;

/// Why a booking is cancelled, if the caller says so.
#[derive(Clone, Debug)]
pub struct NewCancellation(Option<Reason>);

/// A text of bounded length.
#[derive(Clone, Debug)]
struct Reason(String);

impl FromStr for Reason {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.chars().count() <= REASON_CHARS_MAX { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

impl Expected for Reason {
    const EXPECTED: &'static str = "text of at most 500 characters";
}

/// As the document describes it.
#[derive(ToSchema)]
#[schema(as = NewCancellation)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct NewCancellationBody {
    /// Why, in the caller's words.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

impl FromFields for NewCancellation {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.optional("reason").map(Self)
    }
}

/// Cancels a booking and gives its money back.
#[utoipa::path(
    post, operation_id = "cancel_booking", path = "/bookings/{id}/cancellation", tag = "booking",
    request_body = NewCancellationBody,
    params(
        ("id" = uuid::Uuid, Path, description = "the booking"),
        ("Prefer" = Option<String>, Header, description = "`wait=10` waits up to 10 seconds for the refund"),
    ),
    responses(
        (status = 200, description = "cancelled, and the gateway has accepted the refund; only with `Prefer: wait`", body = Booking),
        (status = 202, description = "cancelled; `refund` says how much of the money has gone back", body = Booking),
    )
)]
pub async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<BookingId>,
    key: IdempotencyKey,
    wait: Wait,
    Extension(context): Extension<RequestContext>,
    body: JsonBody<NewCancellation>,
) -> Result<Response, Problem> {
    caller.may_book()?;
    let found = bookings::find(&mut *app.service.connection().await?, id).await?;
    found.filter(|row| caller.may_see(row.user)).ok_or_else(Problem::not_found)?;
    let path = format!("POST /bookings/{id}/cancellation");
    let request = idempotency::Request::new(&caller, key, &path, &body.digest);
    let worker = app.clone();
    let wanted = CancellationRequest {
        booking: id,
        by: caller.principal(),
        reason: body.value.0.map(|reason| reason.0),
    };
    let response = idempotency::once(&app, request, id.bucket(), async move |effect| {
        give_back(&worker, &caller, SagaId::from_uuid(effect), wanted, wait, context.trace.to_string()).await
    })
    .await?;
    Ok(match response.status() {
        StatusCode::OK => wait.applied(response),
        _ => retry_after(response, LOOK_AGAIN),
    })
}

/// The problem of a refusal. It leaves no saga, so its key is free again.
async fn give_back(
    app: &App,
    caller: &Caller,
    saga: SagaId,
    wanted: CancellationRequest,
    wait: Wait,
    trace: String,
) -> Result<Done, Problem> {
    let booking = wanted.booking;
    let handle = app.service.client.start::<Cancellation>(wanted).id(saga).trace(trace).await?;
    let decided = app.service.while_staying(handle.reached::<Decide>(DECIDE_MAX)).await.transpose()?;
    match decided {
        Some(Reached::Rejected(rejected)) => return Err(closed(&rejected)),
        Some(
            Reached::Done(_) | Reached::NotYet | Reached::Passed | Reached::Stuck(_) | Reached::TurnedBack(_),
        )
        | None => {}
    }
    let ended = match wait.0 {
        Some(within) => app.service.while_staying(handle.result(within)).await.transpose()?,
        None => None,
    };
    let status = match ended {
        Some(Ended::Completed(_)) => StatusCode::OK,
        Some(Ended::Unwound(_) | Ended::Stuck(_) | Ended::NotYet) | None => StatusCode::ACCEPTED,
    };
    let row = bookings::find(&mut *app.service.connection().await?, booking).await?;
    let row = row.ok_or_else(|| Problem::internal(format!("booking {booking} no longer exists")))?;
    let (reservation, _) = reservations::find(app, caller, row.reservation).await?;
    let body = Booking::of(app, &row, &reservation).await?;
    Ok(Done::Effect(Answer::new(status, format!("/bookings/{booking}"), &body)?))
}

fn closed(rejected: &Rejected) -> Problem {
    Problem::new(ProblemType::CancellationClosed, rejected.detail.as_str())
}
