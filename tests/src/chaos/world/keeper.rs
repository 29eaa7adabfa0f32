//! Starts nodes again that ended by themselves, as a supervisor does, and notes that they ended.

use crate::chaos::{pace, scene::Scene};
use std::time::Duration;

/// How soon an end is seen.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Looks after the nodes until it is dropped.
pub(in super::super) async fn keep(scene: Scene<'_>, http: &reqwest::Client) {
    let Scene { world, witness, timeline } = scene;
    let mut known = vec![None; world.nodes.len()];
    loop {
        for (node, known) in world.nodes.iter().zip(&mut known) {
            if let Some(gone) = node.is_gone() {
                let what = format!("node {} ended by itself: {}", node.number, gone.status());
                timeline.note(&what);
                if gone.is_crash() {
                    witness.violation("node_crashed", &what);
                }
                if let Err(error) = node.start() {
                    timeline.note(format!("node {} can't be started: {error:#}", node.number));
                }
            }
            let process = node.process();
            if process.is_some() && process != std::mem::replace(known, process) {
                // Rows and logs name a node by its process.
                timeline.note(format!("node {} is node-{}", node.number, process.unwrap_or_default()));
            }
            node.is_ready(http).await;
        }
        pace::pass(LOOK_EVERY).await;
    }
}
