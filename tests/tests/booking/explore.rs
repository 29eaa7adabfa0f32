//! The booking, explored: whatever fails, seats and money agree.

use crate::world::BookingWorld;
use orchestrator::{
    State, StuckCause,
    testing::{Begun, Case, End, Letter, Report, Scenario, explore, run},
};
use sqlx::Row;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use steps::{
    ReservationId, SeatId, Services,
    gateway::{
        IntentStatus,
        instant::{self, Act, Operation},
    },
};
use tests::support::PRICE;
use uuid::Uuid;
use workflows::{Booking, PaymentNews, PaymentOrder};

/// How the gateway behaves, and how the customer does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plot {
    /// All goes well.
    Paid,
    /// The customer never pays.
    Abandoned,
    /// The card is declined.
    Declined,
    /// The payment is pending at the deadline, and for ever.
    PendingForEver,
    /// The money is secured, nobody hears of it, and the gateway forgets our key afterwards.
    SecuredUnheardKeyForgotten,
    /// The gateway takes the money at once, and never holds it.
    TakenAtOnce,
    /// The first card is declined, the second is good.
    DeclinedThenPaid,
    /// The first payment is pending, and fails by the news of a webhook; the second is good.
    FailedLaterThenPaid,
    /// The authorisation lapses before the money is taken.
    Lapses,
}

impl Plot {
    /// How often the customer tries to pay; the reservation allows no more.
    fn tries(self) -> u32 {
        match self {
            Self::Abandoned => 0,
            Self::Paid | Self::Declined | Self::PendingForEver | Self::SecuredUnheardKeyForgotten => 1,
            Self::TakenAtOnce | Self::Lapses => 1,
            Self::DeclinedThenPaid | Self::FailedLaterThenPaid => 2,
        }
    }
}

struct Bookings {
    world: BookingWorld,
    plot: Plot,
    /// The first payment of each reservation that has several.
    firsts: Arc<Mutex<HashSet<Uuid>>>,
}

struct World {
    reservation: ReservationId,
    seats: Vec<SeatId>,
}

impl Scenario for Bookings {
    type Workflow = Booking;
    type Services = Services;
    type World = World;

    async fn begin(&self) -> Begun<Booking, Services, World> {
        let show = self.world.show(2, Duration::from_secs(300)).await;
        let mut input = show.request(&show.seats);
        input.payment_attempts_max = self.plot.tries().max(1);
        let orders: Vec<_> = (0..self.plot.tries()).map(|_| show.order()).collect();
        let order = |(n, order): (usize, &PaymentOrder)| Letter::signal(&format!("order {n}"), order);
        let mut letters: Vec<_> = orders.iter().enumerate().map(order).collect();
        if self.plot.tries() > 1 {
            self.firsts.lock().unwrap().insert(orders[0].payment.uuid());
            // In the plot where it was declined at once, this is news of a payment that nobody asks about any more.
            let failed = PaymentNews::Failed { reason: "late".into(), payment: Some(orders[0].payment) };
            letters.push(Letter::signal("evt_1", &failed));
        }
        let services = match self.plot {
            Plot::TakenAtOnce => self.world.services_taking_at_once(),
            _ => self.world.services(),
        };
        let world = World { reservation: input.reservation, seats: show.seats };
        Begun { services, world, input, letters }
    }

