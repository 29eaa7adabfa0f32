//! What must hold once nothing goes wrong any more.

mod books;
mod database;
mod logs;
mod probe;
mod rest;
mod saga;
mod told;

pub(super) use books::check_books;
pub(super) use database::check_database;
pub(super) use logs::read_logs;
pub(super) use probe::check_life;
pub(super) use rest::{Rest, come_to_rest};
pub(super) use saga::sagas_named;
pub(super) use told::check_told;
