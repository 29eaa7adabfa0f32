//! Seeds that once failed: they are run for ever.

/// The seeds of `tests/chaos-seeds.txt`: a number a line, and behind it what it found.
///
/// # Panics
/// A line that doesn't begin with a number.
pub fn kept_seeds() -> Vec<u64> {
    let lines = include_str!("../../chaos-seeds.txt").lines();
    let lines = lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let seed = |line: &str| line.split_whitespace().next().and_then(|word| word.parse().ok());
    lines.map(|line| seed(line).unwrap_or_else(|| panic!("no seed begins the line `{line}`"))).collect()
}
