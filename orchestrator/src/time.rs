//! Limits times of people and providers to the range that every column and every sum can hold.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use std::time::Duration;

/// The last day of the range: no saga waits longer.
const FAR: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a day of the calendar");
/// The first day of the range: whatever is due earlier is due.
const LONG_AGO: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).expect("a day of the calendar");

/// This time, or the end of the range if it is outside.
pub(crate) fn within_reach(at: DateTime<Utc>) -> DateTime<Utc> {
    at.clamp(LONG_AGO.and_time(NaiveTime::MIN).and_utc(), FAR.and_time(NaiveTime::MIN).and_utc())
}

/// A time this much later, or the end of the range if it is outside.
pub(crate) fn after(at: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
    within_reach(at.checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_and_no_wait_is_too_long() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a moment of 2027");
        assert_eq!(after(now, Duration::from_secs(1)), now + TimeDelta::seconds(1));
        let far = within_reach(DateTime::<Utc>::MAX_UTC);
        assert_eq!(after(now, Duration::MAX), far);
        assert_eq!(after(DateTime::<Utc>::MAX_UTC, Duration::MAX), far);
        assert!(within_reach(DateTime::<Utc>::MIN_UTC) < now);
    }
}
