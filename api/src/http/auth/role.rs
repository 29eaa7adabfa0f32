//! What a token's bearer may do.

use clap::ValueEnum;
use std::fmt;

/// The role of a token, which says what its bearer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// It books for itself and sees only its own things.
    Customer,
    /// A program that books for users.
    Service,
    /// Reads everything and repairs sagas.
    Operator,
    /// Reads everything.
    Auditor,
}

impl Role {
    /// The word, as the column holds it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Service => "service",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    /// The role of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|role| role.as_str() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
