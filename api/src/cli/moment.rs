//! Moments on the command line: a time, or how long ago.

use chrono::{DateTime, TimeDelta, Utc};
use service::operators::span;
use std::str::FromStr;

/// A time (`2026-03-01T00:00:00Z`), or a span before now (`30m`, `24h`, `7d`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    At(DateTime<Utc>),
    Ago(TimeDelta),
}

impl Moment {
    /// The time that is meant, if it is `now`.
    pub fn from(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => now - span,
        }
    }
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.to_utc()));
        }
        span(text).map(Self::Ago).map_err(
            |_| "must be a span such as `90s`, `30m`, `24h` or `7d`, or a time such as `2026-03-01T00:00:00Z`",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_a_span_before_now() {
        let now = "2026-03-02T00:00:00Z".parse().unwrap();
        let from = |text: &str| text.parse::<Moment>().unwrap().from(now).to_rfc3339();
        assert_eq!(from("24h"), "2026-03-01T00:00:00+00:00");
        assert_eq!(from("7d"), "2026-02-23T00:00:00+00:00");
        assert_eq!(from("2026-02-01T01:00:00+01:00"), "2026-02-01T00:00:00+00:00");
        for wrong in ["", "h", "24", "-1h", "1.5h", "yesterday", "99999d", "é"] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
    }
}
