//! Amounts: whole minor units of one currency, never a float.
//!
//! An amount is only ever compared or added within its currency; what a minor unit is worth (cents, yen) is
//! the currency's own business and nothing here divides.

use serde::{Deserialize, Serialize};
use sqlx::Postgres;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use std::fmt;
use std::str::FromStr;

/// An amount of money: `amount` minor units (cents for EUR, yen for JPY) of `currency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// An ISO 4217 code: three letters, upper case in our JSON and rows. Whether a bank knows it is the bank's to say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");
    /// The United States dollar.
    pub const USD: Self = Self(*b"USD");

    /// The code in upper case.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency holds ASCII letters only")
    }

    /// Decimal places (ISO 4217): two, but for these.
    pub fn places(self) -> usize {
        const NONE: [&str; 16] = [
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF",
            "XOF", "XPF",
        ];
        const THREE: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
        match self.as_str() {
            code if NONE.contains(&code) => 0,
            code if THREE.contains(&code) => 3,
            _ => 2,
        }
    }
}

/// The text is not a currency code.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a currency is three letters as in ISO 4217, for example `EUR`")]
pub struct BadCurrency;

impl FromStr for Currency {
    type Err = BadCurrency;

    fn from_str(text: &str) -> Result<Self, BadCurrency> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| BadCurrency)?;
        if !code.iter().all(u8::is_ascii_alphabetic) {
            return Err(BadCurrency);
        }
        Ok(Self(code.map(|letter| letter.to_ascii_uppercase())))
    }
}

impl TryFrom<String> for Currency {
    type Error = BadCurrency;

    fn try_from(text: String) -> Result<Self, BadCurrency> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl sqlx::Type<Postgres> for Currency {
    fn type_info() -> PgTypeInfo {
        <str as sqlx::Type<Postgres>>::type_info()
    }

    fn compatible(found: &PgTypeInfo) -> bool {
        <str as sqlx::Type<Postgres>>::compatible(found)
    }
}

impl<'r> sqlx::Decode<'r, Postgres> for Currency {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(<&str as sqlx::Decode<Postgres>>::decode(value)?.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_and_writes_the_shape_of_the_api() {
        let money: Money = serde_json::from_str(r#"{"amount": 12500, "currency": "EUR"}"#).unwrap();
        assert_eq!(money, Money::new(12_500, Currency::EUR));
        assert_eq!(serde_json::to_string(&money).unwrap(), r#"{"amount":12500,"currency":"EUR"}"#);
    }

    #[test]
    fn what_is_not_a_code_is_refused() {
        for text in ["EURO", "", "E1R", "€"] {
            assert_eq!(text.parse::<Currency>(), Err(BadCurrency), "{text}");
        }
        assert_eq!("eur".parse(), Ok(Currency::EUR));
    }

    #[test]
    fn amounts_of_two_currencies_never_add() {
        let (euro, yen) = (Money::new(1, Currency::EUR), Money::new(1, "JPY".parse().unwrap()));
        assert_eq!(euro.checked_add(yen), None);
        assert_eq!(euro.checked_add(euro), Some(Money::new(2, Currency::EUR)));
        assert_eq!(Money::new(i64::MAX, Currency::EUR).checked_add(euro), None);
    }
}
