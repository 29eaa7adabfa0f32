//! Whether the service lives: after all faults, each node by itself sells a seat.

use crate::chaos::{
    load::{Client, Customer},
    plan::{EVENTS, Journey, Kind},
    witness::{Violation, Witness},
    world::World,
};
use std::time::Duration;

/// An event with a seat for everybody.
const EVENT: usize = 2;

/// Each node must sell seats that nobody had.
pub(in super::super) async fn check_life(world: &World, witness: &Witness, token: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for node in &world.nodes {
        let client = &Client::new(vec![node.url.clone()], witness);
        let customer = Customer { world, client, witness, token: token.to_owned(), number: 0 };
        // The last seats of the event, beyond those that journeys begin with.
        let seat = EVENTS[EVENT].seats as usize - 1 - node.number;
        let journey = Journey { kind: Kind::Paid, event: EVENT, seats: vec![seat], thinks: Duration::ZERO };
        let how = customer.travel(&journey).await;
        if how != "booked" && how != "seats taken" {
            let detail = format!("node {} sells nothing after the faults: {how}", node.number);
            found.push(Violation { rule: "no_life".into(), detail });
        }
    }
    found
}
