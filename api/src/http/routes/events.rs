//! `GET /events`, `GET /events/{id}`: what is on sale. Open to everybody.

use super::super::{
    app::App,
    conditional::{Conditions, ETag, REVALIDATE},
    extract::{Id, Params},
    list::{Page, PageParams},
    problem::Problem,
};
use axum::{extract::State, response::Response};
use chrono::SecondsFormat;
use serde::Serialize;
use steps::{
    EventId,
    status::SaleStatus,
    store::events::{self as store, EventRow},
};
use utoipa::ToSchema;
use uuid::Uuid;

/// A show: one venue, one evening, one currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Event {
    /// The event's id.
    event_id: Uuid,
    /// The name of the show.
    name: String,
    /// The venue.
    venue: String,
    /// When it begins, in UTC.
    #[schema(format = DateTime)]
    starts_at: String,
    /// Whether its seats may be reserved.
    sale: Sale,
    /// The currency of all its prices, ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// The most seats of one reservation.
    seats_max: i16,
    /// How long a reservation holds its seats, in milliseconds.
    hold_ms: i64,
    /// The event's version, raised by every change of it. Its seats have a version of their own.
    version: i64,
}

/// Whether an event's seats may be reserved.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Sale {
    /// They may be reserved.
    Open,
    /// They may not be reserved.
    Closed,
}

/// The shows, in the order in which they were announced.
#[utoipa::path(
    get, operation_id = "list_events", path = "/events", tag = "events", params(PageParams),
    responses((status = 200, description = "one page", body = Page<Event>))
)]
pub async fn list(State(app): State<App>, Params(page): Params<PageParams>) -> Result<Response, Problem> {
    let limit = page.limit()?;
    let after: Option<EventId> = page.after()?;
    let found = store::list(&mut *app.service.connection().await?, after, limit as i64 + 1).await?;
    let page = Page::of(found, limit, |event| event.event).map(Event::from);
    Ok(page.answer("/events", limit))
}

/// One show.
#[utoipa::path(
    get, operation_id = "read_event", path = "/events/{id}", tag = "events", params(("id" = Uuid, Path, description = "the event")),
    responses((status = 200, description = "the event", body = Event), (status = 304, description = "not changed"))
)]
pub async fn read(
    State(app): State<App>,
    Id(id): Id<EventId>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let event =
        store::find(&mut *app.service.connection().await?, id).await?.ok_or_else(Problem::not_found)?;
    let tag = ETag::of_version(event.version);
    Ok(conditions.answer(&tag, REVALIDATE, &Event::from(event)))
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        Self {
            event_id: row.event.uuid(),
            name: row.name,
            venue: row.venue,
            starts_at: row.starts_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            sale: match row.sale {
                SaleStatus::Open => Sale::Open,
                SaleStatus::Closed => Sale::Closed,
            },
            currency: row.currency.as_str().to_owned(),
            seats_max: row.seats_max,
            hold_ms: i64::try_from(row.hold.as_millis()).unwrap_or(i64::MAX),
            version: row.version,
        }
    }
}
