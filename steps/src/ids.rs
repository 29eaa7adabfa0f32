//! The booking's ids. Each says in which bucket its rows live.
//!
//! Seats, reservations, payments and bookings carry their event's bucket, so that one saga commits in one
//! bucket; a user carries that of its e-mail address.

use orchestrator::bucketed_id;

bucketed_id! {
    /// Someone who books.
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