    async fn check(&self, world: &World, end: &End) -> String {
        let found = "select r.status, r.payment_id, p.status as paid, p.money,
                (select count(*) from booking.bookings b where b.reservation_id = r.id and b.bucket = r.bucket) as booked,
                (select string_agg(distinct s.status, ' ') from booking.seats s where s.id = any($3)) as seats,
                (select count(*) from booking.reservation_seats c where c.reservation_id = r.id and c.live) as live
            from booking.reservations r
            left join booking.payments p on p.id = r.payment_id and p.bucket = r.bucket
            where r.id = $1 and r.bucket = $2";
        let row = sqlx::query(found)
            .bind(world.reservation.uuid())
            .bind(world.reservation.bucket().number())
            .bind(world.seats.iter().map(|seat| seat.uuid()).collect::<Vec<_>>())
            .fetch_optional(&self.world.pool)
            .await
            .unwrap();
        let locked = self.world.locked(&world.seats).await;
        let told = row.map(|row| {
            let text = |name: &str| row.get::<Option<String>, _>(name).unwrap_or_else(|| "-".into());
            let number = |name: &str| row.get::<i64, _>(name);
            format!(
                "{} {}/{} seats {} live {} booked {}",
                text("status"),
                text("paid"),
                text("money"),
                text("seats"),
                number("live"),
                number("booked")
            )
        });
        let books = self.money(end);
        // An undone charge is VOIDED or was never asked for; both leave nothing behind, and a crash may decide which.
        let kind = match (end.state, told.as_deref()) {
            (State::Completed, Some("CONFIRMED SUCCESS/CAPTURED seats BOOKED live 2 booked 1")) => "booked",
            (State::Unwound, None) => "refused",
            (State::Unwound, Some(told))
                if told.starts_with("EXPIRED") && told.ends_with("seats AVAILABLE live 0 booked 0") =>
            {
                assert!(!told.contains("INITIATED") && !told.contains("SUCCESS"), "{told}: {end:?}");
                "unwound"
            }
            // Sold, and what follows is owed: it is tried again later, and a person sees it.
            (State::Stuck, Some(told))
                if told.starts_with("CONFIRMED SUCCESS/")
                    && told.ends_with("seats BOOKED live 2 booked 1") =>
            {
                assert!(matches!(end.stuck, Some(StuckCause::FailedAfterPivot { .. })), "{end:?}");
                "owed"
            }
            // Sold, and the money can't be taken any more: a person decides.
            (State::Stuck, Some("CONFIRMED FAILED/VOIDED seats BOOKED live 2 booked 1")) => {
                assert!(matches!(end.stuck, Some(StuckCause::RefusedAfterPivot { .. })), "{end:?}");
                "never captured"
            }
            other => panic!("{other:?} {books:?}: {end:?}"),
        };
        match kind {
            "booked" => assert_eq!((books, locked), ((2 * PRICE, 0), 0), "{end:?}"),
            "owed" if self.plot == Plot::Lapses => assert_eq!(books.0, 0, "{end:?}"),
            "owed" => assert_eq!(books.0 + books.1, 2 * PRICE, "{end:?}"),
            "never captured" => assert_eq!(books, (0, 0), "{end:?}"),
            _ => assert_eq!((books, locked), ((0, 0), 0), "{end:?}"),
        }
        kind.to_owned()
    }
}

impl Bookings {
    async fn with(plot: Plot) -> Self {
        let world = BookingWorld::open().await;
        let made = Mutex::new(HashSet::new());
        let firsts = Arc::new(Mutex::new(HashSet::new()));
        let known = firsts.clone();
        let first = move |request: &instant::Request<'_>| {
            request.trace.payment_id.is_some_and(|payment| known.lock().unwrap().contains(&payment))
        };
        world.gateway.script(move |request| match (plot, request.operation) {
            (Plot::DeclinedThenPaid, Operation::Confirm) if first(request) => Act::Decline,
            (Plot::FailedLaterThenPaid, Operation::Confirm) if first(request) => Act::Pend,
            (Plot::SecuredUnheardKeyForgotten, Operation::Confirm) => Act::LoseAnswer,
            (Plot::SecuredUnheardKeyForgotten, Operation::Create) => {
                if made.lock().unwrap().insert(request.key.to_owned()) { Act::Go } else { Act::Refuse }
            }
            (Plot::Declined, Operation::Confirm) => Act::Decline,
            (Plot::PendingForEver, Operation::Confirm) => Act::Pend,
            (Plot::Lapses, Operation::Capture) => Act::Fail,
            _ => Act::Go,
        });
        Self { world, plot, firsts }
    }

    /// This saga's money by the gateway's books: what is taken and not given back, and what is still held.
    fn money(&self, end: &End) -> (i64, i64) {
        let books = self.world.gateway.books();
        let ours = books.entries().filter(|entry| entry.intent.trace.saga_id == Some(end.saga.uuid()));
        ours.fold((0, 0), |(kept, held), entry| {
            assert!(entry.secured <= 1, "charged twice: {entry:?}");
            let refunded = entry.refunds.iter().map(|refund| refund.money.amount).sum::<i64>();
            let open = entry.intent.status != IntentStatus::Canceled;
            (
                kept + entry.intent.amount_received.unwrap() - refunded,
                held + if open { entry.intent.amount_capturable.unwrap() } else { 0 },
            )
        })
    }
}

