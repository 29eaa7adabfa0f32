//! A balancer: it sends to nodes that say they are ready, and tries another when a connection is refused. Nothing
//! else is tried again, so whatever else goes wrong is a request that failed.

use super::client::{Answer, Asking, Wish};
use crate::chaos::{pace, witness::Witness, world::World};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// How often each node is asked. A node that leaves says so a second before it stops listening.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// For how long at most a request may find no node that takes it.
const REFUSED_MAX: Duration = Duration::from_secs(10);
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// Knows which nodes are ready.
pub(in super::super) struct Balancer {
    ready: Vec<AtomicBool>,
    turn: AtomicUsize,
    /// Requests that were sent and not refused.
    pub requests: AtomicUsize,
}

impl Balancer {
    /// A balancer for this many nodes, all of which are ready.
    pub fn of(nodes: usize) -> Self {
        let ready = (0..nodes).map(|_| AtomicBool::new(true)).collect();
        Self { ready, turn: AtomicUsize::new(0), requests: AtomicUsize::new(0) }
    }

    /// Asks again and again which nodes are ready, until it is dropped.
    pub async fn watch(&self, world: &World, http: &reqwest::Client) {
        loop {
            for (node, ready) in world.nodes.iter().zip(&self.ready) {
                ready.store(node.is_ready(http).await, Ordering::Relaxed);
            }
            pace::pass(LOOK_EVERY).await;
        }
    }

    pub(super) async fn ask(
        &self,
        asking: &Asking<'_>,
        wish: &Wish<'_>,
        witness: &Witness,
    ) -> Option<Answer> {
        let began = Instant::now();
        let failed = |how: String| {
            witness.violation("request_failed", format!("{} {}: {how}", wish.method, wish.path));
        };
        while began.elapsed() < REFUSED_MAX {
            let node = self.turn.fetch_add(1, Ordering::Relaxed) % self.ready.len();
            if !self.ready[node].load(Ordering::Relaxed) {
                pace::pass(TRY_AGAIN).await;
                continue;
            }
            match asking.once(wish, node).await {
                Err(error) if error.is_connect() => pace::pass(TRY_AGAIN).await,
                Err(error) => {
                    failed(format!("{error:?}"));
                    return None;
                }
                Ok(answer) => {
                    self.requests.fetch_add(1, Ordering::Relaxed);
                    if answer.status >= 500 || answer.status == 429 {
                        failed(format!("{} {}", answer.status, answer.body));
                    }
                    return Some(answer);
                }
            }
        }
        failed("no node took it".into());
        None
    }
}
