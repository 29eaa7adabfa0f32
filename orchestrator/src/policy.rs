//! How often and for how long a step is tried.

use rand::Rng;
use std::time::Duration;

/// Bounds on the attempts of one step, or of one compensation. Retrying ends when either bound is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The number of attempts, including the first.
    pub attempts_max: u32,
    /// The longest time from the first attempt to the start of the last.
    pub time_max: Duration,
    /// The wait after the first failed attempt. It doubles each time.
    pub backoff: Duration,
    /// The longest wait between two attempts.
    pub backoff_max: Duration,
    /// How long one call may take before its outcome counts as unknown. Ignored by `Tx` steps.
    pub timeout: Duration,
}

impl Policy {
    /// For a step that goes forward: five attempts within a minute, ten seconds a call.
    pub const FORWARD: Self = Self {
        attempts_max: 5,
        time_max: Duration::from_secs(60),
        backoff: Duration::from_millis(200),
        backoff_max: Duration::from_secs(10),
        timeout: Duration::from_secs(10),
    };

    /// For a compensation, and for steps after the pivot. These must end well, so they are tried for a day.
    pub const PATIENT: Self = Self {
        attempts_max: 200,
        time_max: Duration::from_secs(24 * 3600),
        backoff: Duration::from_millis(500),
        backoff_max: Duration::from_secs(600),
        timeout: Duration::from_secs(15),
    };

    /// The wait before attempt `attempts + 1`: exponential with full jitter, so that a crowd spreads out.
    pub(crate) fn wait_after(&self, attempts: u32) -> Duration {
        let doubled = self.backoff.saturating_mul(1 << attempts.saturating_sub(1).min(20));
        let ceiling = doubled.min(self.backoff_max).max(Duration::from_millis(1));
        rand::rng().random_range(Duration::ZERO..=ceiling)
    }

    /// Whether another attempt may follow `attempts` attempts, the next of them `elapsed` after the first.
    pub(crate) fn allows(&self, attempts: u32, elapsed: Duration) -> bool {
        attempts < self.attempts_max && elapsed <= self.time_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_ceiling_and_never_past_it() {
        let policy = Policy::FORWARD;
        for attempts in 1..100 {
            let ceiling = policy.backoff.saturating_mul(1 << (attempts - 1).min(20)).min(policy.backoff_max);
            assert!(policy.wait_after(attempts) <= ceiling);
        }
    }

    #[test]
    fn either_bound_ends_the_attempts() {
        let policy = Policy::FORWARD;
        assert!(policy.allows(4, policy.time_max));
        assert!(!policy.allows(5, Duration::ZERO));
        assert!(!policy.allows(1, policy.time_max + Duration::from_millis(1)));
    }
}
