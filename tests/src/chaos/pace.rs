//! Time going by as the plan says, and the pauses of those who ask again. Nothing here waits for an effect.

use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// Waits until so much of the run has gone by.
pub(super) async fn until(began: Instant, at: Duration) {
    sleep_until(began + at).await;
}

/// Lets so much time go by: a fault lasts, a customer thinks, a program asks again.
pub(super) async fn pass(time: Duration) {
    sleep(time).await;
}
