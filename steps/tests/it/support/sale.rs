//! An event with a few seats on sale, and what the tests do with it.

use super::{Database, database};
use chrono::{DateTime, TimeDelta, Utc};
use orchestrator::{Bucket, SagaId};
use sqlx::{Connection, PgConnection};
use std::time::Duration;
use steps::money::{Currency, Money};
use steps::status::{ReservationStatus, SaleStatus, SeatStatus};
use steps::store::bookings::{self, Confirm, ConfirmOutcome};
use steps::store::payments::{self, Applied, News, Order, OrderOutcome};
use steps::store::reservations::{self, End, EndOutcome, ReservationRow};
use steps::store::seats::{self, Lost, LostReason, Refusal, Take, TakeOutcome, Taken};
use steps::store::{events, events::NewEvent};
use steps::{BookingId, EventId, PaymentId, ReservationId, SeatId, SeatList, UserId};

/// A moment, so many seconds into the sale.
pub fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
}

/// What each seat costs.
pub const PRICE: i64 = 4_500;

/// An event on sale.
pub struct Sale {
    pub database: Database,
    pub connection: PgConnection,
    pub event: EventId,
    pub seats: Vec<SeatId>,
    pub user: UserId,
}

impl Sale {
    /// With so many seats in a row.
    pub async fn of(seats: usize) -> Self {
        let database = database().await;
        let mut connection = database.connect().await;
        let event = add_event(&mut connection, "hall", 1).await;
        let seats = add_seats(&mut connection, event, seats).await;
        let user = UserId::new_in(Bucket::of_key("ada@example.org"));
        Self { database, connection, event, seats, user }
    }

    /// A wish for the seats with these numbers.
    pub fn take(&self, numbers: &[usize]) -> Take {
        let bucket = self.event.bucket();
        Take {
            reservation: ReservationId::new_in(bucket),
            saga: SagaId::new_in(bucket),
            user: self.user,
            seats: SeatList::try_from(numbers.iter().map(|number| self.seats[*number]).collect::<Vec<_>>())
                .unwrap(),
            hold: Some(Duration::from_secs(300)),
            revives: None,
        }
    }

    /// Takes seats in a transaction that commits.
    pub async fn take_all(&mut self, takes: &[Take], now: DateTime<Utc>) -> Vec<TakeOutcome> {
        let mut tx = self.connection.begin().await.unwrap();
        let outcomes = seats::take_all(&mut tx, takes, now).await.unwrap();
        tx.commit().await.unwrap();
        outcomes
    }

    /// Takes seats that must be free.
    pub async fn reserve(&mut self, numbers: &[usize], now: DateTime<Utc>) -> ReservationId {
        let take = self.take(numbers);
        let outcomes = self.take_all(std::slice::from_ref(&take), now).await;
        taken(&outcomes[0]);
        take.reservation
    }

    /// Orders a payment and has the gateway secure the money.
    pub async fn pay(&mut self, reservation: ReservationId, now: DateTime<Utc>) -> PaymentId {
        let payment = self.order(reservation, now).await;
        let money = self.reservation(reservation).await.amount;
        let news = [(payment, News::Held { reference: format!("pi_{payment}"), money })];
        let applied = payments::apply_all(&mut self.connection, &news, now).await.unwrap();
        assert!(matches!(applied[0], Applied::Changed { .. }), "{applied:?}");
        payment
    }

    /// Orders a payment.
    pub async fn order(&mut self, reservation: ReservationId, now: DateTime<Utc>) -> PaymentId {
        let payment = PaymentId::new_in(self.event.bucket());
        let order = Order { payment, reservation, amount: None, gateway: "stripe".to_owned() };
        let outcome = payments::order(&mut self.connection, &order, now).await.unwrap();
        assert!(matches!(outcome, OrderOutcome::Ordered { .. }), "{outcome:?}");
        payment
    }

