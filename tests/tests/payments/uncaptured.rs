//! A booking whose capture doesn't reach the gateway, and what people do about it there and here.

use super::{
    customer::Customer,
    reconcile::{lose_webhooks, open_cases, reconcile},
    world::{LONG, PaymentWorld},
};
use operator::{By, Expected};
use orchestrator::{SagaId, tools::Action};
use serde_json::{Value, json, value::RawValue};
use tests::support::PRICE;

pub struct Uncaptured<'a> {
    pub world: &'a PaymentWorld,
    pub ada: Customer<'a>,
    pub reservation: Value,
    pub booking: String,
    pub intent: String,
}

impl<'a> Uncaptured<'a> {
    /// Books a seat. Requests to capture are lost until the gateway behaves again.
    pub async fn book(world: &'a PaymentWorld) -> Self {
        let (show, ada) = (world.show(1, LONG).await, world.customer().await);
        world.gateway.rule(&["capture"], None, json!({"before": "drop"})).await;
        let reservation = ada.reserve(&show, &[0]).await;
        ada.pay(&reservation, "pm_card_visa").await;
        Self::of(world, ada, reservation).await
    }

    /// The booking of this reservation, once it is there.
    pub async fn of(world: &'a PaymentWorld, ada: Customer<'a>, reservation: Value) -> Self {
        let found = ada.until(&reservation, "CONFIRMED").await;
        let booking = found["booking_id"].as_str().unwrap().to_owned();
        let intent = world.gateway.books().await.only(&reservation).id.clone();
        Self { world, ada, reservation, booking, intent }
    }

    /// Somebody does this to the payment in the gateway's dashboard.
    pub async fn by_hand(&self, what: &str, details: Value) {
        self.world.gateway.control(&format!("intents/{}/{what}", self.intent), details).await;
    }

    /// As [`Uncaptured::by_hand`], and no webhook tells of it.
    pub async fn by_hand_unheard(&self, what: &str, details: Value) {
        lose_webhooks(self.world).await;
        self.by_hand(what, details).await;
    }

    /// Lets requests to capture through, and waits until the saga needs a person. If `unheard`, webhooks stay lost.
    pub async fn is_stuck(&self, unheard: bool) -> Value {
        self.world.gateway.behave().await;
        if unheard {
            lose_webhooks(self.world).await;
        }
        self.world.stuck(&self.reservation).await
    }

    /// An operator acts on the booking's saga.
    pub async fn act(&self, action: Action) {
        let saga = SagaId::from_uuid(self.reservation["saga_id"].as_str().unwrap().parse().unwrap());
        let (operator, by) = (self.world.service.operator(), By::new("ada", "the customer was called"));
        let plan = operator.plan(saga, action.clone(), by.clone()).await.unwrap();
        let expected = Expected { etag: plan.etag, plan_hash: Some(plan.hash) };
        operator.execute(saga, action, by, expected).await.unwrap();
    }

    /// An operator completes the booking's saga.
    pub async fn resolve(&self) {
        let output = RawValue::from_string(json!(self.booking).to_string()).unwrap().into();
        self.act(Action::MarkResolved { output }).await;
        self.world.at_rest(&self.reservation).await;
    }

    /// The customer cancels, and the seat is on sale again.
    pub async fn cancel(&self) {
        let path = format!("/bookings/{}/cancellation", self.booking);
        self.ada.post(&path, json!({"reason": "no money"})).await.is(202);
        let cancelled =
            "select count(*) from usher.sagas where workflow = 'cancellation' and state = 'completed'";
        self.world.until_count("it is cancelled", cancelled, 1).await;
        let free = "select count(*) from booking.seats where status = 'AVAILABLE'";
        assert_eq!(self.world.count(free).await, 1);
    }

    /// The payment's status and money, and the kinds and amounts of its ledger.
    pub async fn standing(&self) -> (String, Vec<(String, i64)>) {
        let state = "select status || '/' || money from booking.payments";
        let state = sqlx::query_scalar(state).fetch_one(&self.world.pool).await.unwrap();
        let rows = "select kind, amount_minor from booking.ledger order by at, kind";
        (state, sqlx::query_as(rows).fetch_all(&self.world.pool).await.unwrap())
    }

    /// Our books still count on all of the money.
    pub async fn is_owed(&self) {
        let held = vec![("authorised".to_owned(), PRICE)];
        assert_eq!(self.standing().await, ("SUCCESS/OWED".to_owned(), held));
    }

    /// Waits until our books have released it.
    pub async fn is_released(&self) {
        let released = "select count(*) from booking.payments where status = 'FAILED' and money = 'VOIDED'";
        self.world.until_count("it was never captured", released, 1).await;
        let released = [("authorised".to_owned(), PRICE), ("voided".to_owned(), PRICE)];
        assert_eq!(self.standing().await, ("FAILED/VOIDED".to_owned(), released.to_vec()));
    }

    /// Nothing is booked or kept, and both books agree.
    pub async fn ends_with_nothing(&self) {
        self.world.rest().await;
        let report = reconcile(self.world).await;
        assert_eq!(report.differing(), 0, "{report:#?}");
        assert!(open_cases(self.world).await.is_empty());
        self.world.close().await;
    }
}
