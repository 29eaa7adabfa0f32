//! `/operator/batches`: one action on many sagas.

mod read;
mod request;
mod start;
mod steer;

pub use read::{items, list, read};
pub use start::start;
pub use steer::{cancel, consent, pause, resume};

// `routes!` looks for these beside the handlers.
pub use read::{__path_items, __path_list, __path_read};
pub use start::__path_start;
pub use steer::{__path_cancel, __path_consent, __path_pause, __path_resume};
