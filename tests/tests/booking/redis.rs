//! Redis sheds load and decides nothing: flushed, frozen or dead, bookings go on.

use crate::world::BookingWorld;
use dev::Scratch;
use orchestrator::{BatchScope, Ended, Reached};
use rstest::rstest;
use std::time::Duration;
use steps::{Reserve, gateway::Currency};
use tests::support::{PRICE, private_redis};
use workflows::Booking;

const LONG: Duration = Duration::from_secs(30);

/// What happens to Redis in the middle of a booking.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Blow {
    Flushed,
    Frozen,
    Killed,
}

#[rstest]
#[tokio::test]
async fn bookings_go_on(#[values(Blow::Flushed, Blow::Frozen, Blow::Killed)] blow: Blow) {
    let scratch = Scratch::new().unwrap();
    let redis = private_redis(&scratch).await;
    let world = BookingWorld::with_redis(&redis.url()).await;
    let (one, other) =
        (world.node("one", BatchScope::Database).await, world.node("other", BatchScope::Database).await);
    let show = world.show(2, Duration::from_secs(300)).await;
    let begun = one.client().start::<Booking>(show.request(&show.seats[..1])).await.unwrap();
    assert!(matches!(begun.reached::<Reserve>(LONG).await.unwrap(), Reached::Done(_)));

    match blow {
        Blow::Flushed => {
            let client = redis::Client::open(redis.url()).unwrap();
            let mut connection = client.get_multiplexed_async_connection().await.unwrap();
            let _: () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
            let _: () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut connection).await.unwrap();
        }
        Blow::Frozen => redis.pause().await,
        Blow::Killed => redis.kill().await,
    }

    // What was begun goes on, what is new begins, and a seat is still sold once.
    let begins = other.client().start::<Booking>(show.request(&show.seats[1..])).await.unwrap();
    assert!(matches!(begins.reached::<Reserve>(LONG).await.unwrap(), Reached::Done(_)));
    for taken in [&show.seats[..], &show.seats[..1]] {
        let refused = other.client().start::<Booking>(show.request(taken)).await.unwrap();
        assert!(matches!(refused.reached::<Reserve>(LONG).await.unwrap(), Reached::Rejected(_)));
    }
    other.client().signal(begun.id(), "order", &show.order()).await.unwrap();
    one.client().signal(begins.id(), "order", &show.order()).await.unwrap();
    for handle in [&begun, &begins] {
        let ended = handle.result(LONG).await.unwrap();
        assert!(matches!(ended, Ended::Completed(_)), "{ended:?}");
    }
    assert_eq!(world.gateway.books().sums(Currency::EUR).captured, 2 * PRICE);
    world.verify().await;

    if blow == Blow::Frozen {
        redis.resume().await;
    }
    one.drain().await;
    other.drain().await;
}
