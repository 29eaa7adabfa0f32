//! A moment as people type it: a time, or how long ago.

use chrono::{DateTime, TimeDelta, Utc};
use std::str::FromStr;

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// This one.
    At(DateTime<Utc>),
    /// So long before now.
    Ago(TimeDelta),
}

impl Since {
    /// The moment, for somebody to whom it is `now`.
    pub fn before(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now - ago,
        }
    }
}

/// It is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("say a time such as `2026-03-01T19:00:00Z`, or how long ago: `30s`, `15m`, `2h`, `3d`")]
pub struct BadSince;

/// No message is older, and no calendar ends.
const AGO_MAX: TimeDelta = TimeDelta::days(36_500);

impl FromStr for Since {
    type Err = BadSince;

    fn from_str(text: &str) -> Result<Self, BadSince> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.to_utc()));
        }
        let unit = text.chars().last().ok_or(BadSince)?;
        let number: u32 = text.strip_suffix(unit).and_then(|number| number.parse().ok()).ok_or(BadSince)?;
        let one = match unit {
            's' => TimeDelta::seconds(1),
            'm' => TimeDelta::minutes(1),
            'h' => TimeDelta::hours(1),
            'd' => TimeDelta::days(1),
            _ => return Err(BadSince),
        };
        let ago = i32::try_from(number).ok().and_then(|number| one.checked_mul(number));
        ago.filter(|ago| *ago <= AGO_MAX).map(Self::Ago).ok_or(BadSince)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_an_age() {
        let now = DateTime::parse_from_rfc3339("2026-03-01T19:00:00Z").unwrap().to_utc();
        for (text, seconds_ago) in
            [("30s", 30), ("15m", 900), ("2h", 7_200), ("3d", 259_200), ("2026-03-01T20:59:00+02:00", 60)]
        {
            let at = text.parse::<Since>().unwrap().before(now);
            assert_eq!((now - at).num_seconds(), seconds_ago, "{text}");
        }
        for bad in ["", "h", "1w", "-5m", "yesterday", "5mm", "ä", "99999d", "4294967295d"] {
            assert_eq!(bad.parse::<Since>(), Err(BadSince), "{bad}");
        }
    }
}
