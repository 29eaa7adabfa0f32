//! Contention: many clients want the same seats, and only one of them can have each.

use crate::world::BookingWorld;
use futures_util::future::join_all;
use orchestrator::{BatchScope, Ended, Engine, Handle, Reached, State};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use rstest::rstest;
use std::{collections::BTreeSet, future::IntoFuture, time::Duration};
use steps::{Reserve, SeatId, gateway::Currency};
use tests::support::{PRICE, Show};
use workflows::{Booking, BookingRequest};

const LONG: Duration = Duration::from_secs(30);

/// What became of one client's wish.
struct Wish {
    request: BookingRequest,
    handle: Handle<Booking>,
    got: bool,
}

/// Starts a booking for each request, all at once, on these nodes by turns.
async fn all_want(nodes: &[&Engine], requests: Vec<BookingRequest>) -> Vec<Wish> {
    let start = |(n, request): (usize, BookingRequest)| async move {
        let client = nodes[n % nodes.len()].client();
        let handle = client.start::<Booking>(request.clone()).into_future().await.unwrap();
        let got = match handle.reached::<Reserve>(LONG).await.unwrap() {
            Reached::Done(_) => true,
            Reached::Rejected(rejected) => {
                assert_eq!(rejected.code, "seat-unavailable", "{rejected:?}");
                false
            }
            other => panic!("{other:?}"),
        };
        Wish { request, handle, got }
    };
    join_all(requests.into_iter().enumerate().map(start)).await
}

/// The client that got its seats pays, and everything agrees.
async fn pay(world: &BookingWorld, show: &Show, node: &Engine, wish: &Wish) {
    let reservation = wish.request.reservation;
    node.client().signal(wish.handle.id(), "order", &show.order()).await.unwrap();
    let ended = wish.handle.result(LONG).await.unwrap();
    assert!(matches!(ended, Ended::Completed(_)), "{ended:?}");
    assert_eq!(world.statuses(reservation).await.as_deref(), Some("CONFIRMED SUCCESS/CAPTURED"));
    let seats = world.seats(&wish.request.seats).await;
    assert!(seats.iter().all(|seat| *seat == ("BOOKED".into(), Some(reservation))), "{seats:?}");
}

#[rstest]
#[tokio::test]
async fn two_hundred_clients_want_one_seat_and_one_gets_it(
    #[values(1, 2)] nodes: usize,
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let world = BookingWorld::open().await;
    let show = world.show(1, Duration::from_secs(300)).await;
    let engines = join_all((0..nodes).map(|_| world.node("node", scope))).await;
    let nodes: Vec<&Engine> = engines.iter().collect();
    let wishes = all_want(&nodes, (0..200).map(|_| show.request(&show.seats)).collect()).await;

    let winners: Vec<&Wish> = wishes.iter().filter(|wish| wish.got).collect();
    assert_eq!(winners.len(), 1);
    for loser in wishes.iter().filter(|wish| !wish.got) {
        let ended = loser.handle.result(LONG).await.unwrap();
        assert!(matches!(ended, Ended::Unwound(_)), "{ended:?}");
    }
    let rows: i64 =
        sqlx::query_scalar("select count(*) from usher.sagas").fetch_one(&world.pool).await.unwrap();
    assert_eq!(rows, 1, "who got nothing leaves no row");
    pay(&world, &show, nodes[0], winners[0]).await;
    assert_eq!(world.gateway.books().sums(Currency::EUR).captured, PRICE);
    world.verify().await;
    join_all(engines.into_iter().map(Engine::drain)).await;
}

