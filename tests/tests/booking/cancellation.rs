//! Cancelling a booking, explored: the money goes back once, and the seats are free.

use crate::{sold::Ordered, world::BookingWorld};
use orchestrator::{
    BatchScope, Cause, Ended, State, StuckCause,
    testing::{Begun, Case, End, Report, Scenario, explore, run},
};
use rstest::rstest;
use std::{collections::HashSet, sync::Mutex, time::Duration};
use steps::{
    BookingId, Services,
    gateway::{
        Currency, Money,
        instant::{Act, Operation},
    },
};
use tests::support::{PRICE, Show, wait_until};
use workflows::{Cancellation, CancellationRequest};

const LONG: Duration = Duration::from_secs(30);

/// What has happened to the money before the refund, or how the gateway answers it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plot {
    Nothing,
    /// Somebody gave a part back by hand before.
    PartByHand,
    /// Somebody gave all of it back by hand before.
    AllByHand,
    /// The gateway stored a 500 for our first key and had no effect.
    StoredError,
    /// The gateway stored a 500 for our first key, and gave the money back all the same.
    StoredErrorAndDone,
    /// The first refund is refused by the customer's bank at once.
    FailsAtOnce,
    /// Refunds take days.
    Pends,
}

struct Cancellations {
    world: BookingWorld,
    plot: Plot,
}

struct World {
    show: Show,
    ordered: Ordered,
}

impl Cancellations {
    async fn with(plot: Plot) -> Self {
        let world = BookingWorld::open().await;
        let seen = Mutex::new(HashSet::new());
        world.gateway.script(move |request| {
            if request.operation != Operation::Refund {
                return Act::Go;
            }
            let first_key = request.key.ends_with(":refund-0");
            let first_time = seen.lock().unwrap().insert(request.key.to_owned());
            match plot {
                Plot::StoredError if first_key => Act::ServerError { done: false, replayed: !first_time },
                Plot::StoredErrorAndDone if first_key => {
                    Act::ServerError { done: first_time, replayed: !first_time }
                }
                Plot::FailsAtOnce if first_key => Act::Fail,
                Plot::Pends => Act::Pend,
                _ => Act::Go,
            }
        });
        Self { world, plot }
    }
}

impl Scenario for Cancellations {
    type Workflow = Cancellation;
    type Services = Services;
    type World = World;

    async fn begin(&self) -> Begun<Cancellation, Services, World> {
        let show = self.world.show(2, Duration::from_secs(300)).await;
        let (booking, ordered) = self.world.sell(&show).await;
        let by_hand = match self.plot {
            Plot::PartByHand => Some(PRICE / 2),
            Plot::AllByHand => Some(2 * PRICE),
            _ => None,
        };
        if let Some(amount) = by_hand {
            self.world.gateway.refund_by_hand(&ordered.intent.id, Money::new(amount, Currency::EUR)).unwrap();
        }
        let input = CancellationRequest { booking, by: "ada".into(), reason: None };
        let world = World { show, ordered };
        Begun { services: self.world.services(), world, input, letters: Vec::new() }
    }

    async fn check(&self, world: &World, end: &End) -> String {
        let World { show, ordered, .. } = world;
        let standing = self.world.standing(ordered.reservation, show).await;
        let (kept, held) = self.world.books_of(&ordered.intent);
        let wrong = self.world.imbalance(ordered.payment).await;
        let booked = "CONFIRMED SUCCESS/CAPTURED booking CONFIRMED seats BOOKED live 2";
        match (end.state, standing.as_str()) {
            (State::Completed, "CONFIRMED REFUNDED/REFUNDED booking CANCELLED seats AVAILABLE live 0") => {
                assert_eq!((kept, held, wrong), (0, 0, vec![]), "{end:?}");
                "cancelled".into()
            }
            // The decision itself failed for good: nothing has happened.
            (State::Unwound, found) if found == booked => "refused".into(),
            // It is decided and owed, and will be tried again; the seats wait for the money.
            (State::Stuck, found) => {
                assert!(matches!(end.stuck, Some(StuckCause::FailedAfterPivot { .. })), "{end:?}");
                assert!(found.contains("booking CANCELLED"), "{found}: {end:?}");
                "owed".into()
            }
            other => panic!("{other:?} {kept} {held} {wrong:?}: {end:?}"),
        }
    }
}

#[rstest]
#[case(Plot::Nothing)]
#[case(Plot::PartByHand)]
#[tokio::test]
async fn a_cancelled_booking_is_refunded_once_and_its_seats_are_free_whatever_fails(#[case] plot: Plot) {
    let cancellations = Cancellations::with(plot).await;
    let report = explore(&cancellations, &cancellations.world.at()).await;
    assert!(report.ends["cancelled"] > 10 && report.ends["refused"] > 1, "{report:?}");
}

#[rstest]
#[case(Plot::AllByHand)]
#[case(Plot::StoredError)]
#[case(Plot::StoredErrorAndDone)]
#[case(Plot::FailsAtOnce)]
#[case(Plot::Pends)]
#[tokio::test]
async fn a_refund_that_meets_trouble_is_made_once_all_the_same(#[case] plot: Plot) {
    let cancellations = Cancellations::with(plot).await;
    for full in [false, true] {
        let (at, mut report) = (cancellations.world.at(), Report::default());
        let ran = run(&cancellations, &at, Case::plain(full), &mut report).await;
        assert_eq!(ran.words, "cancelled", "{plot:?}");
    }
    let sums = cancellations.world.gateway.books().sums(Currency::EUR);
    assert_eq!(sums.captured, sums.refunded);
}

