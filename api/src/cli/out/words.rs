//! Times, spans and amounts in words.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use orchestrator::Stake;

/// A name as the database has it, written as people type it: `set-output`.
pub fn word(name: &str) -> String {
    name.replace('_', "-")
}

/// A number of things: `1 saga`, `2 sagas`.
pub fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// RFC 3339 to the second.
pub fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A span in its two largest units: `46 s`, `14 min`, `2 h 5 min`, `3 d 4 h`.
pub fn age(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |large: i64, large_unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        small => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => two(hours, "h", minutes % 60, "min"),
        (days, hours, _) => two(days, "d", hours % 24, "h"),
    }
}

/// What is at stake: `250.00 EUR, 2 seats`. Empty if nothing is at stake.
pub fn stakes(stakes: &[Stake]) -> String {
    let words = stakes.iter().map(|stake| match stake {
        Stake::Money { minor, currency } => money(*minor, currency),
        // The names are plurals.
        Stake::Things { name, count: 1 } => {
            format!("1 {}", super::clean(name.strip_suffix('s').unwrap_or(name)))
        }
        Stake::Things { name, count } => format!("{count} {}", super::clean(name)),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// An amount in minor units of a currency that others may have named.
pub fn money(minor: i64, currency: &str) -> String {
    super::clean(&steps::amount_in_words(minor, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seat_is_no_seats_and_two_are() {
        let seats = |count| [Stake::Things { name: "seats".into(), count }];
        assert_eq!((stakes(&seats(1)), stakes(&seats(2))), ("1 seat".into(), "2 seats".into()));
    }

    #[test]
    fn spans_are_told_in_two_units() {
        let told = |seconds| age(TimeDelta::seconds(seconds));
        assert_eq!(
            [-5, 0, 46, 60, 850, 3_600, 7_500, 86_400, 273_600].map(told),
            ["0 s", "0 s", "46 s", "1 min", "14 min", "1 h", "2 h 5 min", "1 d", "3 d 4 h"]
        );
    }
}
