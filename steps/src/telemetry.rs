//! Names of this crate's metrics. Dashboards and alerts read them, so they are part of the API.

/// Requests to the seat locks, by `operation` (acquire, release, extend, note, peek) and `outcome` (done, conflict,
/// failed, held_back).
pub const SEAT_LOCK_REQUESTS: &str = "usher_seat_lock_requests_total";

/// 1 while a degraded mode lasts, by `mode`.
pub const DEGRADED: &str = "usher_degraded";

/// The degraded mode in which Redis is out of reach: bookings go on, and losers of a seat cost a transaction each.
pub const MODE_WITHOUT_SEAT_LOCKS: &str = "without_seat_locks";

/// News that contradicted a payment's row, so that nothing was written for it: each is for a person to look at.
pub const MONEY_CONTRADICTIONS: &str = "usher_money_contradictions_total";
