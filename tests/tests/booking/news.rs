//! Orders and payment news, as webhooks bring them: twice, early, late, and to nobody.

use crate::{slow::Slow, world::BookingWorld};
use futures_util::future::join_all;
use orchestrator::{BatchScope, Ended, Handle, Reached, SagaId};
use std::time::Duration;
use steps::{
    Outcome, Pay, Reserve,
    gateway::{
        Currency, Gateway, Intent,
        instant::{Act, Operation},
    },
};
use tests::{play::Gate, support::wait_until};
use workflows::{Booking, PaymentNews};

const LONG: Duration = Duration::from_secs(30);
const HOLD: Duration = Duration::from_secs(300);

/// The only intent in the gateway's books, once it is as wanted.
async fn intent(world: &BookingWorld, wanted: impl Fn(&Intent) -> bool) -> Intent {
    wait_until("the gateway has the intent", LONG, async || {
        world.gateway.books().entries().map(|entry| entry.intent.clone()).find(|intent| wanted(intent))
    })
    .await
}

fn secured(intent: &Intent) -> PaymentNews {
    PaymentNews::Secured(steps::Secured::of(intent).expect("the money is there"))
}

async fn assert_confirmed(world: &BookingWorld, handle: &Handle<Booking>, price: i64) {
    let ended = handle.result(LONG).await.unwrap();
    assert!(matches!(ended, Ended::Completed(_)), "{ended:?}");
    let sums = world.gateway.books().sums(Currency::EUR);
    assert_eq!((sums.authorised, sums.captured, sums.refunded), (price, price, 0), "charged once");
    world.verify().await;
}

#[tokio::test]
async fn news_that_comes_again_and_again_to_two_nodes_is_acted_on_once() {
    let world = BookingWorld::open().await;
    world.gateway.script(|request| if request.operation == Operation::Confirm { Act::Pend } else { Act::Go });
    let (one, other) =
        (world.node("one", BatchScope::Database).await, world.node("other", BatchScope::Database).await);
    let show = world.show(2, HOLD).await;
    let request = show.request(&show.seats);
    let handle = one.client().start::<Booking>(request.clone()).await.unwrap();
    one.client().signal(handle.id(), "order", &show.order()).await.unwrap();
    let Reached::Done(charge) = handle.reached::<Pay>(LONG).await.unwrap() else { panic!("not paid") };
    assert!(matches!(charge.outcome, Outcome::Pending { .. }));
    assert_eq!(world.statuses(request.reservation).await.unwrap(), "PENDING INITIATED/UNSECURED");

    let settled = world.gateway.settle(&charge.intent, true).unwrap();
    let news = secured(&settled);
    let send = |n: usize| {
        let (client, id, news) = ([&one, &other][n % 2].client().clone(), handle.id(), news.clone());
        // Ten copies of one event, and another event that tells the same.
        let event = if n == 7 { "evt_2" } else { "evt_1" };
        async move { client.signal(id, event, &news).await.map(drop) }
    };
    for sent in join_all((0..11).map(send)).await {
        sent.unwrap();
    }
    assert_confirmed(&world, &handle, 2 * tests::support::PRICE).await;
    let entries = "select count(*) from usher.journal_entries where saga_id = $1 and kind = 'received'";
    let entries: i64 =
        sqlx::query_scalar(entries).bind(handle.id().uuid()).fetch_one(&world.pool).await.unwrap();
    assert_eq!(entries, 2, "the order, and one piece of news");

    // The same news comes once more, after the end.
    one.client().signal(handle.id(), "evt_3", &news).await.unwrap();
    assert_confirmed(&world, &handle, 2 * tests::support::PRICE).await;
    one.drain().await;
    other.drain().await;
}

