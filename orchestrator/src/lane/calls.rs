//! Calls to the outside. They are made after the commit that allows them, each in its place and under its lease.

use crate::{
    lane::{input::Returned, lease::Lease, queue::Queue},
    machine::{CallOut, Place},
};
use std::{sync::Arc, time::Instant};
use tokio_util::task::TaskTracker;

/// The calls of a node.
pub(crate) struct Calls {
    pub tasks: TaskTracker,
    runtime: tokio::runtime::Handle,
    node: Arc<str>,
}

impl Calls {
    pub fn new(runtime: tokio::runtime::Handle, node: &str) -> Self {
        Self { tasks: TaskTracker::new(), runtime, node: node.into() }
    }

    /// Makes a call in its place and under its lease. Afterwards the place is free, and the lease goes on with the result.
    pub fn hand_out(&self, call: CallOut, place: Option<Place>, lease: Lease, queue: Arc<Queue>) {
        let node = self.node.clone();
        let task = async move {
            crate::fault::point("call-before", &node);
            if !lease.holds() {
                tracing::warn!(saga = %call.saga, step = call.step.name(), "lease ended before the call left");
                // It returns a result all the same: nothing was done, and no node was lost.
                return queue.returned(Returned { ended: call.not_made(), lease, came_at: Instant::now() });
            }
            let began = Instant::now();
            let ended = call.make().await;
            metrics::histogram!("usher_call_seconds", "step" => ended.step.name())
                .record(began.elapsed().as_secs_f64());
            crate::fault::point("call-after", &node);
            queue.returned(Returned { ended, lease, came_at: Instant::now() });
            drop(place);
        };
        self.tasks.spawn_on(task, &self.runtime);
    }
}