/// Cancels, and says why it was refused.
async fn refusal(world: &BookingWorld, booking: BookingId) -> String {
    let node = world.node("node", BatchScope::Database).await;
    let request = CancellationRequest { booking, by: "ada".into(), reason: None };
    let handle = node.client().start::<Cancellation>(request).await.unwrap();
    let ended = handle.result(LONG).await.unwrap();
    let Ended::Unwound(Cause::Rejected(rejected)) = ended else { panic!("{ended:?}") };
    assert_eq!(rejected.code, "cancellation-closed");
    let rows: i64 =
        sqlx::query_scalar("select count(*) from usher.sagas").fetch_one(&world.pool).await.unwrap();
    assert_eq!(rows, 0, "refused at once, it leaves no row");
    node.drain().await;
    rejected.data["why"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_booking_is_cancelled_once() {
    let world = BookingWorld::open().await;
    let show = world.show(1, Duration::from_secs(300)).await;
    let (booking, ordered) = world.sell(&show).await;
    let node = world.node("node", BatchScope::Database).await;
    let request = CancellationRequest { booking, by: "ada".into(), reason: Some("ill".into()) };
    let one = node.client().start::<Cancellation>(request.clone()).await.unwrap();
    let other = node.client().start::<Cancellation>(request).await.unwrap();
    let ends = [one.result(LONG).await.unwrap(), other.result(LONG).await.unwrap()];
    assert_eq!(ends.iter().filter(|end| **end == Ended::Completed(booking)).count(), 1, "{ends:?}");
    assert_eq!(world.books_of(&ordered.intent), (0, 0));
    assert_eq!(world.imbalance(ordered.payment).await, Vec::<String>::new());
    let told = "select string_agg(kind, ' ' order by position, ordinal) from usher.outbox where kind <> 'booking.confirmed'";
    let told: String = sqlx::query_scalar(told).fetch_one(&world.pool).await.unwrap();
    assert_eq!(told, "booking.cancelled payment.refunded");
    world.verify().await;
    node.drain().await;
}

#[tokio::test]
async fn a_booking_whose_event_has_begun_is_not_cancelled() {
    let world = BookingWorld::open().await;
    let show = world.show(1, Duration::from_secs(300)).await;
    let (booking, _) = world.sell(&show).await;
    sqlx::query("update booking.events set starts_at = now() - interval '1 minute'")
        .execute(&world.pool)
        .await
        .unwrap();
    assert_eq!(refusal(&world, booking).await, "event-begun");
}

#[tokio::test]
async fn a_disputed_payment_freezes_refunds() {
    let world = BookingWorld::open().await;
    let show = world.show(1, Duration::from_secs(300)).await;
    let (booking, ordered) = world.sell(&show).await;
    let dispute = steps::store::payments::Dispute {
        id: "dp_1".into(),
        charge: steps::store::payments::ChargeRecord::of(&ordered.intent).unwrap(),
        stage: steps::gateway::fact::DisputeStage::Opened,
        status: "needs_response".into(),
        money: ordered.price,
        at: chrono::DateTime::UNIX_EPOCH,
    };
    let mut connection = world.pool.acquire().await.unwrap();
    let now = sqlx::query_scalar("select now()").fetch_one(&mut *connection).await.unwrap();
    steps::store::payments::record_dispute(&mut connection, ordered.payment, &dispute, now).await.unwrap();
    assert_eq!(refusal(&world, booking).await, "disputed");
    // A payment whose dispute is won may be refunded again.
    let won = steps::store::payments::Dispute {
        stage: steps::gateway::fact::DisputeStage::Closed,
        status: "won".into(),
        ..dispute
    };
    steps::store::payments::record_dispute(&mut connection, ordered.payment, &won, now).await.unwrap();
    drop(connection);
    let node = world.node("node", BatchScope::Database).await;
    let request = CancellationRequest { booking, by: "ada".into(), reason: None };
    let handle = node.client().start::<Cancellation>(request).await.unwrap();
    assert_eq!(handle.result(LONG).await.unwrap(), Ended::Completed(booking));
    assert_eq!(world.imbalance(ordered.payment).await, Vec::<String>::new());
    node.drain().await;
}

#[tokio::test]
async fn a_cancellation_waits_for_the_capture() {
    let world = BookingWorld::open().await;
    let show = world.show(1, Duration::from_secs(300)).await;
    let (booking, ordered) = world.sell(&show).await;
    // The state between the pivot and the answer to the capture.
    let owed = "with payment as (update booking.payments set money = 'OWED')
        delete from booking.ledger where kind = 'captured'";
    sqlx::query(owed).execute(&world.pool).await.unwrap();
    let node = world.node("node", BatchScope::Database).await;
    let request = CancellationRequest { booking, by: "ada".into(), reason: None };
    let handle = node.client().start::<Cancellation>(request).await.unwrap();
    wait_until("it waits", LONG, async || {
        (handle.status().await.unwrap().state == State::Waiting).then_some(())
    })
    .await;
    let mut connection = world.pool.acquire().await.unwrap();
    let now = sqlx::query_scalar("select now()").fetch_one(&mut *connection).await.unwrap();
    let news = steps::Secured::of(&ordered.intent).unwrap().news();
    steps::store::payments::apply_all(&mut connection, &[(ordered.payment, news)], now).await.unwrap();
    drop(connection);
    assert_eq!(handle.result(LONG).await.unwrap(), Ended::Completed(booking));
    assert_eq!(world.books_of(&ordered.intent), (0, 0));
    world.verify().await;
    node.drain().await;
}
