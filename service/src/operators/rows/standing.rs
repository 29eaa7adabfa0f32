//! The service's rows of one saga, as they are now.

use super::super::Money;
use super::store;
use chrono::{DateTime, Utc};
use orchestrator::{
    Bucket, SagaId, Step,
    lookup::{self, Beginning},
};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use steps::Pay;
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::{BookingRequest, CancellationRequest, FailedRefund, LateMoney};

/// The rows of a saga. A preview shows them before and after an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Standing {
    /// Its reservations, with their seats.
    pub reservations: Vec<ReservationStanding>,
    /// Its payments, each with the place of its money.
    pub payments: Vec<PaymentStanding>,
    /// Its bookings.
    pub bookings: Vec<BookingStanding>,
}

/// A reservation as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReservationStanding {
    /// Its id.
    pub id: Uuid,
    /// Its status: PENDING, CONFIRMED, EXPIRED or CANCELLED.
    pub status: String,
    /// The event.
    pub event_id: Uuid,
    /// The name of the event.
    pub event: String,
    /// The user.
    pub user_id: Uuid,
    /// The user's name, as they gave it.
    pub user: Option<String>,
    /// The price of all its seats.
    pub amount: Money,
    /// The time until which its seats are held.
    pub reserved_until: DateTime<Utc>,
    /// The last payment that was ordered for it.
    pub payment_id: Option<Uuid>,
    /// The booking that it became.
    pub booking_id: Option<Uuid>,
    /// The ended reservation that it revives.
    pub revives: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was confirmed, expired or cancelled.
    pub ended_at: Option<DateTime<Utc>>,
    /// The seats that it claims, or claimed.
    pub seats: Vec<SeatStanding>,
}

/// A seat that a reservation claims, or claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SeatStanding {
    /// Its id.
    pub id: Uuid,
    /// Section, row and number.
    pub label: String,
    /// Its status: AVAILABLE, RESERVED or BOOKED.
    pub status: String,
    /// Whether this reservation has it now.
    pub own: bool,
    /// The number of the hold under which this reservation took it.
    pub hold: i64,
    /// The time until which somebody holds it.
    pub reserved_until: Option<DateTime<Utc>>,
}

/// A payment as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PaymentStanding {
    /// Its id.
    pub id: Uuid,
    /// The reservation that it pays for.
    pub reservation_id: Uuid,
    /// Its status: INITIATED, SUCCESS, FAILED or REFUNDED.
    pub status: String,
    /// The state of its money: UNSECURED, HELD, OWED, CAPTURED, VOIDED or REFUNDED.
    pub money: String,
    /// The amount that was ordered.
    pub amount: Money,
    /// The gateway that it was ordered at.
    pub gateway: String,
    /// The gateway's name for it.
    pub gateway_reference: Option<String>,
    /// The gateway's reason, if it failed.
    pub failure: Option<String>,
    /// Whether the customer's bank disputes it.
    pub disputed: bool,
    /// The reservation that it was meant for, if it came too late or twice.
    pub late_for: Option<Uuid>,
    /// When it was ordered.
    pub created_at: DateTime<Utc>,
    /// When the gateway's first definite answer was recorded.
    pub settled_at: Option<DateTime<Utc>>,
    /// The sums of its money.
    pub ledger: LedgerStanding,
}

/// The sums of a payment's rows in the ledger, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerStanding {
    /// Held at the customer's bank for us.
    pub held_minor: i64,
    /// Captured in total.
    pub captured_minor: i64,
    /// Refunded.
    pub refunded_minor: i64,
    /// Owed to the customer, and not refunded yet.
    pub owed_minor: i64,
    /// Frozen by a dispute.
    pub disputed_minor: i64,
}

/// A booking as it is now. Its code is the customer's secret and is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BookingStanding {
    /// Its id.
    pub id: Uuid,
    /// Its status: CONFIRMED or CANCELLED.
    pub status: String,
    /// The reservation that it confirms.
    pub reservation_id: Uuid,
    /// The payment that paid for it.
    pub payment_id: Uuid,
    /// When it was confirmed.
    pub created_at: DateTime<Utc>,
    /// When it was cancelled.
    pub cancelled_at: Option<DateTime<Utc>>,
}

/// The ids of everything that belongs to a saga, all in its bucket.
#[derive(Debug, Default)]
struct Ids {
    reservations: BTreeSet<Uuid>,
    payments: BTreeSet<Uuid>,
    bookings: BTreeSet<Uuid>,
}

/// Reads the rows of a saga; `None` for workflows that have none.
pub(in crate::operators) async fn of(
    connection: &mut PgConnection,
    saga: SagaId,
) -> Result<Option<Standing>, sqlx::Error> {
    let bucket = saga.bucket();
    let Some(Beginning { workflow, input }) = lookup::find_beginning(connection, saga).await? else {
        return Ok(None);
    };
    let Some(mut ids) = Ids::of(&workflow, input) else { return Ok(None) };
    // The payments that it has asked the gateway for.
    let asked = lookup::inputs_of(connection, saga, Pay::NAME).await?;
    ids.payments.extend(asked.iter().filter_map(|input| input["payment"].as_str()?.parse::<Uuid>().ok()));
    // Each read may find more ids: a booking names its reservation and payment, a payment its reservation.
    for booking in store::bookings(connection, bucket, &ids.bookings).await? {
        ids.reservations.insert(booking.reservation_id);
        ids.payments.insert(booking.payment_id);
    }
    for payment in store::payments(connection, bucket, &ids.payments).await? {
        ids.reservations.insert(payment.reservation_id);
    }
    let mut reservations = store::reservations(connection, bucket, &ids.reservations).await?;
    for reservation in &mut reservations {
        ids.payments.extend(reservation.payment_id);
        ids.bookings.extend(reservation.booking_id);
        reservation.user = store::user_name(connection, reservation.user_id).await?;
    }
    Ok(Some(Standing {
        reservations,
        payments: store::payments(connection, bucket, &ids.payments).await?,
        bookings: store::bookings(connection, bucket, &ids.bookings).await?,
    }))
}

impl Ids {
    /// The ids in a saga's input; `None` if the workflow is not ours, or if this binary can't read the input.
    fn of(workflow: &str, input: Value) -> Option<Self> {
        let mut ids = Self::default();
        match workflow {
            "booking" => {
                let request: BookingRequest = serde_json::from_value(input).ok()?;
                ids.reservations.insert(request.reservation.uuid());
            }
            "cancellation" => {
                let request: CancellationRequest = serde_json::from_value(input).ok()?;
                ids.bookings.insert(request.booking.uuid());
            }
            "late_payment" => {
                let late: LateMoney = serde_json::from_value(input).ok()?;
                ids.reservations.extend([late.reservation.uuid(), late.late_for.uuid()]);
                ids.payments.extend([late.named.uuid(), late.payment.uuid()]);
            }
            "repayment" => {
                let failed: FailedRefund = serde_json::from_value(input).ok()?;
                ids.payments.insert(failed.payment.uuid());
            }
            _ => return None,
        }
        Some(ids)
    }
}

/// The ids as the statements take them, all of one bucket.
pub(super) fn listed(ids: &BTreeSet<Uuid>, bucket: Bucket) -> (Vec<Uuid>, i16) {
    (ids.iter().copied().collect(), bucket.number())
}
