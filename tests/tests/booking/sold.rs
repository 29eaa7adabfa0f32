//! Worlds that a saga about money begins in: seats that are sold, and money that came too late.

use crate::world::BookingWorld;
use chrono::{DateTime, Utc};
use orchestrator::{Bucket, SagaId};
use sqlx::{Connection, PgConnection, Row};
use steps::{
    BookingId, PaymentId, ReservationId, Secured, UserId,
    gateway::{CaptureMethod, Gateway, Intent, IntentStatus, Money, Order, Trace, instant},
    status::ReservationStatus,
    store::{
        bookings::{self, Confirm},
        payments::{self, News},
        reservations::{self, End},
        seats::{self, Take},
    },
};
use tests::support::Show;

/// A reservation with the payment that was ordered for it, and what the gateway has of it.
#[derive(Clone)]
pub struct Ordered {
    pub reservation: ReservationId,
    pub payment: PaymentId,
    pub intent: Intent,
    pub price: Money,
}

impl BookingWorld {
    /// All seats of a show booked and paid for, as a booking's saga leaves them.
    pub async fn sell(&self, show: &Show) -> (BookingId, Ordered) {
        let mut connection = self.connection().await;
        let now = now(&mut connection).await;
        let ordered = self.order(show, CaptureMethod::Automatic, &mut connection).await;
        let secured = Secured::of(&ordered.intent).unwrap();
        let news = [(ordered.payment, secured.news())];
        payments::apply_all(&mut connection, &news, now).await.unwrap();
        let booking = BookingId::new_in(show.event.bucket());
        let Ordered { reservation, payment, .. } = ordered;
        let confirm = Confirm { reservation, payment, booking, code: "0123456789AB".into() };
        bookings::confirm_all(&mut connection, &[confirm], now).await.unwrap();
        (booking, ordered)
    }

    /// A reservation that has expired and whose payment had failed, when its money came all the same.
    pub async fn come_late(&self, show: &Show, capture: CaptureMethod) -> Ordered {
        let mut connection = self.connection().await;
        let now = now(&mut connection).await;
        let ordered = self.order(show, capture, &mut connection).await;
        let failed = News::Failed { reason: "payment-expired".into() };
        payments::apply_all(&mut connection, &[(ordered.payment, failed)], now).await.unwrap();
        let end = End { reservation: ordered.reservation, status: ReservationStatus::Expired };
        reservations::end_all(&mut connection, &[end], now).await.unwrap();
        ordered
    }

    /// Takes all seats of a show for somebody else.
    pub async fn take_seats(&self, show: &Show) -> ReservationId {
        let mut connection = self.connection().await;
        let now = now(&mut connection).await;
        let (take, _) = claim(show);
        let mut tx = Connection::begin(&mut *connection).await.unwrap();
        seats::take_all(&mut tx, std::slice::from_ref(&take), now).await.unwrap();
        tx.commit().await.unwrap();
        take.reservation
    }

    /// The reservation, its payment, its booking and these seats in one line, and that the ledger is balanced.
    pub async fn standing(&self, of: ReservationId, show: &Show) -> String {
        let look = "select r.status || coalesce(' ' || p.status || '/' || p.money, '')
                || coalesce(' booking ' || (select string_agg(b.status, ' ') from booking.bookings b
                    where b.reservation_id = r.id and b.bucket = r.bucket), '')
                || ' seats ' || (select string_agg(distinct s.status, ' ') from booking.seats s where s.id = any($3))
                || ' live ' || (select count(*) from booking.reservation_seats c where c.reservation_id = r.id and c.live)
            from booking.reservations r
            left join booking.payments p on p.id = r.payment_id and p.bucket = r.bucket
            where r.id = $1 and r.bucket = $2";
        let found: Option<String> = sqlx::query_scalar(look)
            .bind(of.uuid())
            .bind(of.bucket().number())
            .bind(show.seats.iter().map(|seat| seat.uuid()).collect::<Vec<_>>())
            .fetch_optional(&self.pool)
            .await
            .unwrap();
        found.unwrap_or_else(|| "none".to_owned())
    }

    /// What is wrong with the ledger of a payment, in words; empty at rest.
    pub async fn imbalance(&self, payment: PaymentId) -> Vec<String> {
        let look = "select account, balance_minor, expected_minor from booking.ledger_imbalance
            where payment_id = $1 and bucket = $2 order by account";
        let rows = sqlx::query(look)
            .bind(payment.uuid())
            .bind(payment.bucket().number())
            .fetch_all(&self.pool)
            .await
            .unwrap();
        let word = |row: &sqlx::postgres::PgRow| {
            let (account, is, expected): (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
            format!("{account} is {is}, not {expected}")
        };
        rows.iter().map(word).collect()
    }

    /// By the gateway's books: what it took for this intent and has not given back, and what it still holds.
    pub fn books_of(&self, intent: &Intent) -> (i64, i64) {
        let books = self.gateway.books();
        let entry = books.entries().find(|entry| entry.intent.id == intent.id).expect("it is in the books");
        assert!(entry.secured <= 1, "charged twice: {entry:?}");
        let gone = entry.intent.amount_refunded.unwrap_or(0);
        let held = match entry.intent.status {
            IntentStatus::Canceled => 0,
            _ => entry.intent.amount_capturable.unwrap(),
        };
        (entry.intent.amount_received.unwrap() - gone, held)
    }

    async fn connection(&self) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        self.pool.acquire().await.unwrap()
    }

    async fn order(&self, show: &Show, capture: CaptureMethod, connection: &mut PgConnection) -> Ordered {
        let now = now(connection).await;
        let (take, payment) = claim(show);
        let mut tx = Connection::begin(&mut *connection).await.unwrap();
        seats::take_all(&mut tx, std::slice::from_ref(&take), now).await.unwrap();
        tx.commit().await.unwrap();
        let reservation = take.reservation;
        let gateway = instant::PROVIDER.to_owned();
        let order = payments::Order { payment, reservation, amount: None, gateway };
        payments::order(connection, &order, now).await.unwrap();
        let price = reservations::find(connection, reservation).await.unwrap().unwrap().amount;
        let trace = Trace {
            saga_id: Some(take.saga.uuid()),
            payment_id: Some(payment.uuid()),
            reservation_id: Some(reservation.uuid()),
        };
        let method = "pm_card_visa".parse().unwrap();
        let order = Order { money: price, method, capture, return_url: None, trace };
        let gateway = Gateway::new(self.gateway.clone());
        let intent = gateway.authorise(&order, &format!("{}:5", take.saga)).await.unwrap();
        Ordered { reservation, payment, intent, price }
    }
}

fn claim(show: &Show) -> (Take, PaymentId) {
    let bucket = show.event.bucket();
    let take = Take {
        reservation: ReservationId::new_in(bucket),
        saga: SagaId::new_in(bucket),
        user: UserId::new_in(Bucket::of_key("ada@example.org")),
        seats: show.seats.clone().try_into().unwrap(),
        hold: None,
        revives: None,
    };
    (take, PaymentId::new_in(bucket))
}

async fn now(connection: &mut PgConnection) -> DateTime<Utc> {
    sqlx::query_scalar("select now()").fetch_one(connection).await.unwrap()
}
