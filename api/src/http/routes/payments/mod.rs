//! `/payments`: orders to pay for a reservation.

mod create;
mod order;
mod read;
mod view;

pub use create::create;
pub use order::unknown;
pub use read::read;
pub use view::State;

// `routes!` looks for these beside the handlers.
pub use create::__path_create;
pub use read::__path_read;
