//! An operator on call, who looks at stuck sagas and does what most often helps.

use super::{Client, Wish};
use crate::chaos::{pace, scene::Scene};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use std::time::Duration;

/// How often somebody looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Looks and acts until it is dropped. What is done is drawn from the seed.
pub(in super::super) async fn look_after(scene: Scene<'_>, seed: u64) {
    let Scene { world, witness, timeline } = scene;
    let client = Client::new(world.nodes.iter().map(|node| node.url.clone()).collect(), witness);
    let mut random = StdRng::seed_from_u64(seed);
    loop {
        pace::pass(LOOK_EVERY).await;
        let node = random.random_range(0..world.nodes.len());
        let action = if random.random_bool(0.7) { "retry_now" } else { "cancel" };
        let list = Wish::get("/operator/sagas?status=stuck", &world.operator);
        let Some(stuck) = client.ask(&list, node).await else { continue };
        let Some(saga) = stuck.body["items"][0]["id"].as_str() else { continue };
        let path = format!("/operator/sagas/{saga}");
        let Some(shown) = client.ask(&Wish::get(&path, &world.operator), node).await else { continue };
        let Some(seen) = shown.body["saga"]["etag"].as_str() else { continue };
        let path = format!("{path}/actions");
        let act = Wish::post(&path, &world.operator, json!({"action": action, "reason": "chaos"}));
        let answer = client.ask(&Wish { seen: Some(seen), ..act }, node).await;
        let status = answer.map_or(0, |answer| answer.status);
        timeline.note(format!("an operator asks to {action} stuck saga {saga}: {status}"));
    }
}
