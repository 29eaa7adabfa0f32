//! The names of delivery's metrics. Names are promises to dashboards.

/// Attempts, by `outcome` (arrived, failed, gone).
pub const ATTEMPTS: &str = "usher_outbox_attempts_total";
/// Seconds that an attempt took.
pub const ATTEMPT_SECONDS: &str = "usher_outbox_attempt_seconds";
/// Requests out from this node.
pub const OUT: &str = "usher_outbox_requests_running";
/// Messages on their way to a subscription, to a bound of ten thousand for each.
pub const WAITING: &str = "usher_outbox_waiting";
/// Age of the oldest of them, in seconds.
pub const OLDEST_SECONDS: &str = "usher_outbox_oldest_seconds";
/// Messages given up.
pub const GIVEN_UP: &str = "usher_outbox_given_up";
/// Subscriptions, by `state` (well, failing, disabled).
pub const SUBSCRIPTIONS: &str = "usher_outbox_subscriptions";
