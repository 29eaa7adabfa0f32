//! The settings of delivery.

use super::address::PrivateAddresses;
use crate::config::{self, BatchScope, Config};
use rand::Rng;
use std::time::Duration;

/// The bounds and waits of delivery.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether receivers may be in private networks.
    pub private: PrivateAddresses,
    /// Whether a statement may touch many buckets.
    pub scope: BatchScope,
    /// How often a node looks for messages.
    pub poll: Duration,
    /// How long an attempt may take, from the connection to the end of the answer.
    pub deadline: Duration,
    /// How long a claim lasts: longer than an attempt and settling it.
    pub lease: Duration,
    /// The longest wait after the first failure. It doubles with each further failure.
    pub backoff: Duration,
    /// The longest wait of all.
    pub backoff_max: Duration,
    /// Requests that one node may have out to one subscription.
    pub out_max: usize,
    /// A message that fails and is older than this is given up.
    pub given_up_after: Duration,
}

/// It is long enough for a receiver that is away for a long weekend.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);
/// A subscription that has only failed for this long is disabled.
pub const DISABLED_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);

impl Settings {
    /// The settings of a configuration.
    pub fn of(config: &Config) -> Self {
        let config::Outbox { private_addresses, poll, deadline } = config.outbox;
        Self {
            private: match private_addresses {
                config::PrivateAddresses::Refuse => PrivateAddresses::Refuse,
                config::PrivateAddresses::Allow => PrivateAddresses::Allow,
            },
            scope: config.lanes.batch_scope,
            poll,
            deadline,
            lease: deadline * 3,
            backoff: Duration::from_secs(1),
            backoff_max: Duration::from_secs(15 * 60),
            out_max: 8,
            given_up_after: GIVEN_UP_AFTER,
        }
    }

    /// How long to wait after this many failures: exponential with full jitter, so that nodes don't retry at the same moment.
    pub(super) fn wait_after(&self, failures: i32) -> Duration {
        let doublings = failures.saturating_sub(1).clamp(0, 20).unsigned_abs();
        let ceiling = self.backoff.saturating_mul(1 << doublings).min(self.backoff_max);
        rand::rng().random_range(Duration::ZERO..=ceiling)
    }
}
