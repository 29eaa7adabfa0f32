//! A trip: flight, hotel and car, all of them or none. Run it against an empty database:
//!
//! ```sh
//! DATABASE_URL=postgres://usher@127.0.0.1:5432/trips cargo run -p orchestrator --example trip
//! ```
//!
//! The three providers are strangers: each keeps its own books (here in a table that stands for theirs) and is asked
//! at least once under one key. If one refuses, those before it are cancelled, latest first.

use orchestrator::{
    Call, Client, Database, Ended, Engine, Failure, Rejected, Saga, Step, StepError, Tx, Workflow,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::time::Duration;

/// What the traveller wants.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Wish {
    /// Who travels.
    pub traveller: String,
    /// Where to.
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

/// The providers' side: who has booked what under which key. Stands for three other companies.
#[derive(Clone)]
pub struct Providers(pub PgPool);

impl Providers {
    /// The tables of the providers, and ours for itineraries.
    pub const SCHEMA: &'static str = "
        create schema if not exists trip;
        create table if not exists trip.providers (provider text, key text, wish text, cancelled boolean default false,
            primary key (provider, key));
        create table if not exists trip.itineraries (saga uuid primary key, traveller text, parts text)";

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

    /// Cancels what was booked under the key; if nothing was, nothing will be.
    async fn cancel(&self, provider: &str, key: &str) -> Result<(), StepError> {
        let cancelled = "insert into trip.providers (provider, key, cancelled) values ($1, $2, true)
                         on conflict (provider, key) do update set cancelled = true";
        sqlx::query(cancelled).bind(provider).bind(key).execute(&self.0).await?;
        Ok(())
    }
}

macro_rules! part {
    ($(#[$doc:meta])* $step:ident, $name:literal) => {
        $(#[$doc])*
        #[derive(Serialize, Deserialize)]
        pub struct $step(pub Wish);

        impl Step for $step {
            const NAME: &'static str = $name;
            type Output = String;
            type Medium = Call<Providers>;
            type Undo = ();

            async fn run(&self, call: &mut Call<Providers>) -> Result<String, StepError> {
                call.book($name, &call.key(), &self.0).await
            }

            async fn compensate(&self, call: &mut Call<Providers>, _: Option<String>) -> Result<(), StepError> {
                call.cancel($name, &call.key()).await
            }
        }
    };
}

part!(/** A seat on a plane. */ Flight, "flight");
part!(/** A bed. */ Hotel, "hotel");
part!(/** Four wheels. */ Car, "car");

/// Writes the itinerary: ours, so it commits with its journal entry. Nothing is undone after it.
#[derive(Serialize, Deserialize)]
pub struct Itinerary {
    /// Who travels.
    pub traveller: String,
    /// What was booked.
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

async fn travel(client: &Client, city: &str) -> anyhow::Result<Ended<Vec<String>>> {
    let wish = Wish { traveller: "Ada".into(), city: city.into() };
    Ok(client.start::<Trip>(wish).await?.result(Duration::from_secs(30)).await?)
}

#[allow(dead_code, reason = "the tests use the workflow without the program")]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::var("DATABASE_URL").map_err(|_| {
        anyhow::anyhow!("set DATABASE_URL to an empty database, as postgres://user@127.0.0.1:5432/trips")
    })?;
    let database = Database::at(&url)?;
    let mut connection = database.connect("trip").await?;
    orchestrator::migrate(&mut connection).await?;
    sqlx::raw_sql(Providers::SCHEMA).execute(&mut connection).await?;

    let providers = Providers(database.pool(4).await?);
    let engine = Engine::builder(providers, database).workflow::<Trip>().start().await?;
    println!("Lisbon:      {:?}", travel(engine.client(), "Lisbon").await?);
    println!("without car: {:?}", travel(engine.client(), "no car").await?);
    engine.drain().await;
    Ok(())
}
