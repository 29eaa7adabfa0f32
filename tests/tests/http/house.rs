//! A house to sell: events with seats.

use super::client::Service;
use chrono::Utc;
use orchestrator::Bucket;
use steps::status::SaleStatus;
use steps::store::events::{self, NewEvent};
use steps::{EventId, SeatId};
use tests::support::wait_until;

/// An event on sale with so many seats in one row; number 3 is blocked.
pub async fn event(service: &Service, name: &str, seats: i16) -> (EventId, Vec<SeatId>) {
    let event = EventId::new_in(Bucket::of_key(name));
    let currency = "EUR".parse().unwrap();
    let new = NewEvent { event, name, venue: name, seed: Some(1), currency, starts_at: Utc::now() };
    let mut connection = service.pool.acquire().await.unwrap();
    events::ensure(&mut connection, &new, Utc::now()).await.unwrap();
    let mut made = Vec::new();
    for number in 1..=seats {
        let seat = SeatId::new_in(event.bucket());
        sqlx::query(
            "insert into booking.seats
               (id, event_id, price_minor, bucket, number, x_dm, y_dm, section, row_name, tier, blocked)
             values ($1, $2, 2500, $3, $4, $4, 0, 'stalls', 'A', 'first', $4 = 3)",
        )
        .bind(seat)
        .bind(event)
        .bind(event.bucket().number())
        .bind(number)
        .execute(&mut *connection)
        .await
        .unwrap();
        made.push(seat);
    }
    events::set_sale(&mut connection, event, SaleStatus::Open).await.unwrap();
    (event, made)
}

/// How many rows a query counts.
pub async fn count(service: &Service, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&service.pool).await.unwrap()
}

/// Waits until a query counts so many.
pub async fn until(service: &Service, what: &str, sql: &'static str, wanted: i64) {
    let bound = std::time::Duration::from_secs(10);
    wait_until(what, bound, async || (count(service, sql).await == wanted).then_some(())).await;
}
