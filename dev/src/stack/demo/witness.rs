//! What the database, Redis and the gateway's books say of one booking, each asked directly.

use super::super::stage::Stage;
use super::customer::Reserved;
use anyhow::{Context, bail};
use orchestrator::{SagaId, State, lookup};
use serde::Deserialize;
use sqlx::{Connection, PgConnection};
use std::fmt;
use std::time::{Duration, Instant};
use steps::{Currency, Money};
use uuid::Uuid;

/// Everything that is known of one booking from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub rows: Rows,
    /// Keys in Redis that name one of the seats.
    pub locks: usize,
    pub books: Books,
}

/// The states in the database; none where there is no row.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Rows {
    pub saga: Option<String>,
    pub reservation: Option<String>,
    pub payment: Option<String>,
    pub booking: Option<String>,
    /// One word if all seats agree.
    pub seats: Option<String>,
}

/// The gateway's books on one reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Books {
    pub intents: usize,
    pub held: Money,
    pub captured: Money,
    pub captures: u32,
    pub refunded: Money,
}

/// Three connections and what to ask for.
pub(super) struct Witness<'a> {
    stage: &'a Stage,
    reservation: Uuid,
    saga: Uuid,
    currency: Currency,
    seats: Vec<Uuid>,
}

impl<'a> Witness<'a> {
    pub async fn call(stage: &'a Stage, reserved: &Reserved, seats: &[String]) -> anyhow::Result<Self> {
        let reservation = reserved.reservation_id.parse().context("reading the reservation's id")?;
        let saga = reserved.saga_id.parse().context("reading the saga's id")?;
        let seats = seats.iter().map(|seat| seat.parse()).collect::<Result<_, _>>();
        let (currency, seats) = (reserved.amount.currency, seats.context("reading the seats' ids")?);
        Ok(Self { stage, reservation, saga, currency, seats })
    }

    /// What all three say now.
    pub async fn testify(&self) -> anyhow::Result<Facts> {
        let books = Books::read(self.stage, &self.reservation.to_string(), self.currency).await?;
        let locks = self.locks().await.context("asking Redis")?;
        let rows =
            Rows::read(self.stage.commands.database_url(), self.saga, self.reservation, &self.seats).await;
        Ok(Facts { rows: rows.context("asking the database")?, locks, books })
    }

    /// Asks for every key, so that one under an unexpected name is found too. A development Redis holds few.
    async fn locks(&self) -> redis::RedisResult<usize> {
        let client = redis::Client::open(self.stage.commands.redis_url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let seats: Vec<_> = self.seats.iter().map(Uuid::to_string).collect();
        let mut locks = 0;
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            let (next, keys): (u64, Vec<String>) =
                scan.arg(cursor).arg("COUNT").arg(1000).query_async(&mut connection).await?;
            locks += keys.iter().filter(|key| seats.iter().any(|seat| key.contains(seat))).count();
            cursor = next;
            if cursor == 0 {
                return Ok(locks);
            }
        }
    }
}

impl Rows {
    async fn read(
        database_url: &str,
        saga: Uuid,
        reservation: Uuid,
        seats: &[Uuid],
    ) -> Result<Self, sqlx::Error> {
        let mut connection = PgConnection::connect(database_url).await?;
        let saga = SagaId::from_uuid(saga);
        let state = lookup::states(&mut connection, &[saga]).await?.remove(&saga);
        let rows = sqlx::query_as(
            "select
                 $1::text as saga,
                 (select status from booking.reservations where id = $2) as reservation,
                 (select string_agg(status, ' and ') from booking.payments where reservation_id = $2) as payment,
                 (select string_agg(status, ' and ') from booking.bookings where reservation_id = $2) as booking,
                 (select string_agg(distinct status, ' and ') from booking.seats where id = any($3)) as seats",
        );
        rows.bind(state.map(State::as_str)).bind(reservation).bind(seats).fetch_one(&mut connection).await
    }
}

impl Books {
    /// What the gateway has on this reservation, whose money is in `currency`.
    pub async fn read(stage: &Stage, reservation: &str, currency: Currency) -> anyhow::Result<Self> {
        Ok(Self::of(&Self::intents(stage, reservation).await?, currency))
    }