#[rstest]
#[tokio::test]
async fn of_two_who_overlap_in_one_seat_one_gets_all_three_and_the_other_none(#[values(1, 2)] nodes: usize) {
    let world = BookingWorld::open().await;
    let engines = join_all((0..nodes).map(|_| world.node("node", BatchScope::Database))).await;
    let nodes: Vec<&Engine> = engines.iter().collect();
    for _ in 0..10 {
        let show = world.show(5, Duration::from_secs(300)).await;
        let requests = vec![show.request(&show.seats[..3]), show.request(&show.seats[2..])];
        let wishes = all_want(&nodes, requests).await;
        let winner = wishes.iter().find(|wish| wish.got).expect("one of them gets its seats");
        assert_eq!(wishes.iter().filter(|wish| wish.got).count(), 1);
        for (seat, owner) in show.seats.iter().zip(world.seats(&show.seats).await) {
            let expected = if winner.request.seats.contains(seat) {
                ("RESERVED".to_owned(), Some(winner.request.reservation))
            } else {
                ("AVAILABLE".to_owned(), None)
            };
            assert_eq!(owner, expected);
        }
        pay(&world, &show, nodes[0], winner).await;
    }
    world.verify().await;
    join_all(engines.into_iter().map(Engine::drain)).await;
}

#[rstest]
#[case::two_nodes(2, BatchScope::Database)]
#[case::two_nodes_a_bucket_at_a_time(2, BatchScope::Bucket)]
#[tokio::test]
async fn whoever_overlaps_at_random_gets_all_or_none_and_no_sale_is_missed(
    #[case] nodes: usize,
    #[case] scope: BatchScope,
) {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let world = BookingWorld::open().await;
    let engines = join_all((0..nodes).map(|_| world.node("node", scope))).await;
    let nodes: Vec<&Engine> = engines.iter().collect();
    for _ in 0..5 {
        let show = world.show(12, Duration::from_secs(300)).await;
        let mut wanted = || -> Vec<SeatId> {
            let count = random.random_range(1..=4);
            show.seats.choose_multiple(&mut random, count).copied().collect()
        };
        let requests = (0..40).map(|_| show.request(&wanted())).collect();
        let wishes = all_want(&nodes, requests).await;

        let mut sold = BTreeSet::new();
        for winner in wishes.iter().filter(|wish| wish.got) {
            let (seats, reservation) = (&winner.request.seats, winner.request.reservation);
            assert!(seats.iter().all(|seat| sold.insert(*seat)), "a seat was given twice");
            let owners = world.seats(seats).await;
            assert!(owners.iter().all(|seat| *seat == ("RESERVED".into(), Some(reservation))), "{owners:?}");
        }
        for loser in wishes.iter().filter(|wish| !wish.got) {
            assert!(loser.request.seats.iter().any(|seat| sold.contains(seat)), "refused for no reason");
            assert_eq!(loser.handle.status().await.unwrap().state, State::Unwound);
        }
        let owned = world.seats(&show.seats).await.iter().filter(|(_, owner)| owner.is_some()).count();
        assert_eq!(owned, sold.len(), "nothing is held by who was refused");
    }
    world.verify().await;
    join_all(engines.into_iter().map(Engine::drain)).await;
}

/// The lock is held by a person in `psql`, or by a node whose batch is then rolled back. Nobody is told that the seat
/// is gone.
#[rstest]
#[tokio::test]
async fn who_wants_a_seat_that_is_locked_waits_alone_and_gets_it_when_it_is_let_go(
    #[values(BatchScope::Database, BatchScope::Bucket)] scope: BatchScope,
) {
    let world = BookingWorld::open().await;
    let show = world.show(2, Duration::from_secs(300)).await;
    let node = world.node("node", scope).await;
    let mut rival = world.pool.begin_with("begin").await.unwrap();
    let lock = sqlx::query("select from booking.seats where id = $1 for update");
    lock.bind(show.seats[0].uuid()).execute(&mut *rival).await.unwrap();

    let start = |seat: &SeatId| node.client().start::<Booking>(show.request(&[*seat])).into_future();
    let waiting = start(&show.seats[0]).await.unwrap();
    let other = start(&show.seats[1]).await.unwrap();
    assert!(matches!(other.reached::<Reserve>(LONG).await.unwrap(), Reached::Done(_)));
    assert_eq!(waiting.status().await.unwrap().state, State::Waiting, "put off, and not refused");
    rival.rollback().await.unwrap();
    let got = waiting.reached::<Reserve>(LONG).await.unwrap();
    assert!(matches!(got, Reached::Done(_)), "{got:?}");
    world.verify().await;
    node.drain().await;
}
