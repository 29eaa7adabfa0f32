//! Outcomes that nobody knows, and answers that can't be true.

use crate::world::BookingWorld;
use orchestrator::{BatchScope, Ended, Engine, Handle, Reached, State, StuckCause};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use steps::{
    Confirm, Pay, Secured,
    gateway::{
        CancelReason, CaptureMethod, Currency, Gateway, GatewayError, IntentStatus, Money, Order, Trace,
        instant::{Act, Operation},
    },
};
use tests::support::{PRICE, wait_until};
use workflows::{Booking, BookingRequest, PaymentNews, PaymentOrder};

const LONG: Duration = Duration::from_secs(30);
const HOLD: Duration = Duration::from_secs(300);

/// A world with one node, and a booking whose payment is ordered.
struct Stage {
    world: BookingWorld,
    node: Engine,
    request: BookingRequest,
    order: PaymentOrder,
    handle: Handle<Booking>,
}

impl Stage {
    async fn open(script: impl Fn(Operation, &str) -> Act + Send + Sync + 'static) -> Self {
        let world = BookingWorld::open().await;
        world.gateway.script(move |request| script(request.operation, request.key));
        let node = world.node("node", BatchScope::Database).await;
        let show = world.show(1, HOLD).await;
        let (request, order) = (show.request(&show.seats), show.order());
        let handle = node.client().start::<Booking>(request.clone()).await.unwrap();
        node.client().signal(handle.id(), "order", &order).await.unwrap();
        Self { world, node, request, order, handle }
    }

    async fn send_news(&self, sender: &str, news: &PaymentNews) {
        self.node.client().signal(self.handle.id(), sender, news).await.unwrap();
    }

    /// Asserts that the seats are booked and were paid for once.
    async fn assert_booked(self) {
        let ended = self.handle.result(LONG).await.unwrap();
        assert!(matches!(ended, Ended::Completed(_)), "{ended:?}");
        let sums = self.world.gateway.books().sums(Currency::EUR);
        assert_eq!((sums.authorised, sums.captured, sums.refunded), (PRICE, PRICE, 0));
        self.world.verify().await;
        self.node.drain().await;
    }

    /// Asserts that the saga is stuck at this step on a contradiction, with so many bookings. Gives its text.
    async fn assert_stuck(self, at: &str, bookings: i64) -> String {
        let cause = self.stuck_with(bookings).await;
        let StuckCause::Contradicted { step, detail } = cause else { panic!("{cause:?}") };
        assert_eq!(step, at);
        detail
    }

    /// Asserts that the saga is stuck, with so many bookings. Gives the cause.
    async fn stuck_with(self, bookings: i64) -> StuckCause {
        let ended = self.handle.result(LONG).await.unwrap();
        let Ended::Stuck(cause) = ended else { panic!("{ended:?}") };
        let look = "select count(*) from booking.bookings";
        let found: i64 = sqlx::query_scalar(look).fetch_one(&self.world.pool).await.unwrap();
        assert_eq!(found, bookings);
        self.node.drain().await;
        cause
    }
}

#[tokio::test]
async fn a_stored_500_on_confirm_does_not_hide_the_charge() {
    let seen = AtomicBool::new(false);
    let stage = Stage::open(move |operation, _| match operation {
        Operation::Confirm => {
            let replayed = seen.swap(true, Ordering::Relaxed);
            Act::ServerError { done: !replayed, replayed }
        }
        _ => Act::Go,
    })
    .await;
    stage.assert_booked().await;
}

#[tokio::test]
async fn a_stored_500_without_a_charge_is_gone_round_under_another_key() {
    let seen = Mutex::new(HashSet::new());
    let stage = Stage::open(move |operation, key| match operation {
        Operation::Confirm if !key.ends_with(":again") => {
            let replayed = !seen.lock().unwrap().insert(key.to_owned());
            Act::ServerError { done: false, replayed }
        }
        _ => Act::Go,
    })
    .await;
    stage.assert_booked().await;
}

#[tokio::test]
async fn a_charge_that_would_come_after_not_found_never_comes() {
    // Five requests to create are lost on the way: as many as the step's policy allows.
    let lost = AtomicUsize::new(0);
    let stage = Stage::open(move |operation, _| match operation {
        Operation::Create if lost.fetch_add(1, Ordering::Relaxed) < 5 => Act::LoseRequest,
        _ => Act::Go,
    })
    .await;
    let ended = stage.handle.result(LONG).await.unwrap();
    assert!(matches!(ended, Ended::Unwound(_)), "{ended:?}");
    let tombstone = stage.world.gateway.books().entries().next().unwrap().intent.clone();
    assert_eq!(tombstone.status, IntentStatus::Canceled);

    // One of them arrives now, a day late: under our key there is only the tombstone.
    let key = tombstone.id.as_str().strip_prefix("pi_instant_").unwrap();
    let order = Order {
        money: tombstone.money,
        method: stage.order.method.clone(),
        capture: CaptureMethod::Manual,
        return_url: None,
        trace: Trace {
            saga_id: Some(stage.handle.id().uuid()),
            payment_id: Some(stage.order.payment.uuid()),
            reservation_id: Some(stage.request.reservation.uuid()),
        },
    };
    let gateway = Gateway::new(stage.world.gateway.clone());
    assert_eq!(gateway.create(&order, key).await.unwrap().id, tombstone.id);
    let late = gateway.confirm(&tombstone.id, &order, key).await;
    assert!(matches!(late, Err(GatewayError::WrongState { .. })), "{late:?}");
    assert_eq!(stage.world.gateway.books().sums(Currency::EUR).authorised, 0);
    stage.world.verify().await;
    stage.node.drain().await;
}

