//! Those who use the service: customers on their journeys, and an operator who looks after what is stuck.

mod balancer;
mod client;
mod journeys;
mod operator;
mod wishes;

pub(super) use balancer::Balancer;
pub(super) use client::{Client, Wish};
pub(super) use operator::look_after;

use super::{
    pace,
    plan::{Journey, Planned},
    scene::Scene,
    witness::Witness,
    world::World,
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::Instant;

/// What a customer needs.
pub(super) struct Customer<'a> {
    pub world: &'a World,
    pub client: &'a Client<'a>,
    pub witness: &'a Witness,
    pub token: String,
    /// The customer's number, which chooses the node that is asked first.
    pub number: usize,
}

/// Sends all customers on their journeys at their times, and waits until the last has come home.
pub(super) async fn send_all(
    scene: Scene<'_>,
    began: Instant,
    journeys: &[Planned<Journey>],
    tokens: &[String],
) {
    let Scene { world, witness, timeline } = scene;
    let client = &Client::new(world.nodes.iter().map(|node| node.url.clone()).collect(), witness);
    let travelling = journeys.iter().zip(tokens).enumerate().map(|(number, (planned, token))| async move {
        pace::until(began, planned.at).await;
        let customer = Customer { world, client, witness, token: token.clone(), number };
        let how = customer.travel(&planned.what).await;
        witness.ended(planned.what.kind, how);
    });
    let mut travelling: FuturesUnordered<_> = travelling.collect();
    while travelling.next().await.is_some() {}
    timeline.note("the last customer has come home");
}