#[tokio::test]
async fn all_or_nothing_whatever_fails() {
    let bookings = Bookings::with(Plot::Paid).await;
    let report = explore(&bookings, &bookings.world.at()).await;
    assert!(report.ends["booked"] > 50 && report.ends["unwound"] > 50, "{report:?}");
}

#[tokio::test]
async fn all_or_nothing_where_money_is_taken_at_once_whatever_fails() {
    let bookings = Bookings::with(Plot::TakenAtOnce).await;
    let report = explore(&bookings, &bookings.world.at()).await;
    assert!(report.ends["booked"] > 50 && report.ends["unwound"] > 50, "{report:?}");
}

#[tokio::test]
async fn a_second_try_pays_and_the_first_never_does_whatever_fails() {
    let bookings = Bookings::with(Plot::FailedLaterThenPaid).await;
    let report = explore(&bookings, &bookings.world.at()).await;
    assert!(report.ends["booked"] > 50, "{report:?}");
}

#[tokio::test]
async fn a_decline_leaves_the_seats_held_for_a_second_try() {
    let bookings = Bookings::with(Plot::DeclinedThenPaid).await;
    for full in [false, true] {
        let (at, mut report) = (bookings.world.at(), Report::default());
        let ran = run(&bookings, &at, Case::plain(full), &mut report).await;
        assert_eq!(ran.words, "booked");
    }
}

#[tokio::test]
async fn abandoned_expires_whatever_fails() {
    let bookings = Bookings::with(Plot::Abandoned).await;
    let report = explore(&bookings, &bookings.world.at()).await;
    assert!(!report.ends.contains_key("booked"), "{report:?}");
}

#[tokio::test]
async fn decline_unwinds_whatever_fails() {
    let bookings = Bookings::with(Plot::Declined).await;
    let report = explore(&bookings, &bookings.world.at()).await;
    assert!(!report.ends.contains_key("booked"), "{report:?}");
}

#[tokio::test]
async fn pending_at_the_deadline_is_cancelled_at_the_gateway_whatever_fails() {
    let bookings = Bookings::with(Plot::PendingForEver).await;
    let report = explore(&bookings, &bookings.world.at()).await;
    assert!(!report.ends.contains_key("booked"), "{report:?}");
}

#[tokio::test]
async fn an_authorisation_that_lapses_before_the_capture_is_released_whatever_fails() {
    let bookings = Bookings::with(Plot::Lapses).await;
    let report = explore(&bookings, &bookings.world.at()).await;
    assert!(report.ends["never captured"] > 50 && report.ends["unwound"] > 50, "{report:?}");
    assert!(!report.ends.contains_key("booked"), "{report:?}");
}

#[tokio::test]
async fn a_charge_that_nobody_heard_of_is_found_by_our_ids_and_let_go() {
    let bookings = Bookings::with(Plot::SecuredUnheardKeyForgotten).await;
    let ran = run(&bookings, &bookings.world.at(), Case::plain(true), &mut Report::default()).await;
    assert_eq!(ran.words, "unwound");
    assert_eq!(bookings.world.gateway.books().entries().count(), 1);
}
