//! An amount of money, as operators and customers are shown it.

use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Money {
    /// In minor units of the currency, such as cents.
    #[schema(example = 12500)]
    pub amount: i64,
    /// ISO 4217.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    pub currency: String,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&steps::amount_in_words(self.amount, &self.currency))
    }
}

impl From<steps::Money> for Money {
    fn from(money: steps::Money) -> Self {
        Self { amount: money.amount, currency: money.currency.as_str().to_owned() }
    }
}
