//! What is at stake in a step, as rows store it.

use serde::{Deserialize, Serialize};

/// What can be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stake {
    /// Money in minor units of a currency.
    Money {
        /// The amount in minor units.
        minor: i64,
        /// The currency (ISO 4217).
        currency: String,
    },
    /// Things of one kind.
    Things {
        /// Their name, in the plural.
        name: String,
        /// Their number.
        count: u32,
    },
}

impl Stake {
    /// The sum of stakes: one for each currency and each kind of thing, in the order in which they first appear.
    pub fn sum(stakes: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut sums: Vec<Self> = Vec::new();
        for stake in stakes {
            if !sums.iter_mut().any(|sum| sum.takes(&stake)) {
                sums.push(stake);
            }
        }
        sums
    }

    /// Whether it is money.
    pub fn is_money(&self) -> bool {
        matches!(self, Self::Money { .. })
    }

    fn takes(&mut self, more: &Self) -> bool {
        match (self, more) {
            (Self::Money { minor, currency }, Self::Money { minor: more, currency: its })
                if currency == its =>
            {
                *minor = minor.saturating_add(*more);
                true
            }
            (Self::Things { name, count }, Self::Things { name: its, count: more }) if name == its => {
                *count = count.saturating_add(*more);
                true
            }
            (Self::Money { .. } | Self::Things { .. }, Self::Money { .. } | Self::Things { .. }) => false,
        }
    }
}