#[tokio::test]
async fn news_that_overtakes_the_gateways_own_answer_is_not_lost() {
    let world = BookingWorld::open().await;
    world.gateway.script(|request| if request.operation == Operation::Confirm { Act::Pend } else { Act::Go });
    let gate = Gate::shut();
    let slow = Gateway::new(Slow { gateway: world.gateway.clone(), gate: gate.clone() });
    let node = world.node_asking(slow, "node", BatchScope::Database).await;
    let other = world.node("other", BatchScope::Database).await;
    let show = world.show(1, HOLD).await;
    let handle = node.client().start::<Booking>(show.request(&show.seats)).await.unwrap();
    node.client().signal(handle.id(), "order", &show.order()).await.unwrap();

    // The gateway has the confirmation, settles it and sends its news; our own request still has no answer.
    let pending = intent(&world, |intent| intent.status.is_confirmed()).await;
    let settled = world.gateway.settle(&pending.id, true).unwrap();
    other.client().signal(handle.id(), "evt_1", &secured(&settled)).await.unwrap();
    assert!(handle.status().await.unwrap().leased, "the call is out");
    gate.open();
    assert_confirmed(&world, &handle, tests::support::PRICE).await;
    node.drain().await;
    other.drain().await;
}

#[tokio::test]
async fn an_order_to_a_saga_that_nobody_knows_is_kept_and_harms_nobody() {
    let world = BookingWorld::open().await;
    let node = world.node("node", BatchScope::Database).await;
    let show = world.show(1, HOLD).await;
    let id = SagaId::new_in(show.event.bucket());
    node.client().signal(id, "order", &show.order()).await.unwrap();
    assert_eq!(world.gateway.books().entries().count(), 0);

    // The saga starts after its letter.
    let handle = node.client().start::<Booking>(show.request(&show.seats)).id(id).await.unwrap();
    assert_confirmed(&world, &handle, tests::support::PRICE).await;
    node.drain().await;
}

#[tokio::test]
async fn of_two_orders_for_one_reservation_one_is_paid() {
    let world = BookingWorld::open().await;
    let (one, other) =
        (world.node("one", BatchScope::Database).await, world.node("other", BatchScope::Database).await);
    let show = world.show(1, HOLD).await;
    let handle = one.client().start::<Booking>(show.request(&show.seats)).await.unwrap();
    assert!(matches!(handle.reached::<Reserve>(LONG).await.unwrap(), Reached::Done(_)));
    // Two tabs: two payments, two ids.
    let (first, second) = (show.order(), show.order());
    let (a, b) = tokio::join!(
        one.client().signal(handle.id(), "tab 1", &first),
        other.client().signal(handle.id(), "tab 2", &second),
    );
    a.unwrap();
    b.unwrap();
    assert_confirmed(&world, &handle, tests::support::PRICE).await;
    let payments: i64 =
        sqlx::query_scalar("select count(*) from booking.payments").fetch_one(&world.pool).await.unwrap();
    assert_eq!(payments, 1);
    assert_eq!(world.gateway.books().entries().count(), 1, "the other one never reached the gateway");
    one.drain().await;
    other.drain().await;
}

#[tokio::test]
async fn news_of_a_failure_turns_back_and_frees_the_seats() {
    let world = BookingWorld::open().await;
    world.gateway.script(|request| if request.operation == Operation::Confirm { Act::Pend } else { Act::Go });
    let node = world.node("node", BatchScope::Database).await;
    let show = world.show(1, HOLD).await;
    let request = show.request(&show.seats);
    let handle = node.client().start::<Booking>(request.clone()).await.unwrap();
    node.client().signal(handle.id(), "order", &show.order()).await.unwrap();
    assert!(matches!(handle.reached::<Pay>(LONG).await.unwrap(), Reached::Done(_)));
    let failed = PaymentNews::Failed { reason: "card_declined".into(), payment: None };
    node.client().signal(handle.id(), "evt_1", &failed).await.unwrap();
    assert!(matches!(handle.result(LONG).await.unwrap(), Ended::Unwound(_)));
    let told = world.statuses(request.reservation).await.unwrap();
    assert!(told.starts_with("EXPIRED FAILED/"), "{told}");
    assert_eq!(world.seats(&show.seats).await, [("AVAILABLE".to_owned(), None)]);
    assert_eq!(world.locked(&show.seats).await, 0);
    world.verify().await;
    node.drain().await;
}
