//! The states of the specification, as closed enums. The database's CHECK constraints have the same words.

/// A closed enum whose words are those of a text column and of JSON.
macro_rules! status {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
        #[sqlx(type_name = "text")]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] #[sqlx(rename = $text)] $variant,)+
        }

        impl $name {
            /// The word in columns and JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use status;

status! {
    /// The status of a seat.
    SeatStatus {
        /// Nobody has it.
        Available = "AVAILABLE",
        /// A pending reservation has it, until its time is over.
        Reserved = "RESERVED",
        /// A confirmed reservation has it, for good.
        Booked = "BOOKED",
    }
}

status! {
    /// The status of a reservation.
    ReservationStatus {
        /// It holds its seats, and they are not paid for yet.
        Pending = "PENDING",
        /// It is booked.
        Confirmed = "CONFIRMED",
        /// It has ended because of its time, a failed payment or anything else except a person.
        Expired = "EXPIRED",
        /// A person ended it.
        Cancelled = "CANCELLED",
    }
}

status! {
    /// The status of a payment.
    PaymentStatus {
        /// It is ordered, and the gateway has not secured the money yet.
        Initiated = "INITIATED",
        /// The gateway has secured the money.
        Success = "SUCCESS",
        /// It was declined, expired or voided. No money moved.
        Failed = "FAILED",
        /// The money went back.
        Refunded = "REFUNDED",
    }
}

status! {
    /// The state of a payment's money, which is finer than its status.
    MoneyState {
        /// No money is secured.
        Unsecured = "UNSECURED",
        /// The money is authorised: held on the customer's account.
        Held = "HELD",
        /// The money is authorised and a booking is confirmed with it, so the capture is owed.
        Owed = "OWED",
        /// The money is captured: we have it.
        Captured = "CAPTURED",
        /// The money was held once, and was released.
        Voided = "VOIDED",
        /// The money was captured once, and was given back.
        Refunded = "REFUNDED",
    }
}

status! {
    /// The status of a booking.
    BookingStatus {
        /// It is valid.
        Confirmed = "CONFIRMED",
        /// It was cancelled.
        Cancelled = "CANCELLED",
    }
}

status! {
    /// Whether an event's seats may be reserved.
    SaleStatus {
        /// They may be reserved.
        Open = "OPEN",
        /// They may not be reserved.
        Closed = "CLOSED",
    }
}
