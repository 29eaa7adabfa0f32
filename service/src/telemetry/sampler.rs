//! What this process has counted since it was last asked.

use super::reading::Reading;
use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// The counts of this node at the last sample.
#[derive(Default)]
pub struct Sampler(Mutex<Option<(Instant, Reading)>>);

impl Sampler {
    /// The difference to the last sample. The first time there is none.
    pub(crate) fn since_last(&self, metrics: &str) -> Option<(f64, Reading)> {
        let now = (Instant::now(), Reading::of(metrics));
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (then, before) = last.replace(now.clone())?;
        let seconds = (now.0 - then).as_secs_f64();
        (seconds > 0.0).then(|| (seconds, now.1.since(&before)))
    }
}
