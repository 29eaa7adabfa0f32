//! `/operator`: sagas as operators see them, and what they do about them. Operators read and act; auditors read.
//!
//! Nothing is decided here: the operators' desk plans and acts, and [`service::operators`] makes the views.

mod act;
mod audit;
pub mod batches;
mod list;
mod new_action;
pub mod proposals;
mod read;
mod schema;

pub use act::act;
pub use audit::list as audit;
pub use list::{groups, sagas};
pub use read::read;

// `routes!` looks for these beside the handlers.
pub use act::__path_act;
pub use audit::__path_list as __path_audit;
pub use list::{__path_groups, __path_sagas};
pub use read::__path_read;
