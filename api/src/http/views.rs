//! Types that several answers share.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use std::sync::Arc;
use steps::store::seats::Seat;
use utoipa::ToSchema;
use uuid::Uuid;

pub use service::operators::Money;

/// A seat of a reservation or booking.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeatView {
    /// The seat's id, for this event.
    pub seat_id: Uuid,
    /// The section of the venue.
    pub section: String,
    /// The row.
    pub row: String,
    /// The number in the row.
    pub number: i16,
}

impl From<&Arc<Seat>> for SeatView {
    fn from(seat: &Arc<Seat>) -> Self {
        Self {
            seat_id: seat.seat.uuid(),
            section: seat.section.clone(),
            row: seat.row.clone(),
            number: seat.number,
        }
    }
}

/// RFC 3339 in UTC with `Z`, to the millisecond.
pub fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
