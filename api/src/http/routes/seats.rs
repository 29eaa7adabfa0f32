//! `GET /events/{id}/seats`: the house and who has which seat. Open to everybody.
//!
//! The house hardly ever changes and is large; who has what changes all the time and is small. A page reads the
//! first once (`?part=geometry`) and then follows the second (`?part=status`).

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

/// Which part is wanted; without it, both.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SeatMapParams {
    /// Which part is wanted; without it, both.
    #[param(inline)]
    part: Option<Part>,
}

/// A part of the seat map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The seats themselves, which hardly ever change.
    Geometry,
    /// Who has which, which changes all the time.
    Status,
}

/// The seats of an event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeatMap {
    /// Which event.
    event_id: Uuid,
    /// Raised by every change of `status`. Absent without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    version: Option<i64>,
    /// The seats that can't be had, by id; every other seat is `AVAILABLE`. Absent in `part=geometry`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Taken>>, nullable = false)]
    status: Option<Arc<RawValue>>,
    /// The seats in the order of the house. Absent in `part=status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    seats: Option<Vec<Seat>>,
}

/// Why a seat can't be had.
#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
#[allow(dead_code, reason = "the database writes these words; the type is their documentation")]
pub enum Taken {
    /// A pending reservation has it.
    Reserved,
    /// It is sold.
    Booked,
    /// The house keeps it off sale.
    Blocked,
}

/// One seat.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Seat {
    /// Its id, at this event.
    seat_id: Uuid,
    /// Part of the house.
    section: String,
    /// Row.
    row: String,
    /// Number in the row.
    number: i16,
    /// Place on the map in decimetres, to the right.
    x_dm: i16,
    /// Place on the map in decimetres, away from the stage.
    y_dm: i16,
    /// Price class.
    tier: String,
    /// Reachable by wheelchair.
    accessible: bool,
    /// What it costs.
    price: Money,
}

/// The seats of a show: the house, and who has which seat.
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
    // Whoever has it gets 304 before the house is read.
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

/// The house changes with the event, the statuses with their own version, and the three forms differ.
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
