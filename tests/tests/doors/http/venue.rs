//! Events on sale, as the tests of the API have them.

use super::client::Service;
use std::time::Duration;
use steps::{EventId, SeatId};
use tests::support::{Show, Venue};

/// An event that begins now, with so many cheap seats; number 3 is blocked.
pub async fn event(service: &Service, name: &str, seats: i16) -> (EventId, Vec<SeatId>) {
    let venue = Venue {
        name: name.into(),
        price_minor: 2_500,
        section: "stalls".into(),
        blocked: Some(3),
        starts_in: Duration::ZERO,
        ..Venue::with_seats(seats)
    };
    let Show { event, seats } = service.open_venue(&venue).await;
    (event, seats)
}
