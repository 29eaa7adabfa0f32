//! Venues in the database: loading one, and completing a load that was killed.

use crate::support::{database, moment};
use steps::status::SaleStatus;
use steps::store::{events, seats};
use steps::venue::{Kind, LoadError, Opening, Venue, load};
use steps::{Currency, EventId};

fn opening() -> Opening<'static> {
    Opening { name: "A night out", starts_at: moment(1_000_000), currency: Currency::EUR }
}

#[tokio::test]
async fn a_house_is_loaded_once_and_its_sale_opens_when_all_seats_are_in() {
    let database = database().await;
    let mut connection = database.connect().await;
    let venue = Venue::generate(Kind::Theatre, 7);
    let loaded = load(&mut connection, &venue, &opening(), moment(0)).await.unwrap();
    assert_eq!((loaded.seats, loaded.new), (500, true));
    let again = load(&mut connection, &venue, &opening(), moment(1)).await.unwrap();
    assert_eq!((again.event, again.new), (loaded.event, false));
    let other =
        load(&mut connection, &Venue::generate(Kind::Theatre, 8), &opening(), moment(0)).await.unwrap();
    assert_ne!(other.event, loaded.event);

    let event = events::find(&mut connection, loaded.event).await.unwrap().unwrap();
    assert_eq!((event.sale, event.venue.as_str(), event.seed), (SaleStatus::Open, "theatre", Some(7)));
    let rows = seats::list_of_event(&mut connection, loaded.event).await.unwrap();
    assert_eq!(rows.len(), 500);
    assert!(rows.iter().all(|seat| seat.seat.bucket() == loaded.event.bucket()));
    let stalls = rows.iter().find(|seat| seat.section == "Stalls").unwrap();
    assert_eq!(stalls.label(), "Stalls, row A, seat 1");
}

#[tokio::test]
async fn a_loading_that_was_killed_half_way_is_completed_by_the_next() {
    let database = database().await;
    let mut connection = database.connect().await;
    let venue = Venue::generate(Kind::Theatre, 1);
    let loaded = load(&mut connection, &venue, &opening(), moment(0)).await.unwrap();
    // A load that was killed leaves this behind: the event is there, closed, and has no seats yet.
    sqlx::raw_sql("delete from booking.seats; update booking.events set sale = 'CLOSED'")
        .execute(&mut connection)
        .await
        .unwrap();
    let again = load(&mut connection, &venue, &opening(), moment(1)).await.unwrap();
    assert_eq!((again.event, again.new), (loaded.event, true));
    sqlx::raw_sql("delete from booking.seats where number = 1").execute(&mut connection).await.unwrap();
    let refused = load(&mut connection, &venue, &opening(), moment(2)).await;
    assert!(matches!(refused, Err(LoadError::OtherSeats { expected: 500, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_stadium_is_loaded_in_one_go() {
    let database = database().await;
    let mut connection = database.connect().await;
    let loaded =
        load(&mut connection, &Venue::generate(Kind::Stadium, 1), &opening(), moment(0)).await.unwrap();
    assert_eq!(seats::count(&mut connection, loaded.event).await.unwrap(), 80_000);
    let nowhere = EventId::new_in(loaded.event.bucket());
    assert_eq!(seats::count(&mut connection, nowhere).await.unwrap(), 0);
}
