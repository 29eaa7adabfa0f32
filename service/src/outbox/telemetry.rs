//! The names of delivery's metrics. They must not change: dashboards use them.

/// Counts attempts, by `outcome` (arrived, failed, gone).
pub const ATTEMPTS: &str = "usher_outbox_attempts_total";
/// How long attempts took, in seconds.
pub const ATTEMPT_SECONDS: &str = "usher_outbox_attempt_seconds";
/// Requests of this node that are out.
pub const OUT: &str = "usher_outbox_requests_running";
/// Messages on their way to a subscription, counted to a bound of ten thousand for each.
pub const WAITING: &str = "usher_outbox_waiting";
/// Age of the oldest of them, in seconds.
pub const OLDEST_SECONDS: &str = "usher_outbox_oldest_seconds";
/// Messages given up.
pub const GIVEN_UP: &str = "usher_outbox_given_up";
/// Subscriptions, by `state` (well, failing, disabled).
pub const SUBSCRIPTIONS: &str = "usher_outbox_subscriptions";
