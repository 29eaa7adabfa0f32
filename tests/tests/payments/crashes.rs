//! Nodes that die between the gateway's success and our commit, on the way there and on the way back.

use super::{
    customer::Customer,
    house::{House, LONG, Plan, Show},
};
use api::dev::{Child, Signal};
use rstest::rstest;
use serde_json::Value;
use std::{os::unix::process::ExitStatusExt, process::Command, time::Duration};
use tests::support::wait_until;

/// More deaths than any booking has calls for.
const DEATHS_MAX: usize = 20;
/// One victim's booking never takes longer.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

/// A process that runs the house's sagas.
struct Cashier(Child);

impl Cashier {
    fn start(house: &House, settings: &[(&str, String)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cashier"));
        command.envs(&house.environment).env_remove("FAILPOINTS");
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        Self(Child::spawn("cashier", command, Signal::KILL).unwrap())
    }

    /// Dies at this point when it comes there for the time after so many; nobody may take over meanwhile.
    fn victim(house: &House, point: &str, hits: usize) -> Self {
        let failpoints = format!("{point}={hits}*off->1*return");
        let long = "600000".to_owned();
        Self::start(house, &[("FAILPOINTS", failpoints), ("USHER_LANES_LEASE_MS", long)])
    }

    async fn died(&self) {
        let status = self.0.exited_within(ENDED_WITHIN).await.unwrap();
        assert_eq!(status.signal(), Some(6), "{status}");
    }
}

/// Lets a node die in every call of a booking, one after the other, while customers book and pay with `method`. Gives
/// their reservations once a survivor has finished what they left.
async fn bookings_of_the_dead(house: &House, show: &Show, ada: &Customer<'_>, method: &str) -> Vec<Value> {
    let mut reservations = Vec::new();
    for hits in 0..DEATHS_MAX {
        let victim = Cashier::victim(house, "call-after", hits);
        let reservation = ada.reserve(show, &[hits]).await;
        reservations.push(reservation.clone());
        let ends = async {
            ada.pay(&reservation, method).await;
            let ended = ["CONFIRMED", "EXPIRED"];
            wait_until("the booking ends", ENDED_WITHIN, async || {
                let found = ada.reservation(&reservation).await;
                ended.contains(&found["status"].as_str().unwrap()).then_some(())
            })
            .await;
            house.at_rest(&reservation).await;
        };
        tokio::select! {
            () = victim.died() => {}
            () = ends => return reservations,
        }
    }
    panic!("a booking has more than {DEATHS_MAX} calls");
}

/// Lets leases of the dead run out and another node finish.
async fn survivor(house: &House) -> Cashier {
    let later = "update usher.sagas set due_at = now() where leased and due_at > now()";
    sqlx::query(later).execute(&house.pool).await.unwrap();
    Cashier::start(house, &[])
}

async fn ends_well(plan: Plan, method: &str, rules: &[(&str, u32, Value)], expected: &str) {
    let house = plan.without_lanes().open().await;
    for (on, times, acts) in rules {
        house.gateway.rule(&[on], *times, acts.clone()).await;
    }
    let (show, ada) = (house.show(DEATHS_MAX as i16, LONG).await, house.customer().await);
    let reservations = bookings_of_the_dead(&house, &show, &ada, method).await;
    assert!(reservations.len() > 3, "only {} calls", reservations.len());
    let survivor = survivor(&house).await;
    for reservation in &reservations {
        // Who died before the payment was ordered keeps nobody from paying now.
        if ada.reservation(reservation).await["payment_id"].is_null() {
            ada.pay(reservation, method).await;
        }
        ada.until(reservation, expected).await;
    }
    let books = house.close().await;
    assert!(books.intents.iter().all(|intent| intent.times_secured <= 1), "{books:#?}");
    drop(survivor);
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn a_crash_after_the_gateways_success_and_before_our_commit_charges_once(#[case] plan: Plan) {
    ends_well(plan, "pm_card_visa", &[], "CONFIRMED").await;
}

#[tokio::test]
async fn a_crash_in_a_compensation_lets_the_money_go_once() {
    ends_well(Plan::default(), "pm_processing_fails", &[], "EXPIRED").await;
}
