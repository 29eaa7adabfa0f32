//! The classes of differences between two books, and what to do about each.

use serde::{Serialize, Serializer};
use std::fmt;

/// How our books and the gateway's agree on one payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Both say the same.
    Matched,
    /// The gateway has secured money for a reservation without a booking, and nobody is giving the money back.
    MoneyWithoutBooking,
    /// Seats are sold, but the gateway has no money for them (any more).
    BookingWithoutMoney,
    /// Both have money, but not the same amount.
    AmountDiffers,
    /// One side has a refund that the other lacks.
    RefundMissing,
    /// The gateway gave back more than it had taken.
    RefundTooMuch,
    /// The gateway has money that our books don't know.
    UnknownPayment,
    /// They differ, but it is too early to call it wrong: the payment is young, or its saga is working.
    InFlight,
    /// They differ, and its saga is stuck, so it is already on the work-list of sagas.
    Stuck,
}

impl Class {
    /// All classes, in the order in which they are printed.
    pub const ALL: [Self; 9] = [
        Self::Matched,
        Self::MoneyWithoutBooking,
        Self::BookingWithoutMoney,
        Self::AmountDiffers,
        Self::RefundMissing,
        Self::RefundTooMuch,
        Self::UnknownPayment,
        Self::InFlight,
        Self::Stuck,
    ];

    /// The word in columns, JSON, the command line and the headings of `docs/operating.md`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::MoneyWithoutBooking => "money-without-booking",
            Self::BookingWithoutMoney => "booking-without-money",
            Self::AmountDiffers => "amount-differs",
            Self::RefundMissing => "refund-missing",
            Self::RefundTooMuch => "refund-too-much",
            Self::UnknownPayment => "unknown-payment",
            Self::InFlight => "in-flight",
            Self::Stuck => "stuck",
        }
    }

    /// The class with this word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }

    /// Whether a person must look at it.
    pub fn is_difference(self) -> bool {
        match self {
            Self::MoneyWithoutBooking
            | Self::BookingWithoutMoney
            | Self::AmountDiffers
            | Self::RefundMissing
            | Self::RefundTooMuch
            | Self::UnknownPayment => true,
            Self::Matched | Self::InFlight | Self::Stuck => false,
        }
    }

    /// What can be done about it without making it worse.
    pub fn safe_action(self) -> &'static str {
        match self {
            Self::Matched => "nothing",
            Self::InFlight => "wait, then compare again",
            Self::Stuck => "repair the saga: `usher saga list --state stuck`",
            Self::MoneyWithoutBooking => {
                "tell the nodes of it, which book the seats if they are free and else give the money back: `usher case tell <id> --reason …`"
            }
            Self::BookingWithoutMoney => {
                "tell the nodes: `usher case tell <id> --reason …`, or, if the gateway doesn't know the payment, `usher case never-captured <id> --reason …`; agree with the customer; then cancel the booking: `POST /bookings/{id}/cancellation` by a service"
            }
            Self::AmountDiffers => {
                "compare both books; refund at the gateway what is too much there; then `usher case tell <id> --reason …`"
            }
            Self::RefundMissing => {
                "tell the nodes to read the gateway's refunds: `usher case tell <id> --reason …`; if it is the gateway that lacks one, refund there"
            }
            Self::RefundTooMuch => {
                "find out who made the refund; then take it into our books: `usher case take-in <id> --reason …`"
            }
            Self::UnknownPayment => {
                "if it names a payment of ours, we have lost it: give the money back, `usher case give-back <id> --reason …`; else find out who charged it, and refund it in the gateway's dashboard"
            }
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
