//! A hundred customers at once against a gateway where a third of everything goes wrong at random.
//!
//! `USHER_CHAOS_SEEDS=1,2,3` runs more seeds than the one that every run has.

use super::house::{House, PRICE, Plan, Show};
use futures_util::future::join_all;
use rstest::rstest;
use std::time::Duration;

const CUSTOMERS: usize = 100;
/// Long enough for most, too short for some.
const HOLD: Duration = Duration::from_secs(6);
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
        let house = plan.open().await;
        let (euros, dollars) = (house.show_in("EUR", 50, HOLD).await, house.show_in("USD", 50, HOLD).await);
        let jobs = house.with_jobs().await;
        join_all((0..CUSTOMERS).map(|number| book(&house, [&euros, &dollars][number % 2], number))).await;
        house.rest().await;
        jobs.stop().await;
        let sold = house.count("select count(*) from booking.bookings where status = 'CONFIRMED'").await;
        println!("seed {seed}: {sold} of {CUSTOMERS} sold");
        assert!(sold > 20, "seed {seed}: chaos is no excuse for selling {sold} seats");
        let books = house.close().await;
        let kept: i64 = books.sums.values().map(|sums| sums.kept).sum();
        assert_eq!(kept, sold * PRICE, "seed {seed}");
    }
}

async fn book(house: &House, show: &Show, number: usize) {
    let ada = house.customer().await;
    let reservation = ada.reserve(show, &[number / 2]).await;
    ada.pay(&reservation, METHODS[number / 2 % METHODS.len()]).await;
    house
        .until("the booking ends", async || {
            let found = ada.reservation(&reservation).await;
            (found["status"] != "PENDING").then_some(())
        })
        .await;
}
