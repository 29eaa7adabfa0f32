//! What happens between a node and the servers.

use super::Field;
use crate::{
    chaos::{
        pace,
        plan::{Fault, Node, WaysOff},
    },
    support::{AtCommit, Cut, Flow, HttpFault, Misbehaviour, Whom},
};
use std::time::Duration;

/// Slow enough that an answer of some hundred bytes outlasts the deadline of a second.
const SLOW: Duration = Duration::from_millis(5);
const WAYS: [HttpFault; 7] = [
    HttpFault::DropBefore,
    HttpFault::DropAfter,
    HttpFault::Hang,
    HttpFault::Slow(SLOW),
    HttpFault::Twice,
    HttpFault::Refuse(503),
    HttpFault::Refuse(500),
];
/// A webhook that is answered and never arrives is lost for good.
const WEBHOOK_WAYS: [HttpFault; 5] = [
    HttpFault::Refuse(200),
    HttpFault::Twice,
    HttpFault::DropBefore,
    HttpFault::DropAfter,
    HttpFault::Refuse(503),
];

impl Field<'_> {
    pub(super) async fn meddle_with_commits(
        &self,
        node: Node,
        whom: &Whom,
        ways: &[(usize, WaysOff)],
        lasts: Duration,
    ) {
        let proxy = &self.scene.world.nodes[node.0].postgres;
        let hits = proxy.cuts();
        for (after, way) in ways {
            let what = match way {
                WaysOff::CutBefore => AtCommit::Cut(Cut::BeforeCommit),
                WaysOff::CutAfter => AtCommit::Cut(Cut::AfterCommit),
                WaysOff::SilentBefore => AtCommit::Silence(Cut::BeforeCommit),
                WaysOff::SilentAfter => AtCommit::Silence(Cut::AfterCommit),
                WaysOff::Delayed(by) => AtCommit::Delay(*by),
            };
            proxy.arm_for(whom.clone(), *after, what);
        }
        pace::pass(lasts).await;
        proxy.disarm();
        self.scene.timeline.note(format!("{} COMMITs of {node} were hit", proxy.cuts() - hits));
    }

    pub(super) async fn strike_lines(&self, fault: &Fault, lasts: Duration) {
        let (node, whom, flow) = match fault {
            Fault::HoldPostgres(node, whom) => (node, whom, Flow::Held),
            Fault::DeadPostgres(node, whom) => (node, whom, Flow::Dead),
            Fault::CutOffPostgres(node) => (node, &Whom::All, Flow::Cut),
            _ => unreachable!("it is no fault of a line: {fault}"),
        };
        let proxy = &self.scene.world.nodes[node.0].postgres;
        proxy.set(whom, flow);
        pace::pass(lasts).await;
        proxy.open();
    }

    pub(super) async fn strike_redis(&self, fault: &Fault, lasts: Duration) -> anyhow::Result<()> {
        let redis = &self.scene.world.redis;
        match fault {
            Fault::FlushRedis => {
                let client = redis::Client::open(redis.url())?;
                let mut connection = client.get_multiplexed_async_connection().await?;
                redis::cmd("FLUSHALL").exec_async(&mut connection).await?;
            }
            Fault::KillRedis => {
                redis.kill().await;
                pace::pass(lasts).await;
                redis.restart().await?;
            }
            Fault::HoldRedis => {
                redis.pause().await;
                pace::pass(lasts).await;
                redis.resume().await;
            }
            Fault::DeadRedis(node) => {
                self.scene.world.nodes[node.0].redis.set(Flow::Dead);
            }
            _ => unreachable!("it is no fault of Redis: {fault}"),
        }
        Ok(())
    }

    pub(super) async fn strike_gateway(&self, fault: &Fault, lasts: Duration) -> anyhow::Result<()> {
        let world = self.scene.world;
        match fault {
            Fault::GatewayLine(node, percent) => {
                let proxy = &world.nodes[node.0].gateway;
                proxy.misbehave(badly(*percent, &WAYS));
                pace::pass(lasts).await;
                proxy.behave();
            }
            Fault::GatewayMood(percent) => {
                world.gateway.mood(f64::from(*percent) / 100.0, self.seed).await?;
                pace::pass(lasts).await;
                world.gateway.calm().await?;
            }
            Fault::GatewayGone => {
                for node in &world.nodes {
                    node.gateway.misbehave(badly(100, &[HttpFault::DropBefore]));
                }
                pace::pass(lasts).await;
                world.nodes.iter().for_each(|node| node.gateway.behave());
            }
            Fault::Webhooks(percent) => {
                world.webhooks.misbehave(badly(*percent, &WEBHOOK_WAYS));
                pace::pass(lasts).await;
                world.webhooks.behave();
            }
            _ => unreachable!("it is no fault of the gateway: {fault}"),
        }
        Ok(())
    }
}

fn badly(percent: u8, ways: &[HttpFault]) -> Misbehaviour {
    Misbehaviour { part: f64::from(percent) / 100.0, ways: ways.to_vec() }
}
