//! Makes texts of a gateway harmless before we store or log them.
//!
//! A gateway's texts get into our journal and logs, and operators read them. A gateway that misbehaves may echo everything
//! that it was sent. So texts are cut, and what looks like a card number or a secret is removed.

/// The most characters of a sentence.
const SENTENCE_MAX: usize = 200;
/// The most characters of a code, such as `card_declined`.
const WORD_MAX: usize = 64;
/// The shortest card number has 12 digits (ISO/IEC 7812).
const DIGITS_MIN: usize = 12;
/// The prefixes of gateways' secrets.
const SECRETS: [&str; 4] = ["sk_", "rk_", "whsec_", "Bearer"];

/// A code: letters, digits and `_.[]-`, cut; `unknown` if nothing is left.
pub(super) fn word(text: &str) -> String {
    let kept: String = sentence(text)
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '-'))
        .take(WORD_MAX)
        .collect();
    if kept.is_empty() { "unknown".to_owned() } else { kept }
}

/// A text for people, without control characters, card numbers and secrets, cut.
pub(super) fn sentence(text: &str) -> String {
    let words = text
        .split_whitespace()
        .map(|word| if SECRETS.iter().any(|secret| word.contains(secret)) { "…" } else { word });
    let shown: String = words.collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect();
    let mut kept = String::new();
    for run in runs(&shown) {
        let digits = run.chars().filter(char::is_ascii_digit).count();
        kept.push_str(if digits >= DIGITS_MIN { "…" } else { run });
    }
    kept.chars().take(SENTENCE_MAX).collect()
}

/// The text cut where a stretch of digits, with spaces and dashes between them, begins or ends.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = match first.is_ascii_digit() {
            true => rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, ' ' | '-')),
            false => rest.find(|c: char| c.is_ascii_digit()),
        };
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(run)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_and_secrets_are_blotted_out() {
        for (text, expected) in [
            ("Your card was declined.", "Your card was declined."),
            ("card 4242 4242 4242 4242 is bad", "card …is bad"),
            ("card 4242-4242-4242-4242", "card …"),
            ("4242424242424242", "…"),
            ("amount 12500 of 12500", "amount 12500 of 12500"),
            ("Invalid API Key: sk_live_abc", "Invalid API Key: …"),
            ("a\u{0}b\nc", "ab c"),
        ] {
            assert_eq!(sentence(text), expected);
        }
        assert_eq!(sentence(&"x".repeat(1000)).len(), SENTENCE_MAX);
        assert_eq!(word("card_declined"), "card_declined");
        assert_eq!(word("<script> 4242424242424242"), "script");
        assert_eq!(word("\u{0}"), "unknown");
    }
}
