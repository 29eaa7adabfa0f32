//! Amounts in the queries' sentences: `{3600 EUR}`, in minor units as the tables have them, becomes `36.00 EUR`.
//!
//! SQL doesn't know the decimal places of a currency, and people shall read all amounts in one format.

use steps::amount_in_words;

/// The sentence with each amount in braces as people write it. Other braces stay.
pub(super) fn in_words(sentence: &str) -> String {
    let mut words = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, (minor, currency), after)) = next_amount(rest) {
        words += before;
        words += &amount_in_words(minor, currency);
        rest = after;
    }
    words + rest
}

/// The first amount in braces: what is before it, its minor units and its currency, and what is after it.
fn next_amount(text: &str) -> Option<(&str, (i64, &str), &str)> {
    text.match_indices('{').find_map(|(at, _)| {
        let (inside, after) = text[at + 1..].split_once('}')?;
        let (minor, currency) = inside.split_once(' ')?;
        Some((&text[..at], (minor.parse().ok()?, currency), after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_braces_become_words_and_nothing_else_does() {
        let cases = [
            ("owes its customer {3600 EUR}", "owes its customer 36.00 EUR"),
            ("{-1 KWD} of {3600 JPY} gone", "-0.001 KWD of 3600 JPY gone"),
            ("{no} {amount here} {5 EUR}, {", "{no} {amount here} 0.05 EUR, {"),
            ("its payment does not exist", "its payment does not exist"),
        ];
        for (sentence, words) in cases {
            assert_eq!(in_words(sentence), words);
        }
    }
}
