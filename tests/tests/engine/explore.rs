//! The trip, explored: whatever fails, the traveller has all three parts or none.

use crate::at;
use orchestrator::{
    Ended, State,
    testing::{Begun, End, Scenario, explore},
};
use sqlx::{PgPool, Row};
use tests::support::Database;

#[path = "../../../orchestrator/examples/trip.rs"]
#[allow(dead_code, reason = "the example is a program of its own")]
mod trip;

use trip::{Providers, Trip, Wish};

struct Trips {
    providers: Providers,
    city: &'static str,
}

impl Scenario for Trips {
    type Workflow = Trip;
    type Services = Providers;
    type World = String;

    async fn begin(&self) -> Begun<Trip, Providers, String> {
        let traveller = uuid::Uuid::now_v7().to_string();
        let wish = Wish { traveller: traveller.clone(), city: self.city.into() };
        Begun { services: self.providers.clone(), world: traveller, input: wish, letters: Vec::new() }
    }

    async fn check(&self, _: &String, end: &End) -> String {
        let kept = "select provider from trip.providers where key like $1 || ':%' and not cancelled order by provider";
        let kept: Vec<String> =
            sqlx::query_scalar(kept).bind(end.saga.to_string()).fetch_all(&self.providers.0).await.unwrap();
        let written = "select count(*) from trip.itineraries where saga = $1";
        let written: i64 =
            sqlx::query(written).bind(end.saga.uuid()).fetch_one(&self.providers.0).await.unwrap().get(0);
        match end.state {
            State::Completed => {
                assert_eq!((kept.join(" "), written), ("car flight hotel".into(), 1), "{end:?}")
            }
            State::Unwound => assert_eq!((kept.join(" "), written), (String::new(), 0), "{end:?}"),
            other => panic!("a trip never rests {other}: {end:?}"),
        }
        end.state.to_string()
    }
}

async fn trips(city: &'static str) -> (Database, Trips) {
    let database = Database::fresh().await;
    let pool = PgPool::connect(database.url()).await.unwrap();
    sqlx::raw_sql(Providers::SCHEMA).execute(&pool).await.unwrap();
    (database, Trips { providers: Providers(pool), city })
}

#[tokio::test]
async fn the_example_travels_on_a_real_server() {
    let database = Database::fresh().await;
    let [lisbon, without_car] = trip::travel_twice(database.url()).await.unwrap();
    assert!(matches!(&lisbon, Ended::Completed(parts) if parts.len() == 3), "{lisbon:?}");
    assert!(matches!(&without_car, Ended::Unwound(_)), "{without_car:?}");
}

#[tokio::test]
async fn a_trip_is_whole_or_nothing_whatever_fails() {
    let (database, trips) = trips("Lisbon").await;
    let report = explore(&trips, &at(&database)).await;
    assert!(report.cases > 400, "{report:?}");
    assert!(report.ends["completed"] > 50 && report.ends["unwound"] > 50, "{report:?}");
}

#[tokio::test]
async fn a_trip_without_a_car_is_nothing_whatever_fails() {
    let (database, trips) = trips("no car").await;
    let report = explore(&trips, &at(&database)).await;
    assert!(report.ends["unwound"] == report.cases && report.cases > 100, "{report:?}");
}
