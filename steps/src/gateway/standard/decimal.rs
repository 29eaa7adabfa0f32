//! Amounts as banks write them: decimals in a string, with as many places as the currency has (ISO 4217).

use crate::gateway::{Currency, Money};

/// The most digits: what surely fits minor units.
const DIGITS_MAX: usize = 18;

/// Minor units, if the text has exactly the currency's places and nothing else: `125.0` and `1e2` are refused, because
/// their writer may mean something else.
pub(super) fn read(text: &str, currency: Currency) -> Option<Money> {
    let places = currency.places();
    let (whole, part) = match places {
        0 => (text, ""),
        _ => text.split_once('.')?,
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = !whole.is_empty() && whole.len() + places <= DIGITS_MAX && part.len() == places;
    if !fits || !digits(whole) || !digits(part) {
        return None;
    }
    Some(Money::new(format!("{whole}{part}").parse().ok()?, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_places_of_their_currency() {
        for (amount, currency, text) in [
            (12_500, "EUR", "125.00"),
            (5, "USD", "0.05"),
            (0, "EUR", "0.00"),
            (12_500, "JPY", "12500"),
            (12_500, "KWD", "12.500"),
        ] {
            let money = Money::new(amount, currency.parse().unwrap());
            assert_eq!(money.decimal(), text);
            assert_eq!(read(text, money.currency), Some(money));
        }
    }

    #[test]
    fn what_may_mean_something_else_is_refused() {
        for text in
            ["", "125", "125.0", "125.000", "-1.00", "1e2.00", "1,25", ".50", "1.5a", "99999999999999999.99"]
        {
            assert_eq!(read(text, Currency::EUR), None, "{text}");
        }
        assert_eq!(read("1.00", "JPY".parse().unwrap()), None);
    }
}
