//! `booking.seats`: what is for sale, and whose each seat is.

mod decide;
mod free;
mod list;
mod look;
mod take;

pub use decide::{Lost, LostReason, Owner, Refusal};
pub use free::free_booked;
pub use list::{Seat, SeatState, count, find_all, list_of_event, list_states};
pub use take::{Held, Take, TakeOutcome, Taken, take_all};
