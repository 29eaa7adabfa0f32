//! Money that came too late, explored: the customer gets the same seats, or the money back.

use crate::{sold::Ordered, world::BookingWorld};
use orchestrator::{
    State, StuckCause,
    testing::{Begun, Case, End, Report, Scenario, explore, run},
};
use rstest::rstest;
use std::time::Duration;
use steps::{
    PaymentId, ReservationId, Services,
    gateway::{
        CancelReason, CaptureMethod, Currency, Gateway, Money,
        instant::{self, Act, Operation},
    },
};
use tests::support::{PRICE, Show};
use workflows::{LateMoney, LatePayment};

/// What has become of the seats and the money when the saga begins.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plot {
    /// Nobody else has the seats; the money is held.
    Free,
    /// Nobody else has the seats; the money was taken at once.
    FreeAndTaken,
    /// Somebody else has them; the money is held.
    Gone,
    /// Somebody else has them; the money was taken at once.
    GoneAndTaken,
    /// A part of it was given back by hand.
    PartGone,
    /// The payment was cancelled at the gateway in the meantime.
    Cancelled,
    /// The gateway says another amount.
    Lie,
}

struct Late {
    world: BookingWorld,
    plot: Plot,
}

struct World {
    show: Show,
    ordered: Ordered,
    payment: PaymentId,
    reservation: ReservationId,
}

impl Late {
    async fn with(plot: Plot) -> Self {
        let world = BookingWorld::open().await;
        if plot == Plot::Lie {
            let lie = Act::Lie(Money::new(1, Currency::EUR));
            world
                .gateway
                .script(move |request| if request.operation == Operation::Read { lie } else { Act::Go });
        }
        Self { world, plot }
    }
}

impl Scenario for Late {
    type Workflow = LatePayment;
    type Services = Services;
    type World = World;

    async fn begin(&self) -> Begun<LatePayment, Services, World> {
        let show = self.world.show(2, Duration::from_secs(300)).await;
        let capture = match self.plot {
            Plot::Free | Plot::Gone | Plot::Cancelled | Plot::Lie => CaptureMethod::Manual,
            Plot::FreeAndTaken | Plot::GoneAndTaken | Plot::PartGone => CaptureMethod::Automatic,
        };
        let ordered = self.world.come_late(&show, capture).await;
        let gateway = Gateway::new(self.world.gateway.clone());
        match self.plot {
            Plot::Gone | Plot::GoneAndTaken => {
                self.world.take_seats(&show).await;
            }
            Plot::PartGone => {
                let part = Money::new(PRICE / 2, Currency::EUR);
                self.world.gateway.refund_by_hand(&ordered.intent.id, part).unwrap();
            }
            Plot::Cancelled => {
                gateway.cancel(&ordered.intent.id, CancelReason::Abandoned, "by hand").await.unwrap();
            }
            Plot::Free | Plot::FreeAndTaken | Plot::Lie => {}
        }
        let bucket = show.event.bucket();
        let (payment, reservation) = (PaymentId::new_in(bucket), ReservationId::new_in(bucket));
        let input = LateMoney {
            gateway: instant::PROVIDER.into(),
            intent: ordered.intent.id.clone(),
            named: ordered.payment,
            money: ordered.price,
            payment,
            reservation,
            late_for: ordered.reservation,
        };
        let world = World { show, ordered, payment, reservation };
        Begun { services: self.world.services(), world, input, letters: Vec::new() }
    }

    async fn check(&self, world: &World, end: &End) -> String {
        let World { show, ordered, payment, reservation } = world;
        let (kept, held) = self.world.books_of(&ordered.intent);
        let old = self.world.standing(ordered.reservation, show).await;
        assert!(old.starts_with("EXPIRED FAILED/UNSECURED seats"), "the old one stays as it is: {old}");
        let new = self.world.standing(*reservation, show).await;
        let wrong = self.world.imbalance(*payment).await;
        let price = ordered.price.amount;
        match (end.state, new.as_str()) {
            (State::Completed, "CONFIRMED SUCCESS/CAPTURED booking CONFIRMED seats BOOKED live 2") => {
                assert_eq!((kept, held, wrong), (price, 0, vec![]), "{end:?}");
                "booked".into()
            }
            (State::Unwound, found) => {
                assert!(found == "none" || found.starts_with("EXPIRED"), "{found}: {end:?}");
                assert!(found == "none" || found.ends_with("live 0"), "{found}: {end:?}");
                assert_eq!((kept, held, wrong), (0, 0, vec![]), "{end:?}");
                "returned".into()
            }
            (State::Stuck, found) if matches!(end.stuck, Some(StuckCause::FailedAfterPivot { .. })) => {
                assert!(found.ends_with("booking CONFIRMED seats BOOKED live 2"), "{found}: {end:?}");
                assert_eq!(kept + held, price, "{end:?}");
                "owed".into()
            }
            (State::Stuck, "none") if matches!(end.stuck, Some(StuckCause::Contradicted { .. })) => {
                "stuck".into()
            }
            other => panic!("{other:?} {kept} {held} {wrong:?}: {end:?}"),
        }
    }
}

#[rstest]
#[case(Plot::Free)]
#[case(Plot::FreeAndTaken)]
#[tokio::test]
async fn late_money_for_free_seats_becomes_a_booking_or_goes_back_whatever_fails(#[case] plot: Plot) {
    let late = Late::with(plot).await;
    let report = explore(&late, &late.world.at()).await;
    assert!(report.ends["booked"] > 10 && report.ends["returned"] > 10, "{report:?}");
}

#[rstest]
#[case(Plot::Gone)]
#[case(Plot::GoneAndTaken)]
#[tokio::test]
async fn late_money_for_seats_that_are_gone_goes_back_whatever_fails(#[case] plot: Plot) {
    let late = Late::with(plot).await;
    let report = explore(&late, &late.world.at()).await;
    assert_eq!(report.ends.keys().collect::<Vec<_>>(), ["returned"], "{report:?}");
}

#[rstest]
#[case(Plot::PartGone, "returned")]
#[case(Plot::Cancelled, "returned")]
#[case(Plot::Lie, "stuck")]
#[tokio::test]
async fn late_money_that_is_not_what_it_was_sells_nothing(#[case] plot: Plot, #[case] expected: &str) {
    let late = Late::with(plot).await;
    let ran = run(&late, &late.world.at(), Case::plain(true), &mut Report::default()).await;
    assert_eq!(ran.words, expected);
}
