//! What a word may mean. This is decided by its form alone, so that each look-up uses one index.

use uuid::Uuid;

/// One meaning of a word that somebody searches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// The id of a reservation, booking, payment, seat or user.
    Id(Uuid),
    /// A user's e-mail address, in lower case.
    Address(String),
    /// A booking's code, which the customer shows at the door.
    Code(String),
    /// A seat's place, as it is written in the venue: `Stalls A 12`, or `Stalls A 12 @ Hamlet`.
    Seat { section: &'a str, row: &'a str, number: i16, event: Option<&'a str> },
    /// A gateway's name for a payment or a refund.
    Reference(&'a str),
    /// A user's name, or its beginning.
    Name(&'a str),
}

/// The number of characters in a booking's code.
const CODE_CHARS: usize = 12;
/// The shortest beginning of a name, in characters: a shorter one would find everybody.
const NAME_CHARS_MIN: usize = 2;

impl<'a> Word<'a> {
    /// Everything that `text` may mean, the most likely first.
    pub(super) fn readings(text: &'a str) -> Vec<Self> {
        let text = text.trim();
        if let Ok(id) = text.parse() {
            return vec![Self::Id(id)];
        }
        if text.contains('@') && !text.contains(char::is_whitespace) {
            return vec![Self::Address(text.to_lowercase())];
        }
        let mut readings = Vec::new();
        if text.len() == CODE_CHARS && text.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            readings.push(Self::Code(text.to_uppercase()));
        }
        readings.extend(seat(text));
        if !text.is_empty() && !text.contains(char::is_whitespace) {
            readings.push(Self::Reference(text));
        }
        if text.chars().count() >= NAME_CHARS_MIN {
            readings.push(Self::Name(text));
        }
        readings
    }
}

/// Section, row and number; a section may have several words.
fn seat(text: &str) -> Option<Word<'_>> {
    let (label, event) = match text.split_once('@') {
        Some((label, event)) => (label.trim(), Some(event.trim())),
        None => (text, None),
    };
    let (rest, number) = label.rsplit_once(char::is_whitespace)?;
    let (section, row) = rest.trim_end().rsplit_once(char::is_whitespace)?;
    Some(Word::Seat { section: section.trim_end(), row, number: number.parse().ok()?, event })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_what_it_looks_like() {
        let box_seat = Word::Seat { section: "Box 4", row: "B", number: 2, event: None };
        let stalls = Word::Seat { section: "Stalls", row: "A", number: 12, event: Some("Hamlet") };
        assert_eq!(Word::readings("Box 4 B 2")[0], box_seat);
        assert_eq!(Word::readings(" Stalls A 12 @ Hamlet")[0], stalls);
        assert_eq!(Word::readings("Ada@Example.org"), [Word::Address("ada@example.org".into())]);
        assert_eq!(
            Word::readings("7zk3m9qx2t4b"),
            [Word::Code("7ZK3M9QX2T4B".into()), Word::Reference("7zk3m9qx2t4b"), Word::Name("7zk3m9qx2t4b")]
        );
        assert_eq!(Word::readings("pi_3"), [Word::Reference("pi_3"), Word::Name("pi_3")]);
        assert_eq!(Word::readings("Ada Lovelace"), [Word::Name("Ada Lovelace")]);
        assert!(matches!(Word::readings("0199a0a0-0000-7000-8000-000000000001")[..], [Word::Id(_)]));
        assert!(Word::readings("  ").is_empty());
    }
}
