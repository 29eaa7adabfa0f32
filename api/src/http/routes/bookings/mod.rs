//! `/bookings`: seats sold, and given back.

mod cancel;
mod create;
mod read;
mod view;

pub use cancel::cancel;
pub use create::create;
pub use read::read;

// `routes!` looks for these beside the handlers.
pub use cancel::__path_cancel;
pub use create::__path_create;
pub use read::__path_read;