#[tokio::test]
async fn a_payment_in_doubt_for_longer_than_keys_are_remembered_is_looked_up_and_never_repeated() {
    let healthy = Arc::new(AtomicBool::new(false));
    let (well, repeated) = (healthy.clone(), Arc::new(AtomicUsize::new(0)));
    let asked = repeated.clone();
    let stage = Stage::open(move |operation, _| match operation {
        Operation::Create | Operation::Confirm if well.load(Ordering::Relaxed) => {
            asked.fetch_add(1, Ordering::Relaxed);
            Act::Go
        }
        Operation::Confirm => Act::LoseAnswer,
        Operation::Read => Act::Refuse,
        _ => Act::Go,
    })
    .await;
    wait_until("the money is secured, unheard", LONG, async || {
        stage.world.gateway.books().entries().any(|entry| entry.secured == 1).then_some(())
    })
    .await;
    stage.node.drain().await;
    // The node was away for a day, as far as the journal can tell.
    let later = r#"update usher.journal set entries = regexp_replace(entries::text, '"at":"[0-9]{4}', '"at":"2001')::json"#;
    sqlx::query(later).execute(&stage.world.pool).await.unwrap();
    healthy.store(true, Ordering::Relaxed);
    let node = stage.world.node("later", BatchScope::Database).await;
    let handle = node.client().handle::<Booking>(stage.handle.id());
    let ended = handle.result(LONG).await.unwrap();
    assert!(matches!(ended, Ended::Completed(_)), "{ended:?}");
    assert_eq!(repeated.load(Ordering::Relaxed), 0, "nothing was asked for again");
    let sums = stage.world.gateway.books().sums(Currency::EUR);
    assert_eq!((sums.authorised, sums.captured), (PRICE, PRICE));
    node.drain().await;
}

#[tokio::test]
async fn an_authorisation_that_lapsed_before_its_capture_is_for_a_person_with_the_booking_named() {
    let lapsed = Arc::new(AtomicBool::new(false));
    let flag = lapsed.clone();
    let stage = Stage::open(move |operation, _| match operation {
        Operation::Capture if !flag.load(Ordering::Relaxed) => Act::Refuse,
        _ => Act::Go,
    })
    .await;
    let Reached::Done(booked) = stage.handle.reached::<Confirm>(LONG).await.unwrap() else {
        panic!("unsold")
    };
    let intent = stage.world.gateway.books().entries().next().unwrap().intent.id.clone();
    let gateway = Gateway::new(stage.world.gateway.clone());
    gateway.cancel(&intent, CancelReason::Abandoned, "the bank").await.unwrap();
    lapsed.store(true, Ordering::Relaxed);
    let cause = stage.stuck_with(1).await;
    let StuckCause::RefusedAfterPivot { at, error } = cause else { panic!("{cause:?}") };
    assert_eq!(at, "capture");
    assert!(error.contains(&booked.booking.to_string()), "{error}");
}

fn pending(operation: Operation, _: &str) -> Act {
    if operation == Operation::Confirm { Act::Pend } else { Act::Go }
}

#[tokio::test]
async fn doubtful_news_of_a_lie_makes_the_saga_stuck_and_never_a_booking() {
    let lie = Act::Lie(Money::new(1, Currency::EUR));
    let stage = Stage::open(move |operation, key| match operation {
        Operation::Read => lie,
        _ => pending(operation, key),
    })
    .await;
    assert!(matches!(stage.handle.reached::<Pay>(LONG).await.unwrap(), Reached::Done(_)));
    let what = "another amount".to_owned();
    stage.send_news("evt_1", &PaymentNews::Doubtful { what, payment: Some(stage.order.payment) }).await;
    let detail = stage.assert_stuck("settle", 0).await;
    assert!(detail.contains("0.01 EUR"), "{detail}");
}

#[tokio::test]
async fn news_of_another_amount_never_confirms() {
    let stage = Stage::open(pending).await;
    let Reached::Done(charge) = stage.handle.reached::<Pay>(LONG).await.unwrap() else { panic!("not paid") };
    let money = Money::new(PRICE - 1, Currency::EUR);
    stage
        .send_news("evt_1", &PaymentNews::Secured(Secured { intent: charge.intent, money, captured: false }))
        .await;
    let detail = stage.assert_stuck("confirm", 0).await;
    assert!(detail.contains("124.99 EUR, and 125.00 EUR was ordered"), "{detail}");
}

#[tokio::test]
async fn news_of_another_payment_is_passed_over() {
    let stage = Stage::open(pending).await;
    let Reached::Done(charge) = stage.handle.reached::<Pay>(LONG).await.unwrap() else { panic!("not paid") };
    let other = steps::PaymentId::new_in(stage.request.event.bucket());
    for n in 0..3 {
        let news = PaymentNews::Failed { reason: "declined".into(), payment: Some(other) };
        stage.send_news(&format!("evt_{n}"), &news).await;
    }
    wait_until("they are read", LONG, async || {
        let received = "select count(*) from usher.journal_entries where kind = 'received'";
        let received: i64 = sqlx::query_scalar(received).fetch_one(&stage.world.pool).await.unwrap();
        (received == 4).then_some(())
    })
    .await;
    assert_eq!(stage.handle.status().await.unwrap().state, State::Waiting);
    let settled = stage.world.gateway.settle(&charge.intent, true).unwrap();
    stage.send_news("evt_9", &PaymentNews::Secured(Secured::of(&settled).unwrap())).await;
    stage.assert_booked().await;
}
