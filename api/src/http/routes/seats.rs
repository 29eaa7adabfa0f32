//! `GET /events/{id}/seats`: the seats of an event and who has which. Open to everybody.
//!
//! The geometry is large and hardly ever changes; the statuses are small and change all the time. A page reads the
//! geometry once (`?part=geometry`) and then follows the statuses (`?part=status`).

use super::super::{
    app::App,
    conditional::{Conditions, ETag, HOUR, REVALIDATE},
    extract::{Id, Params},
    problem::Problem,
    views::Money,
};
use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use steps::{
    EventId,
    store::{
        events::{self, EventRow},
        seats,
    },
};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// The part that is wanted; both if it is not given.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SeatMapParams {
    /// The part that is wanted; both if it is not given.
    #[param(inline)]
    part: Option<Part>,
}

/// A part of the seat map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The seats themselves, which hardly ever change.
    Geometry,
    /// The statuses, which change all the time.
    Status,
}

/// The seats of an event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeatMap {
    /// The event's id.
    event_id: Uuid,
    /// The version of `status`, raised by every change of it. Absent without `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    version: Option<i64>,
    /// The seats that can't be had, by id; every other seat is `AVAILABLE`. Absent in `part=geometry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Taken>>, nullable = false)]
    status: Option<Arc<RawValue>>,
    /// The seats in the order of the venue. Absent in `part=status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seats: Option<Vec<Seat>>,
}

/// Why a seat can't be had.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
#[allow(dead_code, reason = "the database writes these words; the type is their documentation")]
pub enum Taken {
    /// A pending reservation holds it.
    Reserved,
    /// It is sold.
    Booked,
    /// The venue does not sell it.
    Blocked,
}

/// One seat.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Seat {
    /// The seat's id, for this event.
    seat_id: Uuid,
    /// The section of the venue.
    section: String,
    /// The row.
    row: String,
    /// The number in the row.
    number: i16,
    /// The place on the map, in decimetres to the right.
    x_dm: i16,
    /// The place on the map, in decimetres away from the stage.
    y_dm: i16,
    /// The price class.
    tier: String,
    /// Whether it can be reached by wheelchair.
    accessible: bool,
    /// The price.
    price: Money,
}

/// The seats of a show, and who has which seat.
#[utoipa::path(
    get, operation_id = "read_seats", path = "/events/{id}/seats", tag = "events",
    params(("id" = Uuid, Path, description = "the event"), SeatMapParams),
    responses((status = 200, description = "the seats", body = SeatMap), (status = 304, description = "not changed"))
)]
pub async fn read(
    State(app): State<App>,
    Id(id): Id<EventId>,
    Params(params): Params<SeatMapParams>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let event =
        events::find(&mut *app.service.connection().await?, id).await?.ok_or_else(Problem::not_found)?;
    let statuses = match params.part {
        Some(Part::Geometry) => None,
        Some(Part::Status) | None => Some(app.seats.get(&app.service, id).await?),
    };
    let tag = tag(&event, statuses.as_ref().map(|statuses| statuses.version), params.part);
    let cache = if statuses.is_none() { HOUR } else { REVALIDATE };
    // A caller who has this version gets 304 before the geometry is read.
    let seats = match params.part {
        Some(Part::Status) => None,
        _ if conditions.has(&tag) => None,
        Some(Part::Geometry) | None => Some(house(&app, &event).await?),
    };
    let map = SeatMap {
        event_id: id.uuid(),
        version: statuses.as_ref().map(|statuses| statuses.version),
        status: statuses.map(|statuses| statuses.taken),
        seats,
    };
    Ok(conditions.answer(&tag, cache, &map))
}

/// The geometry changes with the event, the statuses have their own version, and the three forms differ.
fn tag(event: &EventRow, statuses: Option<i64>, part: Option<Part>) -> ETag {
    let form = match part {
        None => "both",
        Some(Part::Geometry) => "geometry",
        Some(Part::Status) => "status",
    };
    let version = statuses.map(|version| version.to_string()).unwrap_or_default();
    ETag::of_parts(&[form, &event.version.to_string(), &version])
}

async fn house(app: &App, event: &EventRow) -> Result<Vec<Seat>, Problem> {
    let rows = seats::list_of_event(&mut *app.service.connection().await?, event.event).await?;
    let seat = |row: seats::Seat| Seat {
        seat_id: row.seat.uuid(),
        section: row.section,
        row: row.row,
        number: row.number,
        x_dm: row.x_dm,
        y_dm: row.y_dm,
        tier: row.tier,
        accessible: row.accessible,
        price: Money { amount: row.price_minor, currency: event.currency.as_str().to_owned() },
    };
    Ok(rows.into_iter().map(seat).collect())
}
