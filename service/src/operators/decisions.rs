//! The words with which operators steer batches and decide proposals: the same at all doors.

use super::{Invalid, invalid::not_one_of};
use operator::{Batch, BatchId, By, Operator, OperatorError};

/// What an operator can do to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchMove {
    /// Agrees to it, as a second person.
    Consent,
    /// Pauses it: no further saga is begun.
    Pause,
    /// Lets it go on after a pause, or after it stopped by itself.
    Resume,
    /// Ends it, or declines it.
    Cancel,
}

/// A second person's decision on a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Agree: exactly what was proposed is done.
    Consent,
    /// Decline: nothing is done.
    Decline,
}

impl BatchMove {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Consent, Self::Pause, Self::Resume, Self::Cancel];

    /// The word in commands, paths and forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// There is no such word; the detail lists all words.
    pub fn of(word: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|known| known.word() == word);
        found.ok_or_else(|| Invalid::new("wish", not_one_of(Self::ALL.map(Self::word), word)))
    }

    /// Does it to a batch.
    ///
    /// # Errors
    /// The batch's state forbids it, the person may not do it, or the database failed.
    pub async fn make(self, operator: &Operator, id: BatchId, by: By) -> Result<Batch, OperatorError> {
        match self {
            Self::Consent => operator.consent_batch(id, by).await,
            Self::Pause => operator.pause_batch(id, by).await,
            Self::Resume => operator.resume_batch(id, by).await,
            Self::Cancel => operator.cancel_batch(id, by).await,
        }
    }
}

impl Decision {
    /// Both decisions.
    pub const ALL: [Self; 2] = [Self::Consent, Self::Decline];

    /// The word in commands, paths and forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Decline => "decline",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// There is no such word; the detail lists all words.
    pub fn of(word: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|known| known.word() == word);
        found.ok_or_else(|| Invalid::new("decision", not_one_of(Self::ALL.map(Self::word), word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_what_it_says_and_a_slip_is_nothing() {
        for known in BatchMove::ALL {
            assert_eq!(BatchMove::of(known.word()), Ok(known));
        }
        for known in Decision::ALL {
            assert_eq!(Decision::of(known.word()), Ok(known));
        }
        assert!(BatchMove::of("cancle").unwrap_err().detail.contains("consent, pause, resume, cancel"));
        assert!(Decision::of("").is_err());
    }
}
