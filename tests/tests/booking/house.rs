//! A small house for tests: an event with seats, a buyer, a gateway with books, seat locks under a prefix.

use orchestrator::{Bucket, Database};
use sqlx::PgPool;
use std::time::Duration;
use steps::{
    Cashier, EventId, PaymentId, ReservationId, SeatId, SeatList, Services, UserId,
    gateway::{CaptureMethod, Gateway, instant},
    locks::{KeyTemplate, SeatLocks, SeatLocksConfig},
};
use tests::support::{redis_prefix, server};
use workflows::{BookingRequest, PaymentOrder};

/// What one seat costs, in cents.
pub const PRICE: i64 = 12_500;

/// A database, a gateway and locks; events are made in it at will.
pub struct House {
    database: tests::support::Database,
    pub pool: PgPool,
    pub gateway: instant::Instant,
    pub locks: SeatLocks,
    pub prefix: String,
}

/// An event and its seats.
pub struct Show {
    pub event: EventId,
    pub seats: Vec<SeatId>,
}

impl House {
    pub async fn open() -> Self {
        let database = tests::support::Database::fresh().await;
        let pool = PgPool::connect(database.url()).await.unwrap();
        let prefix = redis_prefix();
        let keys = KeyTemplate::plain(&prefix);
        let config = SeatLocksConfig { keys, ..SeatLocksConfig::new(server().await.redis_url.clone()) };
        let locks = SeatLocks::connect(config).unwrap();
        Self { database, pool, gateway: instant::Instant::new(), locks, prefix }
    }

    pub fn at(&self) -> Database {
        Database::at(self.database.url()).unwrap()
    }

    pub fn services(&self) -> Services {
        let gateway = Gateway::new(self.gateway.clone());
        let cashier = Cashier { gateway, capture: CaptureMethod::Manual, return_url: None };
        Services { locks: self.locks.clone(), cashier }
    }

    /// An event on sale with so many seats, held for `hold`.
    pub async fn show(&self, seats: i16, hold: Duration) -> Show {
        let name = uuid::Uuid::now_v7().to_string();
        let bucket = Bucket::of_key(&name);
        let event = EventId::new_in(bucket);
        let made = "insert into booking.events
                (id, bucket, name, venue, currency, starts_at, sale, hold_ms, created_at)
            values ($1, $2, $3, $3, 'EUR', now() + interval '30 days', 'OPEN', $4, now())";
        sqlx::query(made)
            .bind(event.uuid())
            .bind(bucket.number())
            .bind(&name)
            .bind(hold.as_millis() as i64)
            .execute(&self.pool)
            .await
            .unwrap();
        let ids: Vec<SeatId> = (0..seats).map(|_| SeatId::new_in(bucket)).collect();
        let made = "insert into booking.seats
                (id, bucket, event_id, price_minor, number, x_dm, y_dm, section, row_name, tier)
            select seat.id, $2, $3, $4, seat.number, seat.number, 0, 'Stalls', 'A', 'standard'
            from unnest($1::uuid[]) with ordinality as seat (id, number)";
        sqlx::query(made)
            .bind(ids.iter().map(|seat| seat.uuid()).collect::<Vec<_>>())
            .bind(bucket.number())
            .bind(event.uuid())
            .bind(PRICE)
            .execute(&self.pool)
            .await
            .unwrap();
        Show { event, seats: ids }
    }
}

impl Show {
    /// A new customer's wish for these seats.
    pub fn request(&self, seats: &[SeatId]) -> BookingRequest {
        BookingRequest {
            event: self.event,
            reservation: ReservationId::new_in(self.event.bucket()),
            user: UserId::new_in(Bucket::of_key("ada@example.org")),
            seats: SeatList::try_from(seats.to_vec()).unwrap(),
            hold: None,
        }
    }

    /// A new order to pay.
    pub fn order(&self) -> PaymentOrder {
        PaymentOrder {
            payment: PaymentId::new_in(self.event.bucket()),
            method: "pm_card_visa".parse().unwrap(),
            gateway: instant::PROVIDER.into(),
        }
    }
}
