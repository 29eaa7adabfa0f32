//! A refund that failed after it had been acknowledged, explored: the money goes back once more, and only once.

use crate::{sold::Ordered, world::BookingWorld};
use orchestrator::{
    State, StuckCause,
    testing::{Begun, End, Scenario, explore},
};
use std::time::Duration;
use steps::{
    Services,
    gateway::{Gateway, RefundId, RefundOrder, RefundStatus},
    store::payments::{self, ChargeRecord, RecordedRefunds, ReturnedRefund},
};
use tests::support::Show;
use workflows::{FailedRefund, Repayment};

struct Repayments(BookingWorld);

struct World {
    show: Show,
    ordered: Ordered,
    refund: RefundId,
}

impl Repayments {
    /// A sold seat whose money we refunded; the refund failed, so that the money is at the gateway again.
    async fn failed(&self) -> World {
        let show = self.0.show(1, Duration::from_secs(300)).await;
        let (_, ordered) = self.0.sell(&show).await;
        let (intent, money) = (ordered.intent.id.clone(), ordered.price);
        let order = RefundOrder { intent: intent.clone(), money, trace: ordered.intent.trace };
        let gateway = Gateway::new(self.0.gateway.clone());
        let made = gateway.refund(&order, &format!("{}:refund-0", ordered.payment)).await.unwrap();
        let mut connection = self.0.pool.acquire().await.unwrap();
        let now = sqlx::query_scalar("select now()").fetch_one(&mut *connection).await.unwrap();
        let (payment, refunds) = (ordered.payment, [made.clone()]);
        let charge = ChargeRecord::of(&ordered.intent).unwrap();
        for _ in 0..2 {
            let taken =
                payments::record_refunds(&mut connection, payment, &charge, &refunds, now).await.unwrap();
            assert!(taken.failed.is_empty() && !taken.owed, "{taken:?}");
        }
        let failed = self.0.gateway.fail_refund(&intent, &made.id).unwrap();
        assert_eq!(failed.status, RefundStatus::Failed);
        let taken =
            payments::record_refunds(&mut connection, payment, &charge, &[failed], now).await.unwrap();
        assert_eq!(
            taken,
            RecordedRefunds {
                applied: vec![],
                failed: vec![ReturnedRefund { id: made.id.clone(), elsewhere: false }],
                elsewhere: vec![],
                owed: false
            }
        );
        World { show, ordered, refund: made.id }
    }
}

impl Scenario for Repayments {
    type Workflow = Repayment;
    type Services = Services;
    type World = World;

    async fn begin(&self) -> Begun<Repayment, Services, World> {
        let world = self.failed().await;
        let (payment, refund) = (world.ordered.payment, world.refund.clone());
        let input = FailedRefund { payment, refund, elsewhere: false };
        Begun { services: self.0.services(), world, input, letters: Vec::new() }
    }

    async fn check(&self, world: &World, end: &End) -> String {
        let World { show, ordered, .. } = world;
        let (kept, held) = self.0.books_of(&ordered.intent);
        let wrong = self.0.imbalance(ordered.payment).await;
        let standing = self.0.standing(ordered.reservation, show).await;
        match end.state {
            State::Completed => {
                assert!(standing.starts_with("CONFIRMED REFUNDED/REFUNDED"), "{standing}: {end:?}");
                assert_eq!((kept, held, wrong), (0, 0, vec![]), "{end:?}");
                "repaid".into()
            }
            State::Unwound => {
                assert!(standing.starts_with("CONFIRMED REFUNDED/REFUNDED"), "{standing}: {end:?}");
                "refused".into()
            }
            State::Stuck => {
                assert!(matches!(end.stuck, Some(StuckCause::FailedAfterPivot { .. })), "{end:?}");
                // The ledger shows that the money is owed, also if the gateway has sent it and we don't know.
                assert_eq!(wrong, [format!("owed is {}, not 0", ordered.price.amount)], "{end:?}");
                "owed".into()
            }
            other => panic!("{other:?} {standing} {kept} {held} {wrong:?}: {end:?}"),
        }
    }
}

#[tokio::test]
async fn a_refund_that_failed_later_is_sent_once_more_whatever_fails() {
    let repayments = Repayments(BookingWorld::open().await);
    let report = explore(&repayments, &repayments.0.at()).await;
    assert!(report.ends["repaid"] > 10, "{report:?}");
}