    /// Waits until the gateway has the money of this reservation.
    pub async fn until_secured(stage: &Stage, reservation: &str, within: Duration) -> anyhow::Result<()> {
        const LOOK_EVERY: Duration = Duration::from_millis(10);
        let asked = Instant::now();
        while !Self::intents(stage, reservation).await?.iter().any(|intent| intent.times_secured > 0) {
            if asked.elapsed() > within {
                bail!("the gateway has no money for reservation {reservation} after {within:?}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    async fn intents(stage: &Stage, reservation: &str) -> anyhow::Result<Vec<Intent>> {
        let url = format!("{}/control/books", stage.commands.gateway_url());
        let answer = stage.http.get(url).send().await.context("asking the gateway for its books")?;
        let mut summary: Summary =
            answer.error_for_status()?.json().await.context("reading the gateway's books")?;
        summary.intents.retain(|intent| intent.reservation_id.as_deref() == Some(reservation));
        Ok(summary.intents)
    }

    fn of(intents: &[Intent], currency: Currency) -> Self {
        let sum = |amount: fn(&Intent) -> i64| Money::new(intents.iter().map(amount).sum(), currency);
        Self {
            intents: intents.len(),
            held: sum(|intent| intent.authorised),
            captured: sum(|intent| intent.captured),
            captures: intents.iter().map(|intent| intent.times_captured).sum(),
            refunded: sum(|intent| intent.refunded),
        }
    }
}

/// As `GET /control/books` of the simulator gives it.
#[derive(Deserialize)]
struct Summary {
    intents: Vec<Intent>,
}

#[derive(Deserialize)]
struct Intent {
    reservation_id: Option<String>,
    authorised: i64,
    captured: i64,
    refunded: i64,
    times_secured: u32,
    times_captured: u32,
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |status: &Option<String>| status.clone().unwrap_or_else(|| "none".to_owned());
        let Rows { saga, reservation, payment, booking, seats } = &self.rows;
        let [saga, reservation, payment, booking, seats] =
            [saga, reservation, payment, booking, seats].map(or_none);
        writeln!(
            f,
            "      database  saga {saga}, reservation {reservation}, payment {payment}, booking {booking}, seats {seats}"
        )?;
        writeln!(f, "      Redis     {} locks", self.locks)?;
        let Books { intents, held, captured, captures, refunded } = self.books;
        write!(
            f,
            "      gateway   {intents} intents, held {held}, captured {captured} in {captures} captures, refunded {refunded}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Postgres, PostgresOptions, Scratch};

    #[tokio::test]
    async fn the_database_is_asked_in_words_that_it_knows() {
        let scratch = Scratch::new().unwrap();
        let options = PostgresOptions::in_dir(scratch.path().join("services"));
        let postgres = Postgres::start(PostgresOptions { durable: false, ..options }).await.unwrap();
        let url = postgres.url("postgres");
        orchestrator::migrate(&mut PgConnection::connect(&url).await.unwrap()).await.unwrap();
        steps::migrate(&mut PgConnection::connect(&url).await.unwrap()).await.unwrap();
        let rows = Rows::read(&url, Uuid::now_v7(), Uuid::now_v7(), &[Uuid::now_v7()]).await.unwrap();
        assert_eq!(rows, Rows::default());
    }

    #[test]
    fn the_books_of_all_intents_are_added_up() {
        let intent = |secured, captured| {
            serde_json::json!({
                "id": "pi_1", "reservation_id": "r", "status": "succeeded", "amount": 700, "authorised": 0,
                "captured": captured, "refunded": 0, "times_secured": secured, "times_captured": secured,
            })
        };
        let summary =
            serde_json::json!({"intents": [intent(1, 700), intent(0, 0)], "sums": {}, "doubles": {}});
        let summary: Summary = serde_json::from_value(summary).unwrap();
        let euro = |minor| Money::new(minor, Currency::EUR);
        let expected =
            Books { intents: 2, held: euro(0), captured: euro(700), captures: 1, refunded: euro(0) };
        assert_eq!(Books::of(&summary.intents, Currency::EUR), expected);
    }
}
