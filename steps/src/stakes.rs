//! The stakes of steps, and amounts in words for people.

use crate::Money;
use orchestrator::Stake;

/// Money that can be lost, or be taken or given back twice.
pub(crate) fn money(money: Money) -> Vec<Stake> {
    let currency = money.currency.as_str().to_owned();
    if money.amount == 0 { Vec::new() } else { vec![Stake::Money { minor: money.amount, currency }] }
}

/// Seats that nobody else can have.
pub(crate) fn seats(count: usize) -> Vec<Stake> {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    vec![Stake::Things { name: "seats".to_owned(), count }]
}

/// A number of seats, in words.
pub(crate) fn seats_in_words(count: usize) -> String {
    if count == 1 { "1 seat".to_owned() } else { format!("{count} seats") }
}