    /// Confirms one booking.
    pub async fn confirm(&mut self, reservation: ReservationId, payment: PaymentId) -> ConfirmOutcome {
        let confirm = self.confirmation(reservation, payment);
        bookings::confirm_all(&mut self.connection, &[confirm], moment(1)).await.unwrap().remove(0)
    }

    /// A booking to be confirmed.
    pub fn confirmation(&self, reservation: ReservationId, payment: PaymentId) -> Confirm {
        let booking = BookingId::new_in(self.event.bucket());
        Confirm { reservation, payment, booking, code: "ABCDEFGHJKMN".to_owned() }
    }

    /// Ends one reservation as EXPIRED.
    pub async fn expire(&mut self, reservation: ReservationId, now: DateTime<Utc>) -> EndOutcome {
        let end = End { reservation, status: ReservationStatus::Expired };
        reservations::end_all(&mut self.connection, &[end], now).await.unwrap().remove(0)
    }

    /// The reservation's row.
    pub async fn reservation(&mut self, reservation: ReservationId) -> ReservationRow {
        reservations::find(&mut self.connection, reservation).await.unwrap().unwrap()
    }

    /// The status of every seat, in their order.
    pub async fn statuses(&mut self) -> Vec<SeatStatus> {
        let states = seats::list_states(&mut self.connection, self.event).await.unwrap();
        states.into_iter().map(|state| state.status).collect()
    }

    /// The number that this `select count(*)` gives.
    pub async fn count(&mut self, what: &'static str) -> i64 {
        sqlx::query_scalar(what).fetch_one(&mut self.connection).await.unwrap()
    }
}

/// The seats of a winner.
pub fn taken(outcome: &TakeOutcome) -> &Taken {
    match outcome {
        TakeOutcome::Taken(taken) => taken,
        TakeOutcome::Refused(refusal) => panic!("refused: {refusal:?}"),
        TakeOutcome::Busy => panic!("somebody has a seat locked"),
    }
}

/// Which seats a loser lost, and why.
pub fn lost_seats(outcome: &TakeOutcome) -> Vec<(SeatId, LostReason)> {
    match outcome {
        TakeOutcome::Refused(Refusal::SeatsLost { seats }) => {
            seats.iter().map(|Lost { seat, reason, .. }| (*seat, *reason)).collect()
        }
        other => panic!("not a loss of seats: {other:?}"),
    }
}

/// An event on sale, without seats.
pub async fn add_event(connection: &mut PgConnection, venue: &str, seed: i64) -> EventId {
    let event = EventId::new_in(Bucket::of_key(&format!("{venue}/{seed}")));
    let new = NewEvent {
        event,
        name: "A night out",
        venue,
        seed: Some(seed),
        currency: Currency::EUR,
        starts_at: moment(1_000_000),
    };
    let event = events::ensure(connection, &new, moment(0)).await.unwrap();
    events::set_sale(connection, event, SaleStatus::Open).await.unwrap();
    event
}

/// So many seats in one row.
pub async fn add_seats(connection: &mut PgConnection, event: EventId, count: usize) -> Vec<SeatId> {
    let mut seats: Vec<_> = (0..count).map(|_| SeatId::new_in(event.bucket())).collect();
    seats.sort_unstable();
    for (number, seat) in seats.iter().enumerate() {
        sqlx::query(
            "insert into booking.seats (id, bucket, event_id, price_minor, number, x_dm, y_dm, section, row_name, tier)
             values ($1, $2, $3, $4, $5, 0, 0, 'Stalls', 'A', 'standard')",
        )
        .bind(seat.uuid())
        .bind(seat.bucket().number())
        .bind(event.uuid())
        .bind(PRICE)
        .bind(number as i16 + 1)
        .execute(&mut *connection)
        .await
        .unwrap();
    }
    seats
}

/// So many times the price of a seat.
pub fn price_of(seats: i64) -> Money {
    Money::new(seats * PRICE, Currency::EUR)
}
