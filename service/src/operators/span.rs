//! Spans of time as people write them.

use chrono::TimeDelta;

/// A span of time such as `90s`, `30m`, `24h` or `7d`; at most ten years.
///
/// # Errors
/// What the text must be.
pub fn span(text: &str) -> Result<TimeDelta, &'static str> {
    const WRONG: &str = "must be a span such as `90s`, `30m`, `24h` or `7d`";
    const YEARS_MAX: i64 = 10;
    let (number, unit_s) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1),
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b'h') => (&text[..text.len() - 1], 3_600),
        Some(b'd') => (&text[..text.len() - 1], 86_400),
        _ => return Err(WRONG),
    };
    let seconds = number.parse::<u32>().ok().and_then(|number| i64::from(number).checked_mul(unit_s));
    seconds.filter(|seconds| *seconds <= YEARS_MAX * 365 * 86_400).map(TimeDelta::seconds).ok_or(WRONG)
}
