//! The booking's ids. Each contains the bucket of its rows.
//!
//! Seats, reservations, payments and bookings have their event's bucket, so that one saga commits in one bucket. A
//! user has the bucket of the e-mail address.

use orchestrator::bucketed_id;

bucketed_id! {
    /// A person who books.
    UserId
}
bucketed_id! {
    /// A show: one venue, one evening, one currency.
    EventId
}
bucketed_id! {
    /// One seat at one event.
    SeatId
}
bucketed_id! {
    /// One to ten seats wanted by one user.
    ReservationId
}
bucketed_id! {
    /// One attempt to get a reservation paid.
    PaymentId
}
bucketed_id! {
    /// Seats sold.
    BookingId
}
