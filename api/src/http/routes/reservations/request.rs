//! The body of `POST /reservations`.

use super::super::super::extract::{Fields, FromFields};
use serde::Serialize;
use steps::{EventId, SeatId, UserId};
use utoipa::ToSchema;
use uuid::Uuid;

/// One seat, or several of one event.
#[derive(Clone, Debug)]
pub struct NewReservation {
    /// The event; `None` if a single seat names it.
    pub event: Option<EventId>,
    /// The seats, in the caller's order.
    pub seats: Vec<SeatId>,
    /// The user who gets the seats, if a service asks.
    pub user: Option<UserId>,
    /// Whether the seats came as `seat_ids`, for pointers.
    pub several: bool,
}

/// As the document describes it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = NewReservation)]
#[allow(dead_code, reason = "only its schema is used")]
pub enum NewReservationBody {
    /// One seat.
    One(OneSeat),
    /// Several seats of one event.
    Several(SeveralSeats),
}

/// One seat.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct OneSeat {
    /// The seat to reserve.
    seat_id: Uuid,
    /// The user who gets the seats. A service must name it, and nobody else may.
    user_id: Option<Uuid>,
}

/// Several seats of one event.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct SeveralSeats {
    /// The event of the seats.
    event_id: Uuid,
    /// The seats to reserve, each once.
    #[schema(min_items = 1, max_items = 10)]
    seat_ids: Vec<Uuid>,
    /// The user who gets the seats. A service must name it, and nobody else may.
    user_id: Option<Uuid>,
}

impl FromFields for NewReservation {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let user = fields.optional("user_id");
        if fields.has("seat_id") {
            let seat = fields.required("seat_id");
            return Some(Self { event: None, seats: vec![seat?], user: user?, several: false });
        }
        let (event, seats) = (fields.required("event_id"), fields.required("seat_ids"));
        Some(Self { event: Some(event?), seats: seats?, user: user?, several: true })
    }
}

impl NewReservation {
    /// The pointer to the seat with this index.
    pub fn pointer(&self, index: usize) -> String {
        if self.several { format!("/seat_ids/{index}") } else { "/seat_id".into() }
    }
}
