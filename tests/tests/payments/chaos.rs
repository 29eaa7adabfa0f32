//! A hundred customers at once against a gateway where a third of everything goes wrong at random.
//!
//! `USHER_CHAOS_SEEDS=1,2,3` runs more seeds than the one that every run has.

use super::world::{PaymentWorld, Plan};
use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;
use service::reconcile::{Options, Walk};
use std::time::Duration;
use tests::support::{PRICE, Show};
use tokio::time::timeout;

const CUSTOMERS: usize = 100;
/// Long enough for most customers, too short for some. A payment without news is settled when the hold ends.
const HOLD: Duration = Duration::from_secs(8);
/// How long the gateway misbehaves at most.
const CHAOS_MAX: Duration = Duration::from_secs(20);
const METHODS: [&str; 4] =
    ["pm_card_visa", "pm_processing_settles", "pm_processing_fails", "pm_card_chargeDeclined"];

fn seeds() -> Vec<u64> {
    match std::env::var("USHER_CHAOS_SEEDS") {
        Ok(seeds) => seeds.split(',').map(|seed| seed.trim().parse().unwrap()).collect(),
        Err(_) => vec![7],
    }
}

#[rstest]
#[case::manual(false)]
#[case::automatic(true)]
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_bookings_in_chaos_lose_no_money(#[case] automatic: bool) {
    for seed in seeds() {
        let plan = if automatic { Plan::default().automatic() } else { Plan::default() };
        let plan = plan.gateway(|gateway| {
            (gateway.chaos, gateway.seed) = (0.3, seed);
        });
        let world = plan.open().await;
        let (euros, dollars) = (world.show_in("EUR", 50, HOLD).await, world.show_in("USD", 50, HOLD).await);
        let jobs = world.with_jobs().await;
        let booked = (0..CUSTOMERS).map(|number| book(&world, [&euros, &dollars][number % 2], number));
        // A compensation that has failed often waits long before its next attempt. So the chaos ends at some time.
        let _ = timeout(CHAOS_MAX, join_all(booked)).await;
        world.gateway.calm().await;
        world.rest().await;
        jobs.stop().await;
        reconciles(&world).await;
        let sold = world.count("select count(*) from booking.bookings where status = 'CONFIRMED'").await;
        println!("seed {seed}: {sold} of {CUSTOMERS} sold");
        assert!(sold > 0, "seed {seed}: chaos is no excuse for selling nothing");
        let books = world.close().await;
        let kept: i64 = books.sums.values().map(|sums| sums.kept).sum();
        assert_eq!(kept, sold * PRICE, "seed {seed}");
    }
}

async fn book(world: &PaymentWorld, show: &Show, number: usize) {
    let ada = world.customer().await;
    let reservation = ada.reserve(show, &[number / 2]).await;
    let method = METHODS[number / 2 % METHODS.len()];
    let body = json!({"reservation_id": reservation["reservation_id"], "method": method});
    ada.post("/payments", body).await; // on a busy machine the time may be up before the customer's turn comes
    world
        .until("the booking ends", async || {
            let found = ada.reservation(&reservation).await;
            (found["status"] != "PENDING").then_some(())
        })
        .await;
}

/// The gateway's books and ours agree, with everything of this run looked at.
async fn reconciles(world: &PaymentWorld) {
    let now = Utc::now();
    let options = Options {
        since: now - TimeDelta::hours(1),
        until: now + TimeDelta::seconds(2),
        settled_after: TimeDelta::zero(),
        write_cases: true,
    };
    let mut walk = Walk::begin(world.pool.clone(), world.service.gateway.clone(), options).await.unwrap();
    world
        .until("the gateway has been read", async || {
            let walked = async {
                walk.prepare().await?;
                while walk.slice().await? {}
                walk.finish().await
            };
            walked.await.is_ok().then_some(())
        })
        .await;
    let report = walk.report();
    assert!(report.complete, "{report:#?}");
    assert_eq!(report.differing(), 0, "{report:#?}");
}
