//! Nodes that die between the gateway's success and our commit, on the way there and on the way back.

use super::{
    customer::Customer,
    world::{LONG, PaymentWorld, Plan},
};
use dev::{Child, Signal};
use rstest::rstest;
use serde_json::{Value, json};
use std::{os::unix::process::ExitStatusExt, process::Command, time::Duration};
use tests::support::{PRICE, Show, wait_until};

/// More deaths than any booking has calls for.
const DEATHS_MAX: usize = 20;
/// Longer than one victim's booking takes.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

/// A process that runs the world's sagas.
struct Cashier(Child);

impl Cashier {
    fn start(world: &PaymentWorld, settings: &[(&str, String)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cashier"));
        command.envs(&world.environment).env_remove("FAILPOINTS");
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        Self(Child::spawn("cashier", command, Signal::KILL).unwrap())
    }

    /// A node that passes this point `hits` times and dies there the next time. Its lease is so long that no other
    /// node takes over meanwhile.
    fn victim(world: &PaymentWorld, point: &str, hits: usize) -> Self {
        let failpoints = format!("{point}={hits}*off->1*return");
        let long = "600000".to_owned();
        Self::start(world, &[("FAILPOINTS", failpoints), ("USHER_LANES_LEASE_MS", long)])
    }

    async fn died(&self) {
        let status = self.0.exited_within(ENDED_WITHIN).await.unwrap();
        assert_eq!(status.signal(), Some(6), "{status}");
    }
}

/// What the customer does once the payment is under way.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Waits,
    Cancels,
}

/// Lets a node die in every call of a booking, one after the other, while customers book and pay with `method`. Gives
/// their reservations.
async fn bookings_of_the_dead(
    world: &PaymentWorld,
    show: &Show,
    ada: &Customer<'_>,
    method: &str,
    then: Then,
) -> Vec<Value> {
    let mut reservations = Vec::new();
    for hits in 0..DEATHS_MAX {
        let victim = Cashier::victim(world, "call-after", hits);
        let reservation = ada.reserve(show, &[hits]).await;
        reservations.push(reservation.clone());
        let ends = async {
            let cancels = async {
                if then == Then::Cancels {
                    cancel_while_it_is_paid(world, ada, &reservation).await;
                }
            };
            futures_util::join!(ada.pay(&reservation, method), cancels);
            wait_until("the booking ends", ENDED_WITHIN, async || {
                (ada.reservation(&reservation).await["status"] != "PENDING").then_some(())
            })
            .await;
            world.at_rest(&reservation).await;
        };
        tokio::select! {
            () = victim.died() => {}
            () = ends => return reservations,
        }
    }
    panic!("a booking has more than {DEATHS_MAX} calls");
}

async fn cancel_while_it_is_paid(world: &PaymentWorld, ada: &Customer<'_>, reservation: &Value) {
    let saga: uuid::Uuid = reservation["saga_id"].as_str().unwrap().parse().unwrap();
    let paying = "select count(*) from usher.journal_entries
        where saga_id = $1 and kind = 'started' and body ->> 'step' = 'pay'";
    wait_until("it is being paid", ENDED_WITHIN, async || {
        let begun: i64 = sqlx::query_scalar(paying).bind(saga).fetch_one(&world.pool).await.unwrap();
        (begun == 1).then_some(())
    })
    .await;
    ada.delete(&format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap())).await;
}

/// Lets the leases of the dead nodes run out, and starts another node that finishes their sagas.
async fn survivor(world: &PaymentWorld) -> Cashier {
    let later = "update usher.sagas set due_at = now() where leased and due_at > now()";
    sqlx::query(later).execute(&world.pool).await.unwrap();
    Cashier::start(world, &[])
}

async fn ends_well(plan: Plan, method: &str, expected: &str) {
    let world = plan.without_lanes().open().await;
    let (show, ada) = (world.show(DEATHS_MAX as i16, LONG).await, world.customer().await);
    let reservations = bookings_of_the_dead(&world, &show, &ada, method, Then::Waits).await;
    assert!(reservations.len() > 3, "only {} calls", reservations.len());
    let survivor = survivor(&world).await;
    for reservation in &reservations {
        // Where the node died before the payment was ordered, the customer can still pay now.
        if ada.reservation(reservation).await["payment_id"].is_null() {
            ada.pay(reservation, method).await;
        }
    }
    // News that came before the saga had written the start of its payment waits for the jobs.
    world.rest().await;
    for reservation in &reservations {
        ada.until(reservation, expected).await;
    }
    let books = world.close().await;
    assert!(books.intents.iter().all(|intent| intent.times_secured <= 1), "{books:#?}");
    drop(survivor);
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn a_crash_after_the_gateways_success_and_before_our_commit_charges_once(#[case] plan: Plan) {
    ends_well(plan, "pm_card_visa", "CONFIRMED").await;
}

#[tokio::test]
async fn a_crash_in_a_compensation_lets_the_money_go_once() {
    ends_well(Plan::default(), "pm_processing_fails", "EXPIRED").await;
}

/// The money is taken at once, and the customer cancels while the gateway still works: the compensation refunds.
#[tokio::test]
async fn a_crash_in_a_compensation_that_refunds_gives_the_money_back_once() {
    let world = Plan::default().automatic().without_lanes().open().await;
    world.gateway.rule(&["confirm"], None, json!({"answer_delay_ms": 400})).await;
    let (show, ada) = (world.show(DEATHS_MAX as i16, LONG).await, world.customer().await);
    let reservations = bookings_of_the_dead(&world, &show, &ada, "pm_card_visa", Then::Cancels).await;
    assert!(reservations.len() > 3, "only {} calls", reservations.len());
    let survivor = survivor(&world).await;
    for reservation in &reservations {
        // Where the node died before the payment was ordered, there is nothing to give back.
        if ada.reservation(reservation).await["payment_id"].is_null() {
            ada.delete(&format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap())).await;
        }
    }
    world.rest().await;
    for reservation in &reservations {
        assert_ne!(ada.reservation(reservation).await["status"], "PENDING");
    }
    let books = world.close().await;
    let refunded = books.intents.iter().filter(|intent| intent.refunded > 0);
    assert!(refunded.clone().count() >= 3, "{books:#?}");
    assert!(
        refunded.clone().all(|intent| (intent.refunded, intent.refunds.len()) == (PRICE, 1)),
        "{books:#?}"
    );
    drop(survivor);
}
