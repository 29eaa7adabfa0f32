//! Holding a node of this process at one of the engine's failpoints.

use super::wait_until;
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Holds whoever comes to a failpoint of one node, until it is dropped.
///
/// A lane has a thread of its own, so it can be held in any test. A call is held on a thread of the test's runtime:
/// that needs `#[tokio::test(flavor = "multi_thread")]`.
pub struct Hold {
    name: String,
    door: Arc<Door>,
}

#[derive(Default)]
struct Door {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    came: usize,
    open: bool,
}

impl Hold {
    /// Holds this node at this point.
    pub fn at(point: &str, node: &str) -> Self {
        let (name, door) = (format!("{point}@{node}"), Arc::new(Door::default()));
        let shared = door.clone();
        fail::cfg_callback(&name, move || shared.pass()).expect("a callback is always understood");
        Self { name, door }
    }

    /// Waits until somebody is held here.
    pub async fn reached(&self) {
        let what = format!("{} is reached", self.name);
        wait_until(&what, Duration::from_secs(20), async || (self.door.lock().came > 0).then_some(())).await;
    }

    /// Lets everybody go on; the point is open from now on.
    pub fn release(self) {}
}

impl Drop for Hold {
    fn drop(&mut self) {
        fail::remove(&self.name);
        self.door.lock().open = true;
        self.door.changed.notify_all();
    }
}

impl Door {
    fn pass(&self) {
        let mut state = self.lock();
        state.came += 1;
        while !state.open {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
