//! How times, amounts and ids are written on pages.

use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, html};
use orchestrator::{Stake, State};
use std::fmt::Display;
use steps::amount_in_words;

/// A moment: the time of day if it is today, otherwise with its date. The full time is shown on hovering, and is there for machines.
pub fn moment(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    let whole = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let same_day = at.date_naive() == now.date_naive();
    let short = at.format(if same_day { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" });
    html! { time datetime=(whole) title=(whole) { (short) } }
}

/// A text from the logs without its backticks, which pages don't need.
pub fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// The time of day, to the second.
pub fn clock(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S").to_string()
}

/// How long ago, or in how long, in words.
pub fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - at).num_seconds();
    if seconds < 0 { format!("in {}", span_s(-seconds)) } else { format!("{} ago", span_s(seconds)) }
}

/// A span in its two largest units.
pub fn span_s(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        600..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A short span in its largest unit, for bars and steps.
pub fn span_ms(ms: f64) -> String {
    match ms {
        ..10.0 => format!("{ms:.1} ms"),
        10.0..1_000.0 => format!("{ms:.0} ms"),
        1_000.0..60_000.0 => format!("{:.1} s", ms / 1_000.0),
        _ => span_s((ms / 1_000.0) as i64),
    }
}

/// A count with its thousands apart, and `+` if counting stopped there.
pub fn count(number: i64, counted_to: i64) -> String {
    let plus = if number >= counted_to { "+" } else { "" };
    format!("{}{plus}", thousands(number))
}

/// A number with its thousands apart.
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + 8);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if number < 0 { format!("−{text}") } else { text }
}

/// What is at stake, in a line; sums by currency and by kind of thing.
pub fn stakes(stakes: &[Stake]) -> String {
    let words = stakes.iter().map(|stake| match stake {
        Stake::Money { minor, currency } => amount_in_words(*minor, currency),
        // The names are plurals.
        Stake::Things { name, count: 1 } => format!("1 {}", name.strip_suffix('s').unwrap_or(name)),
        Stake::Things { name, count } => format!("{} {name}", thousands(i64::from(*count))),
    });
    words.collect::<Vec<_>>().join(" · ")
}

/// A name from the database as it is written in a sentence: `stuck_again` is `stuck again`.
pub fn name(name: &str) -> String {
    name.replace('_', " ")
}

/// The same with a capital, for a field's label.
pub fn label(name: &str) -> String {
    let words = self::name(name);
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A number of things: `1 saga`, `2 000 sagas`.
pub fn things(number: i64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", thousands(number))
}

/// A saga's state: a mark and a word.
pub fn state(state: State) -> Markup {
    html! { span class={ "state " (state) } { (state) } }
}

/// An id that can be copied. The script adds the button.
pub fn id(id: impl Display) -> Markup {
    html! { code.id data-copy { (id) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_their_two_largest_units() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (61, "1 min 01 s"),
            (840, "14 min"),
            (3_661, "1 h 01 min"),
            (90_000, "1 d 01 h"),
        ];
        for (seconds, words) in cases {
            assert_eq!(span_s(seconds), words);
        }
        assert_eq!([span_ms(0.4), span_ms(250.0), span_ms(2_500.0)], ["0.4 ms", "250 ms", "2.5 s"]);
    }

    #[test]
    fn what_is_at_stake_is_a_line() {
        assert_eq!(count(10_000, 10_000), "10\u{202f}000+");
        let both = [
            Stake::Money { minor: 5, currency: "EUR".into() },
            Stake::Things { name: "seats".into(), count: 2 },
        ];
        assert_eq!(stakes(&both), "0.05 EUR · 2 seats");
    }
}
