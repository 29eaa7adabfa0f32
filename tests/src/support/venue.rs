//! The one venue of the tests: an event on sale, with seats in one row.

use orchestrator::Bucket;
use sqlx::PgPool;
use std::time::Duration;
use steps::{EventId, PaymentId, ReservationId, SeatId, SeatList, UserId, gateway::instant};
use workflows::{BookingRequest, PaymentOrder};

/// What a seat costs unless a test says otherwise, in minor units.
pub const PRICE: i64 = 12_500;

/// An event that is going to be put on sale.
#[derive(Clone, Debug)]
pub struct Venue {
    /// What it is called; also decides its bucket.
    pub name: String,
    /// What its seats are paid in.
    pub currency: &'static str,
    /// How many seats it has.
    pub seats: i16,
    /// What each costs, in minor units.
    pub price_minor: i64,
    /// The section of the venue that they are in.
    pub section: String,
    /// The row that they are in.
    pub row: &'static str,
    /// The number of the seat that can't be sold.
    pub blocked: Option<i16>,
    /// How long a reservation holds its seats.
    pub hold: Duration,
    /// From now until it begins.
    pub starts_in: Duration,
}

/// An event on sale, and its seats in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Show {
    /// Its id.
    pub event: EventId,
    /// Their ids.
    pub seats: Vec<SeatId>,
}

impl Venue {
    /// One of its own name with so many seats, held for five minutes; it begins in thirty days.
    pub fn with_seats(seats: i16) -> Self {
        Self {
            name: uuid::Uuid::now_v7().to_string(),
            currency: "EUR",
            seats,
            price_minor: PRICE,
            section: "Stalls".into(),
            row: "A",
            blocked: None,
            hold: Duration::from_secs(300),
            starts_in: Duration::from_secs(30 * 86_400),
        }
    }

    /// Puts it on sale.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open(&self, pool: &PgPool) -> Result<Show, sqlx::Error> {
        let bucket = Bucket::of_key(&self.name);
        let event = EventId::new_in(bucket);
        let made = "insert into booking.events
                (id, bucket, name, venue, currency, starts_at, sale, hold_ms, created_at)
            values ($1, $2, $3, $3, $4, now() + $5 * interval '1 second', 'OPEN', $6, now())";
        sqlx::query(made)
            .bind(event.uuid())
            .bind(bucket.number())
            .bind(&self.name)
            .bind(self.currency)
            .bind(self.starts_in.as_secs_f64())
            .bind(i64::try_from(self.hold.as_millis()).expect("a hold is seconds"))
            .execute(pool)
            .await?;
        let seats: Vec<SeatId> = (0..self.seats).map(|_| SeatId::new_in(bucket)).collect();
        let made = "insert into booking.seats
                (id, bucket, event_id, price_minor, number, x_dm, y_dm, section, row_name, tier, blocked)
            select seat.id, $2, $3, $4, seat.number, seat.number, 0, $5, $6, 'standard',
                seat.number is not distinct from $7
            from unnest($1::uuid[]) with ordinality as seat (id, number)";
        sqlx::query(made)
            .bind(seats.iter().map(|seat| seat.uuid()).collect::<Vec<_>>())
            .bind(bucket.number())
            .bind(event.uuid())
            .bind(self.price_minor)
            .bind(&self.section)
            .bind(self.row)
            .bind(self.blocked)
            .execute(pool)
            .await?;
        Ok(Show { event, seats })
    }
}

impl Show {
    /// A new customer's request to book these seats.
    pub fn request(&self, seats: &[SeatId]) -> BookingRequest {
        BookingRequest {
            event: self.event,
            reservation: ReservationId::new_in(self.event.bucket()),
            user: UserId::new_in(Bucket::of_key("ada@example.org")),
            seats: SeatList::try_from(seats.to_vec()).expect("these are few, and each is named once"),
            hold: None,
            payment_attempts_max: 1,
        }
    }

    /// A new order to pay through the gateway in the process.
    pub fn order(&self) -> PaymentOrder {
        PaymentOrder {
            payment: PaymentId::new_in(self.event.bucket()),
            method: "pm_card_visa".parse().expect("it is a payment method's name"),
            gateway: instant::PROVIDER.into(),
        }
    }
}
