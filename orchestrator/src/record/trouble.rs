//! What can be wrong with a saga. Each kind is a work-list.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The work-lists. A saga may be on several: if its compensation is owed, it may be stuck and paused as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// It needs a person.
    Stuck,
    /// The outcome of one of its calls is unknown.
    InDoubt,
    /// A compensation failed, so it is still owed.
    Owed,
    /// A step failed and certainly did nothing. It is tried again.
    Retrying,
    /// It has been due for more than a minute: there are no nodes with lanes, or none knows its version.
    Overdue,
    /// It is leased, and nothing was written to it for longer than the longest call and a lease.
    Silent,
    /// Somebody paused it.
    Paused,
}

impl Trouble {
    /// All work-lists, in the order in which they are shown.
    pub const ALL: [Self; 7] =
        [Self::Stuck, Self::InDoubt, Self::Owed, Self::Retrying, Self::Overdue, Self::Silent, Self::Paused];

    /// The word in URLs, and in the `trouble` column if it is stored there.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stuck => "stuck",
            Self::InDoubt => "in_doubt",
            Self::Owed => "owed",
            Self::Retrying => "retrying",
            Self::Overdue => "overdue",
            Self::Silent => "silent",
            Self::Paused => "paused",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Trouble {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|trouble| trouble.as_str() == text);
        found.ok_or_else(|| {
            format!(
                "`{text}` is not a work-list: it is one of stuck, in_doubt, owed, retrying, overdue, silent, paused"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_work_list_is_found_by_its_word() {
        for trouble in Trouble::ALL {
            assert_eq!(trouble.to_string().parse(), Ok(trouble));
        }
        assert!("Stuck".parse::<Trouble>().is_err());
    }
}
