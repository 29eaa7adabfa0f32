//! One event that everybody wants, and one, two or three nodes to sell it.

use crate::world::BookingWorld;
use futures_util::future::join_all;
use orchestrator::{BatchScope, Ended, Engine, Reached};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use rstest::rstest;
use std::{
    future::IntoFuture,
    time::{Duration, Instant},
};
use steps::{Reserve, SeatId};
use tests::support::Show;
use workflows::Booking;

const LONG: Duration = Duration::from_secs(60);

/// So many buyers come at once, and each wants `SEATS_EACH` of the `SEATS`.
const BUYERS: usize = 150;
const SEATS_EACH: usize = 3;
const SEATS: i16 = 600;
/// A buyer needs far fewer tries: a quarter of the seats is still free at the end.
const TRIES_MAX: usize = 1_000;

/// How a sale went.
#[derive(Debug)]
struct Sale {
    took: Duration,
    slowest_reservation: Duration,
    refused: usize,
}

/// What a buyer got: the time of the slowest answer (refusals count), the number of refusals, and the seats.
struct Bought {
    slowest: Duration,
    refused: usize,
    seats: Vec<SeatId>,
}

/// Tries seats at random until it has some, and pays for them.
async fn buy(node: &Engine, show: &Show, mut random: StdRng) -> Bought {
    let mut slowest = Duration::ZERO;
    for refused in 0..TRIES_MAX {
        let seats: Vec<SeatId> = show.seats.choose_multiple(&mut random, SEATS_EACH).copied().collect();
        let began = Instant::now();
        let handle = node.client().start::<Booking>(show.request(&seats)).into_future().await.unwrap();
        let reached = handle.reached::<Reserve>(LONG).await.unwrap();
        slowest = slowest.max(began.elapsed());
        match reached {
            Reached::Done(_) => {}
            Reached::Rejected(rejected) => {
                assert_eq!(rejected.code, "seat-unavailable", "{rejected:?}");
                continue;
            }
            other => panic!("{other:?}"),
        }
        node.client().signal(handle.id(), "order", &show.order()).await.unwrap();
        let ended = handle.result(LONG).await.unwrap();
        assert!(matches!(ended, Ended::Completed(_)), "{ended:?}");
        return Bought { slowest, refused, seats };
    }
    panic!("no free seats after {TRIES_MAX} tries");
}

/// Runs a sale on so many nodes. Redis sheds no load here: every request comes to the database, also for seats that
/// are gone.
async fn sell(nodes: usize, scope: BatchScope, seed: u64) -> Sale {
    let world = BookingWorld::open().await;
    let show = world.show(SEATS, Duration::from_secs(300)).await;
    let engines = join_all((0..nodes).map(|_| world.node("hot", scope))).await;
    let mut random = StdRng::seed_from_u64(seed);
    let began = Instant::now();
    let buyers = (0..BUYERS)
        .map(|buyer| buy(&engines[buyer % nodes], &show, StdRng::seed_from_u64(random.random())))
        .collect::<Vec<_>>();
    let bought = join_all(buyers).await;
    let took = began.elapsed();

    let mut sold: Vec<SeatId> = bought.iter().flat_map(|bought| bought.seats.iter().copied()).collect();
    sold.sort_unstable();
    sold.dedup();
    assert_eq!(sold.len(), BUYERS * SEATS_EACH, "a seat was sold twice");
    let booked = world.seats(&sold).await;
    assert!(booked.iter().all(|(status, _)| status == "BOOKED"), "{booked:?}");
    join_all(engines.into_iter().map(Engine::drain)).await;
    world.verify().await;
    let sale = Sale {
        took,
        slowest_reservation: bought.iter().map(|bought| bought.slowest).max().unwrap_or_default(),
        refused: bought.iter().map(|bought| bought.refused).sum(),
    };
    let Sale { took, slowest_reservation, refused } = &sale;
    println!(
        "{nodes} nodes, {scope:?}: {took:?}, slowest reservation {slowest_reservation:?}, {refused} refused"
    );
    sale
}

/// That nothing deadlocks is asserted when the sale's database is dropped.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn more_nodes_sell_a_hot_event_as_fast_as_one(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let seed = rand::random();
    println!("seed {seed}");
    let alone = sell(1, scope, seed).await;
    for nodes in [2, 3] {
        let sale = sell(nodes, scope, seed).await;
        // A deadlock costs a second. The rest is room for a machine that does other things too.
        let bound = |alone: Duration| alone * 2 + Duration::from_millis(500);
        assert!(sale.took < bound(alone.took), "{nodes} nodes: {sale:?}; one: {alone:?}");
        let slowest = sale.slowest_reservation;
        assert!(slowest < bound(alone.slowest_reservation), "{nodes} nodes: {sale:?}; one: {alone:?}");
    }
}
