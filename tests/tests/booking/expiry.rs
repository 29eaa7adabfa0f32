//! The end of a reservation's time: seats and locks are freed, and money is never left in between.

use crate::world::BookingWorld;
use orchestrator::{BatchScope, Cause, Ended, Engine, Handle, Reached};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use steps::{
    Pay, Reservation, Reserve,
    gateway::{
        Currency, IntentStatus,
        instant::{Act, Operation},
    },
};
use tests::support::{PRICE, Show, wait_until};
use workflows::{Booking, BookingRequest};

const LONG: Duration = Duration::from_secs(30);
/// Long enough to be paid for, short enough to be waited for.
const SHORT: Duration = Duration::from_millis(1200);

/// Whether `reserved_until` is past by the database's clock, and whether the reservation ended before it.
async fn times(world: &BookingWorld, reservation: &Reservation) -> (bool, Option<bool>) {
    let look = "select reserved_until < clock_timestamp(), ended_at < reserved_until
        from booking.reservations where id = $1";
    sqlx::query_as(look).bind(reservation.reservation.uuid()).fetch_one(&world.pool).await.unwrap()
}

async fn begin(node: &Engine, show: &Show, ordered: bool) -> (BookingRequest, Handle<Booking>, Reservation) {
    let request = show.request(&show.seats);
    let handle = node.client().start::<Booking>(request.clone()).await.unwrap();
    let Reached::Done(reservation) = handle.reached::<Reserve>(LONG).await.unwrap() else {
        panic!("nobody else wants the seats")
    };
    if ordered {
        node.client().signal(handle.id(), "order", &show.order()).await.unwrap();
        let paid = handle.reached::<Pay>(LONG).await.unwrap();
        assert!(matches!(paid, Reached::Done(_)), "{paid:?}");
    }
    (request, handle, reservation)
}

#[tokio::test]
async fn time_runs_out_by_the_databases_clock_and_frees_seats_and_locks() {
    let world = BookingWorld::open().await;
    let node = world.node("node", BatchScope::Database).await;
    let show = world.show(3, SHORT).await;
    let (request, handle, reservation) = begin(&node, &show, false).await;
    wait_until("the seats are locked", LONG, async || (world.locked(&show.seats).await == 3).then_some(()))
        .await;

    let ended = handle.result(LONG).await.unwrap();
    assert_eq!(ended, Ended::Unwound(Cause::Expired { signal: "payment-order".into() }));
    assert_eq!(times(&world, &reservation).await, (true, Some(false)), "not a moment early");
    assert_eq!(world.statuses(request.reservation).await.unwrap(), "EXPIRED");
    assert_eq!(world.seats(&show.seats).await, vec![("AVAILABLE".to_owned(), None); 3]);
    assert_eq!(world.locked(&show.seats).await, 0);

    // The seats can be reserved again, under a higher hold number.
    let (again, _handle, later) = begin(&node, &show, false).await;
    assert_eq!(world.statuses(again.reservation).await.unwrap(), "PENDING");
    assert!(later.seats[0].hold > reservation.seats[0].hold);
    world.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn at_the_deadline_money_that_nobody_told_of_confirms() {
    let world = BookingWorld::open().await;
    world.gateway.script(|request| if request.operation == Operation::Confirm { Act::Pend } else { Act::Go });
    let node = world.node("node", BatchScope::Database).await;
    let show = world.show(2, SHORT).await;
    let (request, handle, reservation) = begin(&node, &show, true).await;
    let intent = world.gateway.books().entries().next().unwrap().intent.id.clone();
    world.gateway.settle(&intent, true).expect("it was pending");

    assert!(matches!(handle.result(LONG).await.unwrap(), Ended::Completed(_)));
    assert!(times(&world, &reservation).await.0, "it waited for the news until the deadline");
    assert_eq!(world.statuses(request.reservation).await.unwrap(), "CONFIRMED SUCCESS/CAPTURED");
    assert_eq!(world.gateway.books().sums(Currency::EUR).captured, 2 * PRICE);
    world.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn at_the_deadline_without_money_the_gateway_cancels_before_the_seats_are_freed() {
    let world = BookingWorld::open().await;
    let (reachable, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (open, count) = (reachable.clone(), refused.clone());
    world.gateway.script(move |request| match request.operation {
        Operation::Confirm => Act::Pend,
        Operation::Cancel if !open.load(Ordering::SeqCst) => {
            count.fetch_add(1, Ordering::SeqCst);
            Act::LoseRequest
        }
        _ => Act::Go,
    });
    let node = world.node("node", BatchScope::Database).await;
    let show = world.show(2, SHORT).await;
    let (request, handle, reservation) = begin(&node, &show, true).await;

    wait_until("the gateway was asked to cancel, in vain", LONG, async || {
        (refused.load(Ordering::SeqCst) > 1).then_some(())
    })
    .await;
    assert!(times(&world, &reservation).await.0, "the time is up");
    assert_eq!(world.statuses(request.reservation).await.unwrap(), "PENDING INITIATED/UNSECURED");
    let mine = ("RESERVED".to_owned(), Some(request.reservation));
    assert_eq!(world.seats(&show.seats).await, vec![mine; 2], "until the money is impossible, they are kept");
    let other = node.client().start::<Booking>(show.request(&show.seats[..1])).await.unwrap();
    let other = other.reached::<Reserve>(LONG).await.unwrap();
    assert!(matches!(other, Reached::Rejected(_)), "nor may anybody else have them: {other:?}");

    reachable.store(true, Ordering::SeqCst);
    let ended = handle.result(LONG).await.unwrap();
    assert!(
        matches!(&ended, Ended::Unwound(Cause::Rejected(why)) if why.code == "payment-expired"),
        "{ended:?}"
    );
    assert_eq!(world.seats(&show.seats).await, vec![("AVAILABLE".to_owned(), None); 2]);
    assert_eq!(world.locked(&show.seats).await, 0);
    let books = world.gateway.books();
    assert!(books.entries().all(|entry| entry.intent.status == IntentStatus::Canceled && entry.secured == 0));
    world.verify().await;
    node.drain().await;
}
