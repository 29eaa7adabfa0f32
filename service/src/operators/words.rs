//! The words that filters are made of, with one parser each for flags, queries, bodies and addresses.
//!
//! A word is written as in JSON and in the database, `in_doubt`. A hyphen or a space is understood as well. Errors don't
//! name the field, because every door names its fields in its own way.

use super::invalid::{not, not_one_of};
use operator::{ItemResult, Trouble};
use orchestrator::State;

/// The states of sagas, in the order of a saga's life.
pub const STATES: [State; 6] =
    [State::Running, State::Waiting, State::Unwinding, State::Completed, State::Unwound, State::Stuck];

/// The results of a saga in a batch.
pub const RESULTS: [ItemResult; 6] = [
    ItemResult::Waiting,
    ItemResult::Acted,
    ItemResult::Mended,
    ItemResult::StuckAgain,
    ItemResult::Refused,
    ItemResult::Failed,
];

/// Reads a state.
///
/// # Errors
/// The text is not one of the allowed values.
pub fn state(text: &str) -> Result<State, String> {
    found(&STATES, State::as_str, text)
}

/// Reads a work-list.
///
/// # Errors
/// The text is not one of the allowed values.
pub fn trouble(text: &str) -> Result<Trouble, String> {
    found(&Trouble::ALL, Trouble::as_str, text)
}

/// Reads a result of a batch's saga.
///
/// # Errors
/// The text is not one of the allowed values.
pub fn result(text: &str) -> Result<ItemResult, String> {
    found(&RESULTS, ItemResult::as_str, text)
}

/// Reads a group's fingerprint: SHA-256 in lower-case hexadecimal.
///
/// # Errors
/// The text is not a fingerprint.
pub fn fingerprint(text: &str) -> Result<String, String> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == 64 && text.bytes().all(hex) {
        return Ok(text.to_owned());
    }
    Err(not("the fingerprint of a group, 64 hexadecimal digits", text))
}

/// Reads a span. Returns seconds.
///
/// # Errors
/// The text is not a span.
pub fn older_than(text: &str) -> Result<i64, String> {
    let span = super::span(text).map(|span| span.num_seconds());
    span.map_err(|_| not("a span such as 90s, 30m, 24h or 7d", text))
}

/// Words joined for a sentence: `running, waiting or stuck`.
pub fn listed<T: Copy>(words: &[T], as_str: fn(T) -> &'static str) -> String {
    let words: Vec<&str> = words.iter().map(|word| as_str(*word)).collect();
    match words.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => String::new(),
    }
}

fn found<T: Copy>(all: &[T], as_str: fn(T) -> &'static str, text: &str) -> Result<T, String> {
    let word = text.trim().replace(['-', ' '], "_");
    let found = all.iter().copied().find(|one| as_str(*one) == word);
    found.ok_or_else(|| not_one_of(all.iter().map(|one| as_str(*one)), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_however_it_is_joined_and_a_slip_is_told_what_there_is() {
        for state in STATES {
            assert_eq!(self::state(state.as_str()), Ok(state));
        }
        for list in Trouble::ALL {
            assert_eq!(trouble(list.as_str()), Ok(list));
            assert_eq!(trouble(&list.as_str().replace('_', "-")), Ok(list));
        }
        for one in RESULTS {
            assert_eq!(result(one.as_str()), Ok(one));
        }
        assert_eq!(result("stuck again"), Ok(ItemResult::StuckAgain));
        assert_eq!(
            trouble("stuk"),
            Err("must be one of stuck, in_doubt, owed, retrying, overdue, silent, paused, and is \"stuk\""
                .into())
        );
        assert!(state("Stuck").is_err() && state("").is_err());
        assert!(fingerprint("abc").is_err() && older_than("soon").is_err());
        assert_eq!(older_than("15m"), Ok(900));
        assert_eq!(listed(&STATES[..3], State::as_str), "running, waiting or unwinding");
    }
}
