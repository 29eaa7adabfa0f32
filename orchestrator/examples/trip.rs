//! A trip: flight, hotel and car, all of them or none. Run it against an empty database:
//!
//! ```sh
//! DATABASE_URL=postgres://usher@127.0.0.1:5432/trips cargo run -p orchestrator --example trip
//! ```
//!
//! The three providers are other companies. Each keeps its own books (here in a table that stands for them) and is asked
//! at least once, always under one key. If one refuses, the bookings before it are cancelled, the latest first.

use orchestrator::{Client, Database, Ended, Engine, prelude::*};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::time::Duration;

/// What the traveller wants.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Wish {
    /// The traveller's name.
    pub traveller: String,
    /// The destination. No provider has anything for the city called `no car`, `no hotel` or `no flight`.
    pub city: String,
}

/// Buys the three parts of a trip and writes the itinerary.
pub struct Trip;

impl Workflow for Trip {
    const NAME: &'static str = "trip";
    type Steps = (Flight, Hotel, Car, Itinerary);
    type Input = Wish;
    type Output = Vec<String>;

    async fn run(mut saga: Saga<Self>, wish: Wish) -> Result<Vec<String>, Failure> {
        let flight = saga.step(Flight(wish.clone())).await?;
        let hotel = saga.step(Hotel(wish.clone())).await?;
        let car = saga.step(Car(wish.clone())).await?;
        let parts = vec![flight, hotel, car];
        let ((), _) = saga.pivot(Itinerary { traveller: wish.traveller, parts: parts.clone() }).await?;
        Ok(parts)
    }
}

/// A seat on a plane.
#[derive(Serialize, Deserialize)]
pub struct Flight(pub Wish);

impl Step for Flight {
    const NAME: &'static str = "flight";
    type Output = String;
    type Medium = Call<Providers>;
    type Undo = ();

    async fn run(&self, call: &mut Call<Providers>) -> Result<String, StepError> {
        call.book("flight", &call.key(), &self.0).await
    }

    async fn compensate(&self, call: &mut Call<Providers>, _: Option<String>) -> Result<(), StepError> {
        call.cancel("flight", &call.key()).await
    }
}

/// A bed.
#[derive(Serialize, Deserialize)]
pub struct Hotel(pub Wish);

impl Step for Hotel {
    const NAME: &'static str = "hotel";
    type Output = String;
    type Medium = Call<Providers>;
    type Undo = ();

    async fn run(&self, call: &mut Call<Providers>) -> Result<String, StepError> {
        call.book("hotel", &call.key(), &self.0).await
    }

    async fn compensate(&self, call: &mut Call<Providers>, _: Option<String>) -> Result<(), StepError> {
        call.cancel("hotel", &call.key()).await
    }
}

/// Four wheels.
#[derive(Serialize, Deserialize)]
pub struct Car(pub Wish);

impl Step for Car {
    const NAME: &'static str = "car";
    type Output = String;
    type Medium = Call<Providers>;
    type Undo = ();

    async fn run(&self, call: &mut Call<Providers>) -> Result<String, StepError> {
        call.book("car", &call.key(), &self.0).await
    }

    async fn compensate(&self, call: &mut Call<Providers>, _: Option<String>) -> Result<(), StepError> {
        call.cancel("car", &call.key()).await
    }
}

/// Writes the itinerary. It is a row of our own, so it commits with its journal entry. Nothing is undone after it.
#[derive(Serialize, Deserialize)]
pub struct Itinerary {
    /// The traveller's name.
    pub traveller: String,
    /// What was booked, in words.
    pub parts: Vec<String>,
}

impl Step for Itinerary {
    const NAME: &'static str = "itinerary";
    type Output = ();
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), StepError> {
        let saga = tx.saga().uuid();
        let write = "insert into trip.itineraries (saga, traveller, parts) values ($1, $2, $3)";
        sqlx::query(write)
            .bind(saga)
            .bind(&self.traveller)
            .bind(self.parts.join(", "))
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

/// The providers' side: what was booked under which key. It stands for the APIs of three other companies.
#[derive(Clone)]
pub struct Providers(pub PgPool);

impl Providers {
    /// The tables of the providers, and ours for itineraries.
    pub const SCHEMA: &'static str = "
        create schema if not exists trip;
        create table if not exists trip.providers (provider text, key text, wish text, cancelled boolean default false,
            primary key (provider, key));
        create table if not exists trip.itineraries (saga uuid primary key, traveller text, parts text)";

    /// Books once for each key, however often it is asked.
    async fn book(&self, provider: &str, key: &str, wish: &Wish) -> Result<String, StepError> {
        if wish.city == format!("no {provider}") {
            return Err(Rejected::new("sold-out", format!("no {provider} left")).into());
        }
        let what = format!("{provider} to {} for {}", wish.city, wish.traveller);
        let booked =
            "insert into trip.providers (provider, key, wish) values ($1, $2, $3) on conflict do nothing";
        sqlx::query(booked).bind(provider).bind(key).bind(&what).execute(&self.0).await?;
        Ok(what)
    }

    /// Cancels what was booked under the key. A key that was cancelled can never be booked.
    async fn cancel(&self, provider: &str, key: &str) -> Result<(), StepError> {
        let cancelled = "insert into trip.providers (provider, key, cancelled) values ($1, $2, true)
                         on conflict (provider, key) do update set cancelled = true";
        sqlx::query(cancelled).bind(provider).bind(key).execute(&self.0).await?;
        Ok(())
    }
}

/// Travels twice on the database at `url`: to Lisbon, which works, and to a city without cars, which leaves nothing.
///
/// # Errors
/// The database can't be reached, or the engine can't start.
pub async fn travel_twice(url: &str) -> anyhow::Result<[Ended<Vec<String>>; 2]> {
    let database = Database::at(url)?;
    let mut connection = database.connect("trip").await?;
    orchestrator::migrate(&mut connection).await?;
    sqlx::raw_sql(Providers::SCHEMA).execute(&mut connection).await?;

    let providers = Providers(database.pool(4).await?);
    let engine = Engine::builder(providers, database).workflow::<Trip>().start().await?;
    let ends = [travel(engine.client(), "Lisbon").await?, travel(engine.client(), "no car").await?];
    engine.drain().await;
    Ok(ends)
}

async fn travel(client: &Client, city: &str) -> anyhow::Result<Ended<Vec<String>>> {
    let wish = Wish { traveller: "Ada".into(), city: city.into() };
    Ok(client.start::<Trip>(wish).await?.result(Duration::from_secs(30)).await?)
}

#[allow(dead_code, reason = "the tests run the example without this function")]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::var("DATABASE_URL").map_err(|_| {
        anyhow::anyhow!("set DATABASE_URL to an empty database, as postgres://user@127.0.0.1:5432/trips")
    })?;
    let [lisbon, without_car] = travel_twice(&url).await?;
    println!("Lisbon:      {lisbon:?}");
    println!("without car: {without_car:?}");
    Ok(())
}
