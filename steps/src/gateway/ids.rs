//! The gateway's ids and the token that stands for a card.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! gateway_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id with this text, as the gateway wrote it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

gateway_id! {
    /// The gateway's id of a payment (`pi_…`).
    IntentId
}
gateway_id! {
    /// The gateway's id of money that it moved for an intent (`ch_…`).
    ChargeId
}
gateway_id! {
    /// The gateway's id of a refund (`re_…`).
    RefundId
}
gateway_id! {
    /// The gateway's id of an event (`evt_…`).
    EventId
}

/// A token that stands for the customer's payment method (`pm_…`). It is never a card number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaymentMethod(String);

/// The text can't be a payment method's token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadMethod {
    /// Empty, too long, or not made of letters, digits, `_` and `-`.
    #[error("a payment method is 1 to 128 letters, digits, `_` or `-`, as the gateway gave it")]
    Shape,
    /// So many digits in a row that it may be a card number, which must never come here.
    #[error("this looks like a card number; send the token that the gateway gave for it")]
    CardNumber,
}

impl PaymentMethod {
    const BYTES_MAX: usize = 128;
    /// The shortest card number has 12 digits (ISO/IEC 7812); tokens have letters in between.
    const DIGITS_IN_A_ROW_MAX: usize = 11;

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PaymentMethod {
    type Err = BadMethod;

    fn from_str(text: &str) -> Result<Self, BadMethod> {
        let digits = text
            .split(|c: char| !c.is_ascii_digit() && !matches!(c, ' ' | '-'))
            .map(|run| run.chars().filter(char::is_ascii_digit).count());
        if digits.max().unwrap_or(0) > Self::DIGITS_IN_A_ROW_MAX {
            return Err(BadMethod::CardNumber);
        }
        let shaped = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if text.is_empty() || text.len() > Self::BYTES_MAX || !shaped {
            return Err(BadMethod::Shape);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for PaymentMethod {
    type Error = BadMethod;

    fn try_from(text: String) -> Result<Self, BadMethod> {
        text.parse()
    }
}

impl From<PaymentMethod> for String {
    fn from(method: PaymentMethod) -> Self {
        method.0
    }
}

impl fmt::Display for PaymentMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_not_a_payment_method() {
        for number in ["4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242"] {
            assert_eq!(number.parse::<PaymentMethod>(), Err(BadMethod::CardNumber));
        }
        assert_eq!("pm card".parse::<PaymentMethod>(), Err(BadMethod::Shape));
        assert_eq!("".parse::<PaymentMethod>(), Err(BadMethod::Shape));
        assert_eq!(
            "pm_1PqLs2LkdIwHu7ix0WbE3xQa".parse::<PaymentMethod>().unwrap().as_str(),
            "pm_1PqLs2LkdIwHu7ix0WbE3xQa"
        );
    }
}
