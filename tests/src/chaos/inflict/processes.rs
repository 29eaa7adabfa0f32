//! Nodes that are killed, frozen and told to leave.

use super::Field;
use crate::chaos::{pace, plan::Fault, world::LEAVE_MAX};
use std::time::Duration;
use tokio::time::Instant;

impl Field<'_> {
    pub(super) async fn strike_processes(&self, fault: &Fault, lasts: Duration) -> anyhow::Result<()> {
        let nodes = &self.scene.world.nodes;
        match fault {
            Fault::Kill(node) => {
                nodes[node.0].kill().await;
                pace::pass(lasts).await;
                nodes[node.0].start()
            }
            Fault::KillAll => {
                for node in nodes {
                    node.kill().await;
                }
                pace::pass(lasts).await;
                nodes.iter().try_for_each(|node| node.start())
            }
            Fault::Freeze(node) => {
                nodes[node.0].freeze();
                pace::pass(lasts).await;
                nodes[node.0].thaw();
                Ok(())
            }
            Fault::Leave(node) => {
                let told = Instant::now();
                match nodes[node.0].leave().await {
                    Some(took) => self.scene.timeline.note(format!("{node} has left after {took:?}")),
                    None => {
                        let detail = format!("{node} had not left {LEAVE_MAX:?} after SIGTERM");
                        self.scene.timeline.note(&detail);
                        self.scene.witness.violation("node_did_not_leave", detail);
                    }
                }
                pace::pass(lasts.saturating_sub(told.elapsed())).await;
                nodes[node.0].start()
            }
            _ => unreachable!("it is no fault of a process: {fault}"),
        }
    }
}
