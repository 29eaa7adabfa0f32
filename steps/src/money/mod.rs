//! Amounts: whole minor units of one currency, never a float; and the one way in which people read them.
//!
//! An amount is only ever compared or added within its currency. What a minor unit is worth (cents, yen) is the currency's
//! own business: only writing an amount for people divides by it. Machines get minor units, in fields that say so.

mod currency;

pub use currency::{BadCurrency, Currency};

use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount of money: `amount` minor units (cents for EUR, yen for JPY) of `currency`. It is written as people write it:
/// `125.00 EUR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units; negative only in balances.
    pub amount: i64,
    /// ISO 4217.
    pub currency: Currency,
}

impl Money {
    /// An amount of this many minor units of a currency.
    pub fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// The sum, or `None` if the currencies differ or the amount overflows.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let amount = self.amount.checked_add(other.amount)?;
        (self.currency == other.currency).then_some(Self { amount, ..self })
    }

    /// The amount as people and banks write it, with as many places as its currency has: `125.00` for 12500 cents.
    pub fn decimal(self) -> String {
        let places = self.currency.places();
        let sign = if self.amount < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.amount.unsigned_abs(), width = places + 1);
        let (whole, part) = digits.split_at(digits.len() - places);
        if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

/// The same: what is printed for debugging gets into logs and errors, which people read too.
impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes an amount in minor units whose currency is only text, for people. What isn't a currency has no decimal places, so
/// it is said that these are minor units.
pub fn amount_in_words(minor: i64, currency: &str) -> String {
    match currency.parse() {
        Ok(currency) => Money::new(minor, currency).to_string(),
        Err(BadCurrency) => format!("{minor} minor units of {currency}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap())
    }

    #[test]
    fn money_reads_and_writes_the_shape_of_the_api() {
        let money: Money = serde_json::from_str(r#"{"amount": 12500, "currency": "EUR"}"#).unwrap();
        assert_eq!(money, Money::new(12_500, Currency::EUR));
        assert_eq!(serde_json::to_string(&money).unwrap(), r#"{"amount":12500,"currency":"EUR"}"#);
    }

    #[test]
    fn people_read_amounts_with_the_places_of_the_currency() {
        let cases = [
            (3_600, "EUR", "36.00 EUR"),
            (3_600, "JPY", "3600 JPY"),
            (3_600, "KWD", "3.600 KWD"),
            (3_600, "CLF", "0.3600 CLF"),
            (5, "EUR", "0.05 EUR"),
            (0, "EUR", "0.00 EUR"),
            (-7, "KWD", "-0.007 KWD"),
            (i64::MIN, "EUR", "-92233720368547758.08 EUR"),
        ];
        for (minor, code, words) in cases {
            assert_eq!(money(minor, code).to_string(), words);
            assert_eq!(format!("{:?}", money(minor, code)), words, "in logs too");
            assert_eq!(amount_in_words(minor, &code.to_lowercase()), words, "gateways write small letters");
        }
        assert_eq!(amount_in_words(5, "nonsense"), "5 minor units of nonsense");
    }

    #[test]
    fn amounts_of_two_currencies_never_add() {
        let (euro, yen) = (money(1, "EUR"), money(1, "JPY"));
        assert_eq!(euro.checked_add(yen), None);
        assert_eq!(euro.checked_add(euro), Some(money(2, "EUR")));
        assert_eq!(money(i64::MAX, "EUR").checked_add(euro), None);
    }
}
