//! The states that the specification names, as closed enums; the database's CHECK constraints say the same.

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
            /// The word, as columns and JSON hold it.
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
    /// Whose a seat is.
    SeatStatus {
        /// Nobody's.
        Available = "AVAILABLE",
        /// A pending reservation's, until its time is up.
        Reserved = "RESERVED",
        /// A confirmed reservation's, for good.
        Booked = "BOOKED",
    }
}

status! {
    /// What became of a reservation.
    ReservationStatus {
        /// Its seats are its own and not yet paid for.
        Pending = "PENDING",
        /// Booked.
        Confirmed = "CONFIRMED",
        /// Ended by time, by a failed payment or by anything but a person.
        Expired = "EXPIRED",
        /// Ended by a person.
        Cancelled = "CANCELLED",
    }
}

status! {
    /// Where a payment stands.
    PaymentStatus {
        /// Ordered; the gateway has not secured the money yet.
        Initiated = "INITIATED",
        /// The gateway has secured the money.
        Success = "SUCCESS",
        /// Declined, expired or voided; no money moved.
        Failed = "FAILED",
        /// The money went back.
        Refunded = "REFUNDED",
    }
}

status! {
    /// How far a payment's money has come; finer than its status.
    MoneyState {
        /// None secured.
        Unsecured = "UNSECURED",
        /// Authorised: set aside on the customer's account.
        Held = "HELD",
        /// Authorised, and a booking confirmed on it: the capture is owed.
        Owed = "OWED",
        /// Captured: with us.
        Captured = "CAPTURED",
        /// Set aside once, and let go.
        Voided = "VOIDED",
        /// Captured once, and given back.
        Refunded = "REFUNDED",
    }
}

status! {
    /// Whether a booking still stands.
    BookingStatus {
        /// It does.
        Confirmed = "CONFIRMED",
        /// It was given back.
        Cancelled = "CANCELLED",
    }
}

status! {
    /// Whether an event's seats may be reserved.
    SaleStatus {
        /// They may.
        Open = "OPEN",
        /// They may not.
        Closed = "CLOSED",
    }
}
